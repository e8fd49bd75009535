#include "net/connection_loop.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.hpp"

namespace giromq::net {
namespace {

using boost::asio::ip::tcp;
using Status = StreamStep::Status;

/// The engine may have got new deadlines from what it read; asking it after every read would cost more than it is worth.
constexpr std::chrono::milliseconds tick_after_input{250};
/// But while a connection is being opened it is asked at once, since the first heartbeat may be due soon.
constexpr std::uint32_t opening_reads = 16;
constexpr std::chrono::milliseconds shortest_tick{1};
constexpr std::chrono::hours longest_tick{1};
/// What is thrown away from a client that keeps on sending while it is being closed.
constexpr std::size_t discarded_bytes_max = 1u << 20;

}  // namespace

ConnectionLoop::ConnectionLoop(Parts parts)
    : io_(parts.io),
      id_(parts.id),
      executor_(parts.io, StrandExecutor::Idle::run_soon),
      stream_(std::move(parts.stream)),
      peer_(std::move(parts.peer)),
      ticket_(std::move(parts.ticket)),
      services_(parts.services),
      amqp_settings_(std::move(parts.amqp)),
      workers_(parts.workers),
      settings_(parts.settings),
      ended_(std::move(parts.ended)),
      timer_(parts.io) {}

ConnectionLoop::~ConnectionLoop() = default;

void ConnectionLoop::start() {
    executor_.dispatch([self = shared_from_this()] {
        boost::system::error_code ignored;
        self->stream_->socket().set_option(tcp::no_delay(true), ignored);
        // A peer that vanished is found even if heartbeats are switched off.
        self->stream_->socket().set_option(tcp::socket::keep_alive(true), ignored);
        self->set_deadline(self->services_.clock.monotonic_now() + self->settings_.handshake_timeout);
        self->handshake();
    });
}

void ConnectionLoop::close(std::string condition, std::string description) {
    executor_.execute([self = shared_from_this(), condition = std::move(condition), description = std::move(description)]() mutable {
        self->close_now(std::move(condition), std::move(description));
    });
}

void ConnectionLoop::close_if_of(std::string user, std::string condition, std::string description) {
    executor_.execute([self = shared_from_this(), user = std::move(user), condition = std::move(condition),
                       description = std::move(description)]() mutable {
        // Before the handshake is over nobody has said who it is.
        if (self->phase_ != Phase::open || !self->connection_->may_be_of(user)) return;
        self->close_now(std::move(condition), std::move(description));
    });
}

void ConnectionLoop::review_permissions() {
    executor_.execute([self = shared_from_this()] {
        if (self->phase_ != Phase::open) return;
        self->in_turn_ = true;  // the engine may call wake()
        self->connection_->review_permissions();
        self->in_turn_ = false;
        self->turn();
    });
}

void ConnectionLoop::close_now(std::string condition, std::string description) {
    if (phase_ != Phase::open) {
        end("connection_ended", "the broker closes it");
        return;
    }
    in_turn_ = true;  // the engine may call wake()
    connection_->close(std::move(condition), std::move(description));
    in_turn_ = false;
    turn();
}

void ConnectionLoop::abort() {
    executor_.execute([self = shared_from_this()] { self->end("connection_aborted", "by the broker"); });
}

void ConnectionLoop::view(UniqueFunction<void(std::optional<View>)> done) {
    executor_.execute([self = shared_from_this(), done = std::move(done)]() mutable {
        done(self->phase_ == Phase::open ? std::optional(self->connection_->view()) : std::nullopt);
    });
}

void ConnectionLoop::wake() {
    if (in_turn_) {
        turn_wanted_ = true;
    } else {
        turn();
    }
}

void ConnectionLoop::handshake() {
    if (phase_ != Phase::handshake) return;
    const auto step = stream_->handshake();
    switch (step.status) {
        case Status::done: open(); return;
        case Status::want_read: wait_to_read(); return;
        case Status::want_write: wait_to_write(); return;
        case Status::closed: end("tls_handshake_failed", "the client closed the connection"); return;
        case Status::failed: end("tls_handshake_failed", step.reason); return;
    }
}

void ConnectionLoop::open() {
    phase_ = Phase::open;
    peer_.is_encrypted = stream_->is_encrypted();
    identify_certificate();
    connection_ = amqp::Connection::create(id_, services_, amqp_settings_, peer_, executor_, workers_, *this);
    deadline_.reset();
    const auto now = services_.clock.monotonic_now();
    set_deadline(std::clamp(connection_->tick(now), now + shortest_tick, now + longest_tick));
    turn();
}

void ConnectionLoop::identify_certificate() {
    const auto certificate = stream_->client_certificate();
    if (certificate.authorities.empty()) return;
    peer_.certificate_subject = settings_.certificates->user_of(certificate);
    if (!peer_.certificate_subject.empty()) return;
    log::info("certificate_of_nobody",
              {{"peer", peer_.address}, {"subject", certificate.subject}, {"authority_sha256", certificate.authorities.front()}});
}

void ConnectionLoop::turn() {
    if (phase_ != Phase::open || in_turn_) return;
    in_turn_ = true;
    const bool alive = pump();
    in_turn_ = false;
    if (!alive) {
        end("connection_lost", {});
    } else if (connection_->finished()) {
        linger();
    } else if (connection_->is_ending()) {
        tick_soon();  // it has a deadline now
    }
}

/// Moves bytes both ways until neither can go on, or others must have their turn. False if the socket is gone.
bool ConnectionLoop::pump() {
    std::uint32_t budget = settings_.bytes_per_turn;
    for (std::uint32_t round = 0; round < settings_.rounds_per_turn; ++round) {
        turn_wanted_ = false;
        const Pump written = write_output(budget);
        if (written == Pump::broken) return false;
        if (connection_->finished()) return true;
        const Pump read = read_input();
        if (read == Pump::broken) return false;
        if (written == Pump::idle && read == Pump::idle && !turn_wanted_) return true;
        if (budget == 0) break;
    }
    turn_again_later();
    return true;
}

ConnectionLoop::Pump ConnectionLoop::write_output(std::uint32_t& budget) {
    Pump moved = Pump::idle;
    while (!waits_to_write_ && budget > 0) {
        const auto bytes = connection_->output();
        if (bytes.empty()) return moved;
        const auto step = stream_->write(bytes.first(std::min<std::size_t>(bytes.size(), budget)));
        switch (step.status) {
            case Status::done:
                connection_->output_done(step.bytes);
                budget -= static_cast<std::uint32_t>(step.bytes);
                moved = Pump::moved;
                break;
            case Status::want_write: wait_to_write(); return moved;
            // Cannot happen without renegotiation; if it did, the next read would serve it.
            case Status::want_read: wait_to_read(); return moved;
            case Status::closed:
            case Status::failed: log::debug("write_failed", {{"peer", peer_.address}, {"reason", step.reason}}); return Pump::broken;
        }
    }
    return moved;
}

ConnectionLoop::Pump ConnectionLoop::read_input() {
    if (waits_to_read_ || read_closed_) return Pump::idle;
    const auto buffer = connection_->input_buffer();
    if (buffer.empty()) return Pump::idle;
    const auto step = stream_->read(buffer);
    switch (step.status) {
        case Status::done:
            connection_->input_done(step.bytes);
            tick_soon();
            if (reads_ < opening_reads) ++reads_;
            if (step.bytes < buffer.size() && stream_->short_read_is_last()) wait_to_read();
            return Pump::moved;
        case Status::want_read: wait_to_read(); return Pump::idle;
        case Status::want_write: wait_to_write(); return Pump::idle;
        case Status::closed:
            read_closed_ = true;
            connection_->input_closed();
            return Pump::moved;
        case Status::failed: break;
    }
    log::debug("read_failed", {{"peer", peer_.address}, {"reason", step.reason}});
    return Pump::broken;
}

/// Everything is written. The other end gets time to read it and close: closing a socket with unread input would send a reset, which
/// may overtake the close frame.
void ConnectionLoop::linger() {
    if (phase_ != Phase::open) return;
    stream_->end_writing();
    if (read_closed_) {
        end("connection_closed", {});
        return;
    }
    phase_ = Phase::lingering;
    // The core learns of the end now; the engine is not needed any more.
    connection_->abort();
    deadline_.reset();
    set_deadline(services_.clock.monotonic_now() + settings_.linger);
    discard_input();
}

void ConnectionLoop::discard_input() {
    std::array<char, 4096> rest;
    boost::system::error_code error;
    for (std::size_t discarded = 0; discarded < discarded_bytes_max;) {
        const auto bytes = stream_->socket().read_some(boost::asio::buffer(rest), error);
        if (error == boost::asio::error::would_block) {
            wait_to_read();
            return;
        }
        if (error) break;
        discarded += bytes;
    }
    end("connection_closed", {});
}

void ConnectionLoop::end(const char* event, const std::string& reason) {
    if (phase_ == Phase::ended) return;
    const bool engine_lives = phase_ == Phase::open;
    phase_ = Phase::ended;
    if (engine_lives) connection_->abort();
    timer_.cancel();
    boost::system::error_code ignored;
    stream_->socket().close(ignored);
    ticket_.reset();
    log::debug(event, {{"peer", peer_.address}, {"connection", id_.value}, {"reason", reason}});
    // After this turn: the loop may be destroyed by it.
    if (auto ended = std::move(ended_)) boost::asio::post(io_, [ended = std::move(ended), id = id_] { ended(id); });
}

void ConnectionLoop::wait_to_read() {
    if (waits_to_read_) return;
    waits_to_read_ = true;
    stream_->socket().async_wait(tcp::socket::wait_read, [self = shared_from_this()](boost::system::error_code) {
        self->executor_.dispatch([self] {
            self->waits_to_read_ = false;
            self->socket_ready();
        });
    });
}

void ConnectionLoop::wait_to_write() {
    if (waits_to_write_) return;
    waits_to_write_ = true;
    stream_->socket().async_wait(tcp::socket::wait_write, [self = shared_from_this()](boost::system::error_code) {
        self->executor_.dispatch([self] {
            self->waits_to_write_ = false;
            self->socket_ready();
        });
    });
}

void ConnectionLoop::socket_ready() {
    switch (phase_) {
        case Phase::handshake: handshake(); break;
        case Phase::open: turn(); break;
        case Phase::lingering: discard_input(); break;
        case Phase::ended: break;
    }
}

void ConnectionLoop::turn_again_later() {
    if (turn_posted_) return;
    turn_posted_ = true;
    boost::asio::post(io_, [self = shared_from_this()] {
        self->executor_.dispatch([self] {
            self->turn_posted_ = false;
            self->turn();
        });
    });
}

/// The timer is only ever moved forwards; a deadline that has become later is found out when it is reached.
void ConnectionLoop::set_deadline(MonotonicTime at) {
    if (deadline_ && *deadline_ <= at) return;
    deadline_ = at;
    timer_.expires_at(at);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->executor_.dispatch([self] { self->deadline_reached(); });
    });
}

void ConnectionLoop::tick_soon() {
    const auto after = reads_ < opening_reads ? shortest_tick : tick_after_input;
    set_deadline(services_.clock.monotonic_now() + after);
}

void ConnectionLoop::deadline_reached() {
    const auto now = services_.clock.monotonic_now();
    // A timer that was moved may have been on its way already.
    if (phase_ == Phase::ended || !deadline_ || now < *deadline_) return;
    deadline_.reset();
    switch (phase_) {
        case Phase::handshake: end("tls_handshake_timeout", {}); break;
        case Phase::lingering: end("connection_closed", "the other end did not close its side"); break;
        case Phase::open: {
            in_turn_ = true;  // the engine may call wake()
            const auto next = connection_->tick(now);
            in_turn_ = false;
            set_deadline(std::clamp(next, now + shortest_tick, now + longest_tick));
            turn();
            break;
        }
        case Phase::ended: break;
    }
}

}  // namespace giromq::net
