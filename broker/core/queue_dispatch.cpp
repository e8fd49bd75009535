#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

namespace giromq::core {
namespace {

/// The horizon is extended by this many entries, and before so many are left.
constexpr std::size_t horizon_entries = 1000;
constexpr std::uint64_t horizon_reserve = 500;

/// Who drains asks for what there is now, and must not be told that there is nothing because of a limit of ours. So it may have more
/// unsettled messages than others, and is ended when it has this many times as many.
constexpr std::uint64_t unsettled_of_drains = 10;

}  // namespace

void Queue::attach(Consumer& consumer) {
    consumer.queue = this;
    consumers_.emplace(consumer.id, &consumer);
    if (consumer.is_administrative) ++administrators_;
    if (consumer.mode == ConsumerMode::browse) {
        browsers_.push_back(&consumer);
    } else if (consumer.selector) {
        selection().add(consumer);
    }
}

void Queue::detach(Consumer& consumer, CloseReason reason) {
    if (consumers_.erase(consumer.id) > 0 && consumer.is_administrative) --administrators_;
    std::erase(ready_, &consumer);
    std::erase(draining_, &consumer);
    std::erase(browsers_, &consumer);
    if (consumer.group != nullptr) selection_->remove(consumer);
    if (consumer.unsettled == 0) return;
    std::vector<Entry*> held = held_by(consumer.id);
    std::vector<Position> positions;
    for (Entry* const entry : held) {
        unlock(*entry);
        positions.push_back(entry->position);
    }
    if (!held.empty()) rewind(held.front()->position);
    if (reason == CloseReason::lost && !held.empty()) fail_oldest(held);
    if (selection_) {
        for (const auto position : positions) {
            Entry* const entry = find_entry(position);
            if (entry != nullptr && entry->state == EntryState::available) selection_->returned(*entry);
        }
    }
    dispatch();
}

std::vector<Entry*> Queue::held_by(ConsumerId consumer) {
    std::vector<Entry*> held;
    const auto add = [&](Entry& entry) {
        if (entry.state == EntryState::locked && entry.holder == consumer) held.push_back(&entry);
    };
    for (std::size_t index = 0; index < window_.slots(); ++index) add(window_.at(index));
    if (selection_) {
        for (auto& [position, stray] : selection_->strays.all()) add(stray.entry);
    }
    return held;
}

/// Of a torn connection the application was most likely busy with the oldest: only that one counts as failed, so that a message that
/// kills its consumer ends in the dead-letter queue, and its innocent neighbours do not.
void Queue::fail_oldest(const std::vector<Entry*>& held) {
    const auto by_order = [](const Entry* left, const Entry* right) { return left->delivery_order < right->delivery_order; };
    Entry* const oldest = *std::min_element(held.begin(), held.end(), by_order);
    for (Entry* const entry : held) entry->perhaps_delivered = entry->perhaps_delivered || entry != oldest;
    Done nobody;
    fail_delivery(*oldest, nobody);
}

void Queue::flow(Consumer& consumer, std::uint64_t delivery_limit, bool drain) {
    consumer.delivery_limit = delivery_limit;
    if (drain && !consumer.drain && consumer.mode == ConsumerMode::acquire) draining_.push_back(&consumer);
    if (!drain && consumer.drain) std::erase(draining_, &consumer);
    consumer.drain = drain;
    resume(consumer);
}

void Queue::resume(Consumer& consumer) {
    if (consumer.mode == ConsumerMode::browse) {
        look_further(consumer);
        return;
    }
    make_ready(consumer);
    dispatch();
}

void Queue::silence(Consumer& consumer) {
    consumer.delivery_limit = consumer.delivered;
    consumer.drain = false;
    std::erase(draining_, &consumer);
}

void Queue::make_ready(Consumer& consumer) {
    if (consumer.ready || !can_take(consumer)) return;
    consumer.turn = ++turns_;
    if (consumer.group != nullptr) return selection_->make_ready(consumer);
    consumer.ready = true;
    ready_.push_back(&consumer);
    if (skipped_) {
        rewind(*skipped_);
        skipped_.reset();
    }
}

bool Queue::may_hold_more(const Consumer& consumer) const {
    // An administrator's work takes as many ahead as it has bounded itself to.
    if (consumer.is_administrative) return true;
    const std::uint64_t most = context_.settings.consumer_unsettled_max;
    return consumer.unsettled < (consumer.drain ? most * unsettled_of_drains : most);
}

bool Queue::can_take(const Consumer& consumer) const {
    if (settings_.is_receiving_paused && !consumer.is_administrative) return false;
    return consumer.credit() > 0 && may_hold_more(consumer) && consumer.port->has_room();
}

void Queue::rewind(Position position) { scan_ = std::min(scan_, window_.lower_bound(position)); }

Consumer* Queue::next_consumer(const Entry& entry) {
    for (std::size_t left = ready_.size(); left > 0; --left) {
        Consumer* const consumer = ready_.front();
        ready_.pop_front();
        if (!can_take(*consumer)) {
            consumer->ready = false;
            continue;
        }
        if (!consumer->is_for(entry) || !may_have(*consumer, entry.position)) {
            ready_.push_back(consumer);
            continue;
        }
        consumer->ready = false;
        return consumer;
    }
    return nullptr;
}

void Queue::dispatch() {
    if (dispatching_ || closing_ || context_.dispatches_later(id_)) return;
    dispatching_ = true;
    while (!ready_.empty() && scan_ < window_.slots()) {
        Entry& entry = window_.at(scan_);
        // Behind a pending entry nothing is shown yet, not even what is ready: that is what keeps the order strict.
        if (entry.state == EntryState::pending) break;
        if (entry.state != EntryState::available) {
            ++scan_;
            continue;
        }
        if (entry.may_expire() && entry.is_expired(context_.clock.wall_now())) {
            drop_expired(entry);
            continue;
        }
        if (entry.parked) {
            fetch(entry.position);
            break;
        }
        if (selection_) selection_->offer(entry);
        if (entry.state != EntryState::available) continue;
        if (!horizon_allows(entry)) break;
        Consumer* const consumer = next_consumer(entry);
        if (consumer == nullptr) {
            if (ready_.empty() || is_held_up(entry.position)) break;
            skipped_ = std::min(skipped_.value_or(entry.position), entry.position);
            ++scan_;
        } else {
            // On first: being ready again may take the scan back to what was skipped.
            ++scan_;
            deliver(entry, *consumer);
        }
    }
    if (selection_) selection_->dispatch();
    scan_ -= window_.sweep(scan_);
    if (wants_page()) read_page();
    answer_drains();
    browsers_look();
    dispatching_ = false;
    end_overfull();
}

void Queue::deliver(Entry& entry, Consumer& consumer) {
    ++consumer.delivered;
    const auto count = entry.delivery_count();
    if (!consumer.is_administrative) {
        ++counters_.delivered;
        if (count > 0) ++counters_.redelivered;
    }
    consumer.port->deliver(Delivery{entry.position, entry.message, count, entry.dead_letter});
    entry.state = EntryState::locked;
    entry.holder = consumer.id;
    entry.delivery_order = consumer.delivered;
    ++locked_;
    is_out(entry.position, consumer.id);
    // A large message leaves when all of it has been sent: its body is still read from the store, chunk by chunk.
    if (consumer.presettled && entry.message->chunk_count == 0) {
        ++counters_.acknowledged;
        ++consumer.acknowledged;
        Done nobody;
        remove(entry, nobody);
    } else {
        ++consumer.unsettled;
        park(entry);
    }
    // It was ready before, so what was skipped was not for it: no need to scan that again for every delivery.
    const auto skipped = std::exchange(skipped_, std::nullopt);
    make_ready(consumer);
    skipped_ = skipped;
}

bool Queue::horizon_allows(const Entry& entry) {
    // What does not outlive a crash needs no mark for after one.
    if (!entry.stored || entry.is_volatile) return true;
    const bool allowed = entry.position < horizon_durable_;
    const bool nothing_staged = horizon_staged_ <= horizon_durable_;
    if (nothing_staged && entry.position.value + horizon_reserve >= horizon_durable_.value) extend_horizon();
    return allowed;
}

void Queue::extend_horizon() {
    const auto ahead = std::min(scan_ + horizon_entries, window_.slots()) - 1;
    stage_horizon(Position{std::max(window_.at(ahead).position.value, window_.at(scan_).position.value + horizon_entries) + 1});
}

void Queue::stage_horizon(Position horizon) {
    horizon_staged_ = horizon;
    tx::UnitOfWork work;
    work.stage(store::SetHorizon{id_, horizon_staged_});
    work.then([host = &host_, id = id_, horizon = horizon_staged_](const store::UnitResult& result) {
        Queue* const queue = host->find(id);
        if (queue == nullptr) return;
        if (!result.durable) {
            // Tried again at the next tick, when the queue is dispatched.
            queue->horizon_staged_ = queue->horizon_durable_;
            return;
        }
        queue->horizon_durable_ = std::max(queue->horizon_durable_, horizon);
        queue->dispatch();
    });
    context_.commit(std::move(work));
}

void Queue::mark_for_restart() {
    if (closing_ || is_temporary() || !has_row_) return;
    Position last;
    for (std::size_t index = 0; index < window_.slots(); ++index) {
        const Entry& entry = window_.at(index);
        const bool held = entry.state == EntryState::locked || entry.state == EntryState::enlisted;
        const bool told = held || (entry.state == EntryState::available && entry.perhaps_delivered);
        if (told && entry.stored && !entry.is_volatile && entry.position >= crash_horizon_) last = entry.position;
    }
    if (selection_) last = std::max(last, selection_->last_told(crash_horizon_));
    if (!last.is_set()) return;
    tx::UnitOfWork work;
    work.stage(store::SetHorizon{.destination = id_, .horizon = Position{last.value + 1}, .stays = true});
    context_.commit_until_durable(std::move(work));
}

bool Queue::nothing_more(const Consumer& consumer) const {
    // Who asks whether there is something hears no while receiving is paused, and need not wait for the end of that.
    if (settings_.is_receiving_paused && !consumer.is_administrative) return true;
    if (consumer.group != nullptr) return selection_->nothing_more(consumer);
    if (consumer.through.is_set()) return nothing_within_bounds(consumer);
    if (!recalling_.empty()) return false;
    // For who is not ready nobody has looked at what others had to leave.
    const auto from = consumer.ready ? scan_ : 0;
    const auto limit = limit_of(consumer);
    if (limit && is_covered(*limit)) return nothing_available(from, window_.lower_bound(*limit));
    return reaches_tail_ && !page_under_way_ && nothing_available_behind(from);
}

/// Of a consumer that may only have what is up to a position: whatever comes behind that.
bool Queue::nothing_within_bounds(const Consumer& consumer) const {
    if (!recalling_.empty()) return false;
    for (std::size_t index = consumer.ready ? scan_ : 0; index < window_.slots(); ++index) {
        const Entry& entry = window_.at(index);
        if (entry.position > consumer.through) return true;
        if (entry.state == EntryState::available && consumer.is_for(entry)) return false;
    }
    return is_covered(consumer.through);
}

/// True if there is nothing from slot `index` on, or only what is not durable yet. A message in memory only may be accepted already
/// and wait behind a pending one.
bool Queue::nothing_available(std::size_t index, std::size_t end) const {
    for (; index < end; ++index) {
        if (window_.at(index).state == EntryState::available) return false;
    }
    return true;
}

void Queue::answer_drains() {
    for (std::size_t index = 0; index < draining_.size();) {
        Consumer& consumer = *draining_[index];
        const bool used_up = consumer.credit() == 0;
        if (!used_up && !nothing_more(consumer)) {
            if (!may_hold_more(consumer)) overfull_.push_back(consumer.id);
            ++index;
            continue;
        }
        consumer.drain = false;
        consumer.delivery_limit = consumer.delivered;
        draining_.erase(draining_.begin() + static_cast<std::ptrdiff_t>(index));
        consumer.port->drained();
    }
}

void Queue::end_overfull() {
    for (const auto id : std::exchange(overfull_, {})) {
        const auto most = std::to_string(context_.settings.consumer_unsettled_max * unsettled_of_drains);
        log::warning("consumer_ended", {{"queue", settings_.name}, {"consumer", id.value}, {"unsettled", most}});
        host_.end_consumer(id, Error(errc::resource_limit, "the consumer has " + most + " messages that it has not settled; settle some"));
    }
}

}  // namespace giromq::core
