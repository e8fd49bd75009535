#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amqp/connection.hpp"
#include "base/unique_function.hpp"
#include "net/admission.hpp"
#include "net/strand_executor.hpp"
#include "net/stream.hpp"

namespace giromq::net {

/// How a socket and the AMQP engine are kept going.
struct LoopSettings {
    std::chrono::milliseconds handshake_timeout{10000};
    /// After the last byte was written, so long the other end may take to close its side; so a close frame is not lost to a reset.
    std::chrono::milliseconds linger{2000};
    /// Reads, and bytes written, before other connections get their turn.
    std::uint32_t rounds_per_turn = 16;
    std::uint32_t bytes_per_turn = 1u << 20;
    /// Whose the certificates of clients are.
    std::shared_ptr<const security::CertificateMap> certificates = std::make_shared<const security::CertificateMap>();
};

/// One connection of a client: TLS handshake, then bytes between the socket and amqp::Connection, then an orderly end.
///
/// Reading and writing are not coroutines but one function, turn(), that does what can be done now: both can be woken by the socket,
/// the core and the clock, and wake() must be able to write at once. It never waits and lends no buffer while it waits for the socket.
///
/// Threads: start(), close(), abort() and view() from any; everything else on the connection's own executor.
/// Lifetime: kept alive by what is under way; `ended` is called once, when the socket is closed and the core has been told.
class ConnectionLoop final : public amqp::ConnectionHost, public std::enable_shared_from_this<ConnectionLoop> {
public:
    using View = amqp::Connection::View;

    /// What it is made of. `stream` is fresh: the handshake is done here.
    struct Parts {
        boost::asio::io_context& io;
        ConnectionId id;
        std::unique_ptr<Stream> stream;
        amqp::Peer peer;
        Admission::Ticket ticket;
        amqp::Services services;
        amqp::ConnectionSettings amqp;
        Executor& workers;
        LoopSettings settings;
        std::function<void(ConnectionId)> ended;
    };

    explicit ConnectionLoop(Parts parts);
    ~ConnectionLoop() override;

    void start();
    /// Ends it with a close frame, or at once if it has not got so far.
    void close(std::string condition, std::string description);
    /// The same if its peer has logged in as this user, or may be about to.
    void close_if_of(std::string user, std::string condition, std::string description);
    /// Detaches the links that permissions do not allow any more.
    void review_permissions();
    /// Cuts the socket.
    void abort();
    /// The answer comes on the connection's executor; nothing if it is not open (yet, or any more).
    void view(UniqueFunction<void(std::optional<View>)> done);

    // amqp::ConnectionHost
    void wake() override;

private:
    enum class Phase : std::uint8_t { handshake, open, lingering, ended };
    /// Of one round: nothing was moved, or something, or the socket is gone.
    enum class Pump : std::uint8_t { idle, moved, broken };

    void handshake();
    void open();
    void identify_certificate();
    void close_now(std::string condition, std::string description);
    void turn();
    bool pump();
    Pump write_output(std::uint32_t& budget);
    Pump read_input();
    void linger();
    void discard_input();
    void end(const char* event, const std::string& reason);

    void wait_to_read();
    void wait_to_write();
    void socket_ready();
    void turn_again_later();
    void set_deadline(MonotonicTime at);
    void deadline_reached();
    void tick_soon();

    boost::asio::io_context& io_;
    const ConnectionId id_;
    // Before the connection, which refers to it.
    StrandExecutor executor_;
    std::unique_ptr<Stream> stream_;
    amqp::Peer peer_;
    Admission::Ticket ticket_;
    const amqp::Services services_;
    const amqp::ConnectionSettings amqp_settings_;
    Executor& workers_;
    const LoopSettings settings_;
    std::function<void(ConnectionId)> ended_;
    std::shared_ptr<amqp::Connection> connection_;
    boost::asio::steady_timer timer_;

    Phase phase_ = Phase::handshake;
    bool in_turn_ = false;
    bool turn_wanted_ = false;  // wake() was called inside of turn()
    bool turn_posted_ = false;
    bool waits_to_read_ = false;
    bool waits_to_write_ = false;
    bool read_closed_ = false;
    std::uint32_t reads_ = 0;                // the first ones
    std::optional<MonotonicTime> deadline_;  // for which timer_ is set
};

}  // namespace giromq::net
