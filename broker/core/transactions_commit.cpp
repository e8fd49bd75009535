#include <utility>

#include "base/log.hpp"
#include "core/transactions.hpp"

// The commit of a transaction: everything that it has to do goes into one unit of work.

namespace giromq::core {

/// A commit that is under way.
struct Transactions::Commit {
    struct StagedPut {
        Queue::Placed placed;
        Arrival arrival;
    };

    TransactionId id;
    TransactionWork work;
    std::vector<StagedPut> puts;         // as work.puts
    std::vector<Queue::StagedGet> gets;  // as work.gets
    UniqueFunction<void(Result<void>)> done;
};

void Transactions::commit(Transaction transaction, UniqueFunction<void(Result<void>)> done) {
    auto commit = std::make_unique<Commit>();
    commit->id = transaction.id;
    commit->work = std::move(transaction.work);
    commit->done = std::move(done);
    tx::UnitOfWork work;
    commit->gets.reserve(commit->work.gets.size());
    for (const auto& get : commit->work.gets) {
        Queue* const queue = router_.find(get.queue);
        commit->gets.push_back(queue == nullptr ? Queue::StagedGet{} : queue->stage_get(get.position, transaction.id, get.outcome, work));
    }
    stage_puts(*commit, work);
    const bool has_puts = !commit->puts.empty();
    bytes_ -= commit->work.bytes;
    on_staged(static_cast<std::int64_t>(commit->work.bytes));
    if (work.empty()) {
        // Messages in memory only: there is nothing to wait for.
        committed(*commit, store::UnitResult{});
        return;
    }
    work.then([this, commit = std::move(commit)](const store::UnitResult& result) {
        if (result.durable) {
            committed(*commit, result);
        } else {
            commit_refused(*commit, result);
        }
    });
    // Without puts it only takes away from the store, so it goes through when the disk is full, and is tried until it is durable.
    if (has_puts) {
        context_.commit(std::move(work));
    } else {
        context_.commit_until_durable(std::move(work));
    }
}

void Transactions::stage_puts(Commit& commit, tx::UnitOfWork& work) {
    constexpr std::uint64_t row_bytes = 256;
    const auto now = context_.clock.wall_now();
    commit.puts.reserve(commit.work.puts.size());
    for (auto& put : commit.work.puts) {
        Queue& queue = *router_.find(put.queue);
        Message& message = *put.message;
        queue.unreserve(message.size());
        auto& staged = commit.puts.emplace_back();
        staged.arrival.message = put.message;
        staged.arrival.keeps = message.durable;
        staged.placed = queue.place(staged.arrival, work, false, Queue::Showing::with_commit);
        work.grow(message.size() + row_bytes);
        const bool is_remembered = !staged.placed.in_memory_only && message.durable && !queue.is_temporary();
        if (put.sequence) {
            auto& sequences = router_.producers.of(put.sequence->producer, now);
            sequences.take_over(put.sequence->sequence);
            if (is_remembered) work.stage(sequences.row(put.sequence->producer, now));
            for (auto& forgotten : router_.producers.take_forgotten()) work.stage(store::RemoveProducer{std::move(forgotten)});
        }
        if (!put.duplicate_id.empty()) {
            queue.duplicate_ids.take_over(put.duplicate_id, staged.placed.position, now);
            if (is_remembered) work.stage(store::PutDuplicateId{queue.id(), staged.placed.position, put.duplicate_id, now});
        }
    }
}

void Transactions::committed(Commit& commit, const store::UnitResult&) {
    on_staged(-static_cast<std::int64_t>(commit.work.bytes));
    ++counters_.committed;
    for (std::size_t index = 0; index < commit.gets.size(); ++index) {
        if (Queue* const queue = router_.find(commit.work.gets[index].queue)) queue->get_is_durable(commit.gets[index]);
    }
    const SendResult accepted;
    for (std::size_t index = 0; index < commit.puts.size(); ++index) {
        const auto& put = commit.work.puts[index];
        const auto& staged = commit.puts[index];
        if (Queue* const queue = router_.find(put.queue)) queue->commit_arrival(staged.placed, staged.arrival);
        settle_duplicates(put, accepted);
    }
    // Everything of it is shown from here on.
    for (auto& get : commit.work.gets) {
        if (get.done) get.done({});
    }
    commit.done({});
    dispatch(queues_of(commit));
}

/// With those that messages move to: what is pending there holds up what is behind it.
std::set<DestinationId> Transactions::queues_of(const Commit& commit) {
    auto queues = queues_of(commit.work);
    for (const auto& get : commit.gets) {
        if (get.target.is_set()) queues.insert(get.target);
    }
    return queues;
}

void Transactions::commit_refused(Commit& commit, const store::UnitResult& result) {
    on_staged(-static_cast<std::int64_t>(commit.work.bytes));
    ++counters_.rolled_back;
    const bool full = result.error.is(store::errc::disk_full);
    const Error reason(errc::transaction_rolled_back,
                       full ? "the disk of the store is full; free space on it" : "the store refused it: " + result.error.to_string());
    const Pause pause(*this);
    dispatch(queues_of(commit));  // when the pause ends
    log::warning("transaction_refused", {{"transaction", commit.id.value}, {"reason", reason.detail()}});
    for (std::size_t index = 0; index < commit.gets.size(); ++index) {
        if (Queue* const queue = router_.find(commit.work.gets[index].queue)) queue->get_is_refused(commit.gets[index]);
    }
    for (std::size_t index = 0; index < commit.puts.size(); ++index) {
        const auto& staged = commit.puts[index];
        if (Queue* const queue = router_.find(commit.work.puts[index].queue)) queue->refuse_arrival(staged.placed, staged.arrival);
    }
    roll_back_puts(commit.work, reason, false);
    commit.work.puts.clear();
    commit.work.bytes = 0;
    roll_back(commit.id, commit.work, Queue::Return::failed, reason);
    commit.done(reason);
}

}  // namespace giromq::core
