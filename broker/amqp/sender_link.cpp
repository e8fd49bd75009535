#include "amqp/sender_link.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>

#include <algorithm>
#include <array>

#include "amqp/delivery_mark.hpp"
#include "amqp/message_output.hpp"
#include "amqp/transaction_values.hpp"
#include "base/log.hpp"

namespace giromq::amqp {
namespace {

/// How many deliveries a pre-settled link or a browser gets from the core before they are sent, whatever its credit.
constexpr std::uint64_t ahead_max = 256;

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

/// §3.4; settled without an outcome means that the consumer does not care any more, so the message goes back as it was.
Outcome outcome_of(pn_delivery_t* delivery) {
    pn_disposition_t* const remote = pn_delivery_remote(delivery);
    switch (pn_delivery_remote_state(delivery)) {
        case PN_ACCEPTED: return Accepted{};
        case PN_REJECTED: {
            pn_condition_t* const told = pn_disposition_condition(remote);
            return Rejected{text_or_empty(pn_condition_get_name(told)), text_or_empty(pn_condition_get_description(told))};
        }
        case PN_MODIFIED: return Modified{pn_disposition_is_failed(remote), pn_disposition_is_undeliverable(remote)};
        default: return Released{};
    }
}

void echo_outcome(pn_delivery_t* delivery) {
    pn_disposition_t* const local = pn_delivery_local(delivery);
    pn_disposition_t* const remote = pn_delivery_remote(delivery);
    const std::uint64_t state = pn_delivery_remote_state(delivery);
    if (state == PN_MODIFIED) {
        pn_disposition_set_failed(local, pn_disposition_is_failed(remote));
        pn_disposition_set_undeliverable(local, pn_disposition_is_undeliverable(remote));
    }
    if (state == transaction_type::transactional_state) pn_data_copy(pn_disposition_data(local), pn_disposition_data(remote));
    if (state == PN_REJECTED) pn_condition_copy(pn_disposition_condition(local), pn_disposition_condition(remote));
    pn_delivery_update(delivery, state);
}

}  // namespace

void SenderLink::opened() {
    Link::opened();
    on_flow();
}

void SenderLink::settle_core(Position position, Outcome outcome, pn_delivery_t* delivery) {
    context_.commands.emplace_back(command::Settle{core_.get(), delivery, position, std::move(outcome)});
}

// Credit

void SenderLink::on_flow() {
    if (!open_ || violation()) return;
    look_at_acquisition();
    if (violation()) return;
    return_excess();
    tell_credit();
}

std::size_t SenderLink::credit() const {
    return static_cast<std::size_t>(std::max<std::int64_t>(0, std::int64_t{pn_link_credit(pn_)} + lent_));
}

void SenderLink::tell_credit() {
    const std::uint64_t all = granted();
    const std::uint64_t limit = is_on_its_own() ? std::min(all, sent_ + ahead_max) : all;
    const bool drain = pn_link_get_drain(pn_);
    // A peer that asks again, with nothing else changed, wants another answer.
    const std::uint64_t drains = drain ? context_.guard.drains(wire_) : told_drains_;
    // The engine also reports what it has sent itself; that changes nothing here, or too little yet.
    if (drain == told_drain_ && drains == told_drains_) {
        if (limit == told_limit_) return;
        if (limit < all && limit > told_limit_ && limit < told_limit_ + ahead_max / 2) return;
    }
    told_limit_ = limit;
    told_drain_ = drain;
    told_drains_ = drains;
    drained_ = false;
    context_.commands.emplace_back(command::Flow{core_.get(), limit, drain, ++flow_number_});
}

void SenderLink::let_go(const core::Delivery& delivery) {
    if (core_->let_go(delivery)) context_.commands.emplace_back(command::Resume{core_.get()});
}

void SenderLink::return_excess() {
    // Of a pre-settled link and of a browser nothing can be given back: the core has let go of it already, or never held it.
    if (is_on_its_own()) return;
    const std::size_t kept = std::max<std::size_t>(credit(), outgoing_ ? 1 : 0);
    while (queue_.size() > kept) {
        settle_core(queue_.back().position, Released{}, nullptr);
        let_go(queue_.back());
        queue_.pop_back();
        ++returned_;
    }
}

void SenderLink::on_drained(const news::Drained& drained) {
    // An answer to an older flow says nothing about what came since; nor does one that only says that what was told is used up.
    if (drained.flow_number != flow_number_ || !open_) return;
    if (sent_ + returned_ + queue_.size() >= told_limit_ && told_limit_ < granted()) return;
    drained_ = true;
}

void SenderLink::answer_drain() {
    if (!drained_ || !queue_.empty()) return;
    // Only when everything before it has gone out, and right before the engine writes: a flow that came in between would be lost on it.
    // Deliveries that were aborted before they began are never counted off.
    if (pn_link_queued(pn_) > 0 && !has_aborted_) return;
    drained_ = false;
    if (pn_link_credit(pn_) > 0) {
        pn_link_drained(pn_);
        lent_ = 0;
    } else {
        // The engine answers only if there is credit left to be used up, the peer waits for an answer in any case (§2.6.7). So the engine
        // sees for a moment more credit than the peer gave; its own count of it, which goes to the peer, is right again before it writes.
        lent_ = static_cast<std::uint32_t>(1 - pn_link_credit(pn_));
        context_.feed(context_.guard.repeat_flow(wire_, lent_));
        pn_link_drained(pn_);
        context_.feed(context_.guard.repeat_flow(wire_, 0));
    }
    // The credit is gone: the same credit again would be new.
    told_limit_ = sent_ + returned_;
}

// Sending

void SenderLink::on_delivered(core::Delivery delivery) {
    queue_.push_back(std::move(delivery));
    const std::uint64_t returned = returned_;
    return_excess();
    if (returned_ != returned) tell_credit();
}

void SenderLink::give(std::span<const std::uint8_t> bytes) {
    if (!bytes.empty()) pn_link_send(pn_, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

pn_delivery_t* SenderLink::begin(const core::Delivery& delivery, std::size_t& bytes) {
    std::array<char, 8> tag{};
    std::uint64_t number = next_tag_++;
    for (std::size_t index = tag.size(); index-- > 0; number >>= 8U) tag[index] = static_cast<char>(number & 0xffU);
    pn_delivery_t* const begun = pn_delivery(pn_, pn_dtag(tag.data(), tag.size()));
    pn_delivery_set_context(begun, DeliveryMark{delivery.position, false}.pack());
    if (acquiring_.is_set()) {
        tell_acquired(begun, acquiring_);
        acquired_.emplace(begun, acquiring_);
    }
    write_prefix(delivery, context_.clock.wall_now(), context_.prefix);
    give(context_.prefix);
    give(delivery.message->bare.span());
    bytes += context_.prefix.size() + delivery.message->bare.size();
    return begun;
}

void SenderLink::end(pn_delivery_t* delivery) {
    pn_link_advance(pn_);
    ++sent_;
    ++context_.messages_out;
    const Position position = queue_.front().position;
    const bool is_large = queue_.front().message->chunk_count > 0;
    let_go(queue_.front());
    queue_.pop_front();
    if (presettled_) {
        pn_delivery_set_context(delivery, nullptr);
        pn_delivery_settle(delivery);
        // The core has kept a large message, so that its chunks could be read.
        if (is_large && !is_browser_) settle_core(position, Accepted{}, nullptr);
    } else {
        // The consumer may have made up its mind before it had the whole message.
        decide(delivery);
    }
}

std::size_t SenderLink::send_pending(std::size_t budget) {
    std::size_t given = 0;
    if (!open_ || violation()) return given;
    while (!queue_.empty() && given < budget) {
        if (outgoing_) {
            read_next();
            break;
        }
        if (credit() == 0) break;
        const core::Delivery& next = queue_.front();
        pn_delivery_t* const begun = begin(next, given);
        if (next.message->chunk_count == 0) {
            end(begun);
        } else {
            outgoing_ = Outgoing{.next_chunk = 0, .read = 0, .delivery = begun};
        }
    }
    if (is_on_its_own()) tell_credit();
    answer_drain();
    return given;
}

bool SenderLink::has_unsent() const { return pn_link_queued(pn_) > 0 || (outgoing_ && pn_delivery_pending(outgoing_->delivery) > 0); }

void SenderLink::read_next() {
    if (outgoing_->read != 0) return;
    outgoing_->read = next_read_++;
    context_.commands.emplace_back(command::ReadChunk{core_.get(), outgoing_->read, queue_.front().message->number, outgoing_->next_chunk});
}

void SenderLink::on_chunk(news::ChunkRead chunk) {
    if (!outgoing_ || outgoing_->read != chunk.read) return;
    outgoing_->read = 0;
    if (chunk.error != nullptr) {
        log::error("chunk_not_read", {{"connection", context_.connection.value},
                                      {"message", queue_.front().message->number.value},
                                      {"chunk", outgoing_->next_chunk},
                                      {"error", chunk.error->to_string()}});
        return abort_outgoing(Modified{.delivery_failed = true, .undeliverable_here = false});
    }
    give(chunk.bytes.span());
    if (++outgoing_->next_chunk < queue_.front().message->chunk_count) return;
    pn_delivery_t* const delivery = outgoing_->delivery;
    outgoing_.reset();
    end(delivery);
}

void SenderLink::abort_outgoing(Outcome outcome) {
    const Position position = queue_.front().position;
    pn_delivery_set_context(outgoing_->delivery, nullptr);
    acquired_.erase(outgoing_->delivery);
    pn_delivery_abort(outgoing_->delivery);
    has_aborted_ = true;
    outgoing_.reset();
    let_go(queue_.front());
    queue_.pop_front();
    // An aborted delivery uses up credit like any other.
    ++sent_;
    // It may be readable another time, and for another consumer; if it never is, its delivery count sends it to the dead-letter queue.
    if (!is_browser_) settle_core(position, std::move(outcome), nullptr);
    tell_credit();
}

// Outcomes

void SenderLink::on_delivery(pn_delivery_t* delivery) {
    if (!pn_delivery_updated(delivery)) return;
    pn_delivery_clear(delivery);
    if (outgoing_ && outgoing_->delivery == delivery) return;  // decided when the whole message has gone
    decide(delivery);
}

void SenderLink::decide(pn_delivery_t* delivery) {
    const DeliveryMark mark = DeliveryMark::of(delivery);
    if (!mark.position.is_set()) return;
    if (is_transactional(delivery) && !is_browser_) return enlist(delivery, mark.is_asked);
    // The core is asked, and its answer will settle.
    if (mark.is_asked) return;
    const std::uint64_t state = pn_delivery_remote_state(delivery);
    const bool is_settled = pn_delivery_settled(delivery);
    if (!is_outcome(state) && !is_settled) return;
    if (const auto transaction = acquired_in(delivery)) return enlist(delivery, false, *transaction, outcome_of(delivery));
    ++context_.untold;
    if (is_browser_) return finish(delivery);
    if (is_settled) {
        settle_core(mark.position, outcome_of(delivery), nullptr);
        return finish(delivery);
    }
    pn_delivery_set_context(delivery, DeliveryMark{mark.position, true}.pack());
    settle_core(mark.position, outcome_of(delivery), delivery);
}

void SenderLink::on_settled(const news::Settled& settled) {
    if (settled.error != nullptr) {
        const Refusal refusal = refusal_of(*settled.error);
        return violate(refusal.condition, refusal.description);
    }
    echo_outcome(settled.delivery);
    finish(settled.delivery);
}

void SenderLink::finish(pn_delivery_t* delivery) {
    pn_delivery_set_context(delivery, nullptr);
    if (!acquired_.empty()) acquired_.erase(delivery);
    pn_delivery_settle(delivery);
}

}  // namespace giromq::amqp
