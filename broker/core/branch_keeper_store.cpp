#include <utility>

#include "base/check.hpp"
#include "core/branch_keeper.hpp"

// Branches and the store: what is written when a branch is prepared and completed, and what is found at start.

namespace giromq::core {
namespace {

/// About what a row takes.
constexpr std::uint64_t row_bytes = 256;

}  // namespace

Position BranchKeeper::take_positions(std::uint64_t count) {
    const auto first = context_.next_position();
    for (std::uint64_t taken = 0; taken < count; ++taken) context_.take_position();
    return first;
}

/// What completes a branch must succeed in the end; what adds to the store may be refused.
void BranchKeeper::commit(tx::UnitOfWork work) {
    if (work.grows()) {
        context_.commit(std::move(work));
    } else {
        context_.commit_until_durable(std::move(work));
    }
}

// Prepare

void BranchKeeper::stage_prepare(const xa::Xid& xid, BranchId id, tx::UnitOfWork& work) {
    Branch& prepared = branch(xid);
    prepared.rest = {};
    // What only gets must go through when the disk is full, or a full broker could not be emptied.
    if (!prepared.work.puts.empty()) work.grow(row_bytes);
    for (const auto& put : prepared.work.puts) prepare_put(put, id, prepared, work);
    for (const auto& get : prepared.work.gets) {
        // From the prepare on none of them is its consumer's any more.
        if (!prepare_get(get, id, prepared, work)) prepared.rest.gets.push_back({get.queue, get.position, get.outcome, true, {}});
    }
}

void BranchKeeper::prepare_put(const TransactionPut& put, BranchId id, Branch& branch, tx::UnitOfWork& work) {
    Queue& queue = *router_.find(put.queue);
    queue.branch_work_begins();
    if (!queue.has_row()) work.stage(queue.row());
    work.stage(store::PutMessage{put.message});
    work.grow(put.message->size() + row_bytes);
    const auto index = static_cast<std::uint32_t>(branch.puts.size());
    work.stage(store::PreparePut{.branch = id,
                                 .index = index,
                                 .destination = put.queue,
                                 .number = put.message->number,
                                 .message_bytes = put.message->size(),
                                 .due_at = put.message->due_at,
                                 .duplicate_id = put.duplicate_id,
                                 .producer = put.sequence ? put.sequence->producer : std::string(),
                                 .sequence = put.sequence ? put.sequence->sequence : 0,
                                 .is_moved = false,
                                 .dead_letter = nullptr});
    auto& kept = branch.puts.emplace_back();
    kept.queue = put.queue;
    kept.arrival.message = put.message;
    kept.sequence = put.sequence;
    kept.duplicate_id = put.duplicate_id;
}

bool BranchKeeper::prepare_get(const TransactionGet& get, BranchId id, Branch& branch, tx::UnitOfWork& work) {
    Queue* const queue = router_.find(get.queue);
    auto prepared = queue == nullptr ? std::nullopt : queue->prepare_get(get.position, branch.owner, get.outcome, work);
    if (!prepared) return false;
    queue->branch_work_begins();
    work.stage(store::PrepareGet{.branch = id,
                                 .key = {.destination = get.queue, .position = get.position},
                                 .number = prepared->number,
                                 .message_bytes = prepared->bytes,
                                 .outcome = prepared->outcome,
                                 .delivery_count = prepared->delivery_count,
                                 .failed_deliveries = prepared->failed_deliveries});
    if (prepared->outcome == store::GetOutcome::moved) {
        Queue& target = *router_.find(prepared->target);
        if (!target.has_row()) work.stage(target.row());
        const auto index = static_cast<std::uint32_t>(branch.puts.size());
        work.stage(store::PreparePut{.branch = id,
                                     .index = index,
                                     .destination = prepared->target,
                                     .number = prepared->number,
                                     .message_bytes = prepared->bytes,
                                     .due_at = {},
                                     .duplicate_id = {},
                                     .producer = {},
                                     .sequence = 0,
                                     .is_moved = true,
                                     .dead_letter = prepared->arrival.dead_letter});
        target.reserve(prepared->bytes);
        transactions_.on_room_changed(target);
        target.branch_work_begins();
        auto& kept = branch.puts.emplace_back();
        kept.queue = prepared->target;
        kept.arrival = prepared->arrival;
        kept.arrival.keeps = true;
        kept.is_moved = true;
    }
    branch.gets.push_back(std::move(*prepared));
    return true;
}

void BranchKeeper::prepared(Branch& branch, bool durable) {
    if (!durable) {
        for (const auto& put : branch.puts) {
            Queue& queue = *router_.find(put.queue);
            if (put.is_moved) {
                queue.unreserve(put.arrival.message->size());
                transactions_.on_room_changed(queue);
            }
            queue.branch_work_ends();
        }
        for (const auto& get : branch.gets) router_.find(get.queue)->branch_work_ends();
        branch.puts.clear();
        branch.gets.clear();
        branch.rest = {};
        return;
    }
    branch.is_prepared = true;
    for (const auto& put : branch.puts) {
        if (Queue* const queue = router_.find(put.queue)) queue->row_is_durable();
    }
    for (const auto& get : branch.gets) {
        if (Queue* const queue = router_.find(get.queue)) queue->get_is_prepared(get.position, branch.owner);
    }
    for (const auto& get : branch.rest.gets) {
        if (Queue* const queue = router_.find(get.queue)) queue->belongs_to_branch(get.position);
    }
    // The messages stay in memory, and so in its budget, until the branch is completed: that follows at once, as a rule.
    branch.rest.bytes = branch.work.bytes;
    // Messages got in a prepared branch belong to it, and no longer to their links.
    for (auto& get : branch.work.gets) {
        if (get.done) get.done({});
    }
    branch.work = std::move(branch.rest);
}

// One phase

void BranchKeeper::stage_one_phase(const xa::Xid& xid, tx::UnitOfWork& work) {
    Branch& committing = branch(xid);
    if (!committing.work.puts.empty()) work.grow(row_bytes);
    committing.under_way = transactions_.stage(committing.owner, std::exchange(committing.work, {}), work);
}

// Completion

std::uint64_t BranchKeeper::stored_puts(const xa::Xid& xid) const { return known_.at(xid).puts.size(); }

void BranchKeeper::stage_completion(const xa::Xid& xid, xa::Outcome outcome, Position first, tx::UnitOfWork& work) {
    Branch& committing = branch(xid);
    if (outcome == xa::Outcome::rolled_back) {
        for (auto& get : committing.gets) router_.find(get.queue)->stage_branch_rollback(get, work);
        return;
    }
    const auto now = context_.clock.wall_now();
    for (const auto& get : committing.gets) router_.find(get.queue)->branch_get_leaves(get);
    for (std::size_t index = 0; index < committing.puts.size(); ++index) {
        auto& put = committing.puts[index];
        Queue& queue = *router_.find(put.queue);
        const Position position{first.value + index};
        queue.unreserve(put.arrival.message->size());
        put.placed = queue.place_branch_put(position, put.arrival, put.is_known, work);
        if (put.sequence) {
            router_.producers.of(put.sequence->producer, now).take_over(put.sequence->sequence);
            // The store keeps the message, whatever that says of itself, so it is to be known again after a restart. Not a whole row:
            // others of the producer may be on their way that a full disk refuses, and this unit goes through all the same.
            work.stage(store::TakeSequence{put.sequence->producer, put.sequence->sequence, now});
        }
        if (!put.duplicate_id.empty()) queue.duplicate_ids.take_over(put.duplicate_id, position, now);
    }
    // What is not in the store as a part of the branch.
    auto rest = std::move(committing.work);
    committing.work = {};
    transactions_.forget_bytes(std::exchange(rest.bytes, 0));
    committing.under_way = transactions_.stage(committing.owner, std::move(rest), work);
}

void BranchKeeper::settled(const xa::Record& record, xa::Durability durability) {
    const bool durable = durability == xa::Durability::durable;
    switch (record.kind) {
        case xa::RecordKind::prepared: return prepared(branch(record.xid), durable);
        case xa::RecordKind::committed_one_phase: {
            Branch& ended = branch(record.xid);
            const auto under_way = std::move(ended.under_way);
            if (!durable) {
                // The registry discards it next.
                ended.work = transactions_.refused(*under_way);
                return;
            }
            transactions_.durable(*under_way);
            known_.erase(record.xid);
            transactions_.dispatch(transactions_.queues_of(*under_way));
            return;
        }
        // A completion is tried until it is durable; it is refused only when the broker ends.
        case xa::RecordKind::committed:
        case xa::RecordKind::heuristically_committed:
            if (durable) completed(record.xid, true);
            return;
        case xa::RecordKind::rolled_back:
        case xa::RecordKind::heuristically_rolled_back:
            if (durable) completed(record.xid, false);
            return;
        case xa::RecordKind::forgotten: return;
    }
}

void BranchKeeper::settle_duplicates(const PreparedPut& put, bool committed) {
    SendResult result;
    result.accepted = committed;
    if (!committed) result.error = Error(errc::not_ready, "the branch was rolled back");
    if (put.sequence) {
        if (auto* const sequences = router_.producers.find(put.sequence->producer)) sequences->settle(put.sequence->sequence, result);
    }
    if (put.duplicate_id.empty()) return;
    if (Queue* const queue = router_.find(put.queue)) queue->duplicate_ids.settle(put.duplicate_id, result);
}

void BranchKeeper::completed(const xa::Xid& xid, bool is_committed) {
    auto node = known_.extract(xid);
    GIROMQ_CHECK(!node.empty(), "a branch was completed that the core does not know");
    Branch& ended = node.mapped();
    const Transactions::Pause pause(transactions_);
    std::set<DestinationId> queues;
    for (const auto& get : ended.gets) {
        Queue* const queue = router_.find(get.queue);
        if (queue != nullptr) {
            queue->branch_get_ended(get, is_committed);
            queue->branch_work_ends();
        }
        queues.insert(get.queue);
        Queue* const dead_letters = get.dies ? router_.find(get.target) : nullptr;
        if (dead_letters == nullptr) continue;
        dead_letters->commit_arrival(get.placed, get.arrival);
        dead_letters->branch_work_ends();
        queues.insert(get.target);
    }
    for (const auto& put : ended.puts) {
        Queue* const queue = router_.find(put.queue);
        if (queue == nullptr) continue;
        if (is_committed) {
            queue->commit_arrival(put.placed, put.arrival);
        } else {
            queue->unreserve(put.arrival.message->size());
        }
        queue->branch_work_ends();
        settle_duplicates(put, is_committed);
        if (!is_committed) transactions_.on_room_changed(*queue);
        queues.insert(put.queue);
    }
    if (ended.under_way != nullptr) {
        transactions_.durable(*ended.under_way);
        queues.merge(transactions_.queues_of(*ended.under_way));
    } else {
        transactions_.forget_bytes(std::exchange(ended.work.bytes, 0));
        transactions_.roll_back_work(ended.owner, ended.work, Queue::Return::failed);
    }
    transactions_.dispatch(queues);  // when the pause ends
}

// Start

void BranchKeeper::restore(const store::StoredBranch& stored) {
    GIROMQ_CHECK(branches_.journal().restore(stored), "a branch is in the store twice");
    if (stored.heuristic) return;
    Branch& found = known_[stored.xid];
    restored_.emplace(stored.branch, &found);
    found.owner = transactions_.take_id();
    found.is_prepared = true;
}

void BranchKeeper::restore(const store::PreparePut& put) {
    Branch& found = *restored_.at(put.branch);
    // Only the facts that are needed to count it: the message is read from the store when it has its place.
    auto& kept = found.puts.emplace_back();
    kept.queue = put.destination;
    kept.arrival =
        Arrival{.message = facts_of(put.number, put.message_bytes), .dead_letter = put.dead_letter, .keeps = true, .parked = true};
    kept.is_known = false;
    kept.is_moved = put.is_moved;
    kept.duplicate_id = put.duplicate_id;
    Queue* const queue = router_.find(put.destination);
    if (!put.producer.empty()) {
        kept.sequence = ProducerSequence{put.producer, put.sequence};
        router_.producers.of(put.producer, context_.clock.wall_now()).hold(put.sequence, found.owner);
    }
    if (queue == nullptr) return;
    queue->reserve(put.message_bytes);
    queue->branch_work_begins();
    if (!put.duplicate_id.empty()) queue->duplicate_ids.hold(put.duplicate_id, found.owner);
}

void BranchKeeper::restore(const store::PrepareGet& get) {
    Branch& found = *restored_.at(get.branch);
    Queue::PreparedGet kept;
    kept.queue = get.key.destination;
    kept.position = get.key.position;
    kept.number = get.number;
    kept.bytes = get.message_bytes;
    kept.outcome = get.outcome;
    kept.delivery_count = get.delivery_count;
    kept.failed_deliveries = get.failed_deliveries;
    found.gets.push_back(std::move(kept));
    if (Queue* const queue = router_.find(get.key.destination)) {
        queue->restore_prepared(get.key.position, found.owner);
        queue->branch_work_begins();
    }
}

}  // namespace giromq::core
