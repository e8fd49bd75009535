#include "unit/core/controller.hpp"
#include "unit/core/selecting.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// What bounds transactions, and what happens to queues and ids while one is open.
class CoreTransactionLimitsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreTransactionLimitsTest);
    CPPUNIT_TEST(operations_are_limited);
    CPPUNIT_TEST(an_outcome_beyond_the_limit_ends_the_control_link);
    CPPUNIT_TEST(an_unsettled_outcome_beyond_the_limit_leaves_the_message_with_its_consumer);
    CPPUNIT_TEST(bytes_are_limited_and_given_back);
    CPPUNIT_TEST(all_transactions_together_have_one_budget);
    CPPUNIT_TEST(open_transactions_of_a_connection_are_limited);
    CPPUNIT_TEST(a_transaction_that_takes_too_long_is_rolled_back_and_told_so);
    CPPUNIT_TEST(a_transaction_that_timed_out_while_awaiting_a_send_is_answered);
    CPPUNIT_TEST(room_in_the_queue_is_kept_for_what_is_put);
    CPPUNIT_TEST(purge_passes_over_what_is_in_a_transaction);
    CPPUNIT_TEST(expiry_passes_over_what_is_in_a_transaction);
    CPPUNIT_TEST(shrinking_passes_over_what_is_in_a_transaction);
    CPPUNIT_TEST(a_browser_does_not_see_what_is_in_a_transaction);
    CPPUNIT_TEST(deleting_a_queue_fails_the_transactions_that_have_work_on_it);
    CPPUNIT_TEST(deleting_a_queue_during_the_commit_is_safe);
    CPPUNIT_TEST(a_duplicate_id_is_taken_with_the_commit);
    CPPUNIT_TEST(a_duplicate_id_is_given_back_with_a_rollback);
    CPPUNIT_TEST(a_duplicate_within_the_transaction_is_stored_once);
    CPPUNIT_TEST(an_id_that_another_transaction_holds_is_refused);
    CPPUNIT_TEST(a_send_that_repeats_an_open_put_waits_for_its_transaction);
    CPPUNIT_TEST(a_sequence_is_remembered_only_with_the_commit);
    CPPUNIT_TEST(chunks_of_what_is_rolled_back_are_dropped);
    CPPUNIT_TEST(a_page_that_is_read_meanwhile_brings_nothing_back);
    CPPUNIT_TEST(what_a_selector_found_behind_the_window_can_be_part_of_a_transaction);
    CPPUNIT_TEST_SUITE_END();

    void operations_are_limited() {
        core::CoreSettings settings;
        settings.transaction_operations = 2;
        Broker broker(settings);
        const auto queue = broker.make_filled_queue(2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto puts = controller.declare();
        CPPUNIT_ASSERT(controller.put(puts, queue, "a")->accepted());
        CPPUNIT_ASSERT(controller.put(puts, queue, "b")->accepted());
        CPPUNIT_ASSERT(controller.put(puts, queue, "c")->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(controller.is_refused(puts, core::errc::transaction_rolled_back));
        const auto gets = controller.declare();
        controller.get(gets, taker, "m1");
        controller.get(gets, taker, "m2");
        CPPUNIT_ASSERT(controller.commit(gets).ok());
    }

    static Broker broker_of_two_operations() {
        core::CoreSettings settings;
        settings.transaction_operations = 2;
        return Broker(settings);
    }

    /// What is enlisted is not counted as its consumer's any more, so it is not left to the discharge, which may never come.
    void an_outcome_beyond_the_limit_ends_the_control_link() {
        Broker broker = broker_of_two_operations();
        const auto queue = broker.make_filled_queue(3);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 3);
        const auto other = controller.declare();
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.get(transaction, taker, "m2");
        CPPUNIT_ASSERT(!controller.end_reason);
        controller.get(transaction, taker, "m3");
        CPPUNIT_ASSERT(controller.end_reason->is(core::errc::resource_limit));
        CPPUNIT_ASSERT(controller.enlisted->ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().transactions.open);
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_unknown));
        CPPUNIT_ASSERT(controller.is_refused(other, core::errc::transaction_unknown));
        Taker& next = broker.take_now(queue, 3);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, next.texts());
        for (const auto* const text : {"m1", "m2", "m3"}) CPPUNIT_ASSERT_EQUAL(1U, next.count(text));
    }

    void an_unsettled_outcome_beyond_the_limit_leaves_the_message_with_its_consumer() {
        Broker broker = broker_of_two_operations();
        const auto queue = broker.make_filled_queue(3);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 3);
        const auto transaction = controller.declare();
        const auto& first = controller.get_unsettled(transaction, taker, "m1");
        controller.get_unsettled(transaction, taker, "m2");
        // Said again it is not one more.
        controller.get_unsettled(transaction, taker, "m2");
        CPPUNIT_ASSERT(!controller.end_reason);
        const auto& third = controller.get_unsettled(transaction, taker, "m3");
        CPPUNIT_ASSERT(controller.end_reason->is(core::errc::resource_limit));
        CPPUNIT_ASSERT(first.given() && !first.ok());
        CPPUNIT_ASSERT(third.given() && !third.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(queue).delivering);
        for (const auto* const text : {"m1", "m2", "m3"}) taker.accept(text);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void bytes_are_limited_and_given_back() {
        core::CoreSettings settings;
        settings.transaction_bytes = 10'000;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto before = broker.core->view().memory_bytes;
        const auto transaction = controller.declare();
        CPPUNIT_ASSERT(controller.put(transaction, queue, "a", {.bytes = 8'000})->accepted());
        CPPUNIT_ASSERT(broker.core->view().memory_bytes >= before + 8'000);
        CPPUNIT_ASSERT(controller.put(transaction, queue, "b", {.bytes = 8'000})->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        CPPUNIT_ASSERT_EQUAL(before, broker.core->view().memory_bytes);
        const auto second = controller.declare();
        CPPUNIT_ASSERT(controller.put(second, queue, "c", {.bytes = 8'000})->accepted());
        CPPUNIT_ASSERT(controller.commit(second).ok());
        CPPUNIT_ASSERT_EQUAL("c"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(before, broker.core->view().memory_bytes);
    }

    void all_transactions_together_have_one_budget() {
        core::CoreSettings settings;
        settings.memory_bytes = 20'000;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto first = controller.declare();
        const auto second = controller.declare();
        CPPUNIT_ASSERT(controller.put(first, queue, "a", {.bytes = 12'000})->accepted());
        CPPUNIT_ASSERT(controller.put(second, queue, "b", {.bytes = 12'000})->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(controller.commit(first).ok());
        const auto third = controller.declare();
        CPPUNIT_ASSERT(controller.put(third, queue, "c", {.bytes = 12'000})->accepted());
        CPPUNIT_ASSERT(controller.commit(third).ok());
    }

    void open_transactions_of_a_connection_are_limited() {
        core::CoreSettings settings;
        settings.transactions_max = 2;
        Broker broker(settings);
        Controller controller(broker);
        const auto first = controller.declare();
        controller.declare();
        CPPUNIT_ASSERT(broker.core->declare(controller.control).error().is(core::errc::resource_limit));
        Controller other(broker);
        other.declare();
        controller.roll_back(first);
        controller.declare();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.core->view().transactions.open);
    }

    void a_transaction_that_takes_too_long_is_rolled_back_and_told_so() {
        core::CoreSettings settings;
        settings.transaction_timeout = 1s;
        Broker broker(settings);
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        broker.tick(500ms);
        const auto later = controller.declare();
        broker.tick(600ms);
        broker.doors->run();
        Taker& other = broker.take_now(queue, 1);
        CPPUNIT_ASSERT_EQUAL(1U, other.count("m1"));
        CPPUNIT_ASSERT(controller.put(transaction, queue, "late")->refused_with(core::errc::transaction_timeout));
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_timeout));
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_unknown));
        CPPUNIT_ASSERT(controller.put(later, queue, "in time")->accepted());
        CPPUNIT_ASSERT(controller.commit(later).ok());
        const auto third = controller.declare();
        broker.tick(1100ms);
        // A rollback is what the client wants anyway.
        CPPUNIT_ASSERT(controller.roll_back(third).ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.core->view().transactions.timed_out);
    }

    void a_transaction_that_timed_out_while_awaiting_a_send_is_answered() {
        core::CoreSettings settings;
        settings.transaction_timeout = 1s;
        Broker broker(settings);
        Controller controller(broker);
        const auto transaction = controller.declare();
        broker.core->await_put(controller.connection, transaction);
        auto& answer = controller.discharge(transaction, false);
        broker.tick(1100ms);
        CPPUNIT_ASSERT(answer.given() && !answer.ok());
        CPPUNIT_ASSERT(answer.result->error().is(core::errc::transaction_timeout));
        CPPUNIT_ASSERT_EQUAL(1, answer.times);
    }

    void room_in_the_queue_is_kept_for_what_is_put() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) {
            settings.max_messages = 2;
            settings.overflow = OverflowPolicy::refuse;
        });
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a");
        CPPUNIT_ASSERT(broker.send(queue, "b")->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "c")->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        CPPUNIT_ASSERT(broker.send(queue, "d")->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "e")->refused_with(core::errc::resource_limit));
    }

    void purge_passes_over_what_is_in_a_transaction() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, queue, "new");
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, purged.result->value());
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.stored(queue));
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("new"s, broker.drain_all(queue));
    }

    void expiry_passes_over_what_is_in_a_transaction() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", {.expires_in_ms = 1000});
        broker.send(queue, "b", {.expires_in_ms = 1000});
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto committed = controller.declare();
        const auto rolled_back = controller.declare();
        controller.get(committed, taker, "a");
        controller.get(rolled_back, taker, "b");
        broker.tick(2000ms);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.stored(queue));
        CPPUNIT_ASSERT(controller.commit(committed).ok());
        CPPUNIT_ASSERT(controller.roll_back(rolled_back).ok());
        broker.tick(100ms);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).expired);
    }

    void shrinking_passes_over_what_is_in_a_transaction() {
        Broker broker(tiny_windows(100));
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 20; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 2000});
        Controller controller(broker);
        Taker& taker = controller.take(queue, 20);
        const auto transaction = controller.declare();
        for (const auto& delivery : std::vector(taker.deliveries)) controller.get(transaction, taker, text_of(*delivery.message));
        taker.close();
        for (int round = 0; round < 5; ++round) broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        CPPUNIT_ASSERT_EQUAL(numbers(1, 20), broker.drain_all(queue));
    }

    void a_browser_does_not_see_what_is_in_a_transaction() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, queue, "new");
        Taker& browser = broker.browse(queue, 10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m2"s, browser.texts());
        controller.commit(transaction);
        CPPUNIT_ASSERT_EQUAL("m2 new"s, browser.texts());
    }

    void deleting_a_queue_fails_the_transactions_that_have_work_on_it() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        const auto other = broker.make_queue("other");
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto with_get = controller.declare();
        const auto with_put = controller.declare();
        const auto with_neither = controller.declare();
        controller.get(with_get, taker, "m1");
        controller.put(with_get, other, "a");
        controller.put(with_put, queue, "b");
        controller.put(with_neither, other, "c");
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(deleted.ok());
        CPPUNIT_ASSERT(controller.is_refused(with_get, core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT(controller.is_refused(with_put, core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT(controller.commit(with_neither).ok());
        CPPUNIT_ASSERT_EQUAL("c"s, broker.drain_all(other));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void deleting_a_queue_during_the_commit_is_safe() {
        for (const bool refused : {false, true}) {
            Broker broker;
            const auto queue = broker.make_filled_queue(1);
            const auto other = broker.make_queue("other");
            Controller controller(broker);
            Taker& taker = controller.take(queue, 1);
            const auto transaction = controller.declare();
            controller.get(transaction, taker, "m1");
            controller.put(transaction, queue, "a");
            controller.put(transaction, other, "b");
            auto& answer = controller.discharge(transaction, false);
            broker.doors->disk_full = refused;
            Answer<void> deleted;
            broker.core->delete_queue(queue, true, deleted.callback());
            broker.doors->run();
            for (int round = 0; round < 3; ++round) {
                broker.tick(1100ms);
                broker.doors->run();
            }
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT_EQUAL(!refused, answer.ok());
            CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
            CPPUNIT_ASSERT_EQUAL(refused ? ""s : "b"s, broker.stored(other));
        }
    }

    void a_duplicate_id_is_taken_with_the_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.duplicate_id = "id"});
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT(broker.send(queue, "again", {.duplicate_id = "id"})->duplicate());
        broker.crash();
        const auto after = broker.queue("q");
        CPPUNIT_ASSERT(broker.send(after, "again", {.duplicate_id = "id"})->duplicate());
        Controller second(broker);
        const auto repeated = second.declare();
        CPPUNIT_ASSERT(second.put(repeated, after, "again", {.duplicate_id = "id"})->duplicate());
        CPPUNIT_ASSERT(second.commit(repeated).ok());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(after));
    }

    void a_duplicate_id_is_given_back_with_a_rollback() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.sequence = core::ProducerSequence{"p", 1}, .duplicate_id = "id"});
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        const auto second = controller.declare();
        const auto answer = controller.put(second, queue, "b", {.sequence = core::ProducerSequence{"p", 1}, .duplicate_id = "id"});
        CPPUNIT_ASSERT(answer->accepted() && !answer->duplicate());
        CPPUNIT_ASSERT(controller.commit(second).ok());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.drain_all(queue));
    }

    void a_duplicate_within_the_transaction_is_stored_once() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.duplicate_id = "id"});
        CPPUNIT_ASSERT(controller.put(transaction, queue, "a again", {.duplicate_id = "id"})->duplicate());
        controller.put(transaction, queue, "b", {.sequence = core::ProducerSequence{"p", 1}});
        CPPUNIT_ASSERT(controller.put(transaction, queue, "b again", {.sequence = core::ProducerSequence{"p", 1}})->duplicate());
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.drain_all(queue));
    }

    void an_id_that_another_transaction_holds_is_refused() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto first = controller.declare();
        const auto second = controller.declare();
        controller.put(first, queue, "a", {.duplicate_id = "id"});
        CPPUNIT_ASSERT(controller.put(second, queue, "b", {.duplicate_id = "id"})->refused_with(core::errc::locked));
        CPPUNIT_ASSERT(controller.is_refused(second, core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT(controller.commit(first).ok());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(queue));
    }

    void a_send_that_repeats_an_open_put_waits_for_its_transaction() {
        for (const bool commits : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            Controller controller(broker);
            const auto transaction = controller.declare();
            controller.put(transaction, queue, "a", {.duplicate_id = "id"});
            const auto answer = broker.send(queue, "b", {.duplicate_id = "id"});
            CPPUNIT_ASSERT(!answer->given());
            if (commits) {
                controller.commit(transaction);
                CPPUNIT_ASSERT(answer->duplicate());
            } else {
                controller.roll_back(transaction);
                // To be sent again: nothing is wrong with it.
                CPPUNIT_ASSERT(answer->refused_with(core::errc::not_ready));
            }
        }
    }

    void a_sequence_is_remembered_only_with_the_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.sequence = core::ProducerSequence{"p", 1}});
        // The row of the producer is written by another send meanwhile.
        CPPUNIT_ASSERT(broker.send(queue, "b", {.sequence = core::ProducerSequence{"p", 2}})->accepted());
        broker.crash();
        const auto after = broker.queue("q");
        CPPUNIT_ASSERT(broker.send(after, "b", {.sequence = core::ProducerSequence{"p", 2}})->duplicate());
        CPPUNIT_ASSERT(!broker.send(after, "a", {.sequence = core::ProducerSequence{"p", 1}})->duplicate());
        Controller second(broker);
        const auto again = second.declare();
        second.put(again, after, "c", {.sequence = core::ProducerSequence{"p", 3}});
        CPPUNIT_ASSERT(second.commit(again).ok());
        broker.crash();
        CPPUNIT_ASSERT(broker.send(broker.queue("q"), "c", {.sequence = core::ProducerSequence{"p", 3}})->duplicate());
        CPPUNIT_ASSERT_EQUAL("b a c"s, broker.drain_all(broker.queue("q")));
    }

    void chunks_of_what_is_rolled_back_are_dropped() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        CPPUNIT_ASSERT(controller.put(transaction, queue, "a", {.chunks = 2})->accepted());
        broker.doors->run();
        controller.discharge(transaction, true);
        bool dropped = false;
        for (const auto& unit : broker.doors->waiting()) {
            dropped = dropped || std::holds_alternative<store::DropChunks>(unit.operations.front());
        }
        CPPUNIT_ASSERT(dropped);
        broker.doors->run();
        const auto second = controller.declare();
        controller.put(second, queue, "b", {.chunks = 2});
        CPPUNIT_ASSERT(controller.commit(second).ok());
        Taker& taker = broker.take_now(queue, 1);
        CPPUNIT_ASSERT_EQUAL(2U, taker.deliveries.at(0).message->chunk_count);
    }

    void a_page_that_is_read_meanwhile_brings_nothing_back() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        broker.send_many(queue, "m", 40, {.bytes = 1000});
        Controller controller(broker);
        Taker& taker = controller.take(queue, 40);
        std::string got;
        // Some committed, some rolled back, while the window goes on over the pages.
        for (int number = 1; number <= 40; ++number) {
            const auto text = "m" + std::to_string(number);
            const auto transaction = controller.declare();
            controller.get(transaction, taker, text);
            auto& answer = controller.discharge(transaction, false);
            if (number % 3 == 0) broker.doors->run();
            static_cast<void>(answer);
        }
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 40), taker.texts());
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(queue));
    }

    void what_a_selector_found_behind_the_window_can_be_part_of_a_transaction() {
        for (const bool commits : {true, false}) {
            SelectingBroker broker(tiny_windows());
            const auto queue = broker.make_queue("q");
            for (int number = 1; number <= 40; ++number) {
                const auto text = "m" + std::to_string(number);
                broker.stage(queue, text, coloured(number >= 39 ? "red" : "blue", text, {.bytes = 1000}));
            }
            broker.run();
            Controller controller(broker);
            core::ConsumerCommand command;
            command.connection = controller.connection;
            command.selector = broker.program("colour = 'red'");
            Taker& taker = broker.take(queue, 2, std::move(command));
            broker.run();
            CPPUNIT_ASSERT_EQUAL("m39 m40"s, taker.texts());
            const auto transaction = controller.declare();
            controller.get(transaction, taker, "m39");
            controller.get(transaction, taker, "m40", Rejected{"amqp:decode-error", "no amount"});
            taker.close();
            broker.run();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).delivering);
            auto& answer = controller.discharge(transaction, !commits);
            broker.run();
            CPPUNIT_ASSERT(answer.ok());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{commits ? 38U : 40U}, broker.view(queue).messages);
            Taker& other = broker.take_selected_now(queue, "colour = 'red'", 2);
            CPPUNIT_ASSERT_EQUAL(commits ? ""s : "m39 m40"s, other.texts());
            if (!commits) CPPUNIT_ASSERT_EQUAL(1U, other.count("m39"));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreTransactionLimitsTest);

}  // namespace giromq::test
