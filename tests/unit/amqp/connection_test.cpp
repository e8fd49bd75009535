#include <random>

#include "unit/amqp/broker.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// The connection itself: open, container ids, time, ends, garbage.
class AmqpConnectionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpConnectionTest);
    CPPUNIT_TEST(open_tells_capabilities_and_properties);
    CPPUNIT_TEST(a_container_id_in_use_is_refused);
    CPPUNIT_TEST(a_container_id_is_free_again_after_its_connection);
    CPPUNIT_TEST(container_ids_may_repeat_where_nobody_asked);
    CPPUNIT_TEST(a_user_has_only_so_many_connections);
    CPPUNIT_TEST(a_silent_peer_is_closed_after_the_idle_timeout);
    CPPUNIT_TEST(a_peer_that_asks_for_heartbeats_gets_them);
    CPPUNIT_TEST(absurd_heartbeat_wishes_do_not_spin);
    CPPUNIT_TEST(a_login_that_takes_too_long_is_ended);
    CPPUNIT_TEST(an_idle_connection_ticks_rarely);
    CPPUNIT_TEST(the_broker_can_close_with_a_condition);
    CPPUNIT_TEST(a_peer_that_does_not_answer_close_is_left);
    CPPUNIT_TEST(a_peer_that_does_not_read_is_cut_after_close);
    CPPUNIT_TEST(a_peer_that_neither_reads_nor_writes_is_cut_after_the_idle_timeout);
    CPPUNIT_TEST(a_peer_that_closes_and_does_not_read_is_cut);
    CPPUNIT_TEST(silence_while_the_broker_does_not_read_is_not_the_peers);
    CPPUNIT_TEST(a_peer_that_never_reads_is_not_read_without_end);
    CPPUNIT_TEST(frames_of_the_largest_size_are_taken);
    CPPUNIT_TEST(closing_before_open_just_ends);
    CPPUNIT_TEST(a_wrong_header_is_answered_with_the_right_one);
    CPPUNIT_TEST(garbage_after_login_is_answered_with_a_condition);
    CPPUNIT_TEST(a_frame_too_large_is_answered_with_a_condition);
    CPPUNIT_TEST(a_session_over_the_limit_ends_the_connection);
    CPPUNIT_TEST(a_link_name_attached_twice_is_stolen);
    CPPUNIT_TEST(a_stolen_consumer_gives_its_messages_back);
    CPPUNIT_TEST(a_stolen_producer_still_gets_its_outcomes);
    CPPUNIT_TEST(stealing_again_and_again_leaves_one_link);
    CPPUNIT_TEST(an_output_span_survives_input);
    CPPUNIT_TEST(news_after_abort_touch_nothing);
    CPPUNIT_TEST(the_socket_may_end_at_any_byte);
    CPPUNIT_TEST(changed_bytes_never_end_the_broker);
    CPPUNIT_TEST(a_core_that_stops_detaches_everybody);
    CPPUNIT_TEST_SUITE_END();

    static std::string text_of_property(AmqpPeer& peer, std::string_view key) {
        pn_data_t* const data = pn_connection_remote_properties(peer.connection());
        pn_data_rewind(data);
        if (!pn_data_next(data)) return "absent";
        pn_data_enter(data);
        std::string value = "absent";
        while (pn_data_next(data)) {
            const pn_bytes_t name = pn_data_get_symbol(data);
            const bool found = std::string_view(name.start, name.size) == key;
            pn_data_next(data);
            if (!found) continue;
            if (pn_data_type(data) == PN_BOOL) {
                value = pn_data_get_bool(data) ? "true" : "false";
            } else {
                const pn_bytes_t text = pn_data_get_string(data);
                value = std::string(text.start, text.size);
            }
        }
        return value;
    }

    void open_tells_capabilities_and_properties() {
        Broker broker;
        broker.options.container_id = "broker-1";
        broker.options.version = "1.2.3";
        Client client(broker);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("broker-1"s, std::string(pn_connection_remote_container(client.peer.connection())));
        CPPUNIT_ASSERT_EQUAL("GiroMQ"s, text_of_property(client.peer, "product"));
        CPPUNIT_ASSERT_EQUAL("1.2.3"s, text_of_property(client.peer, "version"));
        CPPUNIT_ASSERT_EQUAL("absent"s, text_of_property(client.peer, "amqp:connection-establishment-failed"));
        pn_data_t* const offered = pn_connection_remote_offered_capabilities(client.peer.connection());
        std::string all;
        pn_data_rewind(offered);
        pn_data_next(offered);
        pn_data_enter(offered);
        while (pn_data_next(offered)) {
            const pn_bytes_t name = pn_data_get_symbol(offered);
            all += std::string(name.start, name.size) + " ";
        }
        CPPUNIT_ASSERT_EQUAL("ANONYMOUS-RELAY sole-connection-for-container "s, all);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{256 * 1024}, pn_transport_get_remote_max_frame(client.peer.transport()));
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{255}, pn_transport_remote_channel_max(client.peer.transport()));
        CPPUNIT_ASSERT_EQUAL(pn_millis_t{30000}, pn_transport_get_remote_idle_timeout(client.peer.transport()));
    }

    static AmqpPeer::Options sole(const std::string& container) {
        AmqpPeer::Options options;
        options.container = container;
        options.sole_connection = true;
        return options;
    }

    void a_container_id_in_use_is_refused() {
        Broker broker;
        Client first(broker, sole("client"));
        first.pump();
        Client second(broker, sole("client"));
        second.pump();
        CPPUNIT_ASSERT(second.peer.is_closed());
        CPPUNIT_ASSERT_EQUAL("amqp:invalid-field"s, second.peer.close_condition());
        CPPUNIT_ASSERT_EQUAL("true"s, text_of_property(second.peer, "amqp:connection-establishment-failed"));
        pn_data_t* const info = pn_condition_info(pn_connection_remote_condition(second.peer.connection()));
        pn_data_rewind(info);
        pn_data_next(info);
        pn_data_enter(info);
        pn_data_next(info);
        CPPUNIT_ASSERT_EQUAL("invalid-field"s, std::string(pn_data_get_symbol(info).start, pn_data_get_symbol(info).size));
        pn_data_next(info);
        CPPUNIT_ASSERT_EQUAL("container-id"s, std::string(pn_data_get_symbol(info).start, pn_data_get_symbol(info).size));
        CPPUNIT_ASSERT(AmqpPeer::is_attached(first.sender("q")));
    }

    void a_container_id_is_free_again_after_its_connection() {
        Broker broker;
        for (const bool orderly : {true, false, true}) {
            Client client(broker, sole("client"));
            client.pump();
            CPPUNIT_ASSERT(!client.peer.is_closed());
            if (orderly) {
                client.peer.close();
                client.pump();
            }
        }
    }

    void a_user_has_only_so_many_connections() {
        Broker broker;
        broker.options.connections_per_user_max = 2;
        Client first(broker);
        auto second = std::make_unique<Client>(broker);
        first.pump();
        second->pump();
        CPPUNIT_ASSERT(first.peer.is_open() && second->peer.is_open());
        Client third(broker);
        third.pump();
        CPPUNIT_ASSERT(third.peer.is_closed());
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, third.peer.close_condition());
        CPPUNIT_ASSERT_EQUAL("true"s, text_of_property(third.peer, "amqp:connection-establishment-failed"));
        CPPUNIT_ASSERT_MESSAGE("the others stay", AmqpPeer::is_attached(first.sender("q")));
        second.reset();
        Client fourth(broker);
        fourth.pump();
        CPPUNIT_ASSERT_MESSAGE("one that is lost makes room", fourth.peer.is_open() && !fourth.peer.is_closed());
    }

    void container_ids_may_repeat_where_nobody_asked() {
        Broker broker;
        Client first(broker);
        Client second(broker);
        first.pump();
        second.pump();
        CPPUNIT_ASSERT(first.peer.is_open() && second.peer.is_open());
        CPPUNIT_ASSERT(!second.peer.is_closed());
    }

    void a_silent_peer_is_closed_after_the_idle_timeout() {
        Broker broker;
        Client client(broker);
        client.pump();
        auto& connection = *client.wire.connection;
        auto next = connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(next <= broker.clock.monotonic_now() + 60s);
        broker.clock.advance(59s);
        connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(!connection.finished());
        broker.clock.advance(2s);
        connection.tick(broker.clock.monotonic_now());
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, client.peer.close_condition());
        CPPUNIT_ASSERT(connection.finished());
    }

    void a_peer_that_asks_for_heartbeats_gets_them() {
        Broker broker;
        AmqpPeer::Options options;
        options.idle_timeout_ms = 4000;  // announced as 2000
        Client client(broker, options);
        client.pump();
        auto& connection = *client.wire.connection;
        connection.tick(broker.clock.monotonic_now());
        std::size_t beats = 0;
        for (int second = 0; second < 10; ++second) {
            broker.clock.advance(1s);
            const auto next = connection.tick(broker.clock.monotonic_now());
            CPPUNIT_ASSERT(next <= broker.clock.monotonic_now() + 1s);
            const auto bytes = client.wire.take();
            if (!bytes.empty()) ++beats;
        }
        CPPUNIT_ASSERT(beats >= 9);
    }

    void absurd_heartbeat_wishes_do_not_spin() {
        Broker broker;
        AmqpPeer::Options options;
        options.idle_timeout_ms = 2;
        Client client(broker, options);
        client.pump();
        const auto now = broker.clock.monotonic_now();
        client.wire.connection->tick(now);
        CPPUNIT_ASSERT(client.wire.connection->tick(now) >= now + 10ms);
    }

    void a_login_that_takes_too_long_is_ended() {
        Broker broker;
        Wire wire(broker);
        const auto next = wire.connection->tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(next <= broker.clock.monotonic_now() + 10s);
        wire.give({'A', 'M', 'Q', 'P', 3, 1, 0, 0});
        broker.clock.advance(10s);
        wire.connection->tick(broker.clock.monotonic_now());
        wire.take();
        CPPUNIT_ASSERT(wire.connection->finished());
    }

    void an_idle_connection_ticks_rarely() {
        Broker broker;
        Client client(broker);
        client.pump();
        const auto now = broker.clock.monotonic_now();
        CPPUNIT_ASSERT(client.wire.connection->tick(now) >= now + 10s);
    }

    void the_broker_can_close_with_a_condition() {
        Broker broker;
        Client client(broker);
        client.receiver("q", 10);
        client.wire.connection->close("amqp:connection:forced", "the broker is stopping");
        CPPUNIT_ASSERT(client.wire.wakes > 0);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("amqp:connection:forced"s, client.peer.close_condition());
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").consumers);
        CPPUNIT_ASSERT(!client.wire.connection->finished());
        client.peer.close();
        client.pump();
        CPPUNIT_ASSERT(client.wire.connection->finished());
    }

    void a_peer_that_does_not_answer_close_is_left() {
        Broker broker;
        Client client(broker);
        client.pump();
        client.wire.connection->close("amqp:connection:forced", "bye");
        client.wire.take();
        CPPUNIT_ASSERT(!client.wire.connection->finished());
        broker.clock.advance(6s);
        client.wire.connection->tick(broker.clock.monotonic_now());
        client.wire.take();
        CPPUNIT_ASSERT(client.wire.connection->finished());
    }

    /// Has more to write than it is allowed to.
    static void stuff(Client& client) {
        pn_link_t* const sender = client.sender("q");
        for (int index = 0; index < 10; ++index) client.peer.send(sender, durable_text(std::string(10'000, 'x')));
        client.pump();
        pn_link_flow(client.peer.open(client.peer.receiver("q")), 10);
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        CPPUNIT_ASSERT(!client.wire.connection->output().empty());
    }

    void a_peer_that_does_not_read_is_cut_after_close() {
        Broker broker;
        Client client(broker);
        stuff(client);
        auto& connection = *client.wire.connection;
        connection.close("amqp:connection:forced", "bye");
        CPPUNIT_ASSERT(connection.is_ending());
        CPPUNIT_ASSERT(connection.tick(broker.clock.monotonic_now()) <= broker.clock.monotonic_now() + 5s);
        CPPUNIT_ASSERT(!connection.finished());
        broker.clock.advance(6s);
        connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(connection.finished());
        CPPUNIT_ASSERT(connection.output().empty());
    }

    void a_peer_that_neither_reads_nor_writes_is_cut_after_the_idle_timeout() {
        Broker broker;
        Client client(broker);
        stuff(client);
        auto& connection = *client.wire.connection;
        connection.tick(broker.clock.monotonic_now());
        broker.clock.advance(61s);
        const auto next = connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(next <= broker.clock.monotonic_now() + 5s);
        client.wire.settle();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").delivering);
        CPPUNIT_ASSERT(!connection.finished());
        broker.clock.advance(6s);
        connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(connection.finished());
    }

    void a_peer_that_closes_and_does_not_read_is_cut() {
        Broker broker;
        Client client(broker);
        stuff(client);
        auto& connection = *client.wire.connection;
        client.peer.close();
        client.wire.give(client.peer.take_output());
        CPPUNIT_ASSERT(connection.is_ending());
        broker.clock.advance(6s);
        connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(connection.finished());
    }

    void silence_while_the_broker_does_not_read_is_not_the_peers() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.sender("q");
        auto& connection = *client.wire.connection;
        connection.tick(broker.clock.monotonic_now());
        broker.commits = false;
        pn_delivery_t* const delivery = client.peer.send(link, durable_text(std::string(10'000'000, 'x')));
        client.pump();
        CPPUNIT_ASSERT(connection.input_buffer().empty());
        for (int round = 0; round < 5; ++round) {
            broker.clock.advance(50s);
            connection.tick(broker.clock.monotonic_now());
        }
        broker.clock.advance(50s);
        broker.commits = true;
        client.pump();
        // It has been read again only just before this tick.
        connection.tick(broker.clock.monotonic_now());
        CPPUNIT_ASSERT(!client.peer.is_closed());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
        broker.clock.advance(61s);
        connection.tick(broker.clock.monotonic_now());
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT_EQUAL("amqp:resource-limit-exceeded"s, client.peer.close_condition());
    }

    using Bytes = std::vector<std::uint8_t>;

    static Bytes attach_of_sender(std::string_view name, std::uint32_t handle) {
        return frame_of(0x12, 7, [&](codec::Writer& writer) {
            writer.string(name);
            writer.uint32(handle);
            writer.boolean(false);
            writer.null();
            writer.null();
            writer.descriptor(0x28);
            writer.end(writer.begin_list(), 0);
            writer.descriptor(0x29);
            const auto target = writer.begin_list();
            writer.string("q");
            writer.end(target, 1);
        });
    }

    /// What the peer sends over and over without reading is held back, and goes on once it reads.
    static void assert_bounded(Client& client, const Bytes& first, const Bytes& second, std::size_t rounds) {
        Bytes flood;
        for (std::size_t round = 0; round < rounds; ++round) {
            flood.insert(flood.end(), first.begin(), first.end());
            flood.insert(flood.end(), second.begin(), second.end());
        }
        auto& connection = *client.wire.connection;
        auto rest = client.wire.give(flood);
        CPPUNIT_ASSERT(!rest.empty());
        CPPUNIT_ASSERT(connection.input_buffer().empty());
        CPPUNIT_ASSERT(!connection.output().empty());
        CPPUNIT_ASSERT(!connection.finished());
        for (int turn = 0; turn < 10'000 && !rest.empty(); ++turn) {
            client.wire.take();
            client.wire.settle();
            rest = client.wire.give(std::move(rest));
        }
        client.wire.take();
        client.wire.settle();
        client.wire.take();
        CPPUNIT_ASSERT(rest.empty());
        CPPUNIT_ASSERT(!connection.finished());
        CPPUNIT_ASSERT(!connection.input_buffer().empty());
    }

    void a_peer_that_never_reads_is_not_read_without_end() {
        Broker broker;
        Client client(broker);
        client.pump();
        const Bytes begin = frame_of(0x11, 4, [](codec::Writer& writer) {
            writer.null();
            for (const std::uint32_t number : {0U, 10U, 10U}) writer.uint32(number);
        });
        const Bytes end = frame_of(0x17, 0, [](codec::Writer&) {});
        assert_bounded(client, begin, end, 5'000);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, client.wire.connection->view().sessions.size());
        client.wire.give(begin);
        const Bytes detach = frame_of(0x16, 2, [](codec::Writer& writer) {
            writer.uint32(9);
            writer.boolean(true);
        });
        assert_bounded(client, attach_of_sender("again", 9), detach, 20'000);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.wire.connection->view().producers);
    }

    void frames_of_the_largest_size_are_taken() {
        for (const std::size_t step : {std::size_t{1'000'000}, std::size_t{65'536}, std::size_t{77'777}}) {
            Broker broker;
            Client client(broker);
            client.step = step;
            pn_link_t* const link = client.sender("q");
            std::vector<pn_delivery_t*> deliveries;
            // The client's engine fills frames up to the broker's maximum of 256 KiB.
            for (const std::size_t size : {262'000U, 262'144U, 700'000U, 10U, 262'090U}) {
                deliveries.push_back(client.peer.send(link, durable_text(std::string(size, 'x'))));
            }
            client.pump();
            for (pn_delivery_t* const delivery : deliveries) {
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(delivery));
            }
        }
    }

    void closing_before_open_just_ends() {
        Broker broker;
        Wire wire(broker);
        wire.connection->close("amqp:connection:forced", "bye");
        wire.take();
        CPPUNIT_ASSERT(wire.connection->finished());
    }

    void a_wrong_header_is_answered_with_the_right_one() {
        const std::vector<std::uint8_t> sasl_header{'A', 'M', 'Q', 'P', 3, 1, 0, 0};
        const std::string http = "GET / HTTP/1.1\r\n";
        for (const auto& bad :
             {std::vector<std::uint8_t>{'A', 'M', 'Q', 'P', 0, 1, 0, 0}, {'A', 'M', 'Q', 'P', 0, 0, 9, 1}, {http.begin(), http.end()}}) {
            Broker broker;
            broker.options.mechanisms = {amqp::Mechanism::scram_sha_256};
            Wire wire(broker);
            wire.give(bad);
            const auto answer = wire.take();
            CPPUNIT_ASSERT(answer == sasl_header);
            CPPUNIT_ASSERT(wire.connection->finished());
            CPPUNIT_ASSERT(wire.connection->input_buffer().empty());
        }
    }

    void garbage_after_login_is_answered_with_a_condition() {
        Broker broker;
        Client client(broker);
        client.receiver("q", 1);
        client.wire.give({0, 0, 0, 12, 2, 0, 0, 0, 'j', 'u', 'n', 'k'});
        client.wire.settle();
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, client.peer.close_condition());
        CPPUNIT_ASSERT(client.wire.connection->finished());
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").consumers);
    }

    void a_frame_too_large_is_answered_with_a_condition() {
        Broker broker;
        broker.options.max_frame_bytes = 1024;
        Client client(broker);
        client.pump();
        client.wire.give({0, 0, 4, 1, 2, 0, 0, 0});
        client.wire.settle();
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT_EQUAL("amqp:connection:framing-error"s, client.peer.close_condition());
    }

    void a_session_over_the_limit_ends_the_connection() {
        Broker broker;
        broker.options.sessions_max = 2;
        Client client(broker);
        client.pump();
        client.peer.begin();
        client.peer.begin();
        client.pump();
        CPPUNIT_ASSERT(!client.peer.is_closed());
        // The client's engine keeps to channel-max, so the third begin is made by hand.
        client.wire.give({0, 0, 0, 21, 2, 0, 0, 2, 0x00, 0x53, 0x11, 0xc0, 8, 4, 0x40, 0x43, 0x52, 10, 0x52, 10, 0x40});
        client.wire.settle();
        client.peer.input(client.wire.take());
        CPPUNIT_ASSERT(client.peer.is_closed());
    }

    void a_link_name_attached_twice_is_stolen() {
        for (const bool answered : {true, false}) {
            Broker broker;
            Client client(broker);
            pn_link_t* const first = client.peer.open(client.peer.sender("q", "same"));
            if (answered) client.pump();
            pn_link_t* const second = client.peer.open(client.peer.sender("q", "same"));
            client.pump();
            CPPUNIT_ASSERT(!client.peer.is_closed());
            CPPUNIT_ASSERT_EQUAL("amqp:link:stolen"s, AmqpPeer::link_condition(first));
            CPPUNIT_ASSERT(AmqpPeer::is_attached(second) && AmqpPeer::link_condition(second).empty());
            // A name is taken by role: a consumer may have it too.
            pn_link_t* const receiver = client.peer.open(client.peer.receiver("q", "same"));
            pn_link_flow(receiver, 1);
            // What the peer says about the stolen link is not passed on.
            pn_link_detach(first);
            client.send(second, durable_text("m"));
            CPPUNIT_ASSERT(!client.peer.is_closed());
            CPPUNIT_ASSERT_EQUAL("m"s, client.texts());
            CPPUNIT_ASSERT_EQUAL(std::uint32_t{1}, client.queue("q").producers);
        }
    }

    void a_stolen_consumer_gives_its_messages_back() {
        Broker broker;
        Client client(broker);
        client.send(client.sender("q"), durable_text("m"));
        pn_link_t* const first = client.peer.open(client.peer.receiver("q", "same"));
        pn_link_flow(first, 5);
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, client.peer.received.size());
        pn_link_t* const second = client.peer.open(client.peer.receiver("q", "same"));
        pn_link_flow(second, 5);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("amqp:link:stolen"s, AmqpPeer::link_condition(first));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, client.peer.received.size());
        CPPUNIT_ASSERT(client.peer.received[1].link == second);
        CPPUNIT_ASSERT_EQUAL(0u, delivery_count_of(client.peer.received[1].bytes));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{1}, client.queue("q").consumers);
        client.settle(client.peer.received[1], PN_ACCEPTED);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void a_stolen_producer_still_gets_its_outcomes() {
        Broker broker;
        Client client(broker);
        pn_link_t* const first = client.peer.open(client.peer.sender("q", "same"));
        client.pump();
        broker.commits = false;
        pn_delivery_t* const delivery = client.send(first, durable_text("m"));
        pn_session_t* const other = client.peer.begin();
        pn_link_t* const elsewhere = client.peer.open(client.peer.sender("q", "same", other));
        client.pump();
        CPPUNIT_ASSERT_MESSAGE("another session is another matter", AmqpPeer::is_attached(elsewhere));
        CPPUNIT_ASSERT(AmqpPeer::link_condition(first).empty());
        // The client's engine does not bear a second link of the name before the first is gone, so the attach is made by hand.
        client.wire.give(attach_of_sender("same", 9));
        broker.commits = true;
        client.wire.settle();
        client.wire.take();
        CPPUNIT_ASSERT(!client.wire.connection->finished());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{2}, client.queue("q").producers);
        static_cast<void>(delivery);
    }

    void stealing_again_and_again_leaves_one_link() {
        Broker broker;
        broker.options.links_max = 4;
        Client client(broker);
        client.sender("q");
        for (int round = 0; round < 100; ++round) {
            pn_link_t* const before = client.peer.open(client.peer.receiver("q", "same"));
            client.pump();
            CPPUNIT_ASSERT(AmqpPeer::is_attached(before) && AmqpPeer::link_condition(before).empty());
            pn_link_t* const after = client.peer.open(client.peer.receiver("q", "same"));
            client.pump();
            CPPUNIT_ASSERT_EQUAL("amqp:link:stolen"s, AmqpPeer::link_condition(before));
            pn_link_close(before);
            pn_link_close(after);
            client.pump();
            pn_link_free(before);
            pn_link_free(after);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, client.queue("q").consumers);
        CPPUNIT_ASSERT(!client.peer.is_closed());
    }

    void an_output_span_survives_input() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        for (int index = 0; index < 100; ++index) client.peer.send(sender, durable_text("m"));
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        const auto span = client.wire.connection->output();
        const std::vector<std::uint8_t> before(span.begin(), span.end());
        CPPUNIT_ASSERT(!before.empty());
        for (int index = 0; index < 100; ++index) client.peer.send(sender, durable_text("m"));
        client.wire.give(client.peer.take_output());
        client.wire.settle();
        CPPUNIT_ASSERT(std::equal(before.begin(), before.end(), span.begin()));
        const auto again = client.wire.connection->output();
        CPPUNIT_ASSERT(again.data() == span.data() && again.size() == span.size());
    }

    void news_after_abort_touch_nothing() {
        Broker broker;
        auto client = std::make_unique<Client>(broker);
        pn_link_t* const sender = client->sender("q");
        client->receiver("q", 100);
        broker.commits = false;
        for (int index = 0; index < 10; ++index) client->peer.send(sender, durable_text("m"));
        client->pump();
        const std::uint64_t wakes = client->wire.wakes;
        client->wire.connection->abort();
        broker.commits = true;
        client->wire.settle();
        CPPUNIT_ASSERT_EQUAL(wakes, client->wire.wakes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, client->queue("q").messages);
        client.reset();
        broker.core_executor.run_all();
    }

    static std::vector<std::uint8_t> conversation() {
        Broker broker;
        Client client(broker);
        std::vector<std::uint8_t> all;
        pn_link_t* const sender = client.peer.open(client.peer.sender("q"));
        pn_link_t* const receiver = client.peer.open(client.peer.receiver("q"));
        pn_link_flow(receiver, 10);
        for (int round = 0; round < 20; ++round) {
            const auto bytes = client.peer.take_output();
            all.insert(all.end(), bytes.begin(), bytes.end());
            client.wire.give(bytes);
            client.wire.settle();
            client.peer.input(client.wire.take());
            if (round == 6) {
                for (int index = 0; index < 5; ++index) client.peer.send(sender, durable_text("message"));
            }
            if (round == 12) {
                for (const auto& received : client.peer.received) {
                    pn_delivery_update(received.delivery, PN_ACCEPTED);
                    pn_delivery_settle(received.delivery);
                }
            }
            if (round == 16) client.peer.close();
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, client.peer.received.size());
        return all;
    }

    void the_socket_may_end_at_any_byte() {
        const auto bytes = conversation();
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            Broker broker;
            Wire wire(broker);
            wire.settle_between = true;
            wire.give({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut)}, 64);
            wire.settle();
            wire.take();
            wire.connection->input_closed();
            wire.settle();
            wire.take();
            CPPUNIT_ASSERT(wire.connection->finished());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().consumers);
        }
    }

    void changed_bytes_never_end_the_broker() {
        const auto bytes = conversation();
        const char* const given = std::getenv("GIROMQ_TEST_SEED");
        const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
        std::fprintf(stderr, " GIROMQ_TEST_SEED=%u ", seed);
        std::mt19937 random(seed);
        const int rounds = std::getenv("GIROMQ_TEST_LONG") != nullptr ? 200'000 : 2'000;
        for (int round = 0; round < rounds; ++round) {
            auto changed = bytes;
            for (auto changes = random() % 4 + 1; changes > 0; --changes) {
                const std::size_t at = random() % changed.size();
                switch (random() % 3) {
                    case 0: changed[at] = static_cast<std::uint8_t>(random()); break;
                    case 1: changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at)); break;
                    default: changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random())); break;
                }
            }
            Broker broker;
            Wire wire(broker);
            wire.settle_between = true;
            wire.give(changed, random() % 500 + 1);
            wire.settle();
            wire.take();
        }
    }

    void a_core_that_stops_detaches_everybody() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        pn_link_t* const receiver = client.receiver("q", 1);
        broker.core->stop([] {});
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_closed(sender));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(receiver));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpConnectionTest);

}  // namespace giromq::test
