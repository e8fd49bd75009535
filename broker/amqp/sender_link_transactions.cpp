#include <proton/disposition.h>
#include <proton/link.h>

#include <algorithm>
#include <utility>

#include "amqp/delivery_mark.hpp"
#include "amqp/sender_link.hpp"
#include "amqp/transaction_values.hpp"

// Transactions on a consumer's link: outcomes that belong to one (AMQP 1.0 §4.4.2), and messages that are acquired in one (§4.4.3).

namespace giromq::amqp {
namespace {

/// The outcome within a transactional-state.
Outcome outcome_of(const TransactionalState& state) {
    switch (state.outcome) {
        case PN_ACCEPTED: return Accepted{};
        case PN_REJECTED: return Rejected{state.condition, state.description};
        case PN_MODIFIED: return Modified{state.delivery_failed, state.undeliverable_here};
        default: return Released{};
    }
}

}  // namespace

// Outcomes

/// `is_asked`: the core has an outcome of this delivery already; this one takes its place if it is of the same transaction.
void SenderLink::enlist(pn_delivery_t* delivery, bool is_asked) {
    const auto state = transactional_state_of(delivery);
    if (!state || !is_outcome(state->outcome)) {
        return violate(condition::invalid_field, "the transactional-state of a disposition needs a txn-id and an outcome");
    }
    const auto acquired = acquired_.find(delivery);
    if (acquired != acquired_.end() && acquired->second != state->transaction) acquired_.erase(acquired);
    enlist(delivery, is_asked, state->transaction, outcome_of(*state));
}

/// The outcome is applied when the transaction is committed.
void SenderLink::enlist(pn_delivery_t* delivery, bool is_asked, TransactionId transaction, Outcome outcome) {
    const auto position = DeliveryMark::of(delivery).position;
    const bool is_settled = pn_delivery_settled(delivery);
    const bool answer = !is_asked && !is_settled;
    context_.commands.emplace_back(
        command::Enlist{core_.get(), answer ? delivery : nullptr, is_settled, transaction, position, std::move(outcome)});
    if (answer) pn_delivery_set_context(delivery, DeliveryMark{position, true}.pack());
    if (is_asked || answer) return;
    ++context_.untold;
    finish(delivery);
}

void SenderLink::on_returned(const news::Returned& returned) {
    pn_delivery_t* const delivery = returned.delivery;
    const Position position = DeliveryMark::of(delivery).position;
    pn_delivery_set_context(delivery, DeliveryMark{position, false}.pack());
    const bool was_acquired = acquired_.contains(delivery);
    if (!was_acquired && !is_transactional(delivery)) return decide(delivery);
    if (was_acquired && !pn_delivery_settled(delivery)) return release(delivery);
    // Nothing new was said about it: it is the peer's turn, unless that has let go of it.
    if (!pn_delivery_settled(delivery)) return;
    settle_core(position, Modified{.delivery_failed = true, .undeliverable_here = false}, nullptr);
    finish(delivery);
}

// Acquisition

void SenderLink::look_at_acquisition() {
    const auto acquisition = context_.guard.acquisition(wire_);
    if (acquisition.number == acquisition_seen_) return;
    acquisition_seen_ = acquisition.number;
    acquiring_ = {};
    if (acquisition.transaction.empty()) return;
    if (is_on_its_own()) {
        return violate(condition::not_implemented, "what is settled when it is sent, or only browsed, cannot be acquired in a transaction");
    }
    const auto transaction = decode_transaction_id(acquisition.transaction);
    if (!context_.transactions.contains(transaction)) {
        return violate(condition::transaction_unknown_id,
                       "no local transaction of this connection has this id; messages cannot be acquired in a branch of a global one");
    }
    acquiring_ = transaction;
    context_.has_acquired = true;
}

std::optional<TransactionId> SenderLink::acquired_in(pn_delivery_t* delivery) const {
    if (acquired_.empty()) return std::nullopt;
    const auto acquired = acquired_.find(delivery);
    const bool is_open = acquired != acquired_.end() && context_.transactions.contains(acquired->second);
    return is_open ? std::optional(acquired->second) : std::nullopt;
}

void SenderLink::stop_acquiring(TransactionId transaction) {
    if (acquiring_ == transaction) acquiring_ = {};
}

void SenderLink::release_acquired(TransactionId transaction) {
    std::vector<pn_delivery_t*> undecided;
    for (const auto& [delivery, acquired] : acquired_) {
        if (acquired == transaction && !DeliveryMark::of(delivery).is_asked) undecided.push_back(delivery);
    }
    const auto by_position = [](pn_delivery_t* left, pn_delivery_t* right) {
        return DeliveryMark::of(left).position < DeliveryMark::of(right).position;
    };
    std::sort(undecided.begin(), undecided.end(), by_position);
    for (pn_delivery_t* const delivery : undecided) release(delivery);
}

void SenderLink::release(pn_delivery_t* delivery) {
    if (outgoing_ && outgoing_->delivery == delivery) return abort_outgoing(Released{});
    settle_core(DeliveryMark::of(delivery).position, Released{}, nullptr);
    ++context_.untold;
    pn_delivery_update(delivery, PN_RELEASED);
    finish(delivery);
}

void SenderLink::forget_acquired(TransactionId transaction) {
    std::erase_if(acquired_, [transaction](const auto& acquired) { return acquired.second == transaction; });
}

}  // namespace giromq::amqp
