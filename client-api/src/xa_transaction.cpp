#include "xa_transaction.hpp"

#include <algorithm>
#include <utility>

#include "session_core.hpp"
#include "xa_codec.hpp"

namespace giromq::detail {

XaTransaction::XaTransaction(SessionCore& session)
    : Transaction(session, {"amqp:local-transactions", "amqp:distributed-transactions", xa_capability}) {}

const std::string* XaTransaction::id_for_work() {
    if (!active_ || active_->id.empty() || doom_) return nullptr;
    used_ = true;
    return &active_->id;
}

void XaTransaction::activate(const xa::Xid& xid, std::string id) {
    active_ = Association{xid, std::move(id), std::nullopt};
    used_ = false;
    doom_.reset();
    if (std::optional<Association> before = take_suspended(xid)) doom_ = before->doom;
}

XaTransaction::Association XaTransaction::take_active() {
    Association association = std::move(*active_);
    association.doom = std::exchange(doom_, std::nullopt);
    active_.reset();
    used_ = false;
    return association;
}

std::optional<XaTransaction::Association> XaTransaction::take_suspended(const xa::Xid& xid) {
    const auto found = std::find_if(suspended_.begin(), suspended_.end(), [&](const auto& one) { return one.xid == xid; });
    if (found == suspended_.end()) return std::nullopt;
    Association association = std::move(*found);
    suspended_.erase(found);
    return association;
}

void XaTransaction::link_lost(const Failure* failure) {
    for (Association& association : suspended_) association.id.clear();
    if (!active_) return;
    active_->id.clear();
    doom(failure != nullptr
             ? *failure
             : Failure{FailureKind::rolled_back, "giromq:connection-lost", "The connection was lost, and with it the branch."});
}

}  // namespace giromq::detail
