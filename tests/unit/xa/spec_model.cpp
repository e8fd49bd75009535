#include "spec_model.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace giromq::xa::test {
namespace {

std::optional<ReturnCode> refused_flags(const std::string& call, Flags flags) {
    if ((flags & tm::async) != 0) return ReturnCode::er_async;
    const auto valid = valid_flags(call);
    if (std::ranges::find(valid, flags) == valid.end()) return ReturnCode::er_inval;
    return std::nullopt;
}

}  // namespace

SpecModel::Model* SpecModel::find(unsigned xid) {
    const auto found = branches_.find(xid);
    return found == branches_.end() ? nullptr : &found->second;
}

bool SpecModel::in_t1(unsigned session) const {
    for (const auto& [xid, branch] : branches_) {
        for (const auto& tie : branch.ties) {
            if (tie.session == session && tie.state == '1') return true;
        }
    }
    return false;
}

/// S1 while anybody is in T1, S2 otherwise.
void SpecModel::settle(Model& branch) {
    const bool active = std::ranges::any_of(branch.ties, [](const Tie& tie) { return tie.state == '1'; });
    if (branch.state == '1' || branch.state == '2') branch.state = active ? '1' : '2';
}

void SpecModel::answer(const ModelCall& call, ReturnCode code) {
    events_.push_back("answer " + std::to_string(call.id) + ' ' + std::string(name_of(code)));
}

void SpecModel::doom(unsigned xid, ReturnCode code) {
    Model& branch = branches_.at(xid);
    branch.doomed = code;
    branch.timeout_at.reset();
    begin_to_forget(branch);
    events_.push_back("discard " + std::to_string(xid));
}

/// The hour of a doomed branch begins when no session is tied to it any more.
void SpecModel::begin_to_forget(Model& branch) const {
    const bool has_sessions = std::ranges::any_of(branch.ties, [](const Tie& tie) { return tie.session != 0; });
    if (branch.doomed && !has_sessions && !branch.forget_at) branch.forget_at = now_ms_ + doomed_ms;
}

ReturnCode SpecModel::start(unsigned session, unsigned xid, Flags flags) {
    if (const auto refused = refused_flags("start", flags)) return *refused;
    Model* const branch = find(xid);
    const bool joins = (flags & tm::join) != 0;
    const bool resumes = (flags & tm::resume) != 0;
    if (!joins && !resumes) {
        if (branch != nullptr || stones_.contains(xid)) return ReturnCode::er_dupid;
        if (in_t1(session)) return ReturnCode::er_proto;
        Model made;
        made.state = next_state("start", "ok", '0');
        made.ties = {{session}};
        made.timeout_at = now_ms_ + timeout_ms;
        made.number = next_number_++;
        branches_.emplace(xid, made);
        return ReturnCode::ok;
    }
    if (branch == nullptr) return ReturnCode::er_nota;
    if (in_t1(session) || !branch->record.empty()) return ReturnCode::er_proto;
    const auto own = std::ranges::find(branch->ties, session, &Tie::session);
    auto tie = own;
    if (resumes && tie == branch->ties.end()) {
        tie = std::ranges::find_if(branch->ties, [](const Tie& one) { return one.state == '2' && one.migratable; });
    }
    if (joins && own != branch->ties.end()) return ReturnCode::er_proto;
    if (branch->answered_rollback) return ReturnCode::er_nota;
    if (resumes && tie == branch->ties.end()) return ReturnCode::er_proto;
    // Table 6-4 knows one thread; a second one may join a branch in S1 as well.
    if (branch->state != '1' && !may_call("start", branch->state)) return ReturnCode::er_proto;
    if (branch->doomed) {
        if (resumes) branch->ties.erase(tie);
        begin_to_forget(*branch);
        branch->state = next_state("start", "rb", '2');
        return *branch->doomed;
    }
    if (resumes) {
        *tie = {session};
    } else {
        branch->ties.push_back({session});
    }
    branch->state = '1';
    return ReturnCode::ok;
}

ReturnCode SpecModel::end(unsigned session, unsigned xid, Flags flags) {
    if (const auto refused = refused_flags("end", flags)) return *refused;
    Model* const branch = find(xid);
    if (branch == nullptr) return ReturnCode::er_nota;
    const bool suspends = (flags & tm::suspend) != 0;
    auto tie = std::ranges::find(branch->ties, session, &Tie::session);
    if (tie == branch->ties.end() && !suspends) {
        tie = std::ranges::find_if(branch->ties, [](const Tie& one) { return one.state == '2' && one.migratable; });
    }
    if (tie == branch->ties.end() || (suspends && tie->state == '2')) return ReturnCode::er_proto;
    if (branch->doomed) {
        branch->ties.erase(tie);
        branch->state = next_state("end", "rb", '1');
        const ReturnCode code = *branch->doomed;
        begin_to_forget(*branch);
        if (branch->answered_rollback && branch->ties.empty()) branches_.erase(xid);
        return code;
    }
    if (suspends) {
        tie->state = '2';
        tie->migratable = (flags & tm::migrate) != 0;
    } else {
        branch->ties.erase(tie);
    }
    settle(*branch);
    if ((flags & tm::fail) != 0) doom(xid, ReturnCode::rb_rollback);
    return ReturnCode::ok;
}

ReturnCode SpecModel::work(unsigned session, unsigned xid) {
    Model* const branch = find(xid);
    if (branch == nullptr) return ReturnCode::er_nota;
    const auto tie = std::ranges::find(branch->ties, session, &Tie::session);
    if (tie == branch->ties.end()) return ReturnCode::er_proto;
    if (branch->doomed) return *branch->doomed;
    if (tie->state != '1') return ReturnCode::er_proto;
    ++branch->work;
    return ReturnCode::ok;
}

void SpecModel::complete(const ModelCall& call) {
    const bool by_administrator = call.verb.starts_with("resolve");
    if (!by_administrator) {
        if (const auto refused = refused_flags(call.verb, call.flags)) return answer(call, *refused);
    }
    Model* const branch = find(call.xid);
    if (branch == nullptr) return without_branch(call);
    const bool one_phase = (call.flags & tm::one_phase) != 0;
    if (!branch->record.empty()) {
        if (call.verb == "commit" && (call.flags & tm::no_wait) != 0 && !one_phase) return answer(call, ReturnCode::retry);
        branch->waiting.push_back(call);
        return;
    }
    on_branch(*branch, call);
}

void SpecModel::without_branch(const ModelCall& call) {
    const auto stone = stones_.find(call.xid);
    ReturnCode code = ReturnCode::er_nota;
    if (stone != stones_.end()) {
        const bool committed = stone->second.committed;
        if (call.verb == "prepare") code = committed ? ReturnCode::er_proto : ReturnCode::rb_rollback;
        if (call.verb == "commit" && committed) code = ReturnCode::ok;
        if (call.verb == "commit" && !committed && (call.flags & tm::one_phase) != 0) code = ReturnCode::rb_rollback;
        if (call.verb == "rollback") code = committed ? ReturnCode::heuristic_commit : ReturnCode::ok;
    }
    answer(call, code);
}

void SpecModel::on_branch(Model& branch, const ModelCall& call) {
    std::string verb = call.verb;
    if (verb == "commit") verb = (call.flags & tm::one_phase) != 0 ? "commit1" : "commit2";
    // What the tables do not know: an administrator, and a rollback while others are in T1.
    if (verb.starts_with("resolve")) {
        if (branch.state == '5') return answer(call, *branch.heuristic);
        if (branch.state != '3') return answer(call, ReturnCode::er_proto);
        return write(branch, call, verb == "resolve_commit" ? "heuristically committed" : "heuristically rolled back");
    }
    if (branch.answered_rollback) {
        if (verb == "prepare" || verb == "commit1") return answer(call, *branch.doomed);
        if (verb == "commit2") return answer(call, ReturnCode::er_nota);
    }
    if (verb == "rollback" && branch.state != '3' && branch.state != '5') {
        const auto own = std::ranges::find(branch.ties, call.session, &Tie::session);
        if (own != branch.ties.end() && own->state == '1') return answer(call, ReturnCode::er_proto);
        if (!branch.doomed) doom(call.xid, ReturnCode::rb_rollback);
        std::erase_if(branch.ties, [](const Tie& tie) { return tie.state == '2'; });
        branch.answered_rollback = true;
        begin_to_forget(branch);
        if (branch.ties.empty()) branches_.erase(call.xid);
        return answer(call, ReturnCode::ok);
    }
    if (!may_call(verb, branch.state)) return answer(call, ReturnCode::er_proto);
    if (branch.state == '5' && verb != "forget") return answer(call, *branch.heuristic);
    if (!branch.ties.empty()) return answer(call, ReturnCode::er_proto);
    if (branch.doomed || (branch.work == 0 && branch.state == '2')) {
        const ReturnCode code = branch.doomed ? *branch.doomed : verb == "prepare" ? ReturnCode::read_only : ReturnCode::ok;
        branches_.erase(call.xid);
        return answer(call, code);
    }
    static const std::map<std::string, std::string> records{{"prepare", "prepared"},
                                                            {"commit1", "committed in one phase"},
                                                            {"commit2", "committed"},
                                                            {"rollback", "rolled back"},
                                                            {"forget", "forgotten"}};
    write(branch, call, records.at(verb));
}

void SpecModel::write(Model& branch, const ModelCall& call, const std::string& record) {
    branch.record = record;
    branch.writer = call;
    branch.timeout_at.reset();
    branch.written_at = now_ms_;
    disk_queue_.push_back(call.xid);
}

void SpecModel::reach_disk(Model& branch, unsigned xid) {
    if (branch.record == "prepared") {
        branch.state = next_state("prepare", "ok", branch.state);
    } else if (branch.record.starts_with("heuristically")) {
        branch.state = next_state("commit2", "heur", branch.state);
        branch.heuristic = branch.record == "heuristically committed" ? ReturnCode::heuristic_commit : ReturnCode::heuristic_rollback;
    } else {
        branch.state = '0';
        if (branch.record != "forgotten") stones_[xid] = {branch.record != "rolled back", branch.written_at};
    }
}

void SpecModel::durable(bool on_disk) {
    const unsigned xid = disk_queue_.front();
    disk_queue_.pop_front();
    Model& branch = branches_.at(xid);
    ReturnCode code = ReturnCode::ok;
    if (on_disk) {
        reach_disk(branch, xid);
    } else if (branch.record == "prepared" || branch.record == "committed in one phase") {
        code = ReturnCode::rb_rollback;
        branch.state = '0';
        events_.push_back("discard " + std::to_string(xid));
    } else if (branch.record == "committed") {
        code = ReturnCode::retry;
    } else {
        code = branch.record == "forgotten" ? ReturnCode::er_rm_error : ReturnCode::er_rm_fail;
    }
    branch.record.clear();
    answer(branch.writer, code);
    const std::deque<ModelCall> waiting = std::exchange(branch.waiting, {});
    if (branch.state == '0') branches_.erase(xid);
    for (const auto& call : waiting) complete(call);
}

void SpecModel::crash(std::size_t untold) {
    for (; untold > 0; --untold) {
        const unsigned xid = disk_queue_.front();
        disk_queue_.pop_front();
        reach_disk(branches_.at(xid), xid);
    }
    disk_queue_.clear();
    std::erase_if(branches_, [](const auto& one) { return one.second.state != '3' && one.second.state != '5'; });
    for (auto& [xid, branch] : branches_) {
        branch.record.clear();
        branch.waiting.clear();
        branch.timeout_at.reset();
        branch.forget_at.reset();
    }
}

void SpecModel::lose(unsigned session) {
    std::vector<std::pair<std::uint64_t, unsigned>> by_age;
    for (const auto& [xid, branch] : branches_) by_age.emplace_back(branch.number, xid);
    for (const auto& [number, xid] : by_age) {
        Model& branch = branches_.at(xid);
        const auto tie = std::ranges::find(branch.ties, session, &Tie::session);
        if (tie == branch.ties.end()) continue;
        if (tie->migratable) {
            tie->session = 0;
            begin_to_forget(branch);
            continue;
        }
        branch.ties.erase(tie);
        settle(branch);
        if (!branch.doomed) doom(xid, ReturnCode::rb_comm_fail);
        begin_to_forget(branch);
        if (branch.answered_rollback && branch.ties.empty()) branches_.erase(xid);
    }
}

void SpecModel::advance(std::int64_t ms) {
    now_ms_ += ms;
    std::vector<std::pair<std::pair<std::int64_t, std::uint64_t>, unsigned>> due;
    for (const auto& [xid, branch] : branches_) {
        if (branch.timeout_at && *branch.timeout_at <= now_ms_) due.push_back({{*branch.timeout_at, branch.number}, xid});
    }
    std::ranges::sort(due);
    for (const auto& [when, xid] : due) doom(xid, ReturnCode::rb_timeout);
    std::erase_if(branches_, [this](const auto& one) { return one.second.forget_at && *one.second.forget_at <= now_ms_; });
    std::erase_if(stones_, [this](const auto& one) { return now_ms_ - one.second.at > tombstone_ms; });
}

std::string SpecModel::describe(unsigned xid) const {
    const auto found = branches_.find(xid);
    const auto stone = stones_.find(xid);
    std::string text = "S0";
    if (found != branches_.end()) {
        const Model& branch = found->second;
        text = std::string("S") + branch.state;
        for (const auto& tie : branch.ties) {
            text += " T" + std::string(1, tie.state) + (tie.migratable ? "m" : "") + " of " + std::to_string(tie.session);
        }
        text += " work " + std::to_string(branch.work);
        if (branch.doomed) text += " doomed " + std::string(name_of(*branch.doomed));
        if (branch.heuristic) text += " heuristic " + std::string(name_of(*branch.heuristic));
        if (!branch.record.empty()) text += " writing " + branch.record;
    }
    if (stone != stones_.end()) text += stone->second.committed ? " tombstone committed" : " tombstone rolled back";
    return text;
}

std::size_t SpecModel::sessions() const {
    std::set<unsigned> tied;
    for (const auto& [xid, branch] : branches_) {
        for (const auto& tie : branch.ties) tied.insert(tie.session);
    }
    tied.erase(0);
    return tied.size();
}

std::vector<unsigned> SpecModel::in_doubt() const {
    std::vector<unsigned> numbers;
    for (const auto& [xid, branch] : branches_) {
        if (branch.state == '3' || branch.state == '5') numbers.push_back(xid);
    }
    return numbers;
}

}  // namespace giromq::xa::test
