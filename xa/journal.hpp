#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xa/clock.hpp"
#include "xa/return_code.hpp"
#include "xa/xid.hpp"

/// The port through which a branch becomes durable, and what it keeps there.
namespace giromq::xa {

/// What a branch has done so far. A branch with neither puts nor gets is read-only.
struct Work {
    std::uint64_t puts = 0;
    std::uint64_t gets = 0;
    std::uint64_t bytes = 0;  // of the puts

    bool is_empty() const { return puts == 0 && gets == 0; }
    friend bool operator==(const Work&, const Work&) = default;
};

/// A change that must be durable before anybody is told of it. The comment says what it does to the stored branch (none, prepared,
/// heuristically completed, or a tombstone) and, in the same atomic step, to the branch's work.
enum class RecordKind : std::uint8_t {
    prepared,                   // none -> prepared. The puts are stored and invisible, the gets stay locked.
    committed,                  // prepared -> tombstone. The puts become visible, the gets are removed.
    committed_one_phase,        // none -> tombstone. The puts are stored and visible, the gets are removed.
    rolled_back,                // prepared -> tombstone. The puts are removed, the gets go back to their places.
    heuristically_committed,    // prepared -> heuristically completed; the work as in `committed`.
    heuristically_rolled_back,  // prepared -> heuristically completed; the work as in `rolled_back`.
    forgotten,                  // heuristically completed -> none.
};

std::string_view name_of(RecordKind kind);

/// Who decided on a branch in place of its transaction manager, and why. Goes into the audit.
struct Decision {
    std::string decided_by;
    std::string reason;
    std::string peer = {};      // from where, for the audit only
    std::string protocol = {};  // and over which protocol
    friend bool operator==(const Decision&, const Decision&) = default;
};

struct Record {
    RecordKind kind = RecordKind::prepared;
    Xid xid;
    WallTime time;
    std::string owner;  // of `prepared` and `committed_one_phase`: who began the branch
    Work work;          // of the same two
    Decision decision;  // of the two heuristic kinds, and of `forgotten` if an administrator forgets
};

/// What became of a record. There is no third: after a commit of unknown outcome the process ends and recovers by reopening.
enum class Durability : std::uint8_t {
    durable,  // it is on the disk
    refused,  // it is certain that it is not, and never will be (a full disk)
};

/// Implemented over the store by the broker, in memory by MemoryJournal.
class Journal {
public:
    virtual ~Journal() = default;

    /// Makes the record durable, together with the branch's work, in one atomic step. Then Registry::on_durable() is called for
    /// its XID, once; that may be before write() returns. Of one branch at most one record is under way. Records become durable in the
    /// order in which they are written. The work in memory (messages visible, locks gone) changes before on_durable() is called,
    /// so that whoever hears the answer also finds the effect.
    virtual void write(Record record) = 0;

    /// The tombstones of these XIDs may go, before any record that is written later. Nobody waits for it, and after a crash they may still
    /// be there.
    virtual void purge(std::vector<Xid> xids) = 0;
};

/// A branch as the journal holds it, given back by Registry::restore() after a restart.
struct StoredBranch {
    Xid xid;
    std::string owner;
    WallTime prepared_at;
    Work work;
    /// XA_HEUR* if it has been completed by an administrator's decision, then with the decision; else it is prepared.
    std::optional<ReturnCode> heuristic;
    WallTime decided_at;
    Decision decision;
};

enum class Outcome : std::uint8_t { committed, rolled_back };

/// What is remembered of a branch that has ended, so that a call repeated after a lost answer hears the truth.
struct Tombstone {
    Xid xid;
    Outcome outcome = Outcome::committed;
    WallTime resolved_at;
};

}  // namespace giromq::xa
