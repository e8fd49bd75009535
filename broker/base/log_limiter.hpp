#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.hpp"

namespace giromq::log {

/// For a line that may be due many times a second as long as some trouble lasts: the first is written at once, then one in each period,
/// which says how many were left out.
///
///     if (const auto left_out = limiter.pass(now)) log::warning("unit_refused", {{"error", text}, {"left_out", *left_out}});
///
/// Threads: those of its owner.
class Limiter {
public:
    explicit Limiter(std::chrono::milliseconds period = std::chrono::seconds(10)) : period_(period) {}

    /// How many lines have been left out since the last one that was written; nothing if this one is left out too.
    std::optional<std::uint64_t> pass(MonotonicTime now) {
        if (next_ && now < *next_) {
            ++left_out_;
            return std::nullopt;
        }
        next_ = now + period_;
        return std::exchange(left_out_, 0);
    }

private:
    std::chrono::milliseconds period_;
    std::optional<MonotonicTime> next_;
    std::uint64_t left_out_ = 0;
};

}  // namespace giromq::log
