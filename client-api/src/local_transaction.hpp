#pragma once

#include <chrono>
#include <string>

#include "transaction.hpp"

namespace giromq::detail {

/// The local transactions of a session, one after the other. An id is asked for with the first work, and from then on together with each
/// commit, so that it is there when it is needed.
class LocalTransaction final : public Transaction {
public:
    explicit LocalTransaction(SessionCore& session);

    /// Asks for an id if there is none.
    const std::string* id_for_work() override;

    /// Ends the transaction at the broker; the next one has no id yet. A commit asks for that along with it.
    ControlRequestPtr discharge(bool fail);
    /// The next transaction begins.
    void begin_anew();
    /// Makes a rollback of a commit that could not even be sent; false if it has been.
    static bool turn_back(ControlRequest& commit);

private:
    void answered(const ControlRequestPtr& request) override;
    void link_lost(const Failure* failure) override;
    void declare();

    ControlRequestPtr declaring_;
    std::string id_;
    std::chrono::steady_clock::time_point declared_at_{};
    bool work_waits_ = false;  // for the id
    bool was_ahead_ = false;   // the id was asked for before there was work
};

}  // namespace giromq::detail
