#include "admin/readiness.hpp"

#include <utility>

namespace giromq::admin {

std::string_view to_string(BrokerState state) {
    switch (state) {
        case BrokerState::starting: return "starting";
        case BrokerState::ready: return "ready";
        case BrokerState::stopping: return "stopping";
        case BrokerState::failed: return "failed";
    }
    return "failed";
}

void Readiness::set(BrokerState state, std::string reason) {
    const std::lock_guard lock(mutex_);
    if (view_.state == BrokerState::failed) return;
    view_ = {state, std::move(reason)};
}

Readiness::View Readiness::view() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

}  // namespace giromq::admin
