#include "transaction.hpp"

#include <utility>

#include "session_core.hpp"

namespace giromq::detail {

Transaction::Transaction(SessionCore& session, std::vector<std::string> capabilities)
    : session_(session), capabilities_(std::move(capabilities)) {
    make_control();
}

void Transaction::make_control() {
    ended_ = std::move(control_);
    control_ = std::make_shared<ControlLink>(
        session_, capabilities_, [this](const ControlRequestPtr& request) { answered(request); },
        [this](const Failure* failure) { link_lost(failure); });
}

void Transaction::attach() {
    if (control_->state() == LinkCore::State::failed || control_->state() == LinkCore::State::closed) make_control();
    control_->attach();
}

void Transaction::doom(const Failure& failure) {
    if (!doom_) doom_ = failure;
    session_.wake();
}

}  // namespace giromq::detail
