#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/shared_bytes.hpp"
#include "model/audit.hpp"
#include "model/dead_letter.hpp"
#include "model/destination.hpp"
#include "model/ids.hpp"
#include "model/message.hpp"
#include "model/named_selector.hpp"
#include "model/permission.hpp"
#include "model/user.hpp"
#include "xa/xid.hpp"

/// The closed set of changes that a batch can make. Values only: an engine needs nothing else to apply them, in order. The core has
/// checked everything before it stages an operation, so an engine treats one that cannot be applied (a key that is not there, or is
/// there twice) as a broken invariant of the broker, never as a refusal.
namespace giromq::store {

/// The priority of every entry until priorities come.
inline constexpr std::uint8_t default_priority = 4;

/// The place of an entry: the key of its row. `priority` is 4 for every entry until priorities come; it is part of the key now so
/// that they need no new table.
struct EntryKey {
    DestinationId destination;
    Position position;
    std::uint8_t priority = default_priority;

    friend bool operator==(const EntryKey&, const EntryKey&) = default;
};

/// The immutable message row. Its chunks, if it has any, are in batches before this one.
struct PutMessage {
    MessagePtr message;
};

/// One chunk of a large body; `number` is the message it will belong to. Without a message row it is an orphan, purged at the next start.
struct PutChunk {
    MessageNumber number;
    std::uint32_t index = 0;
    SharedBytes bytes;
};

/// The upload has ended without its message, which will never come: the chunks go in the background.
struct DropChunks {
    MessageNumber number;
};

/// A message takes its place in a destination. `is_volatile`: a non-persistent message that did not fit into memory; it is gone after
/// the next start. `dead_letter` says why it is in a dead-letter queue.
struct PutEntry {
    EntryKey key;
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    std::uint32_t delivery_count = 0;
    Timestamp due_at;
    bool is_volatile = false;
    DeadLetterPtr dead_letter;
};

/// An entry leaves its destination; with `last_reference` its message row and chunks go too.
struct RemoveEntry {
    EntryKey key;
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    bool is_volatile = false;
    bool last_reference = true;
};

/// The durable count of failed deliveries of an entry.
struct SetDeliveryCount {
    EntryKey key;
    std::uint32_t delivery_count = 0;
};

/// Entries before `horizon` may have been delivered since the store was opened (DESIGN: delivery counts without a write per delivery).
/// A clean stop forgets it, unless it `stays`: then what is before it was with consumers when the broker stopped.
struct SetHorizon {
    DestinationId destination;
    Position horizon;
    bool stays = false;
};

/// The entry's bytes are damaged: it moves, with its message row, to the quarantine tables and is never delivered.
struct QuarantineEntry {
    EntryKey key;
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    bool is_volatile = false;
    std::string reason;
    Timestamp time;
};

/// Creates a destination, or replaces its settings.
struct PutDestination {
    DestinationId id;
    DestinationSettings settings;
    Timestamp created_at;
};

/// Marks a destination as going: it is not reported by recover() as usable, and PurgeEntries empties it step by step.
struct CloseDestination {
    DestinationId id;
};

/// The row of an empty, closed destination goes. No prepared branch has puts for it.
struct RemoveDestination {
    DestinationId id;
};

/// Removes up to `limit` entries (and their messages) at positions up to and including `through`, lowest first, except `kept`
/// (ascending; what consumers hold) and those that a prepared branch has locked. Reported by the number of removed entries in BatchResult.
struct PurgeEntries {
    DestinationId destination;
    Position through;
    std::uint32_t limit = 1000;
    std::vector<Position> kept;
};

/// What is known of a producer's sequence numbers: everything up to `high_water` - 1024 has been seen; of the last 1,024 the ring
/// `window` (128 bytes) tells: bit `sequence` modulo 1024, bit 0 of byte 0 first. One row per producer, the last one of a batch wins.
struct PutProducer {
    std::string producer;
    std::uint64_t high_water = 0;
    std::vector<std::uint8_t> window;
    Timestamp last_used;
};
struct RemoveProducer {
    std::string producer;
};
/// One sequence more is seen, beside what the store knows then. For a unit that goes through although one before it, with other sequences
/// of the producer, may be refused: what a row of the core's would say of those might not become true.
struct TakeSequence {
    std::string producer;
    std::uint64_t sequence = 0;
    Timestamp time;
};

/// An id given by an application was taken, at `position` of the destination. Append-ordered.
struct PutDuplicateId {
    DestinationId destination;
    Position position;
    std::string id;
    Timestamp time;
};
/// Forgets the ids of a destination at positions before `before`.
struct ForgetDuplicateIds {
    DestinationId destination;
    Position before;
};

struct PutUser {
    User user;
};
/// Removes the user, and with it the permissions that name it.
struct RemoveUser {
    std::string name;
};

/// A selector that clients name; takes the place of one of that name.
struct PutSelector {
    NamedSelector selector;
};
struct RemoveSelector {
    std::string name;
};

/// How a branch ended.
enum class BranchOutcome : std::uint8_t { committed, rolled_back };

/// xa_prepare: the branch can be committed from now on, whatever happens. Its PreparePut and PrepareGet are in the same batch, behind it.
struct PrepareBranch {
    BranchId branch;
    xa::Xid xid;
    std::string owner;  // the user who began it
    Timestamp prepared_at;
    std::uint64_t puts = 0;  // all it has done, also what is not in the store because it is not durable
    std::uint64_t gets = 0;
    std::uint64_t bytes = 0;
};

/// A message that takes its place in `destination` when the branch is committed; invisible until then, and counted as reserved. Its
/// message row is in the same batch, before it. What is put in a prepared branch is stored even if its message is not durable.
struct PreparePut {
    BranchId branch;
    std::uint32_t index = 0;  // the order of the puts of a branch, from 0
    DestinationId destination;
    std::uint8_t priority = default_priority;
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    Timestamp due_at;
    /// Taken with the commit, at the position that the message gets. Empty: none.
    std::string duplicate_id;
    /// For the core, which notes the sequence with the commit. Empty: none.
    std::string producer;
    std::uint64_t sequence = 0;
    /// The message is that of a got entry of the same branch (GetOutcome::moved), on its way to a dead-letter queue.
    bool is_moved = false;
    DeadLetterPtr dead_letter;
};

/// What becomes of an entry that a branch has got, when the branch is committed. When it is rolled back, every one returns to its place
/// with its delivery count raised by one.
enum class GetOutcome : std::uint8_t {
    removed,   // acknowledged: it goes, and its message with it
    moved,     // it goes, and a PreparePut of the same branch takes its message over
    returned,  // released or modified: it returns to its place, with the delivery count of the PrepareGet
};

/// An entry that the branch has got; locked until the branch is completed. Only what is persistent: volatile entries of a branch
/// are gone after a restart, so the core locks them in memory and removes them with the commit.
struct PrepareGet {
    BranchId branch;
    EntryKey key;
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    GetOutcome outcome = GetOutcome::removed;
    std::uint32_t delivery_count = 0;
    std::uint32_t failed_deliveries = 0;  // what the entry counts now, as its own row says
};

/// Who decided on a branch in place of its transaction manager, and why.
struct BranchDecision {
    std::string decided_by;
    std::string reason;
    friend bool operator==(const BranchDecision&, const BranchDecision&) = default;
};

/// Ends a prepared branch. Committed: its puts become entries at `first_position` + index, their duplicate ids are taken, its gets have
/// their outcome. Rolled back: its puts go with their messages, its gets return. Then the branch's row becomes a tombstone at
/// `tombstone`; or with a `decision` it stays, heuristically completed, until ForgetBranch.
struct CompleteBranch {
    BranchId branch;
    BranchOutcome outcome = BranchOutcome::committed;
    Position first_position;
    Position tombstone;
    Timestamp time;
    std::optional<BranchDecision> decision;
};

/// xa_forget of a heuristically completed branch.
struct ForgetBranch {
    BranchId branch;
};

/// What became of a branch, so that a call repeated after a lost answer hears the truth. Append-ordered.
struct PutTombstone {
    Position position;
    xa::Xid xid;
    BranchOutcome outcome = BranchOutcome::committed;
    Timestamp resolved_at;
};
/// Forgets the tombstones at positions before `before`.
struct ForgetTombstones {
    Position before;
};

/// Appends to the audit.
using PutAudit = AuditEntry;

/// Adds or replaces the permission of that id.
struct PutPermission {
    Permission permission;
};
struct RemovePermission {
    std::uint64_t id = 0;
};

using Operation =
    std::variant<PutMessage, PutChunk, DropChunks, PutEntry, RemoveEntry, SetDeliveryCount, SetHorizon, QuarantineEntry, PutDestination,
                 CloseDestination, RemoveDestination, PurgeEntries, PutProducer, RemoveProducer, TakeSequence, PutDuplicateId,
                 ForgetDuplicateIds, PutUser, RemoveUser, PutSelector, RemoveSelector, PrepareBranch, PreparePut, PrepareGet,
                 CompleteBranch, ForgetBranch, PutTombstone, ForgetTombstones, PutAudit, PutPermission, RemovePermission>;

}  // namespace giromq::store
