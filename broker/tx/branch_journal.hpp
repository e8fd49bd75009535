#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "store/store.hpp"
#include "tx/unit_of_work.hpp"
#include "xa/journal.hpp"
#include "xa/registry.hpp"

namespace giromq::tx {

/// The puts and gets of branches, and the door to the store: what the owner of the messages does for the journal. Implemented by the core.
/// Everything is staged into the unit that also holds the record of the branch, so that they become durable together.
///
/// Threads: the core's executor. None of it may call the journal or the registry before it returns.
class BranchWork {
public:
    virtual ~BranchWork() = default;

    /// The next `count` numbers of the counter of positions; the first one.
    virtual Position take_positions(std::uint64_t count) = 0;
    /// Hands the unit to the next group commit; its effects run when it is durable or refused, possibly before this returns.
    virtual void commit(UnitOfWork work) = 0;

    /// The store is to keep what the branch has done: PutMessage, PreparePut and PrepareGet behind PrepareBranch, which is staged
    /// already. What is not durable (messages in memory, volatile or temporary) is left out, and stays with the core.
    virtual void stage_prepare(const xa::Xid& xid, BranchId branch, UnitOfWork& work) = 0;

    /// xa_commit(TMONEPHASE): everything as in the commit of a local transaction.
    virtual void stage_one_phase(const xa::Xid& xid, UnitOfWork& work) = 0;

    /// How many puts of the prepared branch are in the store: one more than the highest PreparePut::index, or 0.
    virtual std::uint64_t stored_puts(const xa::Xid& xid) const = 0;

    /// The branch ends, behind CompleteBranch, which does what concerns the store's own rows: what else there is to write, such as the
    /// rows of producers, or the removal of volatile entries. `first` is the position of the put with index 0 if it is committed.
    virtual void stage_completion(const xa::Xid& xid, xa::Outcome outcome, Position first, UnitOfWork& work) = 0;

    /// What became of the record: now messages become visible, locks go, or everything is as it was before staging. Called before the
    /// registry hears of it, and so before anybody is answered.
    virtual void settled(const xa::Record& record, xa::Durability durability) = 0;
};

/// The bridge from the registry of branches to the store: every record becomes one unit of work, together with the branch's puts and gets.
///
/// It knows the number under which the store holds each prepared branch, and the positions of tombstones: the store has no index of
/// XIDs. Threads: the core's executor. Outlives every unit that it has handed over.
class BranchJournal final : public xa::Journal {
public:
    explicit BranchJournal(BranchWork& work) : work_(work) {}

    /// Before the first record. `registry` outlives this.
    void attach(xa::Registry& registry) { registry_ = &registry; }

    /// What the store held at start, in the order of store::RecoveryVisitor. False if the XID is there already.
    bool restore(const store::StoredBranch& branch);
    void restore(const store::PutTombstone& tombstone);

    void write(xa::Record record) override;
    void purge(std::vector<xa::Xid> xids) override;

    /// The number of a branch that is in the store.
    std::optional<BranchId> branch_of(const xa::Xid& xid) const;

private:
    struct Written;

    void stage(Written& written, UnitOfWork& unit);
    void stage_completion(Written& written, xa::Outcome outcome, bool is_heuristic, UnitOfWork& unit);
    static void stage_audit(const xa::Record& record, const char* action, UnitOfWork& unit);
    void finished(const Written& written, bool durable);
    BranchId number_of(const xa::Xid& xid) const;

    BranchWork& work_;
    xa::Registry* registry_ = nullptr;
    std::unordered_map<xa::Xid, BranchId> branches_;
    std::deque<std::pair<xa::Xid, Position>> tombstones_;  // oldest first
    std::unordered_set<xa::Xid> dropped_;                  // of tombstones_, behind one that is still wanted
};

}  // namespace giromq::tx
