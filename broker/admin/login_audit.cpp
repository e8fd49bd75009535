#include "admin/login_audit.hpp"

#include <algorithm>
#include <chrono>

#include "base/limits.hpp"
#include "base/utf8.hpp"
#include "security/encoding.hpp"

namespace giromq::admin {
namespace {

constexpr double tokens_max = 20;
constexpr std::chrono::seconds time_of_token{6};
constexpr std::chrono::hours seen_for{1};
constexpr std::size_t seen_max = 1000;

/// Whoever fails to log in may claim any name.
std::string name_of(std::string_view claimed) {
    const bool is_name = !claimed.empty() && claimed.size() <= limits::user_name_bytes && security::is_clean_utf8(claimed);
    return is_name ? std::string(claimed) : std::string("(not a name)");
}

}  // namespace

std::optional<AuditEntry> LoginAudit::entry_of(const security::LoginAttempt& attempt, bool succeeded) {
    const std::string user = name_of(attempt.user);
    AuditEntry entry;
    entry.time = clock_.wall_now();
    entry.user = user;
    entry.action = "login";
    entry.peer = attempt.peer;
    entry.protocol = attempt.protocol == security::LoginProtocol::http ? "http" : "amqp";
    const std::lock_guard lock(mutex_);
    if (succeeded) {
        const bool is_told = attempt.protocol == security::LoginProtocol::http &&
                             is_new(user + ' ' + std::string(attempt.peer.substr(0, attempt.peer.rfind(':'))));
        return is_told ? std::optional(std::move(entry)) : std::nullopt;
    }
    entry.outcome = "refused";
    return has_room(entry) ? std::optional(std::move(entry)) : std::nullopt;
}

bool LoginAudit::may_tell_refusal(AuditEntry& entry) {
    const std::lock_guard lock(mutex_);
    return has_room(entry);
}

bool LoginAudit::has_room(AuditEntry& entry) {
    if (!take_token()) {
        ++left_out_;
        return false;
    }
    if (left_out_ > 0) entry.detail = std::to_string(left_out_) + " refusals before this one are not listed";
    left_out_ = 0;
    return true;
}

bool LoginAudit::is_new(const std::string& who) {
    const auto now = clock_.monotonic_now();
    const auto found = seen_until_.find(who);
    if (found != seen_until_.end() && found->second > now) return false;
    if (seen_until_.size() >= seen_max) std::erase_if(seen_until_, [&](const auto& one) { return one.second <= now; });
    if (seen_until_.size() >= seen_max) seen_until_.clear();
    seen_until_[who] = now + seen_for;
    return true;
}

bool LoginAudit::take_token() {
    const auto now = clock_.monotonic_now();
    const std::chrono::duration<double> passed = now - filled_at_;
    filled_at_ = now;
    tokens_ = std::min(tokens_max, tokens_ + passed / time_of_token);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

}  // namespace giromq::admin
