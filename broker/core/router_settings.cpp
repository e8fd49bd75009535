#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/router.hpp"

// Queues as administrators list and change them.

namespace giromq::core {
namespace {

char lower(char one) { return one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one; }

bool holds(std::string_view name, std::string_view part) {
    const auto same = [](char left, char right) { return lower(left) == lower(right); };
    return std::search(name.begin(), name.end(), part.begin(), part.end(), same) != name.end();
}

bool is_wanted(const DestinationSettings& settings, const QueueQuery& query) {
    const bool is_paused = settings.is_sending_paused || settings.is_receiving_paused;
    return (!query.origin || settings.origin == *query.origin) && (!query.is_paused || is_paused == *query.is_paused) &&
           (query.name_part.empty() || holds(settings.name, query.name_part));
}

struct Place {
    std::uint64_t value = 0;
    std::string_view name;
    const Queue* queue = nullptr;
};

/// The order of a query: by value, those that are the same by name.
class Before {
public:
    explicit Before(const QueueQuery& query) : is_descending_(query.is_descending), by_name_(query.order == QueueQuery::Order::name) {}

    bool operator()(const Place& left, const Place& right) const {
        if (left.value != right.value) return is_descending_ ? left.value > right.value : left.value < right.value;
        return by_name_ && is_descending_ ? left.name > right.name : left.name < right.name;
    }

private:
    bool is_descending_;
    bool by_name_;
};

}  // namespace

std::uint64_t Queue::order_value(const QueueQuery& query) const {
    using Order = QueueQuery::Order;
    switch (query.order) {
        case Order::name: return 0;
        case Order::messages: return messages_;
        case Order::bytes: return bytes_;
        case Order::consumers: return consumers_.size() - administrators_;
        case Order::producers: return producer_count;
        case Order::oldest_arrived_at: break;
        case Order::enqueued: return counters_.enqueued;
        case Order::dead_lettered: return counters_.dead_lettered;
    }
    // Queues of which it is not known come last, whichever the order.
    const auto at = oldest_arrived_at();
    if (at) return static_cast<std::uint64_t>(at->milliseconds);
    return query.is_descending ? 0 : std::numeric_limits<std::uint64_t>::max();
}

/// One pass over the queues, and only those of the page are looked at closely: with 10,000 of them this must not hold up the core.
QueueList Router::list(const QueueQuery& query) const {
    const Before before(query);
    const Place after{query.after_value, query.after_name, nullptr};
    std::vector<Place> places;
    for (const auto& [name, id] : names_) {
        const Queue& queue = *queues_.at(id);
        if (queue.closing() || is_opening(name) || !is_wanted(queue.settings(), query)) continue;
        const Place place{queue.order_value(query), name, &queue};
        if (query.after_name.empty() || before(after, place)) places.push_back(place);
    }
    QueueList list;
    list.more = places.size() > query.limit;
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::min(query.limit, places.size()));
    std::partial_sort(places.begin(), end, places.end(), before);
    for (auto place = places.begin(); place != end; ++place) {
        list.items.push_back(place->queue->view());
        list.last_value = place->value;
    }
    return list;
}

void Router::change(DestinationId id, DestinationSettings settings, UniqueFunction<void(Result<void>)> done) {
    Queue* const queue = find(id);
    if (queue == nullptr || queue->closing()) return done(Error(errc::not_found));
    const auto& old = queue->settings();
    if (opening_.contains(old.name) || queue->is_changing) {
        return done(Error(errc::not_ready, "queue '" + old.name + "' is being changed; try again"));
    }
    if (const auto allowed = check_dead_letter_queue(settings.dead_letter_queue); !allowed.ok()) return done(allowed.error());
    settings.name = old.name;
    settings.kind = old.kind;
    settings.origin = old.origin;
    if (queue->is_temporary()) {
        queue->update(std::move(settings));
        room_changed(*queue);
        return done({});
    }
    tx::UnitOfWork work;
    work.stage(store::PutDestination{id, settings, queue->created_at()});
    // Without its dead-letter queue it could not send on what fails.
    static_cast<void>(dead_letter_queue(settings.dead_letter_queue, work));
    queue->is_changing = true;
    work.then([this, id, settings = std::move(settings), done = std::move(done)](const store::UnitResult& result) mutable {
        Queue* const changed = find(id);
        if (changed != nullptr) changed->is_changing = false;
        if (changed != nullptr && result.durable) {
            changed->row_is_durable();
            changed->update(std::move(settings));
            room_changed(*changed);
        }
        done(result.durable ? Result<void>() : Result<void>(Error(errc::not_ready, result.error.to_string())));
    });
    context_.commit(std::move(work));
}

}  // namespace giromq::core
