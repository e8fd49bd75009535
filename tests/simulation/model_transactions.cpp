#include "simulation/model.hpp"

namespace giromq::simulation {

void Model::enlist(Tag tag) {
    auto& message = messages.at(tag);
    give_back(message);
    message.holder = transaction_holder;
}

void Model::prepared(Tag tag) { messages.at(tag).taken_by = 0; }

std::optional<DeadLetter> Model::reason_of(Tag tag, const Outcome& outcome) const {
    auto message = messages.at(tag);
    if (message.holder != transaction_holder || message.home == dead_letter_queue) return std::nullopt;
    if (std::holds_alternative<Rejected>(outcome)) return dead_letter_of(message, "rejected", "amqp:not-allowed: by chance");
    const auto* const modified = std::get_if<Modified>(&outcome);
    const auto most = queues.at(message.home).settings.max_deliveries;
    if (modified == nullptr || !modified->delivery_failed || most == 0 || ++message.failures < most) return std::nullopt;
    return dead_letter_of(message, "max-deliveries", failed_text(message.failures));
}

void Model::commit_get(TransactionId transaction, Tag tag, const Outcome& outcome) {
    auto& message = messages.at(tag);
    if (message.holder != transaction_holder) return;
    before_commit[{transaction, tag}] = message;
    const auto* const modified = std::get_if<Modified>(&outcome);
    if (std::holds_alternative<Accepted>(outcome)) {
        message.holder = 0;
        message.presence = Presence::leaving;
    } else if (std::holds_alternative<Rejected>(outcome) && message.home != dead_letter_queue) {
        message.holder = 0;
        move(message, "rejected", "amqp:not-allowed: by chance");
    } else if (std::holds_alternative<Rejected>(outcome)) {
        ++message.failures;
    } else if (modified != nullptr && modified->delivery_failed) {
        const auto home = message.home;
        fail_delivery(message);
        if (message.home != home) message.holder = 0;
    }
}

void Model::get_committed(TransactionId transaction, Tag tag, const Outcome& outcome, ConsumerKey by) {
    const auto before = before_commit.extract({transaction, tag});
    if (before.empty()) return;
    auto& message = messages.at(tag);
    if (std::holds_alternative<Accepted>(outcome)) return removal_confirmed(tag);
    if (message.home != before.mapped().home) {
        for (auto& [place, later] : before_commit) later.confirmed = later.confirmed || place.second == tag;
        return move_confirmed(tag);
    }
    if (message.holder != transaction_holder) return;
    const auto* const modified = std::get_if<Modified>(&outcome);
    if (modified != nullptr && modified->undeliverable_here) message.barred.insert(by);
    if (message.failures > before.mapped().failures && !refusals_seen) message.failures_durable = message.failures;
    message.holder = 0;
}

void Model::get_refused(TransactionId transaction, Tag tag) {
    auto before = before_commit.extract({transaction, tag});
    if (before.empty()) return;
    auto& message = messages.at(tag);
    const auto home = queues.find(message.home);
    if (home != queues.end()) home->second.order.erase(message.order);
    message = std::move(before.mapped());
    const auto origin = queues.find(message.home);
    if (origin == queues.end()) {
        message.holder = 0;
        message.presence = Presence::gone;
        return;
    }
    origin->second.order.emplace(message.order, tag);
    // A browser that came during the commit has passed it by.
    excuse(message);
    if (!origin->second.deleting) return;
    message.holder = 0;
    message.presence = Presence::leaving;
    message.with_queue = true;
}

void Model::roll_back_get(TransactionId transaction, Tag tag) {
    auto& message = messages.at(tag);
    if (message.holder != transaction_holder || message.home == dead_letter_queue) return;
    const auto most = queues.at(message.home).settings.max_deliveries;
    if (most == 0 || message.failures + 1 < most) return;
    before_commit[{transaction, tag}] = message;
    message.holder = 0;
    fail_delivery(message);
}

void Model::get_rolled_back(TransactionId transaction, Tag tag) {
    if (!before_commit.extract({transaction, tag}).empty()) move_confirmed(tag);
}

void Model::return_get(Tag tag, ConsumerKey holder) {
    auto& message = messages.at(tag);
    if (message.holder != transaction_holder) return;
    message.holder = holder;
    // Other transactions that end in the same moment return theirs later.
    message.between = holder == 0;
    if (holder != 0) {
        ++consumers.at(holder).unsettled;
        ++consumers.at(holder).returned;
    } else {
        fail_delivery(message);
    }
}

void Model::stop_get(Tag tag) {
    auto& message = messages.at(tag);
    if (message.holder != transaction_holder) return;
    message.holder = 0;
    message.mark = Mark::yes;
    message.between = true;
}

}  // namespace giromq::simulation
