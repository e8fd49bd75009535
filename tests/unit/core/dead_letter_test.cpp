#include <algorithm>

#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Nothing is discarded silently: rejected messages, those that fail too often, expired ones.
class CoreDeadLetterTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreDeadLetterTest);
    CPPUNIT_TEST(a_rejected_message_moves_with_its_cause);
    CPPUNIT_TEST(a_message_over_the_maximum_deliveries_moves);
    CPPUNIT_TEST(the_move_is_one_unit);
    CPPUNIT_TEST(the_move_is_answered_only_after_commit);
    CPPUNIT_TEST(a_crash_leaves_the_message_in_exactly_one_queue);
    CPPUNIT_TEST(the_annotations_survive_a_restart);
    CPPUNIT_TEST(no_limit_means_no_move);
    CPPUNIT_TEST(the_dead_letter_queue_of_a_queue_can_be_chosen);
    CPPUNIT_TEST(a_dead_letter_queue_keeps_its_own_failures);
    CPPUNIT_TEST(a_non_persistent_message_moves_in_memory);
    CPPUNIT_TEST(a_persistent_message_in_a_temporary_queue_moves_into_the_store);
    CPPUNIT_TEST(refused_moves_are_retried_in_order);
    CPPUNIT_TEST(a_refused_creation_of_the_dead_letter_queue_does_not_break_the_next_move);
    CPPUNIT_TEST(a_move_into_a_paged_dead_letter_queue_that_was_retried_is_found);
    CPPUNIT_TEST(a_message_without_a_dead_letter_queue_stays);
    CPPUNIT_TEST(a_deleted_dead_letter_queue_is_made_again);
    CPPUNIT_TEST(a_queue_may_be_deleted_while_its_messages_move);
    CPPUNIT_TEST(the_dead_letter_queue_may_be_deleted_while_messages_move_into_it);
    CPPUNIT_TEST(a_move_may_be_redelivered_from_the_dead_letter_queue_at_once);
    CPPUNIT_TEST(a_dead_letter_does_not_expire);
    CPPUNIT_TEST(a_long_description_is_shortened);
    CPPUNIT_TEST(expired_messages_are_never_delivered);
    CPPUNIT_TEST(messages_expire_in_the_window_on_a_tick);
    CPPUNIT_TEST(messages_expire_in_pages);
    CPPUNIT_TEST(a_locked_message_expires_when_it_is_released);
    CPPUNIT_TEST(an_expired_message_makes_room);
    CPPUNIT_TEST(what_expires_behind_the_window_makes_room_without_a_consumer);
    CPPUNIT_TEST_SUITE_END();

    static const DeadLetter& dead_letter(const Taker& taker, const std::string& text) {
        CPPUNIT_ASSERT(taker.delivery(text).dead_letter != nullptr);
        return *taker.delivery(text).dead_letter;
    }

    void a_rejected_message_moves_with_its_cause() {
        Broker broker;
        const auto queue = broker.make_queue("payments");
        broker.send_all(queue, {"a", "b"});
        Taker& taker = broker.take_now(queue, 2);
        taker.reject("a");
        broker.doors->run();
        Taker& dead = broker.take_now(broker.queue("DLQ"), 5);
        CPPUNIT_ASSERT_EQUAL("a"s, dead.texts());
        CPPUNIT_ASSERT_EQUAL("rejected"s, dead_letter(dead, "a").cause);
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error: no amount"s, dead_letter(dead, "a").description);
        CPPUNIT_ASSERT_EQUAL("payments"s, dead_letter(dead, "a").origin);
        CPPUNIT_ASSERT_EQUAL(1u, dead_letter(dead, "a").delivery_count);
        CPPUNIT_ASSERT(dead_letter(dead, "a").time == broker.clock.wall_now());
        CPPUNIT_ASSERT_EQUAL(0u, dead.count("a"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).dead_lettered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).messages);
    }

    void a_message_over_the_maximum_deliveries_moves() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 3; });
        broker.send_all(queue, {"a", "b"});
        Taker& taker = broker.take_now(queue, 10);
        for (int failure = 0; failure < 3; ++failure) taker.fail("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a b a a"s, taker.texts());
        Taker& dead = broker.take_now(broker.queue("DLQ"), 5);
        CPPUNIT_ASSERT_EQUAL("max-deliveries"s, dead_letter(dead, "a").cause);
        CPPUNIT_ASSERT_EQUAL(3u, dead_letter(dead, "a").delivery_count);
    }

    void the_move_is_one_unit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        taker.reject("a");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        const auto& operations = broker.doors->waiting().front().operations;
        const auto has = [&]<typename Kind>(const Kind*) {
            return std::any_of(operations.begin(), operations.end(), [](const auto& next) { return std::holds_alternative<Kind>(next); });
        };
        CPPUNIT_ASSERT(has(static_cast<const store::RemoveEntry*>(nullptr)));
        CPPUNIT_ASSERT(has(static_cast<const store::PutEntry*>(nullptr)));
        CPPUNIT_ASSERT(!has(static_cast<const store::PutMessage*>(nullptr)));
        CPPUNIT_ASSERT(!broker.doors->waiting().front().grows);
    }

    void the_move_is_answered_only_after_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take(queue, 5);
        Taker& dead = broker.take_now(broker.queue("DLQ"), 5);
        const auto& answer = taker.reject("a");
        broker.doors->write();
        CPPUNIT_ASSERT(!answer.given());
        CPPUNIT_ASSERT_EQUAL(""s, dead.texts());
        broker.doors->run();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL("a"s, dead.texts());
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
    }

    void a_crash_leaves_the_message_in_exactly_one_queue() {
        for (const bool committed : {true, false}) {
            Broker broker;
            broker.send(broker.make_queue("q"), "a");
            Taker& taker = broker.take_now(broker.queue("q"), 1);
            taker.reject("a");
            if (committed) broker.doors->write();
            broker.crash();
            CPPUNIT_ASSERT_EQUAL(committed ? ""s : "a"s, broker.drain_all(broker.queue("q")));
            CPPUNIT_ASSERT_EQUAL(committed ? "a"s : ""s, broker.drain_all(broker.queue("DLQ")));
        }
    }

    void the_annotations_survive_a_restart() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        Taker& taker = broker.take_now(broker.queue("q"), 1);
        taker.reject("a");
        broker.doors->run();
        broker.restart();
        Taker& dead = broker.take_now(broker.queue("DLQ"), 1);
        CPPUNIT_ASSERT_EQUAL("q"s, dead_letter(dead, "a").origin);
        CPPUNIT_ASSERT_EQUAL("rejected"s, dead_letter(dead, "a").cause);
    }

    void no_limit_means_no_move() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 0; });
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 100);
        for (int failure = 0; failure < 50; ++failure) taker.fail("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(50u, taker.count("a"));
    }

    void the_dead_letter_queue_of_a_queue_can_be_chosen() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.dead_letter_queue = "q.dead"; });
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        taker.reject("a");
        broker.doors->run();
        broker.restart();
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("q.dead")));
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(broker.queue("DLQ")));
    }

    void a_dead_letter_queue_keeps_its_own_failures() {
        Broker broker;
        const auto queue = broker.queue("DLQ");
        broker.send_all(queue, {"a", "b"});
        Taker& taker = broker.take_now(queue, 3);
        taker.reject("a");
        CPPUNIT_ASSERT_EQUAL("a b a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("a"));
        for (int failure = 0; failure < 20; ++failure) {
            taker.credit(1);
            taker.fail("b");
        }
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).messages);
        taker.close();
        broker.restart();
        Taker& after = broker.take_now(broker.queue("DLQ"), 2);
        CPPUNIT_ASSERT_EQUAL("a b"s, after.texts());
        CPPUNIT_ASSERT_EQUAL(1u, after.count("a"));
        CPPUNIT_ASSERT_EQUAL(20u, after.count("b"));
    }

    void a_non_persistent_message_moves_in_memory() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& dead = broker.take(broker.queue("DLQ"), 5);
        broker.send(queue, "a", {.durable = non_persistent});
        Taker& taker = broker.take(queue, 1);
        CPPUNIT_ASSERT(taker.reject("a").ok());
        CPPUNIT_ASSERT_EQUAL("a"s, dead.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
        CPPUNIT_ASSERT(dead.accept("a").ok());
        CPPUNIT_ASSERT(broker.doors->idle());
    }

    void a_persistent_message_in_a_temporary_queue_moves_into_the_store() {
        Broker broker;
        const auto connection = broker.new_connection();
        const auto queue = broker.core->create_temporary_queue(connection).value();
        broker.send(queue, "a");
        Taker& taker = broker.take_with(connection, queue, 1);
        taker.reject("a");
        broker.doors->run();
        broker.restart();
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("DLQ")));
    }

    void refused_moves_are_retried_in_order() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& taker = broker.take_now(queue, 3);
        Taker& dead = broker.take(broker.queue("DLQ"), 5);
        broker.doors->refuse_all = true;
        const auto& first = taker.reject("m1");
        taker.reject("m2");
        broker.doors->run();
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(!first.given());
        CPPUNIT_ASSERT_EQUAL(""s, dead.texts());
        broker.doors->refuse_all = false;
        taker.reject("m3");
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(first.ok());
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, dead.texts());
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, broker.stored(broker.queue("DLQ")));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    /// The move that makes the queue is refused, and the next one is not: the queue must be there for it.
    void a_refused_creation_of_the_dead_letter_queue_does_not_break_the_next_move() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Answer<void> deleted;
        broker.core->delete_queue(broker.queue("DLQ"), false, deleted.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(deleted.ok());
        broker.send_many(queue, "m", 2);
        Taker& taker = broker.take_now(queue, 2);
        taker.reject("m1");
        broker.doors->refuse_all = true;
        broker.doors->run();
        broker.doors->refuse_all = false;
        taker.reject("m2");
        broker.doors->run();  // the second move is durable, the first waits for a tick
        broker.tick();
        broker.doors->run();
        broker.restart();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, broker.drain_all(broker.queue("DLQ")));
    }

    void a_move_into_a_paged_dead_letter_queue_that_was_retried_is_found() {
        Broker broker(tiny_windows());
        const auto dlq = broker.queue("DLQ");
        broker.send_many(dlq, "d", 8);  // more than its window
        const auto queue = broker.make_queue("q");
        broker.send(queue, "m");
        Taker& taker = broker.take_now(queue, 1);
        broker.doors->refuse_all = true;
        taker.reject("m");
        broker.doors->run();
        broker.doors->refuse_all = false;
        broker.send(dlq, "e");
        Taker& dead = broker.take_now(dlq, 100);
        // What came after the move waits behind it.
        CPPUNIT_ASSERT_EQUAL("d1 d2 d3 d4 d5 d6 d7 d8"s, dead.texts());
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("d1 d2 d3 d4 d5 d6 d7 d8 m e"s, dead.texts());
        dead.drain();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, dead.drained_after.size());
    }

    void a_message_without_a_dead_letter_queue_stays() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.dead_letter_queue = ""; });
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 2);
        taker.reject("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a a"s, taker.texts());
    }

    void a_deleted_dead_letter_queue_is_made_again() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Answer<void> deleted;
        broker.core->delete_queue(broker.queue("DLQ"), false, deleted.callback());
        broker.doors->run();
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        taker.reject("a");
        broker.doors->run();
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("DLQ")));
    }

    void a_queue_may_be_deleted_while_its_messages_move() {
        for (const bool refused : {true, false}) {
            Broker broker;
            const auto queue = broker.make_filled_queue(3);
            Taker& taker = broker.take_now(queue, 3);
            taker.reject("m1");
            taker.accept("m2");
            Answer<void> deleted;
            broker.core->delete_queue(queue, true, deleted.callback());
            broker.doors->refuse_all = refused;
            broker.doors->write(2);
            broker.doors->refuse_all = false;
            broker.doors->run();
            broker.tick();
            broker.doors->run();
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
            CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(broker.queue("DLQ")));
            broker.crash();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
            CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
        }
    }

    void the_dead_letter_queue_may_be_deleted_while_messages_move_into_it() {
        for (const bool refused : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            broker.send(queue, "a");
            Taker& taker = broker.take_now(queue, 3);
            taker.reject("a");
            Answer<void> deleted;
            broker.core->delete_queue(broker.queue("DLQ"), true, deleted.callback());
            broker.doors->refuse_all = refused;
            broker.doors->write(1);
            broker.doors->refuse_all = false;
            broker.doors->run();
            broker.tick();
            broker.doors->run();
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
            broker.restart();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
        }
    }

    void a_move_may_be_redelivered_from_the_dead_letter_queue_at_once() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& dead = broker.take_presettled(broker.queue("DLQ"), 5);
        Taker& taker = broker.take_now(queue, 1);
        taker.reject("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, dead.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
    }

    void a_dead_letter_does_not_expire() {
        for (const bool in_memory : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            broker.send(queue, "a", {.expires_in_ms = 1000});
            Taker& taker = broker.take_now(queue, 1);
            taker.reject("a");
            broker.doors->run();
            if (!in_memory) broker.crash();
            for (int ticks = 0; ticks < 3; ++ticks) broker.tick(std::chrono::seconds(10));
            broker.doors->run();
            Taker& browser = broker.browse(broker.queue("DLQ"), 5);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL("a"s, browser.texts());
            CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("DLQ")));
        }
    }

    void a_long_description_is_shortened() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        std::string description;
        while (description.size() < 100'000) description += "\xe2\x82\xac";
        taker.settle("a", Rejected{"", description});
        broker.doors->run();
        Taker& dead = broker.take_now(broker.queue("DLQ"), 1);
        CPPUNIT_ASSERT_EQUAL(description.substr(0, 1023), dead_letter(dead, "a").description);
    }

    void expired_messages_are_never_delivered() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", {.expires_in_ms = 1000});
        broker.send(queue, "b", {.expires_in_ms = 3000});
        broker.send(queue, "n", {.durable = non_persistent, .expires_in_ms = 1000});
        broker.clock.advance(std::chrono::milliseconds(1000));
        Taker& taker = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("b"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).expired);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).messages);
    }

    void messages_expire_in_the_window_on_a_tick() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        for (int number = 0; number < 200; ++number) {
            broker.stage(queue, "a", {.durable = number % 2 == 0, .expires_in_ms = number % 3 == 0 ? 0 : 50});
        }
        broker.doors->run();
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{67}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{67}, broker.view(queue).window_messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{133}, broker.view(queue).expired);
    }

    void messages_expire_in_pages() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(6);
        broker.send_many(queue, "e", 6, {.expires_in_ms = 50});
        broker.send(queue, "z");
        broker.clock.advance(std::chrono::milliseconds(60));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 z"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void a_locked_message_expires_when_it_is_released() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", {.expires_in_ms = 50});
        Taker& taker = broker.take_now(queue, 5);
        broker.tick();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).messages);
        taker.release("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void an_expired_message_makes_room() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_messages = 1; });
        broker.send(queue, "a", {.expires_in_ms = 50});
        CPPUNIT_ASSERT(broker.send(queue, "b")->refused_with(core::errc::resource_limit));
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(broker.send(queue, "c")->accepted());
    }

    void what_expires_behind_the_window_makes_room_without_a_consumer() {
        for (const bool restarted : {true, false}) {
            Broker broker(tiny_windows());
            const auto full = [](auto& settings) { settings.max_messages = 40; };
            broker.send_many(broker.make_queue("q", full), "e", 39, {.expires_in_ms = 50});
            broker.send(broker.queue("q"), "m");
            if (restarted) broker.restart();
            broker.doors->page_entries_max = 10;
            for (int ticks = 0; ticks < 20; ++ticks) {
                broker.tick();
                broker.doors->run();
            }
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(broker.queue("q")).messages);
            CPPUNIT_ASSERT(broker.send(broker.queue("q"), "x")->accepted());
            CPPUNIT_ASSERT_EQUAL("m x"s, broker.drain_all(broker.queue("q")));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreDeadLetterTest);

}  // namespace giromq::test
