#include "unit/core/manager.hpp"
#include "unit/core/selecting.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

using Kind = core::XaCall::Kind;
using xa::ReturnCode;

/// What branches do to queues, memory and the disk while they are open, prepared and found again.
class CoreBranchWorkTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreBranchWorkTest);
    CPPUNIT_TEST(a_stop_returns_the_work_of_an_open_branch_once);
    CPPUNIT_TEST(what_is_in_memory_only_goes_back_to_the_queue_and_not_to_its_consumer);
    CPPUNIT_TEST(completions_do_not_hold_up_the_reading_of_pages);
    CPPUNIT_TEST(a_branch_that_only_gets_goes_through_on_a_full_disk);
    CPPUNIT_TEST(what_migrates_is_over_where_it_was_suspended);
    CPPUNIT_TEST(a_later_outcome_takes_the_place_of_the_first);
    CPPUNIT_TEST(prepared_puts_leave_memory_when_it_is_scarce);
    CPPUNIT_TEST(a_timeout_can_be_changed_until_the_prepare);
    CPPUNIT_TEST(what_an_outcome_that_comes_too_late_gives_back_keeps_its_order);
    CPPUNIT_TEST(the_core_tells_what_a_branch_has_put_and_got);
    CPPUNIT_TEST(an_alarm_is_raised_when_a_branch_is_in_doubt_for_long);
    CPPUNIT_TEST(a_prepared_put_keeps_its_room);
    CPPUNIT_TEST(what_expires_while_it_is_locked_is_not_removed);
    CPPUNIT_TEST(a_sequence_that_is_held_for_long_takes_no_place_of_a_later_one);
    CPPUNIT_TEST(what_a_branch_gives_back_is_selected_by_who_has_looked_further);
    CPPUNIT_TEST(what_a_branch_gives_back_after_a_purge_is_selected);
    CPPUNIT_TEST(a_large_message_of_a_branch_comes_whole_or_goes_whole);
    CPPUNIT_TEST(what_is_not_durable_is_kept_once_it_is_prepared);
    CPPUNIT_TEST(a_drain_waits_for_what_a_branch_has_given_back);
    CPPUNIT_TEST(a_purge_takes_what_a_branch_has_just_given_back);
    CPPUNIT_TEST(a_purge_leaves_what_a_branch_is_giving_back);
    CPPUNIT_TEST(a_rollback_that_a_page_shows_before_it_is_heard_of_is_counted_once);
    CPPUNIT_TEST_SUITE_END();

    void a_rollback_that_a_page_shows_before_it_is_heard_of_is_counted_once() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        {
            Manager manager(broker);
            Taker& taker = manager.controller.take(queue, 1);
            const auto id = manager.start("x");
            manager.controller.get(id, taker, "m1");
            manager.end(id);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        }
        broker.crash();
        Manager manager(broker);
        const auto answer = manager.call(Kind::rollback, "x");
        broker.doors->write();
        Taker& taker = broker.take(queue, 2);
        broker.doors->answer_page();
        CPPUNIT_ASSERT(!answer->has_value());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m2 m1"s, taker.texts());
        // One failure, and the mark of the crash.
        CPPUNIT_ASSERT_EQUAL(2u, taker.count("m1"));
    }

    void a_stop_returns_the_work_of_an_open_branch_once() {
        core::CoreSettings settings;
        settings.transaction_timeout = 1s;
        Broker broker(settings);
        const auto queue = broker.make_queue("q", [](DestinationSettings& change) { change.max_messages = 10; });
        Manager manager(broker);
        manager.controller.put(manager.start("x"), queue, "never");
        broker.core->stop([] {});
        broker.doors->run();
        broker.tick(3000ms);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void what_is_in_memory_only_goes_back_to_the_queue_and_not_to_its_consumer() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "light", {.durable = non_persistent});
        Manager manager(broker);
        Taker& taker = manager.controller.take(queue, 1);
        const auto id = manager.start("x");
        const auto& settled = manager.controller.get_unsettled(id, taker, "light");
        manager.controller.put(id, broker.make_queue("to"), "heavy");
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT(settled.ok());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
        CPPUNIT_ASSERT_EQUAL("light"s, broker.drain_all(queue));
    }

    void completions_do_not_hold_up_the_reading_of_pages() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(50);
        Manager manager(broker);
        Taker& first = manager.controller.take(queue, 1);
        const auto id = manager.start("x");
        manager.controller.get(id, first, "m1");
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        // The next page is on its way when the branch is completed.
        Taker& second = broker.take(queue, 20);
        while (broker.doors->asked() == 0 && broker.doors->complete()) {
        }
        const auto asked = broker.doors->pages_asked;
        CPPUNIT_ASSERT(broker.doors->asked() > 0 && broker.doors->snapshot());
        const auto committed = manager.call(Kind::commit, "x");
        broker.doors->write();
        while (broker.doors->complete()) {
        }
        CPPUNIT_ASSERT(committed->has_value());
        const auto had = second.deliveries.size();
        CPPUNIT_ASSERT(broker.doors->deliver_page());
        CPPUNIT_ASSERT_MESSAGE("the page was thrown away", second.deliveries.size() > had || broker.doors->pages_asked == asked);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(2, 21), second.texts());
    }

    void a_branch_that_only_gets_goes_through_on_a_full_disk() {
        for (const bool one_phase : {false, true}) {
            Broker broker;
            const auto queue = broker.make_filled_queue(2);
            Manager manager(broker);
            Taker& taker = manager.controller.take(queue, 1);
            broker.doors->disk_full = true;
            const auto id = manager.start("x");
            manager.controller.get(id, taker, "m1");
            manager.end(id);
            if (one_phase) {
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.answered(Kind::commit, "x", xa::tm::one_phase));
            } else {
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
            }
            CPPUNIT_ASSERT_EQUAL("m2"s, broker.stored(queue));
        }
    }

    void what_migrates_is_over_where_it_was_suspended() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Manager first(broker);
        Manager second(broker);
        const auto suspended = first.start("x");
        CPPUNIT_ASSERT(first.end(suspended, xa::tm::suspend | xa::tm::migrate) == ReturnCode::ok);
        const auto resumed = second.start("x", xa::tm::resume);
        CPPUNIT_ASSERT(second.controller.put(resumed, queue, "here")->accepted());
        CPPUNIT_ASSERT(first.end(suspended) == ReturnCode::er_nota);
        CPPUNIT_ASSERT(!first.controller.put(suspended, queue, "there")->accepted());
        CPPUNIT_ASSERT(second.end(resumed) == ReturnCode::ok);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, first.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, first.commit("x"));
        CPPUNIT_ASSERT_EQUAL("here"s, broker.drain_all(queue));
    }

    void a_later_outcome_takes_the_place_of_the_first() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Manager manager(broker);
        Taker& taker = manager.controller.take(queue, 1);
        const auto id = manager.start("x");
        manager.controller.get_unsettled(id, taker, "m1", Released{});
        manager.controller.get(id, taker, "m1", Accepted{});
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void prepared_puts_leave_memory_when_it_is_scarce() {
        core::CoreSettings settings;
        settings.memory_bytes = 64 * 1024;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        Manager manager(broker);
        for (int number = 1; number <= 50; ++number) {
            const auto name = "x" + std::to_string(number);
            const auto id = manager.start(name);
            CPPUNIT_ASSERT(manager.controller.put(id, queue, name, {.bytes = 4000})->accepted());
            manager.end(id);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare(name));
            broker.tick(1100ms);
            CPPUNIT_ASSERT(broker.core->view().memory_bytes <= settings.memory_bytes);
        }
        for (int number = 1; number <= 49; ++number) CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x" + std::to_string(number)));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x50"));
        CPPUNIT_ASSERT_EQUAL(numbers(1, 49, "x"), broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void a_timeout_can_be_changed_until_the_prepare() {
        core::CoreSettings settings;
        settings.transaction_timeout = 1s;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        Manager manager(broker);
        const auto id = manager.start("x");
        CPPUNIT_ASSERT(broker.core->xa_set_timeout(xid("x"), 10s) == ReturnCode::ok);
        CPPUNIT_ASSERT(broker.core->xa_set_timeout(xid("y"), 10s) == ReturnCode::er_nota);
        manager.controller.put(id, queue, "kept");
        manager.end(id);
        broker.tick(5000ms);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT(broker.core->xa_set_timeout(xid("x"), 10s) == ReturnCode::er_proto);
    }

    /// The outcome itself is what ends the branch.
    void what_an_outcome_that_comes_too_late_gives_back_keeps_its_order() {
        core::CoreSettings settings;
        settings.transaction_timeout = 1s;
        Broker broker(settings);
        const auto queue = broker.make_filled_queue(2);
        Manager manager(broker);
        Taker& holder = manager.controller.take(queue, 2);
        const auto id = manager.start("x");
        manager.controller.get(id, holder, "m2");
        Taker& other = broker.take(queue, 10);
        broker.clock.advance(3000ms);
        manager.controller.get(id, holder, "m1");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, other.texts());
        CPPUNIT_ASSERT_EQUAL(1U, other.count("m1"));
    }

    void the_core_tells_what_a_branch_has_put_and_got() {
        for (const bool crashes : {false, true}) {
            Broker broker;
            {
                const auto queue = broker.make_filled_queue(2);
                const auto to = broker.make_queue("to");
                Manager manager(broker);
                Taker& taker = manager.controller.take(queue, 2);
                const auto id = manager.start("x");
                manager.controller.put(id, to, "new");
                manager.controller.get(id, taker, "m1");
                // On its way to the dead-letter queue it is told of as got, and not as put.
                manager.controller.get(id, taker, "m2", Rejected{"amqp:decode-error", "no amount"});
                manager.end(id);
                CPPUNIT_ASSERT(broker.core->branch_messages(xid("x"), 0, 10).empty());
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            }
            if (crashes) broker.crash();
            const auto all = broker.core->branch_messages(xid("x"), 0, 10);
            CPPUNIT_ASSERT_EQUAL(std::size_t{3}, all.size());
            CPPUNIT_ASSERT(all[0].is_put && all[0].destination == broker.queue("to") && all[0].bytes == 3);
            CPPUNIT_ASSERT(!all[1].is_put && !all[2].is_put && all[1].destination == broker.queue("q"));
            const auto second = broker.core->branch_messages(xid("x"), 1, 1);
            CPPUNIT_ASSERT(second.size() == 1 && second[0].number == all[1].number);
            std::optional<ReturnCode> answer;
            broker.core->xa_resolve(xid("x"), xa::Outcome::committed, {"ann", "its manager is gone"},
                                    [&answer](ReturnCode code) { answer = code; });
            broker.doors->run();
            CPPUNIT_ASSERT(answer == ReturnCode::ok);
            CPPUNIT_ASSERT(broker.core->branch_messages(xid("x"), 0, 10).empty());
            CPPUNIT_ASSERT_EQUAL("m2"s, broker.stored(broker.queue("DLQ")));
            broker.core->xa_forget(xid("x"), {"ann", "told the ledger"}, [&answer](ReturnCode code) { answer = code; });
            broker.doors->run();
            CPPUNIT_ASSERT(answer == ReturnCode::ok && broker.core->branches().find(xid("x")) == nullptr);
        }
    }

    void an_alarm_is_raised_when_a_branch_is_in_doubt_for_long() {
        core::CoreSettings settings;
        settings.in_doubt_alarm = 60s;
        Broker broker(settings);
        Manager manager(broker);
        const auto id = manager.start("x");
        manager.controller.put(id, broker.make_queue("q"), "kept");
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        broker.tick(59s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().in_doubt_alarms);
        broker.tick(2s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().in_doubt_alarms);
        broker.tick(30s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().in_doubt_alarms);
        broker.tick(31s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.core->view().in_doubt_alarms);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        broker.tick(120s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.core->view().in_doubt_alarms);
    }

    void a_sequence_that_is_held_for_long_takes_no_place_of_a_later_one() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        {
            Manager manager(broker);
            const auto id = manager.start("x");
            manager.controller.put(id, queue, "held", {.sequence = core::ProducerSequence{"p", 1}});
            manager.end(id);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        }
        // The last 1,024 are told apart: 1025 has the place that 1 had, and has not come yet.
        broker.send(queue, "late", {.sequence = core::ProducerSequence{"p", 1100}});
        broker.crash();
        CPPUNIT_ASSERT(!broker.send(queue, "next", {.sequence = core::ProducerSequence{"p", 1025}})->duplicate());
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.rollback("x"));
        CPPUNIT_ASSERT_EQUAL("late next"s, broker.drain_all(queue));
    }

    void a_large_message_of_a_branch_comes_whole_or_goes_whole() {
        for (const bool commits : {true, false}) {
            for (const bool crashes : {true, false}) {
                Broker broker;
                const auto queue = broker.make_queue("q");
                {
                    Manager manager(broker);
                    const auto id = manager.start("x");
                    CPPUNIT_ASSERT(manager.controller.put(id, queue, "large", {.chunks = 2})->accepted());
                    manager.end(id);
                    CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
                }
                if (crashes) broker.crash();
                const auto number = broker.core->branch_messages(xid("x"), 0, 1).at(0).number;
                Manager other(broker);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, commits ? other.commit("x") : other.rollback("x"));
                CPPUNIT_ASSERT_EQUAL(commits, broker.store->chunk(number, 1).ok());
                if (!commits) continue;
                Taker& taker = broker.take_now(queue, 1);
                CPPUNIT_ASSERT_EQUAL(2U, taker.delivery("large").message->chunk_count);
                CPPUNIT_ASSERT_EQUAL("chunk 0chunk 1"s.size() + "large"s.size(), std::size_t{taker.delivery("large").message->size()});
                taker.accept("large");
                broker.doors->run();
                CPPUNIT_ASSERT(!broker.store->chunk(number, 1).ok());
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).bytes);
            }
        }
    }

    void what_is_not_durable_is_kept_once_it_is_prepared() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        {
            Manager manager(broker);
            const auto id = manager.start("x");
            manager.controller.put(id, queue, "light", {.durable = non_persistent});
            manager.end(id);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        }
        broker.crash();
        {
            Manager other(broker);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
        }
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("light"s, broker.drain_all(queue));
    }

    /// The branch "x" has got m1, a start has forgotten what was in memory, and a purge has taken the others.
    static DestinationId get_and_purge(Broker& broker) {
        const auto queue = broker.make_filled_queue(3);
        {
            Manager manager(broker);
            Taker& taker = manager.controller.take(queue, 1);
            const auto id = manager.start("x");
            manager.controller.get(id, taker, "m1");
            manager.end(id);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        }
        broker.crash();
        broker.core->purge_queue(queue, [](const Result<std::uint64_t>&) {});
        broker.doors->run();
        return queue;
    }
    /// Until it is durable and answered; what has to be read then is not read yet.
    static void roll_back_only(Broker& broker, Manager& manager) {
        const auto answer = manager.call(Kind::rollback, "x");
        broker.doors->write();
        while (broker.doors->complete()) {
        }
        CPPUNIT_ASSERT(answer->has_value() && **answer == ReturnCode::ok);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->asked());
    }

    void a_drain_waits_for_what_a_branch_has_given_back() {
        for (const bool fails : {false, true}) {
            Broker broker;
            const auto queue = get_and_purge(broker);
            Taker& taker = broker.take_now(queue, 1);
            Manager other(broker);
            roll_back_only(broker, other);
            taker.drain(1);
            CPPUNIT_ASSERT(taker.drained_after.empty());
            broker.doors->reads_fail = fails;
            broker.doors->run();
            if (fails) {
                CPPUNIT_ASSERT(taker.drained_after.empty());
                broker.doors->reads_fail = false;
                broker.tick();
                broker.doors->run();
            }
            CPPUNIT_ASSERT_EQUAL("m1"s, taker.texts());
        }
    }

    void a_purge_leaves_what_a_branch_is_giving_back() {
        Broker broker;
        const auto queue = get_and_purge(broker);
        Manager other(broker);
        const auto answer = other.call(Kind::rollback, "x");
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(answer->has_value());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, purged.result->value());
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(queue));
    }

    void a_purge_takes_what_a_branch_has_just_given_back() {
        Broker broker;
        const auto queue = get_and_purge(broker);
        Manager other(broker);
        roll_back_only(broker, other);
        CPPUNIT_ASSERT(broker.doors->snapshot());
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        Taker& taker = broker.take(queue, 1);
        CPPUNIT_ASSERT(broker.doors->deliver_page());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, purged.result->value());
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    /// r1 r101 r201, of which a prepared branch has got the last, and a start has forgotten what was in memory.
    static DestinationId get_the_last_red(SelectingBroker& broker) {
        const auto queue = broker.make_coloured_queue(300, 100);
        Manager manager(broker);
        core::ConsumerCommand command;
        command.connection = manager.controller.connection;
        command.selector = broker.program(red);
        Taker& taker = broker.take(queue, 3, std::move(command));
        broker.run();
        const auto id = manager.start("x");
        manager.controller.get(id, taker, "r201");
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        broker.crash();
        return queue;
    }

    void what_a_branch_gives_back_is_selected_by_who_has_looked_further() {
        SelectingBroker broker(tiny_windows());
        const auto queue = get_the_last_red(broker);
        Taker& reds = broker.take_selected_now(queue, red, 10);
        CPPUNIT_ASSERT_EQUAL("r1 r101"s, reds.texts());
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.rollback("x"));
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, reds.texts());
    }

    void what_a_branch_gives_back_after_a_purge_is_selected() {
        SelectingBroker broker(tiny_windows());
        const auto queue = get_the_last_red(broker);
        Taker& reds = broker.take_selected_now(queue, red, 10);
        broker.core->purge_queue(queue, [](const Result<std::uint64_t>&) {});
        broker.run();
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.rollback("x"));
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, reds.texts());
    }

    void a_prepared_put_keeps_its_room() {
        for (const bool crashes : {false, true}) {
            Broker broker;
            const auto queue = broker.make_queue("q", [](DestinationSettings& change) { change.max_messages = 2; });
            {
                Manager manager(broker);
                const auto id = manager.start("x");
                manager.controller.put(id, queue, "kept");
                manager.end(id);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            }
            if (crashes) broker.crash();
            CPPUNIT_ASSERT(broker.send(queue, "first")->accepted());
            CPPUNIT_ASSERT(broker.send(queue, "too much")->refused_with(core::errc::resource_limit));
            Manager other(broker);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
            CPPUNIT_ASSERT(broker.send(queue, "too much")->refused_with(core::errc::resource_limit));
            CPPUNIT_ASSERT_EQUAL("first kept"s, broker.drain_all(queue));
            CPPUNIT_ASSERT(broker.send(queue, "again")->accepted() && broker.send(queue, "and again")->accepted());
        }
    }

    void what_expires_while_it_is_locked_is_not_removed() {
        for (const bool crashes : {false, true}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            broker.send(queue, "short", {.expires_in_ms = 1000});
            {
                Manager manager(broker);
                Taker& taker = manager.controller.take(queue, 1);
                const auto id = manager.start("x");
                manager.controller.get(id, taker, "short", Rejected{"amqp:decode-error", "no amount"});
                manager.end(id);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            }
            if (crashes) broker.crash();
            broker.tick(5000ms);
            Taker& consumer = broker.take_now(queue, 1);
            CPPUNIT_ASSERT_EQUAL(""s, consumer.texts());
            CPPUNIT_ASSERT_EQUAL("short"s, broker.stored(queue));
            Manager other(broker);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
            CPPUNIT_ASSERT_EQUAL("short"s, broker.drain_all(broker.queue("DLQ")));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreBranchWorkTest);

}  // namespace giromq::test
