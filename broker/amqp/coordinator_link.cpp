#include "amqp/coordinator_link.hpp"

#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <algorithm>
#include <utility>

#include "amqp/proton_values.hpp"
#include "amqp/sender_link.hpp"
#include "amqp/transaction_values.hpp"
#include "base/log.hpp"

namespace giromq::amqp {
namespace {

/// Calls that may be under way.
constexpr std::uint32_t window = 256;
/// No call comes near this.
constexpr std::size_t call_bytes_max = 16 * 1024;

/// §3.5.3: a source that lists its outcomes supports those; one that lists none says nothing, and every known client understands rejected.
bool knows_rejected(pn_link_t* link) {
    pn_data_t* const outcomes = pn_terminus_outcomes(pn_link_remote_source(link));
    pn_data_rewind(outcomes);
    const bool lists_any = pn_data_next(outcomes);
    pn_data_rewind(outcomes);
    return !lists_any || has_symbol(outcomes, "amqp:rejected:list");
}

}  // namespace

void CoordinatorLink::opened() {
    Link::opened();
    replenish();
}

void CoordinatorLink::replenish() {
    if (!open_ || violation()) return;
    const auto credit = static_cast<std::uint32_t>(std::max(0, pn_link_credit(pn_)));
    const auto used = in_flight_ + credit;
    if (credit <= window / 2 && used < window) pn_link_flow(pn_, static_cast<int>(window - used));
}

void CoordinatorLink::on_delivery(pn_delivery_t* delivery) {
    if (pn_link_current(pn_) == delivery) return read(delivery);
    if (!pn_delivery_updated(delivery)) return;
    const bool is_answered = pn_delivery_local_state(delivery) != 0;
    const bool is_settled = pn_delivery_settled(delivery);
    pn_delivery_clear(delivery);
    if (is_answered && is_settled) settle(delivery);
}

void CoordinatorLink::read(pn_delivery_t* delivery) {
    if (violation()) return release(delivery);
    if (pn_delivery_aborted(delivery)) {
        collected_.clear();
        pn_delivery_settle(delivery);
        return replenish();
    }
    const std::size_t bytes = pn_delivery_pending(delivery);
    const std::size_t before = collected_.size();
    if (before + bytes > call_bytes_max) {
        release(delivery);
        return violate(condition::link_message_size_exceeded,
                       "a call to the coordinator has at most " + std::to_string(call_bytes_max) + " bytes");
    }
    collected_.resize(before + bytes);
    if (bytes > 0) pn_link_recv(pn_, reinterpret_cast<char*>(collected_.data() + before), bytes);
    if (pn_delivery_partial(delivery)) return;
    if (pn_delivery_settled(delivery)) {
        pn_delivery_settle(delivery);
        return violate(condition::not_allowed, "a call to the coordinator must not be sent settled");
    }
    ++in_flight_;
    pn_link_advance(pn_);
    carry_out(delivery);
    collected_.clear();
}

void CoordinatorLink::carry_out(pn_delivery_t* delivery) {
    using Kind = ControlMessage::Kind;
    ControlMessage message = read_control_message(collected_);
    switch (message.kind) {
        case Kind::declare: context_.commands.emplace_back(command::Declare{core_.get(), delivery}); return;
        case Kind::discharge: return discharge(delivery, message);
        case Kind::xa: return ask_xa(delivery, std::move(*message.xa));
        case Kind::invalid_xa: {
            const Refusal refusal{std::string(condition::invalid_field), "XAER_INVAL: " + message.reason};
            return refuse(delivery, refusal, xa::ReturnCode::er_inval);
        }
        case Kind::unknown_global_id: return refuse(delivery, {std::string(condition::not_implemented), std::move(message.reason)});
        case Kind::malformed: break;
    }
    refuse(delivery,
           {std::string(condition::decode_error), "a call to the coordinator is an amqp-value with declare, discharge or a call of XA"});
}

/// A transaction cannot be discharged while a delivery of it is coming in (§4.4.1).
bool CoordinatorLink::is_whole(pn_delivery_t* delivery, TransactionId transaction) {
    if (!has_partial_(transaction)) return true;
    release(delivery);
    violate(condition::transaction_rollback, "a delivery of the transaction has not come in whole");
    return false;
}

void CoordinatorLink::discharge(pn_delivery_t* delivery, const ControlMessage& message) {
    const auto transaction = message.transaction;
    if (!is_whole(delivery, transaction)) return;
    if (context_.transactions.erase(transaction) > 0) {
        if (!message.fail) await_outcome(delivery);
        on_consumers_([&](SenderLink& consumer) {
            consumer.stop_acquiring(transaction);
            if (message.fail) consumer.release_acquired(transaction);
        });
    }
    context_.commands.emplace_back(command::Discharge{core_.get(), delivery, transaction, message.fail});
}

void CoordinatorLink::ask_xa(pn_delivery_t* delivery, XaRequest request) {
    if (request.kind == XaRequest::Kind::suspend && !is_whole(delivery, request.transaction)) return;
    if (request.kind == XaRequest::Kind::prepare || request.kind == XaRequest::Kind::commit) await_outcome(delivery);
    auto kept = std::make_unique<XaRequest>(std::move(request));
    context_.commands.emplace_back(command::Xa{core_.get(), delivery, std::move(kept), answer_bytes_max()});
}

/// An outcome has to fit into one frame of the peer's.
std::size_t CoordinatorLink::answer_bytes_max() const {
    pn_transport_t* const transport = pn_connection_transport(pn_session_connection(pn_link_session(pn_)));
    const std::uint32_t frame = pn_transport_get_remote_max_frame(transport);
    return frame == 0 ? SIZE_MAX : frame;
}

void CoordinatorLink::on_declared(const news::Declared& declared) {
    if (declared.error != nullptr) return refuse(declared.delivery, refusal_of(*declared.error));
    context_.transactions.emplace(declared.transaction, id_);
    answer_declared(declared.delivery, declared.transaction);
    accept(declared.delivery);
}

void CoordinatorLink::ended() {
    std::vector<TransactionId> open;
    for (const auto& [transaction, control] : context_.transactions) {
        if (control == id_) open.push_back(transaction);
    }
    for (const auto transaction : open) {
        context_.transactions.erase(transaction);
        on_consumers_([transaction](SenderLink& consumer) {
            consumer.stop_acquiring(transaction);
            consumer.release_acquired(transaction);
        });
    }
}

/// The store answers this call: what is told meanwhile may wait for it (ConnectionEngine::on_mail).
void CoordinatorLink::await_outcome(pn_delivery_t* delivery) {
    awaited_.push_back(delivery);
    ++context_.outcomes_awaited;
    context_.has_asked_outcome = true;
}

void CoordinatorLink::outcome_came(pn_delivery_t* delivery) {
    if (std::erase(awaited_, delivery) == 0) return;
    --context_.outcomes_awaited;
    context_.may_be_told_later = false;
}

void CoordinatorLink::on_discharged(const news::Discharged& discharged) {
    outcome_came(discharged.delivery);
    on_consumers_([&](SenderLink& consumer) {
        if (discharged.error != nullptr) consumer.release_acquired(discharged.transaction);
        consumer.forget_acquired(discharged.transaction);
    });
    if (discharged.error != nullptr) {
        // It may have been the id of a branch.
        const bool is_unknown = discharged.error->is(core::errc::transaction_unknown);
        const auto code = is_unknown ? std::optional(xa::ReturnCode::er_nota) : std::nullopt;
        return refuse(discharged.delivery, refusal_of(*discharged.error), code);
    }
    pn_delivery_update(discharged.delivery, PN_ACCEPTED);
    accept(discharged.delivery);
}

void CoordinatorLink::on_xa_answered(const news::XaAnswered& answered) {
    pn_delivery_t* const delivery = answered.delivery;
    outcome_came(delivery);
    if (answered.recovered != nullptr) {
        answer_xa_recovered(delivery, *answered.recovered);
    } else if (answered.transaction.is_set()) {
        answer_declared(delivery, answered.transaction);
    } else if (answered.code == xa::ReturnCode::ok) {
        pn_delivery_update(delivery, PN_ACCEPTED);
    } else if (answered.code == xa::ReturnCode::read_only) {
        answer_xa_result(delivery, answered.code);
    } else {
        return refuse(delivery, answered.error == nullptr ? refusal_of(answered.code) : refusal_of(*answered.error), answered.code);
    }
    accept(delivery);
}

void CoordinatorLink::accept(pn_delivery_t* delivery) {
    if (pn_link_rcv_settle_mode(pn_) == PN_RCV_FIRST || pn_delivery_settled(delivery)) settle(delivery);
}

void CoordinatorLink::refuse(pn_delivery_t* delivery, const Refusal& refusal, std::optional<xa::ReturnCode> code) {
    log::info("transaction_call_refused", {{"connection", context_.connection.value},
                                           {"peer", context_.peer.address},
                                           {"condition", refusal.condition},
                                           {"reason", refusal.description}});
    if (!knows_rejected(pn_)) {
        settle(delivery);
        return violate(refusal.condition, refusal.description);
    }
    pn_condition_t* const condition = pn_disposition_condition(pn_delivery_local(delivery));
    set_condition(condition, refusal);
    if (code) set_xa_code(condition, *code);
    pn_delivery_update(delivery, PN_REJECTED);
    accept(delivery);
}

void CoordinatorLink::settle(pn_delivery_t* delivery) {
    ++context_.untold;
    pn_delivery_settle(delivery);
    if (in_flight_ > 0) --in_flight_;
    replenish();
}

}  // namespace giromq::amqp
