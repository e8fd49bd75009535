#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Strict order, redelivery in the original position, counts, fairness and credit.
class CoreOrderTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreOrderTest);
    CPPUNIT_TEST(messages_come_in_the_order_of_their_sends);
    CPPUNIT_TEST(a_released_message_returns_to_its_place);
    CPPUNIT_TEST(a_modified_message_returns_to_its_place_and_is_counted);
    CPPUNIT_TEST(modified_without_failure_is_not_counted);
    CPPUNIT_TEST(a_closed_consumer_returns_its_messages_uncounted);
    CPPUNIT_TEST(of_a_torn_consumer_only_the_oldest_is_counted);
    CPPUNIT_TEST(the_oldest_is_the_first_delivered_not_the_first_in_the_queue);
    CPPUNIT_TEST(a_torn_connection_counts_a_message_once_however_many_consumers_it_had);
    CPPUNIT_TEST(a_torn_connection_is_given_nothing_while_it_is_closed);
    CPPUNIT_TEST(a_flag_of_a_torn_connection_survives_shortness_of_memory);
    CPPUNIT_TEST(counts_survive_a_restart);
    CPPUNIT_TEST(counts_never_fall);
    CPPUNIT_TEST(consumers_are_served_in_turn);
    CPPUNIT_TEST(a_consumer_without_credit_is_passed_over);
    CPPUNIT_TEST(credit_is_never_exceeded);
    CPPUNIT_TEST(a_delivery_limit_may_be_lowered);
    CPPUNIT_TEST(unsettled_messages_are_bounded);
    CPPUNIT_TEST(a_port_without_room_is_passed_over);
    CPPUNIT_TEST(an_undeliverable_message_goes_to_another_consumer);
    CPPUNIT_TEST(an_undeliverable_message_waits_for_another_consumer);
    CPPUNIT_TEST(the_first_of_several_undeliverable_messages_is_not_forgotten);
    CPPUNIT_TEST(presettled_messages_are_removed_at_delivery);
    CPPUNIT_TEST(a_presettled_large_message_is_removed_when_all_of_it_is_sent);
    CPPUNIT_TEST(a_settled_answer_may_close_its_consumer);
    CPPUNIT_TEST(a_send_answer_may_delete_its_queue);
    CPPUNIT_TEST_SUITE_END();

    void messages_come_in_the_order_of_their_sends() {
        Broker broker;
        const auto queue = broker.make_filled_queue(5);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5"s, broker.drain_all(queue));
    }

    void a_released_message_returns_to_its_place() {
        Broker broker;
        const auto queue = broker.make_filled_queue(4);
        Taker& taker = broker.take_now(queue, 3);
        CPPUNIT_ASSERT(taker.release("m2").ok());  // nothing durable changes: answered at once
        taker.credit(2);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m2 m4"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("m2"));
    }

    void a_modified_message_returns_to_its_place_and_is_counted() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& taker = broker.take_now(queue, 2);
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("m1"));
        const auto& answer = taker.fail("m1");
        CPPUNIT_ASSERT(!answer.given());
        taker.credit(2);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m1 m3"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("m1"));
        broker.doors->run();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).redelivered);
    }

    void modified_without_failure_is_not_counted() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 2);
        CPPUNIT_ASSERT(taker.settle("a", Modified{false, false}).ok());
        CPPUNIT_ASSERT_EQUAL("a a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("a"));
    }

    void a_closed_consumer_returns_its_messages_uncounted() {
        Broker broker;
        const auto queue = broker.make_filled_queue(4);
        Taker& first = broker.take_now(queue, 2);
        Taker& second = broker.take(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m3 m4"s, second.texts());
        first.close();
        CPPUNIT_ASSERT_EQUAL("m3 m4 m1 m2"s, second.texts());
        CPPUNIT_ASSERT_EQUAL(0u, second.count("m1"));
        CPPUNIT_ASSERT_EQUAL(0u, second.count("m2"));
    }

    void of_a_torn_consumer_only_the_oldest_is_counted() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 2; });
        broker.send_many(queue, "m", 3);
        for (int round = 0; round < 2; ++round) {
            Taker& torn = broker.take_now(queue, 3);
            CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, torn.texts());
            torn.close(core::CloseReason::lost);
            broker.doors->run();
        }
        Taker& taker = broker.take_now(queue, 10);
        // m1 was in hand twice and is in the dead-letter queue; the others are only flagged.
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("m2"));
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("m3"));
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(broker.queue("DLQ")));
    }

    void the_oldest_is_the_first_delivered_not_the_first_in_the_queue() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Taker& helper = broker.take_now(queue, 1);
        Taker& torn = broker.take(queue, 2);
        helper.release("m1");
        CPPUNIT_ASSERT_EQUAL("m2 m1"s, torn.texts());
        torn.close(core::CloseReason::lost);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, broker.stored(queue));
        const auto page = broker.store->page(queue, Position{0}, {}).value();
        CPPUNIT_ASSERT_EQUAL(0u, page.entries.at(0).delivery_count);
        CPPUNIT_ASSERT_EQUAL(1u, page.entries.at(1).delivery_count);
    }

    void a_torn_connection_counts_a_message_once_however_many_consumers_it_had() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 3; });
        broker.send(queue, "a");
        const auto connection = broker.new_connection();
        for (int count = 0; count < 5; ++count) broker.take_with(connection, queue, 10);
        broker.doors->run();
        broker.core->close_connection(connection, core::CloseReason::lost);
        broker.doors->run();
        Taker& taker = broker.take_now(queue, 1);
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("a"));
    }

    void a_torn_connection_is_given_nothing_while_it_is_closed() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        const auto connection = broker.new_connection();
        Taker& first = broker.take_with(connection, queue, 2);
        broker.doors->run();
        Taker& second = broker.take_with(connection, queue, 10);
        broker.core->close_connection(connection, core::CloseReason::lost);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, first.texts());
        CPPUNIT_ASSERT_EQUAL(""s, second.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
    }

    void a_flag_of_a_torn_connection_survives_shortness_of_memory() {
        core::CoreSettings settings;
        settings.memory_bytes = 256 * 1024;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 40; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 5000});
        Taker& torn = broker.take_now(queue, 40);
        const auto delivered = torn.deliveries.size();
        CPPUNIT_ASSERT(delivered >= 20);
        torn.close(core::CloseReason::lost);
        broker.doors->run();
        for (int ticks = 0; ticks < 3; ++ticks) broker.tick();
        Taker& taker = broker.take_now(queue, delivered);
        for (const auto& delivery : taker.deliveries) CPPUNIT_ASSERT_EQUAL(1u, delivery.delivery_count);
    }

    void counts_survive_a_restart() {
        for (const bool clean : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            broker.send_all(queue, {"a", "b"});
            Taker& taker = broker.take_now(queue, 2);
            taker.fail("a");
            broker.doors->run();
            taker.credit(1);
            taker.fail("a");
            taker.accept("b");
            broker.doors->run();
            clean ? broker.restart() : broker.crash();
            Taker& after = broker.take_now(broker.queue("q"), 10);
            CPPUNIT_ASSERT_EQUAL("a"s, after.texts());
            CPPUNIT_ASSERT_EQUAL(clean ? 2u : 3u, after.count("a"));
        }
    }

    void counts_never_fall() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 0; });
        broker.send(queue, "a");
        std::uint32_t last = 0;
        for (int round = 0; round < 12; ++round) {
            Taker& taker = broker.take_now(queue, 1);
            CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
            CPPUNIT_ASSERT(taker.count("a") >= last);
            last = taker.count("a");
            if (round % 3 == 0) taker.fail("a");
            if (round % 3 == 1) taker.close(core::CloseReason::lost);
            if (round % 3 == 2) taker.close();
            if (round % 5 == 4) {
                broker.doors->run();
                broker.crash();
            }
        }
        CPPUNIT_ASSERT(last >= 8);
    }

    void consumers_are_served_in_turn() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& first = broker.take(queue, 10);
        Taker& second = broker.take(queue, 10);
        Taker& third = broker.take(queue, 10);
        broker.send_many(queue, "m", 9);
        CPPUNIT_ASSERT_EQUAL("m1 m4 m7"s, first.texts());
        CPPUNIT_ASSERT_EQUAL("m2 m5 m8"s, second.texts());
        CPPUNIT_ASSERT_EQUAL("m3 m6 m9"s, third.texts());
    }

    void a_consumer_without_credit_is_passed_over() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& first = broker.take(queue, 1);
        Taker& second = broker.take(queue, 3);
        broker.send_many(queue, "m", 5);
        CPPUNIT_ASSERT_EQUAL("m1"s, first.texts());
        CPPUNIT_ASSERT_EQUAL("m2 m3 m4"s, second.texts());
        first.credit(1);
        CPPUNIT_ASSERT_EQUAL("m1 m5"s, first.texts());
    }

    void credit_is_never_exceeded() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 2);
        broker.send_many(queue, "m", 5);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        taker.release("m1");
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        taker.accept("m2");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        taker.credit(1);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m1"s, taker.texts());
    }

    void a_delivery_limit_may_be_lowered() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 5);
        broker.send(queue, "a");
        broker.core->flow(taker.id, 0, false);
        broker.send(queue, "b");
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        broker.core->flow(taker.id, 2, false);
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
    }

    void unsettled_messages_are_bounded() {
        core::CoreSettings settings;
        settings.consumer_unsettled_max = 2;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 100);
        broker.send_many(queue, "m", 5);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        taker.accept("m1");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, taker.texts());
        Taker& other = broker.take(queue, 1);
        CPPUNIT_ASSERT_EQUAL("m4"s, other.texts());
    }

    void a_port_without_room_is_passed_over() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        Taker& browser = broker.browse(queue, 10);
        taker.room = browser.room = false;
        broker.send_many(queue, "m", 2);
        taker.drain();
        browser.drain();
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts() + browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size() + browser.drained_after.size());
        Taker& other = broker.take(queue, 1);
        CPPUNIT_ASSERT_EQUAL("m1"s, other.texts());
        taker.room = browser.room = true;
        broker.core->resume(browser.id);
        broker.core->resume(taker.id);
        CPPUNIT_ASSERT_EQUAL("m2"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("m2"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.at(0));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.at(0));
    }

    void an_undeliverable_message_goes_to_another_consumer() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send_all(queue, {"a", "b"});
        Taker& first = broker.take_now(queue, 1);
        first.settle("a", Modified{false, true});
        first.credit(5);
        CPPUNIT_ASSERT_EQUAL("a b"s, first.texts());
        Taker& second = broker.take(queue, 5);
        CPPUNIT_ASSERT_EQUAL("a"s, second.texts());
    }

    /// The consumer that may not have it is served on, and goes on being served; then somebody else comes.
    void an_undeliverable_message_waits_for_another_consumer() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& first = broker.take_now(queue, 100);
        first.settle("a", Modified{true, true});
        broker.doors->run();
        broker.send_many(queue, "m", 3);
        CPPUNIT_ASSERT_EQUAL("a m1 m2 m3"s, first.texts());
        Taker& second = broker.take(queue, 5);
        CPPUNIT_ASSERT_EQUAL("a"s, second.texts());
        CPPUNIT_ASSERT_EQUAL(1u, second.count("a"));
    }

    void the_first_of_several_undeliverable_messages_is_not_forgotten() {
        Broker broker;
        const auto queue = broker.make_filled_queue(4);
        Taker& first = broker.take_now(queue, 100);
        first.settle("m3", Modified{false, true});
        first.settle("m1", Modified{false, true});
        Taker& second = broker.take(queue, 5);
        CPPUNIT_ASSERT_EQUAL("m1 m3"s, second.texts());
    }

    void presettled_messages_are_removed_at_delivery() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& taker = broker.take_presettled(queue, 2);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("m3"s, broker.stored(queue));
        taker.close(core::CloseReason::lost);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m3"s, broker.drain_all(queue));
    }

    /// Its chunks are read one by one while it is sent: gone with the delivery, they would be missing.
    void a_presettled_large_message_is_removed_when_all_of_it_is_sent() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", {.chunks = 2});
        Taker& taker = broker.take_presettled(queue, 2);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        const auto number = taker.deliveries.at(0).message->number;
        CPPUNIT_ASSERT(broker.store->chunk(number, 1).ok());
        taker.accept("a");
        broker.doors->run();
        CPPUNIT_ASSERT(!broker.store->chunk(number, 1).ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).acknowledged);
    }

    /// Callbacks may run before the method returns, and may call the core.
    void a_settled_answer_may_close_its_consumer() {
        for (const Outcome& outcome : {Outcome(Accepted{}), Outcome(Released{}), Outcome(Modified{true, true}), Outcome(Rejected{})}) {
            for (const bool durable : {true, false}) {
                Broker broker;
                const auto queue = broker.make_queue("q");
                broker.send_all(queue, {"a", "b"}, {.durable = durable});
                Taker& taker = broker.take_now(queue, 1);
                broker.core->settle(taker.id, taker.delivery("a").position, outcome,
                                    [&](Result<void>) { broker.core->close_consumer(taker.id, core::CloseReason::orderly); });
                broker.doors->run();
                CPPUNIT_ASSERT_EQUAL(0u, broker.view(queue).consumers);
                CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
            }
        }
    }

    void a_send_answer_may_delete_its_queue() {
        for (const bool durable : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            Taker& taker = broker.take(queue, 5);
            auto message = std::make_shared<Message>();
            message->durable = durable;
            core::SendCommand command;
            command.destination = queue;
            command.message = message;
            Answer<void> deleted;
            command.done = [&](const core::SendResult&) { broker.core->delete_queue(queue, true, deleted.callback()); };
            broker.core->send(std::move(command));
            broker.doors->run();
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT(taker.has_ended());
            CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreOrderTest);

}  // namespace giromq::test
