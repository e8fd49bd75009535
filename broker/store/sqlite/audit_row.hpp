#pragma once

#include "model/audit.hpp"
#include "store/sqlite/connection.hpp"

namespace giromq::store::sqlite {

/// The columns of a record, in the order in which they are bound and read.
inline constexpr const char* audit_columns = "number, time, actor, action, subject, outcome, reason, peer, protocol";

/// Adds giromq_audit_hash(previous, the columns above) to the connection: the hash of security/audit_chain. Returns SQLite's code.
int add_audit_hash(Connection& connection);

/// The row of a query for the columns above and the hash.
AuditRecord read_audit_record(const Statement& row);

}  // namespace giromq::store::sqlite
