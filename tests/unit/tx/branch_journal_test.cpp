#include "unit/tx/rig.hpp"

namespace giromq::tx::test {
namespace {

using Texts = std::vector<std::string>;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr auto one_phase = xa::tm::one_phase;

class BranchJournalTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(BranchJournalTest);
    CPPUNIT_TEST(a_prepare_is_answered_only_after_its_unit_is_durable);
    CPPUNIT_TEST(record_and_work_are_one_unit);
    CPPUNIT_TEST(a_commit_shows_the_puts_and_removes_the_gets_before_it_is_answered);
    CPPUNIT_TEST(a_rollback_returns_the_gets_and_drops_the_puts);
    CPPUNIT_TEST(a_commit_in_one_phase_leaves_a_tombstone);
    CPPUNIT_TEST(a_crash_before_the_unit_is_written_leaves_nothing);
    CPPUNIT_TEST(a_prepared_branch_is_there_after_a_crash_and_can_be_committed);
    CPPUNIT_TEST(a_crash_after_the_commit_was_written_hears_the_truth_from_the_tombstone);
    CPPUNIT_TEST(a_refused_prepare_rolls_the_branch_back);
    CPPUNIT_TEST(a_refused_commit_can_be_tried_again);
    CPPUNIT_TEST(an_administrators_decision_is_audited_and_outlives_a_restart_until_forgotten);
    CPPUNIT_TEST(an_administrator_who_forgets_is_audited_and_a_manager_is_not);
    CPPUNIT_TEST(old_tombstones_go_from_the_store);
    CPPUNIT_TEST(places_of_puts_are_given_in_the_order_of_commits);
    CPPUNIT_TEST(a_branch_in_doubt_for_long_raises_an_alarm_now_and_then);
    CPPUNIT_TEST(branches_that_are_not_prepared_time_out);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        disk_ = store::make_memory_disk();
        rig_ = std::make_unique<Rig>(disk_);
    }
    void tearDown() override {
        rig_.reset();
        disk_.reset();
    }

    void a_prepare_is_answered_only_after_its_unit_is_durable() {
        rig_->begin(1, {{"one"}, {}});
        rig_->prepare(1);
        CPPUNIT_ASSERT_EQUAL(std::string(), rig_->take());
        rig_->store->write();
        CPPUNIT_ASSERT_EQUAL(std::string(), rig_->take());
        CPPUNIT_ASSERT(!rig_->branches->journal().branch_of(xid_of(1)));
        rig_->store->complete();
        CPPUNIT_ASSERT_EQUAL(std::string("settled prepared +, answer 0"), rig_->take());
        CPPUNIT_ASSERT(rig_->branches->journal().branch_of(xid_of(1)));
        CPPUNIT_ASSERT(rig_->texts().empty());
    }

    void record_and_work_are_one_unit() {
        rig_->send("got");
        rig_->begin(1, {{"one", "two"}, {rig_->entry(0)}});
        rig_->prepare(1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->store->waiting().size());
        CPPUNIT_ASSERT(rig_->store->waiting().front().grows);
        const auto& operations = rig_->store->waiting().front().operations;
        CPPUNIT_ASSERT(std::holds_alternative<store::PrepareBranch>(operations.front()));
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, operations.size());
        rig_->store->run();
        rig_->commit(1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->store->waiting().size());
        CPPUNIT_ASSERT(!rig_->store->waiting().front().grows);
    }

    void a_commit_shows_the_puts_and_removes_the_gets_before_it_is_answered() {
        rig_->send("got");
        rig_->prepared(1, {{"one", "two"}, {rig_->entry(0)}});
        CPPUNIT_ASSERT_EQUAL(Texts({"got (locked)"}), rig_->texts());
        rig_->commit(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled committed +, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two"}), rig_->texts());
        CPPUNIT_ASSERT(rig_->entry(0).key.position == rig_->first_position);
        CPPUNIT_ASSERT(rig_->next_position == rig_->first_position.value + 2);
        CPPUNIT_ASSERT(!rig_->branches->journal().branch_of(xid_of(1)));
    }

    void a_rollback_returns_the_gets_and_drops_the_puts() {
        rig_->send("got");
        rig_->prepared(1, {{"one"}, {rig_->entry(0)}});
        rig_->rollback(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled rolled back +, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"got"}), rig_->texts());
        CPPUNIT_ASSERT_EQUAL(1U, rig_->entry(0).delivery_count);
    }

    void a_commit_in_one_phase_leaves_a_tombstone() {
        rig_->send("got");
        rig_->begin(1, {{"one"}, {rig_->entry(0)}});
        rig_->commit(1, one_phase);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled committed in one phase +, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), rig_->texts());
        restart();
        CPPUNIT_ASSERT(rig_->recovered.branches.empty());
        // The manager has not heard the answer and asks again.
        rig_->commit(1);
        CPPUNIT_ASSERT_EQUAL(std::string("answer 0"), rig_->take());
    }

    void a_crash_before_the_unit_is_written_leaves_nothing() {
        rig_->send("got");
        rig_->begin(1, {{"one"}, {rig_->entry(0)}});
        rig_->prepare(1);
        restart();
        CPPUNIT_ASSERT(rig_->recovered.branches.empty() && rig_->recovered.puts.empty());
        CPPUNIT_ASSERT_EQUAL(Texts({"got"}), rig_->texts());
        rig_->commit(1);
        CPPUNIT_ASSERT_EQUAL(std::string("answer -4"), rig_->take());
    }

    void a_prepared_branch_is_there_after_a_crash_and_can_be_committed() {
        rig_->send("got");
        rig_->begin(1, {{"one"}, {rig_->entry(0)}});
        rig_->prepare(1);
        rig_->store->write();  // durable, and nobody has been told
        restart();
        const auto* const branch = rig_->branches->registry().find(xid_of(1));
        CPPUNIT_ASSERT(branch != nullptr && branch->state() == xa::BranchState::prepared && branch->owner() == "ledger");
        CPPUNIT_ASSERT(branch->work() == (xa::Work{.puts = 1, .gets = 1, .bytes = 100}));
        CPPUNIT_ASSERT_EQUAL(rig_->clock.wall_now().milliseconds, branch->prepared_at().time_since_epoch().count());
        CPPUNIT_ASSERT_EQUAL(Texts({"got (locked)"}), rig_->texts());
        rig_->commit(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled committed +, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), rig_->texts());
    }

    void a_crash_after_the_commit_was_written_hears_the_truth_from_the_tombstone() {
        rig_->prepared(1, {{"one"}, {}});
        rig_->prepared(2, {{"two"}, {}});
        rig_->commit(1);
        rig_->rollback(2);
        rig_->store->write();
        restart();
        rig_->commit(1);
        rig_->commit(2);
        rig_->rollback(2);
        CPPUNIT_ASSERT_EQUAL(std::string("answer 0, answer -4, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), rig_->texts());
    }

    void a_refused_prepare_rolls_the_branch_back() {
        rig_->begin(1, {{"one"}, {}});
        rig_->store->disk_full = true;
        rig_->prepare(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled prepared -, discard 1, answer 100"), rig_->take());
        CPPUNIT_ASSERT(!rig_->branches->journal().branch_of(xid_of(1)));
        CPPUNIT_ASSERT(rig_->branches->registry().find(xid_of(1)) == nullptr);
        restart();
        CPPUNIT_ASSERT(rig_->recovered.branches.empty());
    }

    void a_refused_commit_can_be_tried_again() {
        rig_->prepared(1, {{"one"}, {}});
        rig_->store->refuse_all = true;
        rig_->commit(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled committed -, answer 4"), rig_->take());
        CPPUNIT_ASSERT(rig_->texts().empty());
        rig_->store->refuse_all = false;
        rig_->commit(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled committed +, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), rig_->texts());
    }

    void an_administrators_decision_is_audited_and_outlives_a_restart_until_forgotten() {
        rig_->prepared(1, {{"one"}, {}});
        rig_->resolve(1, xa::Outcome::committed);
        const auto& audit = std::get<store::PutAudit>(rig_->last_operations.back());
        CPPUNIT_ASSERT(audit.user == "alice" && audit.action == "transaction.commit" && audit.detail == "it is lost");
        CPPUNIT_ASSERT_EQUAL(std::string("131077:67747269642d31:62"), audit.object);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled heuristically committed +, answer 0"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), rig_->texts());
        restart();
        const auto* const branch = rig_->branches->registry().find(xid_of(1));
        CPPUNIT_ASSERT(branch != nullptr && branch->heuristic() == xa::ReturnCode::heuristic_commit);
        CPPUNIT_ASSERT(branch->decision() == (xa::Decision{"alice", "it is lost"}));
        rig_->rollback(1);
        rig_->forget(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("answer 7, settled forgotten +, answer 0"), rig_->take());
        restart();
        CPPUNIT_ASSERT(rig_->recovered.branches.empty() && rig_->recovered.tombstones.empty());
    }

    void an_administrator_who_forgets_is_audited_and_a_manager_is_not() {
        for (const unsigned xid : {1U, 2U}) {
            rig_->prepared(xid, {{"text"}, {}});
            rig_->resolve(xid, xa::Outcome::rolled_back);
            rig_->store->run();
            rig_->take();
        }
        rig_->forget(1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->last_operations.size());
        rig_->forget(2, {"bob", "the manager will not come back"});
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig_->last_operations.size());
        const auto& audit = std::get<store::PutAudit>(rig_->last_operations.back());
        CPPUNIT_ASSERT(audit.user == "bob" && audit.action == "transaction.forget");
    }

    void old_tombstones_go_from_the_store() {
        for (const unsigned xid : {1U, 2U}) {
            rig_->begin(xid, {{"text"}, {}});
            rig_->commit(xid, one_phase);
            rig_->store->run();
            rig_->clock.advance(hours(13));
        }
        rig_->branches->tick();
        rig_->store->run();
        restart();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->recovered.tombstones.size());
        CPPUNIT_ASSERT(rig_->recovered.tombstones.front().xid == xid_of(2));
    }

    void places_of_puts_are_given_in_the_order_of_commits() {
        rig_->prepared(1, {{"prepared first"}, {}});
        rig_->prepared(2, {{"committed first"}, {}});
        rig_->commit(2);
        rig_->commit(1);
        rig_->store->run();
        CPPUNIT_ASSERT_EQUAL(Texts({"committed first", "prepared first"}), rig_->texts());
    }

    void a_branch_in_doubt_for_long_raises_an_alarm_now_and_then() {
        Branches::Settings settings;
        settings.in_doubt_alarm = std::chrono::minutes(10);
        rig_ = std::make_unique<Rig>(disk_, settings);
        const auto advance = [&](std::chrono::minutes time) {
            rig_->clock.advance(time);
            rig_->branches->tick();
            return rig_->branches->alarms();
        };
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, advance(std::chrono::minutes(60)));
        rig_->prepared(1, {{"one"}, {}});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, advance(std::chrono::minutes(9)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, advance(std::chrono::minutes(1)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, advance(std::chrono::minutes(9)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, advance(std::chrono::minutes(1)));
        CPPUNIT_ASSERT(rig_->branches->oldest_in_doubt_age() == std::chrono::minutes(20));
        rig_->rollback(1);
        rig_->store->run();
        CPPUNIT_ASSERT(rig_->branches->oldest_in_doubt_age() == milliseconds(0));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, advance(std::chrono::minutes(60)));
    }

    void branches_that_are_not_prepared_time_out() {
        rig_->prepared(1, {{"one"}, {}});
        rig_->begin(2, {{"two"}, {}});
        rig_->clock.advance(hours(1));
        rig_->branches->tick();
        CPPUNIT_ASSERT_EQUAL(std::string("discard 2"), rig_->take());
        rig_->prepare(2);
        CPPUNIT_ASSERT_EQUAL(std::string("answer 106"), rig_->take());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->branches->registry().branches_in_doubt());
    }

private:
    /// The process dies; what was written stays.
    void restart() { rig_ = std::make_unique<Rig>(disk_); }

    std::shared_ptr<store::MemoryDisk> disk_;
    std::unique_ptr<Rig> rig_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(BranchJournalTest);

}  // namespace
}  // namespace giromq::tx::test
