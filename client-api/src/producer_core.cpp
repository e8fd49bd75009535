#include "producer_core.hpp"

#include <openssl/rand.h>
#include <proton/codec.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>
#include <array>

#include "giromq/exceptions.hpp"
#include "session_core.hpp"
#include "temporary_node.hpp"
#include "transaction_codec.hpp"

namespace giromq::detail {
namespace {

/// Sequences that may be under way at once: less than the 1,024 that the broker remembers exactly.
constexpr std::uint64_t unconfirmed_max = 1000;
/// What may wait for its outcome on one connection, unless it is a single message.
constexpr std::uint64_t unconfirmed_bytes_max = 64u << 20;

std::int64_t wall_now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Failure outcome_unknown(const std::string& why) {
    return Failure{FailureKind::general, "giromq:outcome-unknown", "Whether the broker has the message is not known: " + why};
}

/// The failure that an outcome other than accepted means; nothing for accepted.
std::optional<Failure> failure_of_outcome(pn_delivery_t* delivery) {
    const std::string what = "The broker did not take the message";
    RemoteOutcome outcome = remote_outcome(delivery, what);
    switch (outcome.code) {
        case PN_ACCEPTED: return std::nullopt;
        case PN_REJECTED: return std::move(outcome.failure);
        case PN_RELEASED: return Failure{FailureKind::resource, "amqp:released:list", what + " for now; send it again later."};
        case PN_MODIFIED: return Failure{FailureKind::resource, "amqp:modified:list", what + "; send it again later."};
        default: return outcome_unknown("the broker settled it without an outcome.");
    }
}

}  // namespace

std::string random_name() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw JMSException("The system has no random numbers.");
    std::string name;
    for (const unsigned char byte : bytes) {
        name += "0123456789abcdef"[byte >> 4];
        name += "0123456789abcdef"[byte & 0x0f];
    }
    return name;
}

ProducerCore::ProducerCore(std::shared_ptr<SessionCore> session, DestinationPtr destination)
    : LinkCore(session->connection()),
      session_(std::move(session)),
      destination_(std::move(destination)),
      producer_id_(random_name()),
      annotations_(encode_producer_sequence(producer_id_)) {}

ProducerCore::~ProducerCore() = default;

std::string ProducerCore::describe() const {
    return destination_ == nullptr ? "the producer" : "the producer for '" + destination_->name() + "'";
}

void ProducerCore::notify() { session_->wake(); }

// The link ---------------------------------------------------------------------------------------------------------------------------

pn_link_t* ProducerCore::make_link() {
    if (session_->engine_session() == nullptr || !is_attachable(connection_, destination_)) return nullptr;
    const std::string name = "producer-" + std::to_string(connection_.next_number());
    pn_link_t* const link = pn_sender(session_->engine_session(), name.c_str());
    pn_link_set_snd_settle_mode(link, PN_SND_UNSETTLED);
    pn_link_set_rcv_settle_mode(link, PN_RCV_FIRST);
    pn_terminus_set_address(pn_link_source(link), connection_.id().c_str());
    offer_outcomes(pn_link_source(link));
    describe_terminus(pn_link_target(link), destination_.get());
    return link;
}

bool ProducerCore::accepted_by_remote() const {
    // Proton cannot tell a target without an address from no target, so the anonymous relay counts as there until it is ended.
    return destination_ == nullptr || pn_terminus_get_type(pn_link_remote_target(link())) == PN_TARGET;
}

void ProducerCore::on_flow() {
    if (state() != State::attached) return;
    transfer();
    // A broker that drains wants its credit back when there is nothing to send (AMQP 1.0 §2.6.7).
    if (pn_link_get_drain(link()) && pn_link_credit(link()) > 0) pn_link_drained(link());
}

void ProducerCore::transfer() {
    Transaction* const transaction = session_->transaction();
    while (state() == State::attached && next_transfer_ < unconfirmed_.size() && pn_link_credit(link()) > 0) {
        const std::string* const id = transaction == nullptr ? nullptr : transaction->id_for_work();
        if (transaction != nullptr && id == nullptr) return;
        transfer(*unconfirmed_[next_transfer_], id);
        ++next_transfer_;
    }
}

void ProducerCore::transfer(SendEntry& entry, const std::string* transaction_id) {
    if (entry.state != SendEntry::State::queued) return;
    std::array<char, sizeof entry.sequence> tag{};
    for (std::size_t index = 0; index < tag.size(); ++index) tag[index] = static_cast<char>(entry.sequence >> (8 * index));
    entry.delivery = pn_delivery(link(), pn_dtag(tag.data(), tag.size()));
    pn_delivery_set_context(entry.delivery, &entry);
    pn_link_send(link(), entry.message.header.data(), entry.message.header.size());
    if (transaction_id != nullptr) {
        // Never sent a second time, because a lost connection rolls the transaction back: no sequence to be recognised by.
        put_in_transaction(entry.delivery, *transaction_id);
    } else if (connection_.is_giromq()) {
        set_sequence(annotations_, entry.sequence);
        pn_link_send(link(), annotations_.data(), annotations_.size());
    }
    pn_link_send(link(), entry.message.rest.data(), entry.message.rest.size());
    pn_link_advance(link());
    entry.state = SendEntry::State::transferred;
    entry.ever_transferred = true;
}

void ProducerCore::on_delivery(pn_delivery_t* delivery) {
    auto* const entry = static_cast<SendEntry*>(pn_delivery_get_context(delivery));
    const bool terminal = remote_outcome(delivery, {}).code >= PN_ACCEPTED;
    if (entry == nullptr || !pn_delivery_updated(delivery) || !(terminal || pn_delivery_settled(delivery))) return;
    std::optional<Failure> failure = failure_of_outcome(delivery);
    complete(*entry, std::move(failure));
    pn_delivery_settle(delivery);
    drop_completed();
}

void ProducerCore::complete(SendEntry& entry, std::optional<Failure> failure) {
    entry.state = SendEntry::State::done;
    if (entry.delivery != nullptr) pn_delivery_set_context(entry.delivery, nullptr);
    entry.delivery = nullptr;
    entry.failure = std::move(failure);
    connection_.unconfirmed_bytes() -= entry.size();
    if (Transaction* const transaction = session_->transaction(); transaction != nullptr && entry.failure) {
        transaction->doom(*entry.failure);
    }
    session_->tell_completions();
    notify();
}

void ProducerCore::drop_completed() {
    while (!unconfirmed_.empty() && unconfirmed_.front()->state == SendEntry::State::done) {
        unconfirmed_.pop_front();
        if (next_transfer_ > 0) --next_transfer_;
    }
}

void ProducerCore::on_detached(const Failure* failure) {
    if (session_->transaction() != nullptr) return detach_from_transaction(failure);
    for (const SendEntryPtr& entry : unconfirmed_) {
        entry->delivery = nullptr;
        if (entry->state != SendEntry::State::transferred) continue;
        entry->state = SendEntry::State::queued;
        // At most once (JMS 2.0 §3.4.2): what a broker may already have delivered and forgotten is not sent again.
        if (!entry->durable && failure == nullptr) {
            complete(*entry, outcome_unknown("the connection was lost. It is not persistent and so not sent again."));
        }
    }
    next_transfer_ = 0;
    if (failure != nullptr) fail_all(*failure, failure->reason);
    // Entries that were done before the transport was lost are skipped by transfer().
    drop_completed();
}

/// What was sent is rolled back, and is not sent again under another transaction; what waits for the beginning of one may go on waiting.
void ProducerCore::detach_from_transaction(const Failure* failure) {
    const Failure lost{FailureKind::rolled_back, "giromq:connection-lost",
                       "The message was rolled back with its transaction, because the connection was lost."};
    const bool begun = session_->transaction()->is_used() || session_->transaction()->doom();
    for (const SendEntryPtr& entry : unconfirmed_) {
        entry->delivery = nullptr;
        if (entry->state == SendEntry::State::done || (failure == nullptr && !begun)) continue;
        complete(*entry, failure == nullptr ? lost : *failure);
    }
    next_transfer_ = 0;
    drop_completed();
}

bool ProducerCore::is_doomed() const { return session_->transaction() != nullptr && session_->transaction()->doom(); }

void ProducerCore::withdraw_unsent() {
    const Failure withdrawn{FailureKind::rolled_back, "amqp:transaction:rollback",
                            "The message was not sent: its transaction was rolled back."};
    for (const SendEntryPtr& entry : unconfirmed_) {
        if (entry->state == SendEntry::State::queued) complete(*entry, withdrawn);
    }
    drop_completed();
    next_transfer_ = unconfirmed_.size();
}

void ProducerCore::give_up_sends() {
    fail_all(not_sent(), "the broker has not answered in time.");
    drop_completed();
}

void ProducerCore::fail_all(const Failure& unsent, const std::string& unknown_because) {
    for (const SendEntryPtr& entry : unconfirmed_) {
        if (entry->state == SendEntry::State::done) continue;
        complete(*entry, entry->ever_transferred ? outcome_unknown(unknown_because) : unsent);
    }
}

// Sending ----------------------------------------------------------------------------------------------------------------------------

void ProducerCore::check_usable() const {
    if (closed_) throw IllegalStateException("The producer is closed.");
    if (state() == State::failed) failure().raise();
    if (connection_.state() == ConnectionCore::State::failed) connection_.failure().raise();
}

DestinationPtr ProducerCore::target_of(const DestinationPtr& destination) const {
    if (destination_ != nullptr) {
        if (destination != nullptr && destination != destination_) {
            throw JMSException("The producer was made for '" + destination_->name() +
                               "'; use one without a destination to name it with each send.");
        }
        return destination_;
    }
    if (destination == nullptr) throw InvalidDestinationException("The producer has no destination of its own; name one with each send.");
    return destination;
}

void ProducerCore::prepare(MessageData& data, const DestinationPtr& destination, const SendOptions& options) {
    if (options.priority < 0 || options.priority > 9)
        throw JMSException("A priority is from 0 to 9, not " + std::to_string(options.priority) + ".");
    if (options.time_to_live.count() < 0) throw JMSException("A time to live is not negative; 0 means that the message never expires.");
    const std::int64_t now = wall_now_ms();
    data.destination = destination;
    data.delivery_mode = options.mode;
    data.priority = options.priority;
    data.timestamp = disable_message_timestamp ? 0 : now;
    data.expiration = options.time_to_live.count() == 0 ? 0 : now + options.time_to_live.count();
    data.message_id = disable_message_id ? std::string() : "ID:" + producer_id_ + ":" + std::to_string(++messages_);
    data.delivery_time = now;
    data.redelivered = false;
}

void ProducerCore::send(const DestinationPtr& destination, const MessagePtr& message, const SendOptions& options,
                        const std::shared_ptr<CompletionListener>& listener) {
    const SessionUse use(*session_);
    session_->begin_work();
    if (message == nullptr) throw MessageFormatException("There is no message to send: the pointer is null.");
    const DestinationPtr target = target_of(destination);
    if (routes_ != nullptr) return send_by_route(target, message, options, listener);
    MessageData& data = MessageAccess::data(*message);
    prepare(data, target, options);
    auto entry = std::make_shared<SendEntry>();
    entry->message = encode_message(data, options.time_to_live);
    entry->durable = options.mode == DeliveryMode::persistent;
    entry->listener = listener;
    if (listener != nullptr) entry->original = message;

    std::unique_lock lock(connection_.mutex());
    check_usable();
    const auto deadline = deadline_after(connection_.settings().send_timeout);
    wait_for_room(lock, entry->size(), deadline);
    entry->sequence = next_sequence_++;
    connection_.unconfirmed_bytes() += entry->size();
    unconfirmed_.push_back(entry);
    if (listener != nullptr) {
        ++untold_;
        session_->add_completion(shared_from_this(), entry);
    }
    if (Transaction* const transaction = session_->transaction()) return send_in_transaction(*transaction, *entry);
    transfer();
    if (listener != nullptr) return connection_.pump_later();
    connection_.pump();
    wait_for_outcome(lock, entry, deadline);
    if (entry->failure) entry->failure->raise();
}

/// Does not wait: commit() does, and says if the broker has refused something.
void ProducerCore::send_in_transaction(Transaction& transaction, SendEntry& entry) {
    if (transaction.doom()) {
        complete(entry, *transaction.doom());
        return drop_completed();
    }
    transfer();
    entry.state == SendEntry::State::queued ? connection_.pump_later() : connection_.pump_soon();
}

void ProducerCore::send_by_route(const DestinationPtr& destination, const MessagePtr& message, const SendOptions& options,
                                 const std::shared_ptr<CompletionListener>& listener) {
    {
        const std::lock_guard lock(connection_.mutex());
        check_usable();
    }
    const auto route = routes_->to(destination);
    route->disable_message_id = disable_message_id;
    route->disable_message_timestamp = disable_message_timestamp;
    route->send(nullptr, message, options, listener);
}

bool ProducerCore::has_room(std::size_t bytes) const {
    const bool in_window = unconfirmed_.empty() || next_sequence_ - unconfirmed_.front()->sequence < unconfirmed_max;
    const std::uint64_t waiting = connection_.unconfirmed_bytes();
    // A completion listener that sends must not wait for itself.
    const bool told = untold_ < unconfirmed_max || connection_.callbacks().is_current();
    return in_window && told && (waiting == 0 || waiting + bytes <= unconfirmed_bytes_max);
}

void ProducerCore::wait_for_room(std::unique_lock<std::mutex>& lock, std::size_t bytes, const std::optional<SteadyTime>& deadline) {
    while (!has_room(bytes)) {
        if (is_doomed()) {
            withdraw_unsent();
            if (has_room(bytes)) return;
        }
        connection_.pump_later();
        // The bytes are freed by other sessions of the connection too, which do not notify this one.
        const auto poll = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        session_->changed().wait_until(lock, deadline ? std::min(*deadline, poll) : poll);
        check_usable();
        if (deadline && std::chrono::steady_clock::now() >= *deadline) {
            throw ResourceAllocationException(
                "The message was not sent: too many earlier sends are not confirmed yet; wait for their outcomes.", "giromq:timeout");
        }
    }
}

void ProducerCore::wait_for_outcome(std::unique_lock<std::mutex>& lock, const SendEntryPtr& entry,
                                    const std::optional<SteadyTime>& deadline) {
    const bool done = wait_until(session_->changed(), lock, deadline, [&] { return entry->state == SendEntry::State::done; });
    if (!done) give_up(entry);
}

void ProducerCore::give_up(const SendEntryPtr& entry) {
    if (entry->ever_transferred)
        outcome_unknown("the broker has not answered within the send timeout. The library goes on trying.").raise();
    const auto found = std::find(unconfirmed_.begin(), unconfirmed_.end(), entry);
    if (found != unconfirmed_.end()) {
        unconfirmed_.erase(found);  // it was not transferred, so it is at or behind next_transfer_
        connection_.unconfirmed_bytes() -= entry->size();
    }
    not_sent().raise();
}

Failure ProducerCore::not_sent() const {
    const char* const why = connection_.is_open()
                                ? "the broker holds the producer back, because the queue is full or it is short of memory or disk"
                                : "there is no connection to the broker";
    return Failure{FailureKind::resource, "giromq:timeout", std::string("The message was not sent: ") + why + ". Send it again later."};
}

// Closing ----------------------------------------------------------------------------------------------------------------------------

void ProducerCore::completion_told() { --untold_; }

void ProducerCore::finish_sends(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    connection_.pump();
    const auto over = [&] { return unconfirmed_.empty() || state() == State::failed; };
    wait_until(session_->changed(), lock, deadline, [&] { return over() || is_doomed(); });
    if (is_doomed()) withdraw_unsent();
    const bool done = wait_until(session_->changed(), lock, deadline, over);
    if (!done) fail_all(not_sent(), "the broker has not answered within the close timeout.");
    drop_completed();
    wait_until(session_->changed(), lock, deadline, [&] { return untold_ == 0; });
}

void ProducerCore::close() {
    if (connection_.callbacks().is_current()) throw IllegalStateException("A producer cannot be closed from a listener of its connection.");
    std::unique_lock lock(connection_.mutex());
    if (closed_) return;
    closed_ = true;
    if (routes_ != nullptr) {
        lock.unlock();
        return routes_->close();
    }
    const auto deadline = deadline_after(connection_.settings().close_timeout);
    finish_sends(lock, deadline);
    close_link();
    connection_.pump();
    wait_until(session_->changed(), lock, deadline, [&] { return state() == State::closed || state() == State::failed; });
    abandon();
    session_->forget(*this);
}

void ProducerCore::dispose() noexcept {
    try {
        if (!connection_.callbacks().is_current()) return close();
        // A completion listener has dropped the last handle: its own thread cannot wait for the listeners that come after it.
        std::thread([self = shared_from_this()] { self->dispose(); }).detach();
    } catch (const std::exception&) {
        // A destructor has nobody to tell; the session closes the producer at the latest.
    }
}

}  // namespace giromq::detail
