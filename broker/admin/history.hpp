#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace giromq::admin {

/// What is recorded once a second, in this order. Rates are per second.
enum class Series : std::uint8_t {
    enqueued_rate,
    delivered_rate,
    acknowledged_rate,
    messages,
    bytes,
    commit_p99_us,
    wal_bytes,
    disk_free_bytes,
    memory_bytes,
    connections,
};
inline constexpr std::size_t series_count = 10;
/// As REST calls them.
inline constexpr std::array<std::string_view, series_count> series_names{
    "enqueuedRate", "deliveredRate", "acknowledgedRate", "messages",    "bytes",
    "commitP99Us",  "walBytes",      "diskFreeBytes",    "memoryBytes", "connections"};

/// One moment of the broker.
struct Sample {
    Timestamp at;
    std::array<double, series_count> values{};

    double& operator[](Series series) { return values[static_cast<std::size_t>(series)]; }
    double operator[](Series series) const { return values[static_cast<std::size_t>(series)]; }
};

/// The samples of the last hour by the second and of the last day by the minute, in memory that never grows. A minute has the means of its
/// seconds, and the largest of the commit latencies. Seconds without a sample (the machine was out of breath) have no value: NaN.
/// Not thread-safe.
class History {
public:
    enum class Range : std::uint8_t { hour, day };

    struct View {
        std::int64_t step_ms = 0;
        Timestamp from;  // of the first value, a minute's at its end; not set if there is none
        std::vector<std::array<double, series_count>> values;
    };

    /// `now` never jumps; the sample's own time is what people are shown.
    void add(const Sample& sample, MonotonicTime now);
    View view(Range range) const;

private:
    using Values = std::array<double, series_count>;

    /// The last `capacity` values, one for each step.
    class Ring {
    public:
        explicit Ring(std::size_t capacity) : capacity_(capacity) {}
        void push(const Values& values);
        std::size_t size() const { return values_.size(); }
        std::size_t capacity() const { return capacity_; }
        std::vector<Values> in_order() const;

    private:
        const std::size_t capacity_;
        std::vector<Values> values_;
        std::size_t next_ = 0;  // where the next one goes, once it is full
    };

    void push_second(const Values& values, Timestamp at);
    void end_minute();

    Ring seconds_{3600};
    Ring minutes_{1440};
    std::vector<Values> minute_;  // the seconds of the minute that is under way
    bool has_begun_ = false;
    MonotonicTime begun_at_{};
    std::int64_t last_second_ = 0;
    Timestamp last_at_;
    Timestamp last_minute_at_;
};

}  // namespace giromq::admin
