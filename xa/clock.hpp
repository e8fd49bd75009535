#pragma once

#include <chrono>

namespace giromq::xa {

/// Time of day, for what a person reads and what is kept in the journal.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Time that never jumps, for timeouts.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// The only source of time of this library, so that its owner (the core, a test, the simulation) rules it.
class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime wall_now() const = 0;
    virtual SteadyTime steady_now() const = 0;
};

}  // namespace giromq::xa
