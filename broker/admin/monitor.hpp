#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/alarms.hpp"
#include "admin/history.hpp"
#include "admin/overview.hpp"
#include "admin/ports.hpp"

namespace giromq::admin {

/// One look at the broker.
struct Observation {
    Overview overview;
    std::uint64_t resident_bytes = 0;
    std::vector<CertificateView> certificates;
    std::vector<RevocationListView> revocation_lists;
    MonotonicTime at;
};

/// What came of it.
struct Moment {
    Sample sample;
    std::optional<std::vector<Alarm>> alarms;  // all that are raised, if that has changed
};

/// Observes the broker once a second: history, alarms, and how long commits take. Thread-safe.
class Monitor {
public:
    explicit Monitor(AlarmSettings settings) : alarms_(settings) {}

    Moment observe(const Observation& observation);

    void set_alarms(AlarmSettings settings);
    std::vector<Alarm> alarms() const;
    History::View history(History::Range range) const;
    CommitTimes last_minute() const;

private:
    /// What the figures since an observation are counted from.
    struct Before {
        MonotonicTime at;
        std::uint64_t enqueued = 0;
        std::uint64_t delivered = 0;
        std::uint64_t acknowledged = 0;
        std::vector<std::uint64_t> commits;  // by range of the histogram
    };

    Sample sample_of(const Observation& observation) const;
    void keep(const Observation& observation);

    mutable std::mutex mutex_;
    History history_;
    Alarms alarms_;
    std::deque<Before> before_;  // of the last minute, oldest first
    CommitTimes last_minute_;
};

/// How long the commits took that `now` counts and `before` does not; `before` may be empty.
CommitTimes commit_times(const Histogram& now, const std::vector<std::uint64_t>& before);

}  // namespace giromq::admin
