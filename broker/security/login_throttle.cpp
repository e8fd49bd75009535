#include "security/login_throttle.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "security/network_address.hpp"

namespace giromq::security {
namespace {

/// An address has many users, and a user many addresses.
constexpr std::uint32_t alone_factor = 4;

std::string seconds_text(std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

void LoginThrottle::set_limits(const LoginLimits& limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

LoginThrottle::Keys LoginThrottle::keys_of(const LoginAttempt& attempt) {
    // No user has a longer name, and whoever claims one must not fill the memory with it.
    const std::string name(attempt.user.substr(0, limits::user_name_bytes + 1));
    const std::string network = network_of(attempt.peer.substr(0, attempt.peer.rfind(':')));
    return {network + ' ' + name, "user " + name, "address " + network};
}

Result<Identity> LoginThrottle::attempt(const LoginAttempt& attempt, const std::function<Result<Identity>()>& verify) {
    auto result = try_out(attempt, verify);
    if (listener_) listener_(attempt, result.ok());
    return result;
}

Result<Identity> LoginThrottle::try_out(const LoginAttempt& attempt, const std::function<Result<Identity>()>& verify) {
    const Keys keys = keys_of(attempt);
    {
        const std::lock_guard lock(mutex_);
        const MonotonicTime now = clock_.monotonic_now();
        if (const auto until = locked_until(keys, now)) {
            ++counters_of(attempt.protocol).failed;
            ++counters_of(attempt.protocol).refused;
            return Error(errc::wrong_credentials, "not tried: locked for " + seconds_text(*until - now) + " after failed logins");
        }
    }
    Result<Identity> result = verify();
    const std::lock_guard lock(mutex_);
    ++(result ? counters_of(attempt.protocol).succeeded : counters_of(attempt.protocol).failed);
    if (limits_.failures_max == 0) return result;
    if (result) {
        forgive(keys, clock_.monotonic_now());
    } else if (result.error().is(errc::wrong_credentials)) {
        punish(keys, clock_.monotonic_now());
    }
    return result;
}

std::optional<MonotonicTime> LoginThrottle::locked_until(const Keys& keys, MonotonicTime now) {
    if (limits_.failures_max == 0) return std::nullopt;
    const Entry* const pair = find(keys.pair, now);
    if (pair != nullptr && pair->locked_until > now) return pair->locked_until;
    if (pair != nullptr && pair->is_known) return std::nullopt;
    std::optional<MonotonicTime> latest;
    for (const std::string* const key : {&keys.user, &keys.network}) {
        const Entry* const entry = find(*key, now);
        if (entry != nullptr && entry->locked_until > now) latest = std::max(latest.value_or(now), entry->locked_until);
    }
    return latest;
}

void LoginThrottle::forgive(const Keys& keys, MonotonicTime now) {
    Entry& pair = touch(keys.pair, now);
    pair.failures = 0;
    pair.is_known = true;
}

void LoginThrottle::punish(const Keys& keys, MonotonicTime now) {
    fail(keys.pair, limits_.failures_max, now);
    fail(keys.user, limits_.failures_max * alone_factor, now);
    fail(keys.network, limits_.failures_max * alone_factor, now);
}

void LoginThrottle::fail(const std::string& key, std::uint32_t free_failures, MonotonicTime now) {
    Entry& entry = touch(key, now);
    ++entry.failures;
    entry.forgotten_at = now + limits_.lock_max;
    if (entry.failures <= free_failures) return;
    std::chrono::milliseconds lock = limits_.lock_first;
    for (std::uint32_t further = entry.failures - free_failures; further > 1 && lock < limits_.lock_max; --further) lock *= 2;
    lock = std::min(lock, limits_.lock_max);
    entry.locked_until = now + lock;
    entry.forgotten_at = entry.locked_until + limits_.lock_max;
    log::warning("logins_locked", {{"what", key}, {"failures", entry.failures}, {"for", seconds_text(lock)}});
}

LoginThrottle::Entry* LoginThrottle::find(const std::string& key, MonotonicTime now) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    Entry& entry = *found->second;
    if (entry.failures > 0 && entry.forgotten_at <= now) entry.failures = 0;
    return &entry;
}

LoginThrottle::Entry& LoginThrottle::touch(const std::string& key, MonotonicTime now) {
    if (find(key, now) != nullptr) {
        entries_.splice(entries_.begin(), entries_, places_.find(key)->second);
        return entries_.front();
    }
    while (!entries_.empty() && entries_.size() >= std::max<std::size_t>(1, limits_.remembered_max)) {
        places_.erase(entries_.back().key);
        entries_.pop_back();
    }
    Entry& made = entries_.emplace_front();
    made.key = key;
    places_.emplace(made.key, entries_.begin());
    return made;
}

void LoginThrottle::count(const LoginAttempt& attempt, bool succeeded) {
    if (listener_) listener_(attempt, succeeded);
    const std::lock_guard lock(mutex_);
    ++(succeeded ? counters_of(attempt.protocol).succeeded : counters_of(attempt.protocol).failed);
}

LoginThrottle::Counters LoginThrottle::counters(LoginProtocol protocol) const {
    const std::lock_guard lock(mutex_);
    return counters_[static_cast<std::size_t>(protocol)];
}

std::size_t LoginThrottle::remembered() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace giromq::security
