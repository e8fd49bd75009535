#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace giromq {

/// A line of the audit: who did what, to what, with what outcome. Never a secret, never a body. Nothing ever changes or removes one.
struct AuditEntry {
    Timestamp time;
    std::string user;
    std::string action;            // "user.create", "queue.purge", "transaction.commit"; see docs/security.md
    std::string object;            // what it was done to: a name, an XID
    std::string outcome = "done";  // "begun", "done", "failed", "cancelled", "refused"
    std::string detail = {};       // the reason of a decision, what was changed
    std::string peer = {};         // "127.0.0.1:53412"; empty for the broker itself
    std::string protocol = {};     // "http", "amqp", "offline" (giromqd by itself, by a user of the system); empty for the broker
};

using AuditHash = std::array<std::uint8_t, 32>;

/// An entry as it is stored: its hash is over the one of the record before, so that nobody can change, insert or remove one in between.
struct AuditRecord {
    std::uint64_t number = 0;  // from 1, without gaps
    AuditEntry entry;
    AuditHash hash{};
};

/// Which records to read, the newest first. What is empty or not set does not matter.
struct AuditQuery {
    std::uint64_t before = 0;  // numbers less than this one
    std::size_t limit = 100;
    std::string user;
    std::string action;  // begins with this
    std::string object;  // begins with this
    std::string outcome;
    Timestamp since;
    Timestamp until;

    bool asks_for(const AuditEntry& entry) const {
        const auto is = [](const std::string& wanted, const std::string& found) { return wanted.empty() || wanted == found; };
        return is(user, entry.user) && entry.action.starts_with(action) && entry.object.starts_with(object) && is(outcome, entry.outcome) &&
               (!since.is_set() || entry.time >= since) && (!until.is_set() || entry.time < until);
    }
};

/// What was found in one look at the audit, which is bounded: it may find nothing, and there may still be more.
struct AuditStretch {
    std::vector<AuditRecord> items;
    std::uint64_t through = 0;  // every record from this number on has been looked at; 0: all of them
};

/// Records that one look passes at most, so that a search for what is rare does not hold up who waits for a page of a queue.
inline constexpr std::uint64_t audit_look_max = 50'000;

}  // namespace giromq
