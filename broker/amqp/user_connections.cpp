#include "amqp/connection.hpp"

namespace giromq::amqp {

bool UserConnections::admit(const std::string& user, std::uint32_t max) {
    const std::lock_guard lock(mutex_);
    auto& count = counts_[user];
    if (count >= max) return false;
    ++count;
    return true;
}

void UserConnections::leave(const std::string& user) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(user);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace giromq::amqp
