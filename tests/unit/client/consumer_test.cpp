#include <atomic>
#include <future>
#include <thread>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

class ConsumerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConsumerTest);
    CPPUNIT_TEST(auto_acknowledges_what_receive_returned);
    CPPUNIT_TEST(client_acknowledge_takes_everything_the_session_received);
    CPPUNIT_TEST(individual_acknowledge_takes_one);
    CPPUNIT_TEST(acknowledge_returns_only_when_confirmed);
    CPPUNIT_TEST(close_waits_for_confirmations);
    CPPUNIT_TEST(receive_no_wait_asks_the_broker);
    CPPUNIT_TEST(receive_no_wait_without_prefetch);
    CPPUNIT_TEST(receive_with_a_timeout_returns_null_when_nothing_came);
    CPPUNIT_TEST(a_timed_receive_does_not_wait_for_a_broker_that_does_not_answer);
    CPPUNIT_TEST(a_stopped_connection_delivers_nothing);
    CPPUNIT_TEST(prefetch_limits_what_is_sent_ahead);
    CPPUNIT_TEST(without_prefetch_only_what_is_asked_for_comes);
    CPPUNIT_TEST(prefetched_messages_go_back_uncounted_on_close);
    CPPUNIT_TEST(seen_messages_go_back_counted_when_the_session_is_closed);
    CPPUNIT_TEST(messages_can_be_acknowledged_after_their_consumer_was_closed);
    CPPUNIT_TEST(recover_delivers_again_in_order);
    CPPUNIT_TEST(what_recover_gave_back_cannot_be_acknowledged);
    CPPUNIT_TEST(close_ends_a_waiting_receive);
    CPPUNIT_TEST(a_deleted_queue_ends_the_consumer);
    CPPUNIT_TEST(a_malformed_message_is_rejected_and_reported);
    CPPUNIT_TEST(a_selector_the_broker_ignores_is_refused);
    CPPUNIT_TEST(a_selector_the_broker_echoes_is_accepted);
    CPPUNIT_TEST(a_wrong_selector_is_an_invalid_selector);
    CPPUNIT_TEST(a_browser_sees_all_and_takes_nothing);
    CPPUNIT_TEST(a_broker_that_cannot_browse_keeps_its_messages);
    CPPUNIT_TEST(a_broker_that_only_says_that_it_browses_gets_its_messages_back);
    CPPUNIT_TEST(the_temporary_queue_of_another_connection_cannot_be_consumed);
    CPPUNIT_TEST(acknowledgements_to_other_brokers_are_settled_at_once);
    CPPUNIT_TEST(other_brokers_are_not_asked_after_a_timed_receive);
    CPPUNIT_TEST(only_outcomes_that_the_broker_offers_are_used);
    CPPUNIT_TEST(acknowledgements_arrive_while_the_application_is_busy);
    CPPUNIT_TEST_SUITE_END();

    static void auto_acknowledges_what_receive_returned() {
        Rig rig;
        rig.put(3);
        const auto consumer = rig.consumer();
        for (int index = 1; index <= 3; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(consumer->receive(5s)));
        consumer->close();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void client_acknowledge_takes_everything_the_session_received() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(3);
        rig.broker.put("other", encoded_text("x"));
        const auto consumer = rig.consumer();
        const auto other = rig.session->create_consumer(rig.session->create_queue("other"));
        other->receive(5s);
        consumer->receive(5s);
        const auto second = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.broker.depth("q"));
        second->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("other"));
    }

    static void individual_acknowledge_takes_one() {
        Rig rig(AcknowledgeMode::individual_acknowledge);
        rig.put(3);
        const auto consumer = rig.consumer();
        consumer->receive(5s);
        const auto second = consumer->receive(5s);
        second->acknowledge();
        second->acknowledge();
        const auto left = rig.broker.contents("q");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, left.size());
        CPPUNIT_ASSERT_EQUAL(std::string("1"), decoded_text(left[0]));
        CPPUNIT_ASSERT_EQUAL(std::string("3"), decoded_text(left[1]));
    }

    static void acknowledge_returns_only_when_confirmed() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto message = consumer->receive(5s);
        rig.broker.hold_confirmations(true);
        auto acknowledging = std::async(std::launch::async, [&] { message->acknowledge(); });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 0; }));
        CPPUNIT_ASSERT(acknowledging.wait_for(20ms) == std::future_status::timeout);
        rig.broker.hold_confirmations(false);
        acknowledging.get();
    }

    static void close_waits_for_confirmations() {
        Rig rig;
        rig.put(1);
        const auto consumer = rig.consumer();
        rig.broker.hold_confirmations(true);
        consumer->receive(5s);
        auto closing = std::async(std::launch::async, [&] { rig.session->close(); });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 0; }));
        CPPUNIT_ASSERT(closing.wait_for(20ms) == std::future_status::timeout);
        rig.broker.hold_confirmations(false);
        closing.get();
    }

    static void receive_no_wait_asks_the_broker() {
        Rig rig;
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
        rig.put(2);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive_no_wait()));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(consumer->receive_no_wait()));
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
        rig.put(1, 3);
        CPPUNIT_ASSERT_EQUAL(std::string("3"), text_of(consumer->receive(5s)));
        rig.broker.hold_drains(true);
        auto asking = std::async(std::launch::async, [&] { return consumer->receive_no_wait(); });
        CPPUNIT_ASSERT(asking.wait_for(20ms) == std::future_status::timeout);
        rig.put(1, 4);
        CPPUNIT_ASSERT_EQUAL(std::string("4"), text_of(asking.get()));
        rig.broker.hold_drains(false);
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
    }

    static void receive_no_wait_without_prefetch() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "prefetch=0");
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
        rig.put(2);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive_no_wait()));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(consumer->receive_no_wait()));
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
    }

    static void receive_with_a_timeout_returns_null_when_nothing_came() {
        Rig rig;
        const auto consumer = rig.consumer();
        const auto before = std::chrono::steady_clock::now();
        CPPUNIT_ASSERT(consumer->receive(30ms) == nullptr);
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - before >= 30ms);
        CPPUNIT_ASSERT_THROW(consumer->receive(-1ms), JMSException);
    }

    static void a_timed_receive_does_not_wait_for_a_broker_that_does_not_answer() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "request-timeout-ms=300");
        const auto consumer = rig.consumer();
        rig.broker.hold_drains(true);
        CPPUNIT_ASSERT(consumer->receive(10ms) == nullptr);
        CPPUNIT_ASSERT(consumer->receive(10ms) == nullptr);
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:timeout"), thrown<JMSException>([&] { consumer->receive_no_wait(); }).error_code());
        rig.put(1);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
    }

    static void a_stopped_connection_delivers_nothing() {
        Rig rig;
        rig.put(1);
        rig.connection->stop();
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive(30ms) == nullptr);
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.locked("q"));
        rig.connection->start();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
    }

    static void prefetch_limits_what_is_sent_ahead() {
        Rig rig(AcknowledgeMode::client_acknowledge, "prefetch=4");
        rig.put(20);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 4; }));
        for (int index = 1; index <= 20; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(consumer->receive(5s)));
    }

    static void without_prefetch_only_what_is_asked_for_comes() {
        Rig rig(AcknowledgeMode::client_acknowledge, "prefetch=0");
        rig.put(3);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.locked("q"));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.locked("q"));
    }

    static void prefetched_messages_go_back_uncounted_on_close() {
        Rig rig;
        rig.put(5);
        const auto consumer = rig.consumer();
        consumer->receive(5s);
        consumer->close();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 0; }));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{0, 0, 0, 0}));
        const auto next = rig.consumer();
        CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(next->receive(5s)));
    }

    static void seen_messages_go_back_counted_when_the_session_is_closed() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(3);
        const auto consumer = rig.consumer();
        consumer->receive(5s);
        rig.session->close();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 0; }));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{1, 0, 0}));
    }

    static void messages_can_be_acknowledged_after_their_consumer_was_closed() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(3);
        const auto consumer = rig.consumer();
        const auto message = consumer->receive(5s);
        consumer->close();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 1; }));
        message->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.consumers("q") == 0; }));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{0, 0}));
    }

    static void recover_delivers_again_in_order() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(6);
        const auto consumer = rig.consumer();
        for (int index = 1; index <= 3; ++index) consumer->receive(5s);
        rig.session->recover();
        for (int index = 1; index <= 6; ++index) {
            const auto message = consumer->receive(5s);
            CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(message));
            CPPUNIT_ASSERT_EQUAL(index <= 3, message->jms_redelivered());
            CPPUNIT_ASSERT_EQUAL(index <= 3 ? 2 : 1, message->int_property("JMSXDeliveryCount"));
            if (index == 6) message->acknowledge();
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void what_recover_gave_back_cannot_be_acknowledged() {
        for (const auto mode : {AcknowledgeMode::client_acknowledge, AcknowledgeMode::individual_acknowledge}) {
            Rig rig(mode);
            rig.put(1);
            const auto consumer = rig.consumer();
            const auto before = consumer->receive(5s);
            rig.session->recover();
            CPPUNIT_ASSERT_EQUAL(std::string("giromq:stale-message"), thrown<JMSException>([&] { before->acknowledge(); }).error_code());
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
            consumer->receive(5s)->acknowledge();
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        }
    }

    static void close_ends_a_waiting_receive() {
        for (const int what : {0, 1, 2}) {
            Rig rig;
            const auto consumer = rig.consumer();
            auto receiving = std::async(std::launch::async, [&] { return consumer->receive(); });
            CPPUNIT_ASSERT(receiving.wait_for(10ms) == std::future_status::timeout);
            if (what == 0) consumer->close();
            if (what == 1) rig.session->close();
            if (what == 2) rig.connection->close();
            CPPUNIT_ASSERT(receiving.get() == nullptr);
        }
    }

    static void a_deleted_queue_ends_the_consumer() {
        Rig rig;
        const auto consumer = rig.consumer();
        const auto producer = rig.producer();
        auto receiving = std::async(std::launch::async, [&] { return consumer->receive(); });
        CPPUNIT_ASSERT(receiving.wait_for(10ms) == std::future_status::timeout);
        rig.broker.detach_links("amqp:resource-deleted");
        CPPUNIT_ASSERT_THROW(receiving.get(), InvalidDestinationException);
        CPPUNIT_ASSERT_THROW(producer->send(rig.text("m")), InvalidDestinationException);
        rig.producer()->send(rig.text("a new producer works"));
    }

    static void a_malformed_message_is_rejected_and_reported() {
        Rig rig;
        std::promise<std::string> reported;
        rig.connection->set_exception_listener([&](const JMSException& exception) { reported.set_value(exception.error_code()); });
        rig.broker.put("q", "this is not AMQP");
        rig.put(1);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(rig.consumer()->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:decode-error"), reported.get_future().get());
    }

    static void a_selector_the_broker_ignores_is_refused() {
        Rig rig;
        CPPUNIT_ASSERT_THROW(rig.session->create_consumer(rig.queue, "a = 1"), InvalidSelectorException);
    }

    static void a_selector_the_broker_echoes_is_accepted() {
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, {.echoes_filters = true});
        const auto consumer = rig.session->create_consumer(rig.queue, "a = 1");
        CPPUNIT_ASSERT_EQUAL(std::string("a = 1"), consumer->message_selector());
    }

    static void a_wrong_selector_is_an_invalid_selector() {
        Rig rig;
        rig.broker.refuse("q", "amqp:invalid-field");
        CPPUNIT_ASSERT_THROW(rig.session->create_consumer(rig.queue, "a = "), InvalidSelectorException);
    }

    static void a_broker_that_cannot_browse_keeps_its_messages() {
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, {.browses = false, .says_that_it_browses = false});
        rig.put(2);
        const auto exception = thrown<JMSException>([&] { rig.session->create_browser(rig.queue); });
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:not-implemented"), exception.error_code());
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(rig.consumer()->receive(5s)));
    }

    static void a_broker_that_only_says_that_it_browses_gets_its_messages_back() {
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, {.product = "Another Broker", .browses = false});
        rig.put(3);
        const auto browser = rig.session->create_browser(rig.queue);
        for (int index = 1; index <= 3; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(browser->next()));
        CPPUNIT_ASSERT(browser->next() == nullptr);
        browser->close();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 0; }));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{0, 0, 0}));
    }

    static void a_browser_sees_all_and_takes_nothing() {
        Rig rig;
        rig.put(250);
        const auto browser = rig.session->create_browser(rig.queue);
        for (int index = 1; index <= 250; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(browser->next()));
        CPPUNIT_ASSERT(browser->next() == nullptr);
        CPPUNIT_ASSERT_EQUAL(std::size_t{250}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.locked("q"));
        rig.put(1, 251);
        CPPUNIT_ASSERT_EQUAL(std::string("251"), text_of(browser->next()));
        browser->close();
        CPPUNIT_ASSERT_THROW(browser->next(), IllegalStateException);
    }

    static void the_temporary_queue_of_another_connection_cannot_be_consumed() {
        Rig rig;
        const auto temporary = rig.session->create_temporary_queue();
        const auto other = ConnectionFactory(rig.broker.uri()).create_connection();
        const auto session = other->create_session();
        CPPUNIT_ASSERT_THROW(session->create_consumer(temporary), InvalidDestinationException);
        session->create_producer(temporary)->send(session->create_text_message("hello"));
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), text_of(rig.session->create_consumer(temporary)->receive(5s)));
    }

    static void acknowledgements_to_other_brokers_are_settled_at_once() {
        Rig rig(AcknowledgeMode::client_acknowledge, {}, {.product = "Another Broker"});
        rig.put(2);
        rig.broker.hold_confirmations(true);
        const auto consumer = rig.consumer();
        consumer->receive(5s)->acknowledge();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 1; }));
    }

    static void other_brokers_are_not_asked_after_a_timed_receive() {
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, {.product = "Another Broker"});
        rig.broker.hold_drains(true);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive(10ms) == nullptr);
        CPPUNIT_ASSERT_EQUAL(0, rig.broker.drains_waiting());
        Rig pulling(AcknowledgeMode::auto_acknowledge, "prefetch=0", {.product = "Another Broker"});
        const auto puller = pulling.consumer();
        CPPUNIT_ASSERT(puller->receive(10ms) == nullptr);
        pulling.put(1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pulling.broker.locked("q"));
    }

    static void only_outcomes_that_the_broker_offers_are_used() {
        Rig rig(AcknowledgeMode::client_acknowledge, {}, {.product = "Another Broker", .modifies = false});
        rig.put(2);
        const auto consumer = rig.consumer();
        consumer->receive(5s);
        rig.session->recover();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.connections_made());
    }

    static void acknowledgements_arrive_while_the_application_is_busy() {
        Rig rig;
        rig.put(3);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 3; }));
        consumer->receive(5s);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 2; }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConsumerTest);

}  // namespace
}  // namespace giromq::test
