#include "security/login_throttle.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "security/network_address.hpp"
#include "security/saslprep.hpp"

namespace giromq::security {
namespace {

using namespace std::chrono_literals;

/// An address has many users, and a user many addresses.
constexpr std::uint32_t alone_factor = 4;
/// What others have failed costs a user that errs at a new address no more than this.
constexpr std::chrono::milliseconds stranger_lock_max = 30s;

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
    // The same user under another spelling is the same user.
    const std::string name = prepared_name(attempt.user.substr(0, limits::user_name_bytes + 1));
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
        forgive(keys);
    } else if (result.error().is(errc::wrong_credentials)) {
        punish(keys, clock_.monotonic_now());
    }
    return result;
}

std::size_t LoginThrottle::entries_max() const { return std::max<std::size_t>(1, limits_.remembered_max); }

std::optional<MonotonicTime> LoginThrottle::locked_until(const Keys& keys, MonotonicTime now) {
    if (limits_.failures_max == 0) return std::nullopt;
    const Entry* const pair = failures_.find(keys.pair);
    if (pair != nullptr && pair->locked_until > now) return pair->locked_until;
    if (logged_in_.find(keys.pair) != nullptr) return std::nullopt;
    const Entry* const network = failures_.find(keys.network);
    if (network != nullptr && network->locked_until > now) return network->locked_until;
    return std::nullopt;
}

void LoginThrottle::forgive(const Keys& keys) {
    failures_.remove(keys.pair);
    logged_in_.touch(keys.pair, entries_max());
}

void LoginThrottle::punish(const Keys& keys, MonotonicTime now) {
    Entry& network = fail(keys.network, now);
    lock(keys.network, network, lock_after(network, limits_.failures_max * alone_factor), now);
    const auto for_user = lock_after(fail(keys.user, now), limits_.failures_max * alone_factor);
    Entry& pair = fail(keys.pair, now);
    const bool is_free = for_user == 0ms || logged_in_.find(keys.pair) != nullptr;
    const auto alone = lock_after(pair, is_free ? limits_.failures_max : 0);
    lock(keys.pair, pair, is_free ? alone : std::max(alone, std::min(for_user, stranger_lock_max)), now);
}

LoginThrottle::Entry& LoginThrottle::fail(const std::string& key, MonotonicTime now) {
    Entry& entry = failures_.touch(key, entries_max());
    if (entry.forgotten_at <= now) entry = {};
    ++entry.failures;
    entry.forgotten_at = now + limits_.lock_max;
    return entry;
}

/// How long the last of the failures locks; 0 if it is free.
std::chrono::milliseconds LoginThrottle::lock_after(const Entry& entry, std::uint32_t free_failures) const {
    if (entry.failures <= free_failures) return 0ms;
    std::chrono::milliseconds time = limits_.lock_first;
    for (std::uint32_t further = entry.failures - free_failures; further > 1 && time < limits_.lock_max; --further) time *= 2;
    return std::min(time, limits_.lock_max);
}

void LoginThrottle::lock(const std::string& key, Entry& entry, std::chrono::milliseconds time, MonotonicTime now) {
    if (time == 0ms) return;
    entry.locked_until = now + time;
    entry.forgotten_at = entry.locked_until + limits_.lock_max;
    log::warning("logins_locked", {{"what", key}, {"failures", entry.failures}, {"for", seconds_text(time)}});
}

template <typename Value>
Value* LoginThrottle::Recent<Value>::find(const std::string& key) {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &found->second->second;
}

template <typename Value>
Value& LoginThrottle::Recent<Value>::touch(const std::string& key, std::size_t entries_max) {
    if (const auto found = places_.find(key); found != places_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return entries_.front().second;
    }
    while (!entries_.empty() && entries_.size() >= entries_max) {
        places_.erase(entries_.back().first);
        entries_.pop_back();
    }
    auto& made = entries_.emplace_front(key, Value{});
    places_.emplace(made.first, entries_.begin());
    return made.second;
}

template <typename Value>
void LoginThrottle::Recent<Value>::remove(const std::string& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    const auto entry = found->second;
    places_.erase(found);
    entries_.erase(entry);
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
    return failures_.size() + logged_in_.size();
}

}  // namespace giromq::security
