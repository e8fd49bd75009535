#include "amqp/connection_engine.hpp"

#include <proton/connection.h>
#include <proton/link.h>
#include <proton/logger.h>
#include <proton/session.h>
#include <proton/transport.h>

#include <algorithm>
#include <cstring>

#include "amqp/proton_values.hpp"
#include "base/log.hpp"

namespace giromq::amqp {
namespace {

constexpr std::size_t input_bytes_first = 4 * 1024;
constexpr std::size_t input_bytes_usual = 64 * 1024;
/// After so many small reads in a row a connection is idle enough to give its larger buffer back.
constexpr std::uint32_t small_reads_max = 64;
/// Chunks of large messages that may be under way to the store before reading stops.
constexpr std::uint32_t chunks_outstanding_max = 4;
/// What one consumer's link may send before it is the next one's turn.
constexpr std::size_t turn_bytes = 32 * 1024;
/// The engine's own buffer is larger than this: if it gave less, it has said all.
constexpr std::size_t engine_buffer_bytes_min = 4 * 1024;
/// What the engine may have to tell before reading stops: settled deliveries, ended links and sessions. A peer that never reads would
/// make it grow without end; one that keeps to its credit does not come near.
constexpr std::uint32_t untold_max = 8 * 1024;

GuardLimits guard_limits(const ConnectionSettings& settings) {
    GuardLimits limits;
    limits.may_skip_sasl = std::ranges::find(settings.mechanisms, Mechanism::anonymous) != settings.mechanisms.end();
    limits.max_frame_bytes = settings.max_frame_bytes;
    limits.bytes_before_authentication = settings.bytes_before_authentication;
    limits.sessions_max = settings.sessions_max;
    limits.links_max = settings.links_max;
    return limits;
}

}  // namespace

std::shared_ptr<Connection> Connection::create(ConnectionId id, Services services, ConnectionSettings settings, Peer peer, Executor& self,
                                               Executor& workers, ConnectionHost& host) {
    auto connection = std::make_shared<ConnectionEngine>(id, services, std::move(settings), std::move(peer), self, workers, host);
    connection->start();
    return connection;
}

ConnectionEngine::ConnectionEngine(ConnectionId id, const Services& services, ConnectionSettings settings, Peer peer, Executor& self,
                                   Executor& workers, ConnectionHost& host)
    : id_(id),
      services_(services),
      settings_(std::move(settings)),
      peer_(std::move(peer)),
      workers_(workers),
      host_(host),
      created_at_(services.clock.monotonic_now()),
      sasl_(services.users, settings_, peer_),
      guard_(guard_limits(settings_)),
      mailbox_(std::make_shared<Mailbox>(self)),
      core_session_(std::make_shared<CoreSession>(id, services.core, services.core_executor, mailbox_)),
      context_(settings_, services_.clock, id_, peer_, guard_) {
    context_.feed = [this](std::span<const std::uint8_t> frame) { feed(frame); };
}

ConnectionEngine::~ConnectionEngine() {
    // The links' engine objects go with the driver.
    slots_.clear();
    if (driver_.connection != nullptr) pn_connection_driver_destroy(&driver_);
}

void ConnectionEngine::start() {
    mailbox_->set_reader(std::static_pointer_cast<ConnectionEngine>(shared_from_this()));
    GIROMQ_CHECK(pn_connection_driver_init(&driver_, nullptr, nullptr) == 0, "no memory for a connection");
    pn_transport_t* const transport = driver_.transport;
    // What the engine has to say comes as conditions; its own log would go to standard error in its own form.
    pn_logger_reset_mask(pn_transport_logger(transport), PN_SUBSYSTEM_ALL, PN_LEVEL_ALL);
    pn_transport_set_server(transport);
    sasl_.install(transport);
    pn_transport_set_max_frame(transport, settings_.max_frame_bytes);
    pn_transport_set_channel_max(transport, static_cast<std::uint16_t>(std::max<int>(1, settings_.sessions_max) - 1));
    // The engine advertises half of what it enforces.
    pn_transport_set_idle_timeout(transport, static_cast<pn_millis_t>(settings_.idle_timeout.count()));
    process_events();
}

// Input

bool ConnectionEngine::wants_input() const {
    if (aborted_ || hung_up_ || pn_connection_driver_read_closed(&driver_)) return false;
    if (sasl_.state() == SaslServer::State::verifying || sasl_.state() == SaslServer::State::failed) return false;
    // The engine numbers its half of a session when it answers, so those that have ended unanswered count too.
    const bool has_channels = ended_sessions_.empty() || sessions_.size() + ended_sessions_.size() < settings_.sessions_max;
    return context_.chunks_outstanding <= chunks_outstanding_max && context_.sending_bytes < buffered_max() &&
           context_.untold < untold_max && has_channels;
}

std::span<std::uint8_t> ConnectionEngine::input_buffer() {
    if (!wants_input()) {
        was_paused_ = true;
        return {};
    }
    const std::size_t wanted = std::max(input_wanted_, input_bytes_first);
    if (input_used_ == 0 && small_reads_ >= small_reads_max && input_.size() > wanted) {
        input_.resize(wanted);
        input_.shrink_to_fit();
    }
    if (input_.size() < wanted) input_.resize(wanted);
    if (input_used_ == input_.size())
        input_.resize(std::max(input_.size() + input_bytes_first, std::min(2 * input_.size(), input_bytes_usual)));
    return std::span(input_).subspan(input_used_);
}

void ConnectionEngine::input_done(std::size_t bytes) {
    is_told_ = false;
    GIROMQ_CHECK(bytes <= input_.size() - input_used_, "more input than there was room for");
    const bool was_filled = bytes == input_.size() - input_used_;
    small_reads_ = bytes < input_bytes_first / 4 ? small_reads_ + 1 : 0;
    input_used_ += bytes;
    process_input();
    // A busy connection gets a larger buffer, an idle one keeps a small one.
    if (was_filled && input_.size() < input_bytes_usual) input_.resize(std::min(2 * input_.size(), input_bytes_usual));
    if (input_used_ == 0 && input_.size() > input_bytes_usual) {
        input_.resize(input_bytes_usual);
        input_.shrink_to_fit();
    }
    finish_call();
}

void ConnectionEngine::process_input() {
    std::size_t offset = 0;
    while (wants_input() && process_step(offset)) {
    }
    if (offset > 0) {
        std::memmove(input_.data(), input_.data() + offset, input_used_ - offset);
        input_used_ -= offset;
    }
}

bool ConnectionEngine::process_step(std::size_t& offset) {
    const std::span<const std::uint8_t> rest = std::span(input_).subspan(offset, input_used_ - offset);
    if (rest.empty()) return false;
    const bool was_authenticated = guard_.is_authenticated();
    FrameGuard::Step step = guard_.next(rest);
    switch (step.verdict) {
        case FrameGuard::Verdict::pass:
            if (step.stolen) detach_stolen(*step.stolen);
            attaching_ = step.attach.value_or(WireLink{});
            feed(rest.first(step.bytes));
            offset += step.bytes;
            input_wanted_ = 0;
            process_events();
            if (!guard_.is_authenticated()) {
                look_at_sasl();
            } else if (!was_authenticated) {
                enter_without_login();
            }
            return true;
        case FrameGuard::Verdict::discard: offset += step.bytes; return true;
        case FrameGuard::Verdict::incomplete: input_wanted_ = step.bytes; return false;
        case FrameGuard::Verdict::wrong_header: refuse_header(); return false;
        case FrameGuard::Verdict::refuse: fail(step.condition, step.description); return false;
    }
    return false;
}

void ConnectionEngine::feed(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const pn_rwbytes_t room = pn_connection_driver_read_buffer_sized(&driver_, bytes.size());
        if (room.size == 0) return;  // the engine has had enough, and its events say why
        const std::size_t count = std::min(room.size, bytes.size());
        std::memcpy(room.start, bytes.data(), count);
        pn_connection_driver_read_done(&driver_, count);
        bytes = bytes.subspan(count);
    }
}

void ConnectionEngine::input_closed() {
    is_told_ = false;
    if (aborted_) return;
    end_in_core(core::CloseReason::lost);
    pn_connection_driver_read_close(&driver_);
    process_events();
    finish_call();
}

// Output

std::size_t ConnectionEngine::unwritten_bytes() const {
    std::size_t bytes = output_.size() - output_written_;
    for (pn_session_t* const session : sessions_) bytes += outgoing_bytes(session);
    return bytes;
}

std::size_t ConnectionEngine::outgoing_bytes(pn_session_t* session) const {
    const std::size_t bytes = pn_session_outgoing_bytes(session);
    if (bytes < settings_.output_window_bytes / 2) return bytes;
    // The engine goes on counting what a link that was closed could not send; that must not hold up the others of the session for ever.
    const auto has_unsent = [session](const Slot& slot) {
        return slot.link != nullptr && slot.link->is_sender() && pn_link_session(slot.link->pn()) == session &&
               static_cast<const SenderLink&>(*slot.link).has_unsent();
    };
    return std::ranges::any_of(slots_, has_unsent) ? bytes : 0;
}

void ConnectionEngine::send_pending() {
    std::size_t unwritten = unwritten_bytes();
    // A link that cannot send now (no credit, a chunk being read) is passed over; a round of only such ends it.
    std::size_t idle = 0;
    while (idle < pending_senders_.size() && unwritten < settings_.output_window_bytes) {
        const LinkId id = pending_senders_.front();
        pending_senders_.pop_front();
        SenderLink* const link = find_sender(id);
        if (link == nullptr) continue;
        // One session whose window is shut must not take the whole of what may be under way.
        const std::size_t of_session = outgoing_bytes(pn_link_session(link->pn()));
        const std::size_t room = settings_.output_window_bytes - unwritten;
        const std::size_t given = of_session >= settings_.output_window_bytes / 2 ? 0 : link->send_pending(std::min(room, turn_bytes));
        unwritten += given;
        idle = given > 0 ? 0 : idle + 1;
        if (link->has_pending()) {
            pending_senders_.push_back(id);
        } else {
            slots_[id.slot].listed = false;
        }
    }
}

bool ConnectionEngine::drain_engine() {
    std::size_t taken = engine_buffer_bytes_min;
    // Before it is open and once it ends, it says only when asked again that there is no more to come.
    while (taken >= engine_buffer_bytes_min || !is_steady()) {
        const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
        taken = bytes.size;
        if (taken == 0) break;
        const auto* const start = reinterpret_cast<const std::uint8_t*>(bytes.start);
        output_.insert(output_.end(), start, start + taken);
        pn_connection_driver_write_done(&driver_, taken);
    }
    const bool has_changed = process_events();
    return free_ended() || has_changed;
}

bool ConnectionEngine::free_ended() {
    if (ended_sessions_.empty() && ended_links_.empty()) return false;
    // Links first: a session takes what it still has with it.
    for (pn_link_t* const link : std::exchange(ended_links_, {})) pn_link_free(link);
    for (pn_session_t* const session : std::exchange(ended_sessions_, {})) pn_session_free(session);
    process_events();
    return true;
}

std::span<const std::uint8_t> ConnectionEngine::output() {
    if (aborted_ || is_cut_) return {};
    if (output_written_ < output_.size()) return std::span(output_).subspan(output_written_);
    output_.clear();
    output_written_ = 0;
    // Asking the engine costs as much as a message, and a turn of the connection asks several times.
    if (is_told_) return {};
    if (output_.capacity() > 2 * settings_.output_window_bytes) output_ = {};
    bool again = true;
    while (again && output_.size() < settings_.output_window_bytes) {
        const bool was_held_back = !wants_input();
        if (!hung_up_) send_pending();
        const std::size_t before = output_.size();
        const bool has_changed = drain_engine();
        context_.untold = 0;
        again = has_changed || (output_.size() > before && (!pending_senders_.empty() || !is_steady()));
        if (!was_held_back || input_used_ == 0 || !wants_input()) continue;
        // What came in before there was too much to tell.
        process_input();
        again = true;
    }
    is_told_ = !again && pending_senders_.empty() && is_steady();
    if (hung_up_ && !last_words_.empty()) {
        output_.insert(output_.end(), last_words_.begin(), last_words_.end());
        last_words_ = {};
    }
    finish_call();
    return output_;
}

void ConnectionEngine::output_done(std::size_t bytes) {
    GIROMQ_CHECK(bytes <= output_.size() - output_written_, "more output than there was");
    output_written_ += bytes;
}

bool ConnectionEngine::finished() const {
    if (aborted_ || is_cut_) return true;
    if (output_written_ < output_.size() || !last_words_.empty()) return false;
    return hung_up_ || pn_connection_driver_finished(&driver_);
}

void ConnectionEngine::finish_call() {
    if (context_.commands.empty()) return;
    core_session_->submit(std::move(context_.commands));
    context_.commands.clear();
}

std::vector<Connection::SessionView> ConnectionEngine::session_views() const {
    std::vector<SessionView> views(sessions_.size());
    const auto index_of = [&](const Link& link) {
        const auto place = std::find(sessions_.begin(), sessions_.end(), pn_link_session(link.pn()));
        return static_cast<std::size_t>(place - sessions_.begin());  // the end for one that lingers after its session
    };
    for (const auto& slot : slots_) {
        const auto index = slot.link == nullptr ? views.size() : index_of(*slot.link);
        if (index == views.size()) continue;
        auto& view = views[index];
        ++(slot.link->is_coordinator() ? view.control_links : slot.link->is_sender() ? view.consumers : view.producers);
        const auto unsettled = static_cast<std::uint64_t>(pn_link_unsettled(slot.link->pn()));
        (slot.link->is_sender() ? view.unsettled_out : view.unsettled_in) += unsettled;
    }
    for (const auto& [transaction, id] : context_.transactions) {
        const auto* const link = id.slot < slots_.size() ? slots_[id.slot].link.get() : nullptr;
        const auto index = link == nullptr || link->id().generation != id.generation ? views.size() : index_of(*link);
        if (index != views.size()) ++views[index].transactions;
    }
    for (std::size_t index = 0; index < views.size(); ++index) {
        views[index].number = static_cast<std::uint32_t>(index + 1);
        views[index].bytes_unread = pn_session_incoming_bytes(sessions_[index]);
        views[index].bytes_unwritten = pn_session_outgoing_bytes(sessions_[index]);
    }
    return views;
}

Connection::View ConnectionEngine::view() const {
    View view;
    view.id = id_;
    view.peer = peer_;
    view.container_id = container_;
    view.user = context_.identity.user;
    view.sessions = session_views();
    view.consumers = consumers_;
    view.producers = producers_;
    view.messages_in = context_.messages_in;
    view.messages_out = context_.messages_out;
    return view;
}

bool ConnectionEngine::may_be_of(std::string_view user) const {
    if (guard_.is_authenticated()) return context_.identity.user == user;
    // An exchange that has not told its user yet may be about any, and what it was begun with may be old.
    return !sasl_.mechanism().empty() && (sasl_.claimed_user().empty() || sasl_.claimed_user() == user);
}

}  // namespace giromq::amqp
