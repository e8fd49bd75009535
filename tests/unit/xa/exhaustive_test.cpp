#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pair.hpp"

/// Every state × every call × every flag, compared with the model.
namespace giromq::xa::test {
namespace {

/// The session that makes the calls, two others, and one that is busy with another branch.
constexpr unsigned caller = 1;
constexpr unsigned other = 2;
constexpr unsigned busy = 3;
constexpr std::array callers{caller, other, busy};

/// All states that branch 1 and the sessions' associations with it can be in, each with the way there.
struct Situation {
    std::string name;
    std::function<void(Pair&)> reach;
};

void idle(Pair& pair) {
    pair.start(caller, 1);
    pair.work(caller, 1);
    pair.end(caller, 1);
}
void prepared(Pair& pair) {
    idle(pair);
    pair.complete("prepare", caller, 1);
    pair.durable();
}
void time_out(Pair& pair) { pair.advance(SpecModel::timeout_ms); }

std::vector<Situation> unprepared_situations() {
    return {
        {"never seen", [](Pair&) {}},
        {"active in the caller", [](Pair& p) { p.start(caller, 1), p.work(caller, 1); }},
        {"active in another session", [](Pair& p) { p.start(other, 1), p.work(other, 1); }},
        {"active in both", [](Pair& p) { p.start(other, 1), p.work(other, 1), p.start(caller, 1, tm::join); }},
        {"suspended", [](Pair& p) { p.start(caller, 1), p.work(caller, 1), p.end(caller, 1, tm::suspend); }},
        {"suspended to migrate", [](Pair& p) { p.start(caller, 1), p.work(caller, 1), p.end(caller, 1, tm::suspend | tm::migrate); }},
        {"suspended to migrate by a lost session",
         [](Pair& p) { p.start(4, 1), p.work(4, 1), p.end(4, 1, tm::suspend | tm::migrate), p.lose(4); }},
        {"suspended by another session", [](Pair& p) { p.start(other, 1), p.work(other, 1), p.end(other, 1, tm::suspend); }},
        {"suspended, and active in another",
         [](Pair& p) { p.start(caller, 1), p.end(caller, 1, tm::suspend), p.start(other, 1, tm::join), p.work(other, 1); }},
        {"suspended twice to migrate",
         [](Pair& p) {
             p.start(caller, 1), p.end(caller, 1, tm::suspend | tm::migrate), p.start(other, 1, tm::join), p.work(other, 1);
             p.end(other, 1, tm::suspend | tm::migrate);
         }},
        {"idle", idle},
        {"idle without work", [](Pair& p) { p.start(caller, 1), p.end(caller, 1); }},
        {"failed", [](Pair& p) { p.start(caller, 1), p.work(caller, 1), p.end(caller, 1, tm::fail); }},
        {"failed, and active in another",
         [](Pair& p) { p.start(caller, 1), p.start(other, 1, tm::join), p.work(other, 1), p.end(caller, 1, tm::fail); }},
        {"rollback-only", [](Pair& p) { p.start(caller, 1), p.end(caller, 1, tm::fail), p.start(caller, 1, tm::join); }},
        {"rollback-only, and active in another",
         [](Pair& p) { p.start(caller, 1), p.start(other, 1, tm::join), time_out(p), p.end(caller, 1); }},
        {"rollback-only, and suspended",
         [](Pair& p) { p.start(caller, 1), p.end(caller, 1, tm::suspend), p.start(other, 1, tm::join), time_out(p), p.end(other, 1); }},
        {"timed out while active", [](Pair& p) { p.start(caller, 1), p.work(caller, 1), time_out(p); }},
        {"timed out while idle", [](Pair& p) { idle(p), time_out(p); }},
        {"timed out while suspended", [](Pair& p) { p.start(caller, 1), p.work(caller, 1), p.end(caller, 1, tm::suspend), time_out(p); }},
        {"timed out while suspended to migrate",
         [](Pair& p) { p.start(caller, 1), p.work(caller, 1), p.end(caller, 1, tm::suspend | tm::migrate), time_out(p); }},
        {"its session lost", [](Pair& p) { p.start(4, 1), p.work(4, 1), p.lose(4); }},
        {"one of its sessions lost", [](Pair& p) { p.start(caller, 1), p.start(4, 1, tm::join), p.work(4, 1), p.lose(4); }},
        {"rolled back by another while active", [](Pair& p) { p.start(caller, 1), p.work(caller, 1), p.complete("rollback", other, 1); }},
        {"rolled back by a third while active in both",
         [](Pair& p) { p.start(caller, 1), p.start(other, 1, tm::join), p.complete("rollback", 4, 1), p.end(other, 1); }},
        {"rolled back", [](Pair& p) { idle(p), p.complete("rollback", caller, 1); }},
    };
}

std::vector<Situation> prepared_situations() {
    return {
        {"preparing", [](Pair& p) { idle(p), p.complete("prepare", caller, 1); }},
        {"preparing, with a commit and a rollback waiting",
         [](Pair& p) { idle(p), p.complete("prepare", caller, 1), p.complete("commit", other, 1), p.complete("rollback", caller, 1); }},
        {"prepare refused", [](Pair& p) { idle(p), p.complete("prepare", caller, 1), p.durable(Durability::refused); }},
        {"prepared", prepared},
        {"prepared, after a crash", [](Pair& p) { prepared(p), p.crash(0); }},
        {"committing", [](Pair& p) { prepared(p), p.complete("commit", caller, 1); }},
        {"commit refused", [](Pair& p) { prepared(p), p.complete("commit", caller, 1), p.durable(Durability::refused); }},
        {"committing in one phase", [](Pair& p) { idle(p), p.complete("commit", caller, 1, tm::one_phase); }},
        {"rolling back", [](Pair& p) { prepared(p), p.complete("rollback", caller, 1); }},
        {"rollback refused", [](Pair& p) { prepared(p), p.complete("rollback", caller, 1), p.durable(Durability::refused); }},
        {"committed", [](Pair& p) { prepared(p), p.complete("commit", caller, 1), p.durable(); }},
        {"committed in one phase", [](Pair& p) { idle(p), p.complete("commit", caller, 1, tm::one_phase), p.durable(); }},
        {"rolled back after prepare", [](Pair& p) { prepared(p), p.complete("rollback", caller, 1), p.durable(); }},
        {"committed, after a crash", [](Pair& p) { prepared(p), p.complete("commit", caller, 1), p.crash(1); }},
        {"committed long ago",
         [](Pair& p) { prepared(p), p.complete("commit", caller, 1), p.durable(), p.advance(SpecModel::tombstone_ms + 1); }},
        {"an administrator commits", [](Pair& p) { prepared(p), p.complete("resolve_commit", 0, 1); }},
        {"heuristically committed", [](Pair& p) { prepared(p), p.complete("resolve_commit", 0, 1), p.durable(); }},
        {"heuristically rolled back", [](Pair& p) { prepared(p), p.complete("resolve_rollback", 0, 1), p.durable(); }},
        {"heuristically rolled back, after a crash", [](Pair& p) { prepared(p), p.complete("resolve_rollback", 0, 1), p.crash(1); }},
        {"forgetting", [](Pair& p) { prepared(p), p.complete("resolve_commit", 0, 1), p.durable(), p.complete("forget", caller, 1); }},
        {"forgotten",
         [](Pair& p) { prepared(p), p.complete("resolve_commit", 0, 1), p.durable(), p.complete("forget", caller, 1), p.durable(); }},
    };
}

std::vector<Flags> all_flag_sets() {
    constexpr std::array bits{tm::async,   tm::one_phase,  tm::fail,     tm::no_wait,  tm::resume, tm::success,
                              tm::suspend, tm::start_scan, tm::end_scan, tm::multiple, tm::join,   tm::migrate};
    std::vector<Flags> sets;
    for (unsigned chosen = 0; chosen < 1u << bits.size(); ++chosen) {
        Flags flags = 0;
        for (std::size_t bit = 0; bit < bits.size(); ++bit) {
            if ((chosen >> bit & 1) != 0) flags |= bits[bit];
        }
        sets.push_back(flags);
    }
    sets.insert(sets.end(), {0x1, 0x2, 0x4, 0x8, 0x00080000, 0x7, tm::join | 0x1, tm::success | 0x2, 0xFFFFFFFF});
    return sets;
}

}  // namespace

class ExhaustiveTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ExhaustiveTest);
    CPPUNIT_TEST(every_call_with_every_flag_in_every_unprepared_state_is_as_specified);
    CPPUNIT_TEST(every_call_with_every_flag_in_every_later_state_is_as_specified);
    CPPUNIT_TEST(every_two_calls_in_a_row_in_every_state_are_as_specified);
    CPPUNIT_TEST_SUITE_END();

    static std::unique_ptr<Pair> pair_in(const Situation& situation) {
        auto pair = std::make_unique<Pair>();
        pair->start(busy, 2);
        situation.reach(*pair);
        return pair;
    }

    static void call(Pair& pair, const std::string& verb, unsigned session, Flags flags) {
        if (verb == "start") {
            pair.start(session, 1, flags);
        } else if (verb == "end") {
            pair.end(session, 1, flags);
        } else if (verb == "work") {
            pair.work(session, 1);
        } else {
            pair.complete(verb, session, 1, flags);
        }
    }

    /// Records that the call began, then one of each outcome, as far as there are records.
    static void finish(Pair& pair, Durability durability) {
        while (pair.waiting_records() > 0) pair.durable(durability);
    }

    static void check(const Situation& situation) {
        static const std::vector<Flags> flag_sets = all_flag_sets();
        for (const std::string verb : {"start", "end", "prepare", "commit", "rollback", "forget"}) {
            const auto valid = valid_flags(verb);
            for (const unsigned session : callers) {
                auto pair = pair_in(situation);
                pair->set_quiet(true);
                for (const Flags flags : flag_sets) {
                    if (std::ranges::find(valid, flags) == valid.end()) call(*pair, verb, session, flags);  // refused: nothing changes
                }
                pair->set_quiet(false);
                for (const Flags flags : valid) {
                    for (const auto durability : {Durability::durable, Durability::refused}) {
                        pair = pair_in(situation);
                        call(*pair, verb, session, flags);
                        finish(*pair, durability);
                    }
                }
            }
        }
        for (const std::string verb : {"work", "resolve_commit", "resolve_rollback"}) {
            for (const unsigned session : callers) {
                auto pair = pair_in(situation);
                call(*pair, verb, session, tm::no_flags);
                finish(*pair, Durability::durable);
            }
        }
    }

    void every_call_with_every_flag_in_every_unprepared_state_is_as_specified() {
        for (const auto& situation : unprepared_situations()) check(situation);
    }

    void every_call_with_every_flag_in_every_later_state_is_as_specified() {
        for (const auto& situation : prepared_situations()) check(situation);
    }

    void every_two_calls_in_a_row_in_every_state_are_as_specified() {
        auto situations = unprepared_situations();
        const auto later = prepared_situations();
        situations.insert(situations.end(), later.begin(), later.end());
        struct Legal {
            std::string verb;
            Flags flags;
        };
        std::vector<Legal> calls{{"work", 0}, {"resolve_commit", 0}, {"resolve_rollback", 0}};
        for (const std::string verb : {"start", "end", "prepare", "commit", "rollback", "forget"}) {
            for (const Flags flags : valid_flags(verb)) calls.push_back({verb, flags});
        }
        for (const auto& situation : situations) {
            for (const auto& first : calls) {
                for (const auto& second : calls) {
                    for (const unsigned session : {caller, other}) {
                        auto pair = pair_in(situation);
                        call(*pair, first.verb, caller, first.flags);
                        call(*pair, second.verb, session, second.flags);
                        finish(*pair, Durability::durable);
                    }
                }
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ExhaustiveTest);

}  // namespace giromq::xa::test
