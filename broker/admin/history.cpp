#include "admin/history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace giromq::admin {
namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t minute_ms = 60 * second_ms;
constexpr std::size_t seconds_per_minute = 60;

}  // namespace

void History::Ring::push(const Values& values) {
    if (values_.size() < capacity_) {
        values_.push_back(values);
        return;
    }
    values_[next_] = values;
    next_ = (next_ + 1) % capacity_;
}

std::vector<History::Values> History::Ring::in_order() const {
    std::vector<Values> ordered;
    ordered.reserve(values_.size());
    const auto oldest = values_.begin() + static_cast<std::ptrdiff_t>(next_);
    ordered.insert(ordered.end(), oldest, values_.end());
    ordered.insert(ordered.end(), values_.begin(), oldest);
    return ordered;
}

void History::add(const Sample& sample, MonotonicTime now) {
    if (!has_begun_) {
        has_begun_ = true;
        begun_at_ = now;
        last_second_ = -1;
    }
    // Rounded, so that a timer that comes a little early or late neither skips a second nor has two of one.
    const auto second = std::chrono::round<std::chrono::seconds>(now - begun_at_).count();
    if (second <= last_second_) return;
    Values nothing;
    nothing.fill(no_value);
    const auto missing = std::min(second - last_second_ - 1, static_cast<std::int64_t>(minutes_.capacity() * seconds_per_minute));
    for (auto ago = missing; ago > 0; --ago) push_second(nothing, {sample.at.milliseconds - ago * second_ms});
    push_second(sample.values, sample.at);
    last_second_ = second;
}

void History::push_second(const Values& values, Timestamp at) {
    seconds_.push(values);
    last_at_ = at;
    minute_.push_back(values);
    if (minute_.size() < seconds_per_minute) return;
    end_minute();
    last_minute_at_ = at;
}

void History::end_minute() {
    Values mean;
    for (std::size_t series = 0; series < series_count; ++series) {
        double sum = 0;
        double largest = 0;
        std::size_t count = 0;
        for (const auto& second : minute_) {
            if (std::isnan(second[series])) continue;
            sum += second[series];
            largest = std::max(largest, second[series]);
            ++count;
        }
        const bool is_latency = series == static_cast<std::size_t>(Series::commit_p99_us);
        mean[series] = count == 0 ? no_value : is_latency ? largest : sum / static_cast<double>(count);
    }
    minutes_.push(mean);
    minute_.clear();
}

History::View History::view(Range range) const {
    const bool is_hour = range == Range::hour;
    View view;
    view.step_ms = is_hour ? second_ms : minute_ms;
    view.values = (is_hour ? seconds_ : minutes_).in_order();
    if (view.values.empty()) return view;
    const auto last = is_hour ? last_at_ : last_minute_at_;
    view.from.milliseconds = last.milliseconds - static_cast<std::int64_t>(view.values.size() - 1) * view.step_ms;
    return view;
}

}  // namespace giromq::admin
