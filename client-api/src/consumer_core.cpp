#include "consumer_core.hpp"

#include <proton/codec.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>

#include "giromq/exceptions.hpp"
#include "message_codec.hpp"
#include "proton_text.hpp"
#include "session_core.hpp"
#include "temporary_node.hpp"

namespace giromq::detail {
namespace {

constexpr std::uint64_t selector_descriptor = 0x0000468C00000004;  // apache.org:selector-filter:string
constexpr std::string_view selector_key = "jms-selector";
/// Beyond this no more credit is granted until the application has taken something.
constexpr std::uint64_t waiting_bytes_max = 16u << 20;
constexpr std::uint32_t browse_prefetch_min = 100;
/// How much longer than asked a timed receive waits for the broker's word that there is nothing.
constexpr std::chrono::milliseconds drain_patience{1000};

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<SessionCore> session, DestinationPtr destination, std::string selector, bool browse)
    : LinkCore(session->connection()),
      session_(std::move(session)),
      destination_(std::move(destination)),
      selector_(std::move(selector)),
      browse_(browse) {}

ConsumerCore::~ConsumerCore() = default;

std::string ConsumerCore::describe() const {
    return std::string(browse_ ? "the browser of '" : "the consumer of '") + destination_->name() + "'";
}

void ConsumerCore::notify() { session_->wake(); }

// The link ---------------------------------------------------------------------------------------------------------------------------

pn_link_t* ConsumerCore::make_link() {
    if (session_->engine_session() == nullptr || !is_attachable(connection_, destination_)) return nullptr;
    const std::string name = "consumer-" + std::to_string(connection_.next_number());
    pn_link_t* const link = pn_receiver(session_->engine_session(), name.c_str());
    // Another broker may say that it copies and take the messages nevertheless (RabbitMQ 3.10): then they are given back in the end.
    pn_link_set_snd_settle_mode(link, browse_ && connection_.is_giromq() ? PN_SND_SETTLED : PN_SND_UNSETTLED);
    pn_link_set_rcv_settle_mode(link, PN_RCV_FIRST);
    pn_link_set_max_message_size(link, connection_.settings().max_message_bytes);
    pn_terminus_t* const source = pn_link_source(link);
    describe_terminus(source, destination_.get());
    offer_outcomes(source);
    if (browse_) pn_terminus_set_distribution_mode(source, PN_DIST_MODE_COPY);
    if (!selector_.empty()) put_filter(source);
    pn_terminus_set_address(pn_link_target(link), connection_.id().c_str());
    return link;
}

void ConsumerCore::put_filter(pn_terminus_t* source) const {
    pn_data_t* const filter = pn_terminus_filter(source);
    pn_data_put_map(filter);
    pn_data_enter(filter);
    pn_data_put_symbol(filter, bytes_of(selector_key));
    pn_data_put_described(filter);
    pn_data_enter(filter);
    pn_data_put_ulong(filter, selector_descriptor);
    pn_data_put_string(filter, bytes_of(selector_));
    pn_data_exit(filter);
    pn_data_exit(filter);
}

bool ConsumerCore::filter_accepted() const {
    pn_data_t* const filter = pn_terminus_filter(pn_link_remote_source(link()));
    pn_data_rewind(filter);
    if (!pn_data_next(filter) || pn_data_type(filter) != PN_MAP) return false;
    const std::size_t count = pn_data_get_map(filter);
    pn_data_enter(filter);
    for (std::size_t index = 0; index < count && pn_data_next(filter); ++index) {
        const pn_bytes_t key = pn_data_get_symbol(filter);
        if (index % 2 == 0 && key.start != nullptr && std::string_view(key.start, key.size) == selector_key) return true;
    }
    return false;
}

bool ConsumerCore::accepted_by_remote() const { return pn_terminus_get_type(pn_link_remote_source(link())) == PN_SOURCE; }

std::optional<Failure> ConsumerCore::on_attached() {
    if (!selector_.empty() && !filter_accepted()) {
        return Failure{FailureKind::invalid_selector, "amqp:not-implemented",
                       "The broker does not support message selectors; consume without one, and look at the properties of each message."};
    }
    if (browse_ && pn_terminus_get_distribution_mode(pn_link_remote_source(link())) != PN_DIST_MODE_COPY) {
        // Said before any credit is granted, because such a broker would hand the messages over for good.
        return Failure{FailureKind::general, "amqp:not-implemented",
                       "The broker does not support browsing: it would take the messages off the queue. It still has all of them."};
    }
    was_attached_ = true;
    offers_modified_ = offers_outcome(pn_link_remote_source(link()), "amqp:modified:list");
    top_up();
    return std::nullopt;
}

void ConsumerCore::interpret(Failure& failure) const {
    if (!selector_.empty() && !was_attached_ && failure.code == "amqp:invalid-field") failure.kind = FailureKind::invalid_selector;
}

void ConsumerCore::on_detached(const Failure* /*failure*/) {
    // From here on every receipt of this attachment is stale: the broker has taken the deliveries back.
    ++attachment_;
    if (browse_ && was_attached_) lost_while_browsing_ = true;
    waiting_.clear();
    waiting_bytes_ = 0;
    browsed_.clear();
    partial_.clear();
    draining_ = false;
    unacknowledged_ = 0;
    unconfirmed_ = 0;
    session_->confirmed();
}

// Credit -----------------------------------------------------------------------------------------------------------------------------

std::uint32_t ConsumerCore::prefetch() const {
    const std::uint32_t configured = connection_.settings().prefetch;
    if (browse_) return std::max(configured, browse_prefetch_min);
    if (configured == 0 && (pulling_ || (listener_ != nullptr && session_->listening() != this))) return 1;
    return configured;
}

void ConsumerCore::top_up() {
    if (state() != State::attached || draining_ || quiet_ || closed_ || !active()) return;
    if (waiting_bytes_ > waiting_bytes_max) return;
    const std::uint32_t wanted = prefetch();
    const auto had = static_cast<std::uint32_t>(pn_link_credit(link())) + static_cast<std::uint32_t>(waiting_.size());
    // In halves, so that a flow frame is not sent for every message.
    if (wanted > 0 && had * 2 <= wanted) pn_link_flow(link(), static_cast<int>(wanted - had));
}

void ConsumerCore::on_flow() { end_drain_when_answered(); }

void ConsumerCore::end_drain_when_answered() {
    if (draining_ && pn_link_credit(link()) == 0) end_drain();
}

void ConsumerCore::begin_drain() {
    if (draining_) return;
    draining_ = true;
    pn_link_drain(link(), pn_link_credit(link()) > 0 ? 0 : 1);
}

void ConsumerCore::end_drain() {
    draining_ = false;
    top_up();
    notify();
}

bool ConsumerCore::quiesce(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    quiet_ = true;
    const std::uint64_t attachment = attachment_;
    if (state() != State::attached) return false;
    if (pn_link_credit(link()) > 0) begin_drain();
    connection_.pump();
    wait_until(session_->changed(), lock, deadline, [&] { return !draining_ || attachment != attachment_; });
    return attachment == attachment_ && state() == State::attached;
}

void ConsumerCore::resume() {
    quiet_ = false;
    top_up();
}

// What comes in ----------------------------------------------------------------------------------------------------------------------

void ConsumerCore::on_delivery(pn_delivery_t* delivery) {
    if (pn_delivery_readable(delivery) || (pn_delivery_get_context(delivery) == nullptr && pn_link_current(link()) == delivery)) {
        read(delivery);
    } else if (pn_delivery_updated(delivery)) {
        const bool settled = pn_delivery_settled(delivery);
        pn_delivery_clear(delivery);
        if (settled) remote_settled(delivery);
    }
}

void ConsumerCore::read(pn_delivery_t* delivery) {
    const std::size_t pending = pn_delivery_pending(delivery);
    if (pending > 0) {
        const std::size_t before = partial_.size();
        if (before + pending > connection_.settings().max_message_bytes) {
            return refuse(Failure{FailureKind::resource, "amqp:link:message-size-exceeded",
                                  "The queue has a message larger than " + std::to_string(connection_.settings().max_message_bytes) +
                                      " bytes; raise the option max-message-bytes."});
        }
        partial_.resize(before + pending);
        const ssize_t received = pn_link_recv(link(), partial_.data() + before, pending);
        partial_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
    }
    if (pn_delivery_aborted(delivery)) {
        partial_.clear();
        pn_link_advance(link());
        pn_delivery_settle(delivery);
        end_drain_when_answered();
    } else if (!pn_delivery_partial(delivery)) {
        arrived(delivery);
    }
}

void ConsumerCore::arrived(pn_delivery_t* delivery) {
    auto receipt = std::make_shared<Receipt>();
    receipt->consumer = shared_from_this();
    receipt->attachment = attachment_;
    receipt->arrival = session_->next_arrival();
    receipt->bytes = std::move(partial_);
    partial_.clear();
    pn_link_advance(link());
    if (pn_delivery_settled(delivery)) {
        pn_delivery_settle(delivery);
    } else {
        receipt->delivery = delivery;
        pn_delivery_set_context(delivery, receipt.get());
        pn_delivery_clear(delivery);
    }
    if (closed_) {
        settle(*receipt, Settlement::released);
    } else {
        waiting_bytes_ += receipt->bytes.size();
        waiting_.push_back(std::move(receipt));
        notify();
    }
    end_drain_when_answered();
}

void ConsumerCore::remote_settled(pn_delivery_t* delivery) {
    auto* const receipt = static_cast<Receipt*>(pn_delivery_get_context(delivery));
    const std::uint64_t outcome = pn_delivery_remote_state(delivery);
    pn_delivery_set_context(delivery, nullptr);
    pn_delivery_settle(delivery);
    if (receipt == nullptr) return;
    receipt->delivery = nullptr;
    if (receipt->state == Receipt::State::acknowledging) {
        --unconfirmed_;
        if (outcome == 0 || outcome == PN_ACCEPTED) {
            receipt->state = Receipt::State::done;
        } else {
            receipt->attachment = Receipt::no_attachment;  // refused: it will be delivered again
        }
    } else {
        // The broker has taken it back.
        if (receipt->state == Receipt::State::seen) --unacknowledged_;
        receipt->attachment = Receipt::no_attachment;
        std::erase_if(waiting_, [receipt](const auto& one) { return one.get() == receipt; });
    }
    session_->confirmed();
    finish_close();
}

// What goes to the application -------------------------------------------------------------------------------------------------------

std::shared_ptr<Receipt> ConsumerCore::take() {
    std::shared_ptr<Receipt> receipt = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= receipt->bytes.size();
    top_up();
    return receipt;
}

MessagePtr ConsumerCore::decode(const std::shared_ptr<Receipt>& receipt) {
    std::unique_ptr<MessageData> data = decode_message(receipt->bytes, destination_);
    if (!browse_ && session_->acknowledges_by_application()) {
        data->acknowledger = session_;
        data->receipt = receipt;
    }
    return MessageAccess::make(std::move(data));
}

void ConsumerCore::settle(Receipt& receipt, Settlement settlement) {
    if (is_stale(receipt) || receipt.delivery == nullptr) return;
    const bool counts = settlement == Settlement::failed && offers_modified_;
    if (counts) pn_disposition_set_failed(pn_delivery_local(receipt.delivery), true);
    pn_delivery_update(receipt.delivery, counts ? PN_MODIFIED : PN_RELEASED);
    pn_delivery_set_context(receipt.delivery, nullptr);
    pn_delivery_settle(receipt.delivery);
    receipt.delivery = nullptr;
    receipt.state = Receipt::State::done;
}

void ConsumerCore::reject(Receipt& receipt, const std::string& why) {
    if (is_stale(receipt) || receipt.delivery == nullptr) return;
    pn_condition_t* const condition = pn_disposition_condition(pn_delivery_local(receipt.delivery));
    pn_condition_set_name(condition, "amqp:decode-error");
    pn_condition_set_description(condition, why.c_str());
    pn_delivery_update(receipt.delivery, PN_REJECTED);
    pn_delivery_set_context(receipt.delivery, nullptr);
    pn_delivery_settle(receipt.delivery);
    receipt.delivery = nullptr;
    receipt.state = Receipt::State::done;
}

void ConsumerCore::release_waiting() {
    for (const auto& receipt : browsed_) settle(*receipt, Settlement::released);
    for (const auto& receipt : waiting_) settle(*receipt, Settlement::released);
    browsed_.clear();
    waiting_.clear();
    waiting_bytes_ = 0;
}

void ConsumerCore::check_usable() const {
    if (state() == State::failed) failure().raise();
    if (connection_.state() == ConnectionCore::State::failed) connection_.failure().raise();
}

/// A browser shows what there is even while the connection is stopped.
bool ConsumerCore::active() const { return browse_ || connection_.started(); }

bool ConsumerCore::can_hand_over() const { return active() && !waiting_.empty(); }

bool ConsumerCore::is_over() const { return closed_ || state() == State::failed || connection_.state() == ConnectionCore::State::failed; }

/// The opposite of take(): it is the next one again.
void ConsumerCore::take_back(const std::shared_ptr<Receipt>& receipt) {
    waiting_bytes_ += receipt->bytes.size();
    waiting_.push_front(receipt);
}

/// Null if there was nothing to hand over after all; then the caller looks again.
MessagePtr ConsumerCore::hand_over(std::unique_lock<std::mutex>& lock, std::optional<BodyKind> wanted) {
    const std::shared_ptr<Receipt> receipt = take();
    lock.unlock();
    MessagePtr message;
    std::string problem;
    try {
        message = decode(receipt);
    } catch (const MessageFormatException& exception) {
        problem = exception.what();
    }
    lock.lock();
    if (message == nullptr) {
        browse_ ? settle(*receipt, Settlement::released) : reject(*receipt, problem);
        connection_.report(Failure{FailureKind::format, "amqp:decode-error", problem});
        connection_.pump_later();
        return nullptr;
    }
    if (closed_ || is_stale(*receipt)) {
        // Closed by another thread, or the connection lost, at this moment: nobody has seen it, and it comes again.
        settle(*receipt, Settlement::released);
        connection_.pump_later();
        return nullptr;
    }
    const bool fits = !wanted || MessageAccess::data(*message).kind == *wanted;
    if (!fits && session_->acknowledges_by_itself()) {
        take_back(receipt);
    } else {
        receipt->bytes = std::string();
        if (browse_) {
            if (receipt->delivery != nullptr) browsed_.push_back(receipt);
            return message;
        }
        session_->add_seen(receipt);
        // The next call takes what waits, or waits itself and writes then.
        waiting_.empty() ? connection_.pump_later() : connection_.pump_soon();
    }
    if (!fits) {
        throw MessageFormatException(std::string("The next message has not the body that was asked for; ") +
                                     "receive() takes it as it is, whatever body it has.");
    }
    return message;
}

void ConsumerCore::wait_for_message(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    pulling_ = true;
    top_up();
    connection_.pump();
    wait_until(session_->changed(), lock, deadline, [&] { return is_over() || can_hand_over(); });
    pulling_ = false;
}

/// Asks the broker by a drain whether there is anything. `must_know`: it has to answer, also over the loss of a connection; for a timed
/// receive, whose time is over, an answer that takes longer than drain_patience counts as no.
bool ConsumerCore::is_empty(std::unique_lock<std::mutex>& lock, bool must_know) {
    const auto limit = connection_.settings().request_timeout;
    const std::optional<SteadyTime> deadline = deadline_after(must_know ? limit : std::min(limit, drain_patience));
    const auto wait = [&](auto done) {
        connection_.pump();
        if (wait_until(session_->changed(), lock, deadline, [&] { return is_over() || can_hand_over() || done(); })) return true;
        if (!must_know) return false;
        throw JMSException("The broker has not said within the request timeout whether there is a message; try again.", "giromq:timeout");
    };
    for (;;) {
        // An earlier drain may have been answered before this call; only one that begins now tells about now.
        if (!wait([&] { return must_know ? state() == State::attached && !draining_ : !draining_; })) return true;
        if (is_over() || can_hand_over()) return false;
        if (state() != State::attached) return true;
        const std::uint64_t attachment = attachment_;
        begin_drain();
        if (!wait([&] { return !draining_ || attachment != attachment_; })) return true;
        if (is_over() || can_hand_over()) return false;
        if (attachment == attachment_ || !must_know) return true;
    }
}

/// Whether the broker need not be asked when the time of a timed receive is over: it has had credit all along. A GiroMQ broker is asked
/// nevertheless, which makes short times safe; there are others whose sessions end when they are (RabbitMQ 3.10 with classic queues).
bool ConsumerCore::had_its_time() const { return !connection_.is_giromq() && connection_.settings().prefetch > 0; }

MessagePtr ConsumerCore::receive(std::optional<std::chrono::milliseconds> limit, std::optional<BodyKind> wanted) {
    const SessionUse use(*session_);
    session_->begin_work();
    std::unique_lock lock(connection_.mutex());
    if (session_->has_listeners()) {
        throw IllegalStateException(
            "The session has a message listener, so its messages cannot be received by a call as well; use another session.");
    }
    const std::optional<SteadyTime> deadline = limit ? deadline_after(*limit) : SteadyTime{};
    for (;;) {
        if (closed_) return nullptr;
        check_usable();
        if (can_hand_over()) {
            if (MessagePtr message = hand_over(lock, wanted)) return message;
            continue;
        }
        if (!deadline || std::chrono::steady_clock::now() < *deadline) {
            wait_for_message(lock, deadline);
        } else if (!connection_.started() || (limit && had_its_time()) || is_empty(lock, !limit)) {
            return nullptr;
        }
    }
}

MessagePtr ConsumerCore::browse_next() {
    const SessionUse use(*session_);
    std::unique_lock lock(connection_.mutex());
    for (;;) {
        if (closed_) throw IllegalStateException("The browser is closed.");
        check_usable();
        if (lost_while_browsing_) {
            throw JMSException("The connection was lost while browsing '" + destination_->name() +
                                   "', and with it the position in the queue; make a new browser.",
                               "giromq:connection-lost");
        }
        if (can_hand_over()) {
            if (MessagePtr message = hand_over(lock)) return message;
            continue;
        }
        if (is_empty(lock, true) && waiting_.empty() && !lost_while_browsing_) return nullptr;
    }
}

// The listener, and the end ----------------------------------------------------------------------------------------------------------

void ConsumerCore::set_listener(MessageListener listener) {
    const SessionUse use(*session_);
    const std::lock_guard lock(connection_.mutex());
    if (closed_) throw IllegalStateException("The consumer is closed.");
    if (session_->xa_transaction() != nullptr) {
        throw IllegalStateException("A session of a transaction manager has no message listeners; receive in the branch that is active.");
    }
    listener_ = listener == nullptr ? nullptr : std::make_shared<const MessageListener>(std::move(listener));
    session_->listeners_changed();
    top_up();
    connection_.pump_later();
}

void ConsumerCore::finish_close() {
    if (!closed_ || state() != State::attached || unacknowledged_ > 0 || unconfirmed_ > 0) return;
    close_link();
    connection_.pump_later();
}

void ConsumerCore::close() {
    std::unique_lock lock(connection_.mutex());
    if (closed_) return;
    closed_ = true;
    notify();
    const bool from_listener = session_->on_listener_thread();
    if (!from_listener) wait_until(session_->changed(), lock, std::nullopt, [&] { return session_->listening() != this; });
    const auto deadline = deadline_after(connection_.settings().close_timeout);
    // With something still to be acknowledged the link has to stay; then nothing more may come over it.
    if (unacknowledged_ > 0) quiesce(lock, deadline);
    release_waiting();
    listener_ = nullptr;
    session_->listeners_changed();
    connection_.pump();
    if (unacknowledged_ == 0) session_->wait_for_confirmation(lock, deadline, [&] { return unconfirmed_ == 0; });
    finish_close();
    if (unacknowledged_ > 0 && state() == State::attached) return;  // the session closes the link, or the last acknowledgement
    close_link();
    connection_.pump();
    wait_until(session_->changed(), lock, deadline, [&] { return state() == State::closed || state() == State::failed; });
    abandon();
    session_->forget(*this);
}

}  // namespace giromq::detail
