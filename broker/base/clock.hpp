#pragma once

#include <chrono>
#include <cstdint>

namespace giromq {

/// A point of wall-clock time in milliseconds since 1970-01-01T00:00:00Z, as AMQP 1.0 (§1.6.17) and JMS count it. Zero means "none".
struct Timestamp {
    std::int64_t milliseconds = 0;

    constexpr bool is_set() const { return milliseconds != 0; }
    friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

/// Time of a clock that never jumps, for timeouts and latencies.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// The only source of time in the broker, so that tests and the simulation own it. Implementations are thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Timestamp wall_now() const = 0;
    virtual MonotonicTime monotonic_now() const = 0;
};

/// The clocks of the operating system.
class SystemClock final : public Clock {
public:
    Timestamp wall_now() const override;
    MonotonicTime monotonic_now() const override;
};

}  // namespace giromq
