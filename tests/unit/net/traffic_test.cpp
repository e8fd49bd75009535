#include <cppunit/extensions/HelperMacros.h>
#include <poll.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <set>
#include <thread>
#include <type_traits>

#include "net/acceptor.hpp"
#include "net/amqp_server.hpp"
#include "net/io_runtime.hpp"
#include "net/strand_executor.hpp"
#include "net/worker_thread.hpp"
#include "store/commit_queue.hpp"
#include "unit/amqp/broker.hpp"

using namespace std::chrono_literals;

namespace giromq::test {

using boost::asio::ip::tcp;

/// The broker with its real threads, over a store in memory, and clients in threads of their own: what the thread sanitizer is for.
class TrafficTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TrafficTest);
    CPPUNIT_TEST(every_accepted_message_is_received_once);
    CPPUNIT_TEST(connections_that_are_torn_and_closed_lose_nothing);
    CPPUNIT_TEST(large_messages_are_consumed_and_browsed_at_once);
    CPPUNIT_TEST(what_was_accepted_is_there_when_the_broker_closes_in_the_middle);
    CPPUNIT_TEST_SUITE_END();

    static core::CoreSettings core_settings() {
        core::CoreSettings settings;
        settings.create_queues = true;
        return settings;
    }

    /// As broker/main wires it.
    struct Server {
        Server() {
            std::promise<Result<void>> recovered;
            commits.run_on_store_thread([&](store::Store& engine) { recovered.set_value(engine.recover(core.recovery())); });
            CPPUNIT_ASSERT(recovered.get_future().get().ok());
            io.start();
            std::promise<bool> started;
            core_executor.execute([&] { core.start({}, [&](const Result<void>& result) { started.set_value(result.ok()); }); });
            CPPUNIT_ASSERT(started.get_future().get());
            users.permissions().put({1,
                                     GranteeKind::role,
                                     "application",
                                     "#",
                                     {Action::send, Action::receive, Action::browse, Action::read_body, Action::create},
                                     {},
                                     "test"});
            users.put(security::make_user("alice", Role::application, "correct horse", security::iterations_min).value());
            amqp::ConnectionSettings settings;
            settings.mechanisms = {amqp::Mechanism::anonymous, amqp::Mechanism::plain};
            auto serve = [this, settings](net::Accepted accepted) { amqp.serve(std::move(accepted), settings, nullptr); };
            acceptor = net::Acceptor::listen(io.context(), "127.0.0.1", 0, net::Admission({1000, 1000}), serve).value();
            const std::string address = acceptor->address();
            port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
            acceptor->start();
        }
        ~Server() {
            acceptor->stop();
            amqp.close_all("amqp:connection:forced", "the test is over");
            amqp.abort_all();
            amqp.wait_until_closed(10s);
            on_core([] { return true; });
            commits.stop();
            reads.stop();
            io.stop();
            workers.stop();
        }
        template <typename Ask>
        std::invoke_result_t<Ask> on_core(Ask ask) {
            std::promise<std::invoke_result_t<Ask>> answered;
            core_executor.execute([&] { answered.set_value(ask()); });
            return answered.get_future().get();
        }
        std::uint64_t messages() {
            return on_core([this] { return core.view().messages; });
        }

        SystemClock clock;
        store::MemoryStore store{store::make_memory_disk()};
        store::Lease lease = store.acquire().value();
        net::IoRuntime io{2, std::chrono::microseconds(200)};
        net::WorkerThread workers;
        net::StrandExecutor core_executor{io.context(), net::StrandExecutor::Idle::run_now};
        store::CommitQueue commits{store,
                                   lease,
                                   store.last_batch().value(),
                                   core_executor,
                                   [](const Error&) { std::abort(); },
                                   {.busy_wait = std::chrono::microseconds(200)}};
        store::ReadQueue reads{store, core_executor};
        core::Core core{clock, commits, reads, core_settings()};
        security::UserDirectory users;
        amqp::ContainerRegistry containers;
        amqp::UserConnections user_connections;
        selector::ProgramCache selectors;
        net::AmqpServer amqp{
            io.context(), amqp::Services{core, core_executor, users, clock, containers, selectors, user_connections}, workers, {}};
        std::unique_ptr<net::Acceptor> acceptor;
        std::uint16_t port = 0;
    };

    /// A client with a blocking socket, in the thread that uses it.
    struct Peer {
        Peer(std::uint16_t port, bool logs_in) : socket(io), amqp(options(logs_in)) {
            socket.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
            socket.non_blocking(true);
        }
        static AmqpPeer::Options options(bool logs_in) {
            AmqpPeer::Options made;
            if (logs_in) made.user = "alice";
            if (logs_in) made.password = "correct horse";
            return made;
        }
        template <typename Condition>
        bool until(Condition done) {
            for (int round = 0; round < 100'000 && !done(); ++round) {
                const auto bytes = amqp.take_output();
                output.insert(output.end(), bytes.begin(), bytes.end());
                boost::system::error_code error;
                const std::size_t written = output.empty() ? 0 : socket.write_some(boost::asio::buffer(output), error);
                output.erase(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(written));
                std::array<std::uint8_t, 16 * 1024> input;
                const std::size_t count = socket.read_some(boost::asio::buffer(input), error);
                if (count > 0) amqp.input({input.data(), count});
                if (error && error != boost::asio::error::would_block) return done();
                pollfd ready{socket.native_handle(), static_cast<short>(output.empty() ? POLLIN : POLLIN | POLLOUT), 0};
                if (count == 0 && !done()) ::poll(&ready, 1, 100);
            }
            return done();
        }

        boost::asio::io_context io;
        tcp::socket socket;
        AmqpPeer amqp;
        std::vector<std::uint8_t> output;
    };

    static constexpr int clients = 4;
    static constexpr int messages_each = 200;

    static void produce(Server& server, int number) {
        Peer peer(server.port, number % 2 == 0);
        pn_link_t* const link = peer.amqp.open(peer.amqp.sender("q"));
        CPPUNIT_ASSERT(peer.until([&] { return pn_link_credit(link) > 0; }));
        std::vector<pn_delivery_t*> deliveries;
        for (int index = 0; index < messages_each; ++index) {
            const std::string text = std::to_string(number) + "." + std::to_string(index);
            deliveries.push_back(peer.amqp.send(link, MessageBuilder().header(index % 2 == 0).text(text).bytes()));
        }
        CPPUNIT_ASSERT(peer.until([&] {
            return std::ranges::all_of(deliveries, [](pn_delivery_t* each) { return pn_delivery_remote_state(each) == PN_ACCEPTED; });
        }));
        peer.amqp.close();
        peer.until([&] { return peer.amqp.is_closed(); });
    }

    void every_accepted_message_is_received_once() {
        Server server;
        std::atomic<int> received{0};
        std::set<std::string> texts;
        std::mutex mutex;
        const auto consume = [&] {
            Peer peer(server.port, false);
            pn_link_t* const link = peer.amqp.open(peer.amqp.receiver("q"));
            pn_link_flow(link, 1'000'000);
            CPPUNIT_ASSERT(peer.until([&] {
                for (const auto& one : peer.amqp.take_received()) {
                    const std::lock_guard lock(mutex);
                    CPPUNIT_ASSERT(texts.insert(text_of(one.bytes)).second);
                    pn_delivery_update(one.delivery, PN_ACCEPTED);
                    pn_delivery_settle(one.delivery);
                    ++received;
                }
                return received == clients * messages_each;
            }));
            // What was settled last goes out before the close.
            peer.amqp.close();
            peer.until([&] { return peer.amqp.is_closed(); });
        };
        std::vector<std::future<void>> done;
        for (int number = 0; number < clients; ++number) {
            done.push_back(std::async(std::launch::async, [&server, number] { produce(server, number); }));
            done.push_back(std::async(std::launch::async, consume));
        }
        // Administration looks on.
        for (int look = 0; look < 100; ++look) {
            std::promise<std::size_t> listed;
            server.amqp.list(ConnectionId{}, 100, [&](const auto& views) { listed.set_value(views.size()); });
            CPPUNIT_ASSERT(listed.get_future().get() <= 2 * clients);
        }
        for (auto& each : done) each.get();
        CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(clients * messages_each), texts.size());
        // The last removals may still be on their way to the store.
        for (int round = 0; round < 100'000 && server.messages() > 0; ++round) {
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, server.messages());
    }

    void connections_that_are_torn_and_closed_lose_nothing() {
        Server server;
        std::vector<std::future<void>> done;
        for (int number = 0; number < clients; ++number) {
            done.push_back(std::async(std::launch::async, [&server, number] { produce(server, number); }));
            done.push_back(std::async(std::launch::async, [&server, number] {
                // Takes some, settles none, and is gone in the middle.
                for (int round = 0; round < 10; ++round) {
                    Peer peer(server.port, round % 3 == 0);
                    pn_link_flow(peer.amqp.open(peer.amqp.receiver("q")), 50);
                    peer.until([&] { return static_cast<int>(peer.amqp.received.size()) >= (number + round) % 20; });
                    if (round % 2 == 0) peer.amqp.close();
                    if (round % 4 == 0) peer.until([&] { return peer.amqp.is_closed(); });
                }
            }));
        }
        for (auto& each : done) each.get();
        CPPUNIT_ASSERT(peerless(server));
        CPPUNIT_ASSERT_EQUAL(static_cast<std::uint64_t>(clients * messages_each), server.messages());
    }

    void large_messages_are_consumed_and_browsed_at_once() {
        Server server;
        const std::string body(700'000, 'x');
        constexpr std::size_t count = 6;
        const auto receive = [&](pn_distribution_mode_t mode) {
            Peer peer(server.port, false);
            pn_link_t* const link = peer.amqp.receiver("q");
            pn_terminus_set_distribution_mode(pn_link_source(link), mode);
            pn_link_flow(peer.amqp.open(link), 100);
            // The browser may come too late for some of them.
            const std::size_t enough = mode == PN_DIST_MODE_COPY ? 0 : count;
            CPPUNIT_ASSERT(peer.until([&] { return AmqpPeer::is_attached(link) && peer.amqp.received.size() >= enough; }));
            for (const auto& one : peer.amqp.take_received()) {
                CPPUNIT_ASSERT(text_of(one.bytes) == body);
                pn_delivery_update(one.delivery, PN_ACCEPTED);
                pn_delivery_settle(one.delivery);
            }
            peer.amqp.close();
            peer.until([&] { return peer.amqp.is_closed(); });
        };
        std::vector<std::future<void>> done;
        done.push_back(std::async(std::launch::async, receive, PN_DIST_MODE_MOVE));
        for (int number = 0; number < 3; ++number) done.push_back(std::async(std::launch::async, receive, PN_DIST_MODE_COPY));
        Peer peer(server.port, false);
        pn_link_t* const link = peer.amqp.open(peer.amqp.sender("q"));
        CPPUNIT_ASSERT(peer.until([&] { return pn_link_credit(link) > 0; }));
        std::vector<pn_delivery_t*> deliveries;
        for (std::size_t index = 0; index < count; ++index) deliveries.push_back(peer.amqp.send(link, durable_text(body)));
        CPPUNIT_ASSERT(peer.until([&] {
            return std::ranges::all_of(deliveries, [](pn_delivery_t* each) { return pn_delivery_remote_state(each) == PN_ACCEPTED; });
        }));
        for (auto& each : done) each.get();
    }

    void what_was_accepted_is_there_when_the_broker_closes_in_the_middle() {
        Server server;
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> sent{0};
        const auto send_until_closed = [&] {
            Peer peer(server.port, false);
            pn_link_t* const link = peer.amqp.open(peer.amqp.sender("q"));
            std::vector<pn_delivery_t*> deliveries;
            peer.until([&] {
                if (pn_link_credit(link) > 900 && pn_link_queued(link) == 0) {
                    deliveries.push_back(peer.amqp.send(link, durable_text("m")));
                    ++sent;
                }
                return peer.amqp.is_closed();
            });
            for (pn_delivery_t* const each : deliveries) accepted += pn_delivery_remote_state(each) == PN_ACCEPTED ? 1U : 0U;
        };
        std::vector<std::future<void>> done;
        for (int number = 0; number < clients; ++number) done.push_back(std::async(std::launch::async, send_until_closed));
        while (sent < 100) std::this_thread::yield();
        CPPUNIT_ASSERT(peerless(server));
        for (auto& each : done) each.get();
        const std::uint64_t there = server.messages();
        CPPUNIT_ASSERT(there >= accepted);
        CPPUNIT_ASSERT(there <= sent);
    }

    /// Whether every connection has ended; the last ones may still be on their way out.
    static bool peerless(Server& server) {
        server.amqp.close_all("amqp:connection:forced", "the test is over");
        return server.amqp.wait_until_closed(10s);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TrafficTest);

}  // namespace giromq::test
