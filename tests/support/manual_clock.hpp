#pragma once

#include <chrono>

#include "base/clock.hpp"

namespace giromq::test {

/// A clock that moves only when the test says so.
class ManualClock final : public Clock {
public:
    Timestamp wall_now() const override { return Timestamp{wall_ms_}; }
    MonotonicTime monotonic_now() const override { return MonotonicTime(monotonic_); }

    void advance(std::chrono::milliseconds time) {
        wall_ms_ += time.count();
        monotonic_ += time;
    }

private:
    std::int64_t wall_ms_ = 1'800'000'000'000;
    std::chrono::nanoseconds monotonic_{1'000'000'000};
};

}  // namespace giromq::test
