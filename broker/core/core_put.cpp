#include <utility>

#include "core/core_impl.hpp"

// Sends that belong to a transaction, and outcomes that do.

namespace giromq::core {

/// True if an equal message is stored already, or is in the same transaction. One that is on its way elsewhere cannot be waited for: a
/// discharge may come before the answer, and would have to know it.
Result<bool> Core::Impl::is_duplicate_put(const SendCommand& command, Queue& queue, TransactionId owner) {
    if (command.sequence) {
        const auto& sequences = router.producers.of(command.sequence->producer, context.clock.wall_now());
        const auto novelty = sequences.novelty(command.sequence->sequence);
        if (novelty == Novelty::known || sequences.holder(command.sequence->sequence) == owner) return true;
        if (novelty == Novelty::under_way) return Error(errc::locked, "an equal send of this producer is under way");
    }
    if (command.duplicate_id.empty()) return false;
    const auto novelty = queue.duplicate_ids.novelty(command.duplicate_id);
    if (novelty == Novelty::known || queue.duplicate_ids.holder(command.duplicate_id) == owner) return true;
    if (novelty == Novelty::under_way) {
        return Error(errc::locked, "a message with the duplicate id '" + command.duplicate_id + "' is under way, or part of a transaction");
    }
    return false;
}

std::optional<Error> Core::Impl::take_put(SendCommand& command, Queue& queue, TransactionId owner) {
    if (auto refused = refusal_of(command, queue)) return refused;
    Message& message = *command.message;
    if (!message.number.is_set()) message.number = context.take_message_number();
    TransactionPut put{queue.id(), command.message, command.sequence, command.duplicate_id};
    const auto taken = is_in_branch(command) ? branches.put(command.transaction, queue, std::move(put))
                                             : transactions.put(command.transaction, queue, std::move(put));
    if (!taken) return taken.error();
    if (command.sequence) {
        router.producers.of(command.sequence->producer, context.clock.wall_now()).hold(command.sequence->sequence, owner);
    }
    if (!command.duplicate_id.empty()) queue.duplicate_ids.hold(command.duplicate_id, owner);
    return std::nullopt;
}

void Core::Impl::put(SendCommand command, Queue* queue) {
    const auto number = command.message->chunk_count > 0 ? command.message->number : MessageNumber{};
    SendResult result;
    const bool in_branch = is_in_branch(command);
    const auto owner = in_branch ? branches.owner(command.transaction) : command.transaction;
    auto refused = in_branch ? branches.refusal(command.transaction) : transactions.refusal(command.connection, command.transaction);
    if (!refused) refused = invalid(command, queue);
    if (!refused) {
        const auto is_duplicate = is_duplicate_put(command, *queue, owner);
        if (!is_duplicate) {
            refused = is_duplicate.error();
        } else if (*is_duplicate) {
            queue->count_duplicate();
            result.duplicate = true;
        } else {
            refused = take_put(command, *queue, owner);
        }
    }
    if (refused || result.duplicate) drop_chunks(number);
    if (refused) {
        fail_transaction(command.connection, command.transaction, *refused);
        result.accepted = false;
        result.error = std::move(*refused);
    }
    command.done(result);
    if (!refused) after_send(command.producer, *queue);
    if (command.was_awaited) awaited_put_came(command.connection, command.transaction);
}

void Core::Impl::fail_transaction(ConnectionId connection, TransactionId id, const Error& reason) {
    if (branches.knows(connection, id)) {
        branches.fail(id);
    } else {
        transactions.fail(connection, id, reason);
    }
}

void Core::Impl::awaited_put_came(ConnectionId connection, TransactionId id) {
    if (branches.knows(connection, id)) {
        branches.awaited_put_came(id);
    } else {
        transactions.awaited_put_came(id);
    }
}

Result<void> Core::Impl::enlist(EnlistCommand command) {
    Consumer* const taker = consumer(command.consumer);
    if (taker != nullptr && !taker->queue->closing()) {
        const bool in_branch = branches.knows(command.connection, command.transaction);
        return in_branch ? branches.enlist(*taker, std::move(command)) : transactions.enlist(*taker, std::move(command));
    }
    // Its deliveries were taken back when it was ended, so the transaction does not have this one.
    const Error gone(errc::deleted, "the consumer was ended");
    fail_transaction(command.connection, command.transaction, gone);
    if (command.done) command.done(gone);
    return {};
}

}  // namespace giromq::core
