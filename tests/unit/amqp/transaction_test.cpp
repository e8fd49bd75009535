#include "unit/amqp/controller.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Local transactions on the wire (AMQP 1.0 part 4).
class AmqpTransactionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpTransactionTest);
    CPPUNIT_TEST(the_coordinator_tells_its_capabilities);
    CPPUNIT_TEST(a_declare_needs_no_commit);
    CPPUNIT_TEST(a_transfer_is_answered_provisionally_and_shown_after_the_discharge);
    CPPUNIT_TEST(calls_may_be_pipelined);
    CPPUNIT_TEST(what_is_answered_before_a_commit_is_told_with_it);
    CPPUNIT_TEST(a_commit_holds_up_no_answer_outside_of_its_transaction);
    CPPUNIT_TEST(calls_are_known_by_their_names_too);
    CPPUNIT_TEST(a_rollback_keeps_messages_from_being_shown);
    CPPUNIT_TEST(a_settled_disposition_is_applied_with_the_discharge);
    CPPUNIT_TEST(a_settled_disposition_that_is_rolled_back_returns_the_message_counted);
    CPPUNIT_TEST(an_unsettled_disposition_is_settled_by_the_broker_after_the_commit);
    CPPUNIT_TEST(an_unsettled_disposition_leaves_the_delivery_alive_after_a_rollback);
    CPPUNIT_TEST(what_is_settled_before_the_rollback_goes_back_then);
    CPPUNIT_TEST(several_transactions_share_a_session_and_one_spans_several);
    CPPUNIT_TEST(administrators_see_each_session_with_its_links_and_transactions);
    CPPUNIT_TEST(an_unknown_transaction_is_refused_in_every_place);
    CPPUNIT_TEST(a_discharge_twice_is_refused_as_unknown);
    CPPUNIT_TEST(a_refused_transfer_makes_the_commit_fail);
    CPPUNIT_TEST(a_malformed_message_makes_the_commit_fail);
    CPPUNIT_TEST(a_settled_transfer_that_is_refused_makes_the_commit_fail);
    CPPUNIT_TEST(a_source_without_rejected_is_answered_by_a_detach);
    CPPUNIT_TEST(a_source_that_lists_rejected_is_answered_with_it);
    CPPUNIT_TEST(a_global_id_of_another_kind_is_refused);
    CPPUNIT_TEST(a_call_that_is_none_is_refused);
    CPPUNIT_TEST(a_settled_call_detaches_the_control_link);
    CPPUNIT_TEST(a_discharge_with_a_partial_delivery_detaches_the_control_link);
    CPPUNIT_TEST(closing_the_control_link_rolls_back);
    CPPUNIT_TEST(a_delivery_in_two_transactions_detaches_the_control_link);
    CPPUNIT_TEST(a_large_message_is_part_of_its_transaction);
    CPPUNIT_TEST(a_transfer_to_a_queue_that_is_being_made_is_part_of_its_transaction);
    CPPUNIT_TEST(too_many_open_transactions_are_refused);
    CPPUNIT_TEST(a_timeout_is_told_with_the_discharge);
    CPPUNIT_TEST(a_disposition_without_an_outcome_detaches_the_link);
    CPPUNIT_TEST(a_thousand_calls_get_their_credit);
    CPPUNIT_TEST_SUITE_END();

    void the_coordinator_tells_its_capabilities() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        CPPUNIT_ASSERT(AmqpPeer::is_attached(controller.link));
        pn_terminus_t* const target = pn_link_remote_target(controller.link);
        CPPUNIT_ASSERT_EQUAL(PN_COORDINATOR, pn_terminus_get_type(target));
        pn_data_t* const data = pn_terminus_capabilities(target);
        std::string all;
        pn_data_rewind(data);
        CPPUNIT_ASSERT(pn_data_next(data));
        pn_data_enter(data);
        while (pn_data_next(data)) all += std::string(pn_data_get_symbol(data).start, pn_data_get_symbol(data).size) + " ";
        CPPUNIT_ASSERT_EQUAL(
            "amqp:local-transactions amqp:distributed-transactions amqp:multi-txns-per-ssn amqp:multi-ssns-per-txn giromq:xa "s, all);
    }

    void a_declare_needs_no_commit() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        broker.commits = false;
        const auto transaction = controller.declare();
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, transaction.size());
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(transaction));
        CPPUNIT_ASSERT(broker.doors->idle());
    }

    void a_transfer_is_answered_provisionally_and_shown_after_the_discharge() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        client.receiver("q", 10);
        const auto transaction = controller.declare();
        pn_delivery_t* const delivery = controller.put(transaction, sender, durable_text("a"));
        CPPUNIT_ASSERT(Controller::state_of(delivery) == std::pair(transaction, std::uint64_t{PN_ACCEPTED}));
        CPPUNIT_ASSERT(pn_delivery_settled(delivery));
        CPPUNIT_ASSERT_EQUAL(""s, client.texts());
        broker.commits = false;
        pn_delivery_t* const discharge = controller.discharge(transaction);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(discharge));
        broker.doors->write();
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(discharge));
        CPPUNIT_ASSERT_EQUAL(""s, client.texts());
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
        CPPUNIT_ASSERT(pn_delivery_settled(discharge));
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
    }

    void calls_may_be_pipelined() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        auto transaction = controller.declare();
        for (int round = 0; round < 3; ++round) {
            pn_delivery_t* const put = controller.begin_put(transaction, sender);
            const auto bytes = durable_text(std::to_string(round));
            pn_link_send(sender, bytes.data(), bytes.size());
            pn_link_advance(sender);
            pn_delivery_t* const discharge = client.peer.send(controller.link, Controller::discharge_call(transaction, false));
            pn_delivery_t* const declare = client.peer.send(controller.link, Controller::declare_call());
            client.pump();
            CPPUNIT_ASSERT(pn_delivery_settled(put));
            CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
            transaction = Controller::id_of(declare);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, client.queue("q").messages);
    }

    void what_is_answered_before_a_commit_is_told_with_it() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        broker.commits = false;
        pn_delivery_t* const put = begin_whole_put(controller, transaction, sender);
        pn_delivery_t* const discharge = client.peer.send(controller.link, Controller::discharge_call(transaction, false));
        pn_delivery_t* const declare = client.peer.send(controller.link, Controller::declare_call());
        give_in_one_read(client);
        CPPUNIT_ASSERT(client.wire.take().empty());
        broker.commits = true;
        client.wire.settle();
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT(Controller::state_of(put) == std::pair(transaction, std::uint64_t{PN_ACCEPTED}));
        CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, Controller::id_of(declare).size());
    }

    void a_commit_holds_up_no_answer_outside_of_its_transaction() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        const auto other = controller.declare();
        broker.commits = false;
        begin_whole_put(controller, transaction, sender);
        client.peer.send(controller.link, Controller::discharge_call(transaction, false));
        pn_delivery_t* const plain = client.peer.send(sender, MessageBuilder().header(false).text("plain").bytes());
        give_in_one_read(client);
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT(pn_delivery_settled(plain));
        // And what comes while the commit is under way is answered as ever.
        pn_delivery_t* const later = begin_whole_put(controller, other, sender);
        give_in_one_read(client);
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT(pn_delivery_settled(later));
    }

    /// A put that waits in the client until the next bytes are taken.
    static pn_delivery_t* begin_whole_put(Controller& controller, const std::string& transaction, pn_link_t* to) {
        pn_delivery_t* const put = controller.begin_put(transaction, to);
        const auto bytes = durable_text("a");
        pn_link_send(to, bytes.data(), bytes.size());
        pn_link_advance(to);
        return put;
    }
    /// As a socket does it: the connection is asked for output after the read, and again when the core has answered.
    static void give_in_one_read(Client& client) {
        CPPUNIT_ASSERT(client.wire.give(client.peer.take_output()).empty());
        CPPUNIT_ASSERT(client.wire.take().empty());
        client.wire.settle();
    }

    void calls_are_known_by_their_names_too() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        const auto by_name = [](std::string_view name, auto fill, std::uint32_t fields) {
            return Controller::value([&](codec::Writer& writer) {
                const std::vector<std::uint8_t> constructor{0x00, 0xa3, static_cast<std::uint8_t>(name.size())};
                writer.raw(constructor);
                writer.raw(as_bytes(name));
                const auto list = writer.begin_list();
                fill(writer);
                writer.end(list, fields);
            });
        };
        const auto transaction = Controller::id_of(controller.call(by_name(
            "amqp:declare:list", [](codec::Writer& writer) { writer.null(); }, 1)));
        const auto discharge = controller.call(by_name(
            "amqp:discharge:list", [&](codec::Writer& writer) { writer.binary(as_bytes(transaction)); }, 1));
        CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
    }

    void a_rollback_keeps_messages_from_being_shown() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        controller.put(transaction, sender, durable_text("a"));
        CPPUNIT_ASSERT_EQUAL(""s, controller.roll_back(transaction));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_settled_disposition_is_applied_with_the_discharge() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        client.receiver("q", 1);
        const auto transaction = controller.declare();
        controller.get(transaction, client.peer.received.at(0), PN_ACCEPTED, true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(transaction));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_settled_disposition_that_is_rolled_back_returns_the_message_counted() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        client.receiver("q", 2);
        const auto transaction = controller.declare();
        controller.get(transaction, client.peer.take_received().at(0), PN_ACCEPTED, true);
        CPPUNIT_ASSERT_EQUAL(""s, controller.roll_back(transaction));
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(1U, delivery_count_of(client.peer.received.at(0).bytes));
    }

    void an_unsettled_disposition_is_settled_by_the_broker_after_the_commit() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        client.receiver("q", 1);
        const auto transaction = controller.declare();
        const auto received = client.peer.received.at(0);
        controller.get(transaction, received, PN_ACCEPTED, false);
        CPPUNIT_ASSERT(!pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(transaction));
        CPPUNIT_ASSERT(pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT(Controller::state_of(received.delivery) == std::pair(transaction, std::uint64_t{PN_ACCEPTED}));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void an_unsettled_disposition_leaves_the_delivery_alive_after_a_rollback() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        client.receiver("q", 1);
        const auto first = controller.declare();
        const auto received = client.peer.received.at(0);
        controller.get(first, received, PN_ACCEPTED, false);
        CPPUNIT_ASSERT_EQUAL(""s, controller.roll_back(first));
        CPPUNIT_ASSERT(!pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").delivering);
        // The next transaction may have it.
        const auto second = controller.declare();
        controller.get(second, received, PN_ACCEPTED, true);
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(second));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void what_is_settled_before_the_rollback_goes_back_then() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        client.receiver("q", 2);
        const auto transaction = controller.declare();
        const auto received = client.peer.take_received().at(0);
        controller.get(transaction, received, PN_ACCEPTED, false);
        pn_delivery_settle(received.delivery);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(""s, client.texts());
        CPPUNIT_ASSERT_EQUAL(""s, controller.roll_back(transaction));
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(1U, delivery_count_of(client.peer.received.at(0).bytes));
    }

    void several_transactions_share_a_session_and_one_spans_several() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const here = client.sender("q");
        pn_link_t* const there = client.peer.open(client.peer.sender("other", nullptr, client.peer.begin()));
        client.pump();
        const auto first = controller.declare();
        const auto second = controller.declare();
        CPPUNIT_ASSERT(first != second);
        controller.put(first, here, durable_text("1"));
        controller.put(second, here, durable_text("2"));
        controller.put(first, there, durable_text("3"));
        CPPUNIT_ASSERT_EQUAL(""s, controller.roll_back(second));
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(first));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("other").messages);
    }

    void administrators_see_each_session_with_its_links_and_transactions() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        client.send(sender, durable_text("a"));
        client.peer.open(client.peer.sender("other", nullptr, client.peer.begin()));
        client.pump();
        client.receiver("q", 1);
        const auto first = controller.declare();
        controller.declare();
        auto sessions = client.wire.connection->view().sessions;
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sessions.size());
        const auto& one = sessions.at(0);
        CPPUNIT_ASSERT_EQUAL(1u, one.number);
        CPPUNIT_ASSERT_EQUAL(1u, one.consumers);
        CPPUNIT_ASSERT_EQUAL(1u, one.producers);
        CPPUNIT_ASSERT_EQUAL(1u, one.control_links);
        CPPUNIT_ASSERT_EQUAL(2u, one.transactions);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("what the consumer has", std::uint64_t{1}, one.unsettled_out);
        const auto& other = sessions.at(1);
        CPPUNIT_ASSERT_EQUAL(2u, other.number);
        CPPUNIT_ASSERT_EQUAL(1u, other.producers);
        CPPUNIT_ASSERT_EQUAL(0u, other.consumers + other.control_links + other.transactions);
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(first));
        pn_session_close(client.peer.session());
        client.pump();
        sessions = client.wire.connection->view().sessions;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sessions.size());
        CPPUNIT_ASSERT_EQUAL(1u, sessions.at(0).producers);
        CPPUNIT_ASSERT_EQUAL(0u, sessions.at(0).transactions);
    }

    void an_unknown_transaction_is_refused_in_every_place() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        client.send(sender, durable_text("a"));
        for (const auto& wrong : {"nine byte"s, "\0\0\0\0\0\0\0\x7f"s, "\0\0\0\0\0\0\0\0"s, ""s}) {
            CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, controller.commit(wrong));
            CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, controller.roll_back(wrong));
            pn_delivery_t* const put = controller.put(wrong, sender, durable_text("b"));
            CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, Controller::answer_of(put));
            pn_link_t* const receiver = client.receiver("q", 1);
            controller.get(wrong, client.peer.take_received().at(0), PN_ACCEPTED, false);
            CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, AmqpPeer::link_condition(receiver));
            pn_link_close(receiver);
            client.pump();
        }
        CPPUNIT_ASSERT(AmqpPeer::is_attached(controller.link));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_discharge_twice_is_refused_as_unknown() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        const auto transaction = controller.declare();
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(transaction));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, controller.commit(transaction));
        controller.declare();
    }

    void a_refused_transfer_makes_the_commit_fail() {
        core::CoreSettings settings;
        settings.queue_defaults.max_messages = 1;
        settings.queue_defaults.overflow = OverflowPolicy::refuse;
        Broker broker(settings);
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        controller.put(transaction, sender, durable_text("a"));
        pn_delivery_t* const second = controller.put(transaction, sender, durable_text("b"));
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, Controller::answer_of(second));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, controller.commit(transaction));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
        // Its room was given back.
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(sender, durable_text("c"))));
    }

    void a_malformed_message_makes_the_commit_fail() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, Controller::answer_of(controller.put(transaction, sender, "nonsense")));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, controller.commit(transaction));
    }

    void a_settled_transfer_that_is_refused_makes_the_commit_fail() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const relay = client.peer.open(client.peer.sender(nullptr));
        client.pump();
        const auto transaction = controller.declare();
        controller.put(transaction, relay, durable_text("to nowhere"), true);
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, controller.commit(transaction));
    }

    void a_source_without_rejected_is_answered_by_a_detach() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const control = controller.open({"amqp:accepted:list", "amqp:released:list"});
        pn_delivery_t* const delivery = client.send(control, Controller::discharge_call("unknown!", false));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(control));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, AmqpPeer::link_condition(control));
        CPPUNIT_ASSERT(pn_delivery_remote_state(delivery) != PN_ACCEPTED);
    }

    void a_source_that_lists_rejected_is_answered_with_it() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        controller.link = controller.open({"amqp:accepted:list", "amqp:rejected:list"});
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, controller.commit("unknown!"));
        CPPUNIT_ASSERT(AmqpPeer::is_attached(controller.link));
    }

    void a_global_id_of_another_kind_is_refused() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        const auto call = Controller::value([](codec::Writer& writer) {
            writer.descriptor(0x31);
            const auto list = writer.begin_list();
            writer.binary(as_bytes("global"));
            writer.end(list, 1);
        });
        CPPUNIT_ASSERT_EQUAL("amqp:not-implemented"s, Controller::answer_of(controller.call(call)));
    }

    void a_call_that_is_none_is_refused() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, Controller::answer_of(controller.call(durable_text("hello"))));
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, Controller::answer_of(controller.call("nonsense")));
        const auto without_id = Controller::value([](codec::Writer& writer) {
            writer.descriptor(0x32);
            writer.end(writer.begin_list(), 0);
        });
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, Controller::answer_of(controller.call(without_id)));
        controller.declare();
    }

    void a_settled_call_detaches_the_control_link() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.peer.send(controller.link, Controller::declare_call(), true);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("amqp:not-allowed"s, AmqpPeer::link_condition(controller.link));
    }

    void a_discharge_with_a_partial_delivery_detaches_the_control_link() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        controller.put(transaction, sender, durable_text("whole"));
        controller.begin_put(transaction, sender);
        const auto bytes = durable_text("not whole");
        pn_link_send(sender, bytes.data(), bytes.size());
        client.pump();
        controller.discharge(transaction);
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, AmqpPeer::link_condition(controller.link));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void closing_the_control_link_rolls_back() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        client.send(sender, durable_text("a"));
        client.receiver("q", 2);
        const auto transaction = controller.declare();
        controller.put(transaction, sender, durable_text("b"));
        controller.get(transaction, client.peer.take_received().at(0), PN_ACCEPTED, true);
        pn_link_close(controller.link);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, Controller::answer_of(controller.put(transaction, sender, durable_text("c"))));
    }

    void a_delivery_in_two_transactions_detaches_the_control_link() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        client.receiver("q", 1);
        const auto first = controller.declare();
        const auto second = controller.declare();
        const auto received = client.peer.received.at(0);
        controller.get(first, received, PN_ACCEPTED, false);
        controller.get(second, received, PN_ACCEPTED, false);
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, AmqpPeer::link_condition(controller.link));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_large_message_is_part_of_its_transaction() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        const std::string body(700'000, 'x');
        controller.begin_put(transaction, sender);
        const auto bytes = durable_text(body);
        pn_link_send(sender, bytes.data(), bytes.size());
        pn_link_advance(sender);
        // The discharge comes right behind it, while its chunks are on their way.
        broker.commits = false;
        pn_delivery_t* const discharge = client.peer.send(controller.link, Controller::discharge_call(transaction, false));
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(discharge));
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
        client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(body, client.texts());
        const auto second = controller.declare();
        controller.put(second, sender, durable_text(body));
        CPPUNIT_ASSERT_EQUAL(""s, controller.roll_back(second));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_transfer_to_a_queue_that_is_being_made_is_part_of_its_transaction() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const relay = client.peer.open(client.peer.sender(nullptr));
        client.pump();
        const auto transaction = controller.declare();
        broker.commits = false;
        controller.put(transaction, relay, MessageBuilder().header(true).properties("ID:1", "fresh").text("a").bytes());
        pn_delivery_t* const discharge = controller.discharge(transaction);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(discharge));
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT_EQUAL(""s, Controller::answer_of(discharge));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("fresh").messages);
    }

    void too_many_open_transactions_are_refused() {
        core::CoreSettings settings;
        settings.transactions_max = 2;
        Broker broker(settings);
        Client client(broker);
        Controller controller(client);
        const auto first = controller.declare();
        controller.declare();
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, Controller::answer_of(controller.call(Controller::declare_call())));
        CPPUNIT_ASSERT_EQUAL(""s, controller.commit(first));
        controller.declare();
    }

    void a_timeout_is_told_with_the_discharge() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const sender = client.sender("q");
        const auto transaction = controller.declare();
        controller.put(transaction, sender, durable_text("a"));
        broker.clock.advance(std::chrono::minutes(6));
        broker.core->tick();
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:timeout"s, Controller::answer_of(controller.put(transaction, sender, durable_text("b"))));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:timeout"s, controller.commit(transaction));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_disposition_without_an_outcome_detaches_the_link() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        client.send(client.sender("q"), durable_text("a"));
        pn_link_t* const receiver = client.receiver("q", 1);
        const auto transaction = controller.declare();
        controller.get(transaction, client.peer.received.at(0), 0, false);
        CPPUNIT_ASSERT_EQUAL("amqp:invalid-field"s, AmqpPeer::link_condition(receiver));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_thousand_calls_get_their_credit() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        for (int round = 0; round < 500; ++round) CPPUNIT_ASSERT_EQUAL(""s, controller.commit(controller.declare()));
        std::vector<pn_delivery_t*> calls;
        for (int call = 0; call < 1000; ++call) calls.push_back(client.peer.send(controller.link, Controller::declare_call()));
        client.pump();
        for (pn_delivery_t* const call : calls) Controller::id_of(call);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpTransactionTest);

}  // namespace giromq::test
