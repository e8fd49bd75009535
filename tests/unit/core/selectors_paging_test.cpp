#include <set>

#include "unit/core/selecting.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Consumers with selectors on a queue that is longer than its window: their cursors over the store, memory, the horizon.
class CoreSelectorsPagingTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreSelectorsPagingTest);
    CPPUNIT_TEST(what_lies_behind_the_window_is_found_in_order);
    CPPUNIT_TEST(arrivals_behind_the_window_are_offered_at_once);
    CPPUNIT_TEST(an_arrival_behind_the_window_waits_for_credit_in_the_store);
    CPPUNIT_TEST(bodies_behind_the_window_are_found);
    CPPUNIT_TEST(what_was_accepted_ahead_of_the_window_does_not_come_back);
    CPPUNIT_TEST(what_is_held_ahead_of_the_window_is_not_shown_to_others);
    CPPUNIT_TEST(a_page_read_before_a_removal_does_not_bring_the_message_back);
    CPPUNIT_TEST(a_message_released_ahead_of_the_window_keeps_its_place);
    CPPUNIT_TEST(a_message_released_ahead_of_the_window_is_selected_again);
    CPPUNIT_TEST(a_failure_ahead_of_the_window_is_counted);
    CPPUNIT_TEST(a_rejection_ahead_of_the_window_is_a_dead_letter);
    CPPUNIT_TEST(a_torn_consumer_ahead_of_the_window_marks_what_it_held);
    CPPUNIT_TEST(memory_is_bounded_however_little_is_selected);
    CPPUNIT_TEST(memory_is_bounded_when_everything_is_selected);
    CPPUNIT_TEST(memory_is_bounded_when_selecting_consumers_give_back);
    CPPUNIT_TEST(what_only_another_consumer_may_have_is_not_read_again_in_turns);
    CPPUNIT_TEST(many_selectors_read_the_store_together);
    CPPUNIT_TEST(nothing_is_delivered_beyond_the_durable_horizon);
    CPPUNIT_TEST(after_a_crash_what_was_delivered_ahead_is_marked);
    CPPUNIT_TEST(after_a_clean_stop_what_was_held_ahead_is_marked);
    CPPUNIT_TEST(a_drain_looks_through_the_whole_store);
    CPPUNIT_TEST(a_purge_takes_what_was_found_ahead_of_the_window);
    CPPUNIT_TEST(a_browser_finds_what_lies_behind_the_window);
    CPPUNIT_TEST(a_browser_is_not_shown_what_is_held_ahead_of_the_window);
    CPPUNIT_TEST(damage_is_passed_over_by_a_selector);
    CPPUNIT_TEST(a_queue_deleted_while_its_store_is_searched_is_gone);
    CPPUNIT_TEST(a_read_that_fails_is_tried_again);
    CPPUNIT_TEST(what_a_page_brought_too_early_and_was_let_go_again_is_not_missed);
    CPPUNIT_TEST(what_a_page_brought_too_early_and_was_let_go_again_is_seen_by_a_drain);
    CPPUNIT_TEST_SUITE_END();

    static std::string texts_every(int from, int to, int step, const std::string& prefix = "r") {
        Texts all;
        for (int number = from; number <= to; number += step) all.push_back(prefix + std::to_string(number));
        return join(all);
    }

    void what_lies_behind_the_window_is_found_in_order() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(1000, 10);
        Taker& reds = broker.take_selected_now(queue, red, 1000);
        CPPUNIT_ASSERT_EQUAL(texts_every(1, 1000, 10), reds.texts());
        CPPUNIT_ASSERT(broker.view(queue).window_messages < 300);
    }

    void arrivals_behind_the_window_are_offered_at_once() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(100, 1000);
        Taker& reds = broker.take_selected_now(queue, red, 1000);
        broker.run();
        const auto pages = broker.doors->pages_asked;
        broker.send_coloured(queue, "red", "new");
        broker.send_coloured(queue, "green", "other");
        CPPUNIT_ASSERT_EQUAL("r1 new"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(pages, broker.doors->pages_asked);
    }

    void an_arrival_behind_the_window_waits_for_credit_in_the_store() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(100, 1000);
        Taker& reds = broker.take_selected_now(queue, red, 2);
        for (int number = 1; number <= 50; ++number) broker.send_coloured(queue, "red", "n" + std::to_string(number));
        CPPUNIT_ASSERT_EQUAL("r1 n1"s, reds.texts());
        reds.credit(100);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 " + texts_every(1, 50, 1, "n"), reds.texts());
    }

    void bodies_behind_the_window_are_found() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 300; ++number) {
            broker.stage_coloured(queue, "",
                                  R"({"colour":")"s + (number % 50 == 0 ? "red" : "green") + R"(","n":)" + std::to_string(number) + "}");
        }
        broker.run();
        Taker& reds = broker.take_selected_now(queue, red_body, 100);
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, reds.deliveries.size());
        broker.send_coloured(queue, "", R"({"colour":"red","n":0})");
        CPPUNIT_ASSERT_EQUAL(std::size_t{7}, reds.deliveries.size());
    }

    void what_was_accepted_ahead_of_the_window_does_not_come_back() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(200, 10);
        Taker& reds = broker.take_selected_now(queue, red, 1000);
        broker.settle_all(reds);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{180}, broker.view(queue).messages);
        const auto rest = broker.drain_all(queue);
        CPPUNIT_ASSERT(rest.find('r') == std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void what_is_held_ahead_of_the_window_is_not_shown_to_others() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(200, 10);
        Taker& reds = broker.take_selected_now(queue, red, 1000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, reds.deliveries.size());
        Taker& plain = broker.take(queue, 1000);
        for (int round = 0; round < 50; ++round) {
            broker.run();
            broker.settle_all(plain);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{180}, plain.deliveries.size());
        broker.settle_all(reds);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void a_page_read_before_a_removal_does_not_bring_the_message_back() {
        SelectingBroker broker(tiny_windows());
        broker.make_coloured_queue(60, 10);
        const auto queue = broker.queue("q");
        Taker& reds = broker.take_selected_now(queue, red, 6);
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, reds.deliveries.size());
        Taker& plain = broker.take(queue, 1000);
        // A page for the window is read, and while it is on its way what it shows is accepted, and that becomes durable.
        for (int rounds = 0; broker.doors->asked() == 0 && rounds < 100; ++rounds) {
            broker.doors->commit_waiting();
            for (const auto& delivery : plain.deliveries) broker.core->settle(plain.id, delivery.position, Accepted{}, {});
        }
        CPPUNIT_ASSERT(broker.doors->asked() > 0);
        broker.doors->snapshot();
        for (const auto& delivery : reds.deliveries) broker.core->settle(reds.id, delivery.position, Accepted{}, {});
        broker.doors->commit_waiting();
        for (int round = 0; round < 50; ++round) {
            broker.run();
            broker.settle_all(plain);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{54}, plain.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void a_message_released_ahead_of_the_window_keeps_its_place() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(60, 10);
        Taker& reds = broker.take_selected_now(queue, red, 6);
        reds.release("r51");
        reds.close();
        broker.run();
        Texts all;
        for (int number = 1; number <= 60; ++number) all.push_back((number % 10 == 1 ? "r" : "g") + std::to_string(number));
        CPPUNIT_ASSERT_EQUAL(join(all), broker.drain_all(queue));
    }

    void a_message_released_ahead_of_the_window_is_selected_again() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(60, 10);
        Taker& reds = broker.take_selected_now(queue, red, 7);
        reds.release("r51");
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r11 r21 r31 r41 r51 r51"s, reds.texts());
        reds.release("r51");  // nobody has credit for it
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{7}, reds.deliveries.size());
        Taker& others = broker.take_selected_now(queue, "colour LIKE 'r%'", 7);
        CPPUNIT_ASSERT_EQUAL("r51"s, others.texts());
    }

    void a_failure_ahead_of_the_window_is_counted() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(60, 10);
        Taker& reds = broker.take_selected_now(queue, red, 7);
        reds.fail("r51");
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r11 r21 r31 r41 r51 r51"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(1u, reds.count("r51"));
        broker.crash();
        Taker& again = broker.take_selected_now(queue, "colour = 'red' AND JMSXDeliveryCount > 2", 7);
        CPPUNIT_ASSERT_EQUAL("r51"s, again.texts());
    }

    void a_rejection_ahead_of_the_window_is_a_dead_letter() {
        SelectingBroker broker(tiny_windows());
        broker.settings.queue_defaults.dead_letter_queue = "dead";
        broker.restart();
        const auto queue = broker.make_coloured_queue(60, 10);
        Taker& reds = broker.take_selected_now(queue, red, 6);
        reds.reject("r51");
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r51"s, broker.drain_all(broker.queue("dead")));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{59}, broker.view(queue).messages);
    }

    void a_torn_consumer_ahead_of_the_window_marks_what_it_held() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(60, 10);
        Taker& torn = broker.take_selected_now(queue, red, 6);
        torn.close(core::CloseReason::lost);
        broker.run();
        Taker& reds = broker.take_selected_now(queue, red, 6);
        CPPUNIT_ASSERT_EQUAL("r1 r11 r21 r31 r41 r51"s, reds.texts());
        for (const auto& delivery : reds.deliveries) CPPUNIT_ASSERT_EQUAL(1u, delivery.delivery_count);
    }

    void memory_is_bounded_however_little_is_selected() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(5000, 500);
        const auto before = broker.core->view().memory_bytes;
        Taker& reds = broker.take_selected_now(queue, red, 1000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{10}, reds.deliveries.size());
        CPPUNIT_ASSERT(broker.core->view().memory_bytes < before + 64 * 1024);
    }

    void memory_is_bounded_when_everything_is_selected() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(3000, 1);
        Taker& reds = broker.take_selected_now(queue, "colour LIKE 'r%'", 5);
        broker.take_selected_now(queue, "colour IN ('red')", 0);
        CPPUNIT_ASSERT_EQUAL("r1 r2 r3 r4 r5"s, reds.texts());
        // A page counts bytes, and small messages take several times as much in memory; all of them would be 600 KiB.
        const std::uint64_t bound = broker.settings.memory_bytes * 4;
        CPPUNIT_ASSERT_LESS(bound, broker.core->view().memory_bytes);
        for (int round = 0; round < 400 && reds.deliveries.size() < 3000; ++round) {
            broker.settle_all(reds);
            reds.credit(10);
            broker.run();
            CPPUNIT_ASSERT_LESS(bound, broker.core->view().memory_bytes);
        }
        CPPUNIT_ASSERT_EQUAL(texts_every(1, 3000, 1), reds.texts());
    }

    /// What they held lay in memory with its facts only, and is read again to be judged: not all of it at a time.
    void memory_is_bounded_when_selecting_consumers_give_back() {
        constexpr int count = 200;
        for (const auto& [first, second] : {std::pair{red, green}, {red, red_body}, {red_body, green}, {red_body, red_body}}) {
            core::CoreSettings settings;
            settings.memory_bytes = 256 * 1024;
            settings.queue_window_bytes = 64 * 1024;
            SelectingBroker broker(settings);
            const auto queue = broker.make_queue("q");
            for (int number = 1; number <= count; ++number) {
                broker.send_coloured(queue, "red", "{\"colour\":\"red\",\"n\":" + std::to_string(number) + "}", {.bytes = 20'000});
            }
            Taker& torn = broker.take_selected_now(queue, first, count);
            CPPUNIT_ASSERT_EQUAL(std::size_t{count}, torn.deliveries.size());
            Taker& other = broker.take_selected_now(queue, second, 0);
            torn.close(core::CloseReason::lost);  // which is in no store: nothing of it can be forgotten
            // A page that was read to be judged may lie beyond the budget.
            const auto most = settings.memory_bytes + count * 2 * sizeof(Message) + 256 * 1024 + 20'000;
            std::uint64_t seen = 0;
            for (int round = 0; round < 5000 && (!broker.doors->idle() || broker.work.waiting() > 0); ++round) {
                broker.doors->commit_waiting();
                broker.doors->answer_page();
                broker.work.answer();
                seen = std::max(seen, broker.core->view().memory_bytes);
            }
            other.credit(1);
            broker.run();
            CPPUNIT_ASSERT_EQUAL(second == green ? std::size_t{0} : std::size_t{1}, other.deliveries.size());
            CPPUNIT_ASSERT_MESSAGE(std::to_string(seen) + " > " + std::to_string(most), seen <= most);
            other.close();
            Taker& all = broker.take_selected_now(queue, first, count);
            CPPUNIT_ASSERT_EQUAL(std::size_t{count}, all.deliveries.size());
            // What came back may be overtaken by what was judged before it.
            std::set<std::string> texts;
            for (const auto& delivery : all.deliveries) texts.insert(text_of(*delivery.message));
            CPPUNIT_ASSERT_EQUAL(std::size_t{count}, texts.size());
            CPPUNIT_ASSERT(broker.core->view().memory_bytes <= most);
        }
    }

    /// Memory has room for one of them at a time; who is ready may have neither, and who may have them is not ready.
    void what_only_another_consumer_may_have_is_not_read_again_in_turns() {
        core::CoreSettings settings;
        settings.memory_bytes = 256 * 1024;
        settings.queue_window_bytes = 64 * 1024;
        SelectingBroker broker(settings);
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 40; ++number) {
            broker.send_coloured(queue, "red", "r" + std::to_string(number), {.bytes = 20'000});
        }
        Taker& first = broker.take_selected_now(queue, red, 50);
        Taker& second = broker.take_selected_now(queue, red, 0);
        for (const auto* const text : {"r1", "r20", "r40"}) first.settle(text, Modified{false, true});
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{40}, first.deliveries.size());
        second.credit(50);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r20 r40"s, second.texts());
    }

    void many_selectors_read_the_store_together() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 2000; ++number) {
            broker.stage_coloured(queue, "c" + std::to_string(number % 100), "m" + std::to_string(number));
        }
        broker.run();
        const auto before = broker.doors->pages_asked;
        std::vector<Taker*> takers;
        for (int number = 0; number < 100; ++number) {
            takers.push_back(&broker.take_selected(queue, "colour = 'c" + std::to_string(number) + "'", 100));
        }
        broker.run();
        for (const auto* const taker : takers) CPPUNIT_ASSERT_EQUAL(std::size_t{20}, taker->deliveries.size());
        CPPUNIT_ASSERT_EQUAL("m100 m200 m300"s, takers[0]->texts().substr(0, 14));
        CPPUNIT_ASSERT(broker.doors->pages_asked - before < 400);
    }

    void nothing_is_delivered_beyond_the_durable_horizon() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(3000, 1000);
        Taker& reds = broker.take_selected(queue, red, 10);
        while (broker.doors->asked() > 0 || broker.work.answer()) broker.doors->answer_page();
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        CPPUNIT_ASSERT(!broker.doors->waiting().empty());
        broker.doors->write();
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r1001 r2001"s, reds.texts());
    }

    void after_a_crash_what_was_delivered_ahead_is_marked() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 100);
        Taker& reds = broker.take_selected_now(queue, red, 3);
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, reds.texts());
        broker.crash();
        Taker& again = broker.take_selected_now(queue, red, 3);
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, again.texts());
        for (const auto& delivery : again.deliveries) CPPUNIT_ASSERT_EQUAL(1u, delivery.delivery_count);
        // What lies behind what was delivered was certainly not.
        Taker& greens = broker.take_selected_now(queue, "colour = 'green'", 1000);
        CPPUNIT_ASSERT_EQUAL(0u, greens.count("g300"));
        CPPUNIT_ASSERT_EQUAL(0u, greens.count("g202"));
    }

    void after_a_clean_stop_what_was_held_ahead_is_marked() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 100);
        broker.take_selected_now(queue, red, 3);
        broker.restart();
        Taker& again = broker.take_selected_now(queue, red, 3);
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, again.texts());
        for (const auto& delivery : again.deliveries) CPPUNIT_ASSERT_EQUAL(1u, delivery.delivery_count);
    }

    void a_drain_looks_through_the_whole_store() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(500, 1000);
        broker.send_coloured(queue, "blue", "b1");
        Taker& blues = broker.take_selected(queue, "colour = 'blue'", 0);
        blues.drain(10);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("b1"s, blues.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, blues.drained_after.size());
    }

    void a_purge_takes_what_was_found_ahead_of_the_window() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(200, 10);
        Taker& reds = broker.take_selected_now(queue, red, 5);
        Answer<std::uint64_t> purged;
        reds.credit(5);
        broker.core->purge_queue(queue, purged.callback());
        broker.run();
        CPPUNIT_ASSERT(purged.ok());
        CPPUNIT_ASSERT_EQUAL(200 - reds.deliveries.size(), static_cast<std::size_t>(purged.result->value()));
        broker.settle_all(reds);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void a_browser_finds_what_lies_behind_the_window() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(1000, 100);
        Taker& browser = broker.browse_selected(queue, red, 3);
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, browser.texts());
        browser.drain(100);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(texts_every(1, 1000, 100), browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.size());
    }

    void a_browser_is_not_shown_what_is_held_ahead_of_the_window() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 100);
        Taker& reds = broker.take_selected_now(queue, red, 3);
        Taker& browser = broker.browse_selected(queue, "colour LIKE 'r%'", 100);
        CPPUNIT_ASSERT_EQUAL(""s, browser.texts());
        reds.close();
        broker.run();
        Taker& later = broker.browse_selected(queue, "colour LIKE 'r%'", 100);
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, later.texts());
    }

    void damage_is_passed_over_by_a_selector() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 100);
        broker.store->damage(MessageNumber{150});
        Taker& reds = broker.take_selected_now(queue, red, 10);
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, reds.texts());
    }

    void a_queue_deleted_while_its_store_is_searched_is_gone() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 100);
        Taker& reds = broker.take_selected(queue, red, 10);
        broker.doors->commit_waiting();
        broker.work.answer();
        broker.doors->snapshot();
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        broker.run();
        CPPUNIT_ASSERT(deleted.ok());
        CPPUNIT_ASSERT(reds.has_ended());
    }

    void a_read_that_fails_is_tried_again() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 100);
        broker.doors->reads_fail = true;
        Taker& reds = broker.take_selected_now(queue, red, 10);
        CPPUNIT_ASSERT(reds.deliveries.size() < 3);
        broker.doors->reads_fail = false;
        broker.tick();
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r101 r201"s, reds.texts());
    }
    static core::CoreSettings two_messages() {
        core::CoreSettings settings;
        settings.queue_window_messages = 2;
        settings.queue_window_bytes = settings.memory_bytes = 64 * 1024;
        return settings;
    }

    /// A queue with a red message that is durable, that a page brought before the core was told so, that a consumer had and gave back,
    /// and that the window let go again. With all memory used the window reads nothing for selectors.
    static DestinationId let_go_too_early(SelectingBroker& broker) {
        const auto queue = broker.make_queue("q");
        const auto big = broker.make_queue("big");
        const auto more = broker.make_queue("more");
        for (int number = 1; number <= 12; ++number) broker.stage_coloured(queue, "green", "g" + std::to_string(number));
        broker.run();
        broker.take_now(queue, 1).close();  // the delivery horizon is ahead now
        broker.run();
        broker.stage_coloured(queue, "red", "late");
        broker.doors->write();
        Taker& taker = broker.take(queue, 20);
        while (broker.doors->asked() > 0) broker.doors->answer_page();
        CPPUNIT_ASSERT_EQUAL(std::size_t{13}, taker.deliveries.size());
        taker.close();
        for (int number = 1; number <= 8; ++number) broker.stage(big, "b", {.durable = non_persistent, .bytes = 7000});
        broker.tick();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).window_messages);
        broker.take(more, 0);
        broker.stage(more, "b", {.durable = non_persistent, .bytes = 10'000});
        return queue;
    }

    void what_a_page_brought_too_early_and_was_let_go_again_is_not_missed() {
        SelectingBroker broker(two_messages());
        const auto queue = let_go_too_early(broker);
        Taker& selecting = broker.take_selected(queue, red, 10);
        while (broker.doors->asked() > 0) broker.doors->answer_page();
        // Only now is the core told that it is durable.
        broker.run();
        CPPUNIT_ASSERT_EQUAL("late"s, selecting.texts());
    }

    void what_a_page_brought_too_early_and_was_let_go_again_is_seen_by_a_drain() {
        for (const bool browses : {false, true}) {
            SelectingBroker broker(two_messages());
            const auto queue = let_go_too_early(broker);
            core::ConsumerCommand command;
            command.selector = broker.program(red);
            if (browses) command.mode = core::ConsumerMode::browse;
            Taker& selecting = broker.take(queue, 0, std::move(command));
            selecting.drain(10);
            while (broker.doors->asked() > 0) broker.doors->answer_page();
            CPPUNIT_ASSERT_EQUAL("late"s, selecting.texts());
            CPPUNIT_ASSERT(selecting.drained_after == std::vector<std::size_t>{1});
            broker.run();
            CPPUNIT_ASSERT_EQUAL("late"s, selecting.texts());
        }
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CoreSelectorsPagingTest);

}  // namespace giromq::test
