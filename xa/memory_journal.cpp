#include "xa/memory_journal.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace giromq::xa {
namespace {

void require(bool condition, const Record& record) {
    if (!condition) throw std::logic_error("the record '" + std::string(name_of(record.kind)) + "' does not fit what is stored");
}

bool is_prepared(const std::map<Xid, StoredBranch>& branches, const Xid& xid) {
    const auto found = branches.find(xid);
    return found != branches.end() && !found->second.heuristic;
}

}  // namespace

void MemoryJournal::write(Record record) {
    const bool has_one = std::ranges::any_of(waiting_, [&record](const Record& one) { return one.xid == record.xid; });
    require(!has_one, record);
    waiting_.push_back(std::move(record));
    if (immediate_) complete();
}

void MemoryJournal::purge(std::vector<Xid> xids) {
    for (const Xid& xid : xids) tombstones_.erase(xid);
}

void MemoryJournal::complete(Durability durability) {
    const Record record = std::move(waiting_.front());
    waiting_.pop_front();
    if (durability == Durability::durable) apply(record);
    registry_->on_durable(record.xid, durability);
}

void MemoryJournal::complete_untold() {
    apply(waiting_.front());
    waiting_.pop_front();
}

void MemoryJournal::crash() {
    waiting_.clear();
    registry_ = nullptr;
}

void MemoryJournal::restore_to(Registry& registry) const {
    for (const auto& [xid, branch] : branches_) registry.restore(branch);
    std::vector<Tombstone> oldest_first;
    for (const auto& [xid, tombstone] : tombstones_) oldest_first.push_back(tombstone);
    std::ranges::stable_sort(oldest_first, {}, &Tombstone::resolved_at);
    for (const Tombstone& tombstone : oldest_first) registry.restore(tombstone);
}

MemoryJournal::Effect MemoryJournal::effect(const Xid& xid) const {
    const auto found = effects_.find(xid);
    return found == effects_.end() ? Effect{} : found->second;
}

void MemoryJournal::apply(const Record& record) {
    const auto& xid = record.xid;
    ++records_;
    switch (record.kind) {
        case RecordKind::prepared:
            require(!branches_.contains(xid) && !tombstones_.contains(xid), record);
            branches_.emplace(xid, StoredBranch{.xid = xid,
                                                .owner = record.owner,
                                                .prepared_at = record.time,
                                                .work = record.work,
                                                .heuristic = {},
                                                .decided_at = {},
                                                .decision = {}});
            return;
        case RecordKind::committed:
        case RecordKind::rolled_back:
        case RecordKind::committed_one_phase: {
            const bool one_phase = record.kind == RecordKind::committed_one_phase;
            require(one_phase ? !branches_.contains(xid) && !tombstones_.contains(xid) : is_prepared(branches_, xid), record);
            const bool committed = record.kind != RecordKind::rolled_back;
            branches_.erase(xid);
            tombstones_.emplace(xid, Tombstone{xid, committed ? Outcome::committed : Outcome::rolled_back, record.time});
            ++(committed ? effects_[xid].committed : effects_[xid].rolled_back);
            return;
        }
        case RecordKind::heuristically_committed:
        case RecordKind::heuristically_rolled_back: {
            require(is_prepared(branches_, xid), record);
            const bool committed = record.kind == RecordKind::heuristically_committed;
            StoredBranch& branch = branches_.at(xid);
            branch.heuristic = committed ? ReturnCode::heuristic_commit : ReturnCode::heuristic_rollback;
            branch.decided_at = record.time;
            branch.decision = record.decision;
            ++(committed ? effects_[xid].committed : effects_[xid].rolled_back);
            return;
        }
        case RecordKind::forgotten:
            require(branches_.contains(xid) && !is_prepared(branches_, xid), record);
            branches_.erase(xid);
            return;
    }
}

}  // namespace giromq::xa
