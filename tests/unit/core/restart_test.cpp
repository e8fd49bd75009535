#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// What deliveries leave behind in the store: the horizon, crash marks, counts.
class CoreRestartTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreRestartTest);
    CPPUNIT_TEST(nothing_is_delivered_at_or_behind_the_durable_horizon);
    CPPUNIT_TEST(a_waiting_consumer_needs_no_commit_of_its_own);
    CPPUNIT_TEST(the_horizon_is_extended_before_it_is_reached);
    CPPUNIT_TEST(every_delivered_message_is_below_the_horizon_in_the_store);
    CPPUNIT_TEST(after_a_crash_delivered_messages_are_flagged);
    CPPUNIT_TEST(after_a_clean_stop_what_was_out_is_flagged_and_nothing_else);
    CPPUNIT_TEST(a_clean_stop_counts_no_failure);
    CPPUNIT_TEST(the_flag_of_a_torn_connection_survives_a_clean_stop);
    CPPUNIT_TEST(a_stop_waits_until_what_was_out_is_marked);
    CPPUNIT_TEST(what_was_never_delivered_is_not_flagged);
    CPPUNIT_TEST(a_message_sent_after_the_crash_is_not_flagged);
    CPPUNIT_TEST(a_message_sent_after_the_crash_is_not_flagged_by_later_restarts);
    CPPUNIT_TEST(crash_marks_never_lead_to_the_dead_letter_queue);
    CPPUNIT_TEST(every_failure_after_a_crash_raises_the_count);
    CPPUNIT_TEST(crash_marks_are_kept_over_a_clean_stop);
    CPPUNIT_TEST(a_refused_send_that_carried_the_horizon_does_not_open_it);
    CPPUNIT_TEST(order_survives_many_restarts);
    CPPUNIT_TEST(positions_and_numbers_are_not_used_twice);
    CPPUNIT_TEST(starting_reads_no_messages);
    CPPUNIT_TEST_SUITE_END();

    void nothing_is_delivered_at_or_behind_the_durable_horizon() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take(queue, 5);
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        broker.doors->write();
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        broker.doors->complete();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
    }

    void a_waiting_consumer_needs_no_commit_of_its_own() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take_now(queue, 500);
        const auto before = broker.doors->batches;
        for (int number = 1; number <= 400; ++number) {
            broker.stage(queue, "m");
            broker.doors->commit_waiting();
            CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(number), taker.deliveries.size());
        }
        CPPUNIT_ASSERT(broker.doors->batches - before <= 402);
    }

    void the_horizon_is_extended_before_it_is_reached() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3000);
        Taker& taker = broker.take_now(queue, 100);
        // One at a time, as a slow consumer takes them: only the first has to wait for a commit.
        for (std::size_t taken = 100; taken < 1800; ++taken) {
            taker.credit(1);
            CPPUNIT_ASSERT_EQUAL(taken + 1, taker.deliveries.size());
            if (taken % 50 == 0) broker.doors->commit_waiting();
        }
    }

    void every_delivered_message_is_below_the_horizon_in_the_store() {
        for (int credit = 1; credit < 3000; credit = credit * 3 / 2 + 1) {
            core::CoreSettings settings = tiny_windows(64);
            settings.consumer_unsettled_max = 10000;
            Broker broker(settings);
            broker.send_many(broker.make_queue("q"), "m", 1500);
            Taker& taker = broker.take(broker.queue("q"), static_cast<std::uint64_t>(credit));
            for (int step = 0; step < credit % 7; ++step) {
                broker.doors->write(1);
                broker.doors->complete();
                broker.doors->answer_page();
            }
            const auto delivered = taker.deliveries.size();
            broker.crash();
            Taker& after = broker.take_now(broker.queue("q"), delivered);
            CPPUNIT_ASSERT_EQUAL(delivered, after.deliveries.size());
            for (const auto& delivery : after.deliveries) CPPUNIT_ASSERT_EQUAL(1u, delivery.delivery_count);
        }
    }

    void after_a_crash_delivered_messages_are_flagged() {
        Broker broker;
        broker.send_many(broker.make_queue("q"), "m", 2);
        broker.take_now(broker.queue("q"), 1);
        broker.crash();
        Taker& taker = broker.take_now(broker.queue("q"), 1);
        CPPUNIT_ASSERT_EQUAL("m1"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("m1"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(broker.queue("q")).redelivered);
    }

    /// A consumer may have worked on it, and its acknowledgement may have come too late.
    void after_a_clean_stop_what_was_out_is_flagged_and_nothing_else() {
        Broker broker;
        broker.send_many(broker.make_queue("q"), "m", 4);
        Taker& before = broker.take_now(broker.queue("q"), 3);
        before.accept("m1");
        before.release("m3");
        broker.doors->run();
        broker.restart();
        broker.send(broker.queue("q"), "x");
        Taker& taker = broker.take_now(broker.queue("q"), 5);
        CPPUNIT_ASSERT_EQUAL("m2 m3 m4 x"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("m2"));
        for (const char* text : {"m3", "m4", "x"}) CPPUNIT_ASSERT_EQUAL(0u, taker.count(text));
    }

    void a_clean_stop_counts_no_failure() {
        Broker broker;
        broker.send(broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 2; }), "a");
        for (int stops = 0; stops < 5; ++stops) {
            Taker& taker = broker.take_now(broker.queue("q"), 1);
            CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
            CPPUNIT_ASSERT_EQUAL(stops == 0 ? 0u : 1u, taker.count("a"));
            broker.restart();
        }
    }

    void the_flag_of_a_torn_connection_survives_a_clean_stop() {
        Broker broker;
        broker.send_many(broker.make_queue("q"), "m", 3);
        Taker& torn = broker.take_now(broker.queue("q"), 2);
        torn.close(core::CloseReason::lost);
        broker.doors->run();
        broker.restart();
        Taker& taker = broker.take_now(broker.queue("q"), 3);
        CPPUNIT_ASSERT(taker.count("m1") >= 1);
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("m2"));
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("m3"));
    }

    void a_stop_waits_until_what_was_out_is_marked() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.take_now(broker.queue("q"), 1);
        broker.doors->refuse_all = true;
        bool stopped = false;
        broker.core->stop([&] { stopped = true; });
        broker.doors->run();
        CPPUNIT_ASSERT(!stopped);
        broker.doors->refuse_all = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(stopped);
    }

    void what_was_never_delivered_is_not_flagged() {
        Broker broker;
        broker.send_many(broker.make_queue("q"), "m", 5);
        broker.crash();
        Taker& taker = broker.take_now(broker.queue("q"), 5);
        for (const auto& delivery : taker.deliveries) CPPUNIT_ASSERT_EQUAL(0u, delivery.delivery_count);
    }

    /// The horizon goes far ahead of what was delivered; what takes its place there later was never delivered.
    void a_message_sent_after_the_crash_is_not_flagged_by_later_restarts() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.take_now(broker.queue("q"), 1);
        broker.crash();
        broker.send_many(broker.queue("q"), "m", 12);
        broker.restart();
        Taker& taker = broker.take_now(broker.queue("q"), 100);
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("a"));
        for (int number = 1; number <= 12; ++number) CPPUNIT_ASSERT_EQUAL(0u, taker.count("m" + std::to_string(number)));
    }

    void a_message_sent_after_the_crash_is_not_flagged() {
        Broker broker(tiny_windows());
        broker.send(broker.make_queue("q"), "a");
        broker.take_now(broker.queue("q"), 1);
        broker.crash();
        broker.send_many(broker.queue("q"), "m", 12);
        Taker& taker = broker.take_now(broker.queue("q"), 100);
        CPPUNIT_ASSERT_EQUAL(std::size_t{13}, taker.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("a"));
        for (int number = 1; number <= 12; ++number) CPPUNIT_ASSERT_EQUAL(0u, taker.count("m" + std::to_string(number)));
    }

    void crash_marks_never_lead_to_the_dead_letter_queue() {
        Broker broker;
        broker.send(broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 2; }), "a");
        for (int crashes = 0; crashes < 6; ++crashes) {
            broker.take_now(broker.queue("q"), 1);
            broker.crash();
        }
        Taker& taker = broker.take_now(broker.queue("q"), 5);
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("a"));
        taker.fail("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(2u, taker.count("a"));
        taker.fail("a");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("DLQ")));
    }

    void every_failure_after_a_crash_raises_the_count() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.take_now(broker.queue("q"), 1);
        broker.crash();
        for (std::uint32_t count = 1; count < 6; ++count) {
            Taker& taker = broker.take_now(broker.queue("q"), 1);
            CPPUNIT_ASSERT_EQUAL(count, taker.count("a"));
            if (count % 2 == 0) taker.fail("a");
            taker.close(core::CloseReason::lost);
            broker.doors->run();
            if (count == 3) broker.restart();
        }
    }

    void crash_marks_are_kept_over_a_clean_stop() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.take_now(broker.queue("q"), 1);
        broker.crash();
        broker.restart();
        broker.crash();
        Taker& taker = broker.take_now(broker.queue("q"), 1);
        CPPUNIT_ASSERT_EQUAL(1u, taker.count("a"));
    }

    void a_refused_send_that_carried_the_horizon_does_not_open_it() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.restart();  // horizons are forgotten
        const auto queue = broker.queue("q");
        Taker& taker = broker.take(queue, 0);
        broker.stage(queue, "b");  // takes the horizon with it
        taker.credit(5);
        broker.doors->answer_page();
        broker.doors->disk_full = true;
        broker.doors->write(1);
        broker.doors->complete();
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        broker.crash();
        Taker& after = broker.take_now(broker.queue("q"), 1);
        CPPUNIT_ASSERT_EQUAL(1u, after.count("a"));
    }

    void order_survives_many_restarts() {
        Broker broker(tiny_windows());
        broker.make_queue("q");
        Texts expected;
        for (int round = 0; round < 8; ++round) {
            for (int number = 0; number < 5; ++number) {
                expected.push_back(std::to_string(round) + "-" + std::to_string(number));
                broker.stage(broker.queue("q"), expected.back());
            }
            broker.doors->run();
            Taker& taker = broker.take_now(broker.queue("q"), 3);
            taker.accept(expected.at(0));
            broker.doors->run();
            expected.erase(expected.begin());
            round % 2 == 0 ? broker.crash() : broker.restart();
        }
        CPPUNIT_ASSERT_EQUAL(join(expected), broker.drain_all(broker.queue("q")));
    }

    void positions_and_numbers_are_not_used_twice() {
        Broker broker;
        broker.make_queue("q");
        Position last_position;
        MessageNumber last_number;
        for (int round = 0; round < 5; ++round) {
            broker.send(broker.queue("q"), "m");
            const auto page = broker.store->page(broker.queue("q"), last_position, {}).value();
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, page.entries.size());
            CPPUNIT_ASSERT(page.entries[0].number > last_number);
            last_position = page.entries[0].key.position;
            last_number = page.entries[0].number;
            broker.stage(broker.queue("q"), "lost");
            broker.crash();
        }
    }

    void starting_reads_no_messages() {
        Broker broker;
        broker.send_many(broker.make_queue("q"), "m", 100);
        broker.crash();
        broker.tick();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.doors->pages_asked);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{100}, broker.view(broker.queue("q")).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(broker.queue("q")).window_messages);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreRestartTest);

}  // namespace giromq::test
