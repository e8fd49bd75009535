#include "unit/core/manager.hpp"

using namespace std::string_literals;

namespace giromq::test {

using Kind = core::XaCall::Kind;

/// Messages that fail too often by what becomes of a prepared branch, wherever they are then: in memory, or only in the store.
class CoreBranchFailureTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreBranchFailureTest);
    CPPUNIT_TEST(what_fails_too_often_by_a_rollback_is_a_dead_letter);
    CPPUNIT_TEST(it_is_one_as_soon_as_the_rollback_is_durable);
    CPPUNIT_TEST(it_takes_its_place_among_other_dead_letters);
    CPPUNIT_TEST(one_that_was_released_in_the_branch_counts_too);
    CPPUNIT_TEST(one_that_has_not_failed_too_often_goes_back);
    CPPUNIT_TEST(what_fails_too_often_by_a_commit_says_how_often);
    CPPUNIT_TEST(a_dead_letter_queue_is_not_deleted_while_one_is_on_its_way);
    CPPUNIT_TEST(dead_letters_take_the_room_of_producers);
    CPPUNIT_TEST(what_a_branch_has_kept_is_kept_as_a_dead_letter);
    CPPUNIT_TEST(a_send_that_is_refused_before_a_branch_is_committed_can_be_sent_again);
    CPPUNIT_TEST_SUITE_END();

    static DestinationId make_queue(Broker& broker, std::uint32_t most) {
        const auto queue = broker.make_queue("q", [most](auto& settings) { settings.max_deliveries = most; });
        broker.send_many(queue, "m", 20);
        return queue;
    }
    /// The branch "x" has got m1, which had failed before or not, and is prepared.
    static void prepare_m1(Broker& broker, DestinationId queue, const Outcome& outcome, bool has_failed) {
        Manager manager(broker);
        Taker& taker = manager.controller.take(queue, 1);
        if (has_failed) {
            taker.fail("m1");
            taker.credit(1);
            broker.doors->run();
        }
        const auto id = manager.start("x");
        manager.controller.get(id, taker, "m1", outcome);
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        taker.close();
        broker.doors->run();
    }
    static DestinationId dead_letters(Broker& broker) { return broker.queue(broker.settings.queue_defaults.dead_letter_queue); }
    static std::string first_of(Broker& broker, DestinationId queue) { return broker.take_now(queue, 1).texts(); }
    /// Small windows leave everything in the store after a start.
    template <typename Check>
    static void everywhere(std::uint32_t most, const Outcome& outcome, bool has_failed, Check check) {
        for (const bool crashes : {false, true}) {
            Broker broker(crashes ? tiny_windows() : core::CoreSettings{});
            const auto queue = make_queue(broker, most);
            prepare_m1(broker, queue, outcome, has_failed);
            if (crashes) broker.crash();
            check(broker, queue, crashes);
        }
    }

    void what_fails_too_often_by_a_rollback_is_a_dead_letter() {
        everywhere(2, Accepted{}, true, [](Broker& broker, DestinationId queue, bool crashes) {
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, Manager(broker).rollback("x"));
            CPPUNIT_ASSERT_EQUAL("m2"s, first_of(broker, queue));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{19}, broker.view(queue).messages);
            Taker& dead = broker.take_now(dead_letters(broker), 10);
            CPPUNIT_ASSERT_EQUAL("m1"s, dead.texts());
            const auto& reason = *dead.deliveries.at(0).dead_letter;
            CPPUNIT_ASSERT_EQUAL("max-deliveries: delivered 2 times without success"s, reason.cause + ": " + reason.description);
            CPPUNIT_ASSERT_EQUAL("q"s, reason.origin);
            CPPUNIT_ASSERT_EQUAL(crashes ? 3U : 2U, reason.delivery_count);
            dead.accept("m1");
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(dead_letters(broker)).messages);
        });
    }

    void it_is_one_as_soon_as_the_rollback_is_durable() {
        everywhere(1, Accepted{}, false, [](Broker& broker, DestinationId queue, bool) {
            Manager(broker).call(Kind::rollback, "x");
            broker.crash();
            CPPUNIT_ASSERT_EQUAL(""s, broker.stored(dead_letters(broker)));
            Manager(broker).call(Kind::rollback, "x");
            broker.doors->write();
            broker.crash();
            CPPUNIT_ASSERT_EQUAL("m2"s, first_of(broker, queue));
            CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(dead_letters(broker)));
        });
    }

    void it_takes_its_place_among_other_dead_letters() {
        everywhere(1, Accepted{}, false, [](Broker& broker, DestinationId queue, bool) {
            Taker& dead = broker.take(dead_letters(broker), 10);
            Taker& taker = broker.take_now(queue, 2);
            taker.reject("m2");
            Manager(broker).call(Kind::rollback, "x");
            taker.reject("m3");
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL("m2 m1 m3"s, dead.texts());
        });
    }

    void one_that_was_released_in_the_branch_counts_too() {
        everywhere(2, Released{}, true, [](Broker& broker, DestinationId queue, bool) {
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, Manager(broker).rollback("x"));
            CPPUNIT_ASSERT_EQUAL("m2"s, first_of(broker, queue));
            CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(dead_letters(broker)));
        });
    }

    void one_that_has_not_failed_too_often_goes_back() {
        everywhere(2, Modified{true, false}, false, [](Broker& broker, DestinationId queue, bool) {
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, Manager(broker).rollback("x"));
            CPPUNIT_ASSERT_EQUAL("m1"s, first_of(broker, queue));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(dead_letters(broker)).messages);
        });
    }

    void what_fails_too_often_by_a_commit_says_how_often() {
        everywhere(2, Modified{true, false}, true, [](Broker& broker, DestinationId queue, bool) {
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, Manager(broker).commit("x"));
            CPPUNIT_ASSERT_EQUAL("m2"s, first_of(broker, queue));
            Taker& dead = broker.take_now(dead_letters(broker), 10);
            CPPUNIT_ASSERT_EQUAL("m1"s, dead.texts());
            CPPUNIT_ASSERT_EQUAL("delivered 2 times without success"s, dead.deliveries.at(0).dead_letter->description);
            CPPUNIT_ASSERT_EQUAL(2U, dead.deliveries.at(0).dead_letter->delivery_count);
        });
    }

    void a_dead_letter_queue_is_not_deleted_while_one_is_on_its_way() {
        everywhere(1, Accepted{}, false, [](Broker& broker, DestinationId queue, bool) {
            const auto dead = dead_letters(broker);
            Manager(broker).call(Kind::rollback, "x");
            Answer<void> early;
            broker.core->delete_queue(dead, true, early.callback());
            CPPUNIT_ASSERT(early.given() && !early.ok());
            broker.doors->run();
            Answer<void> late;
            broker.core->delete_queue(dead, true, late.callback());
            broker.doors->run();
            CPPUNIT_ASSERT(late.ok());
            CPPUNIT_ASSERT_EQUAL("m2"s, first_of(broker, queue));
        });
    }

    void dead_letters_take_the_room_of_producers() {
        for (const int way : {0, 1, 2, 3}) {
            Broker broker;
            broker.make_queue("dead", [](auto& settings) {
                settings.max_messages = 1;
                settings.overflow = OverflowPolicy::hold;
            });
            const auto queue = broker.make_queue("q", [](auto& settings) {
                settings.dead_letter_queue = "dead";
                settings.max_deliveries = 1;
            });
            broker.send(queue, "m1");
            Sender& sender = broker.open_sender(broker.queue("dead"));
            CPPUNIT_ASSERT(sender.room() > 0);
            Manager manager(broker);
            Taker& taker = manager.controller.take(queue, 1);
            if (way == 0) {
                taker.reject("m1");
            } else if (way == 1) {
                const auto id = manager.controller.declare();
                manager.controller.get(id, taker, "m1", Rejected{"amqp:decode-error", "no amount"});
                manager.controller.discharge(id, false);
            } else {
                const auto id = manager.start("x");
                manager.controller.get(id, taker, "m1", way == 2 ? Outcome(Rejected{"amqp:decode-error", "no amount"}) : Accepted{});
                manager.end(id);
                manager.call(Kind::prepare, "x");
                if (way == 3) {
                    broker.doors->run();
                    manager.call(Kind::rollback, "x");
                }
            }
            CPPUNIT_ASSERT_EQUAL(0U, sender.room());
            broker.doors->run();
            if (way == 2) CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
            CPPUNIT_ASSERT_EQUAL(0U, sender.room());
            CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(broker.queue("dead")));
            CPPUNIT_ASSERT_EQUAL(1U, sender.room());
        }
    }

    void what_a_branch_has_kept_is_kept_as_a_dead_letter() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const core::ProducerSequence sequence{"producer", 1};
        {
            Manager manager(broker);
            const auto id = manager.start("x");
            manager.controller.put(id, queue, "light", {.durable = non_persistent, .sequence = sequence});
            manager.end(id);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        }
        broker.crash();
        CPPUNIT_ASSERT(broker.send(queue, "light", {.durable = non_persistent, .sequence = sequence})->duplicate());
        broker.take_now(queue, 1).reject("light");
        broker.doors->run();
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("light"s, broker.drain_all(dead_letters(broker)));
    }

    void a_send_that_is_refused_before_a_branch_is_committed_can_be_sent_again() {
        for (const bool is_full : {false, true}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            const SendOptions first{.sequence = core::ProducerSequence{"producer", 1}};
            const SendOptions second{.sequence = core::ProducerSequence{"producer", 2}};
            {
                Manager manager(broker);
                const auto id = manager.start("x");
                manager.controller.put(id, queue, "m2", second);
                manager.end(id);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
                broker.doors->disk_full = is_full;
                const auto sent = broker.stage(queue, "m1", first);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
                CPPUNIT_ASSERT_EQUAL(is_full, !sent->accepted());
            }
            broker.crash();
            CPPUNIT_ASSERT(broker.send(queue, "m2", second)->duplicate());
            CPPUNIT_ASSERT_EQUAL(!is_full, broker.send(queue, "m1", first)->duplicate());
            CPPUNIT_ASSERT_EQUAL(is_full ? "m2 m1"s : "m1 m2"s, broker.drain_all(queue));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreBranchFailureTest);

}  // namespace giromq::test
