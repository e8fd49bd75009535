#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

// What prepared branches do to a queue. Their rows are in the store: a got entry is locked there and here, whether it is in memory or not,
// and a put has room kept for it until its branch is committed and gives it a place.

namespace giromq::core {

std::optional<Queue::PreparedGet> Queue::prepare_get(Position position, TransactionId branch, const Outcome& outcome,
                                                     tx::UnitOfWork& work) {
    Entry* const entry = find_entry(position);
    if (entry == nullptr || entry->state != EntryState::enlisted || entry->transaction != branch) return std::nullopt;
    // What a restart would not find again is locked in memory only.
    if (!entry->stored || entry->is_volatile) return std::nullopt;
    PreparedGet get;
    get.queue = id_;
    get.position = position;
    get.number = entry->message->number;
    get.bytes = entry->message->size();
    get.delivery_count = get.failed_deliveries = entry->failed_deliveries;
    if (std::holds_alternative<Accepted>(outcome)) return get;
    get.outcome = store::GetOutcome::returned;
    const auto* const rejected = std::get_if<Rejected>(&outcome);
    const auto* const modified = std::get_if<Modified>(&outcome);
    if (modified != nullptr && modified->undeliverable_here) get.not_for = entry->holder;
    if (rejected == nullptr && (modified == nullptr || !modified->delivery_failed)) return get;
    ++get.delivery_count;
    Queue* const target = rejected != nullptr || has_failed_too_often(get.delivery_count) ? dead_letter_target(work) : nullptr;
    // A temporary queue may be gone before the branch is completed.
    if (target == nullptr || target->is_temporary()) return get;
    get.outcome = store::GetOutcome::moved;
    get.target = target->id();
    const auto count = entry->delivery_count() + 1;
    get.arrival = {.message = entry->message,
                   .dead_letter = rejected != nullptr
                                      ? reason_of(get.number, *target, "rejected", text_of(*rejected), count)
                                      : reason_of(get.number, *target, "max-deliveries", failed_text(get.delivery_count), count),
                   .keeps = true,
                   .parked = entry->parked};
    return get;
}

void Queue::get_is_prepared(Position position, TransactionId branch) {
    prepared_.emplace(position, branch);
    belongs_to_branch(position);
}

void Queue::belongs_to_branch(Position position) {
    if (Entry* const entry = find_entry(position)) entry->is_in_doubt = true;
    is_out(position, Holders::nobody);
}

void Queue::restore_prepared(Position position, TransactionId branch) {
    get_is_prepared(position, branch);
    ++locked_;
}

void Queue::branch_get_leaves(const PreparedGet& get) {
    if (get.outcome != store::GetOutcome::returned) leaves_with_branch(get.position);
}

void Queue::leaves_with_branch(Position position) {
    --locked_;
    ++leaving_;
    if (Entry* const entry = find_entry(position)) entry->state = EntryState::leaving;
}

void Queue::stage_branch_rollback(PreparedGet& get, tx::UnitOfWork& work) {
    const auto failures = get.failed_deliveries + 1;
    Queue* const target = has_failed_too_often(failures) ? dead_letter_target(work) : nullptr;
    // As with a commit: a temporary queue may be gone before the branch is.
    if (target == nullptr || target->is_temporary()) return;
    const Entry* const entry = find_entry(get.position);
    const bool is_marked = entry != nullptr ? entry->perhaps_delivered : get.position < crash_horizon_;
    get.dies = true;
    get.target = target->id();
    get.arrival = {.message = entry != nullptr ? entry->message : facts_of(get.number, get.bytes),
                   .dead_letter = reason_of(get.number, *target, "max-deliveries", failed_text(failures), failures + (is_marked ? 1U : 0U)),
                   .keeps = true,
                   .parked = entry == nullptr || entry->parked};
    leaves_with_branch(get.position);
    work.stage(store::RemoveEntry{.key = {.destination = id_, .position = get.position},
                                  .number = get.number,
                                  .message_bytes = get.bytes,
                                  .is_volatile = false,
                                  .last_reference = false});
    get.placed = target->place_dead_branch_get(get.arrival, entry != nullptr, work);
}

/// What another queue's branch has got comes here as a dead letter.
Queue::Placed Queue::place_dead_branch_get(const Arrival& arrival, bool is_known, tx::UnitOfWork& work) {
    if (!has_row()) work.stage(row());
    const auto position = context_.take_position();
    work.stage(store::PutEntry{.key = {.destination = id_, .position = position},
                               .number = arrival.message->number,
                               .message_bytes = arrival.message->size(),
                               .delivery_count = 0,
                               .due_at = {},
                               .is_volatile = false,
                               .dead_letter = arrival.dead_letter});
    const auto placed = place_branch_put(position, arrival, is_known, work);
    branch_work_begins();
    tell_room();
    return placed;
}

void Queue::branch_get_ended(const PreparedGet& get, bool committed) {
    prepared_.erase(get.position);
    is_decided(get.position);
    Entry* const entry = find_entry(get.position);
    // A page that is being read may still show it as it was, and nothing in memory knows better.
    if (entry == nullptr && !is_covered(get.position)) forget_read_ahead();
    const bool leaves = committed ? get.outcome != store::GetOutcome::returned : get.dies;
    if (leaves) {
        const bool is_dead = !committed || get.outcome == store::GetOutcome::moved;
        ++(is_dead ? counters_.dead_lettered : counters_.acknowledged);
        --leaving_;
        if (entry != nullptr) return removed(get.position, get.bytes);
        --messages_;
        bytes_ -= get.bytes;
        tell_room();
        return;
    }
    if (entry == nullptr) {
        --locked_;
        if (is_covered(get.position)) {
            // A purge has passed over it in the store, and nothing else will read it again.
            recall(get.position);
        } else if (selection_) {
            selection_->came_back(get.position);
        }
        return;
    }
    entry->transaction = {};
    entry->failed_deliveries = committed ? get.delivery_count : entry->failed_deliveries + 1;
    if (committed && get.not_for.is_set()) keep_from(*entry, get.not_for);
    unlock(*entry);
    give_back(*entry);
}

void Queue::recall(Position position) {
    recalling_.insert(position);
    context_.reads.page(id_, Position{position.value - 1}, {.entries = 1, .bytes = 1},
                        [host = &host_, id = id_, position](Result<store::Page> page) {
                            if (Queue* const queue = host->find(id)) queue->recalled(position, std::move(page));
                        });
}

void Queue::recalled(Position position, Result<store::Page> page) {
    // A purge that came meanwhile has taken it.
    if (closing_ || !recalling_.contains(position)) return;
    if (!page.ok()) {
        log::error("page_not_read", {{"queue", settings_.name}, {"for", "branch"}, {"error", page.error().to_string()}});
        recall_again_.push_back(position);
        return;
    }
    recalling_.erase(position);
    const bool is_there = !page->entries.empty() && page->entries.front().key.position == position;
    if (is_there && is_covered(position) && find_entry(position) == nullptr) {
        std::vector<Entry> entries;
        if (auto entry = entry_of(std::move(page->entries.front()))) entries.push_back(std::move(*entry));
        bring_in(std::move(entries), position);
        if (Entry* const entry = find_entry(position); entry != nullptr && selection_) selection_->returned(*entry);
    }
    dispatch();
}

void Queue::recall_again() {
    for (const auto position : std::exchange(recall_again_, {})) recall(position);
}

Queue::Placed Queue::place_branch_put(Position position, const Arrival& arrival, bool is_known, tx::UnitOfWork& work) {
    Placed placed;
    placed.position = position;
    placed.staged = true;
    Entry entry = make_entry(position, arrival);
    // The store keeps it whatever its message says.
    entry.is_volatile = false;
    entry.state = EntryState::pending;
    ++pending_messages_;
    pending_bytes_ += arrival.message->size();
    if (entry.may_expire()) may_expire_ = true;
    stage_horizon_with(placed, work);
    if (is_known && retains(*arrival.message)) {
        window_.append(std::move(entry));
        account_memory();
    } else {
        if (std::exchange(reaches_tail_, false)) covered_through_ = Position{position.value - 1};
        outside_.emplace_hint(outside_.end(), position, std::move(entry));
    }
    return placed;
}

}  // namespace giromq::core
