#include <atomic>
#include <future>
#include <thread>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

/// Notes what it is told, in order.
class Recorder final : public CompletionListener {
public:
    void on_completion(const MessagePtr& message) override { note("ok " + dynamic_cast<const TextMessage&>(*message).text()); }
    void on_exception(const MessagePtr& message, const JMSException& exception) override {
        note("failed " + dynamic_cast<const TextMessage&>(*message).text() + " " + exception.error_code());
    }
    std::vector<std::string> told() {
        const std::lock_guard lock(mutex_);
        return told_;
    }

private:
    void note(std::string what) {
        const std::lock_guard lock(mutex_);
        told_.push_back(std::move(what));
    }
    std::mutex mutex_;
    std::vector<std::string> told_;
};

class ProducerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProducerTest);
    CPPUNIT_TEST(send_returns_only_after_the_broker_settled);
    CPPUNIT_TEST(sequences_start_at_one_and_are_never_reused);
    CPPUNIT_TEST(a_refused_send_throws_and_is_tried_again_with_a_new_sequence);
    CPPUNIT_TEST(headers_are_set_by_send);
    CPPUNIT_TEST(an_unknown_queue_is_an_invalid_destination);
    CPPUNIT_TEST(a_missing_right_is_a_security_exception);
    CPPUNIT_TEST(without_credit_a_send_times_out_and_is_not_sent_later);
    CPPUNIT_TEST(the_anonymous_producer_names_the_queue_with_each_send);
    CPPUNIT_TEST(without_a_relay_each_destination_gets_a_link);
    CPPUNIT_TEST(completion_listeners_are_called_in_send_order);
    CPPUNIT_TEST(at_most_a_thousand_sends_are_unconfirmed);
    CPPUNIT_TEST(close_waits_for_the_outcomes_of_asynchronous_sends);
    CPPUNIT_TEST(a_producer_cannot_be_closed_by_its_completion_listener);
    CPPUNIT_TEST(a_producer_dropped_by_its_completion_listener_is_closed);
    CPPUNIT_TEST(no_annotations_are_sent_to_other_brokers);
    CPPUNIT_TEST(a_large_message_arrives_whole);
    CPPUNIT_TEST(a_closed_producer_refuses_to_send);
    CPPUNIT_TEST_SUITE_END();

    static void send_returns_only_after_the_broker_settled() {
        Rig rig;
        const auto producer = rig.producer();
        rig.broker.hold_outcomes(true);
        std::atomic<bool> returned{false};
        std::thread sender([&] {
            producer->send(rig.text("one"));
            returned = true;
        });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        CPPUNIT_ASSERT(!returned);
        rig.broker.hold_outcomes(false);
        sender.join();
        CPPUNIT_ASSERT(returned);
        CPPUNIT_ASSERT_EQUAL(std::string("one"), decoded_text(rig.broker.contents("q").at(0)));
    }

    static void sequences_start_at_one_and_are_never_reused() {
        Rig rig;
        const auto first = rig.producer();
        const auto second = rig.producer();
        first->send(rig.text("a"));
        first->send(rig.text("b"));
        second->send(rig.text("c"));
        const auto received = rig.broker.received();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, received.at(0).sequence);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, received.at(1).sequence);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, received.at(2).sequence);
        CPPUNIT_ASSERT_EQUAL(received.at(0).producer_id, received.at(1).producer_id);
        CPPUNIT_ASSERT(received.at(0).producer_id != received.at(2).producer_id);
        CPPUNIT_ASSERT(!received.at(0).producer_id.empty() && received.at(0).producer_id.size() <= 64);
    }

    static void a_refused_send_throws_and_is_tried_again_with_a_new_sequence() {
        Rig rig;
        const auto producer = rig.producer();
        const auto message = rig.text("again");
        rig.broker.reject_next(1, "amqp:resource-limit-exceeded");
        const auto exception = thrown<ResourceAllocationException>([&] { producer->send(message); });
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:resource-limit-exceeded"), exception.error_code());
        producer->send(message);
        const auto received = rig.broker.received();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, received.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, received.at(1).sequence);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void headers_are_set_by_send() {
        Rig rig;
        const auto producer = rig.producer();
        producer->set_priority(7);
        producer->set_time_to_live(60000ms);
        producer->set_delivery_mode(DeliveryMode::non_persistent);
        const auto message = rig.text("headers");
        message->set_jms_correlation_id("correlation");
        message->set_jms_reply_to(rig.session->create_queue("answers"));
        producer->send(message);
        CPPUNIT_ASSERT(message->jms_message_id().starts_with("ID:"));
        CPPUNIT_ASSERT_EQUAL(std::string("q"), message->jms_destination()->name());
        CPPUNIT_ASSERT_EQUAL(7, message->jms_priority());
        CPPUNIT_ASSERT_EQUAL(message->jms_timestamp() + 60000, message->jms_expiration());
        CPPUNIT_ASSERT(!rig.broker.received().at(0).durable);

        const auto received = rig.consumer()->receive(5s);
        CPPUNIT_ASSERT_EQUAL(std::string("headers"), text_of(received));
        CPPUNIT_ASSERT_EQUAL(message->jms_message_id(), received->jms_message_id());
        CPPUNIT_ASSERT_EQUAL(message->jms_timestamp(), received->jms_timestamp());
        CPPUNIT_ASSERT_EQUAL(message->jms_expiration(), received->jms_expiration());
        CPPUNIT_ASSERT_EQUAL(std::string("correlation"), received->jms_correlation_id());
        CPPUNIT_ASSERT_EQUAL(std::string("answers"), received->jms_reply_to()->name());

        producer->set_disable_message_id(true);
        producer->set_disable_message_timestamp(true);
        producer->send(message);
        CPPUNIT_ASSERT(message->jms_message_id().empty());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, message->jms_timestamp());
    }

    static void an_unknown_queue_is_an_invalid_destination() {
        Rig rig;
        rig.broker.refuse("nowhere", "amqp:not-found");
        const auto nowhere = rig.session->create_queue("nowhere");
        CPPUNIT_ASSERT_THROW(rig.session->create_producer(nowhere), InvalidDestinationException);
        CPPUNIT_ASSERT_THROW(rig.session->create_consumer(nowhere), InvalidDestinationException);
        rig.producer()->send(rig.text("the session still works"));
    }

    static void a_missing_right_is_a_security_exception() {
        Rig rig;
        rig.broker.refuse("secret", "amqp:unauthorized-access");
        CPPUNIT_ASSERT_THROW(rig.session->create_producer(rig.session->create_queue("secret")), JMSSecurityException);
    }

    static bool sends(MessageProducer& producer, const std::shared_ptr<Message>& message) {
        try {
            producer.send(message);
            return true;
        } catch (const ResourceAllocationException&) {
            return false;
        }
    }

    static void without_credit_a_send_times_out_and_is_not_sent_later() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "send-timeout-ms=50");
        rig.broker.grant_credit(0);
        const auto producer = rig.producer();
        const auto exception = thrown<ResourceAllocationException>([&] { producer->send(rig.text("withdrawn")); });
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:timeout"), exception.error_code());
        rig.broker.add_credit(10);
        // On a busy machine the credit may take longer than a send may; then it is tried again.
        while (!sends(*producer, rig.text("sent"))) {
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.received().size());
        CPPUNIT_ASSERT_EQUAL(std::string("sent"), decoded_text(rig.broker.contents("q").at(0)));
    }

    static void the_anonymous_producer_names_the_queue_with_each_send() {
        Rig rig;
        const auto producer = rig.session->create_producer(nullptr);
        CPPUNIT_ASSERT_THROW(producer->send(rig.text("where to?")), InvalidDestinationException);
        producer->send(rig.session->create_queue("x"), rig.text("1"));
        producer->send(rig.session->create_queue("y"), rig.text("2"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("x"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("y"));
    }

    static void without_a_relay_each_destination_gets_a_link() {
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, {.offers_relay = false});
        const auto recorder = std::make_shared<Recorder>();
        const auto producer = rig.session->create_producer(nullptr);
        producer->set_disable_message_id(true);
        CPPUNIT_ASSERT_THROW(producer->send(rig.text("where to?")), InvalidDestinationException);
        for (int index = 0; index < 200; ++index) {
            const auto queue = rig.session->create_queue("q" + std::to_string(index % 100));
            const auto message = rig.text(std::to_string(index));
            index % 2 == 0 ? producer->send(queue, message) : producer->send(queue, message, recorder);
            CPPUNIT_ASSERT(message->jms_message_id().empty());
        }
        const auto nowhere = rig.session->create_queue("nowhere");
        rig.broker.refuse("nowhere", "amqp:not-found");
        CPPUNIT_ASSERT_THROW(producer->send(nowhere, rig.text("lost?")), InvalidDestinationException);
        rig.broker.cut_connections();
        producer->send(rig.session->create_queue("q7"), rig.text("after the loss"));
        producer->close();
        CPPUNIT_ASSERT_EQUAL(std::size_t{100}, recorder->told().size());
        for (int index = 0; index < 100; ++index)
            CPPUNIT_ASSERT_EQUAL(std::size_t{index == 7 ? 3U : 2U}, rig.broker.depth("q" + std::to_string(index)));
        CPPUNIT_ASSERT_THROW(producer->send(rig.session->create_queue("q7"), rig.text("closed")), IllegalStateException);
    }

    static void completion_listeners_are_called_in_send_order() {
        Rig rig;
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<Recorder>();
        rig.broker.reject_next(1, "amqp:resource-limit-exceeded");
        std::vector<std::string> expected;
        for (int index = 0; index < 300; ++index) {
            const std::string text = std::to_string(index);
            producer->send(rig.text(text), recorder);
            expected.push_back(index == 0 ? "failed 0 amqp:resource-limit-exceeded" : "ok " + text);
        }
        producer->close();
        CPPUNIT_ASSERT(recorder->told() == expected);
    }

    static void at_most_a_thousand_sends_are_unconfirmed() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "send-timeout-ms=100", {.credit = 2000});
        rig.broker.hold_outcomes(true);
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<Recorder>();
        int sent = 0;
        const auto exception = thrown<ResourceAllocationException>([&] {
            for (; sent < 1100; ++sent) producer->send(rig.text("m"), recorder);
        });
        CPPUNIT_ASSERT_EQUAL(1000, sent);
        rig.broker.hold_outcomes(false);
        producer->close();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, recorder->told().size());
    }

    static void close_waits_for_the_outcomes_of_asynchronous_sends() {
        Rig rig;
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<Recorder>();
        rig.broker.hold_outcomes(true);
        producer->send(rig.text("last"), recorder);
        auto closing = std::async(std::launch::async, [&] { producer->close(); });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        CPPUNIT_ASSERT(closing.wait_for(20ms) == std::future_status::timeout);
        rig.broker.hold_outcomes(false);
        closing.get();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, recorder->told().size());
    }

    static void a_producer_cannot_be_closed_by_its_completion_listener() {
        class Closer final : public CompletionListener {
        public:
            explicit Closer(std::weak_ptr<MessageProducer> producer) : producer_(std::move(producer)) {}
            void on_completion(const MessagePtr&) override {
                try {
                    producer_.lock()->close();
                } catch (const IllegalStateException&) {
                    refused.set_value(true);
                    return;
                }
                refused.set_value(false);
            }
            void on_exception(const MessagePtr&, const JMSException&) override {}
            std::promise<bool> refused;

        private:
            std::weak_ptr<MessageProducer> producer_;
        };
        Rig rig;
        const auto producer = rig.producer();
        const auto closer = std::make_shared<Closer>(producer);
        producer->send(rig.text("m"), closer);
        CPPUNIT_ASSERT(closer->refused.get_future().get());
    }

    static void a_producer_dropped_by_its_completion_listener_is_closed() {
        class Dropper final : public CompletionListener {
        public:
            void on_completion(const MessagePtr&) override { producer.reset(); }
            void on_exception(const MessagePtr&, const JMSException&) override {}
            std::shared_ptr<MessageProducer> producer;
        };
        Rig rig;
        rig.broker.hold_outcomes(true);
        const auto dropper = std::make_shared<Dropper>();
        dropper->producer = rig.producer();
        dropper->producer->send(rig.text("m"), dropper);
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.producers("q"));
        rig.broker.hold_outcomes(false);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.producers("q") == 0; }));
    }

    static void no_annotations_are_sent_to_other_brokers() {
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, {.product = "Another Broker"});
        rig.producer()->send(rig.text("m"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, rig.broker.received().at(0).sequence);
        CPPUNIT_ASSERT_EQUAL(std::string("m"), text_of(rig.consumer()->receive(5s)));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 0; }));
    }

    static void a_large_message_arrives_whole() {
        Rig rig;
        std::string text(3 << 20, 'x');
        for (std::size_t index = 0; index < text.size(); index += 1000) text[index] = static_cast<char>('a' + index / 1000 % 26);
        rig.producer()->send(rig.text(text));
        CPPUNIT_ASSERT(text == text_of(rig.consumer()->receive(10s)));
    }

    static void a_closed_producer_refuses_to_send() {
        Rig rig;
        const auto producer = rig.producer();
        producer->close();
        producer->close();
        CPPUNIT_ASSERT_THROW(producer->send(rig.text("m")), IllegalStateException);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProducerTest);

}  // namespace
}  // namespace giromq::test
