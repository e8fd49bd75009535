#include <atomic>
#include <future>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

class Counter final : public CompletionListener {
public:
    void on_completion(const MessagePtr&) override { ++completed; }
    void on_exception(const MessagePtr&, const JMSException&) override {}
    std::atomic<int> completed{0};
};

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

class ContextTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ContextTest);
    CPPUNIT_TEST(a_producer_chains_its_options_and_puts_them_into_each_message);
    CPPUNIT_TEST(an_asynchronous_producer_tells_its_listener);
    CPPUNIT_TEST(properties_cannot_be_put_into_a_received_message);
    CPPUNIT_TEST(the_first_consumer_starts_the_connection);
    CPPUNIT_TEST(bodies_are_received_as_values);
    CPPUNIT_TEST(a_body_of_another_kind_is_not_taken_in_the_automatic_modes);
    CPPUNIT_TEST(a_body_of_another_kind_can_be_acknowledged_in_the_other_modes);
    CPPUNIT_TEST(acknowledge_takes_everything_received);
    CPPUNIT_TEST(acknowledge_is_for_client_acknowledge_only);
    CPPUNIT_TEST(contexts_share_a_connection_until_the_last_is_closed);
    CPPUNIT_TEST(a_closed_context_refuses_to_work);
    CPPUNIT_TEST(a_context_cannot_be_closed_by_its_listener);
    CPPUNIT_TEST(it_works_without_an_anonymous_relay);
    CPPUNIT_TEST_SUITE_END();

    static std::shared_ptr<Context> open(TestBroker& broker, AcknowledgeMode mode = AcknowledgeMode::auto_acknowledge) {
        return ConnectionFactory(broker.uri()).create_context(mode);
    }

    static void a_producer_chains_its_options_and_puts_them_into_each_message() {
        TestBroker broker;
        const auto context = open(broker);
        const auto queue = context->create_queue("q");
        context->create_producer()
            ->set_delivery_mode(DeliveryMode::non_persistent)
            .set_priority(7)
            .set_time_to_live(60s)
            .set_property("currency", "EUR")
            .set_property("cents", std::int64_t{100})
            .set_property("urgent", true)
            .set_jms_correlation_id("correlation")
            .set_jms_type("payment")
            .set_jms_reply_to(context->create_queue("answers"))
            .send(queue, "first")
            .clear_properties()
            .send(queue, "second");
        CPPUNIT_ASSERT(!broker.received().at(0).durable);
        const auto consumer = context->create_consumer(queue);
        const auto first = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), text_of(first));
        CPPUNIT_ASSERT_EQUAL(std::string("EUR"), *first->string_property("currency"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{100}, first->long_property("cents"));
        CPPUNIT_ASSERT(first->boolean_property("urgent"));
        CPPUNIT_ASSERT_EQUAL(first->jms_timestamp() + 60000, first->jms_expiration());
        CPPUNIT_ASSERT_EQUAL(std::string("payment"), first->jms_type());
        CPPUNIT_ASSERT_EQUAL(std::string("correlation"), first->jms_correlation_id());
        CPPUNIT_ASSERT_EQUAL(std::string("answers"), first->jms_reply_to()->name());
        CPPUNIT_ASSERT(!consumer->receive(5s)->property_exists("currency"));
        CPPUNIT_ASSERT_THROW(context->create_producer()->set_priority(10), JMSException);
        CPPUNIT_ASSERT_THROW(context->create_producer()->set_property("no name", 1), JMSException);
    }

    static void an_asynchronous_producer_tells_its_listener() {
        TestBroker broker;
        const auto context = open(broker);
        const auto counter = std::make_shared<Counter>();
        const auto producer = context->create_producer();
        producer->set_async(counter);
        for (int index = 0; index < 10; ++index) producer->send(context->create_queue("q"), "m");
        context->close();
        CPPUNIT_ASSERT_EQUAL(10, counter->completed.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{10}, broker.depth("q"));
    }

    static void properties_cannot_be_put_into_a_received_message() {
        TestBroker broker;
        broker.put("q", encoded_text("1"));
        const auto context = open(broker);
        const auto message = context->create_consumer(context->create_queue("q"))->receive(5s);
        const auto producer = context->create_producer();
        producer->send(context->create_queue("forwarded"), message);
        producer->set_property("a", 1);
        CPPUNIT_ASSERT_THROW(producer->send(context->create_queue("forwarded"), message), MessageNotWriteableException);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.depth("forwarded"));
    }

    static void the_first_consumer_starts_the_connection() {
        TestBroker broker;
        broker.put("q", encoded_text("1"));
        const auto context = open(broker);
        CPPUNIT_ASSERT(context->auto_start());
        context->set_auto_start(false);
        const auto consumer = context->create_consumer(context->create_queue("q"));
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
        context->start();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        const auto other = context->create_context(AcknowledgeMode::auto_acknowledge);
        CPPUNIT_ASSERT(!other->auto_start());
    }

    static void bodies_are_received_as_values() {
        TestBroker broker;
        const auto context = open(broker);
        const auto queue = context->create_queue("q");
        const auto consumer = context->create_consumer(queue);
        CPPUNIT_ASSERT(!consumer->receive_body_no_wait<std::string>());
        CPPUNIT_ASSERT(!consumer->receive_body<std::string>(10ms));
        context->create_producer()->send(queue, "text").send(queue, bytes_of("bytes")).send(queue, "");
        CPPUNIT_ASSERT_EQUAL(std::string("text"), *consumer->receive_body<std::string>());
        CPPUNIT_ASSERT(bytes_of("bytes") == consumer->receive_body<std::vector<std::byte>>(5s));
        CPPUNIT_ASSERT_EQUAL(std::string(), *consumer->receive_body_no_wait<std::string>());
        CPPUNIT_ASSERT_THROW(consumer->receive_body<std::string>(-1ms), JMSException);
        context->close();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, broker.depth("q"));
    }

    static void a_body_of_another_kind_is_not_taken_in_the_automatic_modes() {
        TestBroker broker;
        const auto context = open(broker);
        const auto queue = context->create_queue("q");
        context->create_producer()->send(queue, bytes_of("bytes")).send(queue, "text");
        const auto consumer = context->create_consumer(queue);
        CPPUNIT_ASSERT_THROW(consumer->receive_body<std::string>(5s), MessageFormatException);
        CPPUNIT_ASSERT_THROW(consumer->receive_body_no_wait<std::string>(), MessageFormatException);
        const auto message = consumer->receive(5s);
        CPPUNIT_ASSERT(!message->jms_redelivered());
        CPPUNIT_ASSERT(bytes_of("bytes").size() == dynamic_cast<const BytesMessage&>(*message).bytes().size());
        CPPUNIT_ASSERT_THROW(consumer->receive_body<std::vector<std::byte>>(5s), MessageFormatException);
        consumer->close();
        CPPUNIT_ASSERT(broker.wait([&] { return broker.locked("q") == 0; }));
        CPPUNIT_ASSERT(broker.delivery_counts("q") == (std::vector<std::uint32_t>{0}));
    }

    static void a_body_of_another_kind_can_be_acknowledged_in_the_other_modes() {
        TestBroker broker;
        const auto context = open(broker, AcknowledgeMode::client_acknowledge);
        const auto queue = context->create_queue("q");
        context->create_producer()->send(queue, bytes_of("bytes")).send(queue, "text");
        const auto consumer = context->create_consumer(queue);
        CPPUNIT_ASSERT_THROW(consumer->receive_body<std::string>(5s), MessageFormatException);
        CPPUNIT_ASSERT_EQUAL(std::string("text"), *consumer->receive_body<std::string>(5s));
        context->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, broker.depth("q"));
    }

    static void acknowledge_takes_everything_received() {
        TestBroker broker;
        for (const char* const text : {"1", "2", "3"}) broker.put("q", encoded_text(text));
        const auto context = open(broker, AcknowledgeMode::client_acknowledge);
        const auto consumer = context->create_consumer(context->create_queue("q"));
        context->acknowledge();
        consumer->receive(5s);
        consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, broker.depth("q"));
        context->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.depth("q"));
        consumer->receive(5s);
        context->recover();
        const auto again = consumer->receive(5s);
        CPPUNIT_ASSERT(again->jms_redelivered());
    }

    static void acknowledge_is_for_client_acknowledge_only() {
        TestBroker broker;
        open(broker)->acknowledge();
        open(broker, AcknowledgeMode::dups_ok_acknowledge)->acknowledge();
        CPPUNIT_ASSERT_THROW(open(broker, AcknowledgeMode::individual_acknowledge)->acknowledge(), IllegalStateException);
    }

    static void contexts_share_a_connection_until_the_last_is_closed() {
        TestBroker broker;
        const auto first = open(broker);
        const auto second = first->create_context(AcknowledgeMode::client_acknowledge);
        CPPUNIT_ASSERT(second->acknowledge_mode() == AcknowledgeMode::client_acknowledge);
        const auto queue = second->create_queue("q");
        const auto consumer = second->create_consumer(queue);
        first->create_producer()->send(queue, "m");
        first->close();
        CPPUNIT_ASSERT_EQUAL(std::string("m"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(1, broker.connections_made());
        second->close();
        CPPUNIT_ASSERT(broker.wait([&] { return broker.connections() == 0; }));
    }

    static void a_closed_context_refuses_to_work() {
        TestBroker broker;
        const auto context = open(broker);
        const auto producer = context->create_producer();
        const auto queue = context->create_queue("q");
        const auto consumer = context->create_consumer(queue);
        context->close();
        context->close();
        CPPUNIT_ASSERT_THROW(producer->send(queue, "m"), IllegalStateException);
        CPPUNIT_ASSERT_THROW(consumer->receive_no_wait(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(context->create_producer(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(context->create_consumer(queue), IllegalStateException);
        CPPUNIT_ASSERT_THROW(context->create_context(AcknowledgeMode::auto_acknowledge), IllegalStateException);
        CPPUNIT_ASSERT_THROW(context->acknowledge(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(context->start(), IllegalStateException);
    }

    static void a_context_cannot_be_closed_by_its_listener() {
        TestBroker broker;
        broker.put("q", encoded_text("1"));
        const auto context = open(broker);
        context->set_auto_start(false);
        const auto consumer = context->create_consumer(context->create_queue("q"));
        std::promise<bool> refused;
        consumer->set_message_listener([&](const MessagePtr&) {
            try {
                context->close();
            } catch (const IllegalStateException&) {
                return refused.set_value(true);
            }
            refused.set_value(false);
        });
        context->start();
        CPPUNIT_ASSERT(refused.get_future().get());
    }

    static void it_works_without_an_anonymous_relay() {
        TestBroker broker({.offers_relay = false});
        const auto context = open(broker);
        const auto producer = context->create_producer();
        producer->send(context->create_queue("x"), "1").send(context->create_queue("y"), "2");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.depth("x"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.depth("y"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContextTest);

}  // namespace
}  // namespace giromq::test
