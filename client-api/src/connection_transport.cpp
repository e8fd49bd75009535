#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/session.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "connection_core.hpp"
#include "session_core.hpp"
#include "temporary_node.hpp"

// The part of ConnectionCore that deals with sockets, the engine's events, and the loss and return of the transport.
namespace giromq::detail {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// A connection that held for so long is not part of the trouble before it.
constexpr auto stable_time = 5s;

/// What is gathered for one write.
constexpr std::size_t plain_output_max = 256 * 1024;

std::int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool names_container_id(pn_condition_t* condition) {
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_rewind(info);
    if (!pn_data_next(info) || pn_data_type(info) != PN_MAP) return false;
    const std::size_t count = pn_data_get_map(info);
    pn_data_enter(info);
    for (std::size_t index = 0; index < count && pn_data_next(info); ++index) {
        const pn_bytes_t text = pn_data_type(info) == PN_STRING ? pn_data_get_string(info) : pn_data_get_symbol(info);
        if (index % 2 == 1 && text.start != nullptr && std::string_view(text.start, text.size) == "container-id") return true;
    }
    return false;
}

}  // namespace

// An attempt -------------------------------------------------------------------------------------------------------------------------

void ConnectionCore::begin_attempt() {
    const std::lock_guard lock(mutex_);
    if (shut_down_ || state_ == State::failed || state_ == State::closed) return;
    ++attempt_;
    loss_.reset();
    channel_ = std::make_shared<Channel>(io_, settings_);
    attempt_timer_.expires_after(settings_.connect_timeout);
    attempt_timer_.async_wait([self = shared_from_this(), channel = channel_](const boost::system::error_code& error) {
        if (error) return;
        const std::lock_guard timer_lock(self->mutex_);
        if (channel != self->channel_ || self->is_open()) return;
        self->note_loss(Failure{FailureKind::general, "giromq:timeout",
                                "The broker at " + self->settings_.address() + " did not answer within " +
                                    std::to_string(self->settings_.connect_timeout.count()) +
                                    " ms. Check that host and port are right and that an AMQP 1.0 broker listens there."});
        self->post_loss();
    });
    channel_->open(
        [self = shared_from_this(), channel = channel_](const std::optional<Failure>& problem) { self->channel_opened(channel, problem); });
}

void ConnectionCore::channel_opened(const std::shared_ptr<Channel>& channel, const std::optional<Failure>& problem) {
    {
        const std::lock_guard lock(mutex_);
        if (channel != channel_) return;
        if (problem) {
            note_loss(*problem);
            return post_loss();
        }
        Credentials credentials{settings_.user, settings_.password, !settings_.tls_certificate_file.empty(),
                                channel->encrypted() || channel->loopback(), settings_.sasl_mechanisms};
        engine_ = std::make_unique<Engine>(settings_, container_id_, has_client_id_, std::move(credentials));
        pump();
    }
    read(channel);
    arm_tick(channel);
}

void ConnectionCore::restart_with_new_id() {
    {
        const std::lock_guard lock(mutex_);
        if (engine_ != nullptr) pn_connection_close(engine_->connection());
        if (channel_ != nullptr && !channel_->encrypted()) write_plain();
        tear_down();
        attempt_ = 0;
    }
    begin_attempt();
}

// Reading and writing ----------------------------------------------------------------------------------------------------------------

void ConnectionCore::read(const std::shared_ptr<Channel>& channel) {
    channel->read(input_, [self = shared_from_this(), channel](const boost::system::error_code& error, std::size_t bytes) {
        self->received(channel, error, bytes);
    });
}

void ConnectionCore::received(const std::shared_ptr<Channel>& channel, const boost::system::error_code& error, std::size_t bytes) {
    SaslClient::Work login_work;
    std::vector<std::shared_ptr<SessionCore>> woken;
    {
        const std::lock_guard lock(mutex_);
        if (channel != channel_ || engine_ == nullptr) return;
        if (error) {
            engine_->input_closed();
            process_events();
            note_loss(engine_->transport_failure(settings_.address()));
            return post_loss();
        }
        collects_wakes_ = true;
        handle_input({input_.data(), bytes});
        login_work = engine_->take_login_work();
        pump();
        collects_wakes_ = false;
        woken.swap(to_wake_);
        for (const auto& session : woken) session->prepare_wake();
    }
    for (const auto& session : woken) session->wake_now();
    if (login_work) {
        // Threads of the application need the mutex meanwhile; nothing else can take the engine away from this thread.
        std::string answer = login_work();
        const std::lock_guard lock(mutex_);
        engine_->answer_login(std::move(answer));
        pump();
    }
    read(channel);
}

void ConnectionCore::handle_input(std::span<const char> bytes) {
    while (!bytes.empty()) {
        const std::size_t taken = engine_->input(bytes);
        bytes = bytes.subspan(taken);
        process_events();
        if (taken == 0) {
            // The engine has ended the transport, and its events have said why; if not, nothing may be left out in silence.
            return note_loss(engine_->transport_failure(settings_.address()));
        }
    }
}

void ConnectionCore::arm_tick(const std::shared_ptr<Channel>& channel) {
    const std::lock_guard lock(mutex_);
    if (channel != channel_ || engine_ == nullptr) return;
    const std::int64_t now = steady_ms();
    const std::int64_t next = engine_->tick(now);
    pump();
    const std::int64_t wait = next == 0 ? 1000 : std::clamp<std::int64_t>(next - now, 10, 1000);
    tick_timer_.expires_after(std::chrono::milliseconds(wait));
    tick_timer_.async_wait([self = shared_from_this(), channel](const boost::system::error_code& error) {
        if (!error) self->arm_tick(channel);
    });
}

void ConnectionCore::pump() {
    if (engine_ == nullptr) return;
    process_events();
    if (!channel_->encrypted()) {
        write_plain();
    } else if (std::this_thread::get_id() == io_thread_id_) {
        write_encrypted();
    } else {
        return pump_later();
    }
    process_events();
    if (loss_) post_loss();
}

void ConnectionCore::pump_later() {
    if (pump_posted_ || engine_ == nullptr) return;
    pump_posted_ = true;
    asio::post(io_, [self = shared_from_this()] {
        const std::lock_guard lock(self->mutex_);
        self->pump_posted_ = false;
        self->pump();
    });
}

void ConnectionCore::pump_soon() {
    if (pump_posted_ || soon_posted_ || engine_ == nullptr) return;
    soon_posted_ = true;
    asio::post(io_, [self = shared_from_this()] {
        self->soon_timer_.expires_after(1ms);
        self->soon_timer_.async_wait([self](const boost::system::error_code&) {
            const std::lock_guard lock(self->mutex_);
            self->soon_posted_ = false;
            self->pump();
        });
    });
}

/// The engine hands out its output in small pieces; each piece written by itself would be a system call, and would wake the broker.
void ConnectionCore::gather_output() {
    if (plain_written_ == plain_output_.size()) {
        plain_output_.clear();
        plain_written_ = 0;
    }
    while (plain_output_.size() < plain_output_max) {
        const std::span<const char> bytes = engine_->output();
        if (bytes.empty()) return;
        plain_output_.insert(plain_output_.end(), bytes.begin(), bytes.end());
        engine_->output_done(bytes.size());
    }
}

void ConnectionCore::write_plain() {
    while (!waiting_writable_) {
        gather_output();
        const std::span<const char> bytes = std::span<const char>(plain_output_).subspan(plain_written_);
        if (bytes.empty()) return;
        const ssize_t written = ::send(channel_->descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written > 0) {
            plain_written_ += static_cast<std::size_t>(written);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return write_when_possible();
        } else if (errno != EINTR) {
            note_loss(Failure{FailureKind::general, "giromq:connection-lost",
                              "The connection to " + settings_.address() + " broke: " + std::strerror(errno) + "."});
            return engine_->output_closed();
        }
    }
}

void ConnectionCore::write_when_possible() {
    waiting_writable_ = true;
    // The socket object belongs to the I/O thread.
    asio::post(io_, [self = shared_from_this(), channel = channel_] {
        channel->wait_writable([self, channel] {
            const std::lock_guard lock(self->mutex_);
            if (channel != self->channel_) return;
            self->waiting_writable_ = false;
            self->pump();
        });
    });
}

void ConnectionCore::write_encrypted() {
    if (writing_encrypted_) return;
    const std::span<const char> bytes = engine_->output();
    if (bytes.empty()) return;
    // A copy, because the engine may move its buffer while the write is under way.
    encrypted_output_.assign(bytes.begin(), bytes.end());
    engine_->output_done(bytes.size());
    writing_encrypted_ = true;
    channel_->write_all(encrypted_output_, [self = shared_from_this(), channel = channel_](const boost::system::error_code& error) {
        const std::lock_guard lock(self->mutex_);
        if (channel != self->channel_) return;
        self->writing_encrypted_ = false;
        if (error) {
            self->note_loss(Failure{FailureKind::general, "giromq:connection-lost",
                                    "The connection to " + self->settings_.address() + " broke: " + error.message() + "."});
            return self->post_loss();
        }
        self->pump();
    });
}

// Events of the engine ---------------------------------------------------------------------------------------------------------------

void ConnectionCore::process_events() {
    if (processing_) return;  // an event's handler has called something that pumps
    processing_ = true;
    while (pn_event_t* const event = engine_->next_event()) handle_event(event);
    processing_ = false;
}

void ConnectionCore::handle_event(pn_event_t* event) {
    const pn_event_type_t type = pn_event_type(event);
    switch (type) {
        case PN_CONNECTION_REMOTE_OPEN: return on_remote_open();
        case PN_CONNECTION_REMOTE_CLOSE: return on_remote_close();
        case PN_SESSION_REMOTE_CLOSE:
            if (auto* const session = static_cast<SessionCore*>(pn_session_get_context(pn_event_session(event))))
                session->handle_remote_close();
            return;
        case PN_LINK_REMOTE_OPEN:
        case PN_LINK_REMOTE_CLOSE:
        case PN_LINK_REMOTE_DETACH:
        case PN_LINK_FLOW: return on_link_event(type, pn_event_link(event));
        case PN_DELIVERY: {
            pn_delivery_t* const delivery = pn_event_delivery(event);
            if (auto* const link = static_cast<LinkCore*>(pn_link_get_context(pn_event_link(event)))) link->on_delivery(delivery);
            return;
        }
        case PN_TRANSPORT_ERROR:
        case PN_TRANSPORT_CLOSED: return note_loss(engine_->transport_failure(settings_.address()));
        default: return;
    }
}

void ConnectionCore::on_link_event(pn_event_type_t type, pn_link_t* link) {
    auto* const core = static_cast<LinkCore*>(pn_link_get_context(link));
    if (core == nullptr) return;
    if (type == PN_LINK_REMOTE_OPEN) return core->handle_remote_open();
    if (type == PN_LINK_FLOW) return core->on_flow();
    core->handle_remote_close();
}

void ConnectionCore::on_remote_open() {
    if (engine_->remote_flag("amqp:connection-establishment-failed")) {
        return;  // the broker opens only to say why it closes: that follows
    }
    if (!engine_->trustworthy()) {
        return note_loss(Failure{FailureKind::security, "giromq:untrusted-broker",
                                 "The broker at " + settings_.address() +
                                     " could not prove that it knows the password; do not use it before that is explained."});
    }
    if (state_ == State::closing) return;
    broker_product_ = engine_->remote_property("product");
    broker_version_ = engine_->remote_property("version");
    rm_id_ = engine_->remote_property("giromq:rm-id");
    is_giromq_ = broker_product_ == "GiroMQ";
    attempt_timer_.cancel();
    const bool resumed = was_open_;
    was_open_ = true;
    opened_at_ = std::chrono::steady_clock::now();
    state_ = State::open;
    for (const auto& node : nodes_) node->attach();
    for (const auto& session : sessions_) session->attach();
    if (resumed) tell(ConnectionEvent::resumed, "connected to " + settings_.address());
    changed_.notify_all();
}

void ConnectionCore::on_remote_close() {
    pn_condition_t* const condition = pn_connection_remote_condition(engine_->connection());
    pn_connection_close(engine_->connection());
    Failure failure = failure_of(condition, "The broker at " + settings_.address() + " closed the connection");
    if (failure.code == "amqp:invalid-field" && names_container_id(condition)) {
        failure = Failure{FailureKind::invalid_client_id, failure.code,
                          "The client id '" + container_id_ + "' is used by another connection; choose another one."};
    }
    if (failure.code.empty()) failure.code = "giromq:connection-lost";
    note_loss(std::move(failure));
}

// Loss and return --------------------------------------------------------------------------------------------------------------------

void ConnectionCore::note_loss(Failure failure) {
    if (!loss_) loss_ = std::move(failure);
}

void ConnectionCore::post_loss() {
    asio::post(io_, [self = shared_from_this()] { self->handle_loss(); });
}

void ConnectionCore::handle_loss() {
    const std::lock_guard lock(mutex_);
    if (!loss_) return;  // dealt with already
    Failure failure = *std::exchange(loss_, std::nullopt);
    const bool was_open = state_ == State::open;
    tear_down();
    changed_.notify_all();
    if (state_ == State::closing || state_ == State::closed || state_ == State::failed) return;
    const auto now = std::chrono::steady_clock::now();
    if (was_open) {
        // Every loss has its own attempts and its own time; but after a connection that did not hold the pauses go on growing.
        attempt_ = 0;
        lost_at_ = now;
        if (now - opened_at_ > stable_time) pauses_ = 0;
        if (!settings_.reconnect || is_permanent(failure)) return fail_for_good(std::move(failure));
        state_ = State::reconnecting;
        tell(ConnectionEvent::interrupted, failure.reason);
        return schedule_attempt();
    }
    attempt_failed(std::move(failure));
}

bool ConnectionCore::is_permanent(const Failure& failure) const {
    if (failure.kind == FailureKind::security) return true;
    // A broker that has not noticed yet that the old connection is dead still holds the id for it.
    if (failure.kind == FailureKind::invalid_client_id) return state_ == State::connecting;
    return failure.code == "amqp:not-allowed" || failure.code == "amqp:connection:redirect" || failure.code == "amqp:not-implemented";
}

bool ConnectionCore::attempts_exhausted() const {
    if (state_ == State::connecting) return settings_.connect_attempts != 0 && attempt_ >= settings_.connect_attempts;
    if (settings_.reconnect_attempts != 0 && attempt_ >= settings_.reconnect_attempts) return true;
    return settings_.reconnect_timeout.count() != 0 && std::chrono::steady_clock::now() - lost_at_ >= settings_.reconnect_timeout;
}

void ConnectionCore::attempt_failed(Failure failure) {
    if (is_permanent(failure) || attempts_exhausted()) return fail_for_good(std::move(failure));
    schedule_attempt();
}

void ConnectionCore::schedule_attempt() {
    const auto doubled = settings_.reconnect_delay * (std::int64_t{1} << std::min<std::uint32_t>(pauses_++, 20));
    const auto longest = std::min<std::chrono::milliseconds>(doubled, std::max(settings_.reconnect_max_delay, settings_.reconnect_delay));
    // Half of the pause is random, so that a thousand clients do not come back at the same moment.
    std::uniform_int_distribution<std::int64_t> jitter(longest.count() / 2, longest.count());
    attempt_timer_.expires_after(std::chrono::milliseconds(jitter(random_)));
    attempt_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->begin_attempt();
    });
}

void ConnectionCore::tear_down() {
    own_session_ = nullptr;
    for (const auto& session : sessions_) session->lose();
    for (const auto& node : nodes_) node->lose();
    engine_.reset();
    if (channel_ != nullptr) channel_->close();
    channel_.reset();
    waiting_writable_ = false;
    writing_encrypted_ = false;
    plain_output_.clear();
    plain_written_ = 0;
    loss_.reset();
    attempt_timer_.cancel();
    tick_timer_.cancel();
}

void ConnectionCore::fail_for_good(Failure failure) {
    failure_ = std::move(failure);
    state_ = State::failed;
    for (const auto& session : sessions_) session->fail(failure_);
    for (const auto& node : nodes_) node->fail(failure_);
    if (was_open_) report(failure_);
    changed_.notify_all();
}

}  // namespace giromq::detail
