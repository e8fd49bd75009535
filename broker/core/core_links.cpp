#include <algorithm>
#include <utility>

#include "core/core_impl.hpp"

// Consumers and producers as administrators list and end them.

namespace giromq::core {
namespace {

bool is_wanted(const LinkQuery& query, ConnectionId connection, const Queue* queue, std::uint64_t id) {
    if (id <= query.after || (query.connection.is_set() && connection != query.connection)) return false;
    return query.queue.empty() || (queue != nullptr && queue->settings().name == query.queue);
}

/// The first `limit` of them, in order of id.
template <typename Link>
std::vector<const Link*> page_of(std::vector<const Link*> links, std::size_t limit) {
    const auto end = links.begin() + static_cast<std::ptrdiff_t>(std::min(limit, links.size()));
    std::partial_sort(links.begin(), end, links.end(), [](const Link* left, const Link* right) { return left->id < right->id; });
    links.erase(end, links.end());
    return links;
}

}  // namespace

std::vector<ConsumerView> Core::list_consumers(const LinkQuery& query) const {
    std::vector<const Consumer*> chosen;
    for (const auto& [id, consumer] : impl_->consumers) {
        if (!consumer->is_administrative && is_wanted(query, consumer->connection, consumer->queue, id.value)) {
            chosen.push_back(consumer.get());
        }
    }
    std::vector<ConsumerView> views;
    for (const Consumer* const consumer : page_of(std::move(chosen), query.limit)) {
        views.push_back({.id = consumer->id,
                         .connection = consumer->connection,
                         .name = consumer->name,
                         .queue = consumer->queue->settings().name,
                         .is_browser = consumer->mode == ConsumerMode::browse,
                         .selector = consumer->selector,
                         .credit = consumer->credit(),
                         .unsettled = consumer->unsettled,
                         .delivered = consumer->delivered,
                         .acknowledged = consumer->acknowledged,
                         .since = consumer->since});
    }
    return views;
}

std::vector<ProducerView> Core::list_producers(const LinkQuery& query) const {
    std::vector<const Producer*> chosen;
    for (const auto& [id, producer] : impl_->producers) {
        if (is_wanted(query, producer->connection, producer->queue, id.value)) chosen.push_back(producer.get());
    }
    std::vector<ProducerView> views;
    for (const Producer* const producer : page_of(std::move(chosen), query.limit)) {
        views.push_back({.id = producer->id,
                         .connection = producer->connection,
                         .name = producer->name,
                         .queue = producer->queue == nullptr ? std::string() : producer->queue->settings().name,
                         .sent = producer->sent,
                         .window = producer->window,
                         .since = producer->since});
    }
    return views;
}

Result<void> Core::end_consumer(ConsumerId id, const Error& reason) {
    const Consumer* const consumer = impl_->consumer(id);
    if (consumer == nullptr || consumer->is_administrative) return Error(errc::not_found, "there is no such consumer, any more");
    impl_->end_consumer(id, reason);
    return {};
}

Result<void> Core::end_producer(ProducerId id, const Error& reason) {
    const auto found = impl_->producers.find(id);
    if (found == impl_->producers.end()) return Error(errc::not_found, "there is no such producer, any more");
    ProducerPort* const port = found->second->port;
    impl_->close_producer(id);
    port->ended(reason);
    return {};
}

}  // namespace giromq::core
