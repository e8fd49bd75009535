#include "pair.hpp"

#include <cppunit/TestAssert.h>

#include <algorithm>
#include <string_view>
#include <type_traits>

namespace giromq::xa::test {
namespace {

RegistryLimits model_limits() {
    RegistryLimits limits;
    limits.default_timeout = std::chrono::milliseconds(SpecModel::timeout_ms);
    limits.doomed_age_max = std::chrono::milliseconds(SpecModel::doomed_ms);
    limits.tombstone_age_max = std::chrono::milliseconds(SpecModel::tombstone_ms);
    limits.waiting_calls_max = 1000;
    return limits;
}

template <typename Range>
std::string join(const Range& all) {
    std::string text;
    for (const auto& one : all) {
        if constexpr (std::is_convertible_v<decltype(one), std::string_view>) {
            text += one;
        } else {
            text += std::to_string(one);
        }
        text += "; ";
    }
    return text;
}

char number_of_state(BranchState state) {
    switch (state) {
        case BranchState::active: return '1';
        case BranchState::idle: return '2';
        case BranchState::prepared: return '3';
        case BranchState::rollback_only: return '4';
        case BranchState::heuristically_completed: return '5';
    }
    return '?';
}

}  // namespace

Pair::Pair() : rig_(model_limits()) {}

void Pair::note(const std::string& step) {
    if (!quiet_) history_ += "\n  " + step;
}

void Pair::set_quiet(bool quiet) {
    quiet_ = quiet;
    compare();
}

void Pair::same(const std::string& what, const std::string& of_registry, const std::string& of_model) {
    if (of_registry == of_model) return;
    CPPUNIT_FAIL(what + ": the registry says '" + of_registry + "', the model '" + of_model + "', after:" + history_);
}

ReturnCode Pair::start(unsigned session, unsigned xid, Flags flags) {
    note("start session " + std::to_string(session) + " xid " + std::to_string(xid) + ' ' + to_text(flags));
    const ReturnCode code = rig_.start(session, xid, flags);
    same("start", std::string(name_of(code)), std::string(name_of(model_.start(session, xid, flags))));
    compare();
    return code;
}

ReturnCode Pair::end(unsigned session, unsigned xid, Flags flags) {
    note("end session " + std::to_string(session) + " xid " + std::to_string(xid) + ' ' + to_text(flags));
    const ReturnCode code = rig_.end(session, xid, flags);
    same("end", std::string(name_of(code)), std::string(name_of(model_.end(session, xid, flags))));
    compare();
    return code;
}

ReturnCode Pair::work(unsigned session, unsigned xid) {
    note("work session " + std::to_string(session) + " xid " + std::to_string(xid));
    const ReturnCode code = rig_.work(session, xid, {.puts = 1});
    same("work", std::string(name_of(code)), std::string(name_of(model_.work(session, xid))));
    compare();
    return code;
}

void Pair::complete(const std::string& verb, unsigned session, unsigned xid, Flags flags) {
    note(verb + " session " + std::to_string(session) + " xid " + std::to_string(xid) + ' ' + to_text(flags));
    model_.complete({verb, session, xid, flags, ++calls_});
    if (verb == "prepare") rig_.prepare(session, xid, flags);
    if (verb == "commit") rig_.commit(session, xid, flags);
    if (verb == "rollback") rig_.rollback(session, xid, flags);
    if (verb == "forget") rig_.forget(session, xid, flags);
    if (verb == "resolve_commit") rig_.resolve(xid, Outcome::committed);
    if (verb == "resolve_rollback") rig_.resolve(xid, Outcome::rolled_back);
    compare();
}

void Pair::durable(Durability durability) {
    note(durability == Durability::durable ? "the first record is durable" : "the first record is refused");
    rig_.journal.complete(durability);
    model_.durable(durability == Durability::durable);
    compare();
}

void Pair::lose(unsigned session) {
    note("lose session " + std::to_string(session));
    rig_.registry->lose({session});
    model_.lose(session);
    compare(false);
}

void Pair::advance(std::int64_t ms) {
    note("advance " + std::to_string(ms) + " ms");
    rig_.advance(std::chrono::milliseconds(ms));
    model_.advance(ms);
    compare();
}

void Pair::crash(std::size_t untold) {
    note("crash, " + std::to_string(untold) + " records durable and untold");
    for (std::size_t done = 0; done < untold; ++done) rig_.journal.complete_untold();
    rig_.crash();
    model_.crash(untold);
    compare();
}

std::string Pair::describe(unsigned xid) const {
    const Branch* const branch = rig_.registry->find(xid_of(xid));
    std::string text = "S0";
    if (branch != nullptr) {
        text = std::string("S") + number_of_state(branch->state());
        for (const auto& one : branch->associations()) {
            text +=
                std::string(" T") + (one.suspended ? "2" : "1") + (one.migratable ? "m" : "") + " of " + std::to_string(one.session.value);
        }
        text += " work " + std::to_string(branch->work().puts);
        if (branch->doomed()) text += " doomed " + std::string(name_of(*branch->doomed()));
        if (branch->heuristic()) text += " heuristic " + std::string(name_of(*branch->heuristic()));
        if (branch->writing()) text += " writing " + std::string(name_of(*branch->writing()));
    }
    const auto outcome = rig_.registry->outcome(xid_of(xid));
    if (outcome) text += *outcome == Outcome::committed ? " tombstone committed" : " tombstone rolled back";
    return text;
}

void Pair::compare(bool events_in_order) {
    if (quiet_) return;
    for (unsigned xid = 1; xid <= xids; ++xid) same("xid " + std::to_string(xid), describe(xid), model_.describe(xid));
    same("in doubt", join(rig_.in_doubt()), join(model_.in_doubt()));
    same("sessions", std::to_string(rig_.registry->sessions()), std::to_string(model_.sessions()));
    same("records under way", std::to_string(rig_.journal.waiting()), std::to_string(model_.waiting_records()));
    auto of_registry = rig_.recorder.take();
    auto of_model = model_.take_events();
    if (!events_in_order) {
        std::ranges::sort(of_registry);
        std::ranges::sort(of_model);
    }
    same("events", join(of_registry), join(of_model));
    // Whatever happens, no branch is ever both committed and rolled back, nor twice.
    for (unsigned xid = 1; xid <= xids; ++xid) {
        const auto stored = rig_.journal.branches().contains(xid_of(xid));
        const auto buried = rig_.journal.tombstones().contains(xid_of(xid));
        if (stored && buried) same("the journal", "holds the branch and its tombstone", "holds one of them");
    }
}

}  // namespace giromq::xa::test
