#include <random>

#include "unit/amqp/broker.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// Consumers and browsers: credit and drain, outcomes, order, output window.
class AmqpConsumerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpConsumerTest);
    CPPUNIT_TEST(messages_come_within_credit_and_in_order);
    CPPUNIT_TEST(an_acceptance_is_settled_only_after_commit);
    CPPUNIT_TEST(a_settled_acceptance_removes_the_message);
    CPPUNIT_TEST(a_range_of_deliveries_can_be_accepted_at_once);
    CPPUNIT_TEST(a_released_message_comes_again_with_its_count_unchanged);
    CPPUNIT_TEST(a_modified_message_comes_again_with_its_count_raised);
    CPPUNIT_TEST(an_undeliverable_message_goes_to_another_consumer);
    CPPUNIT_TEST(a_rejected_message_is_dead_lettered_with_its_condition);
    CPPUNIT_TEST(settling_without_an_outcome_releases);
    CPPUNIT_TEST(an_outcome_is_confirmed_to_an_unsettled_consumer);
    CPPUNIT_TEST(drain_of_an_empty_queue_answers_at_once);
    CPPUNIT_TEST(drain_delivers_what_is_there_first);
    CPPUNIT_TEST(draining_again_and_again_never_hangs);
    CPPUNIT_TEST(a_drain_whose_credit_is_used_up_is_answered);
    CPPUNIT_TEST(a_drain_without_credit_is_answered_each_time);
    CPPUNIT_TEST(drains_and_credit_in_any_order_keep_their_count);
    CPPUNIT_TEST(a_drain_is_answered_through_a_narrow_session_window);
    CPPUNIT_TEST(credit_taken_back_gives_messages_back);
    CPPUNIT_TEST(a_slow_consumer_keeps_little_in_memory);
    CPPUNIT_TEST(a_presettled_consumer_settles_nothing);
    CPPUNIT_TEST(a_presettled_consumer_that_does_not_read_leaves_the_messages_in_the_queue);
    CPPUNIT_TEST(a_drain_of_many_messages_ends_for_presettled_consumers_and_browsers);
    CPPUNIT_TEST(closing_a_consumer_whose_session_is_full_holds_up_nobody);
    CPPUNIT_TEST(a_browser_sees_and_locks_nothing);
    CPPUNIT_TEST(an_unsettled_browser_changes_nothing);
    CPPUNIT_TEST(closing_a_consumer_gives_its_messages_back_unchanged);
    CPPUNIT_TEST(closing_the_connection_in_order_leaves_counts_unchanged);
    CPPUNIT_TEST(a_torn_connection_raises_the_count_of_the_oldest);
    CPPUNIT_TEST(the_header_tells_durable_ttl_and_count);
    CPPUNIT_TEST(a_time_to_live_of_zero_is_none);
    CPPUNIT_TEST(output_is_bounded_by_its_window);
    CPPUNIT_TEST(deleting_the_queue_detaches_the_consumer);
    CPPUNIT_TEST(two_consumers_on_one_connection_share_fairly);
    CPPUNIT_TEST_SUITE_END();

    static void fill(Client& client, int count) {
        pn_link_t* const link = client.sender("q");
        for (int index = 0; index < count; ++index) client.peer.send(link, durable_text(std::to_string(index)));
        client.pump();
    }

    void messages_come_within_credit_and_in_order() {
        Broker broker;
        Client client(broker);
        fill(client, 10);
        pn_link_t* const link = client.receiver("q", 3);
        CPPUNIT_ASSERT_EQUAL("0 1 2"s, client.texts());
        pn_link_flow(link, 4);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("0 1 2 3 4 5 6"s, client.texts());
    }

    void an_acceptance_is_settled_only_after_commit() {
        Broker broker;
        Client client(broker);
        fill(client, 1);
        client.receiver("q", 1);
        broker.commits = false;
        pn_delivery_t* const delivery = client.peer.received.at(0).delivery;
        pn_delivery_update(delivery, PN_ACCEPTED);
        client.pump();
        CPPUNIT_ASSERT(!pn_delivery_settled(delivery));
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT(pn_delivery_settled(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_settled_acceptance_removes_the_message() {
        Broker broker;
        Client client(broker);
        fill(client, 2);
        client.receiver("q", 2);
        client.settle(client.peer.received.at(0), PN_ACCEPTED);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").delivering);
    }

    void a_range_of_deliveries_can_be_accepted_at_once() {
        Broker broker;
        Client client(broker);
        fill(client, 50);
        client.receiver("q", 50);
        // The engine joins neighbours into one disposition with first and last.
        for (const auto& received : client.peer.received) {
            pn_delivery_update(received.delivery, PN_ACCEPTED);
            pn_delivery_settle(received.delivery);
        }
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_released_message_comes_again_with_its_count_unchanged() {
        Broker broker;
        Client client(broker);
        fill(client, 2);
        client.receiver("q", 3);
        client.settle(client.peer.received.at(0), PN_RELEASED);
        CPPUNIT_ASSERT_EQUAL("0 1 0"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(0u, delivery_count_of(client.peer.received[2].bytes));
    }

    void a_modified_message_comes_again_with_its_count_raised() {
        Broker broker;
        Client client(broker);
        fill(client, 1);
        client.receiver("q", 2);
        pn_disposition_set_failed(pn_delivery_local(client.peer.received.at(0).delivery), true);
        client.settle(client.peer.received[0], PN_MODIFIED);
        CPPUNIT_ASSERT_EQUAL("0 0"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(1u, delivery_count_of(client.peer.received[1].bytes));
    }

    void an_undeliverable_message_goes_to_another_consumer() {
        Broker broker;
        Client client(broker);
        fill(client, 1);
        pn_link_t* const first = client.receiver("q", 5);
        pn_disposition_set_undeliverable(pn_delivery_local(client.peer.received.at(0).delivery), true);
        client.settle(client.peer.received[0], PN_MODIFIED);
        CPPUNIT_ASSERT_EQUAL("0"s, client.texts());
        pn_link_t* const second = client.receiver("q", 5);
        CPPUNIT_ASSERT_EQUAL("0 0"s, client.texts());
        CPPUNIT_ASSERT(client.peer.received[1].link == second && second != first);
    }

    void a_rejected_message_is_dead_lettered_with_its_condition() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        const std::string message = MessageBuilder().header(true).message_annotation("x-opt-mine", "1").text("bad").bytes();
        client.send(sender, message);
        client.receiver("q", 1);
        pn_delivery_t* const delivery = client.peer.received.at(0).delivery;
        pn_condition_set_name(pn_disposition_condition(pn_delivery_local(delivery)), "app:no-such-account");
        pn_condition_set_description(pn_disposition_condition(pn_delivery_local(delivery)), "unknown IBAN");
        client.settle(client.peer.received[0], PN_REJECTED);
        client.receiver("DLQ", 1);
        const std::string dead = client.peer.received.at(1).bytes;
        const auto head = head_of(dead);
        const auto annotation = [&](std::string_view key) {
            const auto value = codec::find_in_map(head.message_annotations, key);
            return value ? codec::render(*value).value_or("?") : "absent";
        };
        CPPUNIT_ASSERT_EQUAL("rejected"s, annotation("x-opt-giromq-dead-letter-cause"));
        CPPUNIT_ASSERT_EQUAL("app:no-such-account: unknown IBAN"s, annotation("x-opt-giromq-dead-letter-description"));
        CPPUNIT_ASSERT_EQUAL("q"s, annotation("x-opt-giromq-dead-letter-origin"));
        CPPUNIT_ASSERT_EQUAL("1"s, annotation("x-opt-giromq-dead-letter-delivery-count"));
        const auto time = codec::find_in_map(head.message_annotations, "x-opt-giromq-dead-letter-time");
        CPPUNIT_ASSERT(time && time->kind == codec::Kind::timestamp);
        CPPUNIT_ASSERT_EQUAL("1"s, annotation("x-opt-mine"));
        CPPUNIT_ASSERT_EQUAL("bad"s, text_of(dead));
    }

    void settling_without_an_outcome_releases() {
        Broker broker;
        Client client(broker);
        fill(client, 1);
        client.receiver("q", 2);
        client.settle(client.peer.received.at(0), 0);
        CPPUNIT_ASSERT_EQUAL("0 0"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(0u, delivery_count_of(client.peer.received[1].bytes));
    }

    void an_outcome_is_confirmed_to_an_unsettled_consumer() {
        Broker broker;
        Client client(broker);
        fill(client, 4);
        client.receiver("q", 4);
        const std::uint64_t states[] = {PN_ACCEPTED, PN_REJECTED, PN_RELEASED, PN_MODIFIED};
        for (std::size_t index = 0; index < 4; ++index) {
            pn_delivery_t* const delivery = client.peer.received.at(index).delivery;
            pn_delivery_update(delivery, states[index]);
            client.pump();
            CPPUNIT_ASSERT(pn_delivery_settled(delivery));
            CPPUNIT_ASSERT_EQUAL(states[index], pn_delivery_remote_state(delivery));
            pn_delivery_settle(delivery);
        }
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, client.queue("q").messages);
    }

    void drain_of_an_empty_queue_answers_at_once() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.receiver("q", 0);
        pn_link_drain(link, 5);
        client.pump();
        CPPUNIT_ASSERT(!pn_link_draining(link));
        CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
        CPPUNIT_ASSERT_EQUAL(5, pn_link_drained(link));
    }

    void drain_delivers_what_is_there_first() {
        Broker broker;
        Client client(broker);
        fill(client, 3);
        pn_link_t* const link = client.receiver("q", 0);
        pn_link_drain(link, 5);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("0 1 2"s, client.texts());
        CPPUNIT_ASSERT(!pn_link_draining(link));
        CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
    }

    void draining_again_and_again_never_hangs() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        pn_link_t* const link = client.receiver("q", 0);
        for (int round = 0; round < 20; ++round) {
            const std::size_t before = client.peer.received.size();
            if (round % 3 == 0) client.send(sender, durable_text(std::to_string(round)));
            pn_link_drain(link, 1);
            client.pump();
            CPPUNIT_ASSERT(!pn_link_draining(link));
            pn_link_drained(link);
            CPPUNIT_ASSERT_EQUAL(before + (round % 3 == 0 ? 1 : 0), client.peer.received.size());
            pn_link_set_drain(link, false);
        }
    }

    void a_drain_whose_credit_is_used_up_is_answered() {
        Broker broker;
        Client client(broker);
        fill(client, 3);
        pn_link_t* const link = client.receiver("q", 0);
        for (int round = 0; round < 3; ++round) {
            const std::uint32_t flows = client.peer.flows;
            pn_link_drain(link, 1);
            client.pump();
            CPPUNIT_ASSERT_EQUAL(flows + 1, client.peer.flows);
            CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(round) + 1, client.peer.received.size());
            CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
            CPPUNIT_ASSERT_EQUAL(0, pn_link_drained(link));
        }
        // The next one finds nothing, and says so.
        pn_link_drain(link, 1);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(1, pn_link_drained(link));
        // Credit is what it was.
        pn_link_set_drain(link, false);
        pn_link_flow(link, 2);
        fill(client, 5);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, client.peer.received.size());
        pn_link_flow(link, 1);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, client.peer.received.size());
    }

    void a_drain_without_credit_is_answered_each_time() {
        Broker broker;
        Client client(broker);
        fill(client, 1);
        pn_link_t* const link = client.receiver("q", 0);
        for (int round = 0; round < 3; ++round) {
            const std::uint32_t flows = client.peer.flows;
            pn_link_drain(link, 0);
            client.pump();
            CPPUNIT_ASSERT_EQUAL(flows + 1, client.peer.flows);
            CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
        }
        CPPUNIT_ASSERT(client.peer.received.empty());
        pn_link_set_drain(link, false);
        pn_link_flow(link, 1);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("0"s, client.texts());
    }

    /// Whatever the order: every drain is answered, and what is received is never more and never less than it may be.
    void drains_and_credit_in_any_order_keep_their_count() {
        const char* const given = std::getenv("GIROMQ_TEST_SEED");
        const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
        const std::string message = "GIROMQ_TEST_SEED=" + std::to_string(seed);
        std::mt19937 random(seed);
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        pn_link_t* const link = client.receiver("q", 0);
        std::size_t waiting = 0;
        std::size_t expected = 0;
        std::size_t credit = 0;
        for (int round = 0; round < 500; ++round) {
            const std::size_t count = random() % 4;
            if (random() % 2 == 0) {
                for (std::size_t index = 0; index < count; ++index) client.peer.send(sender, durable_text("m"));
                waiting += count;
            } else {
                const bool drains = random() % 2 == 0;
                const std::uint32_t flows = client.peer.flows;
                if (drains) {
                    pn_link_drain(link, static_cast<int>(count));
                } else {
                    pn_link_set_drain(link, false);
                    pn_link_flow(link, static_cast<int>(count));
                }
                credit += count;
                client.pump();
                if (drains) CPPUNIT_ASSERT_MESSAGE(message, client.peer.flows > flows);
                const std::size_t taken = std::min(credit, waiting);
                expected += taken;
                waiting -= taken;
                credit = drains ? 0 : credit - taken;
                pn_link_drained(link);
            }
            client.pump();
            const std::size_t taken = std::min(credit, waiting);
            expected += taken;
            waiting -= taken;
            credit -= taken;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(message, expected, client.peer.received.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(message, static_cast<int>(credit), pn_link_credit(link));
        }
    }

    void a_drain_is_answered_through_a_narrow_session_window() {
        Broker broker;
        AmqpPeer::Options options;
        options.max_frame = 512;
        Client client(broker, options);
        // Four frames at a time: every message waits for the window.
        pn_session_set_incoming_capacity(client.peer.session(), 4 * 512);
        pn_link_t* const sender = client.sender("q");
        for (int number = 0; number < 20; ++number) client.send(sender, durable_text(std::string(3000, 'x')));
        pn_link_t* const link = client.receiver("q", 0);
        pn_link_drain(link, 30);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, client.peer.received.size());
        CPPUNIT_ASSERT(!pn_link_draining(link));
        CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
    }

    void credit_taken_back_gives_messages_back() {
        Broker broker;
        broker.options.output_window_bytes = 1024;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        const std::string large(2000, 'x');
        for (int index = 0; index < 10; ++index) client.peer.send(sender, durable_text(large));
        client.pump();
        pn_link_t* const link = client.peer.open(client.peer.receiver("q"));
        pn_link_flow(link, 10);
        auto bytes = client.peer.take_output();
        client.wire.give(bytes);
        client.wire.settle();
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        // The window lets only some of them out; the credit goes before the others do.
        auto part = client.wire.connection->output();
        std::vector<std::uint8_t> first(part.begin(), part.end());
        client.wire.connection->output_done(part.size());
        client.peer.input(first);
        const std::size_t got = client.peer.received.size();
        CPPUNIT_ASSERT(got >= 1 && got < 10);
        pn_link_flow(link, -pn_link_credit(link));
        client.pump();
        const std::size_t had = client.peer.received.size();
        CPPUNIT_ASSERT(had < 10);
        // Whatever has not come is free for others.
        Client other(broker);
        other.receiver("q", 10);
        CPPUNIT_ASSERT_EQUAL(10 - had, other.peer.received.size());
        CPPUNIT_ASSERT_EQUAL(0u, delivery_count_of(other.peer.received[0].bytes));
        // New credit is new credit.
        pn_link_flow(link, 3);
        pn_link_t* const sender_again = client.sender("q");
        for (int index = 0; index < 5; ++index) client.send(sender_again, durable_text("more"));
        CPPUNIT_ASSERT_EQUAL(had + 3, client.peer.received.size());
    }

    /// Whatever credit it gives; and when it reads on, it gets everything, in order.
    void a_slow_consumer_keeps_little_in_memory() {
        for (const pn_snd_settle_mode_t mode : {PN_SND_UNSETTLED, PN_SND_SETTLED}) {
            Broker broker;
            Client client(broker);
            pn_link_t* const sender = client.sender("q");
            for (int index = 0; index < 60; ++index) client.send(sender, durable_text(std::to_string(index) + std::string(200'000, 'x')));
            pn_link_t* const link = client.peer.receiver("q");
            pn_link_set_snd_settle_mode(link, mode);
            client.peer.open(link);
            pn_link_flow(link, 1000);
            client.wire.give(client.peer.take_output());
            client.wire.settle();
            client.wire.give(client.peer.take_output());
            client.wire.settle();
            const auto left = mode == PN_SND_SETTLED ? client.queue("q").messages : 60 - client.queue("q").delivering;
            CPPUNIT_ASSERT(left >= 50);
            client.pump();
            CPPUNIT_ASSERT_EQUAL(std::size_t{60}, client.peer.received.size());
            for (std::size_t index = 0; index < 60; ++index) {
                CPPUNIT_ASSERT(client.peer.received[index].bytes.find(std::to_string(index) + "xxx") != std::string::npos);
            }
        }
    }

    void a_presettled_consumer_settles_nothing() {
        Broker broker;
        Client client(broker);
        fill(client, 3);
        pn_link_t* const link = client.peer.receiver("q");
        pn_link_set_snd_settle_mode(link, PN_SND_SETTLED);
        client.peer.open(link);
        pn_link_flow(link, 2);
        client.pump();
        CPPUNIT_ASSERT(pn_link_remote_snd_settle_mode(link) == PN_SND_SETTLED);
        CPPUNIT_ASSERT_EQUAL("0 1"s, client.texts());
        CPPUNIT_ASSERT(client.peer.received[0].settled);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_presettled_consumer_that_does_not_read_leaves_the_messages_in_the_queue() {
        Broker broker;
        broker.options.output_window_bytes = 1024;
        Client client(broker);
        fill(client, 1000);
        pn_link_t* const link = client.peer.receiver("q");
        pn_link_set_snd_settle_mode(link, PN_SND_SETTLED);
        client.peer.open(link);
        pn_link_flow(link, 1'000'000);
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        client.wire.connection->output();
        client.wire.settle();
        CPPUNIT_ASSERT(client.queue("q").messages >= 700);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, client.peer.received.size());
        fill(client, 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1001}, client.peer.received.size());
    }

    void a_drain_of_many_messages_ends_for_presettled_consumers_and_browsers() {
        for (const bool browses : {true, false}) {
            for (const int credit : {10'000, 1000, 999, 256, 255, 257}) {
                Broker broker;
                Client client(broker);
                fill(client, 1000);
                pn_link_t* const link = client.peer.receiver("q");
                pn_link_set_snd_settle_mode(link, PN_SND_SETTLED);
                if (browses) pn_terminus_set_distribution_mode(pn_link_source(link), PN_DIST_MODE_COPY);
                client.peer.open(link);
                client.pump();
                const std::uint32_t flows = client.peer.flows;
                pn_link_drain(link, credit);
                client.pump();
                CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(std::min(credit, 1000)), client.peer.received.size());
                CPPUNIT_ASSERT_EQUAL(flows + 1, client.peer.flows);
                CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
            }
        }
    }

    /// A session that takes one transfer at a time, with a consumer that was closed while more waited for it.
    static void consume_in_a_full_session(Wire& wire, std::uint8_t snd_settle_mode) {
        const auto attach = [&](std::uint32_t handle, std::uint8_t settle_mode) {
            wire.give(frame_of(0x12, 7, [&](codec::Writer& writer) {
                writer.string("receiver-" + std::to_string(handle));
                writer.uint32(handle);
                writer.boolean(true);
                writer.uint8(settle_mode);
                writer.null();
                writer.descriptor(0x28);
                const auto source = writer.begin_list();
                writer.string("q");
                writer.end(source, 1);
                writer.descriptor(0x29);
                writer.end(writer.begin_list(), 0);
            }));
        };
        const auto flow = [&](std::uint32_t handle, std::uint32_t window) {
            wire.give(frame_of(0x13, 7, [&](codec::Writer& writer) {
                for (const std::uint32_t number : {0U, window, 0U, 100U, handle, 0U, 20U}) writer.uint32(number);
            }));
        };
        wire.give({'A', 'M', 'Q', 'P', 0, 1, 0, 0});
        wire.give(frame_of(0x10, 1, [](codec::Writer& writer) { writer.string("peer"); }));
        wire.give(frame_of(0x11, 4, [](codec::Writer& writer) {
            writer.null();
            for (const std::uint32_t number : {0U, 1U, 100U}) writer.uint32(number);
        }));
        attach(0, snd_settle_mode);
        flow(0, 1);
        wire.settle();
        wire.take();
        wire.give(frame_of(0x16, 2, [](codec::Writer& writer) {
            writer.uint32(0);
            writer.boolean(true);
        }));
        wire.take();
        attach(1, 0);
        flow(1, 1000);
        wire.settle();
    }

    void closing_a_consumer_whose_session_is_full_holds_up_nobody() {
        for (const std::uint8_t snd_settle_mode : {std::uint8_t{0}, std::uint8_t{1}}) {
            Broker broker;
            broker.options.output_window_bytes = 8 * 1024;
            Client client(broker);
            pn_link_t* const sender = client.sender("q");
            const auto send_20 = [&] {
                for (int index = 0; index < 20; ++index) client.peer.send(sender, durable_text(std::string(900, 'x')));
                client.pump();
            };
            send_20();
            Wire wire(broker);
            consume_in_a_full_session(wire, snd_settle_mode);
            // What was pre-settled for the first is gone with it.
            if (snd_settle_mode == 1) send_20();
            std::size_t bytes = 0;
            for (int turn = 0; turn < 20; ++turn) {
                bytes += wire.take().size();
                wire.settle();
            }
            CPPUNIT_ASSERT(bytes > 19 * 900);
            CPPUNIT_ASSERT(!wire.connection->finished());
        }
    }

    static pn_link_t* browser(Client& client, pn_snd_settle_mode_t mode, int credit) {
        pn_link_t* const link = client.peer.receiver("q");
        pn_terminus_set_distribution_mode(pn_link_source(link), PN_DIST_MODE_COPY);
        pn_link_set_snd_settle_mode(link, mode);
        client.peer.open(link);
        pn_link_flow(link, credit);
        client.pump();
        return link;
    }

    void a_browser_sees_and_locks_nothing() {
        Broker broker;
        Client client(broker);
        fill(client, 3);
        pn_link_t* const link = browser(client, PN_SND_SETTLED, 10);
        CPPUNIT_ASSERT(pn_terminus_get_distribution_mode(pn_link_remote_source(link)) == PN_DIST_MODE_COPY);
        CPPUNIT_ASSERT_EQUAL("0 1 2"s, client.texts());
        pn_link_drain(link, 0);
        client.pump();
        CPPUNIT_ASSERT(!pn_link_draining(link));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").delivering);
    }

    void an_unsettled_browser_changes_nothing() {
        Broker broker;
        Client client(broker);
        fill(client, 2);
        browser(client, PN_SND_UNSETTLED, 10);
        CPPUNIT_ASSERT_EQUAL("0 1"s, client.texts());
        pn_delivery_t* const delivery = client.peer.received.at(0).delivery;
        pn_delivery_update(delivery, PN_ACCEPTED);
        client.pump();
        CPPUNIT_ASSERT(pn_delivery_settled(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, client.queue("q").messages);
    }

    void closing_a_consumer_gives_its_messages_back_unchanged() {
        Broker broker;
        Client client(broker);
        fill(client, 3);
        for (const bool closes : {true, false}) {
            pn_link_t* const link = client.receiver("q", 3);
            CPPUNIT_ASSERT_EQUAL("0 1 2"s, client.texts());
            CPPUNIT_ASSERT_EQUAL(0u, delivery_count_of(client.peer.received[0].bytes));
            if (closes) {
                pn_link_close(link);
            } else {
                pn_link_detach(link);
            }
            client.pump();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").delivering);
            client.peer.received.clear();
        }
    }

    void closing_the_connection_in_order_leaves_counts_unchanged() {
        Broker broker;
        {
            Client client(broker);
            fill(client, 1);
            client.receiver("q", 1);
            CPPUNIT_ASSERT_EQUAL("0"s, client.texts());
            client.peer.close();
            client.pump();
            CPPUNIT_ASSERT(client.peer.is_closed());
            CPPUNIT_ASSERT(client.wire.connection->finished());
        }
        Client client(broker);
        client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(0u, delivery_count_of(client.peer.received.at(0).bytes));
    }

    void a_torn_connection_raises_the_count_of_the_oldest() {
        Broker broker;
        {
            Client client(broker);
            fill(client, 1);
            client.receiver("q", 1);
            client.wire.connection->abort();
            client.wire.settle();
        }
        Client client(broker);
        client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(1u, delivery_count_of(client.peer.received.at(0).bytes));
    }

    void the_header_tells_durable_ttl_and_count() {
        Broker broker;
        Client client(broker);
        client.send(client.sender("q"), MessageBuilder().header(true, 10000).text("a").bytes());
        broker.clock.advance(4s);
        client.receiver("q", 1);
        const auto head = head_of(client.peer.received.at(0).bytes);
        std::array<codec::Value, 5> fields;
        codec::read_fields(head.header, fields);
        CPPUNIT_ASSERT(fields[0].kind == codec::Kind::boolean && fields[0].bits == 1);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6000}, fields[2].bits);
        CPPUNIT_ASSERT(fields[4].is_null());
    }

    void a_time_to_live_of_zero_is_none() {
        Broker broker;
        Client client(broker);
        client.send(client.sender("q"), MessageBuilder().header(true, 0).text("a").bytes());
        broker.clock.advance(4s);
        client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
    }

    void output_is_bounded_by_its_window() {
        Broker broker;
        broker.options.output_window_bytes = 16 * 1024;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        const std::string body(4000, 'x');
        for (int index = 0; index < 100; ++index) client.peer.send(sender, durable_text(body));
        client.pump();
        pn_link_t* const link = client.peer.open(client.peer.receiver("q"));
        pn_link_flow(link, 100);
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        std::size_t rounds = 0;
        while (client.peer.received.size() < 100) {
            CPPUNIT_ASSERT(++rounds < 1000);
            const auto part = client.wire.connection->output();
            CPPUNIT_ASSERT(part.size() <= 16 * 1024 + 3 * 4200);
            const std::vector<std::uint8_t> bytes(part.begin(), part.end());
            client.wire.connection->output_done(bytes.size());
            client.peer.input(bytes);
            client.wire.settle();
            client.wire.give(client.peer.take_output());
            client.wire.settle();
        }
        CPPUNIT_ASSERT(rounds > 10);
    }

    void deleting_the_queue_detaches_the_consumer() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.receiver("q", 1);
        broker.core->delete_queue(*broker.core->find_destination("q"), true, [](Result<void>) {});
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL("amqp:resource-deleted"s, AmqpPeer::link_condition(link));
    }

    void two_consumers_on_one_connection_share_fairly() {
        Broker broker;
        Client client(broker);
        pn_link_t* const first = client.receiver("q", 100);
        pn_link_t* const second = client.receiver("q", 100);
        fill(client, 50);
        std::size_t of_first = 0;
        for (const auto& received : client.peer.received) of_first += received.link == first ? 1 : 0;
        static_cast<void>(second);
        CPPUNIT_ASSERT_EQUAL(std::size_t{50}, client.peer.received.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{25}, of_first);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpConsumerTest);

}  // namespace giromq::test
