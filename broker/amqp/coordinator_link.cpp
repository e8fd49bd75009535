#include "amqp/coordinator_link.hpp"

#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include <algorithm>

#include "amqp/proton_values.hpp"
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
    const ControlMessage message = read_control_message(collected_);
    switch (message.kind) {
        case ControlMessage::Kind::malformed:
            return refuse(delivery,
                          {std::string(condition::decode_error), "a call to the coordinator is declare or discharge in an amqp-value"});
        case ControlMessage::Kind::declare:
            if (message.has_global_id) {
                return refuse(delivery, {std::string(condition::not_implemented), "distributed transactions are not implemented"});
            }
            context_.commands.emplace_back(command::Declare{core_.get(), delivery});
            return;
        case ControlMessage::Kind::discharge: break;
    }
    if (has_partial_(message.transaction)) {
        release(delivery);
        return violate(condition::transaction_rollback, "a delivery of the transaction has not come in whole");
    }
    context_.commands.emplace_back(command::Discharge{core_.get(), delivery, message.transaction, message.fail});
}

void CoordinatorLink::on_declared(const news::Declared& declared) {
    if (declared.error != nullptr) return refuse(declared.delivery, refusal_of(*declared.error));
    answer_declared(declared.delivery, declared.transaction);
    accept(declared.delivery);
}

void CoordinatorLink::on_discharged(const news::Discharged& discharged) {
    if (discharged.error != nullptr) return refuse(discharged.delivery, refusal_of(*discharged.error));
    pn_delivery_update(discharged.delivery, PN_ACCEPTED);
    accept(discharged.delivery);
}

void CoordinatorLink::accept(pn_delivery_t* delivery) {
    if (pn_link_rcv_settle_mode(pn_) == PN_RCV_FIRST || pn_delivery_settled(delivery)) settle(delivery);
}

void CoordinatorLink::refuse(pn_delivery_t* delivery, const Refusal& refusal) {
    log::info("transaction_call_refused", {{"connection", context_.connection.value},
                                           {"peer", context_.peer.address},
                                           {"condition", refusal.condition},
                                           {"reason", refusal.description}});
    if (!knows_rejected(pn_)) {
        settle(delivery);
        return violate(refusal.condition, refusal.description);
    }
    set_condition(pn_disposition_condition(pn_delivery_local(delivery)), refusal);
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
