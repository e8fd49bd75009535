#include <random>

#include "unit/amqp/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Messages larger than a chunk: streamed to the store and from it, never whole in memory.
class AmqpLargeMessageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpLargeMessageTest);
    CPPUNIT_TEST(a_large_message_comes_back_to_the_byte);
    CPPUNIT_TEST(sizes_around_the_chunk_size_come_back);
    CPPUNIT_TEST(a_large_message_may_come_in_small_frames_and_pieces);
    CPPUNIT_TEST(it_is_accepted_only_after_all_of_it_is_durable);
    CPPUNIT_TEST(reading_stops_while_chunks_are_not_durable);
    CPPUNIT_TEST(messages_behind_it_do_not_overtake);
    CPPUNIT_TEST(an_aborted_large_message_leaves_nothing);
    CPPUNIT_TEST(an_upload_that_breaks_off_leaves_nothing);
    CPPUNIT_TEST(a_refused_chunk_rejects_the_message);
    CPPUNIT_TEST(a_malformed_body_is_rejected_at_the_end);
    CPPUNIT_TEST(a_message_over_the_maximum_detaches_the_link);
    CPPUNIT_TEST(output_of_a_large_message_is_bounded);
    CPPUNIT_TEST(a_presettled_consumer_gets_a_large_message);
    CPPUNIT_TEST(a_consumer_may_close_in_the_middle);
    CPPUNIT_TEST(too_many_partial_deliveries_detach_the_link);
    CPPUNIT_TEST_SUITE_END();

    static std::string body_of(std::size_t bytes) {
        std::mt19937 random(static_cast<unsigned>(bytes));
        std::string body(bytes, '\0');
        for (char& byte : body) byte = static_cast<char>(random());
        return body;
    }
    static std::string message_of(std::size_t bytes) {
        return MessageBuilder()
            .header(true)
            .message_annotation("x-opt-a", "b")
            .properties("ID:large")
            .application_property("k", "v")
            .data(body_of(bytes))
            .bytes();
    }
    /// Of the first large message.
    static bool has_chunks(Broker& broker) {
        bool is_there = false;
        for (std::uint64_t number = 1; number < 4; ++number) {
            broker.doors->chunk(MessageNumber{number}, 0, [&](const Result<SharedBytes>& chunk) { is_there = is_there || chunk.ok(); });
        }
        return is_there;
    }
    static void assert_comes_back(Client& client, const std::string& message) {
        client.peer.received.clear();
        pn_link_t* const link = client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, client.peer.received.size());
        CPPUNIT_ASSERT(without_header(message) == without_header(client.peer.received[0].bytes));
        client.settle(client.peer.received[0], PN_ACCEPTED);
        pn_link_close(link);
        client.pump();
    }

    void a_large_message_comes_back_to_the_byte() {
        Broker broker;
        Client client(broker);
        const std::string message = message_of(3'000'000);
        pn_delivery_t* const delivery = client.send(client.sender("q"), message);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT_EQUAL(without_header(message).size(), std::size_t{client.queue("q").bytes});
        assert_comes_back(client, message);
    }

    void sizes_around_the_chunk_size_come_back() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        for (std::size_t chunks = 1; chunks <= 2; ++chunks) {
            for (int around = -80; around <= 1100; around += around < 40 ? 1 : 100) {
                const auto size = static_cast<std::size_t>(static_cast<long>(chunks * chunk_bytes) + around);
                const std::string message = message_of(size);
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(sender, message)));
                assert_comes_back(client, message);
            }
        }
    }

    void a_large_message_may_come_in_small_frames_and_pieces() {
        Broker broker;
        broker.options.max_frame_bytes = 512;
        AmqpPeer::Options options;
        options.max_frame = 512;
        Client client(broker, options);
        client.step = 1000;
        const std::string message = message_of(600'000);
        pn_delivery_t* const delivery = client.send(client.sender("q"), message);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        assert_comes_back(client, message);
    }

    void it_is_accepted_only_after_all_of_it_is_durable() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        pn_delivery_t* const delivery = client.send(link, message_of(700'000));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, broker.doors->waiting().size());  // the chunks, and not yet the message
        broker.doors->commit_waiting();
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        broker.doors->commit_waiting();
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
    }

    void reading_stops_while_chunks_are_not_durable() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        client.peer.send(link, message_of(20'000'000));
        client.pump();
        CPPUNIT_ASSERT(client.wire.connection->input_buffer().empty());
        CPPUNIT_ASSERT(broker.doors->waiting().size() < 10);
        const std::uint64_t wakes = client.wire.wakes;
        broker.doors->commit_waiting();
        client.wire.settle();
        CPPUNIT_ASSERT(client.wire.wakes > wakes);  // net is told that there may be room again
        CPPUNIT_ASSERT(!client.wire.connection->input_buffer().empty());
        broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void messages_behind_it_do_not_overtake() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.commits = false;
        for (int round = 0; round < 2; ++round) {
            client.peer.send(link, MessageBuilder().header(true).text("large" + std::to_string(round) + std::string(400'000, 'x')).bytes());
            client.peer.send(link, durable_text("small" + std::to_string(round)));
        }
        client.pump();
        broker.commits = true;
        client.pump();
        client.receiver("q", 10);
        std::string order;
        for (const auto& received : client.peer.received) order += text_of(received.bytes).substr(0, 6) + " ";
        CPPUNIT_ASSERT_EQUAL("large0 small0 large1 small1 "s, order);
    }

    void an_aborted_large_message_leaves_nothing() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        const std::string message = message_of(700'000);
        pn_delivery_t* const delivery = client.peer.begin_send(link);
        pn_link_send(link, message.data(), 600'000);
        client.pump();
        CPPUNIT_ASSERT(has_chunks(broker));
        pn_delivery_abort(delivery);
        client.pump();
        CPPUNIT_ASSERT(!has_chunks(broker));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
        const std::string next = message_of(500'000);
        client.send(link, next);
        assert_comes_back(client, next);
    }

    void an_upload_that_breaks_off_leaves_nothing() {
        const std::string message = message_of(700'000);
        for (const bool link_only : {true, false}) {
            Broker broker;
            auto client = std::make_unique<Client>(broker);
            pn_link_t* const link = client->sender("q");
            client->peer.begin_send(link);
            pn_link_send(link, message.data(), 600'000);
            client->pump();
            CPPUNIT_ASSERT(has_chunks(broker));
            if (link_only) {
                pn_link_close(link);
            } else {
                client->peer.close();
            }
            client->pump();
            CPPUNIT_ASSERT(!has_chunks(broker));
        }
    }

    void a_refused_chunk_rejects_the_message() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        broker.doors->disk_full = true;
        pn_delivery_t* const delivery = client.send(link, message_of(3'000'000));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, pn_delivery_remote_state(delivery));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_malformed_body_is_rejected_at_the_end() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        std::string message = message_of(700'000);
        for (const std::string& bad : {message + "tail", message.substr(0, message.size() - 1), message + message}) {
            pn_delivery_t* const delivery = client.send(link, bad);
            CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, AmqpPeer::rejection(delivery));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
        client.send(link, message);
        assert_comes_back(client, message);
    }

    void a_message_over_the_maximum_detaches_the_link() {
        Broker broker;
        broker.options.max_message_bytes = 1'000'000;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1'000'000}, pn_link_remote_max_message_size(link));
        client.send(link, message_of(3'000'000));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL("amqp:link:message-size-exceeded"s, AmqpPeer::link_condition(link));
        pn_link_close(link);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(client.sender("q"), durable_text("a"))));
    }

    void a_presettled_consumer_gets_a_large_message() {
        Broker broker;
        Client client(broker);
        const std::string message = message_of(3'000'000);
        client.send(client.sender("q"), message);
        pn_link_t* const link = client.peer.receiver("q");
        pn_link_set_snd_settle_mode(link, PN_SND_SETTLED);
        client.peer.open(link);
        pn_link_flow(link, 1);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, client.peer.received.size());
        CPPUNIT_ASSERT(without_header(message) == without_header(client.peer.received[0].bytes));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void output_of_a_large_message_is_bounded() {
        Broker broker;
        Client client(broker);
        const std::string message = message_of(8'000'000);
        client.send(client.sender("q"), message);
        pn_link_t* const link = client.peer.open(client.peer.receiver("q"));
        pn_link_flow(link, 1);
        client.wire.give(client.peer.take_output());
        std::size_t rounds = 0;
        while (client.peer.received.empty()) {
            CPPUNIT_ASSERT(++rounds < 10000);
            client.wire.settle();
            const auto part = client.wire.connection->output();
            CPPUNIT_ASSERT(part.size() <= broker.options.output_window_bytes + chunk_bytes + 4096);
            const std::vector<std::uint8_t> bytes(part.begin(), part.end());
            client.wire.connection->output_done(bytes.size());
            client.peer.input(bytes);
            client.wire.give(client.peer.take_output());
        }
        CPPUNIT_ASSERT(without_header(message) == without_header(client.peer.received[0].bytes));
    }

    void a_consumer_may_close_in_the_middle() {
        Broker broker;
        Client client(broker);
        const std::string message = message_of(8'000'000);
        client.send(client.sender("q"), message);
        pn_link_t* const link = client.peer.open(client.peer.receiver("q"));
        pn_link_flow(link, 1);
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        client.peer.input(client.wire.take(10'000));
        pn_link_close(link);
        client.pump();
        assert_comes_back(client, message);
    }

    void too_many_partial_deliveries_detach_the_link() {
        Broker broker;
        broker.options.session_window_bytes = 100'000;
        Client client(broker);
        std::vector<pn_link_t*> links;
        const std::string part = message_of(250'000).substr(0, 150'000);
        for (int index = 0; index < 10; ++index) {
            links.push_back(client.sender("q"));
            client.peer.begin_send(links.back());
            pn_link_send(links.back(), part.data(), part.size());
            client.pump();
        }
        CPPUNIT_ASSERT(!AmqpPeer::is_closed(links[0]));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(links[9]));
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, AmqpPeer::link_condition(links[9]));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpLargeMessageTest);

}  // namespace giromq::test
