#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/histogram.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "store/errc.hpp"
#include "store/operation.hpp"

/// The store port (DESIGN §5): everything the broker asks of an engine. store/sqlite is the default engine, store/memory serves
/// tests and the simulation, a replicated one comes later; one conformance suite (tests/unit/store) runs over all of them.
namespace giromq::store {

/// The right to write, taken by acquire(). Every batch carries it; an engine refuses a batch whose epoch is not the newest.
struct Lease {
    Epoch epoch;
};

/// One atomic group commit: operations of many units of work, applied in order, all or none.
struct Batch {
    std::vector<Operation> operations;
    /// The counters as they are after this batch; kept inside it, so that a number that became durable is never given again.
    Position next_position;
    MessageNumber next_message;
    DestinationId next_destination;
};

/// durable: COMMIT returned. not_applied: it is certain that nothing of the batch is in the store (the Error says why). in_doubt: a
/// failed fsync or a COMMIT of unknown outcome; nothing may be committed or acknowledged until last_batch() has resolved it, which
/// for a local engine means to end the process and recover by reopening.
enum class CommitOutcome : std::uint8_t { durable, not_applied, in_doubt };

/// What one PurgeEntries removed.
struct PurgeCount {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
};

struct BatchResult {
    CommitOutcome outcome = CommitOutcome::durable;
    /// Set unless durable.
    Error error{errc::stopped};
    /// For each PurgeEntries of the batch, in order, the entries it removed.
    std::vector<PurgeCount> purged;
};

/// An entry as read back from the store. `message` is null if the stored bytes are damaged (`damage` says how).
struct StoredEntry {
    EntryKey key;
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    std::uint32_t delivery_count = 0;
    Timestamp due_at;
    bool is_volatile = false;
    DeadLetterPtr dead_letter;
    /// The prepared branch that has got it, if there is one: it is not to be delivered.
    BranchId locked_by;
    MessagePtr message;
    std::string damage;
};

/// A part of a destination in queue order, read in one snapshot.
struct Page {
    std::vector<StoredEntry> entries;
    /// The last batch that the snapshot contains, and the counter of positions after it: every entry of the destination whose position
    /// is before next_position, and is not removed by a later batch, was visible to this read.
    BatchNumber snapshot;
    Position next_position;
    /// True if there is no entry behind the last one of `entries` in the snapshot.
    bool end = false;
};

/// Bounds of a page: it ends when either is reached, but holds at least one entry if there is one.
struct PageLimits {
    std::uint32_t entries = 256;
    std::uint64_t bytes = 1024 * 1024;
};

/// A destination as found at start.
struct StoredDestination {
    DestinationId id;
    DestinationSettings settings;
    Timestamp created_at;
    bool closing = false;        // CloseDestination was applied and RemoveDestination was not
    std::uint64_t messages = 0;  // counters, kept per batch: persistent entries only
    std::uint64_t bytes = 0;
    std::uint64_t prepared_messages = 0;  // reserved: puts of prepared branches, not counted above
    std::uint64_t prepared_bytes = 0;
    /// Entries before this position may have been delivered in an earlier run. Set by acquire() after an unclean stop, never beyond
    /// next_position, and by a horizon that stays; kept over clean stops.
    Position crash_horizon;
};

/// A branch as found at start: in doubt, or completed by an administrator's decision and not forgotten.
struct StoredBranch {
    BranchId branch;
    xa::Xid xid;
    std::string owner;
    Timestamp prepared_at;
    std::uint64_t puts = 0;
    std::uint64_t gets = 0;
    std::uint64_t bytes = 0;
    std::optional<BranchOutcome> heuristic;
    Timestamp decided_at;
    BranchDecision decision;
};

/// Called back by recover(), in this order of kinds. Implemented by the core.
class RecoveryVisitor {
public:
    virtual ~RecoveryVisitor() = default;
    virtual void counters(Position next_position, MessageNumber next_message, DestinationId next_destination) = 0;
    virtual void destination(StoredDestination destination) = 0;
    virtual void producer(PutProducer producer) = 0;
    virtual void duplicate_id(PutDuplicateId id) = 0;  // in append order
    virtual void user(User user) = 0;
    virtual void selector(NamedSelector) {}  // in order of name
    virtual void permission(Permission) {}   // in order of id
    // Transactions. Row by row, so that an engine needs no memory for them: all branches in the order in which they were prepared, then
    // the puts of all (by branch, then index) and the gets of all (by branch), then the tombstones, oldest first.
    virtual void branch(StoredBranch) {}
    virtual void prepared_put(PreparePut) {}
    virtual void prepared_get(PrepareGet) {}
    virtual void tombstone(PutTombstone) {}
};

struct Health {
    /// The ranges of checkpoint_nanoseconds.
    static constexpr std::array<std::uint64_t, 9> checkpoint_time_bounds{1'000'000,  2'500'000,   5'000'000,   10'000'000,   25'000'000,
                                                                         50'000'000, 100'000'000, 250'000'000, 1'000'000'000};

    bool writable = true;    // false: after a failed commit; the process is about to end
    bool disk_full = false;  // growing batches are refused now
    std::uint64_t free_bytes = 0;
    std::uint64_t wal_bytes = 0;
    std::uint64_t store_bytes = 0;
    std::uint64_t checkpoints = 0;
    Histogram checkpoint_nanoseconds{checkpoint_time_bounds};  // of each; the commits behind it wait for so long
    std::string message;                                       // why, if not writable
};

/// Threads: acquire, instance, commit, last_batch, backup, maintain and release are called from one thread only (the commit queue's);
/// recover is called between acquire and the first commit; page, chunk, message, audit and health may be called from one other thread (the
/// read queue's) at the same time; health from any.
class Store {
public:
    virtual ~Store() = default;

    /// Takes the right to write: a new epoch, durable before it returns. Tells apart a clean and an unclean end of the run before.
    virtual Result<Lease> acquire() = 0;

    /// The store's name, a UUID of its own for as long as it lives: a copy that is restored has another.
    virtual Result<std::string> instance() = 0;

    /// Applies the batch and calls `done` exactly once (an engine on the same machine calls it before it returns).
    virtual void commit(const Lease& lease, BatchNumber number, const Batch& batch, UniqueFunction<void(BatchResult)> done) = 0;

    /// The number of the last durable batch.
    virtual Result<BatchNumber> last_batch() = 0;

    /// Reports what the core needs at start; costs the same whatever the backlog (no scan of messages or entries). Fails with
    /// errc::damaged if a row of a prepared branch is not as it was written: nobody may guess what was promised.
    virtual Result<void> recover(RecoveryVisitor& visitor) = 0;

    /// Entries of a destination with positions after `after`, in order. Checksums are verified.
    virtual Result<Page> page(DestinationId destination, Position after, PageLimits limits) = 0;

    /// One chunk of a large body, checksum verified.
    virtual Result<SharedBytes> chunk(MessageNumber number, std::uint32_t index) = 0;

    /// A message by its number, checksums verified: for what prepared branches have put, which is on no page. errc::not_found if there is
    /// none, errc::damaged if it is not as it was written.
    virtual Result<MessagePtr> message(MessageNumber number) = 0;

    /// Records of the audit that the query asks for, the newest first, of the next audit_look_max.
    virtual Result<AuditStretch> audit(const AuditQuery& query) = 0;

    /// Begins a consistent copy of the store into a new file; maintain() continues it between batches.
    virtual Result<void> start_backup(const std::string& path, UniqueFunction<void(Result<void>)> done) = 0;

    /// A slice of background work, called between batches and when idle: checkpoint, orphan chunks, old volatile entries, backup steps.
    /// Returns true if there is more to do now. A slice takes at most about 5 ms.
    virtual Result<bool> maintain() = 0;

    virtual Health health() const = 0;

    /// A clean end: everything before it is durable, delivery horizons are forgotten, except those that stay. No call follows.
    virtual Result<void> release(const Lease& lease) = 0;
};

}  // namespace giromq::store
