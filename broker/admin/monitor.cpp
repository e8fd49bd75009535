#include "admin/monitor.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace giromq::admin {
namespace {

constexpr std::size_t seconds_per_minute = 60;
constexpr std::uint64_t nanoseconds_per_microsecond = 1000;
constexpr double milliseconds_per_hour = 60 * 60 * 1000.0;
constexpr double milliseconds_per_day = 24 * 60 * 60 * 1000.0;

/// Where the share `rank` of the commits ends, within the ranges by a straight line.
double quantile(const std::vector<std::uint64_t>& counts, const Histogram& times, double rank) {
    std::uint64_t below = 0;
    for (std::size_t range = 0; range < counts.size(); ++range) {
        const auto count = counts[range];
        if (count == 0 || static_cast<double>(below + count) < rank) {
            below += count;
            continue;
        }
        const double low = range == 0 ? 0 : static_cast<double>(times.bounds()[range - 1]);
        const bool is_open = range == times.bounds().size();
        const double high = is_open ? static_cast<double>(times.max()) : static_cast<double>(times.bounds()[range]);
        return low + (std::max(low, std::min(high, static_cast<double>(times.max()))) - low) * (rank - static_cast<double>(below)) /
                         static_cast<double>(count);
    }
    return 0;
}

std::uint64_t to_microseconds(double nanoseconds) {
    return static_cast<std::uint64_t>(std::llround(nanoseconds / static_cast<double>(nanoseconds_per_microsecond)));
}

double rate(std::uint64_t now, std::uint64_t before, double seconds) {
    return now < before || seconds <= 0 ? 0 : static_cast<double>(now - before) / seconds;
}

std::vector<AlarmFigure> figures_of(const Observation& observation, const CommitTimes& commits) {
    const auto& overview = observation.overview;
    std::vector<AlarmFigure> figures;
    if (overview.transactions.oldest_prepared_at.is_set()) {
        const auto age_ms = overview.now.milliseconds - overview.transactions.oldest_prepared_at.milliseconds;
        figures.push_back({AlarmKind::in_doubt_age, {}, static_cast<double>(age_ms)});
    }
    for (const auto& queue : overview.core.dead_letters) {
        figures.push_back({AlarmKind::dead_letter_depth, queue.queue, static_cast<double>(queue.messages)});
    }
    figures.push_back({AlarmKind::commit_latency, {}, static_cast<double>(commits.p99_us)});
    // Nothing left and not full: it has not been looked at yet.
    if (overview.store.free_bytes > 0 || overview.store.disk_full) {
        figures.push_back({AlarmKind::disk, {}, static_cast<double>(overview.store.free_bytes)});
    }
    figures.push_back({AlarmKind::memory, {}, static_cast<double>(observation.resident_bytes)});
    for (const auto& certificate : observation.certificates) {
        const auto left_ms = certificate.not_after.milliseconds - overview.now.milliseconds;
        figures.push_back({AlarmKind::certificate_expiry, certificate.listener, static_cast<double>(left_ms) / milliseconds_per_day});
    }
    for (const auto& list : observation.revocation_lists) {
        const auto left_ms = static_cast<double>(list.valid_until.milliseconds - overview.now.milliseconds);
        const auto hours = list.valid_until.is_set() ? left_ms / milliseconds_per_hour : lists_are_outdated;
        figures.push_back({AlarmKind::revocation_list, list.object, hours});
    }
    return figures;
}

}  // namespace

CommitTimes commit_times(const Histogram& now, const std::vector<std::uint64_t>& before) {
    std::vector<std::uint64_t> counts(now.counts().begin(), now.counts().end());
    for (std::size_t range = 0; range < std::min(counts.size(), before.size()); ++range) counts[range] -= before[range];
    CommitTimes times;
    for (const auto count : counts) times.commits += count;
    if (times.commits == 0) return times;
    const auto commits = static_cast<double>(times.commits);
    times.p50_us = to_microseconds(quantile(counts, now, commits * 0.5));
    times.p99_us = to_microseconds(quantile(counts, now, commits * 0.99));
    times.max_us = to_microseconds(quantile(counts, now, commits));
    return times;
}

Moment Monitor::observe(const Observation& observation) {
    const std::lock_guard lock(mutex_);
    static const std::vector<std::uint64_t> nothing;
    last_minute_ = commit_times(observation.overview.commits.commit_nanoseconds, before_.empty() ? nothing : before_.front().commits);
    Moment moment;
    moment.sample = sample_of(observation);
    history_.add(moment.sample, observation.at);
    const auto figures = figures_of(observation, last_minute_);
    if (alarms_.update(figures, observation.overview.now, observation.at)) moment.alarms = alarms_.raised();
    keep(observation);
    return moment;
}

Sample Monitor::sample_of(const Observation& observation) const {
    const auto& overview = observation.overview;
    Sample sample;
    sample.at = overview.now;
    if (!before_.empty()) {
        const auto& before = before_.back();
        const auto seconds = std::chrono::duration<double>(observation.at - before.at).count();
        sample[Series::enqueued_rate] = rate(overview.core.enqueued, before.enqueued, seconds);
        sample[Series::delivered_rate] = rate(overview.core.delivered, before.delivered, seconds);
        sample[Series::acknowledged_rate] = rate(overview.core.acknowledged, before.acknowledged, seconds);
    }
    sample[Series::messages] = static_cast<double>(overview.core.messages);
    sample[Series::bytes] = static_cast<double>(overview.core.bytes);
    sample[Series::commit_p99_us] = static_cast<double>(last_minute_.p99_us);
    sample[Series::wal_bytes] = static_cast<double>(overview.store.wal_bytes);
    sample[Series::disk_free_bytes] = static_cast<double>(overview.store.free_bytes);
    sample[Series::memory_bytes] = static_cast<double>(observation.resident_bytes);
    sample[Series::connections] = static_cast<double>(overview.connections);
    return sample;
}

void Monitor::keep(const Observation& observation) {
    const auto& overview = observation.overview;
    const auto counts = overview.commits.commit_nanoseconds.counts();
    before_.push_back({observation.at, overview.core.enqueued, overview.core.delivered, overview.core.acknowledged,
                       std::vector<std::uint64_t>(counts.begin(), counts.end())});
    if (before_.size() > seconds_per_minute) before_.pop_front();
}

void Monitor::set_alarms(AlarmSettings settings) {
    const std::lock_guard lock(mutex_);
    alarms_.set_settings(settings);
}

std::vector<Alarm> Monitor::alarms() const {
    const std::lock_guard lock(mutex_);
    return alarms_.raised();
}

History::View Monitor::history(History::Range range) const {
    const std::lock_guard lock(mutex_);
    return history_.view(range);
}

CommitTimes Monitor::last_minute() const {
    const std::lock_guard lock(mutex_);
    return last_minute_;
}

}  // namespace giromq::admin
