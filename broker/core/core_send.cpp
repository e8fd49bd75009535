#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "core/core_impl.hpp"

namespace giromq::core {
namespace {

/// Small changes of a window are not worth a frame.
bool is_worth_telling(std::uint32_t told, std::uint32_t now) {
    if (told == 0 || now == 0) return told != now;
    return now / 2 >= told || now <= told / 2;
}

}  // namespace

// Producers

Result<ProducerId> Core::Impl::open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port, std::string name) {
    if (stopping) return stopping_error();
    Queue* queue = nullptr;
    if (destination.is_set()) {
        queue = router.find(destination);
        if (queue == nullptr || queue->closing()) return Error(errc::not_found, "the destination is gone");
        ++queue->producer_count;
    }
    auto producer = std::make_unique<Producer>();
    producer->id = ProducerId{next_id_++};
    producer->connection = connection;
    producer->queue = queue;
    producer->port = port;
    producer->name = std::move(name);
    producer->since = context.clock.wall_now();
    Producer& opened = *producers.emplace(producer->id, std::move(producer)).first->second;
    if (queue != nullptr) {
        // The first one has nobody to wait with.
        if (queue->producer_count == 1) queue->told_share = queue->producer_share();
        tell_windows(*queue);
    }
    tell_window(opened);
    return opened.id;
}

void Core::Impl::close_producer(ProducerId id) {
    const auto found = producers.find(id);
    if (found == producers.end()) return;
    if (found->second->queue != nullptr) --found->second->queue->producer_count;
    producers.erase(found);
}

std::uint32_t Core::Impl::window_of(const Producer& producer) const {
    if (held_back_) return 0;
    if (producer.queue == nullptr || producer.queue->settings().overflow != OverflowPolicy::hold) return context.settings.producer_window;
    // While the others wait for room worth telling nobody has any: who had some unknown to the queue would not be told when it is gone.
    if (producer.queue->told_share == 0) return 0;
    const auto share = producer.queue->producer_share();
    // Those that came before have more than their share by now; and this one may never send.
    return producer.has_sent || share == 0 ? share : std::max(1U, share / 8);
}

void Core::Impl::tell_window(Producer& producer) {
    const auto window = window_of(producer);
    if (!is_worth_telling(producer.window, window)) return;
    producer.window = window;
    producer.port->window(window);
}

void Core::Impl::tell_windows(Queue& queue) {
    if (queue.settings().overflow != OverflowPolicy::hold) return;
    const auto share = queue.producer_share();
    if (!is_worth_telling(queue.told_share, share) || (queue.told_share == 0 && !queue.has_room_again())) return;
    queue.told_share = share;
    for (auto& [id, producer] : producers) {
        if (producer->queue == &queue) tell_window(*producer);
    }
}

void Core::Impl::hold_back_if_short() {
    // Credit that was given cannot be taken back, so it is given sparingly: half of the budget may be under way.
    const auto limit = context.settings.memory_bytes / 2;
    const bool hold = held_back_ ? context.staged_bytes > limit / 2 : context.staged_bytes > limit;
    if (hold == held_back_) return;
    held_back_ = hold;
    for (auto& [id, producer] : producers) tell_window(*producer);
}

// Sending

/// What is refused whatever was sent before.
std::optional<Error> Core::Impl::invalid(const SendCommand& command, const Queue* queue) const {
    if (stopping) return stopping_error();
    if (queue == nullptr || queue->closing()) return Error(errc::deleted, "the destination is gone");
    if (command.duplicate_id.size() > limits::duplicate_id_bytes) {
        return Error(errc::resource_limit, "a duplicate id has at most " + std::to_string(limits::duplicate_id_bytes) + " bytes");
    }
    if (command.sequence && (command.sequence->producer.empty() || command.sequence->producer.size() > limits::producer_name_bytes ||
                             command.sequence->sequence == 0)) {
        return Error(errc::internal,
                     "a producer id has 1 to " + std::to_string(limits::producer_name_bytes) + " bytes, and sequences start at 1");
    }
    return std::nullopt;
}

std::optional<Error> Core::Impl::refusal_of(const SendCommand& command, const Queue& queue) const {
    // A producer that is held back by credit is not refused what it had credit for: credit that was given cannot be taken back.
    if (queue.settings().is_sending_paused) {
        return Error(errc::not_allowed, "sending to queue '" + queue.settings().name + "' is paused by an administrator");
    }
    const auto producer = producers.find(command.producer);
    const bool has_credit =
        queue.settings().overflow == OverflowPolicy::hold && producer != producers.end() && producer->second->queue == &queue;
    if (!has_credit) {
        if (auto full = queue.refusal(command.message->size())) return full;
    }
    if (context.growth_blocked()) {
        return context.disk_full() ? Error(errc::resource_limit, "the disk of the store is full; free space on it")
                                   : Error(errc::internal, "the store has just refused a write; try again in a second");
    }
    return std::nullopt;
}

/// True if the send was answered, or will be with the first one's outcome.
bool Core::Impl::is_duplicate(SendCommand& command, Queue& queue) {
    Novelty novelty = Novelty::fresh;
    ProducerSequences* sequences = nullptr;
    if (command.sequence) {
        sequences = &router.producers.of(command.sequence->producer, context.clock.wall_now());
        novelty = sequences->novelty(command.sequence->sequence);
    }
    if (novelty == Novelty::fresh && !command.duplicate_id.empty()) {
        sequences = nullptr;
        novelty = queue.duplicate_ids.novelty(command.duplicate_id);
    }
    if (novelty == Novelty::fresh) return false;
    queue.count_duplicate();
    if (novelty == Novelty::known) {
        SendResult result;
        result.duplicate = true;
        command.done(result);
    } else if (sequences != nullptr) {
        sequences->wait(command.sequence->sequence, std::move(command.done));
    } else {
        queue.duplicate_ids.wait(command.duplicate_id, std::move(command.done));
    }
    return true;
}

void Core::Impl::send(SendCommand command) {
    Queue* const queue = router.find(command.destination);
    if (command.transaction.is_set()) return put(std::move(command), queue);
    const auto number = command.message->chunk_count > 0 ? command.message->number : MessageNumber{};
    auto refusal = invalid(command, queue);
    // A send that was there before is answered as it was then, whatever the limits say now.
    if (!refusal && is_duplicate(command, *queue)) return drop_chunks(number);
    if (!refusal) refusal = refusal_of(command, *queue);
    if (refusal) {
        drop_chunks(number);
        SendResult result;
        result.accepted = false;
        result.error = std::move(*refusal);
        command.done(result);
        return;
    }
    Message& message = *command.message;
    if (!message.number.is_set()) message.number = context.take_message_number();
    auto pending = std::make_unique<PendingSend>();
    pending->queue = queue->id();
    pending->arrival.message = std::move(command.message);
    pending->arrival.keeps = message.durable;
    pending->done = std::move(command.done);
    tx::UnitOfWork work;
    pending->placed = queue->place(pending->arrival, work, false);
    // What does not outlive a restart must not be remembered over one: sent again, it would be taken for what is gone.
    const bool is_remembered = pending->placed.staged && message.durable && !queue->is_temporary();
    const auto now = command.sequence || !command.duplicate_id.empty() ? context.clock.wall_now() : Timestamp{};
    if (command.sequence) {
        auto& sequences = router.producers.of(command.sequence->producer, now);
        sequences.stage(command.sequence->sequence);
        if (is_remembered) work.stage(sequences.row(command.sequence->producer, now));
        for (auto& forgotten : router.producers.take_forgotten()) work.stage(store::RemoveProducer{std::move(forgotten)});
        pending->sequence = std::move(command.sequence);
    }
    if (!command.duplicate_id.empty()) {
        queue->duplicate_ids.stage(command.duplicate_id, pending->placed.position, now);
        if (is_remembered) work.stage(store::PutDuplicateId{queue->id(), pending->placed.position, command.duplicate_id, now});
        pending->duplicate_id = std::move(command.duplicate_id);
    }
    if (!pending->placed.staged && work.empty()) {
        settled(*pending, store::UnitResult{});
    } else {
        work.grow(message.size() + 256);
        context.staged_bytes += message.memory();
        hold_back_if_short();
        work.then([this, pending = std::move(pending)](const store::UnitResult& result) {
            context.staged_bytes -= pending->arrival.message->memory();
            hold_back_if_short();
            settled(*pending, result);
        });
        context.commit(std::move(work));
    }
    after_send(command.producer, *queue);
}

void Core::Impl::after_send(ProducerId id, Queue& queue) {
    tell_windows(queue);
    const auto producer = producers.find(id);
    if (producer == producers.end()) return;
    producer->second->has_sent = true;
    ++producer->second->sent;
    tell_window(*producer->second);
}

/// Nothing to do without a number. Comes after every chunk: units become durable in the order of submission, and a chunk that was refused
/// is not tried again.
void Core::Impl::drop_chunks(MessageNumber number) {
    if (!number.is_set()) return;
    tx::UnitOfWork work;
    work.stage(store::DropChunks{number});
    context.commit(std::move(work));
}

void Core::Impl::append_chunk(store::PutChunk chunk, UniqueFunction<void(Result<void>)> done) {
    if (context.growth_blocked() || stopping) {
        done(Error(stopping ? errc::not_ready : errc::resource_limit, "the store takes no new messages now"));
        return;
    }
    const auto bytes = chunk.bytes.size();
    context.staged_bytes += bytes;
    hold_back_if_short();
    tx::UnitOfWork work;
    work.grow(bytes);
    work.stage(std::move(chunk));
    work.then([this, bytes, done = std::move(done)](const store::UnitResult& result) mutable {
        context.staged_bytes -= bytes;
        hold_back_if_short();
        const bool full = !result.durable && result.error.is(store::errc::disk_full);
        done(result.durable ? Result<void>() : Result<void>(Error(full ? errc::resource_limit : errc::internal, result.error.to_string())));
    });
    context.commit(std::move(work));
}

void Core::Impl::settled(PendingSend& pending, const store::UnitResult& result) {
    SendResult answer;
    // A message in memory only was accepted when it was placed, whatever became of the rows that came with it.
    answer.accepted = result.durable || !pending.placed.staged;
    answer.position = pending.placed.position;
    if (!answer.accepted) {
        const bool full = result.error.is(store::errc::disk_full);
        answer.error = full ? Error(errc::resource_limit, "the disk of the store is full; free space on it")
                            : Error(result.error.is(store::errc::stopped) ? errc::not_ready : errc::internal, result.error.to_string());
    }
    Queue* const queue = router.find(pending.queue);
    if (queue != nullptr && pending.placed.staged) {
        if (answer.accepted) {
            queue->commit_arrival(pending.placed, pending.arrival);
        } else {
            queue->refuse_arrival(pending.placed, pending.arrival);
        }
    }
    if (!answer.accepted && pending.arrival.message->chunk_count > 0) drop_chunks(pending.arrival.message->number);
    if (pending.sequence) {
        if (auto* const sequences = router.producers.find(pending.sequence->producer))
            sequences->settle(pending.sequence->sequence, answer);
    }
    if (queue != nullptr && !pending.duplicate_id.empty()) queue->duplicate_ids.settle(pending.duplicate_id, answer);
    pending.done(answer);
    if (queue == nullptr) return;
    queue->dispatch();
    if (!answer.accepted) tell_windows(*queue);
}

}  // namespace giromq::core
