#include "core/selection.hpp"

#include <algorithm>
#include <utility>

#include "core/queue.hpp"
#include "selector/amqp_message.hpp"

namespace giromq::core {
namespace {

bool asks_for_delivery_count(const selector::Program& program) {
    const auto& names = program.properties();
    return std::find(names.begin(), names.end(), "JMSXDeliveryCount") != names.end();
}

}  // namespace

// Groups

void Selection::add(Consumer& consumer) {
    SelectorGroup*& group = by_program_[consumer.selector.get()];
    if (group == nullptr) {
        auto made = std::make_unique<SelectorGroup>();
        made->id = next_id_++;
        made->program = consumer.selector;
        made->counts_deliveries = asks_for_delivery_count(*consumer.selector);
        group = made.get();
        behind_.push_back(group);
        if (made->program->looks_into_body()) ++body_groups_;
        property_set_.reset();
        groups_.emplace(made->id, std::move(made));
    }
    consumer.group = group;
    group->members.push_back(&consumer);
    // What the others may not have again may be for this one.
    if (const auto barred = std::exchange(group->barred, std::nullopt)) fall_behind(*group, before(*barred));
}

void Selection::remove(Consumer& consumer) {
    SelectorGroup& group = *std::exchange(consumer.group, nullptr);
    std::erase(group.members, &consumer);
    std::erase(group.ready, &consumer);
    if (group.members.empty()) {
        forget(group);
    } else if (group.ready.empty()) {
        let_strays_go(group);
    }
}

void Selection::forget(SelectorGroup& group) {
    for (auto next = group.found.begin(); next != group.found.end();) next = unwant(group, next);
    std::erase(behind_, &group);
    std::erase(to_serve_, &group);
    if (group.follows) --followers_;
    if (group.program->looks_into_body()) --body_groups_;
    by_program_.erase(group.program.get());
    property_set_.reset();
    groups_.erase(group.id);
    if (body_groups_ == 0) recheck_.clear();
    if (!groups_.empty()) return;
    parked_.clear();
    std::vector<Position> all;
    for (const auto& [position, stray] : strays.all()) all.push_back(position);
    for (const auto position : all) prune(position);
}

void Selection::close() {
    groups_.clear();
    by_program_.clear();
    behind_.clear();
    to_serve_.clear();
    followers_ = body_groups_ = 0;
    property_set_.reset();
    parked_.clear();
    recheck_.clear();
    back_meanwhile_.clear();
    gone_ahead.clear();
    strays.clear();
}

/// How far the group has looked.
Position Selection::seen(const SelectorGroup& group) const {
    return group.follows ? std::max(group.through, offered_through_) : group.through;
}

void Selection::follow(SelectorGroup& group) {
    if (followers_ == 0) {
        offered_through_ = group.through;
    } else {
        group.through = std::max(group.through, offered_through_);
    }
    group.follows = true;
    ++followers_;
    std::erase(behind_, &group);
}

void Selection::fall_behind(SelectorGroup& group, Position through) {
    group.through = std::min(seen(group), through);
    // What it has found further on comes after what it looks for now.
    if (queue_.settings_.strict) {
        for (auto next = group.found.upper_bound(group.through); next != group.found.end();) next = unwant(group, next);
    }
    if (!std::exchange(group.follows, false)) return;
    --followers_;
    behind_.push_back(&group);
}

const selector::ProgramSet& Selection::property_set() {
    if (property_set_ != nullptr) return *property_set_;
    std::vector<selector::ProgramPtr> programs;
    property_groups_.clear();
    for (const auto& [id, group] : groups_) {
        if (group->program->looks_into_body()) continue;
        programs.push_back(group->program);
        property_groups_.push_back(group.get());
    }
    property_set_ = std::make_shared<const selector::ProgramSet>(std::move(programs));
    return *property_set_;
}

/// The verdict of every selector over properties.
void Selection::judge_for_followers(const Message& message, std::uint32_t delivery_count) {
    verdict_.clear();
    property_set().judge(selector::AmqpMessage(message, delivery_count + 1), verdict_);
    for (const auto program : verdict_.over_budget) queue_.count_over_budget(*property_groups_[program]->program, message);
}

// Offering

void Selection::make_ready(Consumer& consumer) {
    consumer.ready = true;
    consumer.group->ready.push_back(&consumer);
    list(*consumer.group);
}

void Selection::list(SelectorGroup& group) {
    if (!std::exchange(group.listed, true)) to_serve_.push_back(&group);
}

void Selection::offer_window() {
    if (followers_ == 0) return;
    Window& window = queue_.window_;
    for (auto index = window.lower_bound(Position{offered_through_.value + 1}); index < window.slots(); ++index) {
        Entry& entry = window.at(index);
        if (entry.state == EntryState::pending) return;
        if (entry.state == EntryState::available && entry.parked) {
            // It has its turn when its bytes are there.
            parked_.insert(entry.position);
            return;
        }
        offer(entry);
    }
}

void Selection::offer(Entry& entry) {
    if (followers_ == 0 || entry.position <= offered_through_) return;
    offered_through_ = entry.position;
    if (entry.state != EntryState::available || entry.is_expired(queue_.context_.clock.wall_now())) return;
    judge_for_followers(*entry.message, entry.delivery_count());
    candidates_.clear();
    add_candidates(entry.position);
    if (!candidates_.empty()) give(entry, candidates_);
}

void Selection::add_candidates(Position position) {
    for (const auto program : verdict_.selected) {
        SelectorGroup* const group = property_groups_[program];
        if (group->follows && group->through < position) candidates_.push_back(group);
    }
}

/// After a refusal units may become durable out of their order; what follows goes by the order of positions.
bool Selection::something_pends_before(Position position) const {
    if (!queue_.outside_.empty() && queue_.outside_.begin()->first < position) return true;
    return queue_.window_.lower_bound(Position{offered_through_.value + 1}) < queue_.window_.slots();
}

void Selection::missed(Position position) {
    for (const auto& [id, group] : groups_) {
        if (group->follows) fall_behind(*group, before(position));
    }
}

/// Whoever has looked further than that looks again.
void Selection::came_back(Position position) {
    for (const auto& [id, group] : groups_) {
        if (seen(*group) >= position) fall_behind(*group, before(position));
    }
}

/// The store has it, and the window does not reach it. Who wants it now gets it; for the others it is read when they want it.
void Selection::arrived_behind(Position position, const Arrival& arrival) {
    if (followers_ == 0) return;
    offer_window();
    if (position <= offered_through_) return;
    if (something_pends_before(position)) return missed(position);
    offered_through_ = position;
    Entry entry = queue_.make_entry(position, arrival);
    if (entry.is_expired(queue_.context_.clock.wall_now())) return;
    candidates_.clear();
    if (arrival.parked) {
        for (const auto& [id, group] : groups_) {
            if (group->follows) candidates_.push_back(group.get());
        }
    } else {
        judge_for_followers(*arrival.message, 0);
        add_candidates(position);
    }
    SelectorGroup* taker = nullptr;
    Consumer* first = nullptr;
    for (SelectorGroup* const group : candidates_) {
        Consumer* const consumer = arrival.parked || !group->found.empty() ? nullptr : front(*group, entry);
        if (consumer == nullptr || (first != nullptr && first->turn < consumer->turn)) continue;
        first = consumer;
        taker = group;
    }
    if (taker == nullptr || !horizon_covers(entry)) {
        for (SelectorGroup* const group : candidates_) fall_behind(*group, before(position));
        return;
    }
    Entry& stray = strays.add(std::move(entry));
    queue_.account_memory();
    deliver(*taker, *first, stray);
}

/// Of what left and came back; see also over() for what came back while a search was under way.
void Selection::returned(Entry& entry) {
    const auto position = entry.position;
    if (groups_.empty()) return prune(position);
    if (searching_) back_meanwhile_.insert(position);
    if (entry.parked) {
        parked_.insert(position);
        return;
    }
    for (const auto& [id, group] : groups_) {
        if (!group->counts_deliveries || group->found.erase(position) == 0) continue;
        if (auto* const stray = strays.find(position); stray != nullptr && stray->wanted > 0) --stray->wanted;
    }
    if (body_groups_ > 0) recheck_.insert(position);
    if (body_groups_ < groups_.size()) {
        judge_for_followers(*entry.message, entry.delivery_count());
        const Strays::Hold kept(strays, position);
        for (const auto program : verdict_.selected) hold(*property_groups_[program], entry);
    }
    prune(position);
}

void Selection::hold(SelectorGroup& group, const Entry& entry) {
    if (entry.position > seen(group)) return;
    if (group.ready.empty() && strays.find(entry.position) != nullptr) {
        fall_behind(group, before(entry.position));
    } else if (is_barred_to_all(group, entry)) {
        group.barred = std::min(group.barred.value_or(entry.position), entry.position);
    } else {
        want(group, entry.position);
    }
}

}  // namespace giromq::core
