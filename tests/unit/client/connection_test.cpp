#include "connection_core.hpp"
#include "rig.hpp"
#include "settings.hpp"

namespace giromq::test {
namespace {

class ConnectionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConnectionTest);
    CPPUNIT_TEST(a_broker_that_is_not_there_is_named);
    CPPUNIT_TEST(an_unknown_host_is_named);
    CPPUNIT_TEST(a_server_that_does_not_answer_times_out);
    CPPUNIT_TEST(connecting_can_wait_for_the_broker);
    CPPUNIT_TEST(a_user_who_cannot_log_in_is_a_security_exception);
    CPPUNIT_TEST(a_mechanism_that_is_not_allowed_is_not_used);
    CPPUNIT_TEST(a_client_id_in_use_is_an_invalid_client_id);
    CPPUNIT_TEST(the_client_id_can_be_set_once_before_use);
    CPPUNIT_TEST(metadata_names_the_broker);
    CPPUNIT_TEST(uris_are_understood);
    CPPUNIT_TEST(wrong_uris_are_refused_with_a_reason);
    CPPUNIT_TEST(an_uri_is_shown_without_its_secrets);
    CPPUNIT_TEST(tls_to_a_plain_port_is_explained);
    CPPUNIT_TEST(a_closed_connection_leaves_nothing_behind);
    CPPUNIT_TEST_SUITE_END();

    static void a_broker_that_is_not_there_is_named() {
        std::string uri;
        {
            TestBroker broker;
            uri = broker.uri();
        }
        const auto exception = thrown<JMSException>([&] { ConnectionFactory(uri).create_connection(); });
        CPPUNIT_ASSERT(std::string(exception.what()).find("Cannot connect to 127.0.0.1:") != std::string::npos);
        CPPUNIT_ASSERT(std::string(exception.what()).find("giromqd") != std::string::npos);
    }

    static void an_unknown_host_is_named() {
        const auto exception = thrown<JMSException>([&] { ConnectionFactory("amqp://no-such-host.invalid").create_connection(); });
        CPPUNIT_ASSERT(std::string(exception.what()).find("no-such-host.invalid") != std::string::npos);
    }

    static void a_server_that_does_not_answer_times_out() {
        TestBroker broker;
        broker.silence();
        const auto exception = thrown<JMSException>([&] { ConnectionFactory(broker.uri("connect-timeout-ms=50")).create_connection(); });
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:timeout"), exception.error_code());
    }

    static void connecting_can_wait_for_the_broker() {
        TestBroker broker;
        broker.drop_next_connections(3);
        CPPUNIT_ASSERT_THROW(ConnectionFactory(broker.uri("connect.attempts=2")).create_connection(), JMSException);
        ConnectionFactory(broker.uri("connect.attempts=0")).create_connection()->create_session();
        CPPUNIT_ASSERT_EQUAL(4, broker.connections_made());
    }

    static void a_user_who_cannot_log_in_is_a_security_exception() {
        TestBroker broker;
        CPPUNIT_ASSERT_THROW(ConnectionFactory(broker.uri(), "alice", "secret password").create_connection(), JMSSecurityException);
        CPPUNIT_ASSERT_THROW(ConnectionFactory(broker.uri()).create_connection("alice", "secret password"), JMSSecurityException);
    }

    static void a_mechanism_that_is_not_allowed_is_not_used() {
        TestBroker broker;
        CPPUNIT_ASSERT_THROW(ConnectionFactory(broker.uri("sasl.mechanisms=SCRAM-SHA-256,EXTERNAL")).create_connection(),
                             JMSSecurityException);
        ConnectionFactory(broker.uri("sasl.mechanisms=ANONYMOUS")).create_connection();
    }

    static void a_client_id_in_use_is_an_invalid_client_id() {
        TestBroker broker;
        broker.refuse_client_id("taken");
        CPPUNIT_ASSERT_THROW(ConnectionFactory(broker.uri("client-id=taken")).create_connection(), InvalidClientIDException);
        const auto connection = ConnectionFactory(broker.uri()).create_connection();
        CPPUNIT_ASSERT_THROW(connection->set_client_id("taken"), InvalidClientIDException);
    }

    static void the_client_id_can_be_set_once_before_use() {
        TestBroker broker;
        const auto connection = ConnectionFactory(broker.uri()).create_connection();
        CPPUNIT_ASSERT(connection->client_id().empty());
        CPPUNIT_ASSERT_THROW(connection->set_client_id(""), InvalidClientIDException);
        connection->set_client_id("mine");
        CPPUNIT_ASSERT_EQUAL(std::string("mine"), connection->client_id());
        CPPUNIT_ASSERT_THROW(connection->set_client_id("another"), IllegalStateException);
        const auto session = connection->create_session();
        session->create_producer(session->create_queue("q"))->send(session->create_text_message("m"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.depth("q"));

        const auto used = ConnectionFactory(broker.uri()).create_connection();
        used->start();
        CPPUNIT_ASSERT_THROW(used->set_client_id("late"), IllegalStateException);
    }

    static void metadata_names_the_broker() {
        TestBroker broker;
        const auto metadata = ConnectionFactory(broker.uri()).create_connection()->metadata();
        CPPUNIT_ASSERT_EQUAL(std::string("2.0"), metadata.jms_version);
        CPPUNIT_ASSERT_EQUAL(std::string("GiroMQ"), metadata.broker_product);
    }

    static void uris_are_understood() {
        const auto all =
            detail::parse_uri("amqps://us%40er:p%3Aw@[::1]:1234/?prefetch=7&reconnect=false&tls.verify-peer=false&idle-timeout-ms=0");
        CPPUNIT_ASSERT(all.tls && !all.reconnect && !all.tls_verify_peer);
        CPPUNIT_ASSERT_EQUAL(std::string("us@er"), all.user);
        CPPUNIT_ASSERT_EQUAL(std::string("p:w"), all.password);
        CPPUNIT_ASSERT_EQUAL(std::string("::1"), all.host);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{1234}, all.port);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{7}, all.prefetch);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{5672}, detail::parse_uri("amqp://host").port);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{5671}, detail::parse_uri("amqps://host").port);
    }

    static void wrong_uris_are_refused_with_a_reason() {
        for (const char* const uri : {"http://host", "amqp://", "amqp://host:0", "amqp://host:70000", "amqp://host/queue",
                                      "amqp://host?unknown=1", "amqp://host?prefetch", "amqp://host?prefetch=2001",
                                      "amqp://host?reconnect=maybe", "amqp://%zz", "amqp://[::1", "amqp://host?sasl.mechanisms=MAGIC"}) {
            const auto exception = thrown<JMSException>([&] { ConnectionFactory{uri}; });
            CPPUNIT_ASSERT_MESSAGE(uri, std::string(exception.what()).size() > 20);
        }
    }

    static void an_uri_is_shown_without_its_secrets() {
        CPPUNIT_ASSERT_EQUAL(std::string("amqp://host:5672"), ConnectionFactory("amqp://alice:secret@host?prefetch=1").uri());
        const auto exception = thrown<JMSException>([] { ConnectionFactory("amqp://alice:se%cret@host"); });
        CPPUNIT_ASSERT(std::string(exception.what()).find("cret") == std::string::npos);
    }

    static void tls_to_a_plain_port_is_explained() {
        TestBroker broker;
        const auto exception =
            thrown<JMSException>([&] { ConnectionFactory("amqps://127.0.0.1:" + std::to_string(broker.port())).create_connection(); });
        CPPUNIT_ASSERT(std::string(exception.what()).find("TLS") != std::string::npos);
    }

    static void a_closed_connection_leaves_nothing_behind() {
        TestBroker broker;
        auto core = detail::ConnectionCore::connect(detail::parse_uri(broker.uri()));
        const std::weak_ptr<detail::ConnectionCore> left = core;
        core->close();
        core.reset();
        CPPUNIT_ASSERT(left.expired());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionTest);

}  // namespace
}  // namespace giromq::test
