#include <utility>

#include "base/log.hpp"
#include "core/transactions.hpp"

// The commit of a transaction: everything that it has to do goes into one unit of work.

namespace giromq::core {

void Transactions::commit(Transaction transaction, UniqueFunction<void(Result<void>)> done) {
    tx::UnitOfWork work;
    const bool has_puts = !transaction.work.puts.empty();
    auto staged = stage(transaction.id, std::move(transaction.work), work);
    if (work.empty()) {
        // Messages in memory only: there is nothing to wait for.
        committed(*staged, done);
        return;
    }
    work.then([this, staged = std::move(staged), done = std::move(done)](const store::UnitResult& result) mutable {
        if (result.durable) {
            committed(*staged, done);
        } else {
            commit_refused(*staged, result, done);
        }
    });
    // Without puts it only takes away from the store, so it goes through when the disk is full, and is tried until it is durable.
    if (has_puts) {
        context_.commit(std::move(work));
    } else {
        context_.commit_until_durable(std::move(work));
    }
}

std::unique_ptr<StagedWork> Transactions::stage(TransactionId id, TransactionWork work, tx::UnitOfWork& unit) {
    auto staged = std::make_unique<StagedWork>();
    staged->id = id;
    staged->work = std::move(work);
    staged->gets.reserve(staged->work.gets.size());
    for (const auto& get : staged->work.gets) {
        Queue* const queue = router_.find(get.queue);
        staged->gets.push_back(queue == nullptr ? Queue::StagedGet{} : queue->stage_get(get.position, id, get.outcome, unit));
    }
    stage_puts(*staged, unit);
    bytes_ -= staged->work.bytes;
    on_staged(static_cast<std::int64_t>(staged->work.bytes));
    return staged;
}

void Transactions::stage_puts(StagedWork& staged, tx::UnitOfWork& work) {
    constexpr std::uint64_t row_bytes = 256;
    const auto now = context_.clock.wall_now();
    staged.puts.reserve(staged.work.puts.size());
    for (auto& put : staged.work.puts) {
        Queue& queue = *router_.find(put.queue);
        Message& message = *put.message;
        queue.unreserve(message.size());
        auto& placed_put = staged.puts.emplace_back();
        placed_put.arrival.message = put.message;
        placed_put.arrival.keeps = message.durable;
        const auto placed = placed_put.placed = queue.place(placed_put.arrival, work, false, Queue::Showing::with_commit);
        work.grow(message.size() + row_bytes);
        const bool is_remembered = !placed.in_memory_only && message.durable && !queue.is_temporary();
        if (put.sequence) {
            auto& sequences = router_.producers.of(put.sequence->producer, now);
            sequences.take_over(put.sequence->sequence);
            if (is_remembered) work.stage(sequences.row(put.sequence->producer, now));
            for (auto& forgotten : router_.producers.take_forgotten()) work.stage(store::RemoveProducer{std::move(forgotten)});
        }
        if (!put.duplicate_id.empty()) {
            queue.duplicate_ids.take_over(put.duplicate_id, placed.position, now);
            if (is_remembered) work.stage(store::PutDuplicateId{queue.id(), placed.position, put.duplicate_id, now});
        }
    }
}

void Transactions::durable(StagedWork& staged) {
    on_staged(-static_cast<std::int64_t>(staged.work.bytes));
    for (std::size_t index = 0; index < staged.gets.size(); ++index) {
        if (Queue* const queue = router_.find(staged.work.gets[index].queue)) queue->get_is_durable(staged.gets[index]);
    }
    const SendResult accepted;
    for (std::size_t index = 0; index < staged.puts.size(); ++index) {
        const auto& put = staged.work.puts[index];
        const auto& placed = staged.puts[index];
        if (Queue* const queue = router_.find(put.queue)) queue->commit_arrival(placed.placed, placed.arrival);
        settle_duplicates(put, accepted);
    }
    // Everything of it is shown from here on.
    for (auto& get : staged.work.gets) {
        if (get.done) get.done({});
    }
}

std::set<DestinationId> Transactions::queues_of(const StagedWork& staged) {
    auto queues = queues_of(staged.work);
    for (const auto& get : staged.gets) {
        if (get.target.is_set()) queues.insert(get.target);
    }
    return queues;
}

TransactionWork Transactions::refused(StagedWork& staged) {
    on_staged(-static_cast<std::int64_t>(staged.work.bytes));
    for (std::size_t index = 0; index < staged.gets.size(); ++index) {
        if (Queue* const queue = router_.find(staged.work.gets[index].queue)) queue->get_is_refused(staged.gets[index]);
    }
    for (std::size_t index = 0; index < staged.puts.size(); ++index) {
        const auto& placed = staged.puts[index];
        if (Queue* const queue = router_.find(staged.work.puts[index].queue)) queue->refuse_arrival(placed.placed, placed.arrival);
    }
    roll_back_puts(staged.work, Error(errc::transaction_rolled_back, "the store refused it"), false);
    staged.work.puts.clear();
    staged.work.bytes = 0;
    return std::move(staged.work);
}

void Transactions::committed(StagedWork& staged, UniqueFunction<void(Result<void>)>& done) {
    ++counters_.committed;
    durable(staged);
    done({});
    dispatch(queues_of(staged));
}

void Transactions::commit_refused(StagedWork& staged, const store::UnitResult& result, UniqueFunction<void(Result<void>)>& done) {
    ++counters_.rolled_back;
    const bool full = result.error.is(store::errc::disk_full);
    const Error reason(errc::transaction_rolled_back,
                       full ? "the disk of the store is full; free space on it" : "the store refused it: " + result.error.to_string());
    const Pause pause(*this);
    dispatch(queues_of(staged));  // when the pause ends
    log::warning("transaction_refused", {{"transaction", staged.id.value}, {"reason", reason.detail()}});
    auto work = refused(staged);
    roll_back(staged.id, work, Queue::Return::failed, reason);
    done(reason);
}

}  // namespace giromq::core
