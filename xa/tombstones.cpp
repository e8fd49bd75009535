#include "xa/tombstones.hpp"

#include <utility>

namespace giromq::xa {

void Tombstones::add(const Tombstone& tombstone) {
    if (!outcomes_.emplace(tombstone.xid, tombstone.outcome).second) return;
    by_age_.push_back(tombstone);
    if (outcomes_.size() > count_max_) drop_oldest();
}

std::optional<Outcome> Tombstones::find(const Xid& xid) const {
    const auto found = outcomes_.find(xid);
    return found == outcomes_.end() ? std::nullopt : std::optional(found->second);
}

void Tombstones::expire(WallTime now) {
    while (!by_age_.empty() && now - by_age_.front().resolved_at > age_max_) drop_oldest();
}

std::vector<Xid> Tombstones::take_dropped() {
    const std::set<Xid> dropped = std::exchange(dropped_, {});
    return {dropped.begin(), dropped.end()};
}

void Tombstones::drop_oldest() {
    const Xid xid = by_age_.front().xid;
    by_age_.pop_front();
    outcomes_.erase(xid);
    dropped_.insert(xid);
}

}  // namespace giromq::xa
