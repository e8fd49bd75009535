#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "security/user_directory.hpp"

namespace giromq::admin_web {

struct SessionLimits {
    /// Without a request for so long a session ends (PCI DSS 8.2.8).
    std::chrono::milliseconds idle{15 * 60 * 1000};
    std::chrono::milliseconds absolute{8 * 60 * 60 * 1000};
    /// How long a password that was given holds for what destroys things.
    std::chrono::milliseconds confirmed{5 * 60 * 1000};
    /// One more, and the one of the user that was unused for longest ends.
    std::size_t per_user_max = 16;
    std::size_t total_max = 1024;
};

/// What a request learns of the session that it belongs to.
struct LoginSession {
    security::Identity who;
    std::string csrf_token;
    std::chrono::milliseconds ends_in{0};                    // whatever happens
    std::optional<std::chrono::milliseconds> confirmed_for;  // nothing: the password must be given again
};

/// The sessions of people who have logged in with a browser. An id is 256 random bits, and kept as its SHA-256 only. A session ends when
/// nobody uses it, when it is old, and when its user is deleted or gets another password or role.
/// Threads: any.
class LoginSessions {
public:
    /// What a password is checked against (RFC 5802 §3): another password is another key.
    using StoredKey = std::array<std::uint8_t, 32>;

    LoginSessions(const security::UserDirectory& users, const Clock& clock, SessionLimits limits = {})
        : users_(users), clock_(clock), limits_(limits) {}

    /// After the password was right: a session with an id that nobody has seen before. Its password counts as confirmed. `stored_key` is
    /// that of the user from before the password was looked at: no session comes of a password that was changed during the login. Errors:
    /// security::errc::wrong_credentials (the user has gone or has another password meanwhile), security::errc::internal (no randomness),
    /// admin::errc::busy (as many sessions as there may be).
    Result<std::string> open(const std::string& user, const StoredKey& stored_key);

    /// The session of that id, which is used by this; nothing if there is none (any more).
    std::optional<LoginSession> use(std::string_view id);
    /// The same without using it: for what goes on by itself, such as a WebSocket or the question who is logged in.
    std::optional<LoginSession> view(std::string_view id);
    /// The password was given again.
    void confirm(std::string_view id);
    void close(std::string_view id);

    std::size_t count() const;
    const SessionLimits& limits() const { return limits_; }

private:
    using Key = std::array<std::uint8_t, 32>;
    struct Entry {
        std::string user;
        Role role = Role::application;
        StoredKey stored_key{};
        std::string csrf_token;
        MonotonicTime opened_at{};
        MonotonicTime used_at{};
        std::optional<MonotonicTime> confirmed_at;
    };

    std::map<Key, Entry>::iterator find(std::string_view id, MonotonicTime now);
    bool is_over(const Entry& entry, MonotonicTime now) const;
    bool is_user_as_before(const Entry& entry) const;
    LoginSession seen(const Entry& entry, MonotonicTime now) const;
    void make_room(const std::string& user, MonotonicTime now);

    const security::UserDirectory& users_;
    const Clock& clock_;
    const SessionLimits limits_;
    mutable std::mutex mutex_;
    std::map<Key, Entry> entries_;
};

/// The name of the cookie: browsers take one of this prefix only with Secure, for the whole host, and from it.
inline constexpr std::string_view session_cookie = "__Host-giromq";

/// The session's id in a Cookie header; nothing if there is none, or more than one, or the header is not well-formed.
std::optional<std::string> session_id_of(std::string_view cookie_header);
/// The Set-Cookie that gives the id to the browser, and the one that takes it away (an empty id).
std::string cookie_of(std::string_view id);

}  // namespace giromq::admin_web
