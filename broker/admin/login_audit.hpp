#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "model/audit.hpp"
#include "security/login_throttle.hpp"

namespace giromq::admin {

/// Which logins and refusals have a line in the audit: of failed logins, over any protocol, and of what was not allowed 20 at once and 10 a
/// minute from then on, the rest counted in the next line, so that whoever guesses passwords cannot fill the disk; of the successful logins
/// over HTTP, which come with each request, one an hour for each user and address. Applications log in over AMQP all the time; that is in
/// the log. Threads: any.
class LoginAudit {
public:
    explicit LoginAudit(const Clock& clock) : clock_(clock) {}

    /// The line for an attempt; nothing if it has none.
    std::optional<AuditEntry> entry_of(const security::LoginAttempt& attempt, bool succeeded);
    /// Whether a refusal has a line now; then its detail may say how many had none.
    bool may_tell_refusal(AuditEntry& entry);

private:
    bool is_new(const std::string& who);
    bool has_room(AuditEntry& entry);
    bool take_token();

    const Clock& clock_;
    std::mutex mutex_;
    double tokens_ = 20;
    MonotonicTime filled_at_{};
    std::uint64_t left_out_ = 0;
    std::map<std::string, MonotonicTime> seen_until_;
};

}  // namespace giromq::admin
