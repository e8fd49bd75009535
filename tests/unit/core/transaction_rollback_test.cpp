#include "unit/core/controller.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// The ways in which a transaction is undone, each of which returns several messages at once, some of them to the dead-letter queue.
class CoreTransactionRollbackTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreTransactionRollbackTest);
    CPPUNIT_TEST(a_count_is_on_its_way_before_the_message_is_shown_again);
    CPPUNIT_TEST(a_rollback_is_answered_before_its_messages_are_shown_again);
    CPPUNIT_TEST(a_timeout_is_answered_before_its_messages_are_shown_again);
    CPPUNIT_TEST(transactions_that_time_out_together_are_all_undone_before_anything_is_shown_again);
    CPPUNIT_TEST(a_refused_commit_holds_up_nothing_in_the_dead_letter_queue);
    CPPUNIT_TEST_SUITE_END();

    enum class End : std::uint8_t { rollback, timeout, control_lost, connection_lost, refused };

    /// A transaction has got "d" out of the dead-letter queue and then "n", which is in memory only and has failed often enough, so that it
    /// is moved there at once. Somebody waits at the dead-letter queue.
    struct Scene {
        explicit Scene(bool presettled = true) : broker(settings()) {
            queue = broker.make_queue("q", [](auto& one) { one.max_deliveries = 1; });
            other = broker.make_queue("other");
            broker.send(queue, "d");
            Taker& first = broker.take_now(queue, 1);
            first.fail("d");
            first.close();
            broker.doors->run();
            dead_letters = broker.queue("DLQ");
            broker.send(queue, "n", {.durable = non_persistent});
            controller = std::make_unique<Controller>(broker);
            transaction = controller->declare();
            controller->get(transaction, controller->take(dead_letters, 1), "d");
            controller->get(transaction, controller->take(queue, 1), "n");
            broker.doors->run();
            waiting = &(presettled ? broker.take_presettled(dead_letters, 10) : broker.take(dead_letters, 10));
        }
        static core::CoreSettings settings() {
            core::CoreSettings settings;
            settings.transaction_timeout = 1s;
            return settings;
        }
        void finish(End end) {
            switch (end) {
                case End::rollback: controller->discharge(transaction, true); break;
                case End::timeout: broker.tick(1100ms); break;
                case End::control_lost: broker.core->close_control(controller->control); break;
                case End::connection_lost: broker.core->close_connection(controller->connection, core::CloseReason::lost); break;
                case End::refused:
                    controller->put(transaction, other, "x");
                    broker.doors->disk_full = true;
                    controller->discharge(transaction, false);
                    break;
            }
            broker.doors->run();
        }

        Broker broker;
        DestinationId queue;
        DestinationId other;
        DestinationId dead_letters;
        std::unique_ptr<Controller> controller;
        TransactionId transaction;
        Taker* waiting = nullptr;
    };

    /// The other order would set the count of an entry that has been removed.
    void a_count_is_on_its_way_before_the_message_is_shown_again() {
        for (const auto end : {End::rollback, End::timeout, End::control_lost, End::connection_lost, End::refused}) {
            Scene scene;
            scene.finish(end);
            CPPUNIT_ASSERT_EQUAL("d n"s, scene.waiting->texts());
            CPPUNIT_ASSERT_EQUAL(1U, scene.waiting->count("d"));
            CPPUNIT_ASSERT_EQUAL(""s, scene.broker.stored(scene.dead_letters));
        }
    }

    void a_rollback_is_answered_before_its_messages_are_shown_again() {
        for (const bool commits : {false, true}) {
            Scene scene(false);
            if (commits) {
                scene.controller->put(scene.transaction, scene.other, "x");
                scene.broker.doors->disk_full = true;
            }
            std::optional<std::string> shown_before;
            scene.broker.core->discharge(scene.controller->connection, scene.transaction, !commits,
                                         [&](const Result<void>&) { shown_before = scene.waiting->texts(); });
            scene.broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(""s, shown_before.value());
            CPPUNIT_ASSERT_EQUAL("d n"s, scene.waiting->texts());
        }
    }

    void a_timeout_is_answered_before_its_messages_are_shown_again() {
        Scene scene(false);
        scene.broker.core->await_put(scene.controller->connection, scene.transaction);
        std::optional<std::string> shown_before;
        scene.broker.core->discharge(scene.controller->connection, scene.transaction, false,
                                     [&](const Result<void>&) { shown_before = scene.waiting->texts(); });
        scene.finish(End::timeout);
        CPPUNIT_ASSERT_EQUAL(""s, shown_before.value());
        CPPUNIT_ASSERT_EQUAL("d n"s, scene.waiting->texts());
    }

    void transactions_that_time_out_together_are_all_undone_before_anything_is_shown_again() {
        Broker broker(Scene::settings());
        const auto queue = broker.make_filled_queue(2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto first = controller.declare();
        const auto second = controller.declare();
        // The later message in the earlier transaction.
        controller.get(first, taker, "m2");
        controller.get(second, taker, "m1");
        Taker& other = broker.take_now(queue, 2);
        broker.tick(1100ms);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, other.texts());
    }

    void a_refused_commit_holds_up_nothing_in_the_dead_letter_queue() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        const auto dead_letters = broker.queue("DLQ");
        broker.send(queue, "n", {.durable = non_persistent});
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        Taker& waiting = broker.take(dead_letters, 10);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1", Rejected{"amqp:decode-error", "no amount"});
        controller.put(transaction, queue, "x");
        controller.discharge(transaction, false);
        // In memory only, it is there at once, behind m1 on its way.
        taker.reject("n");
        CPPUNIT_ASSERT_EQUAL(""s, waiting.texts());
        broker.doors->disk_full = true;
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("n"s, waiting.texts());
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.stored(queue));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreTransactionRollbackTest);

}  // namespace giromq::test
