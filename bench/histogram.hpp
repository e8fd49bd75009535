#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace giromq::bench {

/// Latencies in nanoseconds, all kept: a run has a few million at the most, and quantiles are then exact.
class Latencies {
public:
    void record(std::chrono::nanoseconds latency) { values_.push_back(latency.count()); }
    void add(const Latencies& other) { values_.insert(values_.end(), other.values_.begin(), other.values_.end()); }
    std::size_t count() const { return values_.size(); }

    /// In microseconds; 0 if nothing was recorded.
    double quantile_us(double quantile) {
        if (values_.empty()) return 0;
        const auto index = static_cast<std::size_t>(quantile * static_cast<double>(values_.size() - 1));
        std::nth_element(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(index), values_.end());
        return static_cast<double>(values_[index]) / 1000.0;
    }

private:
    std::vector<std::int64_t> values_;
};

}  // namespace giromq::bench
