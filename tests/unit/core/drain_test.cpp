#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Drain never gives a false "empty"; browsers see what is there and change nothing.
class CoreDrainTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreDrainTest);
    CPPUNIT_TEST(an_empty_queue_is_drained_at_once);
    CPPUNIT_TEST(drained_comes_after_the_last_message);
    CPPUNIT_TEST(drain_uses_up_the_credit);
    CPPUNIT_TEST(drain_without_credit_is_answered);
    CPPUNIT_TEST(drain_waits_for_the_page);
    CPPUNIT_TEST(drain_waits_for_every_page);
    CPPUNIT_TEST(drain_waits_while_the_store_cannot_be_read);
    CPPUNIT_TEST(drain_waits_for_the_horizon);
    CPPUNIT_TEST(drain_waits_for_a_refused_horizon);
    CPPUNIT_TEST(drain_does_not_wait_for_what_is_not_durable);
    CPPUNIT_TEST(drain_waits_for_an_accepted_message_behind_a_pending_one);
    CPPUNIT_TEST(drain_of_one_consumer_leaves_what_another_holds);
    CPPUNIT_TEST(drain_of_a_barred_consumer_is_answered);
    CPPUNIT_TEST(drain_is_never_falsely_empty_because_of_unsettled_messages);
    CPPUNIT_TEST(receiving_one_by_one_without_settling_misses_nothing);
    CPPUNIT_TEST(an_empty_queue_is_drained_whatever_is_unsettled);
    CPPUNIT_TEST(a_consumer_that_only_drains_and_never_settles_is_ended);
    CPPUNIT_TEST(drain_waits_for_room_to_take_what_another_had_to_leave);
    CPPUNIT_TEST(drain_can_be_called_off);
    CPPUNIT_TEST(drain_can_be_asked_for_again);
    CPPUNIT_TEST(several_consumers_drain_at_once);
    CPPUNIT_TEST(a_message_that_arrives_between_snapshot_and_page_is_seen_before_drained);
    CPPUNIT_TEST(a_draining_consumer_may_be_closed);
    CPPUNIT_TEST(a_browser_sees_all_and_changes_nothing);
    CPPUNIT_TEST(a_browser_passes_over_locked_messages);
    CPPUNIT_TEST(a_browser_follows_the_tail);
    CPPUNIT_TEST(a_browser_reads_on_in_the_store);
    CPPUNIT_TEST(a_browser_keeps_to_its_credit);
    CPPUNIT_TEST(a_browser_passes_over_expired_messages);
    CPPUNIT_TEST(a_browser_waits_behind_what_is_not_yet_durable);
    CPPUNIT_TEST(a_browser_does_not_show_what_was_purged_meanwhile);
    CPPUNIT_TEST(a_browser_does_not_show_what_was_consumed_meanwhile);
    CPPUNIT_TEST(a_browser_looks_again_after_a_failed_read);
    CPPUNIT_TEST(a_browser_of_a_consumed_window_reaches_the_end);
    CPPUNIT_TEST(a_browser_does_not_pass_over_what_is_in_memory_only);
    CPPUNIT_TEST(a_browser_may_be_closed_while_it_reads);
    CPPUNIT_TEST_SUITE_END();

    void an_empty_queue_is_drained_at_once() {
        Broker broker;
        Taker& taker = broker.take(broker.make_queue("q"), 0);
        taker.drain(1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
    }

    void drained_comes_after_the_last_message() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& taker = broker.take(queue, 0);
        taker.drain(10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, taker.drained_after[0]);
    }

    void drain_uses_up_the_credit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 0);
        taker.drain(10);
        broker.send(queue, "a");
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        taker.credit(1);
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
    }

    void drain_without_credit_is_answered() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take(queue, 0);
        taker.drain();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
    }

    void drain_waits_for_the_page() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.crash();
        Taker& taker = broker.take(broker.queue("q"), 0);
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->snapshot();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->deliver_page();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.at(0));
    }

    void drain_waits_for_every_page() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(20);
        broker.doors->page_entries_max = 2;
        Taker& taker = broker.take(queue, 0);
        taker.drain(100);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, taker.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, taker.drained_after[0]);
    }

    void drain_waits_while_the_store_cannot_be_read() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.restart();
        broker.doors->reads_fail = true;
        Taker& taker = broker.take(broker.queue("q"), 0);
        taker.drain(5);
        broker.doors->answer_page();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.tick();
        broker.doors->answer_page();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->reads_fail = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
    }

    void drain_waits_for_the_horizon() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");  // nobody waits: the horizon does not go with it
        Taker& taker = broker.take(queue, 0);
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->write();
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->complete();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.at(0));
    }

    void drain_waits_for_a_refused_horizon() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        broker.doors->refuse_all = true;
        Taker& taker = broker.take(queue, 0);
        taker.drain(5);
        for (int ticks = 0; ticks < 3; ++ticks) {
            broker.doors->run();
            broker.tick();
        }
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->run();
        broker.doors->refuse_all = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.at(0));
    }

    void drain_does_not_wait_for_what_is_not_durable() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.stage(queue, "a");
        Taker& taker = broker.take(queue, 0);
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.at(0));
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
    }

    void drain_waits_for_an_accepted_message_behind_a_pending_one() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.stage(queue, "a");
        CPPUNIT_ASSERT(broker.stage(queue, "n", {.durable = non_persistent})->accepted());
        Taker& taker = broker.take(queue, 0);
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a n"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, taker.drained_after.at(0));
    }

    void drain_of_one_consumer_leaves_what_another_holds() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Taker& holder = broker.take_now(queue, 1);
        Taker& taker = broker.take(queue, 0);
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL("m2"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        holder.close();
        CPPUNIT_ASSERT_EQUAL("m2"s, taker.texts());
    }

    void drain_of_a_barred_consumer_is_answered() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Taker& taker = broker.take_now(queue, 2);
        taker.settle("m1", Modified{false, true});
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        Taker& other = broker.take(queue, 0);
        other.drain(5);
        CPPUNIT_ASSERT_EQUAL("m1"s, other.texts());
    }

    static core::CoreSettings unsettled_at_most(std::uint32_t messages) {
        core::CoreSettings settings;
        settings.consumer_unsettled_max = messages;
        return settings;
    }

    void drain_is_never_falsely_empty_because_of_unsettled_messages() {
        Broker broker(unsettled_at_most(2));
        const auto queue = broker.make_filled_queue(5);
        Taker& taker = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        taker.drain();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, taker.drained_after.at(0));
        // Without draining the limit holds as before.
        taker.accept("m1");
        taker.credit(10);
        broker.send(queue, "x");
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5"s, taker.texts());
    }

    /// As a JMS client does that receives without waiting until there is nothing, and then acknowledges all.
    void receiving_one_by_one_without_settling_misses_nothing() {
        Broker broker(unsettled_at_most(2));
        const auto queue = broker.make_filled_queue(15);
        Taker& taker = broker.take(queue, 0);
        std::size_t received = 0;
        do {
            received = taker.deliveries.size();
            taker.drain(1);
            broker.doors->run();
        } while (taker.deliveries.size() > received);
        CPPUNIT_ASSERT_EQUAL(std::size_t{15}, received);
    }

    void an_empty_queue_is_drained_whatever_is_unsettled() {
        Broker broker(unsettled_at_most(1));
        const auto queue = broker.make_filled_queue(10);
        Taker& taker = broker.take(queue, 0);
        taker.drain(10);
        broker.doors->run();
        taker.drain(5);
        CPPUNIT_ASSERT(!taker.has_ended());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, taker.drained_after.size());
    }

    void a_consumer_that_only_drains_and_never_settles_is_ended() {
        Broker broker(unsettled_at_most(1));
        const auto queue = broker.make_filled_queue(12);
        Taker& taker = broker.take(queue, 0);
        taker.drain(100);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{10}, taker.deliveries.size());
        CPPUNIT_ASSERT(taker.has_ended());
        CPPUNIT_ASSERT(taker.end_reason->is(core::errc::resource_limit));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(0u, broker.view(queue).consumers);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
        Taker& other = broker.take(queue, 0);
        other.drain(1);
        CPPUNIT_ASSERT_EQUAL("m1"s, other.texts());
    }

    void drain_waits_for_room_to_take_what_another_had_to_leave() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& barred = broker.take_now(queue, 5);
        barred.settle("a", Modified{false, true});
        Taker& taker = broker.take(queue, 0);
        taker.room = false;
        taker.drain(5);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        taker.room = true;
        broker.core->resume(taker.id);
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.at(0));
    }

    void drain_can_be_called_off() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.restart();
        Taker& taker = broker.take(broker.queue("q"), 0);
        taker.drain(5);
        taker.credit(0);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
    }

    void drain_can_be_asked_for_again() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 0);
        for (std::size_t round = 1; round <= 3; ++round) {
            taker.drain(1);
            CPPUNIT_ASSERT_EQUAL(round, taker.drained_after.size());
        }
        broker.send(queue, "a");
        taker.drain(1);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.at(3));
    }

    void several_consumers_drain_at_once() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(9);
        Taker& first = broker.take(queue, 0);
        Taker& second = broker.take(queue, 0);
        Taker& third = broker.take(queue, 0);
        for (Taker* taker : {&first, &second, &third}) taker->drain(100);
        broker.doors->run();
        std::size_t sum = 0;
        for (Taker* taker : {&first, &second, &third}) {
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker->drained_after.size());
            sum += taker->deliveries.size();
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{9}, sum);
    }

    void a_message_that_arrives_between_snapshot_and_page_is_seen_before_drained() {
        for (int order = 0; order < 4; ++order) {
            Broker broker;
            broker.send(broker.make_queue("q"), "a");
            broker.restart();
            const auto queue = broker.queue("q");
            SendAnswerPtr answer;
            if (order == 0) answer = broker.stage(queue, "b");  // staged before the page is asked for
            Taker& taker = broker.take(queue, 0);
            taker.drain(5);
            if (order == 1) answer = broker.stage(queue, "b");  // before the snapshot
            if (order == 1) broker.doors->write();
            broker.doors->snapshot();
            if (order == 2) answer = broker.stage(queue, "b");  // after it
            if (order != 3) {
                broker.doors->write();
                while (broker.doors->complete()) {
                }
                CPPUNIT_ASSERT(answer->accepted());
            }
            broker.doors->deliver_page();
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(order == 3 ? "a"s : "a b"s, taker.texts());
            CPPUNIT_ASSERT_EQUAL(order == 3 ? std::size_t{1} : std::size_t{2}, taker.drained_after.at(0));
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        }
    }

    void a_draining_consumer_may_be_closed() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.restart();
        Taker& taker = broker.take(broker.queue("q"), 0);
        taker.drain(5);
        taker.close();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("q")));
    }

    void a_browser_sees_all_and_changes_nothing() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& browser = broker.browse(queue, 0);
        browser.drain(100);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, browser.drained_after.at(0));
        browser.close(core::CloseReason::lost);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(queue).messages);
        Taker& taker = broker.take_now(queue, 3);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("m1"));
    }

    void a_browser_passes_over_locked_messages() {
        Broker broker;
        const auto queue = broker.make_filled_queue(4);
        Taker& taker = broker.take_now(queue, 2);
        taker.accept("m1");
        Taker& browser = broker.browse(queue, 100);
        CPPUNIT_ASSERT_EQUAL("m3 m4"s, browser.texts());
    }

    void a_browser_follows_the_tail() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& browser = broker.browse(queue, 100);
        broker.stage(queue, "a");
        CPPUNIT_ASSERT_EQUAL(""s, browser.texts());
        broker.doors->run();
        broker.send(queue, "n", {.durable = non_persistent});
        CPPUNIT_ASSERT_EQUAL("a n"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, browser.drained_after.size());
        browser.drain();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, browser.drained_after.at(0));
    }

    void a_browser_reads_on_in_the_store() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(12);
        broker.doors->page_entries_max = 3;
        Taker& browser = broker.browse(queue, 0);
        browser.drain(100);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, browser.drained_after.size());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 m7 m8 m9 m10 m11 m12"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{12}, browser.drained_after.at(0));
        CPPUNIT_ASSERT(broker.view(queue).window_messages <= 4);
    }

    void a_browser_keeps_to_its_credit() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& browser = broker.browse(queue, 3);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, browser.texts());
        browser.credit(3);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6"s, browser.texts());
        browser.drain(2);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, browser.drained_after.at(0));
    }

    void a_browser_passes_over_expired_messages() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 10; ++number) {
            broker.send(queue, "m" + std::to_string(number), {.expires_in_ms = number % 2 == 0 ? 50 : 0});
        }
        broker.clock.advance(std::chrono::milliseconds(60));
        Taker& browser = broker.browse(queue, 0);
        browser.drain(100);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m3 m5 m7 m9"s, browser.texts());
    }

    /// The window is full of messages whose COMMIT has not returned, and the rest of them is only in the store.
    void a_browser_waits_behind_what_is_not_yet_durable() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 8; ++number) broker.stage(queue, "m" + std::to_string(number));
        Taker& browser = broker.browse(queue, 100);
        CPPUNIT_ASSERT_EQUAL(""s, browser.texts());
        broker.doors->commit_waiting();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 m7 m8"s, browser.texts());
    }

    void a_browser_does_not_show_what_was_purged_meanwhile() {
        for (const bool read : {true, false}) {
            Broker broker(tiny_windows());
            const auto queue = broker.make_filled_queue(10);
            Taker& browser = broker.browse(queue, 5);  // four from the window, one of the page
            if (read) broker.doors->run();
            if (!read) broker.doors->snapshot();
            Answer<std::uint64_t> purged;
            broker.core->purge_queue(queue, purged.callback());
            broker.doors->commit_waiting();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, purged.result->value());
            broker.doors->run();
            browser.drain(100);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(read ? "m1 m2 m3 m4 m5"s : "m1 m2 m3 m4"s, browser.texts());
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.size());
        }
    }

    void a_browser_does_not_show_what_was_consumed_meanwhile() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(10);
        Taker& browser = broker.browse(queue, 5);
        broker.doors->run();  // m6 to m10 are read ahead
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 m7 m8 m9 m10"s, broker.drain_all(queue));
        for (int ticks = 0; ticks < 3; ++ticks) broker.tick();
        browser.drain(100);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5"s, browser.texts());
    }

    void a_browser_looks_again_after_a_failed_read() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        broker.restart();
        broker.doors->reads_fail = true;
        Taker& browser = broker.browse(broker.queue("q"), 0);
        browser.drain(10);
        broker.doors->answer_page();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, browser.drained_after.size());
        broker.doors->reads_fail = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.at(0));
    }

    void a_browser_of_a_consumed_window_reaches_the_end() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(10);
        Taker& taker = broker.take_now(queue, 10);
        Taker& browser = broker.browse(queue, 0);
        browser.drain(10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, browser.drained_after.at(0));
        for (const char* text : {"m1", "m2", "m3"}) taker.accept(text);
        taker.close();
        broker.doors->run();
        Taker& later = broker.browse(queue, 0);
        later.drain(10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m4 m5 m6 m7 m8 m9 m10"s, later.texts());
    }

    void a_browser_does_not_pass_over_what_is_in_memory_only() {
        Broker broker;
        broker.make_filled_queue(2);
        broker.restart();
        const auto queue = broker.queue("q");
        broker.take(queue, 1);
        Taker& browser = broker.browse(queue, 0);
        browser.drain(10);
        browser.room = false;
        broker.doors->answer_page();  // the window has everything now
        broker.stage(queue, "v", {.durable = non_persistent});
        broker.stage(queue, "n");
        broker.doors->run();  // and the browser has its page, in which there is no v
        browser.room = true;
        broker.core->resume(browser.id);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m2 v n"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, browser.drained_after.at(0));
    }

    void a_browser_may_be_closed_while_it_reads() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(10);
        Taker& browser = broker.browse(queue, 10);
        CPPUNIT_ASSERT(broker.doors->snapshot());
        browser.close();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4"s, browser.texts());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreDrainTest);

}  // namespace giromq::test
