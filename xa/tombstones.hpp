#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "xa/journal.hpp"
#include "xa/xid.hpp"

namespace giromq::xa {

/// The outcomes of branches that have ended, the newest ones, bounded by number and by age. The oldest goes first.
class Tombstones {
public:
    Tombstones(std::size_t count_max, std::chrono::milliseconds age_max) : count_max_(count_max), age_max_(age_max) {}

    void add(const Tombstone& tombstone);
    std::optional<Outcome> find(const Xid& xid) const;
    std::size_t size() const { return outcomes_.size(); }

    /// Drops those that are older than the limit at `now`.
    void expire(WallTime now);

    /// What was dropped since it was last asked, for the journal.
    std::vector<Xid> take_dropped();
    std::size_t dropped() const { return dropped_.size(); }
    bool is_dropped(const Xid& xid) const { return dropped_.contains(xid); }

private:
    void drop_oldest();

    std::size_t count_max_;
    std::chrono::milliseconds age_max_;
    std::unordered_map<Xid, Outcome> outcomes_;
    std::deque<Tombstone> by_age_;
    std::set<Xid> dropped_;
};

}  // namespace giromq::xa
