#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control_link.hpp"

namespace giromq::detail {

/// What makes a session transacted: a control link, the id under which work is done now, and whether that work can still be committed.
/// Threads: with the connection's mutex held.
class Transaction {
public:
    /// `capabilities`: what is asked of the coordinator.
    Transaction(SessionCore& session, std::vector<std::string> capabilities);
    virtual ~Transaction() = default;
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    ControlLink& control() { return *control_; }
    /// Attaches the control link, a new one if the broker has ended the last.
    void attach();

    /// The id for work that is done now; null if there is none yet, or if the work is lost.
    virtual const std::string* id_for_work() = 0;
    /// Work has been sent under the id.
    bool is_used() const { return used_; }
    /// Something of the transaction was refused or lost: it can only be rolled back. The first reason counts.
    void doom(const Failure& failure);
    const std::optional<Failure>& doom() const { return doom_; }

protected:
    virtual void answered(const ControlRequestPtr& request) = 0;
    virtual void link_lost(const Failure* failure) = 0;

    SessionCore& session_;
    bool used_ = false;
    std::optional<Failure> doom_;

private:
    void make_control();

    const std::vector<std::string> capabilities_;
    std::shared_ptr<ControlLink> control_;
    std::shared_ptr<ControlLink> ended_;  // by the broker; kept because it may be what is calling
};

}  // namespace giromq::detail
