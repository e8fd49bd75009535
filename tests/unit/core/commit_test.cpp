#include "unit/core/broker.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// Nothing is promised before it is durable, and what happens when the store refuses.
class CoreCommitTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreCommitTest);
    CPPUNIT_TEST(a_send_is_answered_only_after_commit);
    CPPUNIT_TEST(a_message_is_delivered_only_after_commit);
    CPPUNIT_TEST(a_non_persistent_send_is_answered_at_once);
    CPPUNIT_TEST(a_non_persistent_message_waits_behind_a_persistent_one);
    CPPUNIT_TEST(an_acknowledgement_is_answered_only_after_commit);
    CPPUNIT_TEST(an_unanswered_acknowledgement_may_be_repeated_after_a_crash);
    CPPUNIT_TEST(settling_twice_is_answered_with_success);
    CPPUNIT_TEST(sends_are_refused_while_the_disk_is_full);
    CPPUNIT_TEST(acknowledgements_go_on_while_the_disk_is_full);
    CPPUNIT_TEST(a_refused_acknowledgement_is_retried_until_it_is_durable);
    CPPUNIT_TEST(growth_resumes_a_second_later_on_a_tick);
    CPPUNIT_TEST(growth_does_not_resume_while_a_growing_unit_is_in_flight);
    CPPUNIT_TEST(sends_staged_behind_a_refused_one_are_refused_too);
    CPPUNIT_TEST(a_refused_send_in_the_middle_leaves_the_order_alone);
    CPPUNIT_TEST(a_crash_keeps_what_was_answered_and_nothing_else_is_promised);
    CPPUNIT_TEST(a_non_persistent_message_is_gone_after_a_restart);
    CPPUNIT_TEST(the_number_of_a_chunked_message_is_kept);
    CPPUNIT_TEST(a_chunked_message_that_is_refused_leaves_no_chunks);
    CPPUNIT_TEST_SUITE_END();

    void a_send_is_answered_only_after_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto answer = broker.stage(queue, "a");
        CPPUNIT_ASSERT(!answer->given());
        broker.doors->write();
        CPPUNIT_ASSERT(!answer->given());
        broker.doors->complete();
        CPPUNIT_ASSERT(answer->accepted());
        CPPUNIT_ASSERT(!answer->duplicate());
        CPPUNIT_ASSERT_EQUAL(1, answer->times);
    }

    void a_message_is_delivered_only_after_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        broker.stage(queue, "a");
        broker.stage(queue, "b");
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        broker.doors->write(1);
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        broker.doors->complete();
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
    }

    void a_non_persistent_send_is_answered_at_once() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        const auto answer = broker.stage(queue, "a", {.durable = non_persistent});
        CPPUNIT_ASSERT(answer->accepted());
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT(broker.doors->waiting().empty());
        CPPUNIT_ASSERT(taker.accept("a").ok());
        CPPUNIT_ASSERT(broker.doors->waiting().empty());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void a_non_persistent_message_waits_behind_a_persistent_one() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        broker.stage(queue, "a");
        CPPUNIT_ASSERT(broker.stage(queue, "b", {.durable = non_persistent})->accepted());
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
    }

    void an_acknowledgement_is_answered_only_after_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        const auto& answer = taker.accept("a");
        CPPUNIT_ASSERT(!answer.given());
        broker.doors->write();
        CPPUNIT_ASSERT(!answer.given());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).messages);
        broker.doors->complete();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).bytes);
    }

    void an_unanswered_acknowledgement_may_be_repeated_after_a_crash() {
        Broker broker;
        broker.send(broker.make_queue("q"), "a");
        Taker& taker = broker.take_now(broker.queue("q"), 1);
        taker.accept("a");
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("q")));
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(broker.queue("q")));
    }

    void settling_twice_is_answered_with_success() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        taker.accept("a");
        CPPUNIT_ASSERT(taker.release("a").ok());
        broker.doors->run();
        CPPUNIT_ASSERT(taker.accept("a").ok());
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).acknowledged);
    }

    void sends_are_refused_while_the_disk_is_full() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.doors->disk_full = true;
        const auto first = broker.send(queue, "a");
        CPPUNIT_ASSERT(first->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(broker.core->view().disk_full);
        // Refused at once, without asking the store.
        CPPUNIT_ASSERT(broker.stage(queue, "b")->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(broker.doors->idle());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(queue));
    }

    void acknowledgements_go_on_while_the_disk_is_full() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send_all(queue, {"a", "b"});
        Taker& taker = broker.take_now(queue, 2);
        broker.doors->disk_full = true;
        const auto refused = broker.stage(queue, "c");
        const auto& accepted = taker.accept("a");  // in the same batch as the refused send
        broker.doors->run();
        CPPUNIT_ASSERT(refused->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(accepted.ok());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.stored(queue));
    }

    void a_refused_acknowledgement_is_retried_until_it_is_durable() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send_all(queue, {"a", "b"});
        Taker& taker = broker.take_now(queue, 1);
        broker.doors->refuse_all = true;
        const auto& answer = taker.accept("a");
        for (int ticks = 0; ticks < 5; ++ticks) {
            broker.doors->run();
            CPPUNIT_ASSERT(!answer.given());
            broker.tick();
        }
        taker.credit(1);
        broker.doors->refuse_all = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.stored(queue));
    }

    void growth_resumes_a_second_later_on_a_tick() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.doors->disk_full = true;
        broker.send(queue, "a");
        broker.doors->disk_full = false;
        broker.tick(500ms);
        CPPUNIT_ASSERT(broker.send(queue, "b")->refused_with(core::errc::resource_limit));
        broker.tick(600ms);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.doors->growth_resumed);
        CPPUNIT_ASSERT(broker.send(queue, "c")->accepted());
        CPPUNIT_ASSERT(!broker.core->view().disk_full);
        CPPUNIT_ASSERT_EQUAL("c"s, broker.drain_all(queue));
    }

    void growth_does_not_resume_while_a_growing_unit_is_in_flight() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.doors->disk_full = true;
        broker.stage(queue, "a");
        const auto behind = broker.stage(queue, "b");
        broker.doors->write(1);
        broker.doors->complete();
        broker.doors->disk_full = false;
        broker.tick(5s);
        broker.tick(5s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.doors->growth_resumed);
        broker.doors->run();
        CPPUNIT_ASSERT(behind->given() && !behind->accepted());
        broker.tick(5s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.doors->growth_resumed);
    }

    void sends_staged_behind_a_refused_one_are_refused_too() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const core::ProducerSequence one{"p", 1};
        const core::ProducerSequence two{"p", 2};
        const auto first = broker.stage(queue, "a", {.sequence = one});
        const auto second = broker.stage(queue, "b", {.sequence = two});
        broker.doors->disk_full = true;
        broker.doors->write(1);
        broker.doors->disk_full = false;  // space returns, and still the second must not pass
        broker.doors->run();
        CPPUNIT_ASSERT(first->given() && !first->accepted());
        CPPUNIT_ASSERT(second->given() && !second->accepted());
        broker.tick(2s);
        CPPUNIT_ASSERT(broker.send(queue, "a", {.sequence = one})->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "b", {.sequence = two})->accepted());
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.drain_all(queue));
    }

    void a_refused_send_in_the_middle_leaves_the_order_alone() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 10);
        broker.stage(queue, "a");
        broker.doors->write();
        broker.stage(queue, "b");
        broker.stage(queue, "n", {.durable = non_persistent});
        broker.doors->disk_full = true;
        broker.doors->write();
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL("a n"s, taker.texts());
    }

    void a_crash_keeps_what_was_answered_and_nothing_else_is_promised() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.stage(queue, "a");
        broker.doors->commit_waiting();
        broker.stage(queue, "b");
        broker.doors->write();  // durable, and never answered
        broker.stage(queue, "c");
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(broker.queue("q")).messages);
        broker.send(broker.queue("q"), "d");
        CPPUNIT_ASSERT_EQUAL("a b d"s, broker.drain_all(broker.queue("q")));
    }

    void a_non_persistent_message_is_gone_after_a_restart() {
        for (const bool clean : {true, false}) {
            Broker broker(tiny_windows());
            const auto queue = broker.make_queue("q");
            broker.send_many(queue, "n", 10, {.durable = non_persistent});
            broker.send(queue, "a");
            clean ? broker.restart() : broker.crash();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(broker.queue("q")).messages);
            CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("q")));
        }
    }

    void the_number_of_a_chunked_message_is_kept() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto number = broker.core->begin_chunks();
        Answer<void> chunk;
        broker.core->append_chunk(number, 0, SharedBytes::copy_of("0123456789"s), chunk.callback());
        CPPUNIT_ASSERT(!chunk.given());
        broker.doors->run();
        CPPUNIT_ASSERT(chunk.ok());
        auto message = std::make_shared<Message>();
        message->number = number;
        message->durable = true;
        message->bare = SharedBytes::copy_of("head"s);
        message->chunk_count = 1;
        message->chunked_bytes = 10;
        core::SendCommand command;
        command.destination = queue;
        command.message = message;
        SendAnswer answer;
        command.done = [&](const core::SendResult& result) { answer.result = result; };
        broker.core->send(std::move(command));
        broker.doors->run();
        CPPUNIT_ASSERT(answer.accepted());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{14}, broker.view(queue).bytes);
        Taker& taker = broker.take_now(queue, 1);
        CPPUNIT_ASSERT_EQUAL(number.value, taker.delivery("head").message->number.value);
        Answer<SharedBytes> read;
        broker.core->read_chunk(number, 0, read.callback());
        CPPUNIT_ASSERT_EQUAL("0123456789"s, std::string(read.result->value().view()));
        taker.accept("head");
        broker.doors->run();
        Answer<SharedBytes> gone;
        broker.core->read_chunk(number, 0, gone.callback());
        CPPUNIT_ASSERT(gone.given() && !gone.ok());
    }

    void a_chunked_message_that_is_refused_leaves_no_chunks() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto upload = [&] {
            const auto number = broker.core->begin_chunks();
            Answer<void> chunk;
            broker.core->append_chunk(number, 0, SharedBytes::copy_of("0123456789"s), chunk.callback());
            broker.doors->run();
            CPPUNIT_ASSERT(chunk.ok());
            return number;
        };
        const auto send = [&](MessageNumber number) {
            auto message = std::make_shared<Message>();
            message->number = number;
            message->durable = true;
            message->bare = SharedBytes::copy_of("head"s);
            message->chunk_count = 1;
            message->chunked_bytes = 10;
            core::SendCommand command;
            command.destination = queue;
            command.message = message;
            command.duplicate_id = "the same";
            SendAnswer answer;
            command.done = [&](const core::SendResult& result) { answer.result = result; };
            broker.core->send(std::move(command));
            broker.doors->run();
            return answer;
        };
        const auto has_chunk = [&](MessageNumber number) {
            Answer<SharedBytes> read;
            broker.core->read_chunk(number, 0, read.callback());
            return read.ok();
        };
        // The upload was aborted.
        const auto aborted = upload();
        CPPUNIT_ASSERT(has_chunk(aborted));
        broker.core->drop_chunks(aborted);
        broker.doors->run();
        CPPUNIT_ASSERT(!has_chunk(aborted));
        // The disk has become full behind its chunks.
        const auto refused = upload();
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(!send(refused).accepted());
        broker.doors->disk_full = false;
        CPPUNIT_ASSERT(!has_chunk(refused));
        // It was there before.
        broker.tick(std::chrono::milliseconds(2000));
        const auto first = upload();
        CPPUNIT_ASSERT(send(first).accepted());
        const auto second = upload();
        CPPUNIT_ASSERT(send(second).accepted());
        CPPUNIT_ASSERT(has_chunk(first) && !has_chunk(second));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreCommitTest);

}  // namespace giromq::test
