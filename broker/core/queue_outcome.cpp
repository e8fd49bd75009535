#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

namespace giromq::core {
namespace {

/// Of what a consumer says about a rejection so much is kept: it lies in memory and in the store as long as the dead letter does.
constexpr std::size_t description_bytes_max = 1024;

std::string shortened(std::string text) {
    if (text.size() <= description_bytes_max) return text;
    auto end = description_bytes_max;
    // Not in the middle of a character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    text.resize(end);
    return text;
}

}  // namespace

void Queue::settle(Consumer& consumer, Position position, Outcome outcome, UniqueFunction<void(Result<void>)> done) {
    Entry* const entry = find_entry(position);
    if (entry == nullptr || entry->state != EntryState::locked || entry->holder != consumer.id) {
        if (done) done({});
        return;
    }
    --consumer.unsettled;
    // Not later: a move of what is in memory only dispatches at once, which may end consumers, this one too.
    make_ready(consumer);
    if (std::holds_alternative<Accepted>(outcome)) {
        ++counters_.acknowledged;
        ++consumer.acknowledged;
        remove(*entry, done);
    } else if (auto* const rejected = std::get_if<Rejected>(&outcome)) {
        unlock(*entry);
        if (!dead_letter(*entry, "rejected", text_of(*rejected), done)) {
            // Nothing is discarded: it goes back to its place, counted.
            ++entry->failed_deliveries;
            store_count(*entry, done);
            give_back(*entry);
        }
    } else {
        unlock(*entry);
        const auto* const modified = std::get_if<Modified>(&outcome);
        if (modified != nullptr && modified->undeliverable_here) {
            keep_from(*entry, consumer.id);
        }
        if (modified != nullptr && modified->delivery_failed) {
            fail_delivery(*entry, done);
        } else {
            give_back(*entry);
        }
    }
    dispatch();
    // The answer comes last: it may be what ends this consumer, or this queue.
    if (done) done({});
}

void Queue::keep_from(Entry& entry, ConsumerId consumer) {
    std::erase_if(entry.not_for, [this](ConsumerId id) { return !consumers_.contains(id); });
    entry.not_for.push_back(consumer);
}

std::string Queue::text_of(const Rejected& rejected) {
    const auto* const separator = rejected.condition.empty() || rejected.description.empty() ? "" : ": ";
    return rejected.condition + separator + rejected.description;
}

std::string Queue::failed_text(std::uint32_t failed_deliveries) {
    return "delivered " + std::to_string(failed_deliveries) + " times without success";
}

void Queue::unlock(Entry& entry) {
    entry.state = EntryState::available;
    entry.holder = {};
    entry.is_in_doubt = false;
    --locked_;
    is_decided(entry.position);
}

/// The entry may be gone from memory afterwards.
void Queue::give_back(Entry& entry) {
    rewind(entry.position);
    if (selection_) selection_->returned(entry);
}

void Queue::fail_delivery(Entry& entry, Done& done) {
    // A mark stays: it stands for an earlier delivery.
    ++entry.failed_deliveries;
    const bool too_often = has_failed_too_often(entry.failed_deliveries);
    if (too_often && dead_letter(entry, "max-deliveries", failed_text(entry.failed_deliveries), done)) return;
    store_count(entry, done);
    give_back(entry);
}

void Queue::store_count(const Entry& entry, Done& done) {
    if (!entry.stored) return;
    tx::UnitOfWork work;
    work.stage(count_of(entry));
    if (done) {
        // A refused count is kept in memory and comes with the next one: nothing the consumer could do about it.
        work.then([done = std::move(done)](const store::UnitResult&) mutable { done({}); });
    }
    context_.commit(std::move(work));
}

store::SetDeliveryCount Queue::count_of(const Entry& entry) const {
    return {{.destination = id_, .position = entry.position}, entry.failed_deliveries};
}

store::RemoveEntry Queue::removal_of(const Entry& entry, bool last_reference) const {
    return store::RemoveEntry{.key = {.destination = id_, .position = entry.position},
                              .number = entry.message->number,
                              .message_bytes = entry.message->size(),
                              .is_volatile = entry.is_volatile,
                              .last_reference = last_reference};
}

void Queue::remove(Entry& entry, Done& done) {
    if (entry.state == EntryState::locked) unlock(entry);
    const auto bytes = entry.message->size();
    const auto position = entry.position;
    if (!entry.stored) {
        removed(position, bytes);
        return;
    }
    entry.state = EntryState::leaving;
    ++leaving_;
    unit_begins();
    tx::UnitOfWork work;
    work.stage(removal_of(entry, true));
    work.then([host = &host_, id = id_, position, bytes](const store::UnitResult&) {
        Queue* const queue = host->find(id);
        if (queue == nullptr) return;
        queue->left(position, bytes);
    });
    if (done) {
        work.then([done = std::move(done)](const store::UnitResult& result) mutable {
            done(result.durable ? Result<void>() : Result<void>(Error(errc::not_ready, result.error.to_string())));
        });
    }
    context_.commit_until_durable(std::move(work));
}

/// The COMMIT of the removal has returned.
void Queue::left(Position position, std::uint64_t bytes) {
    --leaving_;
    removed(position, bytes);
    unit_ends();
    if (wants_page()) dispatch();
}

void Queue::unit_ends() {
    --units_under_way_;
    if (units_under_way_ == 0 && emptied_) empty(std::exchange(emptied_, nullptr));
}

void Queue::removed(Position position, std::uint64_t bytes) {
    Entry* const entry = find_entry(position);
    if (entry == nullptr) return;  // the queue was emptied meanwhile
    if (selection_ && !is_covered(position)) gone_ahead(position);
    take_out(*entry);
    --messages_;
    bytes_ -= bytes;
    tell_room();
}

/// Something may be being read that still shows it.
void Queue::gone_ahead(Position position) {
    for (Consumer* const browser : browsers_) {
        std::erase_if(browser->read_ahead, [position](const store::StoredEntry& stored) { return stored.key.position == position; });
    }
    selection_->gone_ahead.insert(position);
    forget_gone_ahead();
}

void Queue::drop_expired(Entry& entry) {
    ++counters_.expired;
    log::debug("message_expired", {{"queue", settings_.name}, {"message", entry.message->number.value}});
    Done nobody;
    remove(entry, nobody);
}

/// False if there is nowhere to move it: a dead-letter queue cannot send on its own messages, and one that is being deleted takes none.
bool Queue::dead_letter(Entry& entry, std::string cause, std::string description, Done& done) {
    tx::UnitOfWork work;
    Queue* const target = dead_letter_target(work);
    if (target == nullptr) return false;
    const auto arrival = dead_letter_of(entry, *target, std::move(cause), std::move(description));
    ++counters_.dead_lettered;
    move_to(*target, entry, arrival, std::move(work), done);
    return true;
}

Queue* Queue::dead_letter_target(tx::UnitOfWork& work) {
    return settings_.dead_letter_queue == settings_.name ? nullptr : host_.dead_letter_queue(settings_.dead_letter_queue, work);
}

Arrival Queue::dead_letter_of(const Entry& entry, const Queue& target, std::string cause, std::string description) {
    const auto count = entry.delivery_count() + (cause == "rejected" ? 1U : 0U);
    auto reason = reason_of(entry.message->number, target, std::move(cause), std::move(description), count);
    return {.message = entry.message, .dead_letter = std::move(reason), .keeps = keeps(entry), .parked = entry.parked};
}

DeadLetterPtr Queue::reason_of(MessageNumber number, const Queue& target, std::string cause, std::string description, std::uint32_t count) {
    auto reason = std::make_shared<DeadLetter>();
    reason->cause = std::move(cause);
    reason->description = shortened(std::move(description));
    reason->origin = settings_.name;
    reason->delivery_count = count;
    reason->time = context_.clock.wall_now();
    log::warning("dead_lettered", {{"queue", settings_.name},
                                   {"dead_letter_queue", target.settings().name},
                                   {"message", number.value},
                                   {"cause", reason->cause},
                                   {"deliveries", reason->delivery_count}});
    return reason;
}

/// Out of this queue and into another in one unit, which is tried until it is durable.
void Queue::move_to(Queue& target, Entry& entry, const Arrival& arrival, tx::UnitOfWork work, Done& done) {
    const bool was_stored = entry.stored;
    entry.state = EntryState::leaving;
    ++leaving_;
    if (was_stored) work.stage(removal_of(entry, false));
    const auto placed = target.place(arrival, work, was_stored);
    target.tell_room();
    unit_begins();
    target.unit_begins();
    work.then(
        [host = &host_, id = id_, target_id = target.id(), position = entry.position, placed, arrival](const store::UnitResult& result) {
            if (Queue* const origin = host->find(id)) {
                origin->left(position, arrival.message->size());
            }
            Queue* const into = host->find(target_id);
            if (into == nullptr) return;
            if (placed.staged && result.durable) into->commit_arrival(placed, arrival);
            if (placed.staged && !result.durable) into->refuse_arrival(placed, arrival);
            into->unit_ends();
            into->dispatch();
        });
    if (work.empty()) {
        work.settle(store::UnitResult{});
        return;
    }
    if (done) work.then([done = std::move(done)](const store::UnitResult&) mutable { done({}); });
    context_.commit_until_durable(std::move(work));
}

void Queue::expire(Timestamp now) {
    if (closing_) return;
    recall_again();
    if (may_expire_) expire_window(now);
    if (wants_page_to_expire()) read_page();
}

void Queue::expire_window(Timestamp now) {
    bool more = false;
    for (std::size_t index = 0; index < window_.slots(); ++index) {
        Entry& entry = window_.at(index);
        if (entry.state == EntryState::gone || !entry.may_expire()) continue;
        if (entry.state == EntryState::available && entry.is_expired(now)) {
            drop_expired(entry);
            has_expired_ = true;
        } else {
            more = true;
        }
    }
    may_expire_ = more;
}

}  // namespace giromq::core
