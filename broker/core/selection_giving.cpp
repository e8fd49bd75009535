#include <algorithm>
#include <utility>

#include "core/queue.hpp"
#include "core/selection.hpp"

// What the groups have found, and who of them is given it.

namespace giromq::core {
namespace {

/// What a group has found and nobody takes yet; beyond that it falls behind and finds it again.
constexpr std::size_t found_max = 2048;
/// The horizon goes ahead of what a group is about to be given by so many entries at most.
constexpr std::size_t horizon_entries = 1000;

/// Nobody is kept from the entry, and no member of the group has bounds: those are alone with their selector.
bool is_for_everybody(const Entry& entry, const SelectorGroup& group) {
    return entry.not_for.empty() && (group.members.empty() || !group.members.front()->through.is_set());
}

}  // namespace

Consumer* Selection::front(SelectorGroup& group, const Entry& entry) {
    while (!group.ready.empty() && !queue_.can_take(*group.ready.front())) {
        group.ready.front()->ready = false;
        group.ready.pop_front();
    }
    if (group.ready.empty()) return nullptr;
    if (is_for_everybody(entry, group) && !queue_.settings_.strict) return group.ready.front();
    const auto found = std::find_if(group.ready.begin(), group.ready.end(), [&](const Consumer* consumer) {
        return consumer->is_for(entry) && queue_.can_take(*consumer) && may_have(*consumer, entry.position);
    });
    return found == group.ready.end() ? nullptr : *found;
}

/// Of what came back, the first of which nobody knows yet whom it is for: on a strict queue what is behind it waits for that.
std::optional<Position> Selection::first_to_judge_again() const {
    auto first = judging_again_from_;
    for (const auto* const positions : {&recheck_, &parked_, &back_meanwhile_}) {
        if (!positions->empty()) first = std::min(first.value_or(*positions->begin()), *positions->begin());
    }
    return first;
}

bool Selection::may_have(const Consumer& consumer, Position position) const {
    if (!queue_.settings_.strict) return true;
    const auto first = first_to_judge_again();
    return (!first || position <= *first) && queue_.may_have(consumer, position);
}

bool Selection::is_held_up(const SelectorGroup& group, Position position) const {
    return queue_.settings_.strict &&
           std::ranges::none_of(group.ready, [&](const Consumer* consumer) { return may_have(*consumer, position); });
}

bool Selection::is_barred_to_all(const SelectorGroup& group, const Entry& entry) const {
    return !is_for_everybody(entry, group) &&
           std::none_of(group.members.begin(), group.members.end(), [&](const Consumer* consumer) { return consumer->is_for(entry); });
}

bool Selection::horizon_covers(const Entry& entry) {
    if (!entry.stored || entry.is_volatile || entry.position < queue_.horizon_durable_) return true;
    horizon_wanted_ = std::max(horizon_wanted_, Position{entry.position.value + 1});
    return false;
}

/// Consumers without a selector take what is next in the window, in turn with those here.
bool Selection::plain_consumer_is_first(const Entry& entry, const Consumer& consumer) const {
    const Queue& queue = queue_;
    if (queue.ready_.empty() || queue.scan_ >= queue.window_.slots() || &queue.window_.at(queue.scan_) != &entry) return false;
    return queue.ready_.front()->turn < consumer.turn;
}

/// What the group has found before comes first.
bool Selection::waits_for_earlier(const SelectorGroup& group, Position position) {
    return !group.found.empty() && *group.found.begin() < position;
}

/// To the consumer that has waited longest; if there is none that may have it now, it is kept in mind. True if it was delivered.
bool Selection::give(Entry& entry, const std::vector<SelectorGroup*>& groups) {
    SelectorGroup* taker = nullptr;
    Consumer* first = nullptr;
    for (SelectorGroup* const group : groups) {
        Consumer* const consumer = waits_for_earlier(*group, entry.position) ? nullptr : front(*group, entry);
        if (consumer == nullptr || (first != nullptr && first->turn < consumer->turn)) continue;
        first = consumer;
        taker = group;
    }
    if (first != nullptr && !plain_consumer_is_first(entry, *first) && horizon_covers(entry)) {
        deliver(*taker, *first, entry);
        return true;
    }
    for (SelectorGroup* const group : groups) {
        if (is_barred_to_all(*group, entry)) {
            group->barred = std::min(group->barred.value_or(entry.position), entry.position);
        } else {
            want(*group, entry.position);
        }
    }
    return false;
}

void Selection::deliver(SelectorGroup& group, Consumer& consumer, Entry& entry) {
    if (group.ready.front() == &consumer) {
        group.ready.pop_front();
    } else {
        std::erase(group.ready, &consumer);
    }
    consumer.ready = false;
    queue_.deliver(entry, consumer);
}

bool Selection::want(SelectorGroup& group, Position position) {
    if (!group.found.insert(position).second) return true;
    if (auto* const stray = strays.find(position)) ++stray->wanted;
    if (!group.ready.empty()) list(group);
    if (group.found.size() <= found_max) return true;
    const auto last = std::prev(group.found.end());
    const Position dropped = *last;
    unwant(group, last);
    fall_behind(group, before(dropped));
    return dropped != position;
}

std::set<Position>::iterator Selection::unwant(SelectorGroup& group, std::set<Position>::iterator place) {
    const Position position = *place;
    const auto next = group.found.erase(place);
    if (auto* const stray = strays.find(position)) {
        if (stray->wanted > 0) --stray->wanted;
        prune(position);
    }
    return next;
}

/// A stray that nobody wants is read again when the window comes to it, if the store knows all about it.
void Selection::prune(Position position) {
    auto* const stray = strays.find(position);
    if (stray == nullptr || stray->wanted > 0 || recheck_.contains(position) || parked_.contains(position)) return;
    // The store does not know who could not take it.
    std::erase_if(stray->entry.not_for, [this](ConsumerId id) { return !queue_.consumers_.contains(id); });
    if (!stray->entry.not_for.empty() || !queue_.can_be_read_again(stray->entry)) return;
    strays.remove(position);
    queue_.account_memory();
}

/// What the group cannot take now is not kept in memory for it.
void Selection::let_strays_go(SelectorGroup& group) {
    if (strays.empty()) return;
    auto place =
        std::find_if(group.found.begin(), group.found.end(), [this](Position position) { return strays.find(position) != nullptr; });
    if (place == group.found.end()) return;
    const Position first = *place;
    while (place != group.found.end()) place = unwant(group, place);
    fall_behind(group, before(first));
}

void Selection::serve_listed() {
    const auto listed = std::exchange(to_serve_, {});
    for (SelectorGroup* const group : listed) {
        group->listed = false;
        serve(*group);
    }
}

void Selection::serve(SelectorGroup& group) {
    for (auto next = group.found.begin(); next != group.found.end() && !group.ready.empty();) {
        if (!serve_next(group, next)) break;
    }
    if (group.ready.empty()) {
        let_strays_go(group);
    } else if (!group.found.empty()) {
        list(group);
    }
}

/// False if the group has to wait with what is next for it.
bool Selection::serve_next(SelectorGroup& group, std::set<Position>::iterator& next) {
    Entry* const entry = queue_.find_entry(*next);
    if (entry == nullptr || entry->state != EntryState::available) {
        next = unwant(group, next);
        return true;
    }
    if (entry->is_expired(queue_.context_.clock.wall_now())) {
        queue_.drop_expired(*entry);
        next = unwant(group, next);
        return true;
    }
    Consumer* const consumer = front(group, *entry);
    if (consumer == nullptr) {
        if (group.ready.empty() || is_held_up(group, *next)) return false;
        const bool is_barred = is_barred_to_all(group, *entry);
        if (is_barred) group.barred = std::min(group.barred.value_or(*next), *next);
        next = is_barred ? unwant(group, next) : std::next(next);
        return true;
    }
    if (entry->parked) {
        parked_.insert(*next);
        return false;
    }
    if (!horizon_covers(*entry)) {
        look_ahead_for_horizon(group, next);
        return false;
    }
    deliver(group, *consumer, *entry);
    next = unwant(group, next);
    return true;
}

/// One row for all that the group is about to be given.
void Selection::look_ahead_for_horizon(const SelectorGroup& group, std::set<Position>::const_iterator next) {
    std::uint64_t room = 0;
    for (const Consumer* const consumer : group.ready) room += consumer->credit();
    for (std::uint64_t count = 0; next != group.found.end() && count < std::min<std::uint64_t>(room, horizon_entries); ++count, ++next) {
        horizon_wanted_ = std::max(horizon_wanted_, Position{next->value + 1});
    }
}

/// What was given back without its bytes is read again, then it is as if it was given back now. A fetch sends away what the one before has
/// brought, so it waits until that was judged.
void Selection::fetch_parked() {
    while (!parked_.empty()) {
        const Position position = *parked_.begin();
        Entry* const entry = queue_.find_entry(position);
        if (entry != nullptr && entry->state == EntryState::available && entry->parked) {
            if (!searching_ && recheck_.empty()) queue_.fetch(position);
            return;
        }
        parked_.erase(parked_.begin());
        if (entry != nullptr && entry->state == EntryState::available) returned(*entry);
    }
}

void Selection::dispatch() {
    if (groups_.empty()) return;
    fetch_parked();
    offer_window();
    serve_listed();
    search();
    serve_listed();
    fetch_parked();
    const bool nothing_staged = queue_.horizon_staged_ <= queue_.horizon_durable_;
    if (nothing_staged && horizon_wanted_ > queue_.horizon_durable_) queue_.stage_horizon(horizon_wanted_);
    horizon_wanted_ = {};
}

Position Selection::last_told(Position after) const {
    Position last;
    for (const auto& [position, stray] : strays.all()) {
        const Entry& entry = stray.entry;
        const bool held = entry.state == EntryState::locked || entry.state == EntryState::enlisted;
        const bool told = held || (entry.state == EntryState::available && entry.perhaps_delivered);
        if (told && !entry.is_volatile && position >= after) last = position;
    }
    return last;
}

bool Selection::nothing_found_for(const Consumer& consumer, std::optional<Position> limit) const {
    const auto& found = consumer.group->found;
    const auto end = limit ? found.lower_bound(*limit) : found.end();
    return std::none_of(found.begin(), end, [&](Position position) {
        const Entry* const entry = queue_.find_entry(position);
        return entry != nullptr && entry->state == EntryState::available && consumer.is_for(*entry);
    });
}

bool Selection::nothing_more(const Consumer& consumer) const {
    const SelectorGroup& group = *consumer.group;
    const auto limit = queue_.limit_of(consumer);
    if (consumer.through.is_set() && seen(group) >= consumer.through && recheck_.empty() && parked_.empty() && queue_.recalling_.empty()) {
        return nothing_found_for(consumer, limit);
    }
    if (searching_ || !recheck_.empty() || !parked_.empty() || !queue_.recalling_.empty()) return false;
    if (!nothing_found_for(consumer, limit)) return false;
    const auto looked_at = seen(group);
    const auto index = queue_.window_.lower_bound(Position{looked_at.value + 1});
    if (limit && looked_at.value + 1 >= limit->value) return true;
    if (limit && queue_.is_covered(*limit)) return queue_.nothing_available(index, queue_.window_.lower_bound(*limit));
    // What the window covers it has, or nobody has any more.
    const bool sees_all = queue_.reaches_tail_ || queue_.durable_through_ <= std::max(looked_at, queue_.covered_through_);
    return sees_all && queue_.nothing_available_behind(index);
}

}  // namespace giromq::core
