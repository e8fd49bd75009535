#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

#include "rig.hpp"

/// The broker dies at each point where this library can be caught: before a record is durable, and after it is durable but before anybody
/// was told. Rows have the numbers of the crash matrix that the whole broker is tested against; those not here concern messages, the
/// application, the manager or the database. After each crash a manager recovers as real ones do, every call is made three times, and the
/// work has been committed or rolled back once, or was never durable.
namespace giromq::xa::test {
namespace {

using Answers = std::vector<std::string>;
using namespace std::chrono_literals;

constexpr unsigned manager = 1;
constexpr unsigned other_connection = 2;

}  // namespace

class CrashMatrixTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CrashMatrixTest);
    CPPUNIT_TEST(rows_1_to_6_a_branch_that_was_not_prepared_is_unknown);
    CPPUNIT_TEST(rows_7_and_8_a_prepare_that_was_not_durable_is_unknown);
    CPPUNIT_TEST(row_9_a_durable_prepare_without_an_answer_is_in_doubt);
    CPPUNIT_TEST(rows_10_and_11_a_prepared_branch_is_committed_after_the_crash);
    CPPUNIT_TEST(row_12_a_commit_that_was_not_durable_is_made_again);
    CPPUNIT_TEST(row_13_a_durable_commit_without_an_answer_is_not_made_twice);
    CPPUNIT_TEST(row_16_a_rollback_that_was_not_durable_is_made_again);
    CPPUNIT_TEST(row_17_a_durable_rollback_without_an_answer_is_confirmed);
    CPPUNIT_TEST(row_18_a_one_phase_commit_that_was_not_durable_is_unknown);
    CPPUNIT_TEST(row_19_a_durable_one_phase_commit_without_an_answer_is_confirmed);
    CPPUNIT_TEST(row_20_a_heuristic_decision_that_was_not_durable_never_was);
    CPPUNIT_TEST(row_21_a_durable_heuristic_decision_is_told_until_forgotten);
    CPPUNIT_TEST(row_22_a_forget_that_was_not_durable_is_repeated);
    CPPUNIT_TEST(row_23_a_durable_forget_without_an_answer_is_done);
    CPPUNIT_TEST(row_24_a_scan_after_a_crash_is_complete_without_doubles);
    CPPUNIT_TEST(row_25_recovery_that_is_itself_interrupted_changes_nothing);
    CPPUNIT_TEST(rows_34_and_46_any_connection_resolves_a_branch);
    CPPUNIT_TEST(row_47_a_late_commit_after_recovery_rolled_back_has_no_effect);
    CPPUNIT_TEST(row_48_of_a_timeout_and_a_prepare_exactly_one_wins);
    CPPUNIT_TEST(row_50_a_full_disk_rolls_back_at_prepare_and_asks_to_retry_at_commit);
    CPPUNIT_TEST(row_52_two_branches_of_one_transaction_are_both_listed);
    CPPUNIT_TEST(every_path_with_a_crash_at_every_record_ends_in_one_outcome);
    CPPUNIT_TEST_SUITE_END();

    /// Makes the call three times, each to its end.
    template <typename Call>
    static Answers thrice(Rig& rig, Call call) {
        Answers answers;
        for (int times = 0; times < 3; ++times) answers.push_back(rig.settled(call()));
        return answers;
    }
    static Answers commits(Rig& rig, Flags flags = tm::no_flags) {
        return thrice(rig, [&] { return rig.commit(other_connection, 1, flags); });
    }
    static Answers rollbacks(Rig& rig) {
        return thrice(rig, [&] { return rig.rollback(other_connection, 1); });
    }
    static Answers all(const std::string& first, const std::string& others) { return {first, others, others}; }

    static void has_effect(const Rig& rig, unsigned committed, unsigned rolled_back) {
        CPPUNIT_ASSERT_EQUAL(committed, rig.journal.effect(xid_of(1)).committed);
        CPPUNIT_ASSERT_EQUAL(rolled_back, rig.journal.effect(xid_of(1)).rolled_back);
        CPPUNIT_ASSERT(rig.in_doubt().empty());
    }
    static void is_unknown(Rig& rig) {
        CPPUNIT_ASSERT(rig.in_doubt().empty());
        CPPUNIT_ASSERT(all("XAER_NOTA", "XAER_NOTA") == commits(rig));
        CPPUNIT_ASSERT(all("XAER_NOTA", "XAER_NOTA") == rollbacks(rig));
        has_effect(rig, 0, 0);
    }

    void rows_1_to_6_a_branch_that_was_not_prepared_is_unknown() {
        Rig rig;
        rig.start(manager, 1);
        rig.crash();
        is_unknown(rig);
        rig.start(manager, 1);
        rig.work(manager, 1);
        rig.crash();
        is_unknown(rig);
        rig.idle(1);
        rig.crash();
        is_unknown(rig);
    }

    void rows_7_and_8_a_prepare_that_was_not_durable_is_unknown() {
        Rig rig;
        rig.idle(1);
        const CallId prepare = rig.prepare(manager, 1);
        rig.crash();
        is_unknown(rig);
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.answer(prepare));
    }

    void row_9_a_durable_prepare_without_an_answer_is_in_doubt() {
        Rig rig;
        rig.idle(1);
        const CallId prepare = rig.prepare(manager, 1);
        rig.journal.complete_untold();
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("none"), rig.answer(prepare));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.in_doubt().size());
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == rollbacks(rig));
        has_effect(rig, 0, 1);
    }

    void rows_10_and_11_a_prepared_branch_is_committed_after_the_crash() {
        Rig rig;
        rig.prepared(1);
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.in_doubt().size());
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        has_effect(rig, 1, 0);
    }

    void row_12_a_commit_that_was_not_durable_is_made_again() {
        Rig rig;
        rig.prepared(1);
        rig.commit(manager, 1);
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("prepared"), rig.state(1));
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        has_effect(rig, 1, 0);
    }

    void row_13_a_durable_commit_without_an_answer_is_not_made_twice() {
        Rig rig;
        rig.prepared(1);
        rig.commit(manager, 1);
        rig.journal.complete_untold();
        rig.crash();
        has_effect(rig, 1, 0);
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        has_effect(rig, 1, 0);
    }

    void row_16_a_rollback_that_was_not_durable_is_made_again() {
        Rig rig;
        rig.prepared(1);
        rig.rollback(manager, 1);
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("prepared"), rig.state(1));
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == rollbacks(rig));
        has_effect(rig, 0, 1);
    }

    void row_17_a_durable_rollback_without_an_answer_is_confirmed() {
        Rig rig;
        rig.prepared(1);
        rig.rollback(manager, 1);
        rig.journal.complete_untold();
        rig.crash();
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == rollbacks(rig));
        has_effect(rig, 0, 1);
    }

    void row_18_a_one_phase_commit_that_was_not_durable_is_unknown() {
        Rig rig;
        rig.idle(1);
        rig.commit(manager, 1, tm::one_phase);
        rig.crash();
        CPPUNIT_ASSERT(all("XAER_NOTA", "XAER_NOTA") == commits(rig, tm::one_phase));
        is_unknown(rig);
    }

    void row_19_a_durable_one_phase_commit_without_an_answer_is_confirmed() {
        Rig rig;
        rig.idle(1);
        rig.commit(manager, 1, tm::one_phase);
        rig.journal.complete_untold();
        rig.crash();
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig, tm::one_phase));
        CPPUNIT_ASSERT(all("XA_HEURCOM", "XA_HEURCOM") == rollbacks(rig));
        has_effect(rig, 1, 0);
    }

    void row_20_a_heuristic_decision_that_was_not_durable_never_was() {
        Rig rig;
        rig.prepared(1);
        rig.resolve(1, Outcome::rolled_back);
        rig.crash();
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        has_effect(rig, 1, 0);
    }

    void row_21_a_durable_heuristic_decision_is_told_until_forgotten() {
        for (const bool commits_first : {true, false}) {
            Rig rig;
            rig.prepared(1);
            rig.resolve(1, Outcome::committed);
            rig.journal.complete_untold();
            rig.crash();
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.in_doubt().size());
            CPPUNIT_ASSERT(all("XA_HEURCOM", "XA_HEURCOM") == (commits_first ? commits(rig) : rollbacks(rig)));
            CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.settled(rig.forget(other_connection, 1)));
            has_effect(rig, 1, 0);
        }
    }

    void row_22_a_forget_that_was_not_durable_is_repeated() {
        Rig rig;
        rig.prepared(1);
        rig.settled(rig.resolve(1, Outcome::committed));
        rig.forget(manager, 1);
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("heuristically completed"), rig.state(1));
        CPPUNIT_ASSERT(all("XA_OK", "XAER_NOTA") == thrice(rig, [&] { return rig.forget(other_connection, 1); }));
        has_effect(rig, 1, 0);
    }

    void row_23_a_durable_forget_without_an_answer_is_done() {
        Rig rig;
        rig.prepared(1);
        rig.settled(rig.resolve(1, Outcome::committed));
        rig.forget(manager, 1);
        rig.journal.complete_untold();
        rig.crash();
        CPPUNIT_ASSERT(all("XAER_NOTA", "XAER_NOTA") == thrice(rig, [&] { return rig.forget(other_connection, 1); }));
        has_effect(rig, 1, 0);
    }

    void row_24_a_scan_after_a_crash_is_complete_without_doubles() {
        Rig rig;
        for (unsigned xid = 1; xid <= 20; ++xid) rig.prepared(xid);
        const auto half = rig.registry->in_doubt({}, 10);
        CPPUNIT_ASSERT(half.more);
        const Xid last = half.branches.back()->xid();
        rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, rig.in_doubt().size());
        // The cursor is an XID, so that even the interrupted scan could go on.
        CPPUNIT_ASSERT_EQUAL(std::size_t{10}, rig.registry->in_doubt(last, 100).branches.size());
    }

    void row_25_recovery_that_is_itself_interrupted_changes_nothing() {
        Rig rig;
        rig.prepared(1);
        rig.prepared(2);
        rig.settled(rig.resolve(2, Outcome::committed));
        rig.prepared(3);
        rig.settled(rig.rollback(manager, 3));
        for (int times = 0; times < 3; ++times) rig.crash();
        CPPUNIT_ASSERT_EQUAL(std::string("prepared"), rig.state(1));
        CPPUNIT_ASSERT_EQUAL(std::string("heuristically completed"), rig.state(2));
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), rig.answer(rig.rollback(manager, 3)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.journal.waiting());
        CPPUNIT_ASSERT(!rig.registry->restore(rig.journal.branches().at(xid_of(1))));
    }

    void rows_34_and_46_any_connection_resolves_a_branch() {
        Rig rig;
        rig.prepared(1);
        rig.registry->lose({manager});
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        has_effect(rig, 1, 0);
    }

    void row_47_a_late_commit_after_recovery_rolled_back_has_no_effect() {
        Rig rig;
        rig.prepared(1);
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == rollbacks(rig));
        CPPUNIT_ASSERT(all("XAER_NOTA", "XAER_NOTA") == commits(rig));
        CPPUNIT_ASSERT(all("XA_RBROLLBACK", "XA_RBROLLBACK") == commits(rig, tm::one_phase));
        has_effect(rig, 0, 1);
    }

    void row_48_of_a_timeout_and_a_prepare_exactly_one_wins() {
        Rig prepare_first;
        prepare_first.idle(1);
        const CallId first = prepare_first.prepare(manager, 1);
        prepare_first.advance(prepare_first.limits.default_timeout);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), prepare_first.settled(first));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, prepare_first.discards(1));

        Rig timeout_first;
        timeout_first.idle(1);
        timeout_first.advance(timeout_first.limits.default_timeout);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBTIMEOUT"), timeout_first.settled(timeout_first.prepare(manager, 1)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, timeout_first.discards(1));
        is_unknown(timeout_first);
    }

    void row_50_a_full_disk_rolls_back_at_prepare_and_asks_to_retry_at_commit() {
        Rig rig;
        rig.idle(1);
        const CallId prepare = rig.prepare(manager, 1);
        rig.journal.complete(Durability::refused);
        CPPUNIT_ASSERT_EQUAL(std::string("XA_RBROLLBACK"), rig.answer(prepare));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.discards(1));
        is_unknown(rig);

        rig.prepared(1);
        for (int times = 0; times < 3; ++times) {
            const CallId commit = rig.commit(manager, 1);
            rig.journal.complete(Durability::refused);
            CPPUNIT_ASSERT_EQUAL(std::string("XA_RETRY"), rig.answer(commit));
            CPPUNIT_ASSERT_EQUAL(std::string("prepared"), rig.state(1));
        }
        rig.crash();
        CPPUNIT_ASSERT(all("XA_OK", "XA_OK") == commits(rig));
        has_effect(rig, 1, 0);
    }

    void row_52_two_branches_of_one_transaction_are_both_listed() {
        Rig rig;
        const Xid left = *Xid::make(1, "same", "left");
        const Xid right = *Xid::make(1, "same", "right");
        for (const Xid& xid : {left, right}) {
            rig.registry->start({manager}, xid, tm::no_flags);
            rig.registry->add_work({manager}, xid, {.gets = 1});
            rig.registry->end({manager}, xid, tm::success);
            rig.registry->prepare({manager}, {900}, xid, tm::no_flags);
        }
        rig.complete_all();
        rig.crash();
        const auto page = rig.registry->in_doubt({}, 10);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, page.branches.size());
        CPPUNIT_ASSERT(page.branches[0]->xid() == left && page.branches[1]->xid() == right);
    }

    /// What the manager and the administrator do, in order; a step is made when the records of the step before are durable.
    enum class Deed : std::uint8_t { prepare, commit, one_phase, rollback, resolve_commit, resolve_rollback, forget };
    enum class Moment : std::uint8_t { before_durable, durable_untold, told };

    static CallId act(Rig& rig, Deed deed) {
        switch (deed) {
            case Deed::prepare: return rig.prepare(manager, 1);
            case Deed::commit: return rig.commit(manager, 1);
            case Deed::one_phase: return rig.commit(manager, 1, tm::one_phase);
            case Deed::rollback: return rig.rollback(manager, 1);
            case Deed::resolve_commit: return rig.resolve(1, Outcome::committed);
            case Deed::resolve_rollback: return rig.resolve(1, Outcome::rolled_back);
            case Deed::forget: return rig.forget(manager, 1);
        }
        return {};
    }

    /// Runs the path, dies at that moment of that step, and starts again.
    static void die_at(Rig& rig, const std::vector<Deed>& path, std::size_t step, Moment moment) {
        rig.idle(1);
        for (std::size_t done = 0; done <= step; ++done) {
            act(rig, path[done]);
            const bool dies = done == step;
            if (dies && moment == Moment::before_durable) break;
            if (dies && moment == Moment::durable_untold) {
                rig.journal.complete_untold();
            } else {
                rig.complete_all();
            }
        }
        rig.crash();
    }

    /// As managers recover: every branch that is listed is committed if the decision was logged, else rolled back; heuristics are
    /// forgotten.
    static void recover(Rig& rig, bool decided_to_commit) {
        for (const unsigned xid : rig.in_doubt()) {
            const CallId call = decided_to_commit ? rig.commit(other_connection, xid) : rig.rollback(other_connection, xid);
            const std::string answer = rig.settled(call);
            if (answer.starts_with("XA_HEUR")) rig.settled(rig.forget(other_connection, xid));
        }
    }

    void every_path_with_a_crash_at_every_record_ends_in_one_outcome() {
        const std::vector<std::vector<Deed>> paths{{Deed::prepare, Deed::commit},
                                                   {Deed::prepare, Deed::rollback},
                                                   {Deed::one_phase},
                                                   {Deed::prepare, Deed::resolve_commit, Deed::forget},
                                                   {Deed::prepare, Deed::resolve_rollback, Deed::forget}};
        for (const auto& path : paths) {
            for (std::size_t step = 0; step < path.size(); ++step) {
                for (const auto moment : {Moment::before_durable, Moment::durable_untold, Moment::told}) {
                    Rig rig;
                    die_at(rig, path, step, moment);
                    const auto before = rig.journal.effect(xid_of(1));
                    const bool decided = path.size() == 2 && path[1] == Deed::commit && (step > 0 || moment == Moment::told);
                    recover(rig, decided);
                    rig.crash();
                    recover(rig, decided);
                    const auto after = rig.journal.effect(xid_of(1));
                    CPPUNIT_ASSERT(rig.in_doubt().empty());
                    CPPUNIT_ASSERT(after.committed + after.rolled_back <= 1);
                    CPPUNIT_ASSERT(after.committed >= before.committed && after.rolled_back >= before.rolled_back);
                    const bool was_prepared = path[0] == Deed::prepare && (step > 0 || moment != Moment::before_durable);
                    if (was_prepared) CPPUNIT_ASSERT_EQUAL(1u, after.committed + after.rolled_back);
                    if (decided) CPPUNIT_ASSERT_EQUAL(1u, after.committed);
                    CPPUNIT_ASSERT_EQUAL(rig.registry->branches(), std::size_t{0});
                }
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CrashMatrixTest);

}  // namespace giromq::xa::test
