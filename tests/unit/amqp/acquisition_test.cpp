#include "unit/amqp/branch_manager.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Messages that are acquired in a local transaction (AMQP 1.0 §4.4.3).
class AmqpAcquisitionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpAcquisitionTest);
    CPPUNIT_TEST(what_is_sent_names_its_transaction);
    CPPUNIT_TEST(a_rollback_releases_what_was_acquired);
    CPPUNIT_TEST(a_commit_leaves_what_was_acquired_with_its_consumer);
    CPPUNIT_TEST(an_outcome_of_an_acquired_message_belongs_to_the_transaction);
    CPPUNIT_TEST(an_unsettled_outcome_is_taken_back_with_the_message);
    CPPUNIT_TEST(an_outcome_may_belong_to_another_transaction);
    CPPUNIT_TEST(a_commit_that_fails_releases);
    CPPUNIT_TEST(the_end_of_the_control_link_releases);
    CPPUNIT_TEST(a_discharge_ends_the_acquisition_and_not_the_credit);
    CPPUNIT_TEST(a_flow_without_an_id_ends_the_acquisition);
    CPPUNIT_TEST(a_flow_without_properties_changes_nothing);
    CPPUNIT_TEST(what_was_released_keeps_its_order);
    CPPUNIT_TEST(an_outcome_after_the_discharge_stands_alone);
    CPPUNIT_TEST(a_large_message_that_is_half_sent_is_aborted_by_the_rollback);
    CPPUNIT_TEST(an_id_that_is_not_open_detaches_the_link);
    CPPUNIT_TEST(what_cannot_be_acquired_detaches_the_link);
    CPPUNIT_TEST_SUITE_END();

    /// A consumer's connection, whose only link but the control links is the first of its session.
    struct Consumer {
        explicit Consumer(Broker& broker) : client(broker) {
            link = client.receiver("q", 0);
            controller.emplace(client);
        }
        /// A flow for the link, with the txn-id in its properties; null: without one.
        void name(const std::optional<std::string>& transaction) {
            client.wire.give(frame_of(0x13, 11, [&](codec::Writer& writer) {
                for (const std::uint32_t number : {0U, 10'000U, 0U, 10'000U, 0U, 0U, 0U}) writer.uint32(number);
                writer.null();
                writer.boolean(false);
                writer.boolean(false);
                const auto properties = writer.begin_map();
                writer.symbol("txn-id");
                if (transaction) {
                    writer.binary(as_bytes(*transaction));
                } else {
                    writer.null();
                }
                writer.end(properties, 2);
            }));
            client.pump();
        }
        AmqpPeer::Received take(int credit = 1) {
            pn_link_flow(link, credit);
            client.pump();
            const auto all = client.peer.take_received();
            CPPUNIT_ASSERT(!all.empty());
            return all.front();
        }

        Client client;
        pn_link_t* link = nullptr;
        std::optional<Controller> controller;
    };

    static void fill(Broker& broker, int count) {
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        for (int number = 1; number <= count; ++number) client.send(sender, durable_text("m" + std::to_string(number)));
    }

    /// What another consumer gets, with the delivery counts.
    static std::string others_get(Broker& broker, int credit = 10) {
        Client client(broker);
        client.receiver("q", credit);
        std::string all;
        for (const auto& received : client.peer.received) {
            all += (all.empty() ? "" : " ") + text_of(received.bytes) + ":" + std::to_string(delivery_count_of(received.bytes));
        }
        return all;
    }

    void what_is_sent_names_its_transaction() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        const auto received = consumer.take();
        CPPUNIT_ASSERT(Controller::state_of(received.delivery) == std::pair(transaction, std::uint64_t{0}));
    }

    void a_rollback_releases_what_was_acquired() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        const auto received = consumer.take();
        CPPUNIT_ASSERT_EQUAL(""s, others_get(broker));
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->roll_back(transaction));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_RELEASED}, pn_delivery_remote_state(received.delivery));
        CPPUNIT_ASSERT(pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT_EQUAL("m1:0"s, others_get(broker));
    }

    void a_commit_leaves_what_was_acquired_with_its_consumer() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        const auto received = consumer.take();
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->commit(transaction));
        CPPUNIT_ASSERT_EQUAL(""s, others_get(broker));
        CPPUNIT_ASSERT(!pn_delivery_settled(received.delivery));
        consumer.client.settle(received, PN_ACCEPTED);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, consumer.client.queue("q").messages);
    }

    void an_outcome_of_an_acquired_message_belongs_to_the_transaction() {
        for (const bool commits : {false, true}) {
            Broker broker;
            fill(broker, 1);
            Consumer consumer(broker);
            const auto transaction = consumer.controller->declare();
            consumer.name(transaction);
            consumer.client.settle(consumer.take(), PN_ACCEPTED);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, consumer.client.queue("q").messages);
            const auto answer = commits ? consumer.controller->commit(transaction) : consumer.controller->roll_back(transaction);
            CPPUNIT_ASSERT_EQUAL(""s, answer);
            // As any outcome of a transaction: settled by the consumer, it counts as a delivery that has failed.
            CPPUNIT_ASSERT_EQUAL(commits ? ""s : "m1:1"s, others_get(broker));
        }
    }

    void an_unsettled_outcome_is_taken_back_with_the_message() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        const auto received = consumer.take();
        consumer.controller->get(transaction, received, PN_ACCEPTED, false);
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->roll_back(transaction));
        CPPUNIT_ASSERT(pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_RELEASED}, pn_delivery_remote_state(received.delivery));
        CPPUNIT_ASSERT_EQUAL("m1:0"s, others_get(broker));
    }

    void an_outcome_may_belong_to_another_transaction() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        const auto first = consumer.controller->declare();
        const auto second = consumer.controller->declare();
        consumer.name(first);
        const auto received = consumer.take();
        consumer.controller->get(second, received, PN_ACCEPTED, false);
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->roll_back(first));
        CPPUNIT_ASSERT(!pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->commit(second));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, consumer.client.queue("q").messages);
    }

    void a_commit_that_fails_releases() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        pn_link_t* const sender = consumer.client.sender("q");
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        const auto received = consumer.take();
        consumer.controller->put(transaction, sender, "nonsense");
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, consumer.controller->commit(transaction));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_RELEASED}, pn_delivery_remote_state(received.delivery));
        CPPUNIT_ASSERT_EQUAL("m1:0"s, others_get(broker));
    }

    void the_end_of_the_control_link_releases() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        consumer.name(consumer.controller->declare());
        const auto received = consumer.take();
        pn_link_close(consumer.controller->link);
        consumer.client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_RELEASED}, pn_delivery_remote_state(received.delivery));
        CPPUNIT_ASSERT_EQUAL("m1:0"s, others_get(broker));
    }

    void a_discharge_ends_the_acquisition_and_not_the_credit() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        consumer.take(2);
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->commit(transaction));
        fill(broker, 1);
        consumer.client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, consumer.client.peer.received.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(consumer.client.peer.received.at(0).delivery));
    }

    void a_flow_without_an_id_ends_the_acquisition() {
        Broker broker;
        fill(broker, 2);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        consumer.take();
        consumer.name(std::nullopt);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(consumer.take().delivery));
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->roll_back(transaction));
        CPPUNIT_ASSERT_EQUAL("m1:0"s, others_get(broker));
    }

    void a_flow_without_properties_changes_nothing() {
        Broker broker;
        fill(broker, 2);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        consumer.take();
        const auto second = consumer.take();
        CPPUNIT_ASSERT(Controller::state_of(second.delivery) == std::pair(transaction, std::uint64_t{0}));
    }

    void what_was_released_keeps_its_order() {
        Broker broker;
        fill(broker, 20);
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        consumer.take(15);
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->roll_back(transaction));
        std::string expected;
        for (int number = 1; number <= 20; ++number) expected += (number > 1 ? " m" : "m") + std::to_string(number) + ":0";
        CPPUNIT_ASSERT_EQUAL(expected, others_get(broker, 20));
    }

    void an_outcome_after_the_discharge_stands_alone() {
        Broker broker;
        fill(broker, 1);
        Consumer consumer(broker);
        pn_link_t* const sender = consumer.client.sender("q");
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        const auto received = consumer.take();
        consumer.controller->put(transaction, sender, durable_text("new"));
        broker.commits = false;
        pn_delivery_t* const discharge = consumer.controller->discharge(transaction);
        consumer.client.settle(received, PN_ACCEPTED);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(discharge));
        broker.commits = true;
        consumer.client.pump();
        CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
        CPPUNIT_ASSERT_EQUAL("new:0"s, others_get(broker));
    }

    void a_large_message_that_is_half_sent_is_aborted_by_the_rollback() {
        Broker broker;
        broker.options.output_window_bytes = 64 * 1024;
        {
            Client client(broker);
            client.send(client.sender("q"), durable_text(std::string(2'000'000, 'x')));
        }
        Consumer consumer(broker);
        const auto transaction = consumer.controller->declare();
        consumer.name(transaction);
        // The peer has the beginning; the first chunk is being read.
        pn_link_flow(consumer.link, 1);
        consumer.client.wire.give(consumer.client.peer.take_output());
        consumer.client.wire.settle();
        consumer.client.peer.input(consumer.client.wire.take());
        CPPUNIT_ASSERT(consumer.client.peer.received.empty());
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->roll_back(transaction));
        CPPUNIT_ASSERT(consumer.client.peer.received.empty());
        CPPUNIT_ASSERT_EQUAL(1U, consumer.client.peer.aborted);
        Client other(broker);
        other.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2'000'000}, other.texts().size());
    }

    void an_id_that_is_not_open_detaches_the_link() {
        Broker broker;
        Client elsewhere(broker);
        BranchManager manager(elsewhere);
        Consumer consumer(broker);
        BranchManager branches(consumer.client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, branches.start("x"));
        const auto over = consumer.controller->declare();
        CPPUNIT_ASSERT_EQUAL(""s, consumer.controller->commit(over));
        const auto of_another = manager.controller.declare();
        for (const auto& wrong : {over, of_another, branches.transaction, "12345678"s, std::string(40, 'x')}) {
            consumer.name(wrong);
            CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, AmqpPeer::link_condition(consumer.link));
            pn_link_close(consumer.link);
            consumer.client.pump();
            consumer.link = consumer.client.receiver("q", 0);
        }
    }

    void what_cannot_be_acquired_detaches_the_link() {
        for (const bool is_browser : {false, true}) {
            Broker broker;
            Client client(broker);
            pn_link_t* const link = client.peer.receiver("q");
            if (is_browser) {
                pn_terminus_set_distribution_mode(pn_link_source(link), PN_DIST_MODE_COPY);
            } else {
                pn_link_set_snd_settle_mode(link, PN_SND_SETTLED);
            }
            client.peer.open(link);
            client.sender("q");
            Controller controller(client);
            client.wire.give(frame_of(0x13, 11, [&](codec::Writer& writer) {
                for (const std::uint32_t number : {0U, 100U, 0U, 100U, 0U, 0U, 1U}) writer.uint32(number);
                writer.null();
                writer.boolean(false);
                writer.boolean(false);
                const auto properties = writer.begin_map();
                writer.symbol("txn-id");
                writer.binary(as_bytes(controller.declare()));
                writer.end(properties, 2);
            }));
            client.pump();
            CPPUNIT_ASSERT_EQUAL("amqp:not-implemented"s, AmqpPeer::link_condition(link));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpAcquisitionTest);

}  // namespace giromq::test
