#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

class LossRecorder final : public CompletionListener {
public:
    void on_completion(const MessagePtr&) override { ++completed; }
    void on_exception(const MessagePtr&, const JMSException& exception) override {
        const std::lock_guard lock(mutex);
        codes.push_back(exception.error_code());
    }
    std::atomic<int> completed{0};
    std::mutex mutex;
    std::vector<std::string> codes;
};

class ReconnectTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReconnectTest);
    CPPUNIT_TEST(a_send_that_was_stored_but_not_confirmed_is_sent_again_and_dropped_as_duplicate);
    CPPUNIT_TEST(a_send_that_was_not_stored_is_sent_again_and_stored_once);
    CPPUNIT_TEST(unconfirmed_sends_come_again_in_order_before_new_ones);
    CPPUNIT_TEST(a_thousand_cuts_lose_nothing_and_double_nothing);
    CPPUNIT_TEST(non_persistent_messages_are_not_sent_twice);
    CPPUNIT_TEST(acknowledging_a_message_of_the_old_connection_throws);
    CPPUNIT_TEST(client_acknowledge_over_a_loss_acknowledges_nothing);
    CPPUNIT_TEST(an_acknowledgement_lost_on_the_way_is_reported_as_unknown);
    CPPUNIT_TEST(a_waiting_receive_goes_on_after_the_loss);
    CPPUNIT_TEST(receive_no_wait_is_not_wrongly_empty_over_a_loss);
    CPPUNIT_TEST(a_close_by_the_broker_is_a_loss);
    CPPUNIT_TEST(attempts_end_when_they_are_limited);
    CPPUNIT_TEST(every_loss_has_its_own_time_and_attempts);
    CPPUNIT_TEST(an_exception_listener_may_close_the_connection);
    CPPUNIT_TEST(without_reconnect_the_connection_fails_at_once);
    CPPUNIT_TEST(events_tell_of_loss_and_return);
    CPPUNIT_TEST(a_temporary_queue_is_made_anew);
    CPPUNIT_TEST(a_browser_says_that_it_lost_its_position);
    CPPUNIT_TEST(close_works_while_there_is_no_broker);
    CPPUNIT_TEST_SUITE_END();

    static void a_send_that_was_stored_but_not_confirmed_is_sent_again_and_dropped_as_duplicate() {
        Rig rig;
        const auto producer = rig.producer();
        rig.broker.cut_after_transfers(1, true);
        producer->send(rig.text("once"));
        const auto received = rig.broker.received();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, received.size());
        CPPUNIT_ASSERT_EQUAL(received[0].sequence, received[1].sequence);
        CPPUNIT_ASSERT_EQUAL(received[0].producer_id, received[1].producer_id);
        CPPUNIT_ASSERT_EQUAL(received[0].bytes, received[1].bytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void a_send_that_was_not_stored_is_sent_again_and_stored_once() {
        Rig rig;
        const auto producer = rig.producer();
        rig.broker.cut_after_transfers(1, false);
        producer->send(rig.text("once"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(2, rig.broker.connections_made());
    }

    static void unconfirmed_sends_come_again_in_order_before_new_ones() {
        Rig rig;
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<LossRecorder>();
        rig.broker.hold_outcomes(true);
        for (int index = 1; index <= 20; ++index) producer->send(rig.text(std::to_string(index)), recorder);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 20; }));
        rig.broker.stop_listening();
        rig.broker.cut_connections();
        for (int index = 21; index <= 30; ++index) producer->send(rig.text(std::to_string(index)), recorder);
        rig.broker.hold_outcomes(false);
        rig.broker.listen_again();
        producer->close();
        CPPUNIT_ASSERT_EQUAL(30, recorder->completed.load());
        const auto received = rig.broker.received();
        CPPUNIT_ASSERT_EQUAL(std::size_t{50}, received.size());
        for (std::size_t index = 0; index < 30; ++index) CPPUNIT_ASSERT_EQUAL(std::uint64_t{index + 1}, received[20 + index].sequence);
        const auto contents = rig.broker.contents("q");
        CPPUNIT_ASSERT_EQUAL(std::size_t{30}, contents.size());
        for (std::size_t index = 0; index < 30; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index + 1), decoded_text(contents[index]));
    }

    static void a_thousand_cuts_lose_nothing_and_double_nothing() {
        Rig rig;
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<LossRecorder>();
        const int count = std::getenv("GIROMQ_TEST_LONG") != nullptr ? 20000 : 600;
        for (int index = 0; index < count; ++index) {
            if (index % 10 == 0) rig.broker.cut_after_transfers(1 + index % 7, index % 20 == 0);
            const auto message = rig.text(std::to_string(index));
            index % 3 == 0 ? producer->send(message) : producer->send(message, recorder);
        }
        rig.broker.cut_after_transfers(-1, false);
        producer->close();
        const auto contents = rig.broker.contents("q");
        CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(count), contents.size());
        for (int index = 0; index < count; ++index)
            CPPUNIT_ASSERT_EQUAL(std::to_string(index), decoded_text(contents[static_cast<std::size_t>(index)]));
        CPPUNIT_ASSERT(rig.broker.connections_made() > 3);
    }

    static void non_persistent_messages_are_not_sent_twice() {
        Rig rig;
        const auto producer = rig.producer();
        producer->set_delivery_mode(DeliveryMode::non_persistent);
        rig.broker.cut_after_transfers(1, true);
        const auto exception = thrown<JMSException>([&] { producer->send(rig.text("at most once")); });
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:outcome-unknown"), exception.error_code());
        producer->send(rig.text("next"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.received().size());
    }

    static void acknowledging_a_message_of_the_old_connection_throws() {
        Rig rig(AcknowledgeMode::individual_acknowledge);
        rig.put(2);
        const auto consumer = rig.consumer();
        const auto first = consumer->receive(5s);
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == 2; }));
        const auto again = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(text_of(first), text_of(again));
        CPPUNIT_ASSERT(!first->jms_redelivered());
        CPPUNIT_ASSERT(again->jms_redelivered());
        CPPUNIT_ASSERT_EQUAL(2, again->int_property("JMSXDeliveryCount"));
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:stale-message"), thrown<JMSException>([&] { first->acknowledge(); }).error_code());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
        again->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void client_acknowledge_over_a_loss_acknowledges_nothing() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto old = consumer->receive(5s);
        rig.broker.cut_connections();
        const auto again = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:stale-message"), thrown<JMSException>([&] { again->acknowledge(); }).error_code());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        // An application that has taken back its work for both must get both again.
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:stale-message"), thrown<JMSException>([&] { again->acknowledge(); }).error_code());
        const auto whole = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(3, whole->int_property("JMSXDeliveryCount"));
        whole->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_THROW(old->acknowledge(), JMSException);
    }

    static void an_acknowledgement_lost_on_the_way_is_reported_as_unknown() {
        for (const bool applied : {false, true}) {
            Rig rig(AcknowledgeMode::client_acknowledge);
            rig.put(1);
            const auto consumer = rig.consumer();
            const auto message = consumer->receive(5s);
            rig.broker.cut_after_acknowledgements(1, applied);
            CPPUNIT_ASSERT_EQUAL(std::string("giromq:outcome-unknown"), thrown<JMSException>([&] { message->acknowledge(); }).error_code());
            const auto again = consumer->receive(500ms);
            CPPUNIT_ASSERT_EQUAL(applied, again == nullptr);
        }
    }

    static void a_waiting_receive_goes_on_after_the_loss() {
        Rig rig;
        const auto consumer = rig.consumer();
        std::thread sender([&] {
            rig.broker.cut_connections();
            rig.broker.wait([&] { return rig.broker.connections_made() == 2; });
            rig.put(1);
        });
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(10s)));
        sender.join();
    }

    static void receive_no_wait_is_not_wrongly_empty_over_a_loss() {
        Rig rig;
        const auto consumer = rig.consumer();
        rig.broker.hold_drains(true);
        std::thread saboteur([&] {
            rig.broker.wait([&] { return rig.broker.drains_waiting() == 1; });
            rig.broker.stop_listening();
            rig.broker.cut_connections();
            rig.put(1);
            rig.broker.hold_drains(false);
            rig.broker.listen_again();
        });
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive_no_wait()));
        saboteur.join();
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
    }

    static void a_close_by_the_broker_is_a_loss() {
        Rig rig;
        const auto producer = rig.producer();
        rig.broker.close_connections("amqp:connection:forced");
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == 2; }));
        producer->send(rig.text("after the restart"));
        CPPUNIT_ASSERT_EQUAL(2, rig.broker.connections_made());
    }

    static void attempts_end_when_they_are_limited() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "reconnect.attempts=3");
        std::atomic<int> reported{0};
        rig.connection->set_exception_listener([&](const JMSException&) { ++reported; });
        const auto producer = rig.producer();
        const auto consumer = rig.consumer();
        rig.broker.stop_listening();
        rig.broker.cut_connections();
        CPPUNIT_ASSERT_THROW(producer->send(rig.text("m")), JMSException);
        CPPUNIT_ASSERT_THROW(consumer->receive(), JMSException);
        CPPUNIT_ASSERT_THROW(rig.connection->create_session(), JMSException);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return reported == 1; }));
        rig.connection->close();
    }

    static void every_loss_has_its_own_time_and_attempts() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "reconnect.timeout-ms=600000&reconnect.attempts=3");
        const auto producer = rig.producer();
        for (int loss = 0; loss < 3; ++loss) {
            rig.broker.drop_next_connections(2);
            rig.broker.cut_connections();
            producer->send(rig.text("after the loss"));
        }
        CPPUNIT_ASSERT_EQUAL(10, rig.broker.connections_made());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.broker.depth("q"));
    }

    static void an_exception_listener_may_close_the_connection() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "reconnect=false");
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<LossRecorder>();
        rig.broker.hold_outcomes(true);
        std::promise<void> closed;
        rig.connection->set_exception_listener([&](const JMSException&) {
            rig.connection->close();
            closed.set_value();
        });
        producer->send(rig.text("m"), recorder);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        rig.broker.cut_connections();
        closed.get_future().get();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, recorder->codes.size());
        CPPUNIT_ASSERT_THROW(rig.connection->create_session(), IllegalStateException);
    }

    static void without_reconnect_the_connection_fails_at_once() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "reconnect=false");
        const auto producer = rig.producer();
        rig.broker.cut_after_transfers(1, true);
        const auto exception = thrown<JMSException>([&] { producer->send(rig.text("m")); });
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:outcome-unknown"), exception.error_code());
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.connections_made());
    }

    static void events_tell_of_loss_and_return() {
        Rig rig;
        std::mutex mutex;
        std::string events;
        rig.connection->set_event_listener([&](ConnectionEvent event, const std::string&) {
            const std::lock_guard lock(mutex);
            events += event == ConnectionEvent::interrupted ? "i" : "r";
        });
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] {
            const std::lock_guard lock(mutex);
            return events == "ir";
        }));
    }

    static void a_temporary_queue_is_made_anew() {
        Rig rig;
        const auto temporary = rig.session->create_temporary_queue();
        const std::string before = temporary->name();
        const auto consumer = rig.session->create_consumer(temporary);
        const auto producer = rig.session->create_producer(temporary);
        producer->send(rig.text("before"));
        CPPUNIT_ASSERT_EQUAL(std::string("before"), text_of(consumer->receive(5s)));
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return temporary->name() != before && rig.broker.consumers(temporary->name()) == 1; }));
        producer->send(rig.text("after"));
        CPPUNIT_ASSERT_EQUAL(std::string("after"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_THROW(temporary->delete_queue(), IllegalStateException);
        consumer->close();
        temporary->delete_queue();
    }

    static void a_browser_says_that_it_lost_its_position() {
        Rig rig;
        rig.put(3);
        const auto browser = rig.session->create_browser(rig.queue);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(browser->next()));
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == 2; }));
        const auto exception = thrown<JMSException>([&] {
            while (browser->next() != nullptr) {
            }
        });
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:connection-lost"), exception.error_code());
    }

    static void close_works_while_there_is_no_broker() {
        Rig rig(AcknowledgeMode::client_acknowledge, "close-timeout-ms=50");
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto message = consumer->receive(5s);
        const auto producer = rig.producer();
        const auto recorder = std::make_shared<LossRecorder>();
        rig.broker.stop_listening();
        rig.broker.cut_connections();
        rig.broker.wait([&] { return rig.broker.locked("q") == 0; });
        producer->send(rig.text("never"), recorder);
        rig.connection->close();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, recorder->codes.size());
        CPPUNIT_ASSERT_THROW(message->acknowledge(), IllegalStateException);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReconnectTest);

}  // namespace
}  // namespace giromq::test
