#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "rig.hpp"

/// What the state tables do not say: time, sessions that vanish, calls at the same time, bounds.
namespace giromq::xa::test {
namespace {

using namespace std::chrono_literals;

std::string name(ReturnCode code) { return std::string(name_of(code)); }

}  // namespace

class RegistryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RegistryTest);
    CPPUNIT_TEST(nothing_is_answered_before_it_is_durable);
    CPPUNIT_TEST(a_timeout_rolls_back_an_idle_branch_and_is_told_to_its_manager);
    CPPUNIT_TEST(a_timeout_never_touches_a_prepared_branch);
    CPPUNIT_TEST(a_timeout_after_prepare_was_called_comes_too_late);
    CPPUNIT_TEST(a_prepare_after_the_timeout_comes_too_late_even_if_nobody_looked);
    CPPUNIT_TEST(a_branch_has_its_own_timeout_which_can_be_changed);
    CPPUNIT_TEST(a_doomed_branch_is_forgotten_an_hour_after_its_last_session_left);
    CPPUNIT_TEST(the_broker_can_doom_a_branch_until_prepare_was_called);
    CPPUNIT_TEST(a_lost_session_rolls_back_what_it_was_working_on);
    CPPUNIT_TEST(a_lost_session_leaves_idle_and_prepared_branches_alone);
    CPPUNIT_TEST(a_half_open_connection_cannot_stop_another_from_rolling_back);
    CPPUNIT_TEST(a_half_open_connection_does_stop_another_from_preparing);
    CPPUNIT_TEST(a_branch_that_migrates_survives_its_session);
    CPPUNIT_TEST(a_commit_that_arrives_during_prepare_waits_for_it);
    CPPUNIT_TEST(of_a_commit_and_a_rollback_at_once_the_first_wins_and_the_other_hears_the_truth);
    CPPUNIT_TEST(a_commit_that_must_not_wait_is_told_to_retry);
    CPPUNIT_TEST(too_many_waiting_calls_are_sent_away);
    CPPUNIT_TEST(a_read_only_branch_is_never_written);
    CPPUNIT_TEST(a_heuristic_decision_needs_a_name_and_a_reason);
    CPPUNIT_TEST(a_heuristic_decision_is_kept_with_its_author_until_it_is_forgotten);
    CPPUNIT_TEST(an_xid_that_left_a_tombstone_is_not_started_again);
    CPPUNIT_TEST(tombstones_are_bounded_by_number);
    CPPUNIT_TEST(tombstones_in_the_journal_are_bounded_even_if_nobody_looks);
    CPPUNIT_TEST(tombstones_are_bounded_by_age);
    CPPUNIT_TEST(a_new_tombstone_does_not_go_with_an_old_one_of_its_xid);
    CPPUNIT_TEST(too_many_branches_are_refused_but_never_those_in_the_journal);
    CPPUNIT_TEST(one_owner_cannot_take_the_room_of_others);
    CPPUNIT_TEST(what_is_in_doubt_is_found_by_owner);
    CPPUNIT_TEST(doomed_branches_make_room_for_new_ones);
    CPPUNIT_TEST(too_many_associations_are_refused);
    CPPUNIT_TEST(branches_of_one_global_transaction_are_resolved_independently);
    CPPUNIT_TEST(rolling_back_an_unknown_xid_touches_nothing_else);
    CPPUNIT_TEST(a_record_that_nobody_wrote_is_a_broken_invariant);
    CPPUNIT_TEST(the_oldest_branch_in_doubt_is_known);
    CPPUNIT_TEST(a_journal_that_answers_at_once_is_answered_at_once);
    CPPUNIT_TEST_SUITE_END();

    void nothing_is_answered_before_it_is_durable() {
        Rig rig;
        rig.idle(1);
        const CallId prepare = rig.prepare(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.answer(prepare));
        CPPUNIT_ASSERT(rig.in_doubt().empty());
        rig.journal.complete();
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(prepare));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.in_doubt().size());
        const CallId commit = rig.commit(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.answer(commit));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.in_doubt().size());
        rig.journal.complete();
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(commit));
        CPPUNIT_ASSERT(rig.in_doubt().empty());
    }

    void a_timeout_rolls_back_an_idle_branch_and_is_told_to_its_manager() {
        Rig rig;
        rig.idle(1);
        rig.advance(rig.limits.default_timeout - 1ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.discards(1));
        rig.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), rig.answer(rig.prepare(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(rig.prepare(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.journal.records());
    }

    void a_timeout_never_touches_a_prepared_branch() {
        Rig rig;
        rig.prepared(1);
        rig.advance(24h * 365);
        CPPUNIT_ASSERT_EQUAL(std::string("prepared"), rig.state(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.discards(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.commit(1, 1)));
    }

    void a_timeout_after_prepare_was_called_comes_too_late() {
        Rig rig;
        rig.idle(1);
        const CallId prepare = rig.prepare(1, 1);
        rig.advance(24h);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.discards(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(prepare));
    }

    void a_prepare_after_the_timeout_comes_too_late_even_if_nobody_looked() {
        Rig rig;
        rig.idle(1);
        rig.clock.advance(rig.limits.default_timeout);  // and no expire()
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), rig.answer(rig.prepare(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(1));
    }

    void a_branch_has_its_own_timeout_which_can_be_changed() {
        Rig rig;
        rig.start(1, 1, tm::no_flags, {.timeout = 10s, .owner = {}});
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.registry->set_timeout(xid_of(1), 60s)));
        rig.advance(59s);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.work(1, 1)));
        rig.advance(1s);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), name(rig.work(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), name(rig.registry->set_timeout(xid_of(1), 60s)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), name(rig.end(1, 1)));
        rig.prepared(2);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_PROTO"), name(rig.registry->set_timeout(xid_of(2), 60s)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_INVAL"), name(rig.registry->set_timeout(xid_of(2), 0s)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), name(rig.registry->set_timeout(xid_of(3), 60s)));
    }

    void a_doomed_branch_is_forgotten_an_hour_after_its_last_session_left() {
        Rig rig;
        rig.start(1, 1);
        rig.end(1, 1, tm::suspend);
        rig.start(2, 2);
        rig.advance(rig.limits.default_timeout);
        rig.advance(rig.limits.doomed_age_max * 2);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), name(rig.start(1, 1, tm::resume)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), name(rig.end(2, 2)));
        rig.advance(rig.limits.doomed_age_max - 1ms);
        CPPUNIT_ASSERT_EQUAL(std::string("rollback-only"), rig.state(1));
        CPPUNIT_ASSERT_EQUAL(std::string("rollback-only"), rig.state(2));
        rig.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(rig.rollback(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.state(2));
    }

    void the_broker_can_doom_a_branch_until_prepare_was_called() {
        Rig rig;
        rig.start(1, 1);
        rig.work(1, 1);
        CPPUNIT_ASSERT(rig.registry->doom(xid_of(1), ReturnCode::rb_other));
        CPPUNIT_ASSERT(!rig.registry->doom(xid_of(1), ReturnCode::rb_transient));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBOTHER"), name(rig.end(1, 1)));
        rig.idle(2);
        const CallId prepare = rig.prepare(1, 2);
        CPPUNIT_ASSERT(!rig.registry->doom(xid_of(2), ReturnCode::rb_other));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(prepare));
        CPPUNIT_ASSERT(!rig.registry->doom(xid_of(2), ReturnCode::rb_other));
        CPPUNIT_ASSERT_EQUAL(std::string("prepared"), rig.state(2));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.discards(2));
        CPPUNIT_ASSERT(!rig.registry->doom(xid_of(3), ReturnCode::rb_other));
    }

    void a_lost_session_rolls_back_what_it_was_working_on() {
        Rig rig;
        rig.start(1, 1);
        rig.work(1, 1);
        rig.start(2, 2);
        rig.end(2, 2, tm::suspend);
        rig.registry->lose({1});
        rig.registry->lose({2});
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(2));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBCOMMFAIL"), rig.answer(rig.prepare(3, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.rollback(3, 2)));
    }

    void a_lost_session_leaves_idle_and_prepared_branches_alone() {
        Rig rig;
        rig.idle(1);
        rig.prepared(2);
        rig.registry->lose({1});
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.prepare(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.commit(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.commit(2, 2)));
    }

    void a_half_open_connection_cannot_stop_another_from_rolling_back() {
        Rig rig;
        rig.start(1, 1);
        rig.work(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.rollback(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(1));
        // Should it be alive after all, it hears of it, and can do no more harm.
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBROLLBACK"), name(rig.work(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBROLLBACK"), name(rig.end(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.state(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.start(1, 2)));
        // Should it be dead, nothing is left of it.
        rig.rollback(2, 2);
        rig.registry->lose({1});
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.state(2));
    }

    void a_half_open_connection_does_stop_another_from_preparing() {
        Rig rig;
        rig.start(1, 1);
        rig.work(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_PROTO"), rig.answer(rig.prepare(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_PROTO"), rig.answer(rig.commit(2, 1, tm::one_phase)));
    }

    void a_branch_that_migrates_survives_its_session() {
        Rig rig;
        rig.start(1, 1);
        rig.work(1, 1);
        rig.end(1, 1, tm::suspend | tm::migrate);
        rig.registry->lose({1});
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.start(2, 1, tm::resume)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.end(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.prepare(2, 1)));
    }

    void a_commit_that_arrives_during_prepare_waits_for_it() {
        Rig rig;
        rig.idle(1);
        const CallId prepare = rig.prepare(1, 1);
        const CallId commit = rig.commit(2, 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.journal.waiting());
        rig.journal.complete();
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(prepare));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.answer(commit));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(commit));
        CPPUNIT_ASSERT_EQUAL(1u, rig.journal.effect(xid_of(1)).committed);
    }

    void of_a_commit_and_a_rollback_at_once_the_first_wins_and_the_other_hears_the_truth() {
        Rig rig;
        rig.prepared(1);
        const CallId commit = rig.commit(1, 1);
        const CallId late_rollback = rig.rollback(2, 1);
        const CallId again = rig.commit(3, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(commit));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_HEURCOM"), rig.answer(late_rollback));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(again));
        rig.prepared(2);
        const CallId rollback = rig.rollback(1, 2);
        const CallId late_commit = rig.commit(2, 2);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rollback));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(late_commit));
        CPPUNIT_ASSERT_EQUAL(0u, rig.journal.effect(xid_of(2)).committed);
    }

    void a_commit_that_must_not_wait_is_told_to_retry() {
        Rig rig;
        rig.idle(1);
        rig.prepare(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RETRY"), rig.answer(rig.commit(2, 1, tm::no_wait)));
        rig.complete_all();
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.commit(2, 1, tm::no_wait)));
    }

    void too_many_waiting_calls_are_sent_away() {
        Rig rig({.waiting_calls_max = 2});
        rig.idle(1);
        rig.prepare(1, 1);
        const CallId first = rig.commit(1, 1);
        const CallId second = rig.rollback(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RETRY"), rig.answer(rig.commit(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMFAIL"), rig.answer(rig.rollback(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMFAIL"), rig.answer(rig.commit(1, 1, tm::one_phase)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(first));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_HEURCOM"), rig.answer(second));
    }

    void a_read_only_branch_is_never_written() {
        Rig rig;
        rig.start(1, 1);
        rig.end(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RDONLY"), rig.answer(rig.prepare(1, 1)));
        rig.start(1, 2);
        rig.end(1, 2);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.commit(1, 2, tm::one_phase)));
        rig.start(1, 3);
        rig.work(1, 3, {.gets = 1});
        rig.end(1, 3);
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.answer(rig.prepare(1, 3)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.journal.waiting());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.registry->branches());
    }

    void a_heuristic_decision_needs_a_name_and_a_reason() {
        Rig rig;
        rig.prepared(1);
        const std::string too_long(rig.limits.reason_bytes_max + 1, 'x');
        for (const Decision& wrong : {Decision{"", "why"}, Decision{"anna", ""}, Decision{"anna", too_long}, Decision{too_long, "why"}}) {
            CPPUNIT_ASSERT_EQUAL(std::string("XAER_INVAL"), rig.answer(rig.resolve(1, Outcome::committed, wrong)));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.journal.waiting());
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.resolve(1, Outcome::committed)));
    }

    void a_heuristic_decision_is_kept_with_its_author_until_it_is_forgotten() {
        Rig rig;
        rig.prepared(1);
        const CallId decided = rig.resolve(1, Outcome::rolled_back, {"anna", "ticket 4711"});
        const WallTime decided_at = rig.clock.wall_now();
        rig.advance(24h * 365);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(decided));
        CPPUNIT_ASSERT(rig.registry->find(xid_of(1))->decided_at() == decided_at);
        rig.crash();
        const Branch* const branch = rig.registry->find(xid_of(1));
        CPPUNIT_ASSERT(branch != nullptr);
        CPPUNIT_ASSERT(branch->decision() == Decision({"anna", "ticket 4711"}));
        CPPUNIT_ASSERT(branch->decided_at() == decided_at);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.in_doubt().size());
        CPPUNIT_ASSERT_EQUAL(std::string("XA_HEURRB"), rig.answer(rig.resolve(1, Outcome::committed)));
        for (int times = 0; times < 3; ++times) CPPUNIT_ASSERT_EQUAL(std::string("XA_HEURRB"), rig.answer(rig.commit(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.forget(2, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(rig.forget(2, 1)));
        CPPUNIT_ASSERT(rig.in_doubt().empty());
    }

    void an_xid_that_left_a_tombstone_is_not_started_again() {
        Rig rig;
        rig.prepared(1);
        rig.settled(rig.commit(1, 1));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_DUPID"), name(rig.start(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), name(rig.start(1, 1, tm::join)));
    }

    void tombstones_are_bounded_by_number() {
        Rig rig({.tombstones_max = 3});
        for (unsigned xid = 1; xid <= 5; ++xid) {
            rig.prepared(xid);
            rig.settled(rig.commit(1, xid));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.registry->tombstones());
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(rig.commit(1, 2)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.commit(1, 3)));
        rig.registry->expire();
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.journal.tombstones().size());
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.commit(1, 5)));
    }

    void tombstones_in_the_journal_are_bounded_even_if_nobody_looks() {
        Rig rig({.tombstones_max = 10});
        for (unsigned xid = 1; xid <= 1000; ++xid) {
            rig.prepared(xid);
            rig.settled(rig.commit(1, xid));
            CPPUNIT_ASSERT(rig.journal.tombstones().size() < 300);
        }
    }

    void tombstones_are_bounded_by_age() {
        Rig rig;
        rig.prepared(1);
        rig.settled(rig.rollback(1, 1));
        rig.advance(rig.limits.tombstone_age_max);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.rollback(1, 1)));
        rig.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(rig.rollback(1, 1)));
        CPPUNIT_ASSERT(rig.journal.tombstones().empty());
    }

    void a_new_tombstone_does_not_go_with_an_old_one_of_its_xid() {
        Rig rig({.tombstones_max = 1});
        for (const unsigned xid : {1u, 2u, 1u}) {  // the third start finds that the first tombstone has been dropped from memory
            rig.prepared(xid);
            rig.settled(rig.commit(1, xid));
        }
        rig.registry->expire();
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.commit(1, 1)));
    }

    void too_many_branches_are_refused_but_never_those_in_the_journal() {
        Rig rig({.branches_max = 2});
        rig.prepared(1);
        rig.idle(2);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMERR"), name(rig.start(1, 3)));
        rig.settled(rig.prepare(1, 2));
        rig.limits.branches_max = 1;
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.registry->branches_in_doubt());
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMERR"), name(rig.start(1, 3)));
    }

    static ReturnCode start_for(Rig& rig, const std::string& owner, unsigned session, unsigned xid) {
        return rig.registry->start({session}, xid_of(xid), tm::no_flags, {.timeout = {}, .owner = owner});
    }

    void one_owner_cannot_take_the_room_of_others() {
        Rig rig({.branches_of_owner_max = 2});
        start_for(rig, "ann", 1, 1);
        start_for(rig, "ann", 2, 2);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMERR"), name(start_for(rig, "ann", 3, 3)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(start_for(rig, "bob", 3, 3)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.registry->branches_of("ann"));
        // One that waits for nothing but its manager's question does not count, and one that has ended is gone.
        rig.end(1, 1, tm::fail);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(start_for(rig, "ann", 4, 4)));
        rig.end(2, 2);
        rig.settled(rig.rollback(2, 2));
        rig.settled(rig.rollback(1, 1));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.registry->branches_of("ann"));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(start_for(rig, "ann", 5, 5)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMERR"), name(start_for(rig, "ann", 6, 6)));
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.registry->branches_of("ann"));
    }

    void what_is_in_doubt_is_found_by_owner() {
        Rig rig;
        for (unsigned number = 1; number <= 6; ++number) {
            start_for(rig, number % 3 == 0 ? "ann" : "bob", 1, number);
            rig.work(1, number);
            rig.end(1, number);
            rig.settled(rig.prepare(1, number));
        }
        const auto found = [&rig](const std::string& owner, const std::optional<Xid>& after, std::size_t limit) {
            const auto page = rig.registry->in_doubt_of(owner, after, limit);
            std::string text;
            for (const Branch* const branch : page.branches) text += std::to_string(number_of(branch->xid())) + ' ';
            return text + (page.more ? "more" : "end");
        };
        for (int round = 0; round < 2; ++round) {
            CPPUNIT_ASSERT_EQUAL(std::string("3 6 end"), found("ann", std::nullopt, 2));
            CPPUNIT_ASSERT_EQUAL(std::string("3 more"), found("ann", std::nullopt, 1));
            CPPUNIT_ASSERT_EQUAL(std::string("4 5 end"), found("bob", xid_of(2), 10));
            CPPUNIT_ASSERT_EQUAL(std::string("end"), found("eve", std::nullopt, 10));
            rig.crash();
        }
        rig.settled(rig.commit(1, 3));
        CPPUNIT_ASSERT_EQUAL(std::string("6 end"), found("ann", std::nullopt, 2));
    }

    void doomed_branches_make_room_for_new_ones() {
        Rig rig({.branches_max = 2});
        rig.start(1, 1);
        rig.end(1, 1, tm::fail);
        rig.start(2, 2);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.start(1, 3)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.state(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMERR"), name(rig.start(3, 4)));
    }

    void too_many_associations_are_refused() {
        Rig rig({.associations_max = 2});
        rig.start(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.start(2, 1, tm::join)));
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_RMERR"), name(rig.start(3, 1, tm::join)));
    }

    void branches_of_one_global_transaction_are_resolved_independently() {
        Rig rig;
        const Xid left = *Xid::make(1, "same", "left");
        const Xid right = *Xid::make(1, "same", "right");
        for (const Xid& xid : {left, right}) {
            rig.registry->start({1}, xid, tm::no_flags);
            rig.registry->add_work({1}, xid, {.puts = 1});
            rig.registry->end({1}, xid, tm::success);
            rig.registry->prepare({1}, {xid == left ? 101u : 102u}, xid, tm::no_flags);
        }
        rig.complete_all();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.registry->in_doubt({}, 10).branches.size());
        rig.registry->commit({1}, {103}, left, tm::no_flags);
        rig.registry->rollback({1}, {104}, right, tm::no_flags);
        rig.complete_all();
        CPPUNIT_ASSERT_EQUAL(1u, rig.journal.effect(left).committed);
        CPPUNIT_ASSERT_EQUAL(1u, rig.journal.effect(right).rolled_back);
    }

    void rolling_back_an_unknown_xid_touches_nothing_else() {
        Rig rig;
        rig.start(1, 1);
        rig.work(1, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("XAER_NOTA"), rig.answer(rig.rollback(1, 2)));
        CPPUNIT_ASSERT_EQUAL(std::string("active"), rig.state(1));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), name(rig.work(1, 1)));
    }

    void a_record_that_nobody_wrote_is_a_broken_invariant() {
        Rig rig;
        rig.idle(1);
        CPPUNIT_ASSERT_THROW(rig.registry->on_durable(xid_of(1), Durability::durable), std::logic_error);
        CPPUNIT_ASSERT_THROW(rig.registry->on_durable(xid_of(2), Durability::durable), std::logic_error);
    }

    void the_oldest_branch_in_doubt_is_known() {
        Rig rig;
        CPPUNIT_ASSERT(!rig.registry->oldest_in_doubt());
        rig.prepared(2);
        const WallTime first = rig.clock.wall_now();
        rig.advance(10s);
        rig.prepared(1);
        CPPUNIT_ASSERT(rig.registry->oldest_in_doubt() == first);
        rig.crash();
        CPPUNIT_ASSERT(rig.registry->oldest_in_doubt() == first);
        rig.settled(rig.commit(1, 2));
        CPPUNIT_ASSERT(rig.registry->oldest_in_doubt() == first + 10s);
    }

    void a_journal_that_answers_at_once_is_answered_at_once() {
        Rig rig;
        rig.journal.set_immediate(true);
        rig.idle(1);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.prepare(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.commit(1, 1)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.state(1));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RegistryTest);

}  // namespace giromq::xa::test
