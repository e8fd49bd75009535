#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "security/authorisation.hpp"
#include "security/errc.hpp"

namespace giromq::security {

enum class LoginProtocol : std::uint8_t { amqp, http };

/// Who tries to log in, and from where.
struct LoginAttempt {
    LoginProtocol protocol = LoginProtocol::amqp;
    std::string_view user;
    /// "192.0.2.1:5672", "[2001:db8::1]:5672". The port does not count, and of an IPv6 address only its network, the first 64 bits.
    std::string_view peer;
};

/// What failed logins cost.
struct LoginLimits {
    /// So many failures of one user from one address cost nothing; four times as many of one address, or of one user from anywhere. Each
    /// further one locks (see LoginThrottle), the first for lock_first and every next one for twice as long. 0: nothing is ever locked.
    std::uint32_t failures_max = 5;
    std::chrono::milliseconds lock_first{1000};
    /// The longest lock; without a failure for so long everything is forgotten.
    std::chrono::milliseconds lock_max{15 * 60 * 1000};
    /// Users, addresses and pairs of both whose failures are remembered, and, apart from them, pairs that have logged in; of each the one
    /// unused for longest is forgotten first.
    std::size_t remembered_max = 10000;
};

/// Slows down whoever guesses passwords, over AMQP and HTTP alike, and lets nobody lock out anybody else:
///
/// * Failures of one user from one address lock that user there.
/// * Failures of an address lock the address, for all users but those that have logged in from it before.
/// * Failures of one user from anywhere lock the user nowhere by themselves: whoever knows a name could keep its user out from afar, above
///   all after a restart, when nobody has logged in yet. Instead they take away what is free: from then on each failure of that user, from
///   an address where it has never logged in, locks it there at once, for up to half a minute, and longer as they go on. So an address
///   always has its first try, and somebody with many addresses has about one guess for each and half a minute.
///
/// Who has logged in is remembered apart from failures, which thus cannot push it out. While locked, a login is refused without a look at
/// the password, and with the same answer as a wrong one. Threads: any.
class LoginThrottle {
public:
    explicit LoginThrottle(const Clock& clock) : clock_(clock) {}

    void set_limits(const LoginLimits& limits);
    /// Told of every attempt, on the thread that made it. To be set before the first one.
    using Listener = std::function<void(const LoginAttempt& attempt, bool succeeded)>;
    void set_listener(Listener listener) { listener_ = std::move(listener); }

    /// `verify` is called unless this user or address is locked now, and decides; an Error wrong_credentials counts as a failure. Refused
    /// with wrong_credentials while locked; the detail, which is for the log, says so.
    Result<Identity> attempt(const LoginAttempt& attempt, const std::function<Result<Identity>()>& verify);

    /// Counts a login that did not rest on a password (a certificate): nobody can guess those, so nothing is locked.
    void count(const LoginAttempt& attempt, bool succeeded);

    /// Logins over one protocol since the start, for the metrics (giromq_logins_total). ANONYMOUS is not a login.
    struct Counters {
        std::uint64_t succeeded = 0;
        std::uint64_t failed = 0;  // the refused ones included
        std::uint64_t refused = 0;
    };
    Counters counters(LoginProtocol protocol) const;
    /// How many failures and logins are remembered now.
    std::size_t remembered() const;

private:
    struct Entry {
        std::uint32_t failures = 0;  // in a row
        MonotonicTime locked_until{};
        MonotonicTime forgotten_at{};
    };
    /// A table that forgets what was not used for longest.
    template <typename Value>
    class Recent {
    public:
        Value* find(const std::string& key);
        Value& touch(const std::string& key, std::size_t entries_max);
        void remove(const std::string& key);
        std::size_t size() const { return entries_.size(); }

    private:
        using Entries = std::list<std::pair<std::string, Value>>;
        Entries entries_;  // the one used last is first
        std::unordered_map<std::string_view, typename Entries::iterator> places_;
    };
    struct LoggedIn {};
    struct Keys {
        std::string pair;
        std::string user;
        std::string network;
    };

    static Keys keys_of(const LoginAttempt& attempt);
    Counters& counters_of(LoginProtocol protocol) { return counters_[static_cast<std::size_t>(protocol)]; }
    std::size_t entries_max() const;
    std::optional<MonotonicTime> locked_until(const Keys& keys, MonotonicTime now);
    void forgive(const Keys& keys);
    void punish(const Keys& keys, MonotonicTime now);
    Entry& fail(const std::string& key, MonotonicTime now);
    std::chrono::milliseconds lock_after(const Entry& entry, std::uint32_t free_failures) const;
    void lock(const std::string& key, Entry& entry, std::chrono::milliseconds time, MonotonicTime now);

    Result<Identity> try_out(const LoginAttempt& attempt, const std::function<Result<Identity>()>& verify);

    const Clock& clock_;
    Listener listener_;
    mutable std::mutex mutex_;
    LoginLimits limits_;
    Recent<Entry> failures_;      // of users, addresses, and users at addresses
    Recent<LoggedIn> logged_in_;  // users at addresses
    std::array<Counters, 2> counters_;
};

}  // namespace giromq::security
