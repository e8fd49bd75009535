#include "unit/amqp/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Attaching: what nodes there are, dynamic ones, the anonymous relay, refusals.
class AmqpNodesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpNodesTest);
    CPPUNIT_TEST(an_attach_is_answered_with_node_and_capability);
    CPPUNIT_TEST(an_unknown_node_is_refused_without_a_terminus);
    CPPUNIT_TEST(a_topic_is_not_implemented);
    CPPUNIT_TEST(a_null_source_is_not_found);
    CPPUNIT_TEST(a_sender_makes_a_temporary_queue);
    CPPUNIT_TEST(a_receiver_makes_a_temporary_queue);
    CPPUNIT_TEST(only_its_connection_consumes_from_a_temporary_queue);
    CPPUNIT_TEST(a_temporary_queue_ends_with_its_connection);
    CPPUNIT_TEST(the_relay_routes_by_address);
    CPPUNIT_TEST(the_relay_keeps_the_order_while_queues_are_made);
    CPPUNIT_TEST(the_relay_rejects_what_it_cannot_route);
    CPPUNIT_TEST(the_relay_refuses_topics);
    CPPUNIT_TEST(an_application_may_not_do_what_an_administrator_may);
    CPPUNIT_TEST(links_over_the_limit_are_refused);
    CPPUNIT_TEST(a_link_may_leave_before_it_is_attached);
    CPPUNIT_TEST(ending_a_session_ends_its_links);
    CPPUNIT_TEST_SUITE_END();

    static bool has_capability(pn_terminus_t* terminus, std::string_view name) {
        pn_data_t* const data = pn_terminus_capabilities(terminus);
        pn_data_rewind(data);
        if (!pn_data_next(data)) return false;
        if (pn_data_type(data) == PN_ARRAY) {
            pn_data_enter(data);
            pn_data_next(data);
        }
        const pn_bytes_t symbol = pn_data_get_symbol(data);
        return std::string_view(symbol.start, symbol.size) == name;
    }

    void an_attach_is_answered_with_node_and_capability() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("q"s, std::string(pn_terminus_get_address(pn_link_remote_target(sender))));
        CPPUNIT_ASSERT(has_capability(pn_link_remote_target(sender), "queue"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{100u << 20}, pn_link_remote_max_message_size(sender));
        pn_link_t* const receiver = client.receiver("q", 0);
        CPPUNIT_ASSERT_EQUAL("q"s, std::string(pn_terminus_get_address(pn_link_remote_source(receiver))));
        CPPUNIT_ASSERT(has_capability(pn_link_remote_source(receiver), "queue"));
    }

    static void assert_refused(pn_link_t* link, const std::string& condition) {
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL(condition, AmqpPeer::link_condition(link));
        pn_terminus_t* const node = pn_link_is_sender(link) ? pn_link_remote_target(link) : pn_link_remote_source(link);
        CPPUNIT_ASSERT(pn_terminus_get_type(node) == PN_UNSPECIFIED);
    }

    void an_unknown_node_is_refused_without_a_terminus() {
        Broker broker;
        Client client(broker);
        const std::string too_long(300, 'x');
        assert_refused(client.sender(too_long.c_str()), "amqp:invalid-field");
        assert_refused(client.receiver(too_long.c_str(), 1), "amqp:invalid-field");
        // The connection goes on.
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.sender("q")));
    }

    void a_topic_is_not_implemented() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.peer.sender("t");
        pn_data_put_symbol(pn_terminus_capabilities(pn_link_target(sender)), pn_bytes(5, "topic"));
        client.peer.open(sender);
        pn_link_t* const receiver = client.peer.receiver("t");
        pn_data_put_symbol(pn_terminus_capabilities(pn_link_source(receiver)), pn_bytes(5, "topic"));
        client.peer.open(receiver);
        client.pump();
        assert_refused(sender, "amqp:not-implemented");
        assert_refused(receiver, "amqp:not-implemented");
    }

    void a_null_source_is_not_found() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.peer.receiver(nullptr);
        pn_terminus_set_type(pn_link_source(link), PN_UNSPECIFIED);
        client.peer.open(link);
        client.pump();
        assert_refused(link, "amqp:not-found");
    }

    static pn_link_t* dynamic_sender(Client& client) {
        pn_link_t* const link = client.peer.sender(nullptr);
        pn_terminus_set_dynamic(pn_link_target(link), true);
        pn_data_put_symbol(pn_terminus_capabilities(pn_link_target(link)), pn_bytes(15, "temporary-queue"));
        client.peer.open(link);
        client.pump();
        return link;
    }

    void a_sender_makes_a_temporary_queue() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = dynamic_sender(client);
        pn_terminus_t* const node = pn_link_remote_target(link);
        const std::string name = pn_terminus_get_address(node);
        CPPUNIT_ASSERT(name.starts_with("temp-"));
        CPPUNIT_ASSERT(pn_terminus_is_dynamic(node));
        CPPUNIT_ASSERT(has_capability(node, "temporary-queue"));
        CPPUNIT_ASSERT(pn_data_size(pn_terminus_properties(node)) > 0);
        client.receiver(name.c_str(), 1);
        client.send(link, durable_text("a"));
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
        pn_link_close(link);
        client.pump();
        CPPUNIT_ASSERT(!broker.core->find_destination(name).has_value());
    }

    void a_receiver_makes_a_temporary_queue() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.peer.receiver(nullptr);
        pn_terminus_set_dynamic(pn_link_source(link), true);
        client.peer.open(link);
        pn_link_flow(link, 1);
        client.pump();
        const std::string name = pn_terminus_get_address(pn_link_remote_source(link));
        CPPUNIT_ASSERT(has_capability(pn_link_remote_source(link), "temporary-queue"));
        // Anybody may answer.
        Client other(broker);
        other.send(other.sender(name.c_str()), durable_text("reply"));
        client.pump();
        CPPUNIT_ASSERT_EQUAL("reply"s, client.texts());
        pn_link_close(link);
        client.pump();
        CPPUNIT_ASSERT(!broker.core->find_destination(name).has_value());
    }

    void only_its_connection_consumes_from_a_temporary_queue() {
        Broker broker;
        Client client(broker);
        const std::string name = pn_terminus_get_address(pn_link_remote_target(dynamic_sender(client)));
        Client other(broker);
        assert_refused(other.receiver(name.c_str(), 1), "amqp:not-allowed");
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.receiver(name.c_str(), 1)));
    }

    void a_temporary_queue_ends_with_its_connection() {
        Broker broker;
        std::string name;
        {
            Client client(broker);
            name = pn_terminus_get_address(pn_link_remote_target(dynamic_sender(client)));
            CPPUNIT_ASSERT(broker.core->find_destination(name).has_value());
        }
        CPPUNIT_ASSERT(!broker.core->find_destination(name).has_value());
    }

    static std::string addressed(std::string_view to, std::string_view body) {
        return MessageBuilder().header(true).properties("ID:1", to).text(body).bytes();
    }

    void the_relay_routes_by_address() {
        Broker broker;
        Client client(broker);
        pn_link_t* const relay = client.sender(nullptr);
        CPPUNIT_ASSERT(pn_terminus_get_type(pn_link_remote_target(relay)) == PN_TARGET);
        CPPUNIT_ASSERT(pn_terminus_get_address(pn_link_remote_target(relay)) == nullptr);
        for (const auto* const name : {"one", "two", "one"}) {
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(relay, addressed(name, name))));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, client.queue("one").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("two").messages);
    }

    void the_relay_keeps_the_order_while_queues_are_made() {
        Broker broker;
        Client client(broker);
        pn_link_t* const relay = client.sender(nullptr);
        broker.commits = false;
        pn_delivery_t* first = nullptr;
        for (int index = 0; index < 10; ++index) {
            pn_delivery_t* const sent = client.peer.send(relay, addressed("new", std::to_string(index)));
            if (index == 0) first = sent;
        }
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(first));
        broker.commits = true;
        client.pump();
        client.receiver("new", 20);
        CPPUNIT_ASSERT_EQUAL("0 1 2 3 4 5 6 7 8 9"s, client.texts());
    }

    void the_relay_rejects_what_it_cannot_route() {
        Broker broker;
        Client client(broker);
        pn_link_t* const relay = client.sender(nullptr);
        CPPUNIT_ASSERT_EQUAL("amqp:invalid-field"s, AmqpPeer::rejection(client.send(relay, durable_text("nowhere"))));
        const std::string too_long(300, 'x');
        CPPUNIT_ASSERT_EQUAL("amqp:invalid-field"s, AmqpPeer::rejection(client.send(relay, addressed(too_long, "a"))));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(relay, addressed("q", "a"))));
    }

    void the_relay_refuses_topics() {
        Broker broker;
        Client client(broker);
        const std::string message = MessageBuilder()
                                        .map(0x72, 2,
                                             [](codec::Writer& writer) {
                                                 writer.symbol("x-opt-jms-dest");
                                                 const std::uint8_t topic[] = {0x51, 1};
                                                 writer.raw(topic);
                                             })
                                        .properties("ID:1", "t")
                                        .text("a")
                                        .bytes();
        CPPUNIT_ASSERT_EQUAL("amqp:not-implemented"s, AmqpPeer::rejection(client.send(client.sender(nullptr), message)));
    }

    void an_application_may_not_do_what_an_administrator_may() {
        Broker broker;
        broker.options.anonymous_is_administrator = false;
        Client client(broker);
        assert_refused(client.sender("q"), "amqp:unauthorized-access");
        assert_refused(client.receiver("q", 1), "amqp:unauthorized-access");
        CPPUNIT_ASSERT_EQUAL("anonymous"s, client.wire.connection->view().user);
    }

    void links_over_the_limit_are_refused() {
        Broker broker;
        broker.options.links_max = 2;
        Client client(broker);
        pn_link_t* const first = client.sender("q");
        client.sender("q");
        assert_refused(client.sender("q"), "amqp:resource-limit-exceeded");
        pn_link_close(first);
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.sender("q")));
    }

    void a_link_may_leave_before_it_is_attached() {
        Broker broker;
        Client client(broker);
        client.sender("q");
        broker.commits = false;
        pn_link_t* const sender = client.sender("new");  // waits for the queue to be durable
        pn_link_t* const receiver = client.receiver("new", 5);
        pn_link_close(sender);
        pn_link_close(receiver);
        client.pump();
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_closed(sender));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(receiver));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("new").consumers);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("new").producers);
    }

    void ending_a_session_ends_its_links() {
        Broker broker;
        Client client(broker);
        client.sender("q");
        client.receiver("q", 5);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{1}, client.queue("q").consumers);
        pn_session_close(client.peer.session());
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").consumers);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").producers);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, client.wire.connection->view().sessions.size());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpNodesTest);

}  // namespace giromq::test
