#include "core/core.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "core/context.hpp"
#include "core/queue.hpp"
#include "core/router.hpp"

namespace giromq::core {
namespace {

/// Small changes of a window are not worth a frame.
bool is_worth_telling(std::uint32_t told, std::uint32_t now) {
    if (told == 0 || now == 0) return told != now;
    return now / 2 >= told || now <= told / 2;
}

Error stopping_error() { return Error(errc::not_ready, "the broker is stopping"); }

}  // namespace

class Core::Impl {
public:
    Impl(const Clock& clock, store::CommitPort& commits, store::ReadPort& reads, CoreSettings settings)
        : context(clock, commits, reads, std::move(settings)), router(context) {
        router.on_room_changed = [this](Queue& queue) { tell_windows(queue); };
        router.on_end_consumer = [this](ConsumerId id, const Error& reason) { end_consumer(id, reason); };
        router.on_closing = [this](Queue& queue, const Error& reason) { end_all_of(queue, reason); };
    }

    void send(SendCommand command);
    void append_chunk(store::PutChunk chunk, UniqueFunction<void(Result<void>)> done);
    void tick();
    void stop(UniqueFunction<void()> done);
    Result<ProducerId> open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port);
    void close_producer(ProducerId id);
    Result<ConsumerId> open_consumer(const ConsumerCommand& command);
    void close_consumer(ConsumerId id, CloseReason reason);
    void close_connection(ConnectionId connection, CloseReason reason);
    CoreView view() const;

    Consumer* consumer(ConsumerId id) {
        const auto found = consumers.find(id);
        return found == consumers.end() ? nullptr : found->second.get();
    }

    /// Commits operations on users.
    void commit_user(store::Operation operation, UniqueFunction<void(Result<void>)> done);

    Context context;
    Router router;
    std::unordered_map<ConsumerId, std::unique_ptr<Consumer>> consumers;
    std::unordered_map<ProducerId, std::unique_ptr<Producer>> producers;
    bool stopping = false;

private:
    /// A send whose unit is under way.
    struct PendingSend {
        DestinationId queue;
        Queue::Placed placed;
        Arrival arrival;
        std::optional<ProducerSequence> sequence;
        std::string duplicate_id;
        SendDone done;
    };

    std::optional<Error> invalid(const SendCommand& command, const Queue* queue) const;
    std::optional<Error> refusal_of(const SendCommand& command, const Queue& queue) const;
    bool is_duplicate(SendCommand& command, Queue& queue);
    void settled(PendingSend& pending, const store::UnitResult& result);
    void tell_windows(Queue& queue);
    void tell_window(Producer& producer);
    std::uint32_t window_of(const Producer& producer) const;
    void end_consumer(ConsumerId id, const Error& reason);
    void end_all_of(Queue& queue, const Error& reason);
    void hold_back_if_short();

    std::uint64_t next_id_ = 1;
    bool held_back_ = false;  // every producer waits: too much is staged
    MonotonicTime housekeeping_at_{};
};

// Producers

Result<ProducerId> Core::Impl::open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port) {
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
    Producer& opened = *producers.emplace(producer->id, std::move(producer)).first->second;
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
    auto refusal = invalid(command, queue);
    // A send that was there before is answered as it was then, whatever the limits say now.
    if (!refusal && is_duplicate(command, *queue)) return;
    if (!refusal) refusal = refusal_of(command, *queue);
    if (refusal) {
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
    tell_windows(*queue);
    if (const auto producer = producers.find(command.producer); producer != producers.end()) {
        producer->second->has_sent = true;
        tell_window(*producer->second);
    }
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

// Consumers

Result<ConsumerId> Core::Impl::open_consumer(const ConsumerCommand& command) {
    if (stopping) return stopping_error();
    Queue* const queue = router.find(command.destination);
    if (queue == nullptr || queue->closing()) return Error(errc::not_found, "the destination is gone");
    if (queue->is_temporary() && queue->owner != command.connection) {
        return Error(errc::not_allowed, "only the connection that made a temporary queue may consume from it");
    }
    auto consumer = std::make_unique<Consumer>();
    consumer->id = ConsumerId{next_id_++};
    consumer->connection = command.connection;
    consumer->port = command.port;
    consumer->mode = command.mode;
    consumer->presettled = command.presettled;
    queue->attach(*consumer);
    const auto id = consumer->id;
    consumers.emplace(id, std::move(consumer));
    return id;
}

void Core::Impl::close_consumer(ConsumerId id, CloseReason reason) {
    const auto found = consumers.find(id);
    if (found == consumers.end()) return;
    // Out of the map first: giving back its messages dispatches the queue.
    const auto consumer = std::move(found->second);
    consumers.erase(found);
    consumer->queue->detach(*consumer, reason);
}

void Core::Impl::close_connection(ConnectionId connection, CloseReason reason) {
    std::vector<ConsumerId> its_consumers;
    for (const auto& [id, consumer] : consumers) {
        if (consumer->connection == connection) its_consumers.push_back(id);
    }
    std::sort(its_consumers.begin(), its_consumers.end());
    // What one of them returns must not go to another: nobody would see it there, and it would be counted as a failed delivery.
    for (const auto id : its_consumers) consumers.at(id)->queue->silence(*consumers.at(id));
    for (const auto id : its_consumers) close_consumer(id, reason);
    std::vector<ProducerId> its_producers;
    for (const auto& [id, producer] : producers) {
        if (producer->connection == connection) its_producers.push_back(id);
    }
    for (const auto id : its_producers) close_producer(id);
    router.remove_temporary_of(connection);
}

void Core::Impl::end_consumer(ConsumerId id, const Error& reason) {
    const auto found = consumers.find(id);
    if (found == consumers.end()) return;
    found->second->port->ended(reason);
    close_consumer(id, CloseReason::orderly);
}

void Core::Impl::end_all_of(Queue& queue, const Error& reason) {
    std::vector<ConsumerId> ended_consumers;
    for (const auto& [id, consumer] : consumers) {
        if (consumer->queue == &queue) ended_consumers.push_back(id);
    }
    std::sort(ended_consumers.begin(), ended_consumers.end());
    for (const auto id : ended_consumers) {
        // The queue still knows it, and forgets it when it closes, which is next.
        auto* const port = consumers.at(id)->port;
        consumers.erase(id);
        port->ended(reason);
    }
    std::vector<ProducerId> ended;
    for (const auto& [id, producer] : producers) {
        if (producer->queue == &queue) ended.push_back(id);
    }
    std::sort(ended.begin(), ended.end());
    for (const auto id : ended) {
        auto* const port = producers.at(id)->port;
        close_producer(id);
        port->ended(reason);
    }
}

// Time

void Core::Impl::tick() {
    context.tick();
    const auto now = context.clock.wall_now();
    const bool housekeeping = context.clock.monotonic_now() >= housekeeping_at_;
    if (housekeeping) housekeeping_at_ = context.clock.monotonic_now() + std::chrono::seconds(1);
    const bool scarce = context.memory_is_scarce();
    for (const auto& [id, queue] : router.queues()) {
        queue->expire(now);
        if (queue->consumer_count() > 0) queue->dispatch();
        if (scarce) queue->shrink();
        if (!housekeeping || queue->closing() || queue->duplicate_ids.empty()) continue;
        const Timestamp oldest{now.milliseconds - queue->settings().duplicate_ids_age.count()};
        if (const auto before = queue->duplicate_ids.trim(queue->settings().duplicate_ids_max, oldest); before && !queue->is_temporary()) {
            tx::UnitOfWork work;
            work.stage(store::ForgetDuplicateIds{id, *before});
            context.commit(std::move(work));
        }
    }
}

void Core::Impl::stop(UniqueFunction<void()> done) {
    stopping = true;
    const Error reason = stopping_error();
    // Consumers may have seen what they hold, and their settlements may be under way to a broker that stops.
    for (const auto& [id, queue] : router.queues()) queue->mark_for_restart();
    std::vector<ConsumerId> all;
    for (const auto& [id, consumer] : consumers) all.push_back(id);
    std::sort(all.begin(), all.end());
    for (const auto id : all) consumers.at(id)->queue->silence(*consumers.at(id));
    for (const auto id : all) {
        auto* const port = consumers.at(id)->port;
        close_consumer(id, CloseReason::orderly);
        port->ended(reason);
    }
    for (const auto& [id, producer] : std::exchange(producers, {})) {
        if (producer->queue != nullptr) --producer->queue->producer_count;
        producer->port->ended(reason);
    }
    if (context.idle()) {
        done();
        return;
    }
    auto shared = std::make_shared<UniqueFunction<void()>>(std::move(done));
    context.on_idle = [shared] { (*shared)(); };
}

CoreView Core::Impl::view() const {
    CoreView view;
    view.queues = router.queues().size();
    view.consumers = consumers.size();
    view.producers = producers.size();
    view.memory_bytes = context.memory_bytes + context.staged_bytes;
    view.disk_full = context.disk_full();
    for (const auto& [id, queue] : router.queues()) {
        const auto& counters = queue->counters();
        view.messages += queue->messages();
        view.enqueued += counters.enqueued;
        view.delivered += counters.delivered;
        view.redelivered += counters.redelivered;
        view.acknowledged += counters.acknowledged;
        view.expired += counters.expired;
        view.dead_lettered += counters.dead_lettered;
        view.duplicates += counters.duplicates;
        view.quarantined += counters.quarantined;
    }
    return view;
}

void Core::Impl::commit_user(store::Operation operation, UniqueFunction<void(Result<void>)> done) {
    tx::UnitOfWork work;
    work.stage(std::move(operation));
    work.then([done = std::move(done)](const store::UnitResult& result) mutable {
        if (done) done(result.durable ? Result<void>() : Result<void>(Error(errc::internal, result.error.to_string())));
    });
    context.commit(std::move(work));
}

// The public face

Core::Core(const Clock& clock, store::CommitPort& commits, store::ReadPort& reads, CoreSettings settings)
    : impl_(std::make_unique<Impl>(clock, commits, reads, std::move(settings))) {}
Core::~Core() = default;

store::RecoveryVisitor& Core::recovery() { return impl_->router; }
void Core::start(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<void>)> done) {
    impl_->router.start(std::move(configured), std::move(done));
}
void Core::tick() { impl_->tick(); }
void Core::stop(UniqueFunction<void()> done) { impl_->stop(std::move(done)); }

void Core::open_destination(std::string_view name, bool may_create, UniqueFunction<void(Result<DestinationId>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->router.open(name, may_create, std::move(done));
    }
}
std::optional<DestinationId> Core::find_destination(std::string_view name) const {
    const Queue* const queue = impl_->router.find_name(name);
    return queue == nullptr || queue->closing() || impl_->router.is_opening(name) ? std::nullopt : std::optional(queue->id());
}
void Core::create_queue(DestinationSettings settings, UniqueFunction<void(Result<DestinationId>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->router.create(std::move(settings), std::move(done));
    }
}
Result<DestinationId> Core::create_temporary_queue(ConnectionId connection) {
    if (impl_->stopping) return stopping_error();
    return impl_->router.create_temporary(connection);
}
void Core::delete_queue(DestinationId queue, bool even_if_used, UniqueFunction<void(Result<void>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->router.remove(queue, even_if_used, std::move(done));
    }
}
void Core::purge_queue(DestinationId id, UniqueFunction<void(Result<std::uint64_t>)> done) {
    Queue* const queue = impl_->router.find(id);
    if (impl_->stopping) {
        done(stopping_error());
    } else if (queue == nullptr || queue->closing()) {
        done(Error(errc::not_found));
    } else if (!impl_->context.idle_of_retries()) {
        done(Error(errc::not_ready, "the store refuses changes now; try again"));
    } else {
        queue->purge(std::move(done));
    }
}
Result<QueueView> Core::view_queue(DestinationId id) const {
    const Queue* const queue = impl_->router.find(id);
    if (queue == nullptr || queue->closing()) return Error(errc::not_found);
    return queue->view();
}
std::vector<QueueView> Core::list_queues(std::string_view after, std::size_t limit) const {
    std::vector<QueueView> views;
    const auto& names = impl_->router.names();
    for (auto next = names.upper_bound(after); next != names.end() && views.size() < limit; ++next) {
        const Queue* const queue = impl_->router.find(next->second);
        if (!queue->closing() && !impl_->router.is_opening(next->first)) views.push_back(queue->view());
    }
    return views;
}
CoreView Core::view() const { return impl_->view(); }
std::string Core::name_of(DestinationId destination) const {
    const Queue* const queue = impl_->router.find(destination);
    return queue == nullptr ? std::string() : queue->settings().name;
}

Result<ProducerId> Core::open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port) {
    return impl_->open_producer(connection, destination, port);
}
void Core::close_producer(ProducerId producer) { impl_->close_producer(producer); }
void Core::send(SendCommand command) { impl_->send(std::move(command)); }

MessageNumber Core::begin_chunks() { return impl_->context.take_message_number(); }
void Core::append_chunk(MessageNumber number, std::uint32_t index, SharedBytes bytes, UniqueFunction<void(Result<void>)> done) {
    impl_->append_chunk(store::PutChunk{number, index, std::move(bytes)}, std::move(done));
}
void Core::read_chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done) {
    impl_->context.reads.chunk(number, index, std::move(done));
}

Result<ConsumerId> Core::open_consumer(ConsumerCommand command) { return impl_->open_consumer(command); }
void Core::close_consumer(ConsumerId consumer, CloseReason reason) { impl_->close_consumer(consumer, reason); }
void Core::flow(ConsumerId id, std::uint64_t delivery_limit, bool drain) {
    if (Consumer* const consumer = impl_->consumer(id)) consumer->queue->flow(*consumer, delivery_limit, drain);
}
void Core::resume(ConsumerId id) {
    if (Consumer* const consumer = impl_->consumer(id)) consumer->queue->resume(*consumer);
}
void Core::settle(ConsumerId id, Position position, Outcome outcome, UniqueFunction<void(Result<void>)> done) {
    Consumer* const consumer = impl_->consumer(id);
    if (consumer != nullptr && !consumer->queue->closing()) {
        consumer->queue->settle(*consumer, position, std::move(outcome), std::move(done));
    } else if (done) {
        done({});
    }
}
void Core::close_connection(ConnectionId connection, CloseReason reason) { impl_->close_connection(connection, reason); }

const std::vector<User>& Core::recovered_users() const { return impl_->router.users; }
void Core::put_user(User user, UniqueFunction<void(Result<void>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->commit_user(store::PutUser{std::move(user)}, std::move(done));
    }
}
void Core::remove_user(std::string name, UniqueFunction<void(Result<void>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->commit_user(store::RemoveUser{std::move(name)}, std::move(done));
    }
}

}  // namespace giromq::core
