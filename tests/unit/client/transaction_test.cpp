#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

struct Recorder final : CompletionListener {
    void on_completion(const MessagePtr&) override { ++completed; }
    void on_exception(const MessagePtr&, const JMSException& exception) override {
        const std::lock_guard lock(mutex);
        codes.push_back(exception.error_code());
    }
    std::atomic<int> completed{0};
    std::mutex mutex;
    std::vector<std::string> codes;
};

struct TransactedRig : Rig {
    explicit TransactedRig(const std::string& options = {}, TestBroker::Options broker_options = {})
        : Rig(AcknowledgeMode::session_transacted, options, std::move(broker_options)) {}
};

class TransactionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TransactionTest);
    CPPUNIT_TEST(what_was_sent_appears_with_the_commit);
    CPPUNIT_TEST(what_was_sent_is_gone_with_the_rollback);
    CPPUNIT_TEST(what_was_received_leaves_the_queue_with_the_commit);
    CPPUNIT_TEST(a_rollback_delivers_again_in_order_and_counted);
    CPPUNIT_TEST(messages_that_were_only_sent_ahead_are_not_counted);
    CPPUNIT_TEST(received_and_sent_are_committed_together);
    CPPUNIT_TEST(a_transaction_without_work_tells_the_broker_nothing);
    CPPUNIT_TEST(the_next_id_comes_with_the_commit);
    CPPUNIT_TEST(an_id_that_nobody_used_is_given_back);
    CPPUNIT_TEST(sends_carry_no_producer_sequence);
    CPPUNIT_TEST(a_refused_message_rolls_everything_back_at_commit);
    CPPUNIT_TEST(a_refused_commit_is_a_rollback);
    CPPUNIT_TEST(a_transaction_that_the_broker_does_not_begin_is_rolled_back);
    CPPUNIT_TEST(a_loss_before_the_commit_rolls_back_what_was_sent);
    CPPUNIT_TEST(a_loss_before_the_commit_rolls_back_what_was_received);
    CPPUNIT_TEST(a_loss_without_reconnect_rolls_back);
    CPPUNIT_TEST(a_loss_between_transactions_harms_nobody);
    CPPUNIT_TEST(sends_that_wait_for_the_connection_keep_their_transaction);
    CPPUNIT_TEST(a_loss_in_the_commit_is_told_as_unknown);
    CPPUNIT_TEST(no_answer_to_the_commit_is_told_as_unknown);
    CPPUNIT_TEST(the_end_of_the_control_link_rolls_back_and_a_new_one_is_made);
    CPPUNIT_TEST(commit_waits_for_completion_listeners);
    CPPUNIT_TEST(a_completion_listener_cannot_commit);
    CPPUNIT_TEST(rollback_tells_completion_listeners_of_what_was_not_sent);
    CPPUNIT_TEST(more_sends_than_the_broker_lets_in_are_committed_in_order);
    CPPUNIT_TEST(a_broker_that_takes_nothing_makes_the_commit_roll_back);
    CPPUNIT_TEST(a_listener_commits);
    CPPUNIT_TEST(a_listener_rolls_back);
    CPPUNIT_TEST(a_listener_that_throws_goes_on_in_the_same_transaction);
    CPPUNIT_TEST(close_rolls_back);
    CPPUNIT_TEST(close_waits_for_a_commit_on_its_way);
    CPPUNIT_TEST(a_consumer_closed_before_the_commit_still_counts);
    CPPUNIT_TEST(recover_is_refused_and_acknowledge_does_nothing);
    CPPUNIT_TEST(sessions_that_are_not_transacted_refuse_to_commit);
    CPPUNIT_TEST(a_broker_without_transactions_is_told_at_once);
    CPPUNIT_TEST(a_context_is_transacted_too);
    CPPUNIT_TEST(producers_without_a_destination_send_in_the_transaction);
    CPPUNIT_TEST(two_hundred_losses_leave_every_transaction_whole);
    CPPUNIT_TEST_SUITE_END();

    static void what_was_sent_appears_with_the_commit() {
        TransactedRig rig;
        CPPUNIT_ASSERT(rig.session->transacted());
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        producer->send(rig.text("2"));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 2; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        rig.session->commit();
        const auto contents = rig.broker.contents("q");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, contents.size());
        CPPUNIT_ASSERT_EQUAL(std::string("1"), decoded_text(contents[0]));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), decoded_text(contents[1]));
    }

    static void what_was_sent_is_gone_with_the_rollback() {
        TransactedRig rig;
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        rig.session->rollback();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        producer->send(rig.text("2"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::string("2"), decoded_text(rig.broker.contents("q").at(0)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void what_was_received_leaves_the_queue_with_the_commit() {
        TransactedRig rig;
        rig.put(3);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.broker.depth("q"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::string("3"), text_of(consumer->receive(5s)));
    }

    static void a_rollback_delivers_again_in_order_and_counted() {
        TransactedRig rig;
        rig.put(5);
        const auto consumer = rig.consumer();
        for (int index = 1; index <= 3; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(consumer->receive(5s)));
        rig.session->rollback();
        for (int index = 1; index <= 5; ++index) {
            const auto message = consumer->receive(5s);
            CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(message));
            CPPUNIT_ASSERT_EQUAL(index <= 3 ? 2 : 1, message->int_property("JMSXDeliveryCount"));
            CPPUNIT_ASSERT_EQUAL(index <= 3, message->jms_redelivered());
        }
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void messages_that_were_only_sent_ahead_are_not_counted() {
        TransactedRig rig;
        rig.put(4);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 4; }));
        rig.session->close();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 0; }));
        CPPUNIT_ASSERT(rig.broker.delivery_counts("q") == (std::vector<std::uint32_t>{1, 0, 0, 0}));
    }

    static void received_and_sent_are_committed_together() {
        TransactedRig rig;
        rig.put(10);
        const auto consumer = rig.consumer();
        const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
        for (int index = 1; index <= 10; ++index) {
            producer->send(rig.text("re " + text_of(consumer->receive(5s))));
            index % 2 == 0 ? rig.session->commit() : rig.session->rollback();
        }
        // Every odd one was rolled back and came again: 1 1 2 2 3 3 4 4 5 5.
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, rig.broker.depth("q"));
        const auto answers = rig.broker.contents("answers");
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, answers.size());
        for (std::size_t index = 0; index < 5; ++index)
            CPPUNIT_ASSERT_EQUAL("re " + std::to_string(index + 1), decoded_text(answers[index]));
    }

    static void a_transaction_without_work_tells_the_broker_nothing() {
        TransactedRig rig;
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive_no_wait() == nullptr);
        rig.session->commit();
        rig.session->rollback();
        CPPUNIT_ASSERT_EQUAL(0, rig.broker.calls().declared);
    }

    static void the_next_id_comes_with_the_commit() {
        TransactedRig rig;
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        rig.session->commit();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.calls().declared == 2; }));
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.open_transactions());
        producer->send(rig.text("2"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void an_id_that_nobody_used_is_given_back() {
        TransactedRig rig("transaction-ahead-ms=0");
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        rig.session->commit();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.calls().declared == 2; }));
        producer->send(rig.text("2"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.calls().rolled_back);
        CPPUNIT_ASSERT_EQUAL(2, rig.broker.calls().committed);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void sends_carry_no_producer_sequence() {
        TransactedRig rig;
        rig.producer()->send(rig.text("1"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, rig.broker.received().at(0).sequence);
    }

    static void a_refused_message_rolls_everything_back_at_commit() {
        TransactedRig rig;
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
        CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        rig.broker.reject_next(1, "amqp:resource-limit-exceeded");
        producer->send(rig.text("refused"));
        producer->send(rig.text("taken"));
        const auto exception = thrown<TransactionRolledBackException>([&] { rig.session->commit(); });
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:resource-limit-exceeded"), exception.error_code());
        CPPUNIT_ASSERT(std::string(exception.what()).find("rejected by the test") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("answers"));
        CPPUNIT_ASSERT_EQUAL(0, rig.broker.calls().committed);
        const auto again = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(2, again->int_property("JMSXDeliveryCount"));
        producer->send(rig.text("next time"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("answers"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void a_refused_commit_is_a_rollback() {
        TransactedRig rig;
        rig.put(1);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        rig.broker.reject_discharges("amqp:transaction:timeout");
        const auto exception = thrown<TransactionRolledBackException>([&] { rig.session->commit(); });
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:transaction:timeout"), exception.error_code());
        rig.broker.reject_discharges({});
        CPPUNIT_ASSERT_EQUAL(2, consumer->receive(5s)->int_property("JMSXDeliveryCount"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void a_transaction_that_the_broker_does_not_begin_is_rolled_back() {
        TransactedRig rig;
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
        CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        rig.broker.reject_declares("amqp:resource-limit-exceeded");
        producer->send(rig.text("1"));
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:resource-limit-exceeded"),
                             thrown<TransactionRolledBackException>([&] { rig.session->commit(); }).error_code());
        CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        CPPUNIT_ASSERT_THROW(rig.session->commit(), TransactionRolledBackException);
        rig.broker.reject_declares({});
        CPPUNIT_ASSERT_EQUAL(3, consumer->receive(5s)->int_property("JMSXDeliveryCount"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("answers"));
    }

    static void a_loss_before_the_commit_rolls_back_what_was_sent() {
        TransactedRig rig;
        const auto producer = rig.producer();
        producer->send(rig.text("lost"));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == 2 && rig.broker.producers("q") == 1; }));
        producer->send(rig.text("still in the lost transaction"));
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:connection-lost"),
                             thrown<TransactionRolledBackException>([&] { rig.session->commit(); }).error_code());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        producer->send(rig.text("next"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::string("next"), decoded_text(rig.broker.contents("q").at(0)));
    }

    static void a_loss_before_the_commit_rolls_back_what_was_received() {
        TransactedRig rig;
        rig.put(2);
        const auto consumer = rig.consumer();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == 2 && rig.broker.consumers("q") == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        CPPUNIT_ASSERT_THROW(rig.session->commit(), TransactionRolledBackException);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
        const auto again = consumer->receive(5s);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(again));
        CPPUNIT_ASSERT_EQUAL(3, again->int_property("JMSXDeliveryCount"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void a_loss_without_reconnect_rolls_back() {
        TransactedRig rig("reconnect=false");
        std::promise<void> noticed;
        rig.connection->set_exception_listener([&](const JMSException&) { noticed.set_value(); });
        const auto producer = rig.producer();
        producer->send(rig.text("lost"));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        rig.broker.cut_connections();
        noticed.get_future().get();
        CPPUNIT_ASSERT_THROW(rig.session->commit(), TransactionRolledBackException);
        CPPUNIT_ASSERT_THROW(rig.session->commit(), JMSException);
        rig.session->close();
    }

    static void a_loss_between_transactions_harms_nobody() {
        TransactedRig rig;
        const auto producer = rig.producer();
        for (int index = 1; index <= 3; ++index) {
            producer->send(rig.text(std::to_string(index)));
            rig.session->commit();
            rig.broker.cut_connections();
            CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == index + 1; }));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.broker.depth("q"));
    }

    static void sends_that_wait_for_the_connection_keep_their_transaction() {
        TransactedRig rig;
        const auto producer = rig.producer();
        rig.broker.drop_next_connections(3);
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections() == 0; }));
        producer->send(rig.text("1"));
        producer->send(rig.text("2"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(5, rig.broker.connections_made());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void a_loss_in_the_commit_is_told_as_unknown() {
        for (const bool applied : {false, true}) {
            TransactedRig rig;
            rig.put(1);
            const auto consumer = rig.consumer();
            const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
            CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
            producer->send(rig.text("answer"));
            rig.broker.cut_at_commit(applied);
            const auto exception = thrown<TransactionOutcomeUnknownException>([&] { rig.session->commit(); });
            CPPUNIT_ASSERT_EQUAL(std::string("giromq:outcome-unknown"), exception.error_code());
            CPPUNIT_ASSERT(dynamic_cast<const JMSException*>(&exception) != nullptr);
            CPPUNIT_ASSERT_EQUAL(applied ? std::size_t{1} : std::size_t{0}, rig.broker.depth("answers"));
            // The next transaction knows nothing of it.
            const auto again = consumer->receive(applied ? 300ms : 5000ms);
            CPPUNIT_ASSERT_EQUAL(applied, again == nullptr);
            producer->send(rig.text("next"));
            rig.session->commit();
            CPPUNIT_ASSERT_EQUAL(applied ? std::size_t{2} : std::size_t{1}, rig.broker.depth("answers"));
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        }
    }

    static void no_answer_to_the_commit_is_told_as_unknown() {
        TransactedRig rig("request-timeout-ms=100");
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        rig.broker.hold_discharges(true);
        CPPUNIT_ASSERT_THROW(rig.session->commit(), TransactionOutcomeUnknownException);
        rig.broker.hold_discharges(false);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 1; }));
        producer->send(rig.text("2"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void the_end_of_the_control_link_rolls_back_and_a_new_one_is_made() {
        TransactedRig rig;
        const auto producer = rig.producer();
        producer->send(rig.text("lost"));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        rig.broker.end_control_links("amqp:transaction:rollback");
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.producers("") == 0; }));
        CPPUNIT_ASSERT_THROW(rig.session->commit(), TransactionRolledBackException);
        producer->send(rig.text("next"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.connections_made());
    }

    static void commit_waits_for_completion_listeners() {
        TransactedRig rig;
        const auto recorder = std::make_shared<Recorder>();
        const auto producer = rig.producer();
        rig.broker.hold_outcomes(true);
        for (int index = 0; index < 20; ++index) producer->send(rig.text(std::to_string(index)), recorder);
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 20; }));
        auto committing = std::async(std::launch::async, [&] { rig.session->commit(); });
        CPPUNIT_ASSERT(committing.wait_for(20ms) == std::future_status::timeout);
        CPPUNIT_ASSERT_EQUAL(0, rig.broker.calls().committed);
        rig.broker.hold_outcomes(false);
        committing.get();
        CPPUNIT_ASSERT_EQUAL(20, recorder->completed.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, rig.broker.depth("q"));
    }

    static void a_completion_listener_cannot_commit() {
        struct Committer final : CompletionListener {
            explicit Committer(Session& one) : session(one) {}
            void on_completion(const MessagePtr&) override {
                for (const auto& action :
                     std::vector<std::function<void()>>{[this] { session.commit(); }, [this] { session.rollback(); }}) {
                    try {
                        action();
                    } catch (const IllegalStateException&) {
                        ++refused;
                    }
                }
            }
            void on_exception(const MessagePtr&, const JMSException&) override {}
            Session& session;
            std::atomic<int> refused{0};
        };
        TransactedRig rig;
        const auto committer = std::make_shared<Committer>(*rig.session);
        rig.producer()->send(rig.text("1"), committer);
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(2, committer->refused.load());
    }

    static void rollback_tells_completion_listeners_of_what_was_not_sent() {
        TestBroker::Options options;
        options.credit = 2;
        TransactedRig rig({}, options);
        const auto recorder = std::make_shared<Recorder>();
        const auto producer = rig.producer();
        rig.broker.hold_outcomes(true);
        rig.broker.grant_credit(0);
        rig.broker.stop_listening();
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections() == 0; }));
        for (int index = 0; index < 3; ++index) producer->send(rig.text(std::to_string(index)), recorder);
        rig.session->rollback();
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, recorder->codes.size());
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:transaction:rollback"), recorder->codes.at(0));
    }

    static void more_sends_than_the_broker_lets_in_are_committed_in_order() {
        TestBroker::Options options;
        options.credit = 3;
        TransactedRig rig({}, options);
        const auto producer = rig.producer();
        constexpr std::size_t count = 3000;
        for (std::size_t index = 0; index < count; ++index) producer->send(rig.text(std::to_string(index)));
        rig.session->commit();
        const auto contents = rig.broker.contents("q");
        CPPUNIT_ASSERT_EQUAL(count, contents.size());
        for (std::size_t index = 0; index < count; ++index) CPPUNIT_ASSERT_EQUAL(std::to_string(index), decoded_text(contents[index]));
    }

    static void a_broker_that_takes_nothing_makes_the_commit_roll_back() {
        TransactedRig rig("request-timeout-ms=200");
        rig.broker.grant_credit(0);
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:timeout"),
                             thrown<TransactionRolledBackException>([&] { rig.session->commit(); }).error_code());
        rig.broker.add_credit(10);
        producer->send(rig.text("2"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void a_listener_commits() {
        TransactedRig rig;
        rig.put(50);
        const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr& message) {
            producer->send(rig.session->create_text_message("re " + text_of(message)));
            rig.session->commit();
        });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 0; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{50}, rig.broker.depth("answers"));
    }

    static void a_listener_rolls_back() {
        TransactedRig rig;
        rig.put(3);
        std::vector<std::string> got;
        std::promise<void> all;
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr& message) {
            got.push_back(text_of(message) + (message->jms_redelivered() ? "again" : ""));
            if (got.size() == 2) return rig.session->rollback();
            if (got.size() == 5) {
                rig.session->commit();
                all.set_value();
            }
        });
        all.get_future().get();
        rig.session->close();
        CPPUNIT_ASSERT(got == (std::vector<std::string>{"1", "2", "1again", "2again", "3"}));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void a_listener_that_throws_goes_on_in_the_same_transaction() {
        TransactedRig rig;
        rig.put(3);
        std::atomic<int> got{0};
        std::atomic<int> reported{0};
        rig.connection->set_exception_listener([&](const JMSException&) { ++reported; });
        const auto consumer = rig.consumer();
        consumer->set_message_listener([&](const MessagePtr&) {
            if (++got == 1) throw std::runtime_error("not this time");
            if (got == 3) rig.session->commit();
        });
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.depth("q") == 0; }));
        CPPUNIT_ASSERT_EQUAL(3, got.load());
        CPPUNIT_ASSERT(rig.broker.wait([&] { return reported == 1; }));
    }

    static void close_rolls_back() {
        TransactedRig rig;
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto producer = rig.session->create_producer(rig.session->create_queue("answers"));
        producer->send(rig.text("re " + text_of(consumer->receive(5s))));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.received().size() == 1; }));
        rig.session->close();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("answers"));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.locked("q") == 0 && rig.broker.open_transactions() == 0; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.calls().rolled_back);
        CPPUNIT_ASSERT_THROW(rig.session->commit(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(rig.session->rollback(), IllegalStateException);
    }

    static void close_waits_for_a_commit_on_its_way() {
        TransactedRig rig;
        const auto producer = rig.producer();
        producer->send(rig.text("1"));
        rig.broker.hold_discharges(true);
        auto committing = std::async(std::launch::async, [&] { rig.session->commit(); });
        CPPUNIT_ASSERT(committing.wait_for(50ms) == std::future_status::timeout);
        auto closing = std::async(std::launch::async, [&] { rig.session->close(); });
        CPPUNIT_ASSERT(closing.wait_for(50ms) == std::future_status::timeout);
        rig.broker.hold_discharges(false);
        committing.get();
        closing.get();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void a_consumer_closed_before_the_commit_still_counts() {
        for (const bool commits : {true, false}) {
            TransactedRig rig;
            rig.put(2);
            const auto consumer = rig.consumer();
            CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
            consumer->close();
            commits ? rig.session->commit() : rig.session->rollback();
            CPPUNIT_ASSERT_EQUAL(commits ? std::size_t{1} : std::size_t{2}, rig.broker.depth("q"));
            CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.consumers("q") == 0 && rig.broker.locked("q") == 0; }));
        }
    }

    static void recover_is_refused_and_acknowledge_does_nothing() {
        TransactedRig rig;
        rig.put(1);
        const auto consumer = rig.consumer();
        const auto message = consumer->receive(5s);
        message->acknowledge();
        CPPUNIT_ASSERT_THROW(rig.session->recover(), IllegalStateException);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        rig.session->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void sessions_that_are_not_transacted_refuse_to_commit() {
        Rig rig;
        CPPUNIT_ASSERT(!rig.session->transacted());
        CPPUNIT_ASSERT_THROW(rig.session->commit(), IllegalStateException);
        CPPUNIT_ASSERT_THROW(rig.session->rollback(), IllegalStateException);
    }

    static void a_broker_without_transactions_is_told_at_once() {
        TestBroker::Options options;
        options.has_transactions = false;
        Rig rig(AcknowledgeMode::auto_acknowledge, {}, options);
        const auto exception = thrown<JMSException>([&] { rig.connection->create_session(AcknowledgeMode::session_transacted); });
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:not-implemented"), exception.error_code());
        CPPUNIT_ASSERT(std::string(exception.what()).find("no transactions") != std::string::npos);
        rig.producer()->send(rig.text("the connection is as it was"));
    }

    static void a_context_is_transacted_too() {
        TestBroker broker;
        const auto context = ConnectionFactory(broker.uri()).create_context(AcknowledgeMode::session_transacted);
        CPPUNIT_ASSERT(context->transacted());
        const auto queue = context->create_queue("q");
        context->create_producer()->send(queue, "1");
        context->rollback();
        context->create_producer()->send(queue, "2");
        context->commit();
        const auto consumer = context->create_consumer(queue);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), *consumer->receive_body<std::string>(5s));
        context->acknowledge();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.depth("q"));
        CPPUNIT_ASSERT_THROW(context->recover(), IllegalStateException);
        context->commit();
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, broker.depth("q"));
    }

    static void producers_without_a_destination_send_in_the_transaction() {
        for (const bool relay : {true, false}) {
            TestBroker::Options options;
            options.offers_relay = relay;
            TransactedRig rig({}, options);
            const auto producer = rig.session->create_producer(nullptr);
            producer->send(rig.session->create_queue("a"), rig.text("1"));
            producer->send(rig.session->create_queue("b"), rig.text("1"));
            rig.session->rollback();
            producer->send(rig.session->create_queue("a"), rig.text("2"));
            producer->send(rig.session->create_queue("b"), rig.text("2"));
            rig.session->commit();
            for (const char* name : {"a", "b"}) {
                CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth(name));
                CPPUNIT_ASSERT_EQUAL(std::string("2"), decoded_text(rig.broker.contents(name).at(0)));
            }
        }
    }

    static void two_hundred_losses_leave_every_transaction_whole() {
        TransactedRig rig;
        const auto consumer = rig.consumer();
        const auto left = rig.session->create_producer(rig.session->create_queue("left"));
        const auto right = rig.session->create_producer(rig.session->create_queue("right"));
        const int count = std::getenv("GIROMQ_TEST_LONG") != nullptr ? 5000 : 200;
        int unknown = 0;
        rig.put(count);
        for (int turn = 0; rig.broker.depth("q") > 0; ++turn) {
            const auto message = consumer->receive(2s);
            if (message == nullptr) continue;
            if (turn % 5 == 0) rig.broker.cut_connections();
            if (turn % 7 == 0) rig.broker.cut_at_commit(turn % 2 == 0);
            left->send(rig.text(text_of(message)));
            right->send(rig.text(text_of(message)));
            try {
                turn % 11 == 0 ? rig.session->rollback() : rig.session->commit();
            } catch (const TransactionRolledBackException&) {
            } catch (const TransactionOutcomeUnknownException&) {
                ++unknown;
            }
        }
        CPPUNIT_ASSERT(unknown > 0);
        for (const char* name : {"left", "right"}) {
            const auto contents = rig.broker.contents(name);
            CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(count), contents.size());
            for (int index = 0; index < count; ++index)
                CPPUNIT_ASSERT_EQUAL(std::to_string(index + 1), decoded_text(contents[static_cast<std::size_t>(index)]));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TransactionTest);

}  // namespace
}  // namespace giromq::test
