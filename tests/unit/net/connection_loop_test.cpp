#include "net/connection_loop.hpp"

#include <cppunit/extensions/HelperMacros.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <csignal>

#include "net/tls_context.hpp"
#include "unit/amqp/broker.hpp"
#include "unit/net/certificates.hpp"
#include "unit/store/temporary_folder.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

using boost::asio::ip::tcp;
using net::ConnectionLoop;
using net::LoopSettings;

/// One connection over a real socket, from its first byte to its end. The io_context runs when the test says so.
class ConnectionLoopTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConnectionLoopTest);
    CPPUNIT_TEST(bytes_go_both_ways);
    CPPUNIT_TEST(an_idle_connection_is_woken_by_the_core);
    CPPUNIT_TEST(a_full_socket_is_written_on_when_it_has_room);
    CPPUNIT_TEST(small_turns_lose_nothing);
    CPPUNIT_TEST(a_handshake_that_does_not_end_is_cut);
    CPPUNIT_TEST(a_client_that_goes_away_ends_the_connection);
    CPPUNIT_TEST(an_orderly_end_is_over_when_the_client_closes_its_side);
    CPPUNIT_TEST(the_close_frame_is_not_lost_to_unread_input);
    CPPUNIT_TEST(a_client_that_keeps_its_side_open_is_left_after_a_while);
    CPPUNIT_TEST(closing_during_the_handshake_just_ends);
    CPPUNIT_TEST(aborting_cuts_and_tells_once);
    CPPUNIT_TEST(a_view_is_given_while_it_is_open);
    CPPUNIT_TEST_SUITE_END();

    struct Rig {
        explicit Rig(LoopSettings settings = {}, std::shared_ptr<net::TlsContext> tls = nullptr, int send_buffer_bytes = 0) : far(io) {
            std::signal(SIGPIPE, SIG_IGN);
            tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
            if (send_buffer_bytes > 0) acceptor.set_option(boost::asio::socket_base::send_buffer_size(send_buffer_bytes));
            if (send_buffer_bytes > 0) {
                far.open(tcp::v4());
                far.set_option(boost::asio::socket_base::receive_buffer_size(send_buffer_bytes));
            }
            far.connect(acceptor.local_endpoint());
            auto near = acceptor.accept();
            near.non_blocking(true);
            far.non_blocking(true);
            auto stream = tls ? net::make_tls_stream(std::move(near), tls->current()) : net::make_plain_stream(std::move(near));
            auto services = broker.services();
            loop = std::make_shared<ConnectionLoop>(
                ConnectionLoop::Parts{io, ConnectionId{1}, std::move(stream), broker.peer, nullptr,
                                      amqp::Services{services.core, services.core_executor, services.users, clock, services.containers,
                                                     services.selectors, services.user_connections},
                                      broker.options, workers, settings, [this](ConnectionId) {
                                          ++ended;
                                          loop.reset();
                                      }});
            loop->start();
        }
        ~Rig() {
            if (loop) loop->abort();
            step();
        }

        /// Whatever can be done without waiting.
        void step() {
            io.restart();
            io.poll();
            broker.core_executor.run_all();
            broker.doors->run();
            broker.core_executor.run_all();
            workers.run_all();
            io.restart();
            io.poll();
        }
        std::size_t read() {
            std::array<std::uint8_t, 16 * 1024> buffer;
            boost::system::error_code error;
            const std::size_t count = far.read_some(boost::asio::buffer(buffer.data(), std::min(buffer.size(), read_bytes)), error);
            saw_end |= error == boost::asio::error::eof;
            saw_reset |= error == boost::asio::error::connection_reset;
            if (!error) peer.input({buffer.data(), count});
            return error ? 0 : count;
        }
        void write() {
            const auto bytes = peer.take_output();
            to_broker.insert(to_broker.end(), bytes.begin(), bytes.end());
            boost::system::error_code error;
            const std::size_t count = far.write_some(boost::asio::buffer(to_broker), error);
            if (!error) to_broker.erase(to_broker.begin(), to_broker.begin() + static_cast<std::ptrdiff_t>(count));
        }
        /// Moves bytes and runs what there is to run until `done`; waits for the socket if nothing moves.
        template <typename Condition>
        void until(Condition done) {
            for (int round = 0; round < 100'000 && !done(); ++round) {
                write();
                step();
                if (read() > 0 || done()) continue;
                pollfd ready{static_cast<int>(far.native_handle()), POLLIN, 0};
                ::poll(&ready, 1, 1);
            }
            CPPUNIT_ASSERT(done());
        }
        /// Runs the io_context until the connection has ended; waits for its timers.
        void until_ended() {
            for (int round = 0; round < 10'000 && ended == 0; ++round) {
                broker.core_executor.run_all();
                io.restart();
                io.run_one();
            }
            CPPUNIT_ASSERT_EQUAL(1, ended);
        }
        void open() {
            until([this] { return peer.is_open(); });
        }

        Broker broker;
        SystemClock clock;
        boost::asio::io_context io;
        ManualExecutor workers;
        tcp::socket far;
        AmqpPeer peer;
        std::vector<std::uint8_t> to_broker;
        std::size_t read_bytes = SIZE_MAX;
        bool saw_end = false;
        bool saw_reset = false;
        int ended = 0;
        std::shared_ptr<ConnectionLoop> loop;
    };

    static std::uint64_t messages(Rig& rig) {
        const auto queue = rig.broker.core->find_destination("q");
        return queue ? rig.broker.core->view_queue(*queue).value().messages : 0;
    }

    void bytes_go_both_ways() {
        Rig rig;
        rig.open();
        pn_link_t* const link = rig.peer.open(rig.peer.sender("q"));
        pn_delivery_t* const delivery = rig.peer.send(link, durable_text("hello"));
        rig.until([&] { return pn_delivery_remote_state(delivery) == PN_ACCEPTED; });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, messages(rig));
        pn_link_flow(rig.peer.open(rig.peer.receiver("q")), 1);
        rig.until([&] { return rig.peer.received.size() == 1; });
        CPPUNIT_ASSERT_EQUAL("hello"s, text_of(rig.peer.received[0].bytes));
    }

    void an_idle_connection_is_woken_by_the_core() {
        Rig rig;
        rig.open();
        pn_link_t* const receiver = rig.peer.open(rig.peer.receiver("q"));
        pn_link_flow(receiver, 1);
        rig.until([&] { return AmqpPeer::is_attached(receiver); });
        // Another connection of the broker sends.
        Client client(rig.broker);
        client.send(client.sender("q"), durable_text("m"));
        rig.until([&] { return rig.peer.received.size() == 1; });
    }

    void a_full_socket_is_written_on_when_it_has_room() {
        Rig rig({}, nullptr, 4096);
        rig.read_bytes = 1000;
        rig.open();
        pn_link_t* const link = rig.peer.open(rig.peer.sender("q"));
        const std::string body(50'000, 'x');
        for (int index = 0; index < 20; ++index) rig.peer.send(link, durable_text(body));
        rig.until([&] { return messages(rig) == 20; });
        pn_link_flow(rig.peer.open(rig.peer.receiver("q")), 20);
        rig.until([&] { return rig.peer.received.size() == 20; });
        for (const auto& received : rig.peer.received) CPPUNIT_ASSERT(text_of(received.bytes) == body);
    }

    void small_turns_lose_nothing() {
        LoopSettings settings;
        settings.rounds_per_turn = 1;
        settings.bytes_per_turn = 700;
        Rig rig(settings);
        rig.open();
        pn_link_t* const link = rig.peer.open(rig.peer.sender("q"));
        const std::string body(30'000, 'x');
        for (int index = 0; index < 10; ++index) rig.peer.send(link, durable_text(body));
        pn_link_flow(rig.peer.open(rig.peer.receiver("q")), 10);
        rig.until([&] { return rig.peer.received.size() == 10; });
    }

    static std::shared_ptr<net::TlsContext> tls_context(const store::test::TemporaryFolder& folder) {
        const auto server = make_identity({"localhost"});
        net::TlsSettings settings;
        settings.certificate_file = folder.path() + "/server.pem";
        settings.key_file = folder.path() + "/server.key";
        write_certificate(server, settings.certificate_file);
        write_key(server, settings.key_file);
        return net::TlsContext::load(settings).value();
    }

    void a_handshake_that_does_not_end_is_cut() {
        const store::test::TemporaryFolder folder;
        LoopSettings settings;
        settings.handshake_timeout = 1ms;
        Rig rig(settings, tls_context(folder));
        // The beginning of a ClientHello, and then nothing.
        boost::asio::write(rig.far, boost::asio::buffer("\x16\x03\x01\x02", 4));
        rig.until_ended();
        rig.until([&] {
            rig.read();
            return rig.saw_end || rig.saw_reset;
        });
    }

    void a_client_that_goes_away_ends_the_connection() {
        Rig rig;
        rig.open();
        pn_link_flow(rig.peer.open(rig.peer.receiver("q")), 1);
        rig.until([&] { return rig.broker.core->view().consumers == 1; });
        rig.far.close();
        rig.until_ended();
        rig.step();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, rig.broker.core->view().consumers);
    }

    void an_orderly_end_is_over_when_the_client_closes_its_side() {
        LoopSettings settings;
        settings.linger = 1h;
        Rig rig(settings);
        rig.open();
        rig.peer.close();
        rig.until([&] { return rig.saw_end; });
        CPPUNIT_ASSERT(rig.peer.is_closed());
        CPPUNIT_ASSERT_EQUAL(0, rig.ended);
        rig.far.close();
        rig.until_ended();
    }

    void the_close_frame_is_not_lost_to_unread_input() {
        Rig rig;
        rig.open();
        // More than the broker has read when it closes: closing the socket on that would send a reset.
        const std::vector<std::uint8_t> heartbeats = [] {
            std::vector<std::uint8_t> bytes;
            for (int count = 0; count < 2000; ++count) bytes.insert(bytes.end(), {0, 0, 0, 8, 2, 0, 0, 0});
            return bytes;
        }();
        rig.loop->close("amqp:connection:forced", "bye");
        boost::asio::write(rig.far, boost::asio::buffer(heartbeats));
        rig.until([&] { return rig.peer.is_closed(); });
        CPPUNIT_ASSERT_EQUAL("amqp:connection:forced"s, rig.peer.close_condition());
        rig.peer.close();
        rig.until([&] { return rig.saw_end; });
        CPPUNIT_ASSERT(!rig.saw_reset);
    }

    void a_client_that_keeps_its_side_open_is_left_after_a_while() {
        LoopSettings settings;
        settings.linger = 1ms;
        Rig rig(settings);
        rig.open();
        rig.peer.close();
        rig.write();
        rig.until_ended();
    }

    void closing_during_the_handshake_just_ends() {
        const store::test::TemporaryFolder folder;
        Rig rig({}, tls_context(folder));
        rig.step();
        rig.loop->close("amqp:connection:forced", "bye");
        rig.until_ended();
    }

    void aborting_cuts_and_tells_once() {
        Rig rig;
        rig.open();
        const auto loop = rig.loop;
        loop->abort();
        loop->abort();
        rig.until_ended();
        rig.step();
        CPPUNIT_ASSERT_EQUAL(1, rig.ended);
        bool was_open = true;
        loop->view([&was_open](const std::optional<ConnectionLoop::View>& view) { was_open = view.has_value(); });
        rig.step();
        CPPUNIT_ASSERT(!was_open);
    }

    void a_view_is_given_while_it_is_open() {
        Rig rig;
        rig.open();
        std::string user;
        rig.loop->view([&user](const std::optional<ConnectionLoop::View>& view) { user = view ? view->user : "none"; });
        rig.step();
        CPPUNIT_ASSERT_EQUAL("anonymous"s, user);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionLoopTest);

}  // namespace giromq::test
