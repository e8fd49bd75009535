#pragma once

#include <string>
#include <utility>

#include "base/clock.hpp"
#include "model/audit.hpp"
#include "security/authorisation.hpp"

namespace giromq::core {
class Core;
}

namespace giromq::admin {

using giromq::AuditEntry;

/// Writes a line that belongs to no change in the store. On the core's executor. audit.cpp
void write_by_itself(core::Core& core, AuditEntry entry);

/// A line of the audit for a command of `who`, given now.
inline AuditEntry make_audit_entry(const security::Identity& who, const Clock& clock, std::string action, std::string object,
                                   std::string detail = {}) {
    AuditEntry entry;
    entry.time = clock.wall_now();
    entry.user = who.user;
    entry.action = std::move(action);
    entry.object = std::move(object);
    entry.detail = std::move(detail);
    entry.peer = who.peer;
    entry.protocol = who.protocol;
    return entry;
}

/// The same line for what became of it.
inline AuditEntry ended(AuditEntry begun, Timestamp now, std::string outcome, std::string detail) {
    begun.time = now;
    begun.outcome = std::move(outcome);
    begun.detail = std::move(detail);
    return begun;
}

}  // namespace giromq::admin
