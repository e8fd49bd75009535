#include <proton/link.h>
#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>

#include "amqp/connection_engine.hpp"
#include "amqp/proton_values.hpp"
#include "base/log.hpp"
#include "security/authorisation.hpp"
#include "selector/errc.hpp"

namespace giromq::amqp {
namespace {

/// What a client that sends a commit behind its work does not wait for.
bool is_of_transaction(const News& news) {
    return std::holds_alternative<news::Sent>(news) || std::holds_alternative<news::Declared>(news) ||
           std::holds_alternative<news::XaAnswered>(news);
}

constexpr std::string_view queue_capability = "queue";
constexpr std::string_view temporary_queue_capability = "temporary-queue";
/// What a temporary queue is called to authorisation, before it has its name.
const std::string temporary_queue_prefix = "temp-";

/// What must be granted to consume. A browser is sent whole messages, so it asks for their bodies too. From a temporary queue only the
/// connection that made it may consume, which the core sees to.
std::vector<security::Action> actions_to_consume(const std::string& address, bool is_dynamic, bool is_browser) {
    if (is_dynamic) return {security::Action::create};
    if (address.starts_with(temporary_queue_prefix)) return {};
    if (is_browser) return {security::Action::browse, security::Action::read_body};
    return {security::Action::receive};
}

Refusal not_implemented(std::string sentence) { return {std::string(condition::not_implemented), std::move(sentence)}; }

/// What the node is, in the word the peer uses for it.
std::string_view capability_of(pn_terminus_t* remote) {
    const bool is_temporary = pn_terminus_is_dynamic(remote) || has_symbol(pn_terminus_capabilities(remote), temporary_queue_capability);
    return is_temporary ? temporary_queue_capability : queue_capability;
}

void answer_settle_modes(pn_link_t* link) {
    pn_link_set_snd_settle_mode(link, pn_link_remote_snd_settle_mode(link));
    pn_link_set_rcv_settle_mode(link, pn_link_remote_rcv_settle_mode(link));
}

}  // namespace

// Attaching

bool ConnectionEngine::may(security::Action action, const std::string& address) const {
    return security::authorise(context_.identity, action, address).ok();
}

std::optional<security::Action> ConnectionEngine::missing_right(const std::vector<security::Action>& actions,
                                                                const std::string& address) const {
    const auto missing = std::find_if(actions.begin(), actions.end(), [&](security::Action action) { return !may(action, address); });
    return missing == actions.end() ? std::nullopt : std::optional(*missing);
}

std::optional<Refusal> ConnectionEngine::refuse_topic(pn_terminus_t* terminus) const {
    pn_data_t* const capabilities = pn_terminus_capabilities(terminus);
    if (has_symbol(capabilities, "topic") || has_symbol(capabilities, "temporary-topic"))
        return not_implemented("topics are not implemented");
    return std::nullopt;
}

void ConnectionEngine::on_link_open(pn_link_t* link) {
    if (ended_in_core_) return;
    const std::size_t links = slots_.size() - free_slots_.size();
    if (links >= settings_.links_max) {
        return refuse_attach(link, {std::string(condition::resource_limit_exceeded),
                                    "a connection has at most " + std::to_string(settings_.links_max) + " links"});
    }
    if (pn_link_is_receiver(link)) {
        attach_producer(link);
    } else {
        attach_consumer(link);
    }
}

void ConnectionEngine::attach_producer(pn_link_t* link) {
    pn_terminus_t* const target = pn_link_remote_target(link);
    if (pn_terminus_get_type(target) == PN_COORDINATOR) return attach_coordinator(link);
    if (pn_terminus_get_type(target) != PN_TARGET) {
        return refuse_attach(link, {std::string(condition::invalid_field), "an attach of a sender needs a target"});
    }
    if (const auto refusal = refuse_topic(target)) return refuse_attach(link, *refusal);
    const bool is_dynamic = pn_terminus_is_dynamic(target);
    const bool is_relay = !is_dynamic && !has_address(target);
    const std::string address = is_dynamic ? temporary_queue_prefix : address_of(target);
    const bool allowed = is_relay || (is_dynamic ? may(security::Action::create, address) : may(security::Action::send, address));
    if (!allowed) return refuse_attach(link, {std::string(condition::unauthorized_access), "user may not send to '" + address + "'"});

    LinkId id;
    Slot& slot = take_slot(id);
    auto core = std::make_shared<CoreLink>(core_session_, id);
    slot.link = std::make_unique<ReceiverLink>(context_, id, link, core, is_relay);
    slot.link->is_dynamic = is_dynamic;
    if (!is_dynamic && !is_relay) slot.link->grant = Link::Grant{{security::Action::send}, address};
    pn_link_set_context(link, slot.link.get());
    ++producers_;
    context_.commands.emplace_back(command::OpenProducer{.link = std::move(core),
                                                         .address = address,
                                                         .name = pn_link_name(link),
                                                         .is_relay = is_relay,
                                                         .is_dynamic = is_dynamic,
                                                         .may_create = may(security::Action::create, address)});
}

/// The program of the source's selector; null for none.
Result<selector::ProgramPtr> ConnectionEngine::selector_of(const FilterSet& filters) {
    if (filters.selectors == 0) return selector::ProgramPtr();
    if (filters.selectors > 1) return Error(selector::errc::invalid, "a source has one selector at most");
    if (!filters.selector) return Error(selector::errc::invalid, "the filter is no string");
    if (selector::is_no_selector(*filters.selector)) return selector::ProgramPtr();
    return services_.selectors.compile(*filters.selector);
}

void ConnectionEngine::attach_consumer(pn_link_t* link) {
    pn_terminus_t* const source = pn_link_remote_source(link);
    if (const auto refusal = refuse_topic(source)) return refuse_attach(link, *refusal);
    const bool is_dynamic = pn_terminus_is_dynamic(source);
    if (pn_terminus_get_type(source) != PN_SOURCE || (!is_dynamic && !has_address(source))) {
        // JMS clients look for the source of a subscription this way; there is none.
        return refuse_attach(link, {std::string(condition::not_found), "an attach of a receiver needs the address of a queue"});
    }
    const bool is_browser = pn_terminus_get_distribution_mode(source) == PN_DIST_MODE_COPY;
    const std::string address = is_dynamic ? temporary_queue_prefix : address_of(source);
    auto actions = actions_to_consume(address, is_dynamic, is_browser);
    if (const auto missing = missing_right(actions, address)) {
        const auto right = std::string(to_text(*missing));
        return refuse_attach(link, {std::string(condition::unauthorized_access),
                                    "user may not receive from '" + address + "': it would need the right '" + right + "'"});
    }
    const FilterSet filters = filters_of(source);
    if (!filters.ignored.empty()) {
        log::warning("filter_not_supported",
                     {{"connection", id_.value}, {"peer", peer_.address}, {"address", address}, {"filters", filters.ignored}});
    }
    auto selector = selector_of(filters);
    if (!selector) return refuse_attach(link, {std::string(condition::invalid_field), "selector: " + selector.error().detail()});
    const bool presettled = pn_link_remote_snd_settle_mode(link) == PN_SND_SETTLED;

    LinkId id;
    Slot& slot = take_slot(id);
    auto core = std::make_shared<CoreLink>(core_session_, id);
    slot.link = std::make_unique<SenderLink>(context_, id, link, core, attaching_, SenderLink::Mode{presettled, is_browser});
    slot.link->is_dynamic = is_dynamic;
    if (!is_dynamic) slot.link->grant = Link::Grant{std::move(actions), address};
    pn_link_set_context(link, slot.link.get());
    ++consumers_;
    context_.commands.emplace_back(command::OpenConsumer{.link = std::move(core),
                                                         .address = address,
                                                         .name = pn_link_name(link),
                                                         .is_dynamic = is_dynamic,
                                                         .may_create = may(security::Action::create, address),
                                                         .mode = is_browser ? core::ConsumerMode::browse : core::ConsumerMode::acquire,
                                                         .presettled = presettled,
                                                         .selector = std::move(selector).value()});
}

/// Permissions have changed: links that would not be let in any more are detached. What is under way on them is settled as with any detach.
void ConnectionEngine::review_permissions() {
    if (aborted_ || hung_up_ || ended_in_core_) return;
    for (std::size_t index = 0; index < slots_.size(); ++index) {
        Link* const link = slots_[index].link.get();
        if (link == nullptr || !link->grant || link->leaving) continue;
        if (!missing_right(link->grant->actions, link->grant->address)) continue;
        detach(*link, {std::string(condition::unauthorized_access), "the permission for '" + link->grant->address + "' was withdrawn"});
        is_told_ = false;
    }
    process_events();
    finish_call();
    host_.wake();
}

void ConnectionEngine::refuse_attach(pn_link_t* link, const Refusal& refusal) {
    log::info("attach_refused",
              {{"connection", id_.value}, {"peer", peer_.address}, {"condition", refusal.condition}, {"reason", refusal.description}});
    // §2.6.3: the attach is answered without the terminus that could not be made, and then detached with the reason.
    answer_settle_modes(link);
    if (pn_link_is_receiver(link)) {
        pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
        pn_terminus_set_type(pn_link_target(link), PN_UNSPECIFIED);
    } else {
        pn_terminus_set_type(pn_link_source(link), PN_UNSPECIFIED);
        pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
    }
    pn_link_open(link);
    set_condition(pn_link_condition(link), refusal);
    pn_link_close(link);
}

void ConnectionEngine::on_news(news::Attached& attached) {
    Link* const owner = find(attached.link);
    if (owner == nullptr) return;
    pn_link_t* const link = owner->pn();
    if (attached.error != nullptr) {
        remove(*owner);
        return refuse_attach(link, refusal_of(*attached.error));
    }
    answer_settle_modes(link);
    pn_terminus_t* const node = owner->is_sender() ? pn_link_source(link) : pn_link_target(link);
    pn_terminus_t* const asked = owner->is_sender() ? pn_link_remote_source(link) : pn_link_remote_target(link);
    const bool is_relay = !owner->is_dynamic && !has_address(asked);
    answer_terminus(node, asked, is_relay ? std::string_view() : capability_of(asked));
    if (owner->is_sender()) {
        const FilterSet filters = filters_of(asked);
        if (filters.selector) echo_selector(node, filters);
    }
    if (owner->is_dynamic) set_dynamic_node(node, attached.address);
    if (owner->is_sender()) {
        pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
    } else {
        pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
        pn_link_set_max_message_size(link, settings_.max_message_bytes);
    }
    pn_link_open(link);
    owner->opened();
}

// Detaching

bool ConnectionEngine::must_linger(const Link& link) const {
    return !link.is_sender() && !link.is_coordinator() && static_cast<const ReceiverLink&>(link).unanswered() > 0;
}

void ConnectionEngine::on_link_end(pn_link_t* link, bool closed) {
    if (is_stealing_) set_condition(pn_link_condition(link), {std::string(condition::link_stolen), "the link was attached again"});
    if (pn_link_is_sender(link)) forget_unsent(link);
    ++context_.untold;
    if (auto* const owner = static_cast<Link*>(pn_link_get_context(link))) {
        if (must_linger(*owner)) {
            Link::Leaving leaving = owner->leaving.value_or(Link::Leaving{});
            leaving.by_peer = true;
            leaving.peer_closed = closed;
            owner->leaving = leaving;
            return;
        }
        // The peer may leave before its attach was answered: the answer then has no terminus.
        if (!owner->is_open()) {
            pn_terminus_set_type(pn_link_source(link), PN_UNSPECIFIED);
            pn_terminus_set_type(pn_link_target(link), PN_UNSPECIFIED);
            pn_link_open(link);
        }
        remove(*owner);
    }
    if (closed) {
        pn_link_close(link);
    } else {
        pn_link_detach(link);
    }
    ended_links_.push_back(link);
}

void ConnectionEngine::detach_stolen(WireLink link) {
    is_stealing_ = true;
    feed(FrameGuard::detach_frame(link));
    process_events();
    is_stealing_ = false;
    finish_call();
    // The engine tells every attach before any detach; the peer must hear of this detach first.
    drain_engine();
}

void ConnectionEngine::detach(Link& link, const Refusal& refusal) {
    pn_link_t* const pn = link.pn();
    log::warning("link_detached", {{"connection", id_.value},
                                   {"peer", peer_.address},
                                   {"link", pn_link_name(pn)},
                                   {"condition", refusal.condition},
                                   {"reason", refusal.description}});
    if (!link.is_open()) {
        remove(link);
        return refuse_attach(pn, refusal);
    }
    set_condition(pn_link_condition(pn), refusal);
    pn_link_close(pn);
    if (must_linger(link)) {
        link.leaving = Link::Leaving{.by_peer = false, .peer_closed = false, .told = true};
    } else {
        remove(link);
    }
}

void ConnectionEngine::finish_leaving(Link& link) {
    const Link::Leaving leaving = *link.leaving;
    pn_link_t* const pn = link.pn();
    remove(link);
    if (!leaving.by_peer) return;
    if (leaving.told || leaving.peer_closed) {
        pn_link_close(pn);
    } else {
        pn_link_detach(pn);
    }
    ended_links_.push_back(pn);
}

void ConnectionEngine::detach_if_violated(Link& link) {
    if (!link.violation() || link.leaving) return;
    const Refusal refusal = *link.violation();
    detach(link, refusal);
}

ConnectionEngine::Slot& ConnectionEngine::take_slot(LinkId& id) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    id.slot = free_slots_.back();
    free_slots_.pop_back();
    id.generation = slots_[id.slot].generation;
    return slots_[id.slot];
}

Link* ConnectionEngine::find(LinkId id) {
    if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation) return nullptr;
    return slots_[id.slot].link.get();
}

void ConnectionEngine::remove(Link& link) {
    Slot& slot = slots_[link.id().slot];
    const std::uint32_t number = link.id().slot;
    pn_link_set_context(link.pn(), nullptr);
    if (link.is_coordinator()) static_cast<CoordinatorLink&>(link).ended();
    context_.commands.emplace_back(command::Close{link.core()});
    if (!link.is_coordinator()) --(link.is_sender() ? consumers_ : producers_);
    slot.link.reset();
    slot.listed = false;
    ++slot.generation;
    free_slots_.push_back(number);
}

// News of the core

ReceiverLink* ConnectionEngine::find_receiver(LinkId id) {
    Link* const link = find(id);
    return link == nullptr || link->is_sender() || link->is_coordinator() ? nullptr : static_cast<ReceiverLink*>(link);
}

SenderLink* ConnectionEngine::find_sender(LinkId id) {
    Link* const link = find(id);
    return link == nullptr || !link->is_sender() ? nullptr : static_cast<SenderLink*>(link);
}

void ConnectionEngine::on_mail() {
    if (aborted_) return;
    const bool was_held_back = !wants_input();
    mailbox_->take(mail_);
    context_.may_be_told_later = std::ranges::all_of(mail_, is_of_transaction);
    for (News& item : mail_) {
        std::visit([this](auto& news) { on_news(news); }, item);
    }
    mail_.clear();
    // A client that has asked for a commit waits for its answer: what was answered inside of the transaction goes with that, in one write
    // and one wake-up, unless anything else is to be told before.
    const bool follows_commit = std::exchange(context_.has_asked_outcome, false) && context_.outcomes_awaited > 0;
    if (!follows_commit || !context_.may_be_told_later) is_told_ = false;
    // What came in before it was held back.
    if (was_held_back && input_used_ > 0) {
        is_told_ = false;
        process_input();
    }
    process_events();
    finish_call();
    host_.wake();
}

void ConnectionEngine::on_news(news::Sent& sent) {
    context_.sending_bytes -= sent.bytes;
    ReceiverLink* const link = find_receiver(sent.link);
    if (link == nullptr) return;
    link->on_sent(sent);
    if (link->leaving && link->unanswered() == 0) finish_leaving(*link);
}

void ConnectionEngine::on_news(news::Window& window) {
    if (ReceiverLink* const link = find_receiver(window.link)) link->on_window(window.messages);
}

void ConnectionEngine::on_news(news::Delivered& delivered) {
    SenderLink* const link = find_sender(delivered.link);
    if (link == nullptr) return;
    link->on_delivered(std::move(delivered.delivery));
    list_sender(delivered.link);
}

void ConnectionEngine::on_news(news::Drained& drained) {
    SenderLink* const link = find_sender(drained.link);
    if (link == nullptr) return;
    link->on_drained(drained);
    list_sender(drained.link);
}

void ConnectionEngine::list_sender(LinkId id) {
    if (!std::exchange(slots_[id.slot].listed, true)) pending_senders_.push_back(id);
}

void ConnectionEngine::on_news(news::Settled& settled) {
    SenderLink* const link = find_sender(settled.link);
    if (link == nullptr) return;
    link->on_settled(settled);
    detach_if_violated(*link);
}

void ConnectionEngine::on_news(news::Ended& ended) {
    Link* const link = find(ended.link);
    if (link != nullptr && !link->leaving) detach(*link, refusal_of(*ended.error));
}

void ConnectionEngine::on_news(news::ChunkStored& stored) {
    if (stored.error != nullptr) {
        if (ReceiverLink* const link = find_receiver(stored.link)) link->on_chunk_refused(stored.stream, *stored.error);
    }
    if (context_.chunks_outstanding > 0) --context_.chunks_outstanding;
}

void ConnectionEngine::on_news(news::ChunkRead& read) {
    SenderLink* const link = find_sender(read.link);
    if (link == nullptr) return;
    link->on_chunk(std::move(read));
    detach_if_violated(*link);
}

}  // namespace giromq::amqp
