#include "unit/amqp/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Producers: settlement, credit, refusals, odd splits.
class AmqpProducerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpProducerTest);
    CPPUNIT_TEST(a_send_is_settled_only_after_commit);
    CPPUNIT_TEST(a_presettled_send_arrives);
    CPPUNIT_TEST(what_is_sent_is_received_to_the_byte);
    CPPUNIT_TEST(bytes_may_come_one_by_one);
    CPPUNIT_TEST(transfers_of_any_size_make_one_message);
    CPPUNIT_TEST(an_aborted_delivery_is_never_seen);
    CPPUNIT_TEST(credit_is_the_window_of_the_core_and_comes_back);
    CPPUNIT_TEST(no_credit_comes_back_before_settlement);
    CPPUNIT_TEST(reading_stops_while_too_many_bytes_are_unanswered);
    CPPUNIT_TEST(bytes_of_a_session_that_ends_count_no_more);
    CPPUNIT_TEST(a_send_to_a_broker_that_stops_is_released);
    CPPUNIT_TEST(a_transfer_without_credit_detaches_the_link);
    CPPUNIT_TEST(a_malformed_message_is_rejected);
    CPPUNIT_TEST(a_head_over_the_limit_is_rejected);
    CPPUNIT_TEST(a_refused_send_is_rejected_with_its_condition);
    CPPUNIT_TEST(rcv_settle_mode_second_waits_for_the_sender);
    CPPUNIT_TEST(duplicates_by_sequence_are_stored_once);
    CPPUNIT_TEST(duplicates_by_application_id_are_stored_once);
    CPPUNIT_TEST(producer_annotations_are_removed_and_others_kept);
    CPPUNIT_TEST(a_sequence_without_producer_is_rejected);
    CPPUNIT_TEST(deleting_the_queue_detaches_the_producer);
    CPPUNIT_TEST(a_producer_that_leaves_early_still_gets_its_outcomes);
    CPPUNIT_TEST(a_producer_that_is_detached_still_gets_its_outcomes);
    CPPUNIT_TEST(what_comes_after_the_end_of_its_link_is_released);
    CPPUNIT_TEST(ending_the_session_settles_nothing_falsely);
    CPPUNIT_TEST(many_links_and_sessions_work_side_by_side);
    CPPUNIT_TEST(executors_that_run_at_once_are_safe);
    CPPUNIT_TEST_SUITE_END();

    void a_send_is_settled_only_after_commit() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        pn_delivery_t* const delivery = client.send(link, durable_text("a"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(delivery));
        broker.doors->write();
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(delivery));
        broker.doors->complete();
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT(pn_delivery_settled(delivery));
    }

    void a_presettled_send_arrives() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        client.peer.send(link, durable_text("a"), true);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void what_comes_after_the_end_of_its_link_is_released() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.core->delete_queue(*broker.core->find_destination("q"), true, [](Result<void>) {});
        client.wire.settle();
        pn_delivery_t* const delivery = client.send(link, durable_text("late"));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT(pn_delivery_settled(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_RELEASED}, pn_delivery_remote_state(delivery));
    }

    void reading_stops_while_too_many_bytes_are_unanswered() {
        Broker broker;
        broker.options.session_window_bytes = 16 * 1024;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        std::vector<pn_delivery_t*> deliveries;
        for (int index = 0; index < 100; ++index) deliveries.push_back(client.peer.send(link, durable_text(std::string(10'000, 'x'))));
        client.pump();
        CPPUNIT_ASSERT(client.wire.connection->input_buffer().empty());
        // One read of the socket is what may come on top.
        CPPUNIT_ASSERT(broker.doors->waiting().size() < 20);
        broker.commits = true;
        client.pump();
        for (pn_delivery_t* const delivery : deliveries) {
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{100}, client.queue("q").messages);
    }

    void bytes_of_a_session_that_ends_count_no_more() {
        Broker broker;
        broker.options.session_window_bytes = 16 * 1024;
        Client client(broker);
        client.sender("q");
        for (int round = 0; round < 10; ++round) {
            pn_session_t* const session = client.peer.begin();
            // A queue that is still being made holds back what is sent to it.
            pn_link_t* const relay = client.peer.open(client.peer.sender(nullptr, nullptr, session));
            client.pump();
            broker.commits = false;
            const std::string to = "new." + std::to_string(round);
            const std::string body(5'000, 'x');
            for (int index = 0; index < 5; ++index) {
                client.peer.send(relay, MessageBuilder().header(true).properties("ID:1", to).text(body).bytes());
            }
            client.pump();
            pn_session_close(session);
            client.pump();
            broker.commits = true;
            client.pump();
        }
        CPPUNIT_ASSERT(!client.wire.connection->input_buffer().empty());
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.sender("q")));
    }

    void a_send_to_a_broker_that_stops_is_released() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        pn_delivery_t* const delivery = client.peer.send(link, durable_text("m"));
        const auto bytes = client.peer.take_output();
        client.wire.give(bytes);
        broker.core->stop([] {});
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL("amqp:link:detach-forced"s, AmqpPeer::link_condition(link));
        CPPUNIT_ASSERT(pn_delivery_settled(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_RELEASED}, pn_delivery_remote_state(delivery));
    }

    static std::string rich_message() {
        return MessageBuilder()
            .header(true)
            .delivery_annotation("x-unknown", "kept")
            .message_annotation("x-opt-other", "kept too")
            .properties("ID:1")
            .application_property("amount", "12.50")
            .data("body\0with zero"s)
            .map(0x78, 0, [](codec::Writer&) {})
            .bytes();
    }

    void what_is_sent_is_received_to_the_byte() {
        Broker broker;
        Client client(broker);
        const std::string message = rich_message();
        client.send(client.sender("q"), message);
        client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, client.peer.received.size());
        CPPUNIT_ASSERT_EQUAL(without_header(message), without_header(client.peer.received[0].bytes));
    }

    void bytes_may_come_one_by_one() {
        Broker broker;
        Client client(broker);
        client.step = 1;
        const std::string message = rich_message();
        pn_delivery_t* const delivery = client.send(client.sender("q"), message);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(without_header(message), without_header(client.peer.received.at(0).bytes));
    }

    void transfers_of_any_size_make_one_message() {
        Broker broker;
        const std::string message = rich_message();
        for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, message.size() - 1}) {
            Client client(broker);
            pn_link_t* const link = client.sender("q");
            pn_delivery_t* const delivery = client.peer.begin_send(link);
            for (std::size_t at = 0; at < message.size(); at += piece) {
                const std::string_view part = std::string_view(message).substr(at, piece);
                pn_link_send(link, part.data(), part.size());
                client.pump();
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
            }
            pn_link_advance(link);
            client.pump();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
            client.receiver("q", 1);
            CPPUNIT_ASSERT_EQUAL(without_header(message), without_header(client.peer.received.at(0).bytes));
            client.settle(client.peer.received[0], PN_ACCEPTED);
        }
    }

    void an_aborted_delivery_is_never_seen() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        const std::string message = rich_message();
        pn_delivery_t* const aborted = client.peer.begin_send(link);
        pn_link_send(link, message.data(), message.size());
        client.pump();
        pn_delivery_abort(aborted);
        client.pump();
        pn_delivery_t* const sent = client.send(link, durable_text("after"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(sent));
        client.receiver("q", 5);
        CPPUNIT_ASSERT_EQUAL("after"s, client.texts());
    }

    void credit_is_the_window_of_the_core_and_comes_back() {
        core::CoreSettings settings;
        settings.producer_window = 4;
        Broker broker(settings);
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        CPPUNIT_ASSERT_EQUAL(4, pn_link_credit(link));
        for (int index = 0; index < 20; ++index) client.send(link, durable_text("m"));
        CPPUNIT_ASSERT(pn_link_credit(link) >= 2);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{20}, client.queue("q").messages);
    }

    void no_credit_comes_back_before_settlement() {
        core::CoreSettings settings;
        settings.producer_window = 4;
        Broker broker(settings);
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        for (int index = 0; index < 6; ++index) client.peer.send(link, durable_text("m"));
        client.pump();
        CPPUNIT_ASSERT_EQUAL(-2, pn_link_credit(link));  // two wait in the client
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6}, client.queue("q").messages);
    }

    void a_transfer_without_credit_detaches_the_link() {
        core::CoreSettings settings;
        settings.producer_window = 2;
        Broker broker(settings);
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        client.peer.send(link, durable_text("1"));
        client.peer.send(link, durable_text("2"));
        auto bytes = client.peer.take_output();
        // The same transfer once more, with the next delivery-id.
        const auto frame = last_frame(bytes);
        auto third = frame;
        CPPUNIT_ASSERT(replace_delivery_id(third));
        bytes.insert(bytes.end(), third.begin(), third.end());
        client.wire.give(bytes);
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL("amqp:link:transfer-limit-exceeded"s, AmqpPeer::link_condition(link));
    }

    static std::vector<std::uint8_t> last_frame(const std::vector<std::uint8_t>& bytes) {
        std::size_t at = 0;
        std::vector<std::uint8_t> frame;
        while (at < bytes.size()) {
            const std::size_t size =
                std::size_t{bytes[at]} << 24U | std::size_t{bytes[at + 1]} << 16U | std::size_t{bytes[at + 2]} << 8U | bytes[at + 3];
            frame.assign(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
            at += size;
        }
        return frame;
    }
    /// Proton encodes delivery-id 1 as smalluint: 0x52 0x01.
    static bool replace_delivery_id(std::vector<std::uint8_t>& frame) {
        for (std::size_t at = 8; at + 1 < frame.size(); ++at) {
            if (frame[at] == 0x52 && frame[at + 1] == 1) {
                frame[at + 1] = 2;
                return true;
            }
        }
        return false;
    }

    void a_malformed_message_is_rejected() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        const std::string good = durable_text("a");
        for (const std::string& bad : {"not a message"s, good.substr(0, good.size() - 1), good + "x", good + good, std::string()}) {
            pn_delivery_t* const delivery = client.send(link, bad);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, pn_delivery_remote_state(delivery));
            CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, AmqpPeer::rejection(delivery));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(link, good)));
    }

    void a_head_over_the_limit_is_rejected() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        const std::string large(70 * 1024, 'x');
        for (const std::string& body : {"b"s, std::string(300 * 1024, 'b')}) {
            const std::string message = MessageBuilder().header(true).application_property("p", large).data(body).bytes();
            pn_delivery_t* const delivery = client.send(link, message);
            CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, AmqpPeer::rejection(delivery));
        }
    }

    void a_refused_send_is_rejected_with_its_condition() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.doors->disk_full = true;
        pn_delivery_t* const delivery = client.send(link, durable_text("a"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, AmqpPeer::rejection(delivery));
    }

    void rcv_settle_mode_second_waits_for_the_sender() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.peer.sender("q");
        pn_link_set_rcv_settle_mode(link, PN_RCV_SECOND);
        client.peer.open(link);
        client.pump();
        CPPUNIT_ASSERT(pn_link_remote_rcv_settle_mode(link) == PN_RCV_SECOND);
        pn_delivery_t* const delivery = client.send(link, durable_text("a"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT(!pn_delivery_settled(delivery));
        pn_delivery_settle(delivery);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void duplicates_by_sequence_are_stored_once() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        const std::string message = MessageBuilder().header(true).sequence("producer", 1).text("a").bytes();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(link, message)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(link, message)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void duplicates_by_application_id_are_stored_once() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        client.send(link, MessageBuilder().header(true).message_annotation("giromq:duplicate-id", "x").text("a").bytes());
        client.send(link, MessageBuilder().header(true).application_property("GIROMQ_DUPLICATE_ID", "x").text("b").bytes());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void producer_annotations_are_removed_and_others_kept() {
        Broker broker;
        Client client(broker);
        const std::string message = MessageBuilder()
                                        .header(true)
                                        .map(0x71, 6,
                                             [](codec::Writer& writer) {
                                                 writer.symbol("giromq:producer-id");
                                                 writer.string("p");
                                                 writer.symbol("x-unknown");
                                                 writer.string("kept");
                                                 writer.symbol("giromq:sequence");
                                                 writer.uint64(7);
                                             })
                                        .message_annotation("x-opt-other", "kept")
                                        .text("a")
                                        .bytes();
        client.send(client.sender("q"), message);
        client.receiver("q", 1);
        const std::string expected =
            MessageBuilder().delivery_annotation("x-unknown", "kept").message_annotation("x-opt-other", "kept").text("a").bytes();
        CPPUNIT_ASSERT_EQUAL(expected, without_header(client.peer.received.at(0).bytes));
    }

    void a_sequence_without_producer_is_rejected() {
        Broker broker;
        Client client(broker);
        const std::string message = MessageBuilder()
                                        .header(true)
                                        .map(0x71, 2,
                                             [](codec::Writer& writer) {
                                                 writer.symbol("giromq:sequence");
                                                 writer.uint64(7);
                                             })
                                        .text("a")
                                        .bytes();
        CPPUNIT_ASSERT_EQUAL("amqp:invalid-field"s, AmqpPeer::rejection(client.send(client.sender("q"), message)));
    }

    void deleting_the_queue_detaches_the_producer() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.core->delete_queue(*broker.core->find_destination("q"), true, [](Result<void>) {});
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL("amqp:resource-deleted"s, AmqpPeer::link_condition(link));
    }

    void a_producer_that_leaves_early_still_gets_its_outcomes() {
        Broker broker;
        Client client(broker);
        for (const bool closes : {true, false}) {
            pn_link_t* const link = client.sender("q");
            broker.commits = false;
            pn_delivery_t* const delivery = client.send(link, durable_text("a"));
            if (closes) {
                pn_link_close(link);
            } else {
                pn_link_detach(link);
            }
            client.pump();
            CPPUNIT_ASSERT(!AmqpPeer::is_closed(link));
            CPPUNIT_ASSERT(!pn_delivery_settled(delivery));
            broker.commits = true;
            client.pump();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
            CPPUNIT_ASSERT_EQUAL(closes, AmqpPeer::is_closed(link));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").producers);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.wire.connection->view().producers);
    }

    void a_producer_that_is_detached_still_gets_its_outcomes() {
        Broker broker;
        broker.options.max_message_bytes = 1000;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        pn_delivery_t* const good = client.send(link, durable_text("a"));
        client.send(link, durable_text(std::string(2000, 'x')));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        pn_link_close(link);
        client.pump();
        CPPUNIT_ASSERT(!pn_delivery_settled(good));
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(good));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").producers);
    }

    void ending_the_session_settles_nothing_falsely() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        pn_delivery_t* const delivery = client.send(link, durable_text("a"));
        pn_session_close(client.peer.session());
        client.pump();
        CPPUNIT_ASSERT(!pn_delivery_settled(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT((pn_session_state(client.peer.session()) & PN_REMOTE_CLOSED) != 0);
    }

    void many_links_and_sessions_work_side_by_side() {
        Broker broker;
        Client client(broker);
        std::vector<pn_link_t*> senders;
        for (int session = 0; session < 5; ++session) {
            pn_session_t* const on = client.peer.begin();
            for (int link = 0; link < 10; ++link) senders.push_back(client.peer.open(client.peer.sender("q", nullptr, on)));
        }
        client.pump();
        std::vector<pn_delivery_t*> deliveries;
        for (int round = 0; round < 20; ++round) {
            for (pn_link_t* const link : senders) deliveries.push_back(client.peer.send(link, durable_text("m")));
        }
        client.pump();
        for (pn_delivery_t* const delivery : deliveries) {
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{50}, client.wire.connection->view().producers);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, client.wire.connection->view().sessions.size());
    }

    void executors_that_run_at_once_are_safe() {
        BasicBroker<InlineExecutor> broker;
        BasicClient<InlineExecutor> client(broker);
        pn_link_t* const sender = client.sender("q");
        pn_link_t* const receiver = client.receiver("q", 1000);
        static_cast<void>(receiver);
        for (int index = 0; index < 100; ++index) client.peer.send(sender, durable_text(std::to_string(index)));
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{100}, client.peer.received.size());
        for (std::size_t index = 0; index < 100; ++index) {
            CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(client.peer.received[index].bytes));
        }
        for (const auto& received : client.peer.take_received()) {
            pn_delivery_update(received.delivery, PN_ACCEPTED);
            pn_delivery_settle(received.delivery);
        }
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpProducerTest);

}  // namespace giromq::test
