#include <atomic>
#include <future>
#include <thread>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

class SessionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SessionTest);
    CPPUNIT_TEST(a_session_used_by_two_threads_is_refused);
    CPPUNIT_TEST(closed_objects_refuse_to_work_and_close_again);
    CPPUNIT_TEST(a_listener_gets_messages_one_after_the_other_in_order);
    CPPUNIT_TEST(a_throwing_listener_gets_the_message_again_before_the_next);
    CPPUNIT_TEST(a_throwing_listener_goes_on_after_a_loss_at_that_moment);
    CPPUNIT_TEST(recover_in_a_listener_delivers_again);
    CPPUNIT_TEST(a_listener_without_prefetch);
    CPPUNIT_TEST(a_listener_in_a_client_acknowledge_session_acknowledges);
    CPPUNIT_TEST(receive_is_refused_while_there_is_a_listener);
    CPPUNIT_TEST(stop_waits_for_the_listener_and_start_goes_on);
    CPPUNIT_TEST(close_waits_for_the_listener_and_its_acknowledgement);
    CPPUNIT_TEST(a_listener_cannot_close_its_session_or_connection_or_stop_it);
    CPPUNIT_TEST(a_listener_can_close_its_consumer);
    CPPUNIT_TEST(a_listener_may_drop_the_last_handles);
    CPPUNIT_TEST(a_listener_can_send_in_its_session);
    CPPUNIT_TEST(dropping_the_handles_closes_everything);
    CPPUNIT_TEST(queue_names_are_checked);
    CPPUNIT_TEST_SUITE_END();

    static void a_session_used_by_two_threads_is_refused() {
        Rig rig;
        const auto consumer = rig.consumer();
        auto receiving = std::async(std::launch::async, [&] { return consumer->receive(); });
        CPPUNIT_ASSERT(receiving.wait_for(20ms) == std::future_status::timeout);
        CPPUNIT_ASSERT_THROW(rig.producer(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(consumer->receive_no_wait(), IllegalStateException);
        rig.put(1);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(receiving.get()));
        rig.producer()->send(rig.text("now it is free"));
    }

    static void closed_objects_refuse_to_work_and_close_again() {
        Rig rig;
        const auto producer = rig.producer();
        const auto consumer = rig.consumer();
        rig.session->close();
        rig.session->close();
        producer->close();
        consumer->close();
        CPPUNIT_ASSERT_THROW(producer->send(rig.text("m")), IllegalStateException);
        CPPUNIT_ASSERT_THROW(consumer->receive_no_wait(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(rig.producer(), IllegalStateException);
        rig.connection->close();
        rig.connection->close();
        CPPUNIT_ASSERT_THROW(rig.connection->create_session(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(rig.connection->start(), IllegalStateException);
    }

    static void a_listener_gets_messages_one_after_the_other_in_order() {
        Rig rig;
        rig.put(100);
        std::vector<std::string> got;
        std::atomic<int> inside{0};
        std::promise<void> all;
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr& message) {
            CPPUNIT_ASSERT_EQUAL(0, inside++);
            got.push_back(text_of(message));
            --inside;
            if (got.size() == 100) all.set_value();
        });
        all.get_future().get();
        rig.session->close();
        for (std::size_t index = 0; index < 100; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index + 1), got[index]);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void a_throwing_listener_gets_the_message_again_before_the_next() {
        Rig rig;
        rig.put(3);
        std::vector<std::string> got;
        std::promise<void> all;
        std::atomic<int> reported{0};
        rig.connection->set_exception_listener([&](const JMSException&) { ++reported; });
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr& message) {
            got.push_back(text_of(message) + (message->jms_redelivered() ? "again" : ""));
            if (got.size() == 2) throw std::runtime_error("not this time");
            if (got.size() == 4) all.set_value();
        });
        all.get_future().get();
        rig.session->close();
        CPPUNIT_ASSERT(got == (std::vector<std::string>{"1", "2", "2again", "3"}));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return reported == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void a_throwing_listener_goes_on_after_a_loss_at_that_moment() {
        Rig rig;
        rig.broker.hold_drains(true);
        rig.put(2);
        std::atomic<int> got{0};
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            if (++got == 1) throw std::runtime_error("not this time");
        });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.drains_waiting() == 1; }));
        rig.broker.cut_connections();
        rig.broker.hold_drains(false);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 0; }));
        CPPUNIT_ASSERT_EQUAL(3, got.load());
    }

    static void recover_in_a_listener_delivers_again() {
        Rig rig;
        rig.put(2);
        std::vector<std::string> got;
        std::promise<void> all;
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr& message) {
            got.push_back(text_of(message));
            if (got.size() == 1) rig.session->recover();
            if (got.size() == 3) all.set_value();
        });
        all.get_future().get();
        rig.session->close();
        CPPUNIT_ASSERT(got == (std::vector<std::string>{"1", "1", "2"}));
    }

    static void a_listener_without_prefetch() {
        Rig rig(AcknowledgeMode::auto_acknowledge, "prefetch=0");
        rig.put(10);
        std::atomic<int> got{0};
        std::atomic<std::size_t> most_locked{0};
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            most_locked = std::max(most_locked.load(), rig.broker.locked("q"));
            ++got;
        });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return got == 10; }));
        CPPUNIT_ASSERT(most_locked <= 2);
    }

    static void a_listener_in_a_client_acknowledge_session_acknowledges() {
        Rig rig(AcknowledgeMode::client_acknowledge);
        rig.put(4);
        std::atomic<int> got{0};
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr& message) {
            if (++got == 3) message->acknowledge();
        });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return got == 4; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void receive_is_refused_while_there_is_a_listener() {
        Rig rig;
        const auto consumer = rig.consumer();
        const auto other = rig.consumer();
        consumer->set_message_listener([](const MessagePtr&) {});
        CPPUNIT_ASSERT(consumer->has_message_listener());
        CPPUNIT_ASSERT_THROW(other->receive_no_wait(), IllegalStateException);
        consumer->set_message_listener(nullptr);
        CPPUNIT_ASSERT(other->receive_no_wait() == nullptr);
    }

    static void stop_waits_for_the_listener_and_start_goes_on() {
        Rig rig;
        rig.put(2);
        std::promise<void> entered;
        std::promise<void> leave;
        std::atomic<int> got{0};
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            if (++got == 1) {
                entered.set_value();
                leave.get_future().get();
            }
        });
        entered.get_future().get();
        auto stopping = std::async(std::launch::async, [&] { rig.connection->stop(); });
        CPPUNIT_ASSERT(stopping.wait_for(20ms) == std::future_status::timeout);
        leave.set_value();
        stopping.get();
        CPPUNIT_ASSERT_EQUAL(1, got.load());
        rig.connection->start();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return got == 2; }));
    }

    static void close_waits_for_the_listener_and_its_acknowledgement() {
        Rig rig;
        rig.put(2);
        std::promise<void> entered;
        std::promise<void> leave;
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            entered.set_value();
            leave.get_future().get();
        });
        entered.get_future().get();
        auto closing = std::async(std::launch::async, [&] { rig.connection->close(); });
        CPPUNIT_ASSERT(closing.wait_for(20ms) == std::future_status::timeout);
        leave.set_value();
        closing.get();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{0}));
    }

    static void a_listener_cannot_close_its_session_or_connection_or_stop_it() {
        Rig rig;
        rig.put(1);
        std::promise<int> refused;
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            int count = 0;
            for (const auto& action : std::vector<std::function<void()>>{[&] { rig.session->close(); }, [&] { rig.connection->close(); },
                                                                         [&] { rig.connection->stop(); }}) {
                try {
                    action();
                } catch (const IllegalStateException&) {
                    ++count;
                }
            }
            refused.set_value(count);
        });
        CPPUNIT_ASSERT_EQUAL(3, refused.get_future().get());
    }

    static void a_listener_can_close_its_consumer() {
        Rig rig;
        rig.put(3);
        std::promise<void> closed;
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            consumer->close();
            closed.set_value();
        });
        closed.get_future().get();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 2 && rig.broker.consumers("q") == 0; }));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{0, 0}));
    }

    static void a_listener_may_drop_the_last_handles() {
        TestBroker broker;
        broker.put("q", encoded_text("1"));
        auto connection = ConnectionFactory(broker.uri()).create_connection();
        auto session = connection->create_session();
        auto consumer = session->create_consumer(session->create_queue("q"));
        std::promise<void> start;
        std::promise<void> dropped;
        consumer->set_message_listener([&](const MessagePtr&) {
            start.get_future().get();
            consumer.reset();
            session.reset();
            connection.reset();
            dropped.set_value();
        });
        connection->start();
        start.set_value();
        dropped.get_future().get();
        CPPUNIT_ASSERT(broker.wait([&] { return broker.depth("q") == 0 && broker.consumers("q") == 0; }));
    }

    static void a_listener_can_send_in_its_session() {
        Rig rig;
        rig.put(10);
        const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
        const auto consumer = rig.consumer();
        consumer->set_message_listener(
            [&](const MessagePtr& message) { producer->send(rig.session->create_text_message("re " + text_of(message))); });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("answers") == 10; }));
    }

    static void dropping_the_handles_closes_everything() {
        TestBroker broker;
        broker.put("q", encoded_text("1"));
        {
            const auto connection = ConnectionFactory(broker.uri()).create_connection();
            connection->start();
            const auto session = connection->create_session(AcknowledgeMode::client_acknowledge);
            const auto consumer = session->create_consumer(session->create_queue("q"));
            CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        }
        CPPUNIT_ASSERT(broker.wait([&] { return broker.locked("q") == 0 && broker.consumers("q") == 0; }));
        CPPUNIT_ASSERT(broker.delivery_counts("q") == (std::vector<std::uint32_t>{1}));
    }

    static void queue_names_are_checked() {
        Rig rig;
        CPPUNIT_ASSERT_THROW(rig.session->create_queue(""), InvalidDestinationException);
        CPPUNIT_ASSERT_THROW(rig.session->create_queue("a\nb"), InvalidDestinationException);
        CPPUNIT_ASSERT_THROW(rig.session->create_queue(std::string(256, 'q')), InvalidDestinationException);
        CPPUNIT_ASSERT_EQUAL(std::string("Zahlungen.Ü"), rig.session->create_queue("Zahlungen.Ü")->queue_name());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionTest);

}  // namespace
}  // namespace giromq::test
