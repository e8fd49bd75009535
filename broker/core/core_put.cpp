#include <utility>

#include "core/core_impl.hpp"

// Sends that belong to a transaction, and outcomes that do.

namespace giromq::core {

/// True if an equal message is stored already, or is in the same transaction. One that is on its way elsewhere cannot be waited for: a
/// discharge may come before the answer, and would have to know it.
Result<bool> Core::Impl::is_duplicate_put(const SendCommand& command, Queue& queue) {
    if (command.sequence) {
        const auto& sequences = router.producers.of(command.sequence->producer, context.clock.wall_now());
        const auto novelty = sequences.novelty(command.sequence->sequence);
        if (novelty == Novelty::known || sequences.holder(command.sequence->sequence) == command.transaction) return true;
        if (novelty == Novelty::under_way) return Error(errc::locked, "an equal send of this producer is under way");
    }
    if (command.duplicate_id.empty()) return false;
    const auto novelty = queue.duplicate_ids.novelty(command.duplicate_id);
    if (novelty == Novelty::known || queue.duplicate_ids.holder(command.duplicate_id) == command.transaction) return true;
    if (novelty == Novelty::under_way) {
        return Error(errc::locked, "a message with the duplicate id '" + command.duplicate_id + "' is under way, or part of a transaction");
    }
    return false;
}

std::optional<Error> Core::Impl::take_put(SendCommand& command, Queue& queue) {
    if (auto refused = refusal_of(command, queue)) return refused;
    Message& message = *command.message;
    if (!message.number.is_set()) message.number = context.take_message_number();
    TransactionPut put{queue.id(), command.message, command.sequence, command.duplicate_id};
    if (auto taken = transactions.put(command.transaction, queue, std::move(put)); !taken) return taken.error();
    if (command.sequence) {
        router.producers.of(command.sequence->producer, context.clock.wall_now()).hold(command.sequence->sequence, command.transaction);
    }
    if (!command.duplicate_id.empty()) queue.duplicate_ids.hold(command.duplicate_id, command.transaction);
    return std::nullopt;
}

void Core::Impl::put(SendCommand command, Queue* queue) {
    const auto number = command.message->chunk_count > 0 ? command.message->number : MessageNumber{};
    SendResult result;
    auto refused = transactions.refusal(command.connection, command.transaction);
    if (!refused) refused = invalid(command, queue);
    if (!refused) {
        const auto is_duplicate = is_duplicate_put(command, *queue);
        if (!is_duplicate) {
            refused = is_duplicate.error();
        } else if (*is_duplicate) {
            queue->count_duplicate();
            result.duplicate = true;
        } else {
            refused = take_put(command, *queue);
        }
    }
    if (refused || result.duplicate) drop_chunks(number);
    if (refused) {
        transactions.fail(command.connection, command.transaction, *refused);
        result.accepted = false;
        result.error = std::move(*refused);
    }
    command.done(result);
    if (!refused) after_send(command.producer, *queue);
    if (command.was_awaited) transactions.awaited_put_came(command.transaction);
}

Result<void> Core::Impl::enlist(EnlistCommand command) {
    Consumer* const taker = consumer(command.consumer);
    if (taker != nullptr && !taker->queue->closing()) return transactions.enlist(*taker, std::move(command));
    // Its deliveries were taken back when it was ended, so the transaction does not have this one.
    const Error gone(errc::deleted, "the consumer was ended");
    transactions.fail(command.connection, command.transaction, gone);
    if (command.done) command.done(gone);
    return {};
}

}  // namespace giromq::core
