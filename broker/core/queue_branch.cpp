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
    get.delivery_count = entry->failed_deliveries;
    if (std::holds_alternative<Accepted>(outcome)) return get;
    get.outcome = store::GetOutcome::returned;
    const auto* const rejected = std::get_if<Rejected>(&outcome);
    const auto* const modified = std::get_if<Modified>(&outcome);
    if (modified != nullptr && modified->undeliverable_here) get.not_for = entry->holder;
    if (rejected == nullptr && (modified == nullptr || !modified->delivery_failed)) return get;
    ++get.delivery_count;
    const bool too_often = settings_.max_deliveries != 0 && get.delivery_count >= settings_.max_deliveries;
    Queue* const target = rejected != nullptr || too_often ? dead_letter_target(work) : nullptr;
    // A temporary queue may be gone before the branch is completed.
    if (target == nullptr || target->is_temporary()) return get;
    get.outcome = store::GetOutcome::moved;
    get.target = target->id();
    get.arrival = rejected != nullptr ? dead_letter_of(*entry, *target, "rejected", text_of(*rejected))
                                      : dead_letter_of(*entry, *target, "max-deliveries", failed_text(*entry));
    return get;
}

void Queue::get_is_prepared(Position position, TransactionId branch) {
    prepared_.emplace(position, branch);
    belongs_to_branch(position);
}

void Queue::restore_prepared(Position position, TransactionId branch) {
    get_is_prepared(position, branch);
    ++locked_;
}

void Queue::branch_get_leaves(const PreparedGet& get) {
    if (get.outcome == store::GetOutcome::returned) return;
    --locked_;
    ++leaving_;
    if (Entry* const entry = find_entry(get.position)) entry->state = EntryState::leaving;
}

void Queue::branch_get_ended(const PreparedGet& get, bool committed) {
    prepared_.erase(get.position);
    is_decided(get.position);
    Entry* const entry = find_entry(get.position);
    // A page that is being read may still show it as it was, and nothing in memory knows better.
    if (entry == nullptr && !is_covered(get.position)) forget_read_ahead();
    if (committed && get.outcome != store::GetOutcome::returned) {
        ++(get.outcome == store::GetOutcome::removed ? counters_.acknowledged : counters_.dead_lettered);
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
    const bool too_often = !committed && settings_.max_deliveries != 0 && entry->failed_deliveries >= settings_.max_deliveries;
    Done nobody;
    if (too_often && dead_letter(*entry, "max-deliveries", failed_text(*entry), nobody)) return;
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
