#include <algorithm>
#include <utility>

#include "core/queue.hpp"
#include "core/selection.hpp"

// Strict queues: nothing is given out past a message that is out, that is, with somebody who has not decided what becomes of it
// (docs/adr/0012-strict-queues.md).

namespace giromq::core {

std::optional<Position> Queue::limit_of(const Consumer& consumer) const {
    // What an administrator moves nobody works on: it is as if it had been purged.
    if (!settings_.strict || consumer.is_administrative) return std::nullopt;
    auto limit = holders_.limit_of(consumer.id);
    // What a branch has given back is on its way from the store.
    if (!recalling_.empty()) limit = std::min(limit.value_or(*recalling_.begin()), *recalling_.begin());
    return limit;
}

bool Queue::may_have(const Consumer& consumer, Position position) const {
    const auto limit = limit_of(consumer);
    return !limit || position < *limit;
}

bool Queue::is_held_up(Position position) const {
    return settings_.strict &&
           std::ranges::none_of(ready_, [this, position](const Consumer* consumer) { return may_have(*consumer, position); });
}

void Queue::is_out(Position position, ConsumerId holder) {
    if (settings_.strict) holders_.add(position, holder);
}

void Queue::is_decided(Position position) {
    if (!settings_.strict || !holders_.remove(position)) return;
    // It may be what held up the one that was skipped.
    if (skipped_ && position < *skipped_) rewind(*std::exchange(skipped_, std::nullopt));
}

void Queue::update(DestinationSettings settings) {
    const bool goes_on = (settings_.is_receiving_paused && !settings.is_receiving_paused) || (settings_.strict && !settings.strict);
    settings_ = std::move(settings);
    holders_.clear();
    const auto look_at = [this](const Entry& entry) {
        const bool is_leaving_with_transaction = entry.state == EntryState::leaving && entry.transaction.is_set();
        const bool is_held = entry.state == EntryState::locked || entry.state == EntryState::enlisted;
        // One that an administrator moves comes back if the store refuses that.
        const bool is_moving = entry.state == EntryState::leaving && entry.holder.is_set();
        const auto holder = entry.is_in_doubt ? Holders::nobody : entry.holder;
        if (is_held || is_leaving_with_transaction || is_moving) is_out(entry.position, holder);
    };
    for (std::size_t index = 0; index < window_.slots(); ++index) look_at(window_.at(index));
    if (selection_) {
        for (const auto& [position, stray] : selection_->strays.all()) look_at(stray.entry);
    }
    for (const auto& [position, branch] : prepared_) is_out(position, Holders::nobody);
    if (!goes_on) return;
    for (const auto& [id, consumer] : consumers_) {
        if (consumer->mode == ConsumerMode::acquire) make_ready(*consumer);
    }
    rewind(Position{});
    dispatch();
}

}  // namespace giromq::core
