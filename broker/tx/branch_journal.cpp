#include "tx/branch_journal.hpp"

#include <chrono>

#include "base/check.hpp"
#include "xa/xid_text.hpp"

namespace giromq::tx {
namespace {

Timestamp timestamp_of(xa::WallTime time) { return Timestamp{time.time_since_epoch().count()}; }
xa::WallTime time_of(Timestamp timestamp) { return xa::WallTime(std::chrono::milliseconds(timestamp.milliseconds)); }

store::BranchOutcome stored(xa::Outcome outcome) {
    return outcome == xa::Outcome::committed ? store::BranchOutcome::committed : store::BranchOutcome::rolled_back;
}

xa::ReturnCode heuristic_code_of(store::BranchOutcome outcome) {
    return outcome == store::BranchOutcome::committed ? xa::ReturnCode::heuristic_commit : xa::ReturnCode::heuristic_rollback;
}

}  // namespace

/// A record on its way.
struct BranchJournal::Written {
    xa::Record record;
    BranchId branch;     // of a prepared branch
    Position tombstone;  // that the record leaves, if it does
};

bool BranchJournal::restore(const store::StoredBranch& branch) {
    xa::StoredBranch found{.xid = branch.xid,
                           .owner = branch.owner,
                           .prepared_at = time_of(branch.prepared_at),
                           .work = {.puts = branch.puts, .gets = branch.gets, .bytes = branch.bytes},
                           .heuristic = std::nullopt,
                           .decided_at = time_of(branch.decided_at),
                           .decision = {branch.decision.decided_by, branch.decision.reason}};
    if (branch.heuristic) found.heuristic = heuristic_code_of(*branch.heuristic);
    if (!registry_->restore(std::move(found))) return false;
    branches_.emplace(branch.xid, branch.branch);
    return true;
}

void BranchJournal::restore(const store::PutTombstone& tombstone) {
    const auto outcome = tombstone.outcome == store::BranchOutcome::committed ? xa::Outcome::committed : xa::Outcome::rolled_back;
    tombstones_.emplace_back(tombstone.xid, tombstone.position);
    registry_->restore(xa::Tombstone{.xid = tombstone.xid, .outcome = outcome, .resolved_at = time_of(tombstone.resolved_at)});
}

void BranchJournal::write(xa::Record record) {
    Written written{.record = std::move(record), .branch = {}, .tombstone = {}};
    UnitOfWork unit;
    stage(written, unit);
    unit.then([this, written = std::move(written)](const store::UnitResult& result) { finished(written, result.durable); });
    work_.commit(std::move(unit));
}

void BranchJournal::stage(Written& written, UnitOfWork& unit) {
    const xa::Record& record = written.record;
    switch (record.kind) {
        case xa::RecordKind::prepared:
            written.branch = BranchId{work_.take_positions(1).value};
            unit.stage(store::PrepareBranch{.branch = written.branch,
                                            .xid = record.xid,
                                            .owner = record.owner,
                                            .prepared_at = timestamp_of(record.time),
                                            .puts = record.work.puts,
                                            .gets = record.work.gets,
                                            .bytes = record.work.bytes});
            work_.stage_prepare(record.xid, written.branch, unit);
            return;
        case xa::RecordKind::committed_one_phase:
            written.tombstone = work_.take_positions(1);
            unit.stage(store::PutTombstone{.position = written.tombstone,
                                           .xid = record.xid,
                                           .outcome = store::BranchOutcome::committed,
                                           .resolved_at = timestamp_of(record.time)});
            work_.stage_one_phase(record.xid, unit);
            return;
        case xa::RecordKind::committed: stage_completion(written, xa::Outcome::committed, false, unit); return;
        case xa::RecordKind::rolled_back: stage_completion(written, xa::Outcome::rolled_back, false, unit); return;
        case xa::RecordKind::heuristically_committed:
            stage_completion(written, xa::Outcome::committed, true, unit);
            stage_audit(record, "transaction.commit", unit);
            return;
        case xa::RecordKind::heuristically_rolled_back:
            stage_completion(written, xa::Outcome::rolled_back, true, unit);
            stage_audit(record, "transaction.rollback", unit);
            return;
        case xa::RecordKind::forgotten:
            written.branch = number_of(record.xid);
            unit.stage(store::ForgetBranch{written.branch});
            if (!record.decision.decided_by.empty()) stage_audit(record, "transaction.forget", unit);
            return;
    }
}

void BranchJournal::stage_completion(Written& written, xa::Outcome outcome, bool is_heuristic, UnitOfWork& unit) {
    const xa::Record& record = written.record;
    store::CompleteBranch complete;
    complete.branch = written.branch = number_of(record.xid);
    complete.outcome = stored(outcome);
    complete.time = timestamp_of(record.time);
    if (is_heuristic) {
        complete.decision = store::BranchDecision{record.decision.decided_by, record.decision.reason};
    } else {
        complete.tombstone = written.tombstone = work_.take_positions(1);
    }
    // Their places in their queues are given now, so that commit order is queue order.
    if (outcome == xa::Outcome::committed) complete.first_position = work_.take_positions(work_.stored_puts(record.xid));
    const auto first = complete.first_position;
    unit.stage(std::move(complete));
    work_.stage_completion(record.xid, outcome, first, unit);
}

void BranchJournal::stage_audit(const xa::Record& record, const char* action, UnitOfWork& unit) {
    AuditEntry entry;
    entry.time = timestamp_of(record.time);
    entry.user = record.decision.decided_by;
    entry.action = action;
    entry.object = xa::to_text(record.xid);
    entry.detail = record.decision.reason;
    entry.peer = record.decision.peer;
    entry.protocol = record.decision.protocol;
    unit.stage(std::move(entry));
}

void BranchJournal::finished(const Written& written, bool durable) {
    const xa::Record& record = written.record;
    if (durable) {
        if (record.kind == xa::RecordKind::prepared) branches_.emplace(record.xid, written.branch);
        if (written.tombstone.is_set()) tombstones_.emplace_back(record.xid, written.tombstone);
        const bool is_gone = record.kind == xa::RecordKind::forgotten || record.kind == xa::RecordKind::committed ||
                             record.kind == xa::RecordKind::rolled_back;
        if (is_gone) branches_.erase(record.xid);
    }
    const auto durability = durable ? xa::Durability::durable : xa::Durability::refused;
    work_.settled(record, durability);
    registry_->on_durable(record.xid, durability);
}

void BranchJournal::purge(std::vector<xa::Xid> xids) {
    dropped_.insert(xids.begin(), xids.end());
    Position before;
    while (!tombstones_.empty() && dropped_.erase(tombstones_.front().first) != 0) {
        before = Position{tombstones_.front().second.value + 1};
        tombstones_.pop_front();
    }
    if (!before.is_set()) return;
    // Nobody waits for it. If it is refused the next one does it too, since all before the position go.
    UnitOfWork unit;
    unit.stage(store::ForgetTombstones{before});
    work_.commit(std::move(unit));
}

BranchId BranchJournal::number_of(const xa::Xid& xid) const {
    const auto found = branches_.find(xid);
    GIROMQ_CHECK(found != branches_.end(), "a record names a branch that is not in the store");
    return found->second;
}

std::optional<BranchId> BranchJournal::branch_of(const xa::Xid& xid) const {
    const auto found = branches_.find(xid);
    if (found == branches_.end()) return std::nullopt;
    return found->second;
}

}  // namespace giromq::tx
