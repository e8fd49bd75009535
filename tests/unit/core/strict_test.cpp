#include "unit/core/manager.hpp"
#include "unit/core/selecting.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Queues of which nothing is given out past a message that somebody has and has not decided about.
class CoreStrictTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreStrictTest);
    CPPUNIT_TEST(what_is_behind_a_held_message_goes_to_its_holder_only);
    CPPUNIT_TEST(what_is_behind_a_prepared_get_waits_for_the_commit);
    CPPUNIT_TEST(what_is_behind_a_prepared_get_comes_after_it_when_it_is_rolled_back);
    CPPUNIT_TEST(a_transaction_may_take_several_and_others_wait_for_all_of_them);
    CPPUNIT_TEST(a_transaction_whose_consumer_is_gone_still_holds_the_queue_up);
    CPPUNIT_TEST(a_refused_commit_gives_back_before_anybody_has_come_past);
    CPPUNIT_TEST(a_drain_is_answered_while_the_queue_waits);
    CPPUNIT_TEST(browsers_see_what_waits);
    CPPUNIT_TEST(consumers_with_selectors_wait_as_well);
    CPPUNIT_TEST(what_a_selector_has_found_waits_behind_what_comes_back);
    CPPUNIT_TEST(after_a_crash_a_prepared_get_holds_the_queue_up_again);
    CPPUNIT_TEST(in_memory_only_a_prepared_get_holds_the_queue_up_too);
    CPPUNIT_TEST(a_prepared_get_stays_nobodys_when_settings_change);
    CPPUNIT_TEST(a_prepared_put_holds_nobody_up);
    CPPUNIT_TEST(what_comes_back_after_a_purge_comes_first);
    CPPUNIT_TEST(a_queue_that_waits_reads_no_more_pages_than_it_needs);
    CPPUNIT_TEST(other_queues_flow_past_a_prepared_get);
    CPPUNIT_TEST(a_configuration_may_make_a_queue_strict_while_a_branch_is_prepared);
    CPPUNIT_TEST_SUITE_END();

    static DestinationId make_strict(Broker& broker, const std::string& name = "q") {
        return broker.make_queue(name, [](auto& settings) { settings.strict = true; });
    }
    static DestinationId make_filled(Broker& broker, int messages) {
        const auto queue = make_strict(broker);
        broker.send_many(queue, "m", messages);
        return queue;
    }
    /// The branch "x" has got m1 and is prepared.
    static Taker& prepare_m1(Manager& manager, DestinationId queue) {
        Taker& taker = manager.controller.take(queue, 1);
        const auto id = manager.start("x");
        manager.controller.get(id, taker, "m1");
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        return taker;
    }

    void what_is_behind_a_held_message_goes_to_its_holder_only() {
        Broker broker;
        const auto queue = make_filled(broker, 4);
        Taker& first = broker.take_now(queue, 1);
        Taker& second = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1"s, first.texts());
        CPPUNIT_ASSERT_EQUAL(""s, second.texts());
        first.credit(1);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, first.texts());
        first.accept("m1");
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, second.texts());
        first.release("m2");
        CPPUNIT_ASSERT_EQUAL("m2 m3 m4"s, second.texts());
    }

    void what_is_behind_a_prepared_get_waits_for_the_commit() {
        Broker broker;
        const auto queue = make_filled(broker, 3);
        Manager manager(broker);
        Taker& own = prepare_m1(manager, queue);
        own.credit(10);
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1"s, own.texts());
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, own.texts() + other.texts());
    }

    void what_is_behind_a_prepared_get_comes_after_it_when_it_is_rolled_back() {
        Broker broker;
        const auto queue = make_filled(broker, 3);
        Manager manager(broker);
        prepare_m1(manager, queue);
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, other.texts());
        CPPUNIT_ASSERT_EQUAL(1u, other.count("m1"));
    }

    void a_transaction_may_take_several_and_others_wait_for_all_of_them() {
        Broker broker;
        const auto queue = make_filled(broker, 4);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        taker.credit(1);
        controller.get(transaction, taker, "m2");
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        controller.roll_back(transaction);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4"s, other.texts());
    }

    void a_transaction_whose_consumer_is_gone_still_holds_the_queue_up() {
        Broker broker;
        const auto queue = make_filled(broker, 2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        taker.close();
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        const auto& committing = controller.discharge(transaction, false);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        broker.doors->run();
        CPPUNIT_ASSERT(committing.ok());
        CPPUNIT_ASSERT_EQUAL("m2"s, other.texts());
    }

    void a_refused_commit_gives_back_before_anybody_has_come_past() {
        Broker broker;
        const auto queue = make_filled(broker, 2);
        const auto to = broker.make_queue("to");
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, to, "answer");
        Taker& other = broker.take_now(queue, 10);
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(!controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, other.texts());
    }

    void a_drain_is_answered_while_the_queue_waits() {
        for (const auto& settings : {core::CoreSettings{}, tiny_windows()}) {
            SelectingBroker broker(settings);
            const auto queue = make_strict(broker);
            for (int number = 1; number <= 20; ++number) broker.stage(queue, "m" + std::to_string(number), {.bytes = 1000});
            broker.run();
            Manager manager(broker);
            prepare_m1(manager, queue);
            Taker& plain = broker.take(queue, 0);
            Taker& selecting = broker.take_selected(queue, "JMSPriority = 4", 0);
            plain.drain(10);
            selecting.drain(10);
            broker.run();
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, plain.drained_after.size());
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, selecting.drained_after.size());
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
            CPPUNIT_ASSERT_EQUAL(""s, plain.texts());
            plain.drain(2);
            broker.run();
            CPPUNIT_ASSERT_EQUAL("m2 m3"s, plain.texts().substr(0, 2) + plain.texts().substr(plain.texts().find(" m")));
        }
    }

    void browsers_see_what_waits() {
        Broker broker;
        const auto queue = make_filled(broker, 3);
        Manager manager(broker);
        prepare_m1(manager, queue);
        Taker& browser = broker.browse(queue, 10);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, browser.texts());
    }

    void consumers_with_selectors_wait_as_well() {
        SelectingBroker broker;
        const auto queue = make_strict(broker);
        broker.send(queue, "m1");
        for (const auto* const text : {"red 1", "red 2"}) broker.send(queue, text, coloured("red", text));
        broker.send(queue, "blue", coloured("blue", "blue"));
        Manager manager(broker);
        prepare_m1(manager, queue);
        Taker& reds = broker.take_selected_now(queue, "colour = 'red'", 1);
        Taker& blues = broker.take_selected_now(queue, "colour = 'blue'", 1);
        CPPUNIT_ASSERT_EQUAL(""s, reds.texts() + blues.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        broker.run();
        CPPUNIT_ASSERT_EQUAL("red 1"s, reds.texts());
        // A selector passes over what is free and not for it, but not over what is out.
        CPPUNIT_ASSERT_EQUAL(""s, blues.texts());
        reds.accept("red 1");
        broker.run();
        CPPUNIT_ASSERT_EQUAL("blue"s, blues.texts());
    }

    void what_a_selector_has_found_waits_behind_what_comes_back() {
        for (const std::string_view selector : {std::string_view("colour = 'red'"), red_body}) {
            SelectingBroker broker(tiny_windows());
            const auto queue = make_strict(broker);
            Texts all;
            for (int number = 1; number <= 8; ++number) {
                all.push_back(R"({"colour":"red","n":)" + std::to_string(number) + "}");
                broker.send(queue, all.back(), coloured("red", all.back(), {.bytes = 800}));
            }
            Taker& first = broker.take_selected_now(queue, selector, 2);
            CPPUNIT_ASSERT_EQUAL(std::size_t{2}, first.deliveries.size());
            Taker& second = broker.take_selected_now(queue, selector, 20);
            CPPUNIT_ASSERT_EQUAL(""s, second.texts());
            first.close();
            broker.run();
            CPPUNIT_ASSERT_EQUAL(join(all), second.texts());
        }
    }

    void after_a_crash_a_prepared_get_holds_the_queue_up_again() {
        for (const auto& settings : {core::CoreSettings{}, tiny_windows()}) {
            Broker broker(settings);
            const auto queue = make_filled(broker, 30);
            {
                Manager manager(broker);
                prepare_m1(manager, queue);
            }
            broker.crash();
            Manager manager(broker);
            Taker& other = broker.take_now(queue, 3);
            CPPUNIT_ASSERT_EQUAL(""s, other.texts());
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
            CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, other.texts());
        }
    }

    void in_memory_only_a_prepared_get_holds_the_queue_up_too() {
        Broker broker;
        const auto queue = make_strict(broker);
        broker.send_many(queue, "m", 2, {.durable = non_persistent});
        Manager manager(broker);
        Taker& own = prepare_m1(manager, queue);
        own.credit(10);
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1"s, own.texts() + other.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, own.texts() + other.texts());
    }

    void a_prepared_get_stays_nobodys_when_settings_change() {
        for (const bool is_durable : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            broker.send_many(queue, "m", 2, {.durable = is_durable});
            Manager manager(broker);
            Taker& own = prepare_m1(manager, queue);
            auto settings = broker.view(queue).settings;
            settings.strict = true;
            Answer<void> changed;
            broker.core->change_queue(queue, settings, changed.callback());
            broker.run();
            own.credit(10);
            broker.run();
            CPPUNIT_ASSERT_EQUAL("m1"s, own.texts());
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
            CPPUNIT_ASSERT_EQUAL("m1 m1 m2"s, own.texts());
        }
    }

    void a_prepared_put_holds_nobody_up() {
        Broker broker;
        const auto queue = make_filled(broker, 1);
        Manager manager(broker);
        const auto id = manager.start("x");
        manager.controller.put(id, queue, "from x");
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        broker.send(queue, "m2");
        Taker& taker = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m2 from x"s, taker.texts());
    }

    void what_comes_back_after_a_purge_comes_first() {
        Broker broker;
        const auto queue = make_filled(broker, 3);
        {
            Manager manager(broker);
            prepare_m1(manager, queue);
        }
        broker.crash();
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        broker.doors->run();
        broker.send(queue, "m4");
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, Manager(broker).rollback("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m4"s, other.texts());
    }

    void a_queue_that_waits_reads_no_more_pages_than_it_needs() {
        Broker broker(tiny_windows());
        const auto queue = make_filled(broker, 200);
        Manager manager(broker);
        prepare_m1(manager, queue);
        broker.take_now(queue, 10);
        const auto read = broker.doors->pages_asked;
        for (int ticks = 0; ticks < 20; ++ticks) {
            broker.tick();
            broker.doors->run();
        }
        CPPUNIT_ASSERT_EQUAL(read, broker.doors->pages_asked);
        CPPUNIT_ASSERT(read < 10);
    }

    void other_queues_flow_past_a_prepared_get() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Manager manager(broker);
        prepare_m1(manager, queue);
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.take_now(queue, 10).texts());
    }

    void a_configuration_may_make_a_queue_strict_while_a_branch_is_prepared() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        {
            Manager manager(broker);
            prepare_m1(manager, queue);
        }
        auto settings = broker.view(queue).settings;
        settings.strict = true;
        broker.configured = {settings};
        broker.crash();
        Taker& taker = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, Manager(broker).commit("x"));
        CPPUNIT_ASSERT_EQUAL("m2"s, taker.texts());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreStrictTest);

}  // namespace giromq::test
