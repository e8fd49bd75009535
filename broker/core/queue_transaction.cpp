#include <utility>

#include "core/queue.hpp"

// What transactions do to a queue. Until the transaction is discharged nothing of it is in the store and nothing is shown: a put only has
// room kept for it, a get is an entry that is enlisted. With the commit everything goes into one unit of work.

namespace giromq::core {

void Queue::reserve(std::uint64_t bytes) {
    ++pending_messages_;
    pending_bytes_ += bytes;
}

void Queue::unreserve(std::uint64_t bytes) {
    --pending_messages_;
    pending_bytes_ -= bytes;
}

bool Queue::enlist(Consumer& consumer, Position position, TransactionId transaction) {
    Entry* const entry = find_entry(position);
    if (entry == nullptr || entry->state != EntryState::locked || entry->holder != consumer.id) return false;
    entry->state = EntryState::enlisted;
    entry->transaction = transaction;
    --consumer.unsettled;
    make_ready(consumer);
    dispatch();
    return true;
}

TransactionId Queue::holder_of(Position position) {
    const Entry* const entry = find_entry(position);
    return entry == nullptr ? TransactionId{} : entry->transaction;
}

Queue::StagedGet Queue::stage_get(Position position, TransactionId transaction, const Outcome& outcome, tx::UnitOfWork& work) {
    StagedGet get;
    get.position = position;
    Entry* const entry = find_entry(position);
    if (entry == nullptr || entry->state != EntryState::enlisted || entry->transaction != transaction) return get;
    get.bytes = entry->message->size();
    get.failed_deliveries = entry->failed_deliveries;
    unit_begins();
    if (std::holds_alternative<Accepted>(outcome)) {
        get.kind = StagedGet::Kind::removal;
        entry->state = EntryState::leaving;
        --locked_;
        ++leaving_;
        if (entry->stored) work.stage(removal_of(*entry, true));
        return get;
    }
    get.kind = StagedGet::Kind::giving_back;
    if (const auto* const rejected = std::get_if<Rejected>(&outcome)) {
        if (Queue* const target = dead_letter_target(work)) {
            stage_move(*entry, *target, "rejected", text_of(*rejected), work, get);
        } else {
            // Nothing is discarded: it goes back to its place, counted.
            ++entry->failed_deliveries;
            if (entry->stored) work.stage(count_of(*entry));
        }
    } else if (const auto* const modified = std::get_if<Modified>(&outcome)) {
        get.undeliverable_here = modified->undeliverable_here;
        if (modified->delivery_failed) stage_failure(*entry, work, get);
    }
    return get;
}

void Queue::stage_failure(Entry& entry, tx::UnitOfWork& work, StagedGet& get) {
    ++entry.failed_deliveries;
    const bool too_often = has_failed_too_often(entry.failed_deliveries);
    if (Queue* const target = too_often ? dead_letter_target(work) : nullptr) {
        stage_move(entry, *target, "max-deliveries", failed_text(entry.failed_deliveries), work, get);
    } else if (entry.stored) {
        work.stage(count_of(entry));
    }
}

void Queue::stage_move(Entry& entry, Queue& target, std::string cause, std::string description, tx::UnitOfWork& work, StagedGet& get) {
    get.kind = StagedGet::Kind::move;
    get.target = target.id();
    get.arrival = dead_letter_of(entry, target, std::move(cause), std::move(description));
    entry.state = EntryState::leaving;
    --locked_;
    ++leaving_;
    if (entry.stored) work.stage(removal_of(entry, false));
    get.placed = target.place(get.arrival, work, entry.stored, Showing::with_commit);
    target.tell_room();
    target.unit_begins();
}

void Queue::get_is_durable(const StagedGet& get) {
    switch (get.kind) {
        case StagedGet::Kind::gone: return;
        case StagedGet::Kind::removal:
            ++counters_.acknowledged;
            if (const Entry* const entry = find_entry(get.position)) {
                const auto holder = consumers_.find(entry->holder);
                if (holder != consumers_.end()) ++holder->second->acknowledged;
            }
            --leaving_;
            removed(get.position, get.bytes);
            break;
        case StagedGet::Kind::move:
            ++counters_.dead_lettered;
            --leaving_;
            removed(get.position, get.bytes);
            moved(get, true);
            break;
        case StagedGet::Kind::giving_back:
            if (Entry* const entry = find_entry(get.position)) {
                if (get.undeliverable_here) keep_from(*entry, entry->holder);
                entry->transaction = {};
                unlock(*entry);
                give_back(*entry);
            }
            break;
    }
    unit_ends();
}

void Queue::get_is_refused(const StagedGet& get) {
    if (get.kind == StagedGet::Kind::gone) return;
    if (get.kind != StagedGet::Kind::giving_back) --leaving_;
    if (Entry* const entry = find_entry(get.position)) {
        if (entry->state == EntryState::leaving) ++locked_;
        entry->state = EntryState::enlisted;
        entry->failed_deliveries = get.failed_deliveries;
    }
    if (get.kind == StagedGet::Kind::move) moved(get, false);
    unit_ends();
}

/// The other end of a move.
void Queue::moved(const StagedGet& get, bool durable) {
    Queue* const target = host_.find(get.target);
    if (target == nullptr) return;
    if (durable) {
        target->commit_arrival(get.placed, get.arrival);
    } else {
        target->refuse_arrival(get.placed, get.arrival);
        target->tell_room();
    }
    target->unit_ends();
}

void Queue::return_get(Position position, TransactionId transaction, Return how) {
    Entry* const entry = find_entry(position);
    if (entry == nullptr || entry->state != EntryState::enlisted || entry->transaction != transaction) return;
    entry->transaction = {};
    const auto consumer = consumers_.find(entry->holder);
    if (how == Return::unsettled && consumer != consumers_.end()) {
        entry->state = EntryState::locked;
        ++consumer->second->unsettled;
        return;
    }
    unlock(*entry);
    if (how == Return::unchanged) {
        // Its consumer may have worked on it.
        entry->perhaps_delivered = true;
        give_back(*entry);
        return;
    }
    ++entry->failed_deliveries;
    Done nobody;
    const bool too_often = has_failed_too_often(entry->failed_deliveries);
    if (too_often && dead_letter(*entry, "max-deliveries", failed_text(entry->failed_deliveries), nobody)) return;
    // Submitted before anybody can have it: who takes it at once and settles must not remove it ahead of its count.
    store_count(*entry, nobody);
    give_back(*entry);
}

}  // namespace giromq::core
