#include "core/core_impl.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace giromq::core {
namespace {

/// Queues whose head is asked of the store in one second: consumers wait behind these reads.
constexpr std::uint32_t heads_looked_at_max = 16;

}  // namespace

// Consumers

Result<ConsumerId> Core::Impl::open_consumer(const ConsumerCommand& command) {
    if (stopping) return stopping_error();
    Queue* const queue = router.find(command.destination);
    if (queue == nullptr || queue->closing()) return Error(errc::not_found, "the destination is gone");
    if (queue->is_temporary() && queue->owner != command.connection && !command.is_administrative) {
        return Error(errc::not_allowed, "only the connection that made a temporary queue may consume from it");
    }
    auto consumer = std::make_unique<Consumer>();
    consumer->id = ConsumerId{next_id_++};
    consumer->connection = command.connection;
    consumer->port = command.port;
    consumer->mode = command.mode;
    consumer->presettled = command.presettled;
    consumer->selector = command.selector;
    consumer->is_administrative = command.is_administrative;
    consumer->name = command.name;
    consumer->since = context.clock.wall_now();
    consumer->through = command.through;
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
    transactions.close_connection(connection);
    branches.close_connection(connection);
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
    transactions.tick();
    branches.tick();
    const auto now = context.clock.wall_now();
    const bool housekeeping = context.clock.monotonic_now() >= housekeeping_at_;
    // A start reads no messages: consumers come first.
    const bool just_started = housekeeping_at_ == MonotonicTime{};
    if (housekeeping) housekeeping_at_ = context.clock.monotonic_now() + std::chrono::seconds(1);
    const bool scarce = context.memory_is_scarce();
    std::uint32_t heads_to_look_at = housekeeping && !just_started ? heads_looked_at_max : 0;
    for (const auto& [id, queue] : router.queues()) {
        queue->expire(now);
        if (queue->consumer_count() > 0) queue->dispatch();
        if (scarce) queue->shrink();
        if (heads_to_look_at > 0 && queue->look_at_head()) --heads_to_look_at;
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
    transactions.stop();
    branches.stop();
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
    view.memory_bytes = context.memory_bytes + context.staged_bytes + transactions.bytes();
    view.transactions = transactions.counters();
    view.disk_full = context.disk_full();
    view.in_doubt_alarms = branches.alarms();
    std::set<std::string_view> dead_letter_queues;
    std::string_view last;
    for (const auto& [id, queue] : router.queues()) {
        const auto& counters = queue->counters();
        // Most have the same one.
        const std::string_view dead_letter_queue = queue->settings().dead_letter_queue;
        if (dead_letter_queue != last) dead_letter_queues.insert(dead_letter_queue);
        last = dead_letter_queue;
        view.messages += queue->messages();
        view.bytes += queue->bytes();
        view.enqueued += counters.enqueued;
        view.delivered += counters.delivered;
        view.redelivered += counters.redelivered;
        view.acknowledged += counters.acknowledged;
        view.expired += counters.expired;
        view.dead_lettered += counters.dead_lettered;
        view.duplicates += counters.duplicates;
        view.quarantined += counters.quarantined;
        view.selectors_over_budget += counters.selectors_over_budget;
    }
    for (const auto name : dead_letter_queues) {
        const auto* const queue = router.find_name(name);
        if (queue == nullptr || queue->messages() == 0 || view.dead_letters.size() == CoreView::dead_letters_max) continue;
        view.dead_letters.push_back({std::string(name), queue->messages()});
    }
    return view;
}

void Core::Impl::commit_record(store::Operation operation, UniqueFunction<void(Result<void>)> done) {
    std::vector<store::Operation> operations;
    operations.push_back(std::move(operation));
    commit_records(std::move(operations), std::move(done));
}

void Core::Impl::commit_records(std::vector<store::Operation> operations, UniqueFunction<void(Result<void>)> done) {
    // What is left of a full disk is for consuming: a few records are let in, for whoever sees to it, many are not.
    constexpr std::size_t few_records = 64;
    constexpr std::size_t record_bytes = 300;
    if (stopping) return done(stopping_error());
    tx::UnitOfWork work;
    if (operations.size() > few_records) work.grow(operations.size() * record_bytes);
    for (auto& operation : operations) {
        if (const auto* const put = std::get_if<store::PutSelector>(&operation)) work.grow(put->selector.text.size());
        work.stage(std::move(operation));
    }
    work.then([done = std::move(done)](const store::UnitResult& result) mutable {
        if (done) done(result.durable ? Result<void>() : Result<void>(result.error));
    });
    context.commit(std::move(work));
}

}  // namespace giromq::core
