#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace giromq::simulation {

/// Chance from a seed; the same on every machine (the distributions of the standard library are not).
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    /// 0 to `limit` - 1.
    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    /// `low` to `high`, both included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    bool percent(std::uint64_t chance) { return below(100) < chance; }

    template <typename T>
    T& pick(std::vector<T>& from) {
        return from[static_cast<std::size_t>(below(from.size()))];
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace giromq::simulation
