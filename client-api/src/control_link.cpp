#include "control_link.hpp"

#include <proton/codec.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include <algorithm>

#include "session_core.hpp"
#include "transaction_codec.hpp"

namespace giromq::detail {

ControlLink::ControlLink(SessionCore& session, std::vector<std::string> capabilities, Listener on_over,
                         std::function<void(const Failure*)> on_lost)
    : LinkCore(session.connection()),
      session_(session),
      capabilities_(std::move(capabilities)),
      on_over_(std::move(on_over)),
      on_lost_(std::move(on_lost)) {}

ControlLink::~ControlLink() = default;

pn_link_t* ControlLink::make_link() {
    if (session_.engine_session() == nullptr) return nullptr;
    const std::string name = "coordinator-" + std::to_string(connection_.next_number());
    pn_link_t* const link = pn_sender(session_.engine_session(), name.c_str());
    pn_link_set_snd_settle_mode(link, PN_SND_UNSETTLED);
    pn_link_set_rcv_settle_mode(link, PN_RCV_FIRST);
    pn_terminus_set_address(pn_link_source(link), connection_.id().c_str());
    // With `rejected` among them a discharge that fails is refused, and the link stays (AMQP 1.0 §4.3).
    offer_outcomes(pn_link_source(link));
    pn_terminus_set_type(pn_link_target(link), PN_COORDINATOR);
    pn_data_t* const capabilities = pn_terminus_capabilities(pn_link_target(link));
    pn_data_put_array(capabilities, false, PN_SYMBOL);
    pn_data_enter(capabilities);
    for (const std::string& one : capabilities_) pn_data_put_symbol(capabilities, pn_bytes(one.size(), one.data()));
    pn_data_exit(capabilities);
    return link;
}

bool ControlLink::offers(std::string_view capability) const {
    if (state() != State::attached) return false;
    pn_data_t* const capabilities = pn_terminus_capabilities(pn_link_remote_target(link()));
    pn_data_rewind(capabilities);
    if (!pn_data_next(capabilities)) return false;
    const auto is_it = [&] {
        const pn_bytes_t symbol = pn_data_get_symbol(capabilities);
        return symbol.start != nullptr && std::string_view(symbol.start, symbol.size) == capability;
    };
    if (pn_data_type(capabilities) == PN_SYMBOL) return is_it();
    if (pn_data_type(capabilities) != PN_ARRAY) return false;
    pn_data_enter(capabilities);
    while (pn_data_next(capabilities)) {
        if (is_it()) return true;
    }
    return false;
}

bool ControlLink::accepted_by_remote() const { return pn_terminus_get_type(pn_link_remote_target(link())) == PN_COORDINATOR; }

void ControlLink::interpret(Failure& failure) const {
    if (was_attached_) return;
    failure.reason = "The broker has no transactions for this session: " + failure.reason;
}

void ControlLink::notify() {
    if (state() == State::attached) was_attached_ = true;
    session_.wake();
}

ControlRequestPtr ControlLink::ask(std::string body, std::string what, std::function<void(pn_delivery_t*)> read) {
    auto request = std::make_shared<ControlRequest>();
    request->body = std::move(body);
    request->what = std::move(what);
    request->read = std::move(read);
    requests_.push_back(request);
    transfer();
    return request;
}

void ControlLink::transfer() {
    for (const ControlRequestPtr& request : requests_) {
        if (state() != State::attached || pn_link_credit(link()) <= 0) return;
        if (request->state == ControlRequest::State::queued) transfer(*request);
    }
}

void ControlLink::transfer(ControlRequest& request) {
    ++tags_;
    request.delivery = pn_delivery(link(), pn_dtag(reinterpret_cast<const char*>(&tags_), sizeof tags_));
    pn_delivery_set_context(request.delivery, &request);
    pn_link_send(link(), request.body.data(), request.body.size());
    pn_link_advance(link());
    request.state = ControlRequest::State::sent;
}

void ControlLink::on_delivery(pn_delivery_t* delivery) {
    auto* const found = static_cast<ControlRequest*>(pn_delivery_get_context(delivery));
    if (found == nullptr || !pn_delivery_updated(delivery)) return;
    RemoteOutcome outcome = remote_outcome(delivery, found->what);
    if (outcome.code < PN_ACCEPTED && !pn_delivery_settled(delivery)) return;
    const auto at = std::find_if(requests_.begin(), requests_.end(), [&](const auto& one) { return one.get() == found; });
    const ControlRequestPtr request = *at;
    requests_.erase(at);
    request->state = ControlRequest::State::answered;
    request->outcome = outcome.code;
    request->failure = std::move(outcome.failure);
    if (outcome.code == outcome_code::declared) request->id = declared_id(delivery);
    if (request->read) request->read(delivery);
    request->delivery = nullptr;
    pn_delivery_set_context(delivery, nullptr);
    pn_delivery_settle(delivery);
    on_over_(request);
    notify();
}

void ControlLink::on_detached(const Failure* failure) {
    on_lost_(failure);
    std::deque<ControlRequestPtr> requests;
    requests.swap(requests_);
    for (const ControlRequestPtr& request : requests) {
        request->state = request->state == ControlRequest::State::queued ? ControlRequest::State::not_sent : ControlRequest::State::unknown;
        request->delivery = nullptr;
        request->failure =
            failure != nullptr ? *failure : Failure{FailureKind::general, "giromq:connection-lost", "The connection was lost."};
        on_over_(request);
    }
}

}  // namespace giromq::detail
