#include "admin-web/request_rate.hpp"

#include <algorithm>
#include <chrono>

#include "security/network_address.hpp"

namespace giromq::admin_web {
namespace {

/// Addresses that are remembered: about 1 MB.
constexpr std::size_t accounts_max = 10'000;

}  // namespace

bool RequestRate::admit(std::string_view peer) {
    if (per_second_ == 0) return true;
    auto network = security::network_of(peer.substr(0, peer.rfind(':')));
    const auto now = clock_.monotonic_now();
    const std::lock_guard lock(mutex_);
    if (accounts_.size() >= accounts_max && !accounts_.contains(network)) make_room(now);
    const auto [place, is_new] = accounts_.try_emplace(std::move(network), Account{at_once_, now});
    auto& account = place->second;
    account = Account{requests_of(account, now), now};
    if (account.requests < 1) return false;
    account.requests -= 1;
    return true;
}

double RequestRate::requests_of(const Account& account, MonotonicTime now) const {
    const std::chrono::duration<double> passed = now - account.filled_at;
    return std::min(at_once_, account.requests + passed.count() * per_second_);
}

/// Whoever has not come for long is as good as somebody new. If nobody is, all begin anew: memory counts for more than their rate.
void RequestRate::make_room(MonotonicTime now) {
    std::erase_if(accounts_, [&](const auto& item) { return requests_of(item.second, now) >= at_once_; });
    if (accounts_.size() >= accounts_max) accounts_.clear();
}

}  // namespace giromq::admin_web
