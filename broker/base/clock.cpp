#include "base/clock.hpp"

namespace giromq {

Timestamp SystemClock::wall_now() const {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return Timestamp{std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

MonotonicTime SystemClock::monotonic_now() const {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now());
}

}  // namespace giromq
