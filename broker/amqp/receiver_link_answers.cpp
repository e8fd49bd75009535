#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>

#include "amqp/proton_values.hpp"
#include "amqp/receiver_link.hpp"
#include "amqp/transaction_values.hpp"
#include "base/log.hpp"

// How a producer's deliveries are answered.

namespace giromq::amqp {

/// Whoever sends without waiting for answers must not find the transaction committed without this message.
void ReceiverLink::fail_transaction(pn_delivery_t* delivery, const std::string& description) {
    const auto state = transactional_state_of(delivery);
    if (!state) return;
    context_.commands.emplace_back(command::RefuseWork{state->transaction, Error(core::errc::transaction_rolled_back, description)});
}

void ReceiverLink::reject(pn_delivery_t* delivery, const Refusal& refusal) {
    fail_transaction(delivery, refusal.description);
    if (pn_link_current(pn_) == delivery) {
        ++in_flight_;
        pn_link_advance(pn_);
    }
    if (pn_delivery_settled(delivery)) {
        ++context_.refused_presettled;
        log::warning("presettled_send_refused", {{"connection", context_.connection.value},
                                                 {"peer", context_.peer.address},
                                                 {"condition", refusal.condition},
                                                 {"reason", refusal.description}});
        return settle(delivery);
    }
    set_condition(pn_disposition_condition(pn_delivery_local(delivery)), refusal);
    pn_delivery_update(delivery, PN_REJECTED);
    if (pn_link_rcv_settle_mode(pn_) == PN_RCV_FIRST) settle(delivery);
}

void ReceiverLink::refuse_and_violate(pn_delivery_t* delivery, std::string_view condition, std::string description) {
    fail_transaction(delivery, description);
    drop_stream();
    forget_partial();
    // Settled without an outcome it could be taken for accepted.
    if (!pn_delivery_settled(delivery)) {
        set_condition(pn_disposition_condition(pn_delivery_local(delivery)), {std::string(condition), description});
        pn_delivery_update(delivery, PN_REJECTED);
    }
    // The engine drops what of it may still come.
    pn_delivery_settle(delivery);
    violate(condition, std::move(description));
}

void ReceiverLink::settle(pn_delivery_t* delivery) {
    ++context_.untold;
    pn_delivery_settle(delivery);
    if (in_flight_ > 0) --in_flight_;
    replenish();
}

void ReceiverLink::on_sent(const news::Sent& sent) {
    if (unanswered_ > 0) --unanswered_;
    const bool is_accepted = sent.delivery != nullptr && sent.error == nullptr;
    const auto state = is_accepted ? transactional_state_of(sent.delivery) : std::nullopt;
    if (!state) context_.may_be_told_later = false;
    if (sent.delivery == nullptr) {
        if (in_flight_ > 0) --in_flight_;
        if (sent.error != nullptr) {
            ++context_.refused_presettled;
            log::warning("presettled_send_refused",
                         {{"connection", context_.connection.value}, {"peer", context_.peer.address}, {"reason", sent.error->to_string()}});
        }
        return replenish();
    }
    const bool is_refused = sent.error != nullptr && !sent.error->is(core::errc::not_ready);
    if (is_refused) return reject(sent.delivery, refusal_of(*sent.error));
    // A broker that stops has nothing against the message: it can be sent again as it is.
    if (state) {
        answer_transactional(sent.delivery, state->transaction);
    } else {
        pn_delivery_update(sent.delivery, sent.error != nullptr ? PN_RELEASED : PN_ACCEPTED);
    }
    if (pn_link_rcv_settle_mode(pn_) == PN_RCV_FIRST || pn_delivery_settled(sent.delivery)) settle(sent.delivery);
}

}  // namespace giromq::amqp
