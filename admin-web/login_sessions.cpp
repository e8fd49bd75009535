#include "admin-web/login_sessions.hpp"

#include <algorithm>
#include <utility>

#include "admin/errc.hpp"
#include "security/crypto.hpp"

namespace giromq::admin_web {
namespace {

constexpr std::size_t id_digits = 64;

bool is_id(std::string_view text) {
    const auto is_digit = [](char one) { return (one >= '0' && one <= '9') || (one >= 'a' && one <= 'f'); };
    return text.size() == id_digits && std::all_of(text.begin(), text.end(), is_digit);
}

/// 256 bits that nobody can guess, in hexadecimal.
Result<std::string> random_text() {
    std::array<std::uint8_t, id_digits / 2> bytes{};
    if (auto filled = security::random_bytes(bytes); !filled) return filled.error();
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 0x0fU];
    }
    return text;
}

std::chrono::milliseconds in_milliseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

/// RFC 6265 §4.1.1: what a value is made of.
bool is_cookie_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char one) { return one > ' ' && one < 0x7f && one != '"' && one != ',' && one != ';' && one != '\\'; });
}

}  // namespace

Result<std::string> LoginSessions::open(const std::string& user, const StoredKey& stored_key) {
    const auto known = users_.find(user);
    if (!known || !security::equal_in_constant_time(known->stored_key, stored_key)) return Error(security::errc::wrong_credentials);
    auto id = random_text();
    if (!id) return id.error();
    auto csrf_token = random_text();
    if (!csrf_token) return csrf_token.error();
    const auto key = security::sha256(security::as_bytes(*id));
    if (!key) return key.error();
    const std::lock_guard lock(mutex_);
    const MonotonicTime now = clock_.monotonic_now();
    make_room(user, now);
    if (entries_.size() >= limits_.total_max) return Error(admin::errc::busy, "too many people are logged in");
    entries_.emplace(*key, Entry{user, known->role, known->stored_key, std::move(*csrf_token), now, now, now});
    return id;
}

std::optional<LoginSession> LoginSessions::use(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const MonotonicTime now = clock_.monotonic_now();
    const auto found = find(id, now);
    if (found == entries_.end()) return std::nullopt;
    found->second.used_at = now;
    return seen(found->second, now);
}

std::optional<LoginSession> LoginSessions::view(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const MonotonicTime now = clock_.monotonic_now();
    const auto found = find(id, now);
    if (found == entries_.end()) return std::nullopt;
    return seen(found->second, now);
}

void LoginSessions::confirm(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const MonotonicTime now = clock_.monotonic_now();
    if (const auto found = find(id, now); found != entries_.end()) found->second.confirmed_at = now;
}

void LoginSessions::close(std::string_view id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = find(id, clock_.monotonic_now()); found != entries_.end()) entries_.erase(found);
}

std::size_t LoginSessions::count() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

/// Found by the hash of the id, so that the time of the search tells nothing about the ids that there are.
std::map<LoginSessions::Key, LoginSessions::Entry>::iterator LoginSessions::find(std::string_view id, MonotonicTime now) {
    if (!is_id(id)) return entries_.end();
    const auto key = security::sha256(security::as_bytes(id));
    if (!key) return entries_.end();
    const auto found = entries_.find(*key);
    if (found == entries_.end()) return found;
    if (!is_over(found->second, now) && is_user_as_before(found->second)) return found;
    entries_.erase(found);
    return entries_.end();
}

bool LoginSessions::is_over(const Entry& entry, MonotonicTime now) const {
    return now >= entry.used_at + limits_.idle || now >= entry.opened_at + limits_.absolute;
}

bool LoginSessions::is_user_as_before(const Entry& entry) const {
    const auto user = users_.find(entry.user);
    return user && user->role == entry.role && security::equal_in_constant_time(user->stored_key, entry.stored_key);
}

LoginSession LoginSessions::seen(const Entry& entry, MonotonicTime now) const {
    LoginSession session{users_.identity_of(entry.user, entry.role), entry.csrf_token, {}, std::nullopt};
    session.ends_in = in_milliseconds(entry.opened_at + limits_.absolute - now);
    if (entry.confirmed_at && now < *entry.confirmed_at + limits_.confirmed) {
        session.confirmed_for = in_milliseconds(*entry.confirmed_at + limits_.confirmed - now);
    }
    return session;
}

void LoginSessions::make_room(const std::string& user, MonotonicTime now) {
    std::erase_if(entries_, [&](const auto& item) { return is_over(item.second, now) || !is_user_as_before(item.second); });
    const auto is_of_user = [&](const auto& item) { return item.second.user == user; };
    if (static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), is_of_user)) < limits_.per_user_max) return;
    auto oldest = entries_.end();
    for (auto item = entries_.begin(); item != entries_.end(); ++item) {
        if (is_of_user(*item) && (oldest == entries_.end() || item->second.used_at < oldest->second.used_at)) oldest = item;
    }
    if (oldest != entries_.end()) entries_.erase(oldest);
}

std::optional<std::string> session_id_of(std::string_view cookie_header) {
    std::optional<std::string> id;
    while (!cookie_header.empty()) {
        const auto end = cookie_header.find("; ");
        const auto pair = cookie_header.substr(0, end);
        cookie_header = end == std::string_view::npos ? std::string_view() : cookie_header.substr(end + 2);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        if (pair.substr(0, equals) != session_cookie) continue;
        const auto value = pair.substr(equals + 1);
        // Two of them: somebody has planted one, and nobody can say which.
        if (id || !is_cookie_value(value) || !is_id(value)) return std::nullopt;
        id = std::string(value);
    }
    return id;
}

std::string cookie_of(std::string_view id) {
    std::string cookie(session_cookie);
    cookie += '=';
    cookie += id;
    cookie += "; Path=/; Secure; HttpOnly; SameSite=Strict";
    if (id.empty()) cookie += "; Max-Age=0";
    return cookie;
}

}  // namespace giromq::admin_web
