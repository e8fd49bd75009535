#include "amqp/receiver_link.hpp"

#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>

#include <algorithm>

#include "amqp/proton_values.hpp"
#include "amqp/transaction_values.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "security/authorisation.hpp"

namespace giromq::amqp {
namespace {

/// How much of the body stays with the head of a large message: enough for a person to see what it is.
constexpr std::size_t lead_body_bytes = 1024;
/// Addresses whose permission is remembered.
constexpr std::size_t allowed_max = 1000;

std::span<const std::uint8_t> part(const std::vector<std::uint8_t>& bytes, std::size_t from, std::size_t to) {
    return std::span(bytes).subspan(from, to - from);
}

Refusal head_refusal(codec::HeadStatus status) {
    if (status == codec::HeadStatus::too_large) {
        return {std::string(condition::resource_limit_exceeded),
                "annotations and properties of a message have at most " + std::to_string(limits::message_head_bytes) + " bytes together"};
    }
    return {std::string(condition::decode_error), "the sections of the message are malformed"};
}

Refusal body_refusal() { return {std::string(condition::decode_error), "the body of the message is malformed"}; }

}  // namespace

ReceiverLink::~ReceiverLink() { account(0); }

void ReceiverLink::opened() {
    Link::opened();
    replenish();
}

void ReceiverLink::on_window(std::uint32_t messages) {
    window_ = messages;
    replenish();
}

void ReceiverLink::replenish() {
    if (!open_ || violation() || leaving) return;
    const auto credit = static_cast<std::uint32_t>(std::max(0, pn_link_credit(pn_)));
    // In few large steps rather than in many small ones: every step is a frame.
    if (credit > window_ / 2) return;
    const std::uint32_t used = in_flight_ + credit;
    if (used >= window_) return;
    const std::uint32_t room = window_ - used;
    granted_ += room;
    pn_link_flow(pn_, static_cast<int>(room));
}

void ReceiverLink::account(std::size_t held) {
    context_.partial_bytes = context_.partial_bytes - held_ + held;
    held_ = held;
}

void ReceiverLink::on_delivery(pn_delivery_t* delivery) {
    if (pn_link_current(pn_) == delivery) return read(delivery);
    // A sender in rcv-settle-mode second has seen the outcome and settles: so do we (AMQP 1.0 §2.6.12).
    if (pn_delivery_updated(delivery)) {
        const bool is_answered = pn_delivery_local_state(delivery) != 0;
        const bool is_settled = pn_delivery_settled(delivery);
        pn_delivery_clear(delivery);
        if (is_answered && is_settled) settle(delivery);
    }
}

void ReceiverLink::read(pn_delivery_t* delivery) {
    if (violation() || leaving) return release(delivery);
    if (reading_ != delivery) {
        forget_partial();
        reading_ = delivery;
        if (++received_ > granted_) {
            return refuse_and_violate(delivery, condition::link_transfer_limit_exceeded, "a transfer without credit");
        }
    }
    if (pn_delivery_aborted(delivery)) {
        // Nothing of it was ever shown: chunks that are in the store already go with it.
        drop_stream();
        forget_partial();
        pn_delivery_settle(delivery);
        return replenish();
    }
    const std::size_t bytes = pn_delivery_pending(delivery);
    const bool is_last = !pn_delivery_partial(delivery);
    size_ += bytes;
    if (size_ > context_.settings.max_message_bytes) {
        return refuse_and_violate(delivery, condition::link_message_size_exceeded,
                                  "a message has at most " + std::to_string(context_.settings.max_message_bytes) + " bytes");
    }
    const bool is_small = bytes <= chunk_bytes && is_last && collected_.empty() && !stream_ && !refusal_;
    if (is_small) return read_whole(delivery, bytes);
    collect(delivery, bytes, is_last);
}

void ReceiverLink::read_whole(pn_delivery_t* delivery, std::size_t bytes) {
    // The message's own memory, of its exact size: it lives as long as the message waits.
    auto memory = std::make_shared_for_overwrite<std::uint8_t[]>(bytes);
    std::uint8_t* const data = memory.get();
    if (bytes > 0) pn_link_recv(pn_, reinterpret_cast<char*>(data), bytes);
    finish(delivery, SharedBytes(std::move(memory), data, bytes));
}

void ReceiverLink::collect(pn_delivery_t* delivery, std::size_t bytes, bool is_last) {
    if (refusal_) {
        discard(bytes);
    } else if (stream_) {
        stream_from_engine(bytes);
    } else {
        const std::size_t before = collected_.size();
        collected_.resize(before + bytes);
        if (bytes > 0) pn_link_recv(pn_, reinterpret_cast<char*>(collected_.data() + before), bytes);
        account(collected_.capacity());
        look_at_head(is_last);
        if (!refusal_ && bare_offset_ && collected_.size() - *bare_offset_ > chunk_bytes) start_stream();
    }
    if (context_.partial_bytes > 4 * context_.settings.session_window_bytes) {
        return refuse_and_violate(delivery, condition::resource_limit_exceeded, "too many bytes in deliveries that are not complete");
    }
    if (!is_last) return;
    if (refusal_) {
        const Refusal refusal = *refusal_;
        drop_stream();
        forget_partial();
        return reject(delivery, refusal);
    }
    if (stream_) return finish_stream(delivery);
    const SharedBytes whole = SharedBytes::copy_of(collected_);
    finish(delivery, whole);
}

void ReceiverLink::discard(std::size_t bytes) {
    std::uint8_t sink[4096];
    while (bytes > 0) {
        const ssize_t taken = pn_link_recv(pn_, reinterpret_cast<char*>(sink), std::min(bytes, sizeof sink));
        if (taken <= 0) return;
        bytes -= static_cast<std::size_t>(taken);
    }
}

void ReceiverLink::look_at_head(bool is_last) {
    // Looked at again only when twice as much is there, so that a message in one-byte transfers costs no more than one in a single one.
    if (bare_offset_ || is_last || collected_.size() < look_at_) return;
    look_at_ = collected_.size() < limits::message_head_bytes ? std::min(2 * collected_.size(), limits::message_head_bytes) : 0;
    codec::MessageHead head;
    const codec::HeadStatus status = codec::read_head(collected_, false, head);
    if (status == codec::HeadStatus::incomplete) return;
    if (status == codec::HeadStatus::complete) {
        bare_offset_ = head.bare_offset;
        body_offset_ = head.body_offset;
        return;
    }
    refusal_ = head_refusal(status);
    collected_ = {};
    account(0);
}

void ReceiverLink::start_stream() {
    const std::size_t lead_end = std::min(collected_.size(), body_offset_ + lead_body_bytes);
    const SharedBytes lead = SharedBytes::copy_of(part(collected_, 0, lead_end));
    codec::MessageHead head;
    const codec::HeadStatus status = codec::read_head(lead.span(), false, head);
    if (status != codec::HeadStatus::complete) {
        refusal_ = head_refusal(status);
        return;
    }
    Result<Intake> intake = take_in(lead, head);
    if (!intake) {
        refusal_ = refusal_of(intake.error());
        return;
    }
    stream_ = std::make_unique<Stream>();
    stream_->id = next_stream_++;
    stream_->intake = std::move(intake).value();
    const std::vector<std::uint8_t> collected = std::move(collected_);
    collected_ = {};
    if (!body_.consume(part(collected, body_offset_, lead_end))) {
        refusal_ = body_refusal();
    } else {
        stream_bytes(part(collected, lead_end, collected.size()));
    }
}

void ReceiverLink::stream_bytes(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty() && !refusal_) {
        if (!stream_->chunk) stream_->chunk = std::make_shared_for_overwrite<std::uint8_t[]>(chunk_bytes);
        const std::size_t count = std::min(bytes.size(), chunk_bytes - stream_->filled);
        std::copy_n(bytes.begin(), count, stream_->chunk.get() + stream_->filled);
        if (!body_.consume(bytes.first(count))) refusal_ = body_refusal();
        stream_->filled += count;
        bytes = bytes.subspan(count);
        if (stream_->filled == chunk_bytes) chunk_filled();
    }
    account(stream_->chunk ? chunk_bytes : 0);
}

void ReceiverLink::stream_from_engine(std::size_t bytes) {
    while (bytes > 0 && !refusal_) {
        if (!stream_->chunk) stream_->chunk = std::make_shared_for_overwrite<std::uint8_t[]>(chunk_bytes);
        std::uint8_t* const to = stream_->chunk.get() + stream_->filled;
        const ssize_t taken = pn_link_recv(pn_, reinterpret_cast<char*>(to), std::min(bytes, chunk_bytes - stream_->filled));
        if (taken <= 0) break;
        const auto count = static_cast<std::size_t>(taken);
        if (!body_.consume({to, count})) refusal_ = body_refusal();
        stream_->filled += count;
        bytes -= count;
        if (stream_->filled == chunk_bytes) chunk_filled();
    }
    if (refusal_) discard(bytes);
    account(stream_->chunk ? chunk_bytes : 0);
}

void ReceiverLink::chunk_filled() {
    const std::uint8_t* const data = stream_->chunk.get();
    SharedBytes bytes(std::move(stream_->chunk), data, stream_->filled);
    stream_->bytes += stream_->filled;
    stream_->filled = 0;
    ++context_.chunks_outstanding;
    context_.commands.emplace_back(command::StoreChunk{core_.get(), stream_->id, stream_->chunks++, std::move(bytes)});
}

void ReceiverLink::finish_stream(pn_delivery_t* delivery) {
    if (stream_->filled > 0) chunk_filled();
    if (!body_.is_complete()) {
        drop_stream();
        forget_partial();
        return reject(delivery, body_refusal());
    }
    Intake intake = std::move(stream_->intake);
    const std::uint32_t id = stream_->id;
    intake.message->chunk_count = stream_->chunks;
    intake.message->chunked_bytes = stream_->bytes;
    forget_partial();
    send(delivery, std::move(intake), id);
}

void ReceiverLink::finish(pn_delivery_t* delivery, const SharedBytes& bytes) {
    forget_partial();
    codec::MessageHead head;
    const codec::HeadStatus status = codec::read_head(bytes.span(), true, head);
    if (status != codec::HeadStatus::complete || bytes.empty()) return reject(delivery, head_refusal(status));
    codec::BodyCheck body;
    if (!body.consume(bytes.span().subspan(head.body_offset)) || !body.is_complete()) return reject(delivery, body_refusal());
    Result<Intake> intake = take_in(bytes, head);
    if (!intake) return reject(delivery, refusal_of(intake.error()));
    send(delivery, std::move(intake).value(), std::nullopt);
}

void ReceiverLink::on_chunk_refused(std::uint32_t stream, const Error& error) {
    if (!stream_ || stream_->id != stream || refusal_) return;
    refusal_ = refusal_of(error);
    drop_stream();
    stream_.reset();
    account(0);
}

void ReceiverLink::drop_stream() {
    if (stream_ && stream_->chunks > 0) context_.commands.emplace_back(command::DropStream{core_.get(), stream_->id});
}

void ReceiverLink::forget_partial() {
    reading_ = nullptr;
    size_ = 0;
    collected_.clear();
    if (collected_.capacity() > 4096) collected_ = {};
    look_at_ = 0;
    bare_offset_.reset();
    body_offset_ = 0;
    body_ = {};
    stream_.reset();
    refusal_.reset();
    account(0);
}

std::optional<Refusal> ReceiverLink::route(const Intake& intake) {
    if (intake.to.empty()) return Refusal{std::string(condition::invalid_field), "a message for the anonymous relay needs properties.to"};
    if (intake.to_topic) return Refusal{std::string(condition::not_implemented), "topics are not implemented"};
    if (const auto version = security::permissions_version(context_.identity); version != allowed_version_) {
        allowed_.clear();
        allowed_version_ = version;
    }
    auto allowed = allowed_.find(intake.to);
    if (allowed == allowed_.end()) {
        if (allowed_.size() >= allowed_max) allowed_.clear();
        const bool may_send = security::authorise(context_.identity, security::Action::send, intake.to).ok();
        allowed = allowed_.emplace(intake.to, may_send).first;
    }
    if (!allowed->second) return Refusal{std::string(condition::unauthorized_access), "user may not send to '" + intake.to + "'"};
    return std::nullopt;
}

TransactionId ReceiverLink::partial_transaction() const {
    const auto state = reading_ == nullptr ? std::nullopt : transactional_state_of(reading_);
    return state ? state->transaction : TransactionId{};
}

void ReceiverLink::send(pn_delivery_t* delivery, Intake intake, std::optional<std::uint32_t> stream) {
    const auto state = transactional_state_of(delivery);
    const TransactionId transaction = state ? state->transaction : TransactionId{};
    std::optional<Refusal> refusal;
    if (is_transactional(delivery) && !transaction.is_set()) {
        refusal = Refusal{std::string(condition::transaction_unknown_id), "there is no such transaction"};
    } else if (is_relay_) {
        refusal = route(intake);
    }
    if (refusal) {
        if (stream) context_.commands.emplace_back(command::DropStream{core_.get(), *stream});
        return reject(delivery, *refusal);
    }
    intake.arrived(context_.clock.wall_now());
    const auto bytes = static_cast<std::uint32_t>(intake.message->memory());
    context_.sending_bytes += bytes;
    command::Send send{core_.get(), bytes, delivery, std::move(intake.message), nullptr};
    if (is_relay_ || stream || intake.sequence || !intake.duplicate_id.empty() || transaction.is_set()) {
        send.extras = std::make_unique<command::SendExtras>();
        send.extras->sequence = std::move(intake.sequence);
        send.extras->duplicate_id = std::move(intake.duplicate_id);
        send.extras->stream = stream;
        send.extras->transaction = transaction;
        if (is_relay_) {
            send.extras->may_create = security::authorise(context_.identity, security::Action::create, intake.to).ok();
            send.extras->address = std::move(intake.to);
        }
    }
    ++in_flight_;
    ++unanswered_;
    ++context_.messages_in;
    if (pn_delivery_settled(delivery)) {
        send.delivery = nullptr;
        pn_delivery_settle(delivery);
    } else {
        pn_link_advance(pn_);
    }
    context_.commands.emplace_back(std::move(send));
}

}  // namespace giromq::amqp
