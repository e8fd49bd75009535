#pragma once

#include <optional>
#include <string>

#include "store/sqlite/connection.hpp"
#include "store/store.hpp"

/// The rows of prepared branches and of tombstones: read by the batch writer, which completes branches, and at start.
namespace giromq::store::sqlite {

/// What the checksum of each kind of row is over, as arguments of giromq_checksum(): everything that the broker acts on.
inline constexpr const char* branch_checksum =
    "giromq_checksum(number, format_id, gtrid, bqual, state, owner, puts, gets, bytes, prepared_at)";
inline constexpr const char* prepared_put_checksum =
    "giromq_checksum(branch, idx, destination, priority, message, message_bytes, due_at, duplicate_id, producer, sequence, is_moved)";
inline constexpr const char* prepared_get_checksum =
    "giromq_checksum(branch, destination, priority, position, message, message_bytes, outcome, delivery_count)";

/// The columns that the functions below expect, from column 0.
inline constexpr const char* branch_columns =
    "number, format_id, gtrid, bqual, state, owner, puts, gets, bytes, prepared_at, decided_at, decided_by, reason";
inline constexpr const char* prepared_put_columns =
    "branch, idx, destination, priority, message, message_bytes, due_at, duplicate_id, producer, sequence, is_moved, "
    "dead_letter_cause, dead_letter_description, dead_letter_origin, dead_letter_delivery_count, dead_letter_time";
inline constexpr const char* prepared_get_columns =
    "branch, destination, priority, position, message, message_bytes, outcome, delivery_count";
inline constexpr const char* tombstone_columns = "position, format_id, gtrid, bqual, outcome, resolved_at";

/// Nothing if no XID can be made of the row, or its word is unknown: it is damaged.
std::optional<StoredBranch> read_branch(const Statement& row);
PreparePut read_prepared_put(const Statement& row);
PrepareGet read_prepared_get(const Statement& row);
std::optional<PutTombstone> read_tombstone(const Statement& row);

/// Binds format, gtrid and bqual from index `first`.
void bind_xid(Statement& statement, int first, const xa::Xid& xid);

std::string_view text_of(BranchOutcome outcome);
std::string_view text_of(GetOutcome outcome);
/// The state of a branch that an administrator has completed.
std::string_view heuristic_state_of(BranchOutcome outcome);

}  // namespace giromq::store::sqlite
