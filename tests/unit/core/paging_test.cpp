#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// A queue that does not fit into its window: pages, and everything that can happen while one is read.
class CorePagingTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CorePagingTest);
    CPPUNIT_TEST(the_window_is_bounded_and_the_order_kept);
    CPPUNIT_TEST(arrivals_during_a_page_come_after_it);
    CPPUNIT_TEST(every_moment_of_an_arrival_around_a_page_keeps_the_order);
    CPPUNIT_TEST(arrivals_refused_during_a_page_are_not_delivered);
    CPPUNIT_TEST(a_refused_arrival_does_not_keep_the_tail_out_of_reach);
    CPPUNIT_TEST(an_arrival_under_way_is_not_waited_for_by_reading_again_and_again);
    CPPUNIT_TEST(many_arrivals_during_a_page_overflow_into_the_store);
    CPPUNIT_TEST(acknowledgements_during_a_page_do_not_bring_messages_back);
    CPPUNIT_TEST(a_released_message_keeps_its_place_before_a_page);
    CPPUNIT_TEST(a_non_persistent_message_spills_and_keeps_its_place);
    CPPUNIT_TEST(a_non_persistent_message_does_not_overtake_one_that_a_page_missed);
    CPPUNIT_TEST(a_failed_page_is_read_again);
    CPPUNIT_TEST(a_page_that_comes_after_its_consumer_is_harmless);
    CPPUNIT_TEST(a_page_that_comes_after_its_queue_is_harmless);
    CPPUNIT_TEST(a_damaged_message_of_a_closing_queue_is_not_quarantined);
    CPPUNIT_TEST(a_purge_during_a_page_takes_its_messages);
    CPPUNIT_TEST(a_purge_keeps_what_arrived_later);
    CPPUNIT_TEST(a_purge_spares_locked_messages);
    CPPUNIT_TEST(a_spared_message_survives_shortness_of_memory);
    CPPUNIT_TEST(a_purge_answers_the_number_of_messages);
    CPPUNIT_TEST(a_large_purge_goes_in_steps);
    CPPUNIT_TEST(a_refused_purge_loses_nothing_and_doubles_nothing);
    CPPUNIT_TEST(a_purge_and_a_move_that_are_both_refused_lose_nothing);
    CPPUNIT_TEST(two_purges_at_once);
    CPPUNIT_TEST(a_purged_queue_goes_on);
    CPPUNIT_TEST(a_damaged_message_is_quarantined_and_the_others_delivered);
    CPPUNIT_TEST(a_damaged_message_is_quarantined_once_when_it_is_read_twice);
    CPPUNIT_TEST(a_damaged_message_may_be_purged_while_it_is_quarantined);
    CPPUNIT_TEST(a_browser_does_not_quarantine);
    CPPUNIT_TEST(a_queue_of_damaged_messages_is_drained);
    CPPUNIT_TEST_SUITE_END();

    void the_window_is_bounded_and_the_order_kept() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(100);
        CPPUNIT_ASSERT(broker.view(queue).window_messages <= 4);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{100}, broker.view(queue).messages);
        broker.doors->page_entries_max = 7;
        CPPUNIT_ASSERT_EQUAL(numbers(1, 100), broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void arrivals_during_a_page_come_after_it() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& taker = broker.take(queue, 100);
        broker.doors->commit_waiting();
        CPPUNIT_ASSERT(broker.doors->snapshot());
        broker.stage(queue, "x");
        broker.doors->commit_waiting();
        broker.stage(queue, "y");
        broker.doors->deliver_page();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8), taker.texts().substr(0, numbers(1, 8).size()));
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8) + " x y", taker.texts());
    }

    /// Every order of: stage, write and complete of two sends; asking, reading and handing over of a page.
    void every_moment_of_an_arrival_around_a_page_keeps_the_order() {
        for (int choice = 0; choice < 6 * 6 * 6 * 6; ++choice) {
            Broker broker(tiny_windows());
            broker.send_many(broker.make_queue("q"), "m", 3);
            broker.restart();
            const auto queue = broker.queue("q");
            Taker* taker = nullptr;
            const int moments[] = {choice % 6, choice / 6 % 6, choice / 36 % 6, choice / 216};
            for (int step = 0; step < 6; ++step) {
                if (moments[0] == step) broker.stage(queue, "x");
                if (moments[1] == step) broker.doors->write(1);
                if (moments[2] == step) broker.doors->complete();
                if (moments[3] == step) broker.stage(queue, "y", {.durable = choice % 2 == 0});
                if (step == 1) {
                    taker = &broker.take(queue, 0);
                    taker->drain(100);
                }
                if (step == 2) broker.doors->snapshot();
                if (step == 4) broker.doors->deliver_page();
            }
            broker.doors->run();
            taker->credit(100);
            broker.doors->run();
            const auto got = taker->texts();
            const auto expected = numbers(1, 3) + (moments[0] <= moments[3] ? " x y" : " y x");
            if (got != expected) CPPUNIT_ASSERT_EQUAL(expected + " in choice " + std::to_string(choice), got);
        }
    }

    void arrivals_refused_during_a_page_are_not_delivered() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& taker = broker.take(queue, 100);
        broker.doors->commit_waiting();
        broker.doors->snapshot();
        const auto refused = broker.stage(queue, "x");
        broker.doors->disk_full = true;
        broker.doors->deliver_page();
        broker.doors->run();
        CPPUNIT_ASSERT(refused->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8), taker.texts());
        taker.drain();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
    }

    void a_refused_arrival_does_not_keep_the_tail_out_of_reach() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(!broker.send(queue, "x")->accepted());
        Taker& taker = broker.take(queue, 0);
        taker.drain(100);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8), taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
    }

    void an_arrival_under_way_is_not_waited_for_by_reading_again_and_again() {
        Broker broker(tiny_windows());
        broker.send_many(broker.make_queue("q"), "m", 3);
        broker.restart();
        const auto queue = broker.queue("q");
        broker.stage(queue, "x");
        Taker& taker = broker.take(queue, 100);
        for (int reads = 0; reads < 20; ++reads) broker.doors->answer_page();
        CPPUNIT_ASSERT(broker.doors->pages_asked <= 3);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 x"s, taker.texts());
    }

    void many_arrivals_during_a_page_overflow_into_the_store() {
        auto settings = tiny_windows();
        settings.memory_bytes = 64u << 20;
        Broker broker(settings);
        const auto queue = broker.make_filled_queue(5);
        Taker& taker = broker.take(queue, 1000);
        broker.doors->commit_waiting();
        broker.doors->snapshot();
        for (int number = 1; number <= 30; ++number) broker.stage(queue, "x" + std::to_string(number), {.bytes = 60000});
        broker.doors->commit_waiting();
        broker.doors->deliver_page();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 5) + " " + numbers(1, 30, "x"), taker.texts());
    }

    void acknowledgements_during_a_page_do_not_bring_messages_back() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& taker = broker.take(queue, 100);
        broker.doors->commit_waiting();
        broker.doors->snapshot();
        for (const char* text : {"m1", "m2", "m3", "m4"}) taker.accept(text);
        broker.doors->commit_waiting();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8), taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, broker.view(queue).messages);
    }

    void a_released_message_keeps_its_place_before_a_page() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& taker = broker.take(queue, 4);
        broker.doors->commit_waiting();
        broker.doors->snapshot();
        taker.release("m3");
        broker.doors->deliver_page();
        taker.credit(3);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m3 m5 m6"s, taker.texts());
    }

    void a_non_persistent_message_spills_and_keeps_its_place() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 12; ++number) {
            broker.send(queue, "m" + std::to_string(number), {.durable = number % 2 == 0});
        }
        CPPUNIT_ASSERT(broker.view(queue).window_messages <= 4);
        CPPUNIT_ASSERT_EQUAL(numbers(1, 12), broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void a_non_persistent_message_does_not_overtake_one_that_a_page_missed() {
        Broker broker(tiny_windows());
        broker.send_many(broker.make_queue("q"), "m", 3);
        broker.restart();
        const auto queue = broker.queue("q");
        broker.stage(queue, "x");
        Taker& taker = broker.take(queue, 100);
        broker.doors->answer_page();
        broker.stage(queue, "n", {.durable = non_persistent});
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 x n"s, taker.texts());
    }

    void a_failed_page_is_read_again() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        broker.doors->reads_fail = true;
        Taker& taker = broker.take_now(queue, 100);
        broker.send(queue, "x");
        broker.doors->reads_fail = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8) + " x", taker.texts());
    }

    void a_page_that_comes_after_its_consumer_is_harmless() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& taker = broker.take(queue, 100);
        broker.doors->commit_waiting();
        broker.doors->snapshot();
        taker.close();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 8), broker.drain_all(queue));
    }

    void a_page_that_comes_after_its_queue_is_harmless() {
        for (const bool handed_over_before_the_commit : {true, false}) {
            Broker broker(tiny_windows());
            const auto queue = broker.make_filled_queue(8);
            Taker& taker = broker.take(queue, 100);
            broker.doors->commit_waiting();
            broker.doors->snapshot();
            Answer<void> deleted;
            broker.core->delete_queue(queue, true, deleted.callback());
            if (handed_over_before_the_commit) broker.doors->deliver_page();
            broker.doors->commit_waiting();
            broker.doors->run();
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT(taker.has_ended());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
        }
    }

    void a_damaged_message_of_a_closing_queue_is_not_quarantined() {
        Broker broker;
        broker.send_all(broker.make_queue("q"), {"a", "b"});
        broker.restart();
        const auto queue = broker.queue("q");
        broker.store->damage(broker.store->page(queue, Position{0}, {}).value().entries.at(0).number);
        broker.take(queue, 100);
        broker.doors->snapshot();
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        broker.doors->deliver_page();
        broker.doors->run();
        CPPUNIT_ASSERT(deleted.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().quarantined);
        broker.crash();
        CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
    }

    void a_purge_during_a_page_takes_its_messages() {
        for (int order = 0; order < 4; ++order) {
            Broker broker(tiny_windows());
            const auto queue = broker.make_filled_queue(8);
            Taker& taker = broker.take(queue, 1);
            broker.doors->commit_waiting();
            Taker& other = broker.take(queue, 0);
            CPPUNIT_ASSERT_EQUAL("m1"s, taker.texts());
            taker.credit(3);  // the window is used up: a page is asked for
            if (order & 1) broker.doors->snapshot();
            Answer<std::uint64_t> purged;
            broker.core->purge_queue(queue, purged.callback());
            if (order & 2) broker.doors->commit_waiting();
            broker.doors->answer_page();
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, purged.result->value());
            CPPUNIT_ASSERT_EQUAL(numbers(1, 4), taker.texts());
            other.drain(10);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(""s, other.texts());
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, other.drained_after.size());
            broker.send(queue, "x");
            taker.credit(1);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(numbers(1, 4) + " x", taker.texts());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, broker.view(queue).messages);
        }
    }

    void a_purge_keeps_what_arrived_later() {
        for (const bool paged : {true, false}) {
            Broker broker(paged ? tiny_windows() : core::CoreSettings());
            const auto queue = broker.make_filled_queue(8);
            broker.stage(queue, "x");  // not durable when the purge comes
            Answer<std::uint64_t> purged;
            broker.core->purge_queue(queue, purged.callback());
            broker.stage(queue, "y");
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{8}, purged.result->value());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).messages);
            CPPUNIT_ASSERT_EQUAL("x y"s, broker.drain_all(queue));
        }
    }

    void a_purge_spares_locked_messages() {
        Broker broker;
        const auto queue = broker.make_filled_queue(5);
        Taker& taker = broker.take_now(queue, 3);
        taker.accept("m1");  // on its way out
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, purged.result->value());
        taker.release("m3");
        taker.fail("m2");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.drain_all(queue));
    }

    void a_spared_message_survives_shortness_of_memory() {
        core::CoreSettings settings;
        settings.memory_bytes = 128 * 1024;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 6; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 20000});
        Taker& taker = broker.take_now(queue, 6);
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 6), taker.texts());
        taker.close();
        for (int ticks = 0; ticks < 3; ++ticks) broker.tick();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 6), broker.drain_all(queue));
    }

    void a_purge_answers_the_number_of_messages() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        for (int number = 0; number < 10; ++number) broker.send(queue, "m", {.durable = number % 2 == 0});
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        CPPUNIT_ASSERT(!purged.given());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, purged.result->value());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).bytes);
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void a_large_purge_goes_in_steps() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(2500);
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        broker.doors->commit_waiting();
        CPPUNIT_ASSERT(!purged.given());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1500}, broker.view(queue).messages);
        broker.send(queue, "x");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2500}, purged.result->value());
        CPPUNIT_ASSERT_EQUAL("x"s, broker.drain_all(queue));
    }

    void a_refused_purge_loses_nothing_and_doubles_nothing() {
        for (const bool paged : {true, false}) {
            Broker broker(paged ? tiny_windows() : core::CoreSettings());
            const auto queue = broker.make_filled_queue(8);
            Taker& taker = broker.take_now(queue, 2);
            broker.doors->refuse_all = true;
            Answer<std::uint64_t> purged;
            broker.core->purge_queue(queue, purged.callback());
            broker.doors->run();
            broker.doors->refuse_all = false;
            const auto& accepted = taker.accept("m1");
            const auto later = broker.send(queue, "x");
            CPPUNIT_ASSERT(accepted.ok());
            taker.release("m2");
            broker.tick();
            broker.doors->run();
            CPPUNIT_ASSERT(purged.given());
            const auto rest = later->accepted() ? " x"s : ""s;
            if (purged.ok()) {
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{6}, purged.result->value());
                CPPUNIT_ASSERT_EQUAL("m2" + rest, broker.drain_all(queue));
            } else {
                CPPUNIT_ASSERT_EQUAL(numbers(2, 8) + rest, broker.drain_all(queue));
            }
        }
    }

    /// A move into a paged queue is refused, tried again, and refused again together with nothing else: a purge came between.
    void a_purge_and_a_move_that_are_both_refused_lose_nothing() {
        Broker broker(tiny_windows());
        const auto dlq = broker.queue("DLQ");
        broker.send_many(dlq, "d", 8);
        const auto queue = broker.make_queue("q");
        broker.send(queue, "m");
        Taker& taker = broker.take_now(queue, 1);
        taker.reject("m");
        broker.doors->refuse_all = true;
        broker.doors->run();
        broker.doors->refuse_all = false;
        broker.send(dlq, "e");  // behind the move, and durable before it
        broker.tick();          // the move is under way again
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(dlq, purged.callback());
        broker.doors->refuse_all = true;
        broker.doors->write(1);
        broker.doors->refuse_all = false;
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{9}, purged.result->value());
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m"s, broker.drain_all(dlq));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
    }

    void two_purges_at_once() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(8);
        Taker& taker = broker.take(queue, 2);
        broker.doors->commit_waiting();
        Answer<std::uint64_t> first;
        Answer<std::uint64_t> second;
        broker.core->purge_queue(queue, first.callback());
        broker.send(queue, "x");
        taker.release("m1");
        broker.core->purge_queue(queue, second.callback());
        broker.stage(queue, "y");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6}, first.result->value());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, second.result->value());
        taker.close();
        CPPUNIT_ASSERT_EQUAL("m2 y"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void a_purged_queue_goes_on() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        for (int round = 0; round < 3; ++round) {
            broker.send_many(queue, "m", 10);
            Answer<std::uint64_t> purged;
            broker.core->purge_queue(queue, purged.callback());
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, purged.result->value());
            broker.send_many(queue, "x", 10);
            CPPUNIT_ASSERT_EQUAL(numbers(1, 10, "x"), broker.drain_all(queue));
        }
    }

    void a_damaged_message_is_quarantined_and_the_others_delivered() {
        Broker broker;
        broker.send_all(broker.make_queue("q"), {"a", "b", "c"});
        broker.restart();
        const auto queue = broker.queue("q");
        broker.store->damage(broker.store->page(queue, Position{0}, {}).value().entries.at(1).number);
        CPPUNIT_ASSERT_EQUAL("a c"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).quarantined);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(broker.queue("q")).messages);
    }

    void a_damaged_message_is_quarantined_once_when_it_is_read_twice() {
        core::CoreSettings settings;
        settings.memory_bytes = 128 * 1024;
        Broker broker(settings);
        for (int number = 1; number <= 8; ++number) broker.send(broker.make_queue("q" + std::to_string(number)), "x", {.bytes = 12000});
        const auto first = broker.make_queue("q");
        for (int number = 1; number <= 4; ++number) broker.send(first, "m" + std::to_string(number), {.bytes = 12000});
        broker.restart();
        const auto queue = broker.queue("q");
        broker.store->damage(broker.store->page(queue, Position{0}, {}).value().entries.at(1).number);
        Taker& taker = broker.take(queue, 1);
        broker.doors->answer_page();  // the quarantine is staged
        taker.close();
        for (int number = 1; number <= 8; ++number) broker.take(broker.queue("q" + std::to_string(number)), 1);
        while (broker.doors->asked() > 0) broker.doors->answer_page();
        broker.tick();  // memory is short: the window shrinks
        Taker& again = broker.take(queue, 10);
        while (broker.doors->asked() > 0) broker.doors->answer_page();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m3 m4"s, again.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).quarantined);
    }

    void a_damaged_message_may_be_purged_while_it_is_quarantined() {
        for (const bool deleted_too : {true, false}) {
            Broker broker;
            broker.send_all(broker.make_queue("q"), {"a", "b"});
            broker.restart();
            const auto queue = broker.queue("q");
            broker.store->damage(broker.store->page(queue, Position{0}, {}).value().entries.at(0).number);
            broker.take(queue, 0);
            broker.core->flow(broker.take(queue, 0).id, 1, false);
            broker.doors->answer_page();
            Answer<std::uint64_t> purged;
            Answer<void> deleted;
            if (deleted_too) {
                broker.core->delete_queue(queue, true, deleted.callback());
            } else {
                broker.core->purge_queue(queue, purged.callback());
            }
            broker.doors->refuse_all = true;
            broker.doors->write(1);  // the quarantine is refused, and tried again after what follows it
            broker.doors->refuse_all = false;
            broker.doors->run();
            broker.tick();
            broker.doors->run();
            CPPUNIT_ASSERT(deleted_too ? deleted.ok() : purged.ok());
            broker.crash();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
        }
    }

    void a_browser_does_not_quarantine() {
        Broker broker;
        broker.send_all(broker.make_queue("q"), {"a", "b", "c"});
        broker.restart();
        const auto queue = broker.queue("q");
        broker.store->damage(broker.store->page(queue, Position{0}, {}).value().entries.at(1).number);
        Taker& browser = broker.browse(queue, 0);
        browser.drain(10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a c"s, browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(queue).messages);
    }

    void a_queue_of_damaged_messages_is_drained() {
        Broker broker(tiny_windows());
        broker.send_many(broker.make_queue("q"), "m", 9);
        broker.restart();
        const auto queue = broker.queue("q");
        const auto page = broker.store->page(queue, Position{0}, {}).value();
        for (const auto& entry : page.entries) broker.store->damage(entry.number);
        broker.doors->page_entries_max = 2;
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{9}, broker.view(queue).quarantined);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CorePagingTest);

}  // namespace giromq::test
