#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace giromq {

/// How often values fell into each of fixed ranges, for metrics. A plain value: whoever counts guards it and hands out copies.
class Histogram {
public:
    /// The ranges by their largest values, ascending; one more is for everything above. The bounds outlive it.
    explicit Histogram(std::span<const std::uint64_t> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

    void add(std::uint64_t value) {
        const auto range = std::lower_bound(bounds_.begin(), bounds_.end(), value);
        ++counts_[static_cast<std::size_t>(range - bounds_.begin())];
        ++count_;
        sum_ += value;
        max_ = std::max(max_, value);
    }

    std::span<const std::uint64_t> bounds() const { return bounds_; }
    /// One for each bound, and a last one for what is above all of them.
    std::span<const std::uint64_t> counts() const { return counts_; }
    std::uint64_t count() const { return count_; }
    std::uint64_t sum() const { return sum_; }
    std::uint64_t max() const { return max_; }

private:
    std::span<const std::uint64_t> bounds_;
    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace giromq
