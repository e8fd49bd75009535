#include "core/transactions.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace giromq::core {
namespace {

Error unknown(TransactionId id) {
    return Error(errc::transaction_unknown, "there is no transaction " + std::to_string(id.value) + " of this connection");
}

std::string too_many_operations(const CoreSettings& settings) {
    return "a transaction has at most " + std::to_string(settings.transaction_operations) + " messages sent and received";
}

}  // namespace

// Control links

ControlId Transactions::open_control(ConnectionId connection, ControlPort* port) {
    const ControlId id{next_id_++};
    controls_.emplace(id, Control{connection, port});
    return id;
}

std::vector<TransactionId> Transactions::where(const std::function<bool(const Transaction&)>& matches) const {
    std::vector<TransactionId> found;
    for (const auto& [id, transaction] : open_) {
        if (matches(transaction)) found.push_back(id);
    }
    std::sort(found.begin(), found.end());
    return found;
}

void Transactions::close_control(ControlId control) {
    if (controls_.erase(control) == 0) return;
    const Pause pause(*this);
    for (const auto id : where([&](const Transaction& open) { return open.control == control; })) end(id, Queue::Return::failed);
}

void Transactions::close_connection(ConnectionId connection) {
    std::erase_if(controls_, [&](const auto& control) { return control.second.connection == connection; });
    if (!open_of_.contains(connection)) return;
    const Pause pause(*this);
    for (const auto id : where([&](const Transaction& open) { return open.connection == connection; })) end(id, Queue::Return::failed);
}

void Transactions::stop() {
    const Pause pause(*this);
    for (const auto id : where([](const Transaction&) { return true; })) end(id, Queue::Return::unchanged);
    controls_.clear();
}

// Declare

Result<TransactionId> Transactions::declare(ControlId control) {
    const auto found = controls_.find(control);
    if (found == controls_.end()) return Error(errc::not_ready, "the control link has ended");
    const auto connection = found->second.connection;
    auto& open_here = open_of_[connection];
    if (open_here >= context_.settings.transactions_max) {
        return Error(errc::resource_limit, "the connection has its maximum of " + std::to_string(context_.settings.transactions_max) +
                                               " open transactions; discharge some");
    }
    ++open_here;
    const TransactionId id{next_id_++};
    Transaction& opened = open_[id];
    opened.id = id;
    opened.control = control;
    opened.connection = connection;
    opened.deadline = context_.clock.monotonic_now() + context_.settings.transaction_timeout;
    if (open_.size() == 1) look_at_ = opened.deadline;
    look_at_ = std::min(look_at_, opened.deadline);
    ++counters_.declared;
    return id;
}

Transactions::Transaction* Transactions::find(ConnectionId connection, TransactionId id) {
    const auto found = open_.find(id);
    return found == open_.end() || found->second.connection != connection ? nullptr : &found->second;
}

const Transactions::Transaction* Transactions::find(ConnectionId connection, TransactionId id) const {
    const auto found = open_.find(id);
    return found == open_.end() || found->second.connection != connection ? nullptr : &found->second;
}

Transactions::Transaction Transactions::take(TransactionId id) {
    Transaction taken = std::move(open_.extract(id).mapped());
    const auto count = open_of_.find(taken.connection);
    if (--count->second == 0) open_of_.erase(count);
    return taken;
}

// Work

std::optional<Error> Transactions::refusal(ConnectionId connection, TransactionId id) const {
    const Transaction* const open = find(connection, id);
    if (open == nullptr) return unknown(id);
    return open->failed;
}

std::optional<Error> Transactions::limit(const TransactionWork& work, const TransactionPut& put) const {
    const auto memory = put.message->memory();
    const auto& settings = context_.settings;
    if (work.operations() >= settings.transaction_operations) {
        return Error(errc::resource_limit, too_many_operations(settings));
    }
    if (work.bytes + memory > settings.transaction_bytes) {
        return Error(errc::resource_limit,
                     "the messages of a transaction have at most " + std::to_string(settings.transaction_bytes) + " bytes in memory");
    }
    if (bytes_ + memory > settings.memory_bytes) {
        return Error(errc::resource_limit, "the open transactions of the broker hold " + std::to_string(bytes_) +
                                               " bytes of messages, and there is no memory for more; discharge some");
    }
    return std::nullopt;
}

void Transactions::add_put(TransactionWork& work, Queue& queue, TransactionPut put) {
    const auto memory = put.message->memory();
    work.bytes += memory;
    bytes_ += memory;
    queue.reserve(put.message->size());
    work.puts.push_back(std::move(put));
}

Result<void> Transactions::put(TransactionId id, Queue& queue, TransactionPut put) {
    Transaction& open = open_.at(id);
    if (auto refused = limit(open.work, put)) return *refused;
    add_put(open.work, queue, std::move(put));
    return {};
}

void Transactions::roll_back_work(TransactionId id, TransactionWork& work, Queue::Return how) {
    const Pause pause(*this);
    roll_back(id, work, how, Error(errc::transaction_rolled_back, "the branch was rolled back"));
}

Result<void> Transactions::enlist(Consumer& consumer, EnlistCommand command) {
    Transaction* const open = find(command.connection, command.transaction);
    Queue& queue = *consumer.queue;
    if (open == nullptr || open->is_over) {
        // The transaction is gone, and its outcome with it. What is settled goes back; the rest is the consumer's still.
        const auto reason = open == nullptr ? unknown(command.transaction) : *open->failed;
        if (command.settled) queue.settle(consumer, command.position, Modified{.delivery_failed = true, .undeliverable_here = false}, {});
        if (command.done) command.done(reason);
        return open == nullptr ? Result<void>(reason) : Result<void>();
    }
    const auto holder = queue.holder_of(command.position);
    if (holder == command.transaction) {
        enlist_again(open->work, std::move(command));
        return {};
    }
    if (open->work.operations() >= context_.settings.transaction_operations) {
        refuse_beyond_limit(consumer, std::move(command), open->control);
        return {};
    }
    if (queue.enlist(consumer, command.position, command.transaction)) {
        open->work.gets.push_back(
            TransactionGet{queue.id(), command.position, std::move(command.outcome), command.settled, std::move(command.done)});
        return {};
    }
    const Error reason(errc::transaction_rolled_back, holder.is_set() ? "a delivery cannot be part of two transactions"
                                                                      : "a message of the transaction was taken back from its consumer");
    // Taken back, it may be with another consumer, so this transaction must not have had it too.
    if (!open->failed) open->failed = reason;
    if (command.done) command.done(reason);
    if (holder.is_set()) end_control(open->control, reason);
    return {};
}

/// What is enlisted does not count as its consumer's any more, so a client that discharges nothing would come to hold as much as it likes:
/// here it ends, with all that was got. A send is refused by itself.
void Transactions::refuse_beyond_limit(Consumer& consumer, EnlistCommand command, ControlId control) {
    const Error reason(errc::resource_limit, too_many_operations(context_.settings));
    const Pause pause(*this);
    if (command.settled) {
        consumer.queue->settle(consumer, command.position, Modified{.delivery_failed = true, .undeliverable_here = false}, {});
    }
    if (command.done) command.done(reason);
    end_control(control, reason);
}

void Transactions::enlist_again(TransactionWork& work, EnlistCommand command) {
    const auto is_it = [&](const TransactionGet& get) { return get.position == command.position; };
    const auto get = std::ranges::find_if(work.gets, is_it);
    if (get == work.gets.end()) return;
    get->outcome = std::move(command.outcome);
    get->settled = get->settled || command.settled;
}

void Transactions::end_control(ControlId control, const Error& reason) {
    const auto found = controls_.find(control);
    if (found == controls_.end()) return;
    auto* const port = found->second.port;
    close_control(control);
    port->ended(reason);
}

void Transactions::await_put(ConnectionId connection, TransactionId id) {
    if (Transaction* const open = find(connection, id)) ++open->awaited;
}

void Transactions::awaited_put_came(TransactionId id) {
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.awaited == 0) return;
    Transaction& open = found->second;
    if (--open.awaited > 0 || !open.commit_waits) return;
    auto done = std::exchange(open.commit_waits, nullptr);
    discharge(open.connection, id, false, std::move(done));
}

void Transactions::fail(ConnectionId connection, TransactionId id, const Error& reason) {
    Transaction* const open = find(connection, id);
    if (open == nullptr || open->failed) return;
    open->failed = Error(errc::transaction_rolled_back, "a message of the transaction was refused: " + reason.to_string());
}

void Transactions::queue_closes(DestinationId queue, const Error& reason) {
    for (auto& [id, open] : open_) {
        const auto is_put_here = [&](const TransactionPut& put) { return put.queue == queue; };
        const auto is_got_here = [&](const TransactionGet& get) { return get.queue == queue; };
        const bool concerned = std::ranges::any_of(open.work.puts, is_put_here) || std::ranges::any_of(open.work.gets, is_got_here);
        if (concerned && !open.failed) open.failed = Error(errc::transaction_rolled_back, reason.detail());
    }
}

// Ends

void Transactions::tick() {
    const auto now = context_.clock.monotonic_now();
    if (open_.empty() || now < look_at_) return;
    look_at_ = now + context_.settings.transaction_timeout;
    std::vector<TransactionId> expired;
    for (const auto& [id, open] : open_) {
        if (open.is_over) continue;
        if (open.deadline <= now) {
            expired.push_back(id);
        } else {
            look_at_ = std::min(look_at_, open.deadline);
        }
    }
    if (expired.empty()) return;
    std::sort(expired.begin(), expired.end());
    const Pause pause(*this);
    for (const auto id : expired) time_out(id);
}

void Transactions::time_out(TransactionId id) {
    // Who was told of the one before may have ended this one.
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    Transaction& open = found->second;
    log::warning("transaction_timeout", {{"connection", open.connection.value},
                                         {"transaction", id.value},
                                         {"puts", open.work.puts.size()},
                                         {"gets", open.work.gets.size()}});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(context_.settings.transaction_timeout);
    open.failed = Error(errc::transaction_timeout,
                        "the transaction was not discharged within " + std::to_string(seconds.count()) + " s and is rolled back");
    // Its discharge is still to come, and must hear why.
    open.is_over = true;
    ++counters_.timed_out;
    auto waiting = std::exchange(open.commit_waits, nullptr);
    auto work = std::exchange(open.work, {});
    const auto reason = *open.failed;
    roll_back(id, work, Queue::Return::failed, reason);
    if (waiting) waiting(reason);
}

/// Of its own accord, or because its control link is gone.
void Transactions::end(TransactionId id, Queue::Return how) {
    if (!open_.contains(id)) return;
    auto ended = take(id);
    const Error reason(errc::transaction_rolled_back, "the control link of the transaction has ended");
    if (!ended.is_over) ++counters_.rolled_back;
    roll_back(id, ended.work, how, reason);
    if (ended.commit_waits) ended.commit_waits(reason);
}

void Transactions::discharge(ConnectionId connection, TransactionId id, bool fail, UniqueFunction<void(Result<void>)> done) {
    Transaction* const open = find(connection, id);
    if (open == nullptr) {
        // Nothing can be left to roll back.
        done(unknown(id));
        return;
    }
    if (!fail && !open->failed && open->awaited > 0) {
        if (open->commit_waits) {
            done(unknown(id));
        } else {
            open->commit_waits = std::move(done);
        }
        return;
    }
    auto discharged = take(id);
    auto waiting = std::exchange(discharged.commit_waits, nullptr);
    if (!fail && !discharged.failed && !discharged.work.puts.empty() && context_.growth_blocked()) {
        discharged.failed =
            Error(errc::transaction_rolled_back, context_.disk_full() ? "the disk of the store is full; free space on it"
                                                                      : "the store has just refused a write; try again in a second");
    }
    if (!fail && !discharged.failed) {
        commit(std::move(discharged), std::move(done));
        return;
    }
    if (!discharged.is_over) ++counters_.rolled_back;
    const Pause pause(*this);
    const auto reason = discharged.failed.value_or(Error(errc::transaction_rolled_back, "the transaction was rolled back"));
    roll_back(id, discharged.work, Queue::Return::failed, reason);
    if (waiting) waiting(reason);
    // A rollback that was asked for always succeeds (AMQP 1.0 §4.3).
    done(fail ? Result<void>() : Result<void>(reason));
}

std::set<DestinationId> Transactions::queues_of(const TransactionWork& work) {
    std::set<DestinationId> queues;
    for (const auto& put : work.puts) queues.insert(put.queue);
    for (const auto& get : work.gets) queues.insert(get.queue);
    return queues;
}

void Transactions::dispatch(const std::set<DestinationId>& queues) {
    for (const auto id : queues) {
        if (Queue* const queue = router_.find(id)) queue->dispatch();
    }
}

void Transactions::settle_duplicates(const TransactionPut& put, const SendResult& answer) {
    if (put.sequence) {
        if (auto* const sequences = router_.producers.find(put.sequence->producer)) sequences->settle(put.sequence->sequence, answer);
    }
    if (put.duplicate_id.empty()) return;
    if (Queue* const queue = router_.find(put.queue)) queue->duplicate_ids.settle(put.duplicate_id, answer);
}

/// `has_room`: the room that was kept for them is still kept.
void Transactions::roll_back_puts(TransactionWork& work, const Error& reason, bool has_room) {
    SendResult refused;
    refused.accepted = false;
    // For who waits to hear whether an equal send was stored: it was not, and can be sent again.
    refused.error = Error(errc::not_ready, reason.detail());
    for (auto& put : work.puts) {
        if (put.message->chunk_count > 0) on_chunks_dropped(put.message->number);
        settle_duplicates(put, refused);
        Queue* const queue = router_.find(put.queue);
        if (queue == nullptr) continue;
        if (has_room) queue->unreserve(put.message->size());
        on_room_changed(*queue);
    }
    if (has_room) bytes_ -= work.bytes;
}

void Transactions::roll_back(TransactionId id, TransactionWork& work, Queue::Return how, const Error& reason) {
    dispatch(queues_of(work));  // when the pause ends
    roll_back_puts(work, reason, true);
    for (const auto& get : work.gets) {
        Queue* const queue = router_.find(get.queue);
        const auto how_this = !get.settled && how == Queue::Return::failed ? Queue::Return::unsettled : how;
        if (queue != nullptr) queue->return_get(get.position, id, how_this);
    }
    for (auto& get : work.gets) {
        if (get.done) get.done(reason);
    }
}

TransactionCounters Transactions::counters() const {
    auto counters = counters_;
    counters.open = open_.size();
    return counters;
}

}  // namespace giromq::core
