#include "producer_routes.hpp"

#include <algorithm>
#include <utility>

#include "producer_core.hpp"
#include "session_core.hpp"

namespace giromq::detail {
namespace {

/// A broker limits the links of a session, and answers go to ever new temporary queues.
constexpr std::size_t routes_max = 64;

/// A temporary queue changes its name with the connection and stays the same object.
bool same(const Destination& one, const Destination& other) {
    return &one == &other || (one.kind() == other.kind() && one.name() == other.name());
}

}  // namespace

std::shared_ptr<ProducerCore> ProducerRoutes::find(const Destination& destination) {
    const std::scoped_lock lock(mutex_, session_.connection().mutex());
    // One that the broker has ended is of no more use; a new attempt tells what is wrong now.
    std::erase_if(routes_, [](const auto& route) { return route->state() == LinkCore::State::failed || route->is_closed(); });
    const auto found =
        std::find_if(routes_.begin(), routes_.end(), [&](const auto& route) { return same(*route->destination(), destination); });
    if (found == routes_.end()) return nullptr;
    routes_.splice(routes_.begin(), routes_, found);
    return routes_.front();
}

std::shared_ptr<ProducerCore> ProducerRoutes::add(const std::shared_ptr<ProducerCore>& route) {
    const std::lock_guard lock(mutex_);
    routes_.push_front(route);
    if (routes_.size() <= routes_max) return nullptr;
    auto unused = std::move(routes_.back());
    routes_.pop_back();
    return unused;
}

std::shared_ptr<ProducerCore> ProducerRoutes::to(const DestinationPtr& destination) {
    if (auto route = find(*destination)) return route;
    auto route = session_.create_producer(destination);
    if (const auto unused = add(route)) unused->dispose();
    return route;
}

void ProducerRoutes::close() {
    std::list<std::shared_ptr<ProducerCore>> routes;
    {
        const std::lock_guard lock(mutex_);
        routes.swap(routes_);
    }
    for (const auto& route : routes) route->close();
}

}  // namespace giromq::detail
