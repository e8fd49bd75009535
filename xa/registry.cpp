#include "xa/registry.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace giromq::xa {
namespace {

/// Dropped tombstones are told to the journal together, at the latest when there are so many.
constexpr std::size_t purge_batch = 256;

}  // namespace

Registry::Registry(RegistryLimits limits, const Clock& clock, Journal& journal, Effects& effects)
    : limits_(limits), clock_(clock), journal_(journal), effects_(effects), tombstones_(limits.tombstones_max, limits.tombstone_age_max) {}

bool Registry::restore(StoredBranch stored) {
    const Xid xid = stored.xid;
    const auto [place, is_new] = entries_.try_emplace(xid, Branch(std::move(stored)), next_number_);
    if (!is_new) return false;
    ++next_number_;
    ++owners_[place->second.branch.owner()].branches;
    add_in_doubt(place->second);
    return true;
}

void Registry::restore(const Tombstone& tombstone) { tombstones_.add(tombstone); }

ReturnCode Registry::start(SessionId session, const Xid& xid, Flags flags, StartOptions options) {
    if (const ReturnCode code = check_start_flags(flags); code != ReturnCode::ok) return code;
    const bool is_new = (flags & (tm::join | tm::resume)) == 0;
    Entry* const entry = find_live(xid);
    if (is_new && (entry != nullptr || tombstones_.find(xid))) return ReturnCode::er_dupid;
    if (!is_new && entry == nullptr) return ReturnCode::er_nota;
    if (session_is_active(session)) return ReturnCode::er_proto;
    if (is_new) return start_new(session, xid, std::move(options));

    const bool resumes = (flags & tm::resume) != 0;
    const auto holder = resumes ? entry->branch.suspended_for(session) : std::nullopt;
    const ReturnCode code = resumes ? entry->branch.resume(session) : entry->branch.join(session, limits_.associations_max);
    remember_ties(*entry, session);
    if (holder) remember_ties(*entry, *holder);
    if (entry->branch.doomed()) watch_doomed(*entry);
    return code;
}

ReturnCode Registry::start_new(SessionId session, const Xid& xid, StartOptions options) {
    if (!make_room(options.owner)) return ReturnCode::er_rm_error;
    // The new branch may leave a tombstone of its own, which must not go with the old one.
    if (tombstones_.is_dropped(xid)) journal_.purge(tombstones_.take_dropped());
    const auto timeout = options.timeout.count() > 0 ? options.timeout : limits_.default_timeout;
    ++owners_[options.owner].branches;
    Branch branch(xid, std::move(options.owner), clock_.wall_now());
    Entry& entry = entries_.try_emplace(xid, std::move(branch), next_number_++).first->second;
    arm(entry, timeouts_, std::min(timeout, limits_.timeout_max));
    const ReturnCode code = entry.branch.start(session);
    remember_ties(entry, session);
    return code;
}

ReturnCode Registry::end(SessionId session, const Xid& xid, Flags flags) {
    if (const ReturnCode code = check_end_flags(flags); code != ReturnCode::ok) return code;
    Entry* const entry = find_live(xid);
    if (entry == nullptr) return ReturnCode::er_nota;
    const auto holder = entry->branch.suspended_for(session);
    const Step step = entry->branch.end(session, flags);
    remember_ties(*entry, session);
    if (holder) remember_ties(*entry, *holder);
    conclude(*entry, step);
    return step.code;
}

ReturnCode Registry::add_work(SessionId session, const Xid& xid, const Work& work) {
    Entry* const entry = find_live(xid);
    if (entry == nullptr) return ReturnCode::er_nota;
    const ReturnCode code = entry->branch.may_work(session);
    if (code == ReturnCode::ok) entry->branch.add_work(work);
    return code;
}

ReturnCode Registry::set_timeout(const Xid& xid, std::chrono::milliseconds timeout) {
    if (timeout.count() < 1) return ReturnCode::er_inval;
    Entry* const entry = find_live(xid);
    if (entry == nullptr) return ReturnCode::er_nota;
    if (entry->branch.doomed()) return *entry->branch.doomed();
    if (entry->armed != &timeouts_) return ReturnCode::er_proto;
    arm(*entry, timeouts_, std::min(timeout, limits_.timeout_max));
    return ReturnCode::ok;
}

void Registry::prepare(SessionId session, CallId call, const Xid& xid, Flags flags) {
    if (const ReturnCode code = check_plain_flags(flags); code != ReturnCode::ok) return effects_.answer(call, code);
    dispatch(xid, {.kind = Call::Kind::prepare, .session = session, .id = call});
}

void Registry::commit(SessionId session, CallId call, const Xid& xid, Flags flags) {
    if (const ReturnCode code = check_commit_flags(flags); code != ReturnCode::ok) return effects_.answer(call, code);
    dispatch(xid, {.kind = Call::Kind::commit, .session = session, .id = call, .flags = flags});
}

void Registry::rollback(SessionId session, CallId call, const Xid& xid, Flags flags) {
    if (const ReturnCode code = check_plain_flags(flags); code != ReturnCode::ok) return effects_.answer(call, code);
    dispatch(xid, {.kind = Call::Kind::rollback, .session = session, .id = call});
}

void Registry::forget(SessionId session, CallId call, const Xid& xid, Flags flags, Decision decision) {
    if (const ReturnCode code = check_plain_flags(flags); code != ReturnCode::ok) return effects_.answer(call, code);
    dispatch(xid, {.kind = Call::Kind::forget, .session = session, .id = call, .decision = std::move(decision)});
}

void Registry::resolve(CallId call, const Xid& xid, Outcome outcome, Decision decision) {
    const bool is_told = !decision.reason.empty() && decision.reason.size() <= limits_.reason_bytes_max && !decision.decided_by.empty() &&
                         decision.decided_by.size() <= limits_.decided_by_bytes_max;
    if (!is_told) return effects_.answer(call, ReturnCode::er_inval);
    dispatch(xid, {.kind = Call::Kind::resolve, .id = call, .outcome = outcome, .decision = std::move(decision)});
}

bool Registry::doom(const Xid& xid, ReturnCode code) {
    Entry* const entry = find_live(xid);
    if (entry == nullptr || !entry->branch.doom(code)) return false;
    conclude(*entry, {.discard = true});
    return true;
}

void Registry::lose(SessionId session) {
    const auto found = sessions_.find(session.value);
    if (found == sessions_.end()) return;
    const auto tied = std::move(found->second.entries);
    sessions_.erase(found);
    for (const auto& [number, entry] : tied) conclude(*entry, entry->branch.lose(session));
}

void Registry::on_durable(const Xid& given, Durability durability) {
    const Xid xid = given;  // `given` may be the entry's own
    const auto found = entries_.find(xid);
    if (found == entries_.end() || !found->second.writer) throw std::logic_error("on_durable() without a record under way");
    Entry& entry = found->second;
    const bool was_in_doubt = entry.branch.is_in_doubt();
    const Step step = entry.branch.on_durable(durability);
    Call writer = *std::exchange(entry.writer, std::nullopt);
    const std::vector<Call> waiting = std::exchange(entry.waiting, {});
    if (!was_in_doubt && entry.branch.is_in_doubt()) {
        add_in_doubt(entry);
    }
    if (writer.kind == Call::Kind::resolve && durability == Durability::durable) {
        entry.branch.set_decision(std::move(writer.decision), entry.written_at);
    }
    conclude(entry, step);
    effects_.answer(writer.id, step.code);
    for (const Call& call : waiting) dispatch(xid, call);
}

void Registry::expire() {
    const SteadyTime now = clock_.steady_now();
    while (!timeouts_.empty() && timeouts_.begin()->first.first <= now) time_out(*timeouts_.begin()->second);
    while (!doomed_.empty() && doomed_.begin()->first.first <= now) remove(*doomed_.begin()->second);
    tombstones_.expire(clock_.wall_now());
    if (tombstones_.dropped() > 0) journal_.purge(tombstones_.take_dropped());
}

void Registry::add_in_doubt(const Entry& entry) {
    owners_.at(entry.branch.owner()).in_doubt.emplace(entry.branch.xid(), &entry.branch);
    in_doubt_by_age_.emplace(entry.branch.prepared_at(), entry.number);
}

/// Those of all owners, merged: an index of its own would cost every prepare, and this is seldom asked for.
InDoubtPage Registry::in_doubt(const std::optional<Xid>& after, std::size_t limit) const {
    using Range = std::pair<InDoubt::const_iterator, InDoubt::const_iterator>;
    const auto comes_later = [](const Range& left, const Range& right) { return right.first->first < left.first->first; };
    std::vector<Range> left;  // a heap, with the next one on top
    for (const auto& [name, owner] : owners_) {
        const auto next = after ? owner.in_doubt.upper_bound(*after) : owner.in_doubt.begin();
        if (next != owner.in_doubt.end()) left.emplace_back(next, owner.in_doubt.end());
    }
    std::make_heap(left.begin(), left.end(), comes_later);
    InDoubtPage page;
    while (!left.empty() && page.branches.size() < limit) {
        std::pop_heap(left.begin(), left.end(), comes_later);
        page.branches.push_back(left.back().first->second);
        if (++left.back().first == left.back().second) {
            left.pop_back();
        } else {
            std::push_heap(left.begin(), left.end(), comes_later);
        }
    }
    page.more = !left.empty();
    return page;
}

InDoubtPage Registry::in_doubt_of(const std::string& owner, const std::optional<Xid>& after, std::size_t limit) const {
    InDoubtPage page;
    const auto found = owners_.find(owner);
    if (found == owners_.end()) return page;
    const auto& all = found->second.in_doubt;
    auto next = after ? all.upper_bound(*after) : all.begin();
    for (; next != all.end() && page.branches.size() < limit; ++next) page.branches.push_back(next->second);
    page.more = next != all.end();
    return page;
}

std::size_t Registry::branches_of(const std::string& owner) const {
    const auto found = owners_.find(owner);
    return found == owners_.end() ? 0 : found->second.branches - found->second.doomed;
}

const Branch* Registry::find(const Xid& xid) const {
    const auto found = entries_.find(xid);
    return found == entries_.end() ? nullptr : &found->second.branch;
}

std::optional<WallTime> Registry::oldest_in_doubt() const {
    if (in_doubt_by_age_.empty()) return std::nullopt;
    return in_doubt_by_age_.begin()->first;
}

/// The entry, after its timeout has been applied if it is due.
Registry::Entry* Registry::find_live(const Xid& xid) {
    const auto found = entries_.find(xid);
    if (found == entries_.end()) return nullptr;
    Entry& entry = found->second;
    if (entry.armed == &timeouts_ && entry.deadline <= clock_.steady_now()) time_out(entry);
    return &entry;
}

bool Registry::session_is_active(SessionId session) const {
    const auto found = sessions_.find(session.value);
    return found != sessions_.end() && found->second.active != nullptr;
}

/// Room for one more branch, if need be by forgetting the doomed one that has waited longest for its manager.
bool Registry::make_room(const std::string& owner) {
    if (branches_of(owner) >= limits_.branches_of_owner_max) return false;
    if (entries_.size() < limits_.branches_max) return true;
    if (doomed_.empty()) return false;
    remove(*doomed_.begin()->second);
    return true;
}

/// Keeps `sessions_` as the branch's associations are.
void Registry::remember_ties(Entry& entry, SessionId session) {
    if (session == SessionId{}) return;
    const bool is_tied = std::ranges::any_of(entry.branch.associations(), [session](const auto& one) { return one.session == session; });
    Ties& ties = sessions_[session.value];
    if (is_tied) {
        ties.entries.emplace(entry.number, &entry);
    } else {
        ties.entries.erase(entry.number);
    }
    if (entry.branch.is_active_in(session)) {
        ties.active = &entry;
    } else if (ties.active == &entry) {
        ties.active = nullptr;
    }
    if (ties.entries.empty()) sessions_.erase(session.value);
}

void Registry::dispatch(const Xid& xid, Call call) {
    Entry* const entry = find_live(xid);
    if (entry == nullptr) return effects_.answer(call.id, answer_without_branch(xid, call));
    const std::vector<Association> ties = entry->branch.associations();
    const Step step = apply(entry->branch, call);
    for (const auto& tie : ties) remember_ties(*entry, tie.session);
    switch (step.next) {
        case Step::Next::wait: return wait(*entry, std::move(call));
        case Step::Next::write: return write(*entry, std::move(call), step.record);
        case Step::Next::answer: break;
    }
    conclude(*entry, step);
    effects_.answer(call.id, step.code);
}

Step Registry::apply(Branch& branch, const Call& call) const {
    switch (call.kind) {
        case Call::Kind::prepare: return branch.prepare();
        case Call::Kind::commit: return branch.commit(call.flags);
        case Call::Kind::rollback: return branch.rollback(call.session);
        case Call::Kind::forget: return branch.forget();
        case Call::Kind::resolve: return branch.resolve(call.outcome);
    }
    return {.code = ReturnCode::er_rm_error};
}

/// S0 of table 6-4; if there is a tombstone, the truth as far as the call's codes can tell it (docs/adr/0008).
ReturnCode Registry::answer_without_branch(const Xid& xid, const Call& call) const {
    const auto outcome = tombstones_.find(xid);
    if (!outcome) return ReturnCode::er_nota;
    const bool committed = *outcome == Outcome::committed;
    switch (call.kind) {
        case Call::Kind::prepare: return committed ? ReturnCode::er_proto : ReturnCode::rb_rollback;
        case Call::Kind::commit:
            if (committed) return ReturnCode::ok;
            return (call.flags & tm::one_phase) != 0 ? ReturnCode::rb_rollback : ReturnCode::er_nota;
        case Call::Kind::rollback: return committed ? ReturnCode::heuristic_commit : ReturnCode::ok;
        case Call::Kind::forget:
        case Call::Kind::resolve: return ReturnCode::er_nota;
    }
    return ReturnCode::er_nota;
}

void Registry::wait(Entry& entry, Call call) {
    if (entry.waiting.size() < limits_.waiting_calls_max) {
        entry.waiting.push_back(std::move(call));
        return;
    }
    const bool may_retry = call.kind == Call::Kind::commit && (call.flags & tm::one_phase) == 0;
    effects_.answer(call.id, may_retry ? ReturnCode::retry : ReturnCode::er_rm_fail);
}

/// Nothing comes after the journal's write(), since it may already call on_durable().
void Registry::write(Entry& entry, Call call, RecordKind kind) {
    disarm(entry);
    const WallTime now = clock_.wall_now();
    Record record{.kind = kind, .xid = entry.branch.xid(), .time = now, .owner = {}, .work = {}, .decision = call.decision};
    if (kind == RecordKind::prepared || kind == RecordKind::committed_one_phase) {
        record.owner = entry.branch.owner();
        record.work = entry.branch.work();
        entry.branch.set_prepared_at(now);
    }
    entry.writer = std::move(call);
    entry.written_at = now;
    journal_.write(std::move(record));
}

/// Brings the registry to what the step says. The entry may be gone afterwards.
void Registry::conclude(Entry& entry, const Step& step) {
    const Xid xid = entry.branch.xid();
    if (step.outcome) {
        tombstones_.add({xid, *step.outcome, entry.written_at});
        purge_tombstones();
    }
    if (step.gone) {
        remove(entry);
    } else if (entry.branch.doomed()) {
        watch_doomed(entry);
    }
    if (step.discard) effects_.discard(xid);
}

/// A doomed branch has no timeout any more. It is forgotten some time after the last session has left it; none can come to it.
void Registry::watch_doomed(Entry& entry) {
    if (entry.armed == &timeouts_) disarm(entry);
    if (entry.armed == nullptr && !entry.branch.has_sessions()) arm(entry, doomed_, limits_.doomed_age_max);
}

void Registry::remove(Entry& entry) {
    disarm(entry);
    const Xid xid = entry.branch.xid();
    const auto owner = owners_.find(entry.branch.owner());
    owner->second.in_doubt.erase(xid);
    if (--owner->second.branches == 0) owners_.erase(owner);
    in_doubt_by_age_.erase({entry.branch.prepared_at(), entry.number});
    entries_.erase(xid);
}

void Registry::arm(Entry& entry, Deadlines& deadlines, std::chrono::milliseconds after) {
    disarm(entry);
    entry.deadline = clock_.steady_now() + after;
    entry.armed = &deadlines;
    if (&deadlines == &doomed_) ++owners_.at(entry.branch.owner()).doomed;
    deadlines.emplace(std::pair(entry.deadline, entry.number), &entry);
}

void Registry::disarm(Entry& entry) {
    if (entry.armed == nullptr) return;
    if (entry.armed == &doomed_) --owners_.at(entry.branch.owner()).doomed;
    std::exchange(entry.armed, nullptr)->erase({entry.deadline, entry.number});
}

void Registry::time_out(Entry& entry) {
    const bool discard = entry.branch.doom(ReturnCode::rb_timeout);
    conclude(entry, {.discard = discard});
}

void Registry::purge_tombstones() {
    if (tombstones_.dropped() >= purge_batch) journal_.purge(tombstones_.take_dropped());
}

}  // namespace giromq::xa
