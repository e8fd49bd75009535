#include "store/commit_queue.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <future>
#include <optional>

#include "unit/store/scripted_store.hpp"
#include "unit/store/store_driver.hpp"
#include "unit/store/thread_executor.hpp"

namespace giromq::store::test {
namespace {

bool names(const Batch& batch, const std::string& user) {
    return std::any_of(batch.operations.begin(), batch.operations.end(), [&](const Operation& operation) {
        const auto* const put = std::get_if<PutUser>(&operation);
        return put != nullptr && put->user.name == user;
    });
}

bool has_growth(const Batch& batch) {
    return std::any_of(batch.operations.begin(), batch.operations.end(),
                       [](const Operation& operation) { return std::holds_alternative<PutChunk>(operation); });
}

class CommitQueueTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CommitQueueTest);
    CPPUNIT_TEST(units_submitted_during_a_commit_share_the_next_one);
    CPPUNIT_TEST(completions_run_on_the_core_in_the_order_of_submission);
    CPPUNIT_TEST(a_batch_is_bounded_in_units_and_bytes);
    CPPUNIT_TEST(a_batch_carries_the_newest_counters);
    CPPUNIT_TEST(on_a_full_disk_only_growing_units_are_refused);
    CPPUNIT_TEST(growth_stays_refused_until_it_is_resumed);
    CPPUNIT_TEST(a_unit_that_cannot_be_applied_harms_no_neighbour);
    CPPUNIT_TEST(a_refused_growing_unit_takes_the_growing_ones_behind_it_along);
    CPPUNIT_TEST(refused_operations_come_back_untouched);
    CPPUNIT_TEST(purge_counts_reach_their_units);
    CPPUNIT_TEST(a_commit_in_doubt_ends_everything_and_completes_nothing);
    CPPUNIT_TEST(a_lost_lease_ends_everything);
    CPPUNIT_TEST(a_failed_maintenance_in_doubt_ends_everything);
    CPPUNIT_TEST(stop_commits_what_was_submitted);
    CPPUNIT_TEST(a_unit_after_stop_is_refused_as_stopped);
    CPPUNIT_TEST(work_and_the_end_reach_a_thread_that_looks_for_them);
    CPPUNIT_TEST(a_task_runs_between_the_units_before_it_and_those_after_it);
    CPPUNIT_TEST(statistics_count_what_happened);
    CPPUNIT_TEST(pages_are_answered_on_the_core_and_chunks_on_the_reading_thread);
    CPPUNIT_TEST(questions_after_stop_are_answered_with_stopped);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        store_ = std::make_unique<ScriptedStore>();
        core_ = std::make_unique<ThreadExecutor>();
        outcomes_.clear();
        fatal_ = std::promise<Error>();
        fatal_calls_ = 0;
    }
    void tearDown() override {
        queue_.reset();
        core_.reset();
        store_.reset();
    }

    void units_submitted_during_a_commit_share_the_next_one() {
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        for (const auto* const name : {"a", "b", "c"}) submit(name);
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT(std::vector<std::size_t>({1, 3}) == store_->batch_sizes());
        CPPUNIT_ASSERT_EQUAL(Texts({"first durable", "a durable", "b durable", "c durable"}), outcomes_);
        // One task for the core for each batch.
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, core_->tasks_run());
    }

    void completions_run_on_the_core_in_the_order_of_submission() {
        start();
        Texts expected;
        for (int index = 0; index < 1000; ++index) {
            submit(std::to_string(index));
            expected.push_back(std::to_string(index) + " durable");
        }
        finish();
        CPPUNIT_ASSERT(expected == outcomes_);
        CPPUNIT_ASSERT(all_on_core_);
    }

    void a_batch_is_bounded_in_units_and_bytes() {
        start({.units = 3, .bytes = 100});
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        for (int index = 0; index < 5; ++index) submit("small");
        submit("half", false, 60);
        submit("other half", false, 60);
        submit("more than all", false, 1000);
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT(std::vector<std::size_t>({1, 3, 3, 1, 1}) == store_->batch_sizes());
    }

    void a_batch_carries_the_newest_counters() {
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        store_->script = [](const Batch& batch) { return has_growth(batch) ? refusal(errc::disk_full) : BatchResult{}; };
        auto unit = make("stays");
        unit.next_position = Position{10};
        queue_->submit(std::move(unit));
        unit = make("refused", true);
        unit.next_position = Position{20};
        unit.next_message = MessageNumber{30};
        queue_->submit(std::move(unit));
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{20}, store_->last_batch_committed().next_position.value);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{30}, store_->last_batch_committed().next_message.value);
    }

    void on_a_full_disk_only_growing_units_are_refused() {
        store_->script = [](const Batch& batch) { return has_growth(batch) ? refusal(errc::disk_full) : BatchResult{}; };
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        submit("send", true);
        submit("ack");
        submit("send too", true);
        submit("ack too");
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT_EQUAL(Texts({"first durable", "send store: no space left on the disk of the store: as the test says", "ack durable",
                                    "send too store: no space left on the disk of the store: as the test says", "ack too durable"}),
                             outcomes_);
    }

    void growth_stays_refused_until_it_is_resumed() {
        bool full = true;
        store_->script = [&](const Batch& batch) { return full && has_growth(batch) ? refusal(errc::disk_full) : BatchResult{}; };
        start();
        submit("one", true);
        core_->wait_for_tasks(1);
        full = false;
        submit("two", true);
        submit("ack");
        core_->wait_for_tasks(2);
        wait_for_outcomes(3);
        queue_->resume_growth();
        submit("three", true);
        finish();
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, outcomes_.size());
        CPPUNIT_ASSERT(outcomes_[1].find("no space") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("ack durable"), outcomes_[2]);
        CPPUNIT_ASSERT_EQUAL(std::string("three durable"), outcomes_[3]);
    }

    void a_unit_that_cannot_be_applied_harms_no_neighbour() {
        store_->script = [](const Batch& batch) { return names(batch, "bad") ? refusal(errc::io_error) : BatchResult{}; };
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        for (const auto* const name : {"a", "b", "bad", "c", "d"}) submit(name);
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT_EQUAL(
            Texts({"first durable", "a durable", "b durable", "bad store: input/output error: as the test says", "c durable", "d durable"}),
            outcomes_);
    }

    void a_refused_growing_unit_takes_the_growing_ones_behind_it_along() {
        store_->script = [](const Batch& batch) { return names(batch, "bad") ? refusal(errc::io_error) : BatchResult{}; };
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        submit("before", true);
        submit("bad", true);
        submit("behind", true);
        submit("ack");
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT_EQUAL(std::string("before durable"), outcomes_[1]);
        CPPUNIT_ASSERT(outcomes_[2].find("bad store") == 0 && outcomes_[3].find("behind store") == 0);
        CPPUNIT_ASSERT_EQUAL(std::string("ack durable"), outcomes_[4]);
    }

    void refused_operations_come_back_untouched() {
        store_->script = [](const Batch& batch) { return has_growth(batch) ? refusal(errc::disk_full) : BatchResult{}; };
        start();
        Texts back;
        auto unit = make("one", true);
        unit.operations.emplace_back(RemoveProducer{"two"});
        unit.done = [&](const UnitResult& result) {
            CPPUNIT_ASSERT(!result.durable && result.refused_operations != nullptr);
            back.push_back(std::get<PutUser>(result.refused_operations->at(0)).user.name);
            back.push_back(std::string(std::get<PutChunk>(result.refused_operations->at(1)).bytes.view()));
            back.push_back(std::get<RemoveProducer>(result.refused_operations->at(2)).producer);
        };
        queue_->submit(std::move(unit));
        finish();
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "bytes", "two"}), back);
    }

    void purge_counts_reach_their_units() {
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        std::vector<std::size_t> counts;
        for (const std::size_t purges : {2U, 0U, 1U}) {
            auto unit = make("unit");
            for (std::size_t index = 0; index < purges; ++index) unit.operations.emplace_back(PurgeEntries{DestinationId{9}, {}, 1, {}});
            unit.done = [&counts](const UnitResult& result) { counts.push_back(result.purged.size()); };
            queue_->submit(std::move(unit));
        }
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT(std::vector<std::size_t>({2, 0, 1}) == counts);
    }

    void a_commit_in_doubt_ends_everything_and_completes_nothing() {
        store_->script = [](const Batch& batch) {
            return names(batch, "bad") ? refusal(errc::in_doubt, CommitOutcome::in_doubt) : BatchResult{};
        };
        start();
        submit("good");
        core_->wait_for_tasks(1);
        submit("bad");
        CPPUNIT_ASSERT(fatal_.get_future().get().is(errc::in_doubt));
        submit("later");
        queue_->run_on_store_thread([](Store&) { CPPUNIT_FAIL("a task ran after the failure"); });
        finish();
        CPPUNIT_ASSERT_EQUAL(Texts({"good durable"}), outcomes_);
        CPPUNIT_ASSERT_EQUAL(1, fatal_calls_.load());
    }

    void a_lost_lease_ends_everything() {
        store_->script = [](const Batch&) { return refusal(errc::lost_lease); };
        start();
        submit("one");
        CPPUNIT_ASSERT(fatal_.get_future().get().is(errc::lost_lease));
        finish();
        CPPUNIT_ASSERT(outcomes_.empty());
    }

    void a_failed_maintenance_in_doubt_ends_everything() {
        store_->set_maintenance(Error(errc::in_doubt));
        start();
        CPPUNIT_ASSERT(fatal_.get_future().get().is(errc::in_doubt));
        submit("one");
        finish();
        CPPUNIT_ASSERT(outcomes_.empty());
    }

    void stop_commits_what_was_submitted() {
        start({.units = 2, .bytes = 1000});
        store_->close_gate();
        for (int index = 0; index < 7; ++index) submit(std::to_string(index));
        store_->wait_at_gate();
        auto stopping = std::async(std::launch::async, [this] { queue_->stop(); });
        store_->open_gate();
        stopping.get();
        core_->stop();
        CPPUNIT_ASSERT_EQUAL(std::size_t{7}, outcomes_.size());
        CPPUNIT_ASSERT_EQUAL(std::string("6 durable"), outcomes_.back());
    }

    /// It would look for longer than anybody waits for this test.
    void work_and_the_end_reach_a_thread_that_looks_for_them() {
        start({.busy_wait = std::chrono::hours(1)});
        for (std::size_t count = 1; count <= 100; ++count) {
            submit("unit");
            wait_for_outcomes(count);
        }
        std::promise<void> task_done;
        queue_->run_on_store_thread([&](Store&) { task_done.set_value(); });
        task_done.get_future().wait();
        finish();
        CPPUNIT_ASSERT_EQUAL(std::size_t{100}, outcomes_.size());
    }

    void a_unit_after_stop_is_refused_as_stopped() {
        start();
        queue_->stop();
        submit("late");
        core_->wait_for_tasks(1);
        CPPUNIT_ASSERT_EQUAL(Texts({"late store: the store is stopped"}), outcomes_);
    }

    void a_task_runs_between_the_units_before_it_and_those_after_it() {
        start();
        store_->close_gate();
        submit("first");
        store_->wait_at_gate();
        submit("before");
        std::vector<std::size_t> batches_at_task;
        queue_->run_on_store_thread([&](Store&) { batches_at_task = store_->batch_sizes(); });
        submit("behind");
        submit("behind too");
        store_->open_gate();
        finish();
        CPPUNIT_ASSERT(std::vector<std::size_t>({1, 1}) == batches_at_task);
        CPPUNIT_ASSERT(std::vector<std::size_t>({1, 1, 2}) == store_->batch_sizes());
    }

    void statistics_count_what_happened() {
        store_->script = [](const Batch& batch) { return has_growth(batch) ? refusal(errc::disk_full) : BatchResult{}; };
        start();
        submit("one", false, 10);
        core_->wait_for_tasks(1);
        submit("two", true, 20);
        finish();
        const auto statistics = queue_->statistics();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, statistics.batches);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, statistics.units);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, statistics.bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, statistics.refused_units);
        CPPUNIT_ASSERT_EQUAL(statistics.batches, statistics.commit_nanoseconds.count());
        CPPUNIT_ASSERT(statistics.commit_nanoseconds.max() > 0);
        CPPUNIT_ASSERT_EQUAL(statistics.batches, statistics.batch_units.count());
        CPPUNIT_ASSERT_EQUAL(statistics.units, statistics.batch_units.sum());
    }

    void pages_are_answered_on_the_core_and_chunks_on_the_reading_thread() {
        start();
        auto unit = make("chunk", true);
        queue_->submit(std::move(unit));
        core_->wait_for_tasks(1);
        ReadQueue reads(*store_, *core_);
        std::promise<bool> on_core;
        reads.page(DestinationId{1}, Position{}, {}, [&](Result<Page> page) { on_core.set_value(page.ok() && core_->is_current()); });
        CPPUNIT_ASSERT(on_core.get_future().get());
        std::promise<bool> message_on_core;
        reads.message(MessageNumber{99}, [&](Result<MessagePtr> message) {
            message_on_core.set_value(!message.ok() && message.error().is(errc::not_found) && core_->is_current());
        });
        CPPUNIT_ASSERT(message_on_core.get_future().get());
        std::promise<std::string> text;
        bool chunk_on_core = true;
        reads.chunk(MessageNumber{1}, 0, [&](Result<SharedBytes> bytes) {
            chunk_on_core = core_->is_current();
            text.set_value(bytes.ok() ? std::string(bytes->view()) : bytes.error().to_string());
        });
        CPPUNIT_ASSERT_EQUAL(std::string("bytes"), text.get_future().get());
        CPPUNIT_ASSERT(!chunk_on_core);
    }

    void questions_after_stop_are_answered_with_stopped() {
        ReadQueue reads(*store_, *core_);
        reads.stop();
        std::promise<bool> page_stopped;
        reads.page(DestinationId{1}, Position{}, {},
                   [&](Result<Page> page) { page_stopped.set_value(!page.ok() && page.error().is(errc::stopped) && core_->is_current()); });
        CPPUNIT_ASSERT(page_stopped.get_future().get());
        bool chunk_stopped = false;
        reads.chunk(MessageNumber{1}, 0,
                    [&](Result<SharedBytes> bytes) { chunk_stopped = !bytes.ok() && bytes.error().is(errc::stopped); });
        CPPUNIT_ASSERT(chunk_stopped);
    }

private:
    void start(CommitQueue::Limits limits = {}) {
        const auto lease = store_->acquire().value();
        queue_ = std::make_unique<CommitQueue>(
            *store_, lease, store_->last_batch().value(), *core_,
            [this](const Error& error) {
                ++fatal_calls_;
                fatal_.set_value(error);
            },
            limits);
    }

    /// A unit with an operation that says its name; a growing one puts a chunk too.
    Unit make(const std::string& name, bool grows = false, std::uint64_t bytes = 0) {
        Unit unit;
        PutUser put;
        put.user.name = name;
        unit.operations.emplace_back(put);
        if (grows) unit.operations.emplace_back(PutChunk{MessageNumber{++chunks_}, 0, SharedBytes::copy_of("bytes")});
        unit.grows = grows;
        unit.bytes = bytes;
        unit.done = [this, name](const UnitResult& result) {
            if (!core_->is_current()) all_on_core_ = false;
            const std::lock_guard lock(mutex_);
            outcomes_.push_back(name + (result.durable ? " durable" : " " + result.error.to_string()));
            changed_.notify_all();
        };
        return unit;
    }
    void submit(const std::string& name, bool grows = false, std::uint64_t bytes = 0) { queue_->submit(make(name, grows, bytes)); }

    void wait_for_outcomes(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return outcomes_.size() >= count; });
    }
    void finish() {
        queue_->stop();
        core_->stop();
    }

    std::unique_ptr<ScriptedStore> store_;
    std::unique_ptr<ThreadExecutor> core_;
    std::unique_ptr<CommitQueue> queue_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Texts outcomes_;
    bool all_on_core_ = true;
    std::uint64_t chunks_ = 0;
    std::promise<Error> fatal_;
    std::atomic<int> fatal_calls_{0};
};

CPPUNIT_TEST_SUITE_REGISTRATION(CommitQueueTest);

}  // namespace
}  // namespace giromq::store::test
