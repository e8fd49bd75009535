#include "core/holders.hpp"

namespace giromq::core {

void Holders::add(Position position, ConsumerId holder) {
    remove(position);
    holder_of_.emplace(position, holder);
    positions_of_[holder].insert(position);
}

bool Holders::remove(Position position) {
    const auto node = holder_of_.extract(position);
    if (node.empty()) return false;
    const auto positions = positions_of_.find(node.mapped());
    positions->second.erase(position);
    if (positions->second.empty()) positions_of_.erase(positions);
    return true;
}

void Holders::clear() {
    holder_of_.clear();
    positions_of_.clear();
}

std::optional<Position> Holders::limit_of(ConsumerId consumer) const {
    std::optional<Position> limit;
    for (const auto& [holder, positions] : positions_of_) {
        if (holder == consumer && holder != nobody) continue;
        if (!limit || *positions.begin() < *limit) limit = *positions.begin();
    }
    return limit;
}

}  // namespace giromq::core
