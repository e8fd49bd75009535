#include "simulation/model.hpp"

namespace giromq::simulation {

void Model::hold(Tag tag, ConsumerKey holder) {
    auto& message = messages.at(tag);
    const bool is_there = message.presence == Presence::present || message.presence == Presence::pending;
    if (!is_there || message.holder != 0) return fail("an administrator was given what is not free: " + describe(message));
    if (message.expired(now)) return fail("an administrator was given what has expired: " + describe(message));
    message.presence = Presence::present;
    message.maybe_purged = false;
    message.moving_from.reset();
    message.holder = message.taken_by = holder;
    excuse(message);
}

void Model::let_go(Tag tag, ConsumerKey holder) {
    auto& message = messages.at(tag);
    if (message.holder != holder) return;
    message.holder = 0;
    message.came_back = true;
}

std::uint64_t Model::change(TransactionId change, Tag tag, std::optional<DestinationId> target, bool stays_dead) {
    auto& message = messages.at(tag);
    before_commit[{change, tag}] = message;
    message.holder = 0;
    if (target) {
        move_to(message, *target, stays_dead ? message.dead_letter : std::nullopt);
    } else {
        message.presence = Presence::leaving;
    }
    return message.order;
}

void Model::change_ended(TransactionId change, Tag tag, std::uint64_t order, bool durable) {
    const auto before = before_commit.find({change, tag});
    if (before == before_commit.end()) return;
    auto& message = messages.at(tag);
    if (!durable) {
        const auto holder = before->second.holder;
        get_refused(change, tag);
        return let_go(tag, holder);
    }
    const bool is_removed = message.home == before->second.home;
    before_commit.erase(before);
    if (message.order != order) return;
    is_removed ? removal_confirmed(tag) : move_confirmed(tag);
}

}  // namespace giromq::simulation
