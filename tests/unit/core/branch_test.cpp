#include "unit/core/manager.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

using xa::ReturnCode;

/// Transaction branches (XA) in the core: what is prepared survives everything until it is completed.
class CoreBranchTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreBranchTest);
    CPPUNIT_TEST(a_prepared_branch_is_invisible_and_committed_whole);
    CPPUNIT_TEST(nothing_is_answered_before_it_is_durable);
    CPPUNIT_TEST(a_prepared_branch_is_rolled_back_whole);
    CPPUNIT_TEST(a_prepared_branch_survives_a_crash_and_is_committed);
    CPPUNIT_TEST(a_prepared_branch_survives_a_crash_and_is_rolled_back);
    CPPUNIT_TEST(what_is_locked_is_found_in_no_page);
    CPPUNIT_TEST(a_branch_that_is_not_prepared_is_gone_after_a_crash);
    CPPUNIT_TEST(one_phase_is_one_unit);
    CPPUNIT_TEST(a_prepare_that_the_full_disk_refuses_rolls_back);
    CPPUNIT_TEST(a_branch_without_work_is_read_only);
    CPPUNIT_TEST(a_rejected_message_moves_with_the_commit);
    CPPUNIT_TEST(a_released_message_returns_with_the_commit);
    CPPUNIT_TEST(a_prepared_branch_outlives_its_connection);
    CPPUNIT_TEST(a_lost_connection_rolls_back_what_is_active);
    CPPUNIT_TEST(a_timeout_rolls_back_what_is_not_prepared);
    CPPUNIT_TEST(purge_and_delete_respect_prepared_work);
    CPPUNIT_TEST(a_purge_after_a_restart_loses_nothing_that_is_locked);
    CPPUNIT_TEST(duplicate_ids_are_taken_with_the_commit);
    CPPUNIT_TEST(a_repeated_commit_hears_the_truth);
    CPPUNIT_TEST(non_persistent_messages_can_be_part_of_a_branch);
    CPPUNIT_TEST(an_end_waits_for_a_send_that_is_awaited);
    CPPUNIT_TEST_SUITE_END();

    /// The branch "x": it has put "new" into "to" and got m1 of "q".
    static void do_work(Broker& broker, Manager& manager, Outcome outcome = Accepted{}) {
        const auto queue = broker.make_filled_queue(3);
        const auto to = broker.make_queue("to");
        Taker& taker = manager.controller.take(queue, 1);
        const auto id = manager.start("x");
        CPPUNIT_ASSERT(manager.controller.put(id, to, "new", {.duplicate_id = "id"})->accepted());
        manager.controller.get(id, taker, "m1", std::move(outcome));
        CPPUNIT_ASSERT(manager.end(id) == ReturnCode::ok);
        taker.close();
        broker.doors->run();
    }

    void a_prepared_branch_is_invisible_and_committed_whole() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        Taker& consumer = broker.take_now(broker.queue("q"), 10);
        Taker& receiver = broker.take_now(broker.queue("to"), 10);
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, consumer.texts());
        CPPUNIT_ASSERT_EQUAL(""s, receiver.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(broker.queue("q")).messages);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("new"s, receiver.texts());
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.stored(broker.queue("q")));
        CPPUNIT_ASSERT_EQUAL("new"s, broker.stored(broker.queue("to")));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(broker.queue("q")).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(broker.queue("q")).delivering);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(broker.queue("to")).messages);
    }

    void nothing_is_answered_before_it_is_durable() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        Taker& receiver = broker.take_now(broker.queue("to"), 10);
        const auto prepared = manager.call(core::XaCall::Kind::prepare, "x");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        broker.doors->write();
        CPPUNIT_ASSERT(!prepared->has_value());
        broker.doors->run();
        CPPUNIT_ASSERT(prepared->has_value());
        const auto committed = manager.call(core::XaCall::Kind::commit, "x");
        broker.doors->write();
        CPPUNIT_ASSERT(!committed->has_value());
        CPPUNIT_ASSERT_EQUAL(""s, receiver.texts());
        broker.doors->run();
        CPPUNIT_ASSERT(committed->has_value());
        CPPUNIT_ASSERT_EQUAL("new"s, receiver.texts());
    }

    void a_prepared_branch_is_rolled_back_whole() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
        Taker& consumer = broker.take_now(broker.queue("q"), 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, consumer.texts());
        CPPUNIT_ASSERT_EQUAL(1U, consumer.count("m1"));
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(broker.queue("to")));
        // Its room and its id were given back, and so was its memory.
        CPPUNIT_ASSERT(!broker.send(broker.queue("to"), "again", {.duplicate_id = "id"})->duplicate());
        CPPUNIT_ASSERT_EQUAL("again"s, broker.drain_all(broker.queue("to")));
    }

    void a_prepared_branch_survives_a_crash_and_is_committed() {
        Broker broker;
        {
            Manager manager(broker);
            do_work(broker, manager);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        }
        for (int round = 0; round < 2; ++round) {
            round == 0 ? broker.crash() : broker.restart();
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.core->branches().in_doubt(std::nullopt, 10).branches.size());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(broker.queue("q")).delivering);
        }
        Manager other(broker);
        Taker& consumer = broker.take_now(broker.queue("q"), 10);
        Taker& receiver = broker.take_now(broker.queue("to"), 10);
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, consumer.texts());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
        CPPUNIT_ASSERT_EQUAL("new"s, receiver.texts());
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, consumer.texts());
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.stored(broker.queue("q")));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(broker.queue("q")).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(broker.queue("q")).delivering);
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("new"s, broker.drain_all(broker.queue("to")));
        CPPUNIT_ASSERT(broker.core->branches().in_doubt(std::nullopt, 10).branches.empty());
    }

    void a_prepared_branch_survives_a_crash_and_is_rolled_back() {
        for (const bool has_been_read : {false, true}) {
            Broker broker;
            {
                Manager manager(broker);
                do_work(broker, manager);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            }
            broker.crash();
            Manager other(broker);
            Taker& consumer = broker.take(broker.queue("q"), has_been_read ? 10 : 0);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.rollback("x"));
            consumer.credit(10);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(has_been_read ? "m2 m3 m1"s : "m1 m2 m3"s, consumer.texts());
            // One for the rollback, and one for the crash.
            CPPUNIT_ASSERT_EQUAL(2U, consumer.count("m1"));
            CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(broker.queue("to")));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(broker.queue("q")).messages);
        }
    }

    void what_is_locked_is_found_in_no_page() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_queue("q");
        broker.send_many(queue, "m", 40, {.bytes = 1000});
        Manager manager(broker);
        Taker& taker = manager.controller.take(queue, 40);
        const auto id = manager.start("x");
        for (const auto* const text : {"m3", "m20", "m39"}) manager.controller.get(id, taker, text);
        manager.end(id);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        broker.crash();
        Taker& browser = broker.browse(broker.queue("q"), 100);
        broker.doors->run();
        CPPUNIT_ASSERT(browser.texts().find("m20") == std::string::npos);
        Taker& consumer = broker.take_now(broker.queue("q"), 100);
        CPPUNIT_ASSERT_EQUAL(std::size_t{37}, consumer.deliveries.size());
        CPPUNIT_ASSERT(consumer.texts().find("m20") == std::string::npos);
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.rollback("x"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{40}, consumer.deliveries.size());
    }

    void a_branch_that_is_not_prepared_is_gone_after_a_crash() {
        Broker broker;
        {
            Manager manager(broker);
            do_work(broker, manager);
        }
        broker.crash();
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, other.commit("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, broker.drain_all(broker.queue("q")));
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(broker.queue("to")));
    }

    void one_phase_is_one_unit() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        const auto answer = manager.call(core::XaCall::Kind::commit, "x", xa::tm::one_phase);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        CPPUNIT_ASSERT(!answer->has_value());
        broker.doors->run();
        CPPUNIT_ASSERT(answer->has_value() && **answer == ReturnCode::ok);
        CPPUNIT_ASSERT_EQUAL("new"s, broker.drain_all(broker.queue("to")));
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.drain_all(broker.queue("q")));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void a_prepare_that_the_full_disk_refuses_rolls_back() {
        for (const auto kind : {core::XaCall::Kind::prepare, core::XaCall::Kind::commit}) {
            Broker broker;
            Manager manager(broker);
            do_work(broker, manager);
            broker.doors->disk_full = true;
            const auto flags = kind == core::XaCall::Kind::commit ? xa::tm::one_phase : xa::tm::no_flags;
            CPPUNIT_ASSERT_EQUAL("XA_RBROLLBACK"s, manager.answered(kind, "x", flags));
            broker.doors->disk_full = false;
            broker.tick(1100ms);
            broker.doors->run();
            Taker& consumer = broker.take_now(broker.queue("q"), 10);
            CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, consumer.texts());
            CPPUNIT_ASSERT_EQUAL(1U, consumer.count("m1"));
            CPPUNIT_ASSERT(!broker.send(broker.queue("to"), "again", {.duplicate_id = "id"})->duplicate());
            CPPUNIT_ASSERT_EQUAL("again"s, broker.drain_all(broker.queue("to")));
        }
    }

    void a_branch_without_work_is_read_only() {
        Broker broker;
        Manager manager(broker);
        manager.end(manager.start("x"));
        CPPUNIT_ASSERT_EQUAL("XA_RDONLY"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, manager.commit("x"));
    }

    void a_rejected_message_moves_with_the_commit() {
        for (const bool crashes : {false, true}) {
            Broker broker;
            {
                Manager manager(broker);
                do_work(broker, manager, Rejected{"amqp:decode-error", "no amount"});
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
                const auto& dead_letter_queue = broker.settings.queue_defaults.dead_letter_queue;
                CPPUNIT_ASSERT_EQUAL(""s, broker.stored(broker.queue(dead_letter_queue)));
            }
            if (crashes) broker.crash();
            Manager other(broker);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
            CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.drain_all(broker.queue("q")));
            Taker& dead = broker.take_now(broker.queue(broker.settings.queue_defaults.dead_letter_queue), 10);
            CPPUNIT_ASSERT_EQUAL("m1"s, dead.texts());
            CPPUNIT_ASSERT_EQUAL("rejected"s, dead.deliveries.at(0).dead_letter->cause);
        }
    }

    void a_released_message_returns_with_the_commit() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager, Modified{true, false});
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        Taker& consumer = broker.take_now(broker.queue("q"), 10);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, consumer.texts());
        CPPUNIT_ASSERT_EQUAL(1U, consumer.count("m1"));
    }

    void a_prepared_branch_outlives_its_connection() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        broker.core->close_connection(manager.controller.connection, core::CloseReason::lost);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, broker.take_now(broker.queue("q"), 10).texts());
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
        CPPUNIT_ASSERT_EQUAL("new"s, broker.drain_all(broker.queue("to")));
    }

    void a_lost_connection_rolls_back_what_is_active() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        Manager manager(broker);
        Taker& taker = manager.controller.take(queue, 1);
        const auto id = manager.start("x");
        manager.controller.get(id, taker, "m1");
        manager.controller.put(id, queue, "never");
        broker.core->close_connection(manager.controller.connection, core::CloseReason::lost);
        broker.doors->run();
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_RBCOMMFAIL"s, other.prepare("x"));
        Taker& consumer = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("m1"s, consumer.texts());
        CPPUNIT_ASSERT_EQUAL(1U, consumer.count("m1"));
    }

    void a_timeout_rolls_back_what_is_not_prepared() {
        core::CoreSettings settings;
        settings.transaction_timeout = 1s;
        Broker broker(settings);
        Manager manager(broker);
        do_work(broker, manager);
        const auto prepared = manager.start("y");
        manager.controller.put(prepared, broker.queue("to"), "kept");
        manager.end(prepared);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("y"));
        broker.tick(3000ms);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("XA_RBTIMEOUT"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, broker.drain_all(broker.queue("q")));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("y"));
        CPPUNIT_ASSERT_EQUAL("kept"s, broker.drain_all(broker.queue("to")));
    }

    void purge_and_delete_respect_prepared_work() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(broker.queue("q"), purged.callback());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, purged.result->value());
        for (const auto* const name : {"q", "to"}) {
            Answer<void> deleted;
            broker.core->delete_queue(broker.queue(name), true, deleted.callback());
            broker.doors->run();
            CPPUNIT_ASSERT(deleted.given() && !deleted.ok());
        }
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(broker.queue("q")));
        Answer<void> deleted;
        broker.core->delete_queue(broker.queue("q"), true, deleted.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(deleted.ok());
    }

    void a_purge_after_a_restart_loses_nothing_that_is_locked() {
        Broker broker;
        {
            Manager manager(broker);
            do_work(broker, manager);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        }
        broker.crash();
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(broker.queue("q"), purged.callback());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, purged.result->value());
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.rollback("x"));
        CPPUNIT_ASSERT_EQUAL("m1"s, broker.drain_all(broker.queue("q")));
    }

    void duplicate_ids_are_taken_with_the_commit() {
        for (const bool crashes : {false, true}) {
            Broker broker;
            {
                Manager manager(broker);
                do_work(broker, manager);
                const auto id = manager.start("y");
                manager.controller.put(id, broker.queue("to"), "s", {.sequence = core::ProducerSequence{"p", 1}});
                manager.end(id);
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
                CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("y"));
            }
            if (crashes) broker.crash();
            const auto waiting = broker.send(broker.queue("to"), "again", {.duplicate_id = "id"});
            CPPUNIT_ASSERT(!waiting->given());
            Manager other(broker);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("x"));
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.commit("y"));
            CPPUNIT_ASSERT(waiting->duplicate());
            broker.crash();
            CPPUNIT_ASSERT(broker.send(broker.queue("to"), "again", {.duplicate_id = "id"})->duplicate());
            CPPUNIT_ASSERT(broker.send(broker.queue("to"), "again", {.sequence = core::ProducerSequence{"p", 1}})->duplicate());
            CPPUNIT_ASSERT_EQUAL("new s"s, broker.drain_all(broker.queue("to")));
        }
    }

    void a_repeated_commit_hears_the_truth() {
        Broker broker;
        Manager manager(broker);
        do_work(broker, manager);
        manager.prepare("x");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        const auto again = manager.commit("x");
        broker.crash();
        Manager other(broker);
        CPPUNIT_ASSERT_EQUAL(again, other.commit("x"));
    }

    void non_persistent_messages_can_be_part_of_a_branch() {
        for (const bool commits : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            broker.send(queue, "got", {.durable = non_persistent});
            Manager manager(broker);
            Taker& taker = manager.controller.take(queue, 1);
            const auto id = manager.start("x");
            manager.controller.get(id, taker, "got");
            manager.controller.put(id, queue, "put", {.durable = non_persistent});
            manager.end(id);
            taker.close();
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, commits ? manager.commit("x") : manager.rollback("x"));
            CPPUNIT_ASSERT_EQUAL(commits ? "put"s : "got"s, broker.drain_all(queue));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
        }
    }

    void an_end_waits_for_a_send_that_is_awaited() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Manager manager(broker);
        const auto id = manager.start("x");
        broker.core->await_put(manager.controller.connection, id);
        std::optional<ReturnCode> ended;
        broker.core->xa_end(manager.controller.connection, id, xa::tm::success, [&ended](ReturnCode code) { ended = code; });
        const auto prepared = manager.call(core::XaCall::Kind::prepare, "x");
        broker.doors->run();
        CPPUNIT_ASSERT(!ended && !prepared->has_value());
        core::SendCommand command;
        command.connection = manager.controller.connection;
        command.transaction = id;
        command.destination = queue;
        command.was_awaited = true;
        auto message = std::make_shared<Message>();
        message->durable = true;
        message->bare = SharedBytes::copy_of(std::string("late"));
        command.message = message;
        command.done = [](const core::SendResult& result) { CPPUNIT_ASSERT(result.accepted); };
        broker.core->send(std::move(command));
        broker.doors->run();
        CPPUNIT_ASSERT(ended && *ended == ReturnCode::ok);
        CPPUNIT_ASSERT(prepared->has_value() && **prepared == ReturnCode::ok);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("late"s, broker.drain_all(queue));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreBranchTest);

}  // namespace giromq::test
