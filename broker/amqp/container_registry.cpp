#include "amqp/connection.hpp"

namespace giromq::amqp {

bool ContainerRegistry::claim(const std::string& container_id, ConnectionId connection) {
    const std::lock_guard lock(mutex_);
    return holders_.try_emplace(container_id, connection).first->second == connection;
}

void ContainerRegistry::release(const std::string& container_id, ConnectionId connection) {
    const std::lock_guard lock(mutex_);
    const auto holder = holders_.find(container_id);
    if (holder != holders_.end() && holder->second == connection) holders_.erase(holder);
}

}  // namespace giromq::amqp
