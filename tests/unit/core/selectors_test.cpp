#include "unit/core/selecting.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Consumers with selectors on a queue that is in memory: who gets what, in which order, and that nobody waits for another.
class CoreSelectorsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreSelectorsTest);
    CPPUNIT_TEST(a_consumer_gets_only_what_it_selects);
    CPPUNIT_TEST(what_was_sent_before_is_found_in_order);
    CPPUNIT_TEST(what_nobody_wants_stalls_nobody);
    CPPUNIT_TEST(what_a_consumer_does_not_want_stays_in_order_for_others);
    CPPUNIT_TEST(a_selecting_consumer_and_a_plain_one_are_served_in_turn);
    CPPUNIT_TEST(consumers_with_the_same_selector_are_served_in_turn);
    CPPUNIT_TEST(consumers_with_overlapping_selectors_are_served_in_turn);
    CPPUNIT_TEST(credit_is_never_exceeded_and_what_was_found_waits_for_it);
    CPPUNIT_TEST(nothing_is_shown_before_it_is_durable);
    CPPUNIT_TEST(nothing_behind_a_pending_message_is_shown);
    CPPUNIT_TEST(a_released_message_is_offered_again_in_its_place);
    CPPUNIT_TEST(a_closed_consumer_returns_its_messages_to_others_that_want_them);
    CPPUNIT_TEST(a_message_returned_to_nobody_is_there_for_the_next);
    CPPUNIT_TEST(a_failed_message_is_counted_and_comes_again);
    CPPUNIT_TEST(a_message_that_fails_too_often_is_a_dead_letter);
    CPPUNIT_TEST(an_undeliverable_message_goes_to_another_with_the_same_selector);
    CPPUNIT_TEST(an_undeliverable_message_waits_for_another_with_the_same_selector);
    CPPUNIT_TEST(a_selector_may_ask_how_often_a_message_was_delivered);
    CPPUNIT_TEST(an_expired_message_is_not_delivered);
    CPPUNIT_TEST(a_drain_is_answered_although_others_messages_wait);
    CPPUNIT_TEST(a_drain_gives_all_that_is_selected_first);
    CPPUNIT_TEST(presettled_messages_are_removed_at_delivery);
    CPPUNIT_TEST(non_persistent_messages_are_selected);
    CPPUNIT_TEST(a_body_is_judged_by_a_worker);
    CPPUNIT_TEST(a_body_returned_is_judged_again);
    CPPUNIT_TEST(a_body_that_costs_too_much_is_unknown_and_counted);
    CPPUNIT_TEST(what_came_back_while_a_worker_judged_is_not_lost);
    CPPUNIT_TEST(a_consumer_may_go_while_a_worker_judges_for_it);
    CPPUNIT_TEST(a_queue_may_go_while_a_worker_judges_it);
    CPPUNIT_TEST(a_browser_sees_only_what_it_selects);
    CPPUNIT_TEST(a_browser_sees_what_arrives_later);
    CPPUNIT_TEST(a_browser_that_looks_into_bodies_waits_for_a_worker);
    CPPUNIT_TEST(a_browser_is_not_shown_what_was_taken_while_a_worker_judged);
    CPPUNIT_TEST(a_thousand_selectors_share_one_queue);
    CPPUNIT_TEST(twins_in_xml_and_sql_are_one_selector);
    CPPUNIT_TEST(purged_messages_are_not_delivered);
    CPPUNIT_TEST_SUITE_END();

    void a_consumer_gets_only_what_it_selects() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& reds = broker.take_selected(queue, red, 10);
        Taker& greens = broker.take_selected(queue, green, 10);
        for (const auto* const text : {"r1", "g1", "b1", "r2", "g2"}) {
            broker.send_coloured(queue, text[0] == 'r' ? "red" : text[0] == 'g' ? "green" : "blue", text);
        }
        CPPUNIT_ASSERT_EQUAL("r1 r2"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL("g1 g2"s, greens.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(2u, broker.view(queue).selectors);
    }

    void what_was_sent_before_is_found_in_order() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(600);
        Taker& greens = broker.take_selected_now(queue, green, 1000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{300}, greens.deliveries.size());
        CPPUNIT_ASSERT_EQUAL("g2 g4 g6"s, greens.texts().substr(0, 8));
        for (std::size_t index = 1; index < greens.deliveries.size(); ++index) {
            CPPUNIT_ASSERT(greens.deliveries[index - 1].position < greens.deliveries[index].position);
        }
    }

    void what_nobody_wants_stalls_nobody() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "blue", "b1");
        Taker& reds = broker.take_selected(queue, red, 10);
        broker.send_coloured(queue, "blue", "b2");
        broker.send_coloured(queue, "red", "r1");
        CPPUNIT_ASSERT_EQUAL("r1"s, reds.texts());
        broker.settle_all(reds);
        CPPUNIT_ASSERT_EQUAL("b1 b2"s, broker.drain_all(queue));
    }

    void what_a_consumer_does_not_want_stays_in_order_for_others() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(8);
        Taker& reds = broker.take_selected_now(queue, red, 2);
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, reds.texts());
        Taker& plain = broker.take(queue, 10);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("g2 g4 r5 g6 r7 g8"s, plain.texts());
    }

    void a_selecting_consumer_and_a_plain_one_are_served_in_turn() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& plain = broker.take(queue, 10);
        Taker& reds = broker.take_selected(queue, red, 10);
        for (int number = 1; number <= 6; ++number) broker.send_coloured(queue, "red", "r" + std::to_string(number));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, plain.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, reds.deliveries.size());
    }

    void consumers_with_the_same_selector_are_served_in_turn() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& first = broker.take_selected(queue, red, 10);
        Taker& second = broker.take_selected(queue, red, 10);
        for (int number = 1; number <= 4; ++number) broker.send_coloured(queue, "red", "r" + std::to_string(number));
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, first.texts());
        CPPUNIT_ASSERT_EQUAL("r2 r4"s, second.texts());
        CPPUNIT_ASSERT_EQUAL(1u, broker.view(queue).selectors);
    }

    void consumers_with_overlapping_selectors_are_served_in_turn() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& all = broker.take_selected(queue, "colour IS NOT NULL", 10);
        Taker& reds = broker.take_selected(queue, red, 10);
        for (int number = 1; number <= 4; ++number) broker.send_coloured(queue, "red", "r" + std::to_string(number));
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, all.texts());
        CPPUNIT_ASSERT_EQUAL("r2 r4"s, reds.texts());
    }

    void credit_is_never_exceeded_and_what_was_found_waits_for_it() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& reds = broker.take_selected(queue, red, 1);
        for (int number = 1; number <= 5; ++number) broker.send_coloured(queue, "red", "r" + std::to_string(number));
        CPPUNIT_ASSERT_EQUAL("r1"s, reds.texts());
        reds.credit(2);
        CPPUNIT_ASSERT_EQUAL("r1 r2 r3"s, reds.texts());
        reds.credit(10);
        CPPUNIT_ASSERT_EQUAL("r1 r2 r3 r4 r5"s, reds.texts());
    }

    void nothing_is_shown_before_it_is_durable() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& reds = broker.take_selected(queue, red, 10);
        broker.stage_coloured(queue, "red", "r1");
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        broker.doors->write();
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1"s, reds.texts());
    }

    void nothing_behind_a_pending_message_is_shown() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& reds = broker.take_selected(queue, red, 10);
        broker.stage_coloured(queue, "green", "g1");
        broker.stage_coloured(queue, "red", "r1", {.durable = non_persistent});
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        reds.drain();
        CPPUNIT_ASSERT(reds.drained_after.empty());
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reds.drained_after.size());
    }

    void a_released_message_is_offered_again_in_its_place() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(10);
        Taker& reds = broker.take_selected_now(queue, red, 3);
        reds.release("r1");
        CPPUNIT_ASSERT_EQUAL("r1 r3 r5"s, reds.texts());
        reds.credit(2);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r3 r5 r1 r7"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(0u, reds.count("r1"));
    }

    void a_closed_consumer_returns_its_messages_to_others_that_want_them() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(6);
        Taker& gone = broker.take_selected_now(queue, red, 10);
        Taker& reds = broker.take_selected_now(queue, "colour <> 'green'", 10);
        Taker& greens = broker.take_selected_now(queue, green, 10);
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        gone.close();
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r3 r5"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL("g2 g4 g6"s, greens.texts());
    }

    void a_message_returned_to_nobody_is_there_for_the_next() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(4);
        Taker& gone = broker.take_selected_now(queue, red, 10);
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, gone.texts());
        gone.close(core::CloseReason::lost);
        broker.run();
        Taker& reds = broker.take_selected_now(queue, red, 10);
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(1u, reds.count("r1"));
        CPPUNIT_ASSERT_EQUAL(1u, reds.count("r3"));
    }

    void a_failed_message_is_counted_and_comes_again() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(4);
        Taker& reds = broker.take_selected_now(queue, red, 3);
        reds.fail("r1");
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r3 r1"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(1u, reds.count("r1"));
    }

    void a_message_that_fails_too_often_is_a_dead_letter() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q", [](DestinationSettings& settings) {
            settings.max_deliveries = 2;
            settings.dead_letter_queue = "dead";
        });
        broker.send_coloured(queue, "red", "r1");
        Taker& reds = broker.take_selected_now(queue, red, 10);
        for (int time = 0; time < 2; ++time) {
            reds.fail("r1");
            broker.run();
        }
        CPPUNIT_ASSERT_EQUAL("r1 r1"s, reds.texts());
        Taker& dead = broker.take_selected_now(broker.queue("dead"), red, 10);
        CPPUNIT_ASSERT_EQUAL("r1"s, dead.texts());
        CPPUNIT_ASSERT_EQUAL("max-deliveries"s, dead.deliveries[0].dead_letter->cause);
    }

    void an_undeliverable_message_goes_to_another_with_the_same_selector() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(2);
        Taker& first = broker.take_selected_now(queue, red, 10);
        Taker& second = broker.take_selected_now(queue, red, 10);
        first.settle("r1", Modified{false, true});
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1"s, first.texts());
        CPPUNIT_ASSERT_EQUAL("r1"s, second.texts());
    }

    void an_undeliverable_message_waits_for_another_with_the_same_selector() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(2);
        Taker& first = broker.take_selected_now(queue, red, 10);
        first.settle("r1", Modified{false, true});
        broker.send_coloured(queue, "red", "r3");
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, first.texts());
        Taker& second = broker.take_selected_now(queue, red, 10);
        CPPUNIT_ASSERT_EQUAL("r1"s, second.texts());
        CPPUNIT_ASSERT_EQUAL("r1 r3"s, first.texts());
    }

    void a_selector_may_ask_how_often_a_message_was_delivered() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(2);
        Taker& fresh = broker.take_selected_now(queue, "colour = 'red' AND JMSXDeliveryCount = 1", 10);
        Taker& again = broker.take_selected_now(queue, "colour = 'red' AND JMSXDeliveryCount > 1", 10);
        CPPUNIT_ASSERT_EQUAL("r1"s, fresh.texts());
        CPPUNIT_ASSERT_EQUAL(""s, again.texts());
        fresh.fail("r1");
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1"s, fresh.texts());
        CPPUNIT_ASSERT_EQUAL("r1"s, again.texts());
    }

    void an_expired_message_is_not_delivered() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "red", "r1", {.expires_in_ms = 50});
        broker.send_coloured(queue, "red", "r2");
        Taker& reds = broker.take_selected(queue, red, 0);
        broker.run();
        broker.clock.advance(std::chrono::milliseconds(60));
        reds.credit(5);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r2"s, reds.texts());
    }

    void a_drain_is_answered_although_others_messages_wait() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "green", "g1");
        Taker& reds = broker.take_selected(queue, red, 0);
        reds.drain(5);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reds.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
    }

    void a_drain_gives_all_that_is_selected_first() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(1200, 3);
        Taker& reds = broker.take_selected(queue, red, 0);
        reds.drain(1000);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reds.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{400}, reds.drained_after[0]);
    }

    void presettled_messages_are_removed_at_delivery() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(6);
        core::ConsumerCommand command;
        command.presettled = true;
        command.selector = broker.program(red);
        Taker& reds = broker.take(queue, 10, std::move(command));
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1 r3 r5"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL("g2 g4 g6"s, broker.stored(queue));
    }

    void non_persistent_messages_are_selected() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "green", "g1", {.durable = non_persistent});
        broker.send_coloured(queue, "red", "r1", {.durable = non_persistent});
        Taker& reds = broker.take_selected_now(queue, "colour = 'red' AND JMSDeliveryMode = 'NON_PERSISTENT'", 10);
        broker.send_coloured(queue, "red", "r2", {.durable = non_persistent});
        CPPUNIT_ASSERT_EQUAL("r1 r2"s, reds.texts());
    }

    static constexpr const char* red_json = R"({"colour":"red"})";
    static constexpr const char* green_json = R"({"colour":"green"})";

    void a_body_is_judged_by_a_worker() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", red_json);
        Taker& reds = broker.take_selected(queue, red_body, 10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.work.waiting());
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::string(red_json), reds.texts());
        broker.stage_coloured(queue, "", green_json);
        broker.stage_coloured(queue, "", red_json);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reds.deliveries.size());
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, reds.deliveries.size());
    }

    void a_body_returned_is_judged_again() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", red_json);
        Taker& gone = broker.take(queue, 1);
        Taker& reds = broker.take_selected_now(queue, red_body, 10);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, gone.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, reds.deliveries.size());
        gone.close();
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reds.deliveries.size());
    }

    void a_body_that_costs_too_much_is_unknown_and_counted() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", "{\"a\":\"" + std::string(400 * 1024, 'x') + "\",\"colour\":\"red\"}");
        broker.send_coloured(queue, "", red_json);
        Taker& reds = broker.take_selected_now(queue, red_body, 10);
        CPPUNIT_ASSERT_EQUAL(std::string(red_json), reds.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).selectors_over_budget);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().selectors_over_budget);
    }

    void what_came_back_while_a_worker_judged_is_not_lost() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", red_json);
        broker.send_coloured(queue, "", green_json);
        Taker& holder = broker.take(queue, 1);
        broker.doors->run();
        Taker& reds = broker.take_selected(queue, red_body, 10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.work.waiting());  // it judges the second message
        holder.close();
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::string(red_json), reds.texts());
    }

    void a_consumer_may_go_while_a_worker_judges_for_it() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", red_json);
        Taker& gone = broker.take_selected(queue, red_body, 10);
        broker.work.work();
        gone.close();
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, gone.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::string(red_json), broker.drain_all(queue));
    }

    void a_queue_may_go_while_a_worker_judges_it() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", red_json);
        Taker& taker = broker.take_selected(queue, red_body, 10);
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        broker.run();
        CPPUNIT_ASSERT(deleted.ok());
        CPPUNIT_ASSERT(taker.has_ended());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.deliveries.size());
    }

    void a_browser_sees_only_what_it_selects() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(500);
        Taker& browser = broker.browse_selected(queue, red, 3);
        CPPUNIT_ASSERT_EQUAL("r1 r3 r5"s, browser.texts());
        browser.drain(1000);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{250}, browser.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
    }

    void a_browser_sees_what_arrives_later() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        Taker& browser = broker.browse_selected(queue, red, 10);
        broker.send_coloured(queue, "green", "g1");
        broker.send_coloured(queue, "red", "r1");
        CPPUNIT_ASSERT_EQUAL("r1"s, browser.texts());
    }

    void a_browser_that_looks_into_bodies_waits_for_a_worker() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", green_json);
        broker.send_coloured(queue, "", red_json);
        core::ConsumerCommand command;
        command.mode = core::ConsumerMode::browse;
        command.selector = broker.program(red_body);
        Taker& browser = broker.take(queue, 0, std::move(command));
        browser.drain(10);
        broker.doors->run();
        CPPUNIT_ASSERT(browser.drained_after.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.work.waiting());
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::string(red_json), browser.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browser.drained_after.size());
    }

    void a_browser_is_not_shown_what_was_taken_while_a_worker_judged() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.send_coloured(queue, "", red_json);
        core::ConsumerCommand command;
        command.mode = core::ConsumerMode::browse;
        command.selector = broker.program(red_body);
        Taker& browser = broker.take(queue, 10, std::move(command));
        broker.work.work();
        Taker& taker = broker.take(queue, 1);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, browser.deliveries.size());
    }

    void a_thousand_selectors_share_one_queue() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        std::vector<Taker*> takers;
        for (int number = 0; number < 1000; ++number) {
            takers.push_back(&broker.take_selected(queue, "colour = 'c" + std::to_string(number) + "'", 10));
        }
        for (int number = 999; number >= 0; --number) {
            broker.stage_coloured(queue, "c" + std::to_string(number), "m" + std::to_string(number));
        }
        broker.run();
        for (int number = 0; number < 1000; ++number) {
            CPPUNIT_ASSERT_EQUAL("m" + std::to_string(number), takers[static_cast<std::size_t>(number)]->texts());
        }
        CPPUNIT_ASSERT_EQUAL(1000u, broker.view(queue).selectors);
    }

    void twins_in_xml_and_sql_are_one_selector() {
        SelectingBroker broker;
        const auto queue = broker.make_queue("q");
        broker.take_selected(queue, red, 1);
        broker.take_selected(
            queue, R"(<selector xmlns="urn:giromq:selector:1"><eq><property name="colour"/><string v="red"/></eq></selector>)", 1);
        CPPUNIT_ASSERT_EQUAL(1u, broker.view(queue).selectors);
    }

    void purged_messages_are_not_delivered() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(6);
        Taker& reds = broker.take_selected_now(queue, red, 1);
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        reds.credit(10);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("r1"s, reds.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, purged.result->value());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CoreSelectorsTest);

}  // namespace giromq::test
