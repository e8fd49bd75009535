#include "xa/branch.hpp"

#include <algorithm>
#include <utility>

namespace giromq::xa {
namespace {

Step answer(ReturnCode code) { return {.code = code}; }

/// The branch ends with this answer; nothing of it was durable.
Step ended(ReturnCode code, bool discard) { return {.code = code, .discard = discard, .gone = true}; }

Step resolved(Outcome outcome) { return {.gone = true, .outcome = outcome}; }

}  // namespace

std::string_view name_of(RecordKind kind) {
    switch (kind) {
        case RecordKind::prepared: return "prepared";
        case RecordKind::committed: return "committed";
        case RecordKind::committed_one_phase: return "committed in one phase";
        case RecordKind::rolled_back: return "rolled back";
        case RecordKind::heuristically_committed: return "heuristically committed";
        case RecordKind::heuristically_rolled_back: return "heuristically rolled back";
        case RecordKind::forgotten: return "forgotten";
    }
    return "unknown";
}

std::string_view name_of(BranchState state) {
    switch (state) {
        case BranchState::active: return "active";
        case BranchState::idle: return "idle";
        case BranchState::prepared: return "prepared";
        case BranchState::rollback_only: return "rollback-only";
        case BranchState::heuristically_completed: return "heuristically completed";
    }
    return "unknown";
}

Branch::Branch(StoredBranch stored)
    : xid_(stored.xid),
      owner_(std::move(stored.owner)),
      created_at_(stored.prepared_at),
      work_(stored.work),
      in_doubt_(true),
      heuristic_(stored.heuristic),
      prepared_at_(stored.prepared_at),
      decided_at_(stored.decided_at),
      decision_(std::move(stored.decision)) {}

BranchState Branch::state() const {
    if (heuristic_) return BranchState::heuristically_completed;
    if (in_doubt_) return BranchState::prepared;
    if (rollback_only_) return BranchState::rollback_only;
    return has_active_association() ? BranchState::active : BranchState::idle;
}

ReturnCode Branch::start(SessionId session) {
    associations_.push_back({.session = session});
    return ReturnCode::ok;
}

ReturnCode Branch::join(SessionId session, std::size_t associations_max) {
    if (in_doubt_ || writing_ || is_associated(session)) return ReturnCode::er_proto;
    if (resolved_) return ReturnCode::er_nota;
    if (rollback_only_) return ReturnCode::er_proto;
    if (doomed_) return tell_rollback().code;
    if (associations_.size() >= associations_max) return ReturnCode::er_rm_error;
    return start(session);
}

ReturnCode Branch::resume(SessionId session) {
    if (in_doubt_ || writing_ || is_active_in(session)) return ReturnCode::er_proto;
    const auto association = find(session, true);
    if (association == associations_.end()) return resolved_ ? ReturnCode::er_nota : ReturnCode::er_proto;
    if (rollback_only_) return ReturnCode::er_proto;
    if (doomed_) {
        associations_.erase(association);
        return tell_rollback().code;
    }
    *association = {.session = session};
    return ReturnCode::ok;
}

Step Branch::end(SessionId session, Flags flags) {
    const auto association = find(session, (flags & tm::suspend) == 0);
    if (association == associations_.end()) return answer(ReturnCode::er_proto);
    const bool suspend = (flags & tm::suspend) != 0;
    if (suspend && association->suspended) return answer(ReturnCode::er_proto);
    if (suspend && !doomed_) {
        association->suspended = true;
        association->migratable = (flags & tm::migrate) != 0;
        return answer(ReturnCode::ok);
    }
    associations_.erase(association);
    if (doomed_) return end_of_last_association(tell_rollback().code);
    Step step = answer(ReturnCode::ok);
    if ((flags & tm::fail) != 0) step.discard = doom(ReturnCode::rb_rollback);
    return step;
}

Step Branch::lose(SessionId session) {
    bool broken = false;
    for (auto& association : associations_) {
        if (association.session != session) continue;
        if (association.migratable) {
            association.session = {};
        } else {
            broken = true;
        }
    }
    if (!broken) return answer(ReturnCode::ok);
    std::erase_if(associations_, [session](const Association& one) { return one.session == session; });
    Step step = end_of_last_association(ReturnCode::ok);
    step.discard = doom(ReturnCode::rb_comm_fail);
    return step;
}

Step Branch::prepare() {
    if (writing_) return {.next = Step::Next::wait};
    if (resolved_) return answer(*doomed_);
    if (in_doubt_ || rollback_only_ || !associations_.empty()) return answer(ReturnCode::er_proto);
    if (doomed_) return ended(*doomed_, false);
    if (work_.is_empty()) return ended(ReturnCode::read_only, false);
    return write(RecordKind::prepared);
}

Step Branch::commit(Flags flags) {
    const bool one_phase = (flags & tm::one_phase) != 0;
    if (writing_) {
        if ((flags & tm::no_wait) != 0 && !one_phase) return answer(ReturnCode::retry);
        return {.next = Step::Next::wait};
    }
    if (heuristic_) return answer(*heuristic_);
    if (one_phase) return commit_one_phase();
    if (resolved_) return answer(ReturnCode::er_nota);
    return in_doubt_ ? write(RecordKind::committed) : answer(ReturnCode::er_proto);
}

Step Branch::commit_one_phase() {
    if (resolved_) return answer(*doomed_);
    if (in_doubt_ || rollback_only_ || !associations_.empty()) return answer(ReturnCode::er_proto);
    if (doomed_) return ended(*doomed_, false);
    if (work_.is_empty()) return ended(ReturnCode::ok, false);
    return write(RecordKind::committed_one_phase);
}

Step Branch::rollback(SessionId session) {
    if (writing_) return {.next = Step::Next::wait};
    if (heuristic_) return answer(*heuristic_);
    if (in_doubt_) return write(RecordKind::rolled_back);
    if (is_active_in(session)) return answer(ReturnCode::er_proto);
    const bool discard = doom(ReturnCode::rb_rollback);
    std::erase_if(associations_, [](const Association& one) { return one.suspended; });
    if (associations_.empty()) return ended(ReturnCode::ok, discard);
    resolved_ = true;
    return {.discard = discard};
}

Step Branch::forget() {
    if (writing_) return {.next = Step::Next::wait};
    return heuristic_ ? write(RecordKind::forgotten) : answer(ReturnCode::er_proto);
}

Step Branch::resolve(Outcome outcome) {
    if (writing_) return {.next = Step::Next::wait};
    if (heuristic_) return answer(*heuristic_);
    if (!in_doubt_) return answer(ReturnCode::er_proto);
    return write(outcome == Outcome::committed ? RecordKind::heuristically_committed : RecordKind::heuristically_rolled_back);
}

Step Branch::on_durable(Durability durability) {
    const RecordKind record = *std::exchange(writing_, std::nullopt);
    const bool durable = durability == Durability::durable;
    switch (record) {
        case RecordKind::prepared:
            if (!durable) return ended(ReturnCode::rb_rollback, true);
            in_doubt_ = true;
            return answer(ReturnCode::ok);
        case RecordKind::committed: return durable ? resolved(Outcome::committed) : answer(ReturnCode::retry);
        case RecordKind::committed_one_phase: return durable ? resolved(Outcome::committed) : ended(ReturnCode::rb_rollback, true);
        case RecordKind::rolled_back: return durable ? resolved(Outcome::rolled_back) : answer(ReturnCode::er_rm_fail);
        case RecordKind::heuristically_committed:
        case RecordKind::heuristically_rolled_back:
            if (!durable) return answer(ReturnCode::er_rm_fail);
            heuristic_ = record == RecordKind::heuristically_committed ? ReturnCode::heuristic_commit : ReturnCode::heuristic_rollback;
            return answer(ReturnCode::ok);
        case RecordKind::forgotten: return durable ? ended(ReturnCode::ok, false) : answer(ReturnCode::er_rm_error);
    }
    return answer(ReturnCode::er_rm_error);
}

bool Branch::doom(ReturnCode code) {
    if (in_doubt_ || writing_ || doomed_) return false;
    doomed_ = code;
    return true;
}

ReturnCode Branch::may_work(SessionId session) const {
    if (doomed_ && is_associated(session)) return *doomed_;
    return is_active_in(session) ? ReturnCode::ok : ReturnCode::er_proto;
}

void Branch::add_work(const Work& work) {
    work_.puts += work.puts;
    work_.gets += work.gets;
    work_.bytes += work.bytes;
}

bool Branch::has_sessions() const {
    return std::ranges::any_of(associations_, [](const Association& one) { return one.session != SessionId{}; });
}

bool Branch::is_active_in(SessionId session) const {
    return std::ranges::any_of(associations_, [session](const Association& one) { return one.session == session && !one.suspended; });
}

std::optional<SessionId> Branch::suspended_for(SessionId session) const {
    std::optional<SessionId> holder;
    for (const auto& association : associations_) {
        if (!association.suspended) continue;
        if (association.session == session) return session;
        if (association.migratable && !holder) holder = association.session;
    }
    return holder;
}

void Branch::set_decision(Decision decision, WallTime time) {
    decision_ = std::move(decision);
    decided_at_ = time;
}

bool Branch::is_associated(SessionId session) const {
    return std::ranges::any_of(associations_, [session](const Association& one) { return one.session == session; });
}

bool Branch::has_active_association() const {
    return std::ranges::any_of(associations_, [](const Association& one) { return !one.suspended; });
}

std::vector<Association>::iterator Branch::find(SessionId session, bool takes_migrated) {
    const auto own = std::ranges::find(associations_, session, &Association::session);
    if (own != associations_.end() || !takes_migrated) return own;
    return std::ranges::find_if(associations_, [](const Association& one) { return one.suspended && one.migratable; });
}

Step Branch::write(RecordKind record) {
    writing_ = record;
    return {.next = Step::Next::write, .record = record};
}

/// The manager hears XA_RB* of a doomed branch, so from now on it is in S4 for both.
Step Branch::tell_rollback() {
    rollback_only_ = true;
    return answer(*doomed_);
}

/// Once xa_rollback has been answered the branch is there only for the sake of its associations.
Step Branch::end_of_last_association(ReturnCode code) const { return {.code = code, .gone = resolved_ && associations_.empty()}; }

}  // namespace giromq::xa
