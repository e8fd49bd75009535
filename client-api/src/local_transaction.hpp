#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "control_link.hpp"

namespace giromq::detail {

/// The transactions of a transacted session, one after the other: the id under which work is done now, and whether that work can still be
/// committed. An id is asked for with the first work, and from then on together with each commit, so that it is there when it is needed.
/// Threads: with the connection's mutex held.
class LocalTransaction {
public:
    explicit LocalTransaction(SessionCore& session);

    ControlLink& control() { return *control_; }
    /// Attaches the control link, a new one if the broker has ended the last.
    void attach();

    /// The id for work that is done now; null while it is being asked for.
    const std::string* id_for_work();
    /// Work has been sent under the id.
    bool is_used() const { return used_; }
    /// Something of the transaction was refused or lost: it can only be rolled back. The first reason counts.
    void doom(const Failure& failure);
    const std::optional<Failure>& doom() const { return doom_; }

    /// Ends the transaction at the broker; the next one has no id yet. A commit asks for that along with it.
    ControlRequestPtr discharge(bool fail);
    /// The next transaction begins.
    void begin_anew();
    /// Makes a rollback of a commit that could not even be sent; false if it has been.
    static bool turn_back(ControlRequest& commit);

private:
    void answered(const ControlRequestPtr& request);
    void link_lost(const Failure* failure);
    void declare();
    void make_control();

    SessionCore& session_;
    std::shared_ptr<ControlLink> control_;
    std::shared_ptr<ControlLink> ended_;  // by the broker; kept because it may be what is calling
    ControlRequestPtr declaring_;
    std::string id_;
    std::chrono::steady_clock::time_point declared_at_{};
    bool used_ = false;
    bool work_waits_ = false;  // for the id
    bool was_ahead_ = false;   // the id was asked for before there was work
    std::optional<Failure> doom_;
};

}  // namespace giromq::detail
