#include "net/admission.hpp"

namespace giromq::net {

Admission::Admission(Limits limits) : state_(std::make_shared<State>()) { state_->limits = limits; }

Admission::Ticket Admission::admit(const std::string& address) {
    auto state = state_;
    const std::lock_guard lock(state->mutex);
    if (state->total >= state->limits.total) return nullptr;
    auto& of_address = state->by_address[address];
    if (of_address >= state->limits.per_address) return nullptr;
    ++of_address;
    ++state->total;
    // The pointer only has to be other than null; its end is what counts.
    return Ticket(static_cast<const void*>(state.get()), [state, address](const void*) {
        const std::lock_guard release_lock(state->mutex);
        --state->total;
        const auto found = state->by_address.find(address);
        if (--found->second == 0) state->by_address.erase(found);
    });
}

std::uint32_t Admission::count() const {
    const std::lock_guard lock(state_->mutex);
    return state_->total;
}

}  // namespace giromq::net
