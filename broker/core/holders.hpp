#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "model/ids.hpp"

namespace giromq::core {

/// Who has what of a strict queue, from the delivery until it is decided: settled, or its transaction committed or rolled back. What is
/// behind an entry that is out goes only to the consumer that has that one too, and behind one of a prepared branch to nobody.
class Holders {
public:
    /// Of a prepared branch, which is no consumer's any more.
    static constexpr ConsumerId nobody{};

    /// The entry is out. If it was out already, it has changed hands.
    void add(Position position, ConsumerId holder);
    /// It is decided. False if it was not out.
    bool remove(Position position);
    void clear();

    /// The first entry that is out and not with this consumer: nothing from there on is for it.
    std::optional<Position> limit_of(ConsumerId consumer) const;

private:
    std::unordered_map<Position, ConsumerId> holder_of_;
    std::map<ConsumerId, std::set<Position>> positions_of_;
};

}  // namespace giromq::core
