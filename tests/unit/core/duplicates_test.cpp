#include "unit/core/broker.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// A send is stored once, however often it comes.
class CoreDuplicatesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreDuplicatesTest);
    CPPUNIT_TEST(a_sequence_is_stored_once);
    CPPUNIT_TEST(a_second_send_waits_for_the_first_ones_commit);
    CPPUNIT_TEST(a_second_send_is_refused_with_the_first);
    CPPUNIT_TEST(a_refused_sequence_can_be_sent_again);
    CPPUNIT_TEST(a_sequence_refused_by_a_limit_can_be_sent_again);
    CPPUNIT_TEST(sequences_survive_restart_and_crash);
    CPPUNIT_TEST(a_sequence_in_doubt_is_resolved_by_sending_it_again);
    CPPUNIT_TEST(sequences_may_come_out_of_order);
    CPPUNIT_TEST(what_is_older_than_the_window_counts_as_seen);
    CPPUNIT_TEST(a_gap_inside_the_window_is_fresh_after_a_restart);
    CPPUNIT_TEST(a_sequence_under_way_is_never_answered_early);
    CPPUNIT_TEST(a_sequence_of_zero_is_refused);
    CPPUNIT_TEST(a_producer_name_is_bounded);
    CPPUNIT_TEST(producers_do_not_share_sequences);
    CPPUNIT_TEST(the_producer_unused_for_longest_is_forgotten);
    CPPUNIT_TEST(a_producer_with_sends_under_way_is_not_forgotten);
    CPPUNIT_TEST(forgotten_producers_leave_the_store_too);
    CPPUNIT_TEST(a_duplicate_is_answered_even_when_the_queue_is_full);
    CPPUNIT_TEST(a_consumed_message_is_still_a_duplicate);
    CPPUNIT_TEST(an_id_is_stored_once);
    CPPUNIT_TEST(an_id_under_way_waits);
    CPPUNIT_TEST(an_id_refused_can_be_sent_again);
    CPPUNIT_TEST(an_id_refused_and_sent_again_is_remembered_as_long_as_others);
    CPPUNIT_TEST(ids_survive_restart_and_crash);
    CPPUNIT_TEST(ids_are_per_queue);
    CPPUNIT_TEST(ids_are_forgotten_by_number);
    CPPUNIT_TEST(ids_are_forgotten_by_age);
    CPPUNIT_TEST(forgotten_ids_leave_the_store_too);
    CPPUNIT_TEST(an_id_is_bounded);
    CPPUNIT_TEST(an_id_of_a_temporary_queue_ends_with_it);
    CPPUNIT_TEST(a_sequence_and_an_id_together);
    CPPUNIT_TEST(a_non_persistent_message_that_a_restart_lost_may_be_sent_again);
    CPPUNIT_TEST_SUITE_END();

    static SendOptions numbered(std::uint64_t sequence, const std::string& producer = "p") {
        return {.sequence = core::ProducerSequence{producer, sequence}};
    }
    static SendOptions with_id(const std::string& id) { return {.duplicate_id = id}; }

    void a_sequence_is_stored_once() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto first = broker.send(queue, "a", numbered(1));
        CPPUNIT_ASSERT(first->accepted() && !first->duplicate());
        const auto second = broker.send(queue, "a", numbered(1));
        CPPUNIT_ASSERT(second->accepted() && second->duplicate());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).duplicates);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).enqueued);
    }

    void a_second_send_waits_for_the_first_ones_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto first = broker.stage(queue, "a", numbered(1));
        const auto second = broker.stage(queue, "a", numbered(1));
        broker.doors->write();
        CPPUNIT_ASSERT(!first->given() && !second->given());
        broker.doors->run();
        CPPUNIT_ASSERT(first->accepted() && !first->duplicate());
        CPPUNIT_ASSERT(second->accepted() && second->duplicate());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(queue));
    }

    void a_second_send_is_refused_with_the_first() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto first = broker.stage(queue, "a", numbered(1));
        const auto second = broker.stage(queue, "a", numbered(1));
        broker.doors->disk_full = true;
        broker.doors->run();
        CPPUNIT_ASSERT(first->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(second->refused_with(core::errc::resource_limit));
    }

    void a_refused_sequence_can_be_sent_again() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", numbered(1));
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(!broker.send(queue, "b", numbered(2))->accepted());
        CPPUNIT_ASSERT(!broker.send(queue, "c", numbered(3))->accepted());
        broker.doors->disk_full = false;
        broker.tick(2s);
        CPPUNIT_ASSERT(broker.send(queue, "c", numbered(3))->accepted());
        const auto again = broker.send(queue, "b", numbered(2));
        CPPUNIT_ASSERT(again->accepted() && !again->duplicate());
        CPPUNIT_ASSERT(broker.send(queue, "b", numbered(2))->duplicate());
        CPPUNIT_ASSERT_EQUAL("a c b"s, broker.drain_all(queue));
    }

    void a_sequence_refused_by_a_limit_can_be_sent_again() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_messages = 1; });
        broker.send(queue, "a", numbered(1));
        CPPUNIT_ASSERT(broker.send(queue, "b", numbered(2))->refused_with(core::errc::resource_limit));
        broker.drain_all(queue);
        const auto again = broker.send(queue, "b", numbered(2));
        CPPUNIT_ASSERT(again->accepted() && !again->duplicate());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.drain_all(queue));
    }

    void sequences_survive_restart_and_crash() {
        for (const bool clean : {true, false}) {
            Broker broker;
            broker.make_queue("q");
            for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) broker.send(broker.queue("q"), "m", numbered(sequence));
            clean ? broker.restart() : broker.crash();
            for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
                CPPUNIT_ASSERT(broker.send(broker.queue("q"), "m", numbered(sequence))->duplicate());
            }
            CPPUNIT_ASSERT(!broker.send(broker.queue("q"), "m", numbered(6))->duplicate());
        }
    }

    void a_sequence_in_doubt_is_resolved_by_sending_it_again() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.stage(queue, "a", numbered(1));
        broker.stage(queue, "b", numbered(2));
        broker.doors->write(1);
        broker.crash();
        CPPUNIT_ASSERT(broker.send(broker.queue("q"), "a", numbered(1))->duplicate());
        CPPUNIT_ASSERT(!broker.send(broker.queue("q"), "b", numbered(2))->duplicate());
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.drain_all(broker.queue("q")));
    }

    void sequences_may_come_out_of_order() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        for (const std::uint64_t sequence : {5u, 3u, 1u, 4u, 2u}) {
            CPPUNIT_ASSERT(!broker.send(queue, std::to_string(sequence), numbered(sequence))->duplicate());
        }
        for (std::uint64_t sequence = 1; sequence <= 5; ++sequence)
            CPPUNIT_ASSERT(broker.send(queue, "x", numbered(sequence))->duplicate());
        CPPUNIT_ASSERT_EQUAL("5 3 1 4 2"s, broker.drain_all(queue));
    }

    void what_is_older_than_the_window_counts_as_seen() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", numbered(1025));
        CPPUNIT_ASSERT(broker.send(queue, "old", numbered(1))->duplicate());
        CPPUNIT_ASSERT(!broker.send(queue, "b", numbered(2))->duplicate());
        broker.send(queue, "c", numbered(5000));
        CPPUNIT_ASSERT(broker.send(queue, "old", numbered(1025))->duplicate());
        CPPUNIT_ASSERT(!broker.send(queue, "d", numbered(4000))->duplicate());
        CPPUNIT_ASSERT_EQUAL("a b c d"s, broker.drain_all(queue));
    }

    void a_gap_inside_the_window_is_fresh_after_a_restart() {
        Broker broker;
        broker.make_queue("q");
        for (std::uint64_t sequence = 1; sequence <= 3000; sequence += 3) broker.stage(broker.queue("q"), "m", numbered(sequence));
        broker.doors->run();
        broker.crash();
        for (std::uint64_t sequence = 1976; sequence <= 2998; ++sequence) {
            const bool seen = sequence % 3 == 1;
            CPPUNIT_ASSERT_EQUAL(seen, broker.send(broker.queue("q"), "m", numbered(sequence))->duplicate());
        }
    }

    void a_sequence_under_way_is_never_answered_early() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto first = broker.stage(queue, "a", numbered(1));
        broker.stage(queue, "b", numbered(5000));
        const auto again = broker.stage(queue, "a", numbered(1));
        CPPUNIT_ASSERT(!first->given());
        CPPUNIT_ASSERT(!again->given());
        const auto last = broker.stage(queue, "c", numbered(std::numeric_limits<std::uint64_t>::max()));
        const auto last_again = broker.stage(queue, "c", numbered(std::numeric_limits<std::uint64_t>::max()));
        CPPUNIT_ASSERT(!last->given() && !last_again->given());
        broker.doors->run();
        CPPUNIT_ASSERT(again->duplicate() && last_again->duplicate());
        CPPUNIT_ASSERT_EQUAL("a b c"s, broker.drain_all(queue));
    }

    void a_sequence_of_zero_is_refused() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto early = broker.send(queue, "a", numbered(0));
        CPPUNIT_ASSERT(early->given() && !early->accepted());
        broker.send(queue, "b", numbered(5000));
        const auto late = broker.send(queue, "a", numbered(0));
        CPPUNIT_ASSERT(late->given() && !late->accepted());
    }

    void a_producer_name_is_bounded() {
        core::CoreSettings settings;
        settings.producers_max = 1;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", numbered(1));
        CPPUNIT_ASSERT(!broker.send(queue, "x", numbered(1, std::string(65, 'p')))->accepted());
        CPPUNIT_ASSERT(!broker.send(queue, "x", numbered(1, ""))->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "a", numbered(1))->duplicate());  // and it took nobody's place
    }

    void producers_do_not_share_sequences() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", numbered(1, "p1"));
        CPPUNIT_ASSERT(!broker.send(queue, "b", numbered(1, "p2"))->duplicate());
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.drain_all(queue));
    }

    void the_producer_unused_for_longest_is_forgotten() {
        core::CoreSettings settings;
        settings.producers_max = 2;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", numbered(1, "p1"));
        broker.send(queue, "b", numbered(1, "p2"));
        broker.send(queue, "a", numbered(1, "p1"));
        broker.send(queue, "c", numbered(1, "p3"));
        CPPUNIT_ASSERT(broker.send(queue, "a", numbered(1, "p1"))->duplicate());
        CPPUNIT_ASSERT(!broker.send(queue, "b", numbered(1, "p2"))->duplicate());
    }

    void a_producer_with_sends_under_way_is_not_forgotten() {
        core::CoreSettings settings;
        settings.producers_max = 1;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        const auto first = broker.stage(queue, "a", numbered(1, "p1"));
        for (int number = 2; number < 6; ++number) broker.stage(queue, "b", numbered(1, "p" + std::to_string(number)));
        const auto again = broker.stage(queue, "a", numbered(1, "p1"));
        CPPUNIT_ASSERT(!again->given());
        broker.doors->run();
        CPPUNIT_ASSERT(first->accepted() && again->duplicate());
        CPPUNIT_ASSERT_EQUAL("a b b b b"s, broker.drain_all(queue));
    }

    void forgotten_producers_leave_the_store_too() {
        core::CoreSettings settings;
        settings.producers_max = 2;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        for (int number = 0; number < 10; ++number) broker.send(queue, "a", numbered(1, "p" + std::to_string(number)));
        broker.settings.producers_max = 100;
        broker.restart();
        int known = 0;
        for (int number = 0; number < 10; ++number) {
            known += broker.send(broker.queue("q"), "a", numbered(1, "p" + std::to_string(number)))->duplicate() ? 1 : 0;
        }
        CPPUNIT_ASSERT_EQUAL(2, known);
    }

    void a_duplicate_is_answered_even_when_the_queue_is_full() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_messages = 1; });
        broker.send(queue, "a", numbered(1));
        CPPUNIT_ASSERT(broker.send(queue, "a", numbered(1))->duplicate());
        broker.doors->disk_full = true;
        CPPUNIT_ASSERT(!broker.send(broker.queue("DLQ"), "x")->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "a", numbered(1))->duplicate());
    }

    void a_consumed_message_is_still_a_duplicate() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", numbered(1));
        broker.drain_all(queue);
        CPPUNIT_ASSERT(broker.send(queue, "a", numbered(1))->duplicate());
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(queue));
    }

    void an_id_is_stored_once() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        CPPUNIT_ASSERT(!broker.send(queue, "a", with_id("x"))->duplicate());
        CPPUNIT_ASSERT(broker.send(queue, "a", with_id("x"))->duplicate());
        CPPUNIT_ASSERT(!broker.send(queue, "b", with_id("y"))->duplicate());
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.drain_all(queue));
    }

    void an_id_under_way_waits() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto first = broker.stage(queue, "a", with_id("x"));
        const auto second = broker.stage(queue, "a", with_id("x"));
        CPPUNIT_ASSERT(!second->given());
        broker.doors->run();
        CPPUNIT_ASSERT(first->accepted() && second->duplicate());
    }

    void an_id_refused_can_be_sent_again() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto first = broker.stage(queue, "a", with_id("x"));
        const auto second = broker.stage(queue, "a", with_id("x"));
        broker.doors->disk_full = true;
        broker.doors->run();
        CPPUNIT_ASSERT(!first->accepted() && !second->accepted() && second->given());
        broker.doors->disk_full = false;
        broker.tick(2s);
        const auto third = broker.send(queue, "a", with_id("x"));
        CPPUNIT_ASSERT(third->accepted() && !third->duplicate());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(queue));
    }

    void an_id_refused_and_sent_again_is_remembered_as_long_as_others() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.duplicate_ids_max = 2; });
        broker.stage(queue, "a", with_id("x"));
        broker.doors->disk_full = true;
        broker.doors->run();
        broker.doors->disk_full = false;
        broker.tick(2s);
        broker.send(queue, "b", with_id("y"));
        broker.send(queue, "a", with_id("x"));
        broker.tick(2s);
        broker.doors->run();
        CPPUNIT_ASSERT(broker.send(queue, "a", with_id("x"))->duplicate());
        CPPUNIT_ASSERT(broker.send(queue, "b", with_id("y"))->duplicate());
    }

    void ids_survive_restart_and_crash() {
        for (const bool clean : {true, false}) {
            Broker broker;
            broker.send(broker.make_queue("q"), "a", with_id("x"));
            clean ? broker.restart() : broker.crash();
            CPPUNIT_ASSERT(broker.send(broker.queue("q"), "a", with_id("x"))->duplicate());
        }
    }

    void ids_are_per_queue() {
        Broker broker;
        const auto first = broker.make_queue("q1");
        const auto second = broker.make_queue("q2");
        broker.send(first, "a", with_id("x"));
        CPPUNIT_ASSERT(!broker.send(second, "a", with_id("x"))->duplicate());
    }

    void ids_are_forgotten_by_number() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.duplicate_ids_max = 3; });
        for (int number = 1; number <= 5; ++number) broker.send(queue, "m", with_id("x" + std::to_string(number)));
        broker.tick(2s);
        broker.doors->run();
        for (int number = 3; number <= 5; ++number)
            CPPUNIT_ASSERT(broker.send(queue, "m", with_id("x" + std::to_string(number)))->duplicate());
        CPPUNIT_ASSERT(!broker.send(queue, "m", with_id("x1"))->duplicate());
    }

    void ids_are_forgotten_by_age() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.duplicate_ids_age = 10s; });
        broker.send(queue, "a", with_id("x"));
        broker.tick(9s);
        CPPUNIT_ASSERT(broker.send(queue, "a", with_id("x"))->duplicate());
        broker.tick(2s);
        CPPUNIT_ASSERT(!broker.send(queue, "a", with_id("x"))->duplicate());
    }

    void forgotten_ids_leave_the_store_too() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.duplicate_ids_max = 1; });
        broker.send(queue, "a", with_id("x"));
        broker.send(queue, "b", with_id("y"));
        broker.tick(2s);
        broker.doors->run();
        broker.crash();
        CPPUNIT_ASSERT(broker.send(broker.queue("q"), "b", with_id("y"))->duplicate());
        CPPUNIT_ASSERT(!broker.send(broker.queue("q"), "a", with_id("x"))->duplicate());
    }

    void an_id_is_bounded() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        CPPUNIT_ASSERT(broker.send(queue, "a", with_id(std::string(256, 'x')))->accepted());
        CPPUNIT_ASSERT(!broker.send(queue, "a", with_id(std::string(257, 'x')))->accepted());
    }

    void an_id_of_a_temporary_queue_ends_with_it() {
        Broker broker(tiny_windows());
        const auto connection = broker.new_connection();
        const auto queue = broker.core->create_temporary_queue(connection).value();
        for (int number = 1; number <= 8; ++number) broker.send(queue, "m", with_id("x" + std::to_string(number)));
        CPPUNIT_ASSERT(broker.send(queue, "m", with_id("x8"))->duplicate());
        broker.core->close_connection(connection, core::CloseReason::orderly);
        broker.doors->run();
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
    }

    void a_sequence_and_an_id_together() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        SendOptions options = numbered(1);
        options.duplicate_id = "x";
        broker.send(queue, "a", options);
        CPPUNIT_ASSERT(broker.send(queue, "a", options)->duplicate());
        options.sequence->sequence = 2;
        CPPUNIT_ASSERT(broker.send(queue, "a", options)->duplicate());
        CPPUNIT_ASSERT(broker.send(queue, "a", with_id("x"))->duplicate());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(queue));
    }

    /// In memory, and where it went into the store because the window is full.
    void a_non_persistent_message_that_a_restart_lost_may_be_sent_again() {
        for (const bool spilled : {true, false}) {
            for (const bool clean : {true, false}) {
                Broker broker(spilled ? tiny_windows() : core::CoreSettings());
                const auto queue = broker.make_queue("q");
                if (spilled) broker.send_many(queue, "m", 8);
                const SendOptions by_sequence{.durable = non_persistent, .sequence = core::ProducerSequence{"p", 1}};
                const SendOptions by_id{.durable = non_persistent, .duplicate_id = "id"};
                broker.send(queue, "a", by_sequence);
                broker.send(queue, "b", by_id);
                CPPUNIT_ASSERT(broker.send(queue, "a", by_sequence)->duplicate());
                CPPUNIT_ASSERT(broker.send(queue, "b", by_id)->duplicate());
                clean ? broker.restart() : broker.crash();
                CPPUNIT_ASSERT(!broker.send(broker.queue("q"), "a", by_sequence)->duplicate());
                CPPUNIT_ASSERT(!broker.send(broker.queue("q"), "b", by_id)->duplicate());
                const auto all = broker.drain_all(broker.queue("q"));
                CPPUNIT_ASSERT_EQUAL("a b"s, all.substr(all.size() - 3));
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreDuplicatesTest);

}  // namespace giromq::test
