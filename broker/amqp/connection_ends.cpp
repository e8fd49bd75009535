#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/link.h>
#include <proton/transport.h>

#include <algorithm>

#include "amqp/connection_engine.hpp"
#include "amqp/proton_values.hpp"
#include "base/log.hpp"

namespace giromq::amqp {
namespace {

using std::chrono::milliseconds;

/// However a connection ends: so long the peer may take to read what there is to say and to answer a close; then it is cut.
constexpr milliseconds close_timeout{5000};
/// A peer may ask for heartbeats as often as it likes; this is how often it gets them.
constexpr milliseconds tick_min{10};
constexpr milliseconds tick_max{60000};

constexpr std::string_view sasl_protocol_header("AMQP\x03\x01\x00\x00", 8);
constexpr std::string_view amqp_protocol_header("AMQP\x00\x01\x00\x00", 8);

std::int64_t milliseconds_of(MonotonicTime time) {
    // Zero means "no time" to the engine.
    return std::max<std::int64_t>(1, std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

// Time

MonotonicTime ConnectionEngine::tick(MonotonicTime now) {
    MonotonicTime next = now + tick_max;
    if (aborted_ || is_cut_) return next;
    const MonotonicTime login_deadline = created_at_ + settings_.authentication_timeout;
    if (!open_ && now >= login_deadline) {
        log::warning("login_timeout", {{"connection", id_.value}, {"peer", peer_.address}});
        cut();
        return next;
    }
    if (close_deadline_ && now >= *close_deadline_) {
        cut();
        return next;
    }
    is_told_ = false;
    if (!hung_up_) next = std::min(next, tick_engine(now));
    if (!open_) next = std::min(next, login_deadline);
    if (close_deadline_) next = std::min(next, *close_deadline_);
    return std::max(next, now + tick_min);
}

MonotonicTime ConnectionEngine::tick_engine(MonotonicTime now) {
    // While nothing was read the silence was ours: a heartbeat in the peer's place keeps the engine from taking it for the peer's.
    const bool was_paused = std::exchange(was_paused_, false) || !wants_input();
    if (was_paused && open_ && !pn_connection_driver_read_closed(&driver_)) feed(FrameGuard::heartbeat());
    const std::int64_t now_ms = milliseconds_of(now);
    const std::int64_t next_ms = pn_transport_tick(driver_.transport, now_ms);
    process_events();
    finish_call();
    if (next_ms <= 0) return now + tick_max;
    return now + milliseconds(std::max<std::int64_t>(0, next_ms - now_ms));
}

// Ends

void ConnectionEngine::refuse_header() {
    // §2.2: answer with a header that would be acceptable, and close.
    log::warning("protocol_header_refused", {{"connection", id_.value}, {"peer", peer_.address}});
    last_words_ = guard_.is_authenticated() ? amqp_protocol_header : sasl_protocol_header;
    hang_up();
}

void ConnectionEngine::fail(std::string_view condition, const std::string& description) {
    log::warning("connection_failed",
                 {{"connection", id_.value}, {"peer", peer_.address}, {"condition", condition}, {"reason", description}});
    end_in_core(core::CloseReason::lost);
    // Before authentication nothing is explained to anybody.
    if (!guard_.is_authenticated()) return hang_up();
    // With a condition set, closing the tail makes the engine send open, if it has not, and close with that condition.
    pn_connection_driver_errorf(&driver_, std::string(condition).c_str(), "%s", description.c_str());
    pn_connection_driver_read_close(&driver_);
    process_events();
}

void ConnectionEngine::cut() {
    hang_up();
    is_cut_ = true;
}

void ConnectionEngine::close(std::string condition, std::string description) {
    if (aborted_ || hung_up_ || ended_in_core_) return;
    is_told_ = false;
    log::info("connection_closing",
              {{"connection", id_.value}, {"peer", peer_.address}, {"condition", condition}, {"reason", description}});
    end_in_core(core::CloseReason::lost);
    if (!open_) {
        hang_up();
    } else {
        set_condition(pn_connection_condition(driver_.connection), Refusal{std::move(condition), std::move(description)});
        pn_connection_close(driver_.connection);
        process_events();
    }
    finish_call();
    host_.wake();
}

void ConnectionEngine::abort() {
    if (aborted_) return;
    end_in_core(core::CloseReason::lost);
    aborted_ = true;
    mailbox_->close();
}

void ConnectionEngine::end_in_core(core::CloseReason reason) {
    if (std::exchange(ended_in_core_, true)) return;
    close_deadline_ = services_.clock.monotonic_now() + close_timeout;
    // What was asked before goes first.
    finish_call();
    std::vector<std::shared_ptr<CoreLink>> links;
    for (Slot& slot : slots_) {
        if (slot.link == nullptr) continue;
        links.push_back(slot.link->core());
        pn_link_set_context(slot.link->pn(), nullptr);
        slot.link.reset();
        ++slot.generation;
    }
    consumers_ = 0;
    producers_ = 0;
    context_.commands.clear();
    core_session_->close(reason, std::move(links));
    if (container_claimed_) services_.containers.release(container_, id_);
    container_claimed_ = false;
    if (is_of_user_) services_.user_connections.leave(context_.identity.user);
    is_of_user_ = false;
}

}  // namespace giromq::amqp
