#include <proton/link.h>
#include <proton/terminus.h>

#include <algorithm>

#include "amqp/connection_engine.hpp"
#include "amqp/proton_values.hpp"

// Control links of transactions (AMQP 1.0 part 4), and the core's news for them.

namespace giromq::amqp {

/// The core has nothing against it, so the answer need not wait for it.
void ConnectionEngine::attach_coordinator(pn_link_t* link) {
    LinkId id;
    Slot& slot = take_slot(id);
    auto core = std::make_shared<CoreLink>(core_session_, id);
    const auto has_partial_delivery = [this](TransactionId transaction) { return has_partial(transaction); };
    const auto on_consumers = [this](const std::function<void(SenderLink&)>& call) {
        if (!context_.has_acquired) return;
        for (const Slot& one : slots_) {
            if (one.link != nullptr && one.link->is_sender()) call(static_cast<SenderLink&>(*one.link));
        }
    };
    slot.link = std::make_unique<CoordinatorLink>(context_, id, link, core, has_partial_delivery, on_consumers);
    pn_link_set_context(link, slot.link.get());
    context_.commands.emplace_back(command::OpenControl{std::move(core), context_.identity});
    pn_link_set_snd_settle_mode(link, pn_link_remote_snd_settle_mode(link));
    pn_link_set_rcv_settle_mode(link, pn_link_remote_rcv_settle_mode(link));
    pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
    pn_terminus_t* const target = pn_link_target(link);
    pn_terminus_set_type(target, PN_COORDINATOR);
    put_symbols(pn_terminus_capabilities(target), {"amqp:local-transactions", "amqp:distributed-transactions", "amqp:multi-txns-per-ssn",
                                                   "amqp:multi-ssns-per-txn", "giromq:xa"});
    pn_link_open(link);
    slot.link->opened();
}

/// A transaction cannot be discharged while a delivery of it is coming in (§4.4.1).
bool ConnectionEngine::has_partial(TransactionId transaction) const {
    if (!transaction.is_set()) return false;
    return std::ranges::any_of(slots_, [transaction](const Slot& slot) {
        if (slot.link == nullptr || slot.link->is_sender() || slot.link->is_coordinator()) return false;
        return static_cast<const ReceiverLink&>(*slot.link).partial_transaction() == transaction;
    });
}

CoordinatorLink* ConnectionEngine::find_coordinator(LinkId id) {
    Link* const link = find(id);
    return link == nullptr || !link->is_coordinator() ? nullptr : static_cast<CoordinatorLink*>(link);
}

void ConnectionEngine::on_news(news::Declared& declared) {
    CoordinatorLink* const link = find_coordinator(declared.link);
    if (link == nullptr) return;
    link->on_declared(declared);
    detach_if_violated(*link);
}

void ConnectionEngine::on_news(news::Discharged& discharged) {
    CoordinatorLink* const link = find_coordinator(discharged.link);
    if (link == nullptr) return;
    link->on_discharged(discharged);
    detach_if_violated(*link);
}

void ConnectionEngine::on_news(news::XaAnswered& answered) {
    CoordinatorLink* const link = find_coordinator(answered.link);
    if (link == nullptr) return;
    link->on_xa_answered(answered);
    detach_if_violated(*link);
}

void ConnectionEngine::on_news(news::Returned& returned) {
    SenderLink* const link = find_sender(returned.link);
    if (link == nullptr) return;
    link->on_returned(returned);
    detach_if_violated(*link);
}

}  // namespace giromq::amqp
