#include "unit/core/controller.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// Local transactions: everything of one is durable and shown together, or nothing is.
class CoreTransactionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreTransactionTest);
    CPPUNIT_TEST(a_put_is_answered_at_once_and_stored_with_the_commit);
    CPPUNIT_TEST(a_commit_over_several_queues_is_one_unit);
    CPPUNIT_TEST(a_get_is_removed_with_the_commit);
    CPPUNIT_TEST(a_crash_before_the_commit_leaves_everything_as_it_was);
    CPPUNIT_TEST(a_rollback_shows_nothing_and_returns_what_was_got_counted);
    CPPUNIT_TEST(what_is_rolled_back_too_often_is_dead_lettered);
    CPPUNIT_TEST(a_count_that_a_rollback_raised_is_durable);
    CPPUNIT_TEST(what_a_rollback_returns_is_counted_before_anybody_can_take_it);
    CPPUNIT_TEST(an_unsettled_get_is_answered_when_the_commit_is_durable);
    CPPUNIT_TEST(an_unsettled_get_stays_with_its_consumer_after_a_rollback);
    CPPUNIT_TEST(an_unsettled_get_whose_consumer_is_gone_goes_back);
    CPPUNIT_TEST(every_outcome_is_applied_with_the_commit);
    CPPUNIT_TEST(a_later_outcome_of_the_same_transaction_takes_the_place_of_the_first);
    CPPUNIT_TEST(a_delivery_in_two_transactions_ends_the_control_link);
    CPPUNIT_TEST(a_commit_that_the_full_disk_refuses_is_rolled_back_whole);
    CPPUNIT_TEST(a_commit_of_gets_alone_goes_through_on_a_full_disk);
    CPPUNIT_TEST(a_commit_is_refused_at_once_while_growth_is_blocked);
    CPPUNIT_TEST(non_persistent_messages_wait_for_the_commit_of_the_others);
    CPPUNIT_TEST(non_persistent_messages_alone_need_no_commit);
    CPPUNIT_TEST(non_persistent_messages_of_a_refused_commit_are_not_shown);
    CPPUNIT_TEST(the_loss_of_the_control_link_rolls_back);
    CPPUNIT_TEST(the_loss_of_the_connection_rolls_back);
    CPPUNIT_TEST(what_a_lost_connection_returns_is_not_given_to_it_again);
    CPPUNIT_TEST(a_stop_rolls_back_without_counting);
    CPPUNIT_TEST(an_unknown_transaction_is_refused);
    CPPUNIT_TEST(a_transaction_of_another_connection_is_unknown);
    CPPUNIT_TEST(a_second_discharge_is_refused);
    CPPUNIT_TEST(a_settled_outcome_of_an_unknown_transaction_returns_the_message);
    CPPUNIT_TEST(a_discharge_that_is_awaiting_a_send_commits_it_too);
    CPPUNIT_TEST(an_awaited_send_that_is_refused_fails_the_transaction);
    CPPUNIT_TEST_SUITE_END();

    /// Of the last delivery to either; the first one was to `first`.
    static std::uint32_t newest_count(const Taker& first, const Taker& second, const std::string& text) {
        const bool is_with_second = second.texts().find(text) != std::string::npos;
        return (is_with_second ? second : first).count(text);
    }

    void a_put_is_answered_at_once_and_stored_with_the_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        Controller controller(broker);
        const auto transaction = controller.declare();
        CPPUNIT_ASSERT(controller.put(transaction, queue, "a")->accepted());
        CPPUNIT_ASSERT(controller.put(transaction, queue, "b")->accepted());
        broker.doors->run();
        CPPUNIT_ASSERT(broker.doors->idle());
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
        auto& answer = controller.discharge(transaction, false);
        broker.doors->write();
        CPPUNIT_ASSERT(!answer.given());
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        broker.doors->run();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL(1, answer.times);
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
    }

    void a_commit_over_several_queues_is_one_unit() {
        Broker broker;
        const auto from = broker.make_queue("from");
        const auto to = broker.make_queue("to");
        const auto copy = broker.make_queue("copy");
        broker.send(from, "a");
        Controller controller(broker);
        Taker& taker = controller.take(from, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "a");
        controller.put(transaction, to, "x");
        controller.put(transaction, copy, "y");
        controller.discharge(transaction, false);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        CPPUNIT_ASSERT(broker.doors->waiting().front().grows);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(from));
        CPPUNIT_ASSERT_EQUAL("x"s, broker.stored(to));
        CPPUNIT_ASSERT_EQUAL("y"s, broker.stored(copy));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(from).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(to).messages);
    }

    void a_get_is_removed_with_the_commit() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m2");
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).delivering);
        // Closing the consumer does not touch what is in a transaction.
        taker.close();
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("m1 m3"s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).acknowledged);
        CPPUNIT_ASSERT_EQUAL("m1 m3"s, broker.drain_all(queue));
    }

    void a_crash_before_the_commit_leaves_everything_as_it_was() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, queue, "new");
        controller.discharge(transaction, false);
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(broker.queue("q")));
    }

    void a_rollback_shows_nothing_and_returns_what_was_got_counted() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, queue, "new");
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, broker.stored(queue));
        Taker& other = broker.take_now(queue, 10);
        // Its place is before the others', and m2 is still with its consumer.
        CPPUNIT_ASSERT_EQUAL("m1 m3"s, other.texts());
        CPPUNIT_ASSERT_EQUAL(1U, other.count("m1"));
        CPPUNIT_ASSERT_EQUAL(0U, other.count("m3"));
    }

    void what_is_rolled_back_too_often_is_dead_lettered() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 2; });
        broker.send(queue, "a");
        Controller controller(broker);
        Taker& taker = controller.take(queue, 10);
        for (int round = 0; round < 2; ++round) {
            const auto transaction = controller.declare();
            controller.get(transaction, taker, "a");
            CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        }
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL("a"s, broker.stored(broker.queue(broker.settings.queue_defaults.dead_letter_queue)));
        CPPUNIT_ASSERT_EQUAL("a a"s, taker.texts());
    }

    void a_count_that_a_rollback_raised_is_durable() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.get(transaction, taker, "m2");
        controller.discharge(transaction, true);
        broker.doors->run();
        broker.crash();
        Taker& after = broker.take_now(broker.queue("q"), 2);
        // One for the rollback, and one for the crash: it may have been delivered in between.
        CPPUNIT_ASSERT_EQUAL(2U, after.count("m1"));
        CPPUNIT_ASSERT_EQUAL(2U, after.count("m2"));
    }

    void what_a_rollback_returns_is_counted_before_anybody_can_take_it() {
        Broker broker;
        const auto dead = broker.queue(broker.settings.queue_defaults.dead_letter_queue);
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_deliveries = 1; });
        broker.send(dead, "a");
        broker.send(queue, "b", {.durable = non_persistent});
        Controller controller(broker);
        Taker& from_dead = controller.take(dead, 1);
        Taker& from_queue = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, from_dead, "a");
        controller.get(transaction, from_queue, "b");
        Taker& greedy = broker.take_presettled(dead, 10);
        // The move of b, which is in memory only, is done at once, and has its new queue dispatched.
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("a b"s, greedy.texts());
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(dead));
    }

    void an_unsettled_get_is_answered_when_the_commit_is_durable() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        const auto& answer = controller.get_unsettled(transaction, taker, "m1");
        controller.discharge(transaction, false);
        broker.doors->write();
        CPPUNIT_ASSERT(!answer.given());
        broker.doors->run();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL(1, answer.times);
    }

    void an_unsettled_get_stays_with_its_consumer_after_a_rollback() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        const auto& answer = controller.get_unsettled(transaction, taker, "m1");
        CPPUNIT_ASSERT(controller.roll_back(transaction).ok());
        CPPUNIT_ASSERT(answer.given() && !answer.ok());
        CPPUNIT_ASSERT_EQUAL(""s, broker.take_now(queue, 1).texts());
        // Another transaction can have it now.
        const auto second = controller.declare();
        controller.get_unsettled(second, taker, "m1");
        CPPUNIT_ASSERT(controller.commit(second).ok());
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void an_unsettled_get_whose_consumer_is_gone_goes_back() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get_unsettled(transaction, taker, "m1");
        taker.close();
        Taker& other = broker.take_now(queue, 1);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        controller.roll_back(transaction);
        CPPUNIT_ASSERT_EQUAL("m1"s, other.texts());
        CPPUNIT_ASSERT_EQUAL(1U, other.count("m1"));
    }

    void every_outcome_is_applied_with_the_commit() {
        Broker broker;
        const auto queue = broker.make_filled_queue(5);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 5);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1", Released{});
        controller.get(transaction, taker, "m2", Modified{true, false});
        controller.get(transaction, taker, "m3", Modified{false, true});
        controller.get(transaction, taker, "m4", Rejected{"amqp:decode-error", "no amount"});
        controller.get(transaction, taker, "m5");
        taker.credit(5);
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, broker.stored(queue));
        const auto dead = broker.queue(broker.settings.queue_defaults.dead_letter_queue);
        CPPUNIT_ASSERT_EQUAL("m4"s, broker.stored(dead));
        Taker& dead_taker = broker.take_now(dead, 1);
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error: no amount"s, dead_taker.deliveries.at(0).dead_letter->description);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(queue).delivering);
        CPPUNIT_ASSERT_EQUAL(1U, newest_count(taker, other, "m2"));
        CPPUNIT_ASSERT_EQUAL(0U, newest_count(taker, other, "m1"));
        // Not for the consumer that said so.
        CPPUNIT_ASSERT(other.texts().find("m3") != std::string::npos);
    }

    void a_later_outcome_of_the_same_transaction_takes_the_place_of_the_first() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        const auto& first = controller.get_unsettled(transaction, taker, "m1", Rejected{"a", "b"});
        controller.get(transaction, taker, "m1", Accepted{});
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL(1, first.times);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).acknowledged);
    }

    void a_delivery_in_two_transactions_ends_the_control_link() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto first = controller.declare();
        const auto second = controller.declare();
        controller.get(first, taker, "m1");
        controller.get(second, taker, "m1");
        CPPUNIT_ASSERT(controller.end_reason.has_value());
        CPPUNIT_ASSERT(controller.end_reason->is(core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT(controller.is_refused(first, core::errc::transaction_unknown));
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.stored(queue));
    }

    void a_commit_that_the_full_disk_refuses_is_rolled_back_whole() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        const auto other = broker.make_queue("other");
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.get(transaction, taker, "m2", Rejected{"a", "b"});
        controller.put(transaction, other, "new", {.duplicate_id = "id"});
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(other));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivering);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(other).messages);
        // Two messages of two bytes in the window; all other memory was given back.
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2 * (sizeof(Message) + 2)}, broker.core->view().memory_bytes);
        broker.doors->disk_full = false;
        broker.tick(1100ms);
        broker.doors->run();
        // The id was given back.
        CPPUNIT_ASSERT(!broker.send(other, "again", {.duplicate_id = "id"})->duplicate());
        Taker& after = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, after.texts());
        CPPUNIT_ASSERT_EQUAL(1U, after.count("m1"));
    }

    void a_commit_of_gets_alone_goes_through_on_a_full_disk() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        broker.doors->disk_full = true;
        broker.send(queue, "refused");
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.get(transaction, taker, "m2");
        CPPUNIT_ASSERT(controller.commit(transaction).ok());
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void a_commit_is_refused_at_once_while_growth_is_blocked() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a");
        broker.doors->disk_full = true;
        broker.send(queue, "refused");
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_rolled_back));
        // And so is what is sent in a new one, which can then only be rolled back.
        const auto second = controller.declare();
        CPPUNIT_ASSERT(controller.put(second, queue, "b")->refused_with(core::errc::resource_limit));
        broker.doors->disk_full = false;
        broker.tick(1100ms);
        CPPUNIT_ASSERT(controller.is_refused(second, core::errc::transaction_rolled_back));
    }

    void non_persistent_messages_wait_for_the_commit_of_the_others() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.durable = non_persistent});
        controller.put(transaction, queue, "b");
        controller.discharge(transaction, false);
        broker.doors->write();
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).messages);
    }

    void non_persistent_messages_alone_need_no_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.durable = non_persistent});
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT(controller.discharge(transaction, false).ok());
        CPPUNIT_ASSERT(broker.doors->waiting().empty());
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).messages);
    }

    void non_persistent_messages_of_a_refused_commit_are_not_shown() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a", {.durable = non_persistent});
        controller.put(transaction, queue, "b");
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        // What comes later is not held up.
        CPPUNIT_ASSERT(broker.stage(queue, "c", {.durable = non_persistent})->given());
    }

    void the_loss_of_the_control_link_rolls_back() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, queue, "new");
        broker.core->close_control(controller.control);
        broker.doors->run();
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_unknown));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().transactions.open);
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(queue));
    }

    void the_loss_of_the_connection_rolls_back() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 2);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m2");
        controller.put(transaction, queue, "new");
        broker.core->close_connection(controller.connection, core::CloseReason::lost);
        broker.doors->run();
        Taker& other = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, other.texts());
        CPPUNIT_ASSERT_EQUAL(1U, other.count("m1"));
        CPPUNIT_ASSERT_EQUAL(1U, other.count("m2"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().transactions.open);
    }

    void what_a_lost_connection_returns_is_not_given_to_it_again() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 10);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        broker.core->close_connection(controller.connection, core::CloseReason::lost);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m1"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1U, broker.take_now(queue, 1).count("m1"));
    }

    void a_stop_rolls_back_without_counting() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        const auto transaction = controller.declare();
        controller.get(transaction, taker, "m1");
        controller.put(transaction, queue, "new");
        broker.restart();
        Taker& after = broker.take_now(broker.queue("q"), 10);
        CPPUNIT_ASSERT_EQUAL("m1"s, after.texts());
        // Marked as perhaps delivered, which never counts towards dead-lettering.
        CPPUNIT_ASSERT_EQUAL(1U, after.count("m1"));
    }

    void an_unknown_transaction_is_refused() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        CPPUNIT_ASSERT(controller.put(TransactionId{999}, queue, "a")->refused_with(core::errc::transaction_unknown));
        CPPUNIT_ASSERT(controller.is_refused(TransactionId{999}, core::errc::transaction_unknown));
        CPPUNIT_ASSERT(!controller.roll_back(TransactionId{999}).ok());
    }

    void a_transaction_of_another_connection_is_unknown() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller mine(broker);
        Controller other(broker);
        const auto transaction = mine.declare();
        CPPUNIT_ASSERT(other.put(transaction, queue, "a")->refused_with(core::errc::transaction_unknown));
        CPPUNIT_ASSERT(other.is_refused(transaction, core::errc::transaction_unknown));
        CPPUNIT_ASSERT(mine.commit(transaction).ok());
    }

    void a_second_discharge_is_refused() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a");
        auto& first = controller.discharge(transaction, false);
        CPPUNIT_ASSERT(controller.is_refused(transaction, core::errc::transaction_unknown));
        CPPUNIT_ASSERT(first.ok());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.stored(queue));
    }

    void a_settled_outcome_of_an_unknown_transaction_returns_the_message() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Controller controller(broker);
        Taker& taker = controller.take(queue, 1);
        controller.get(TransactionId{999}, taker, "m1");
        CPPUNIT_ASSERT(!controller.enlisted->ok());
        CPPUNIT_ASSERT_EQUAL(1U, broker.take_now(queue, 1).count("m1"));
    }

    void a_discharge_that_is_awaiting_a_send_commits_it_too() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        broker.core->await_put(controller.connection, transaction);
        auto& answer = controller.commit(transaction);
        CPPUNIT_ASSERT(!answer.given());
        core::SendCommand command;
        command.connection = controller.connection;
        command.transaction = transaction;
        command.destination = queue;
        command.was_awaited = true;
        auto message = std::make_shared<Message>();
        message->durable = true;
        message->bare = SharedBytes::copy_of(std::string("late"));
        command.message = message;
        command.done = [](const core::SendResult& result) { CPPUNIT_ASSERT(result.accepted); };
        broker.core->send(std::move(command));
        broker.doors->run();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL("late"s, broker.stored(queue));
    }

    void an_awaited_send_that_is_refused_fails_the_transaction() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Controller controller(broker);
        const auto transaction = controller.declare();
        controller.put(transaction, queue, "a");
        broker.core->await_put(controller.connection, transaction);
        auto& answer = controller.commit(transaction);
        broker.core->work_refused(controller.connection, transaction, Error(core::errc::deleted), true);
        broker.doors->run();
        CPPUNIT_ASSERT(answer.given() && !answer.ok());
        CPPUNIT_ASSERT(answer.result->error().is(core::errc::transaction_rolled_back));
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreTransactionTest);

}  // namespace giromq::test
