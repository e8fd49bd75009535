#include "admin/alarms.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/log.hpp"

namespace giromq::admin {
namespace {

constexpr std::chrono::seconds calm_before_end{30};

bool less_is_worse(AlarmKind kind) {
    return kind == AlarmKind::disk || kind == AlarmKind::certificate_expiry || kind == AlarmKind::revocation_list;
}

bool reaches(AlarmKind kind, double value, double threshold) {
    if (threshold == 0) return false;
    return less_is_worse(kind) ? value <= threshold : value >= threshold;
}

std::optional<AlarmSeverity> severity_of(AlarmKind kind, double value, const AlarmThreshold& threshold) {
    if (reaches(kind, value, threshold.critical)) return AlarmSeverity::critical;
    if (reaches(kind, value, threshold.warning)) return AlarmSeverity::warning;
    return std::nullopt;
}

std::string whole(double number) { return std::to_string(std::llround(number)); }

std::string bytes_text(double bytes) {
    constexpr double mebibyte = 1 << 20;
    return bytes < mebibyte ? whole(bytes / 1024) + " KiB" : whole(bytes / mebibyte) + " MiB";
}

std::string days_text(double days) {
    if (days < 0) return "has expired";
    return "expires in " + whole(std::floor(days)) + (std::floor(days) == 1 ? " day" : " days");
}

std::string list_text(const std::string& object, double hours) {
    if (hours == lists_are_outdated) return "the revocation lists in " + object + " cannot be taken over; those read before stay in use";
    const std::string list = "the revocation list of " + object;
    if (hours < 0) return list + " has expired, so that its certificates are refused";
    return list + " expires in " + whole(std::floor(hours)) + (std::floor(hours) == 1 ? " hour" : " hours");
}

void log_raised(const Alarm& alarm) {
    const auto write = alarm.severity == AlarmSeverity::critical ? log::error : log::warning;
    write("alarm_raised", {{"alarm", alarm.id()}, {"severity", std::string(to_string(alarm.severity))}, {"reason", alarm.text()}});
}

}  // namespace

std::string_view to_string(AlarmKind kind) {
    switch (kind) {
        case AlarmKind::in_doubt_age: return "in-doubt-age";
        case AlarmKind::dead_letter_depth: return "dead-letter-depth";
        case AlarmKind::commit_latency: return "commit-latency";
        case AlarmKind::disk: return "disk";
        case AlarmKind::certificate_expiry: return "certificate-expiry";
        case AlarmKind::revocation_list: return "revocation-list";
        case AlarmKind::memory: return "memory";
    }
    return "disk";
}

std::string_view to_string(AlarmSeverity severity) { return severity == AlarmSeverity::critical ? "critical" : "warning"; }

const AlarmThreshold& AlarmSettings::of(AlarmKind kind) const {
    switch (kind) {
        case AlarmKind::in_doubt_age: return in_doubt_age_ms;
        case AlarmKind::dead_letter_depth: return dead_letter_messages;
        case AlarmKind::commit_latency: return commit_us;
        case AlarmKind::disk: return disk_free_bytes;
        case AlarmKind::certificate_expiry: return certificate_days;
        case AlarmKind::revocation_list: return revocation_hours;
        case AlarmKind::memory: return memory_bytes;
    }
    return disk_free_bytes;
}

std::string Alarm::id() const {
    const std::string word(to_string(kind));
    return object.empty() ? word : word + ":" + object;
}

std::string Alarm::text() const {
    switch (kind) {
        case AlarmKind::in_doubt_age: return "a transaction has been in doubt for " + whole(value / 1000) + " s";
        case AlarmKind::dead_letter_depth: return whole(value) + (value == 1 ? " message is" : " messages are") + " in " + object;
        case AlarmKind::commit_latency:
            return "of the group commits of the last minute, one in a hundred took " + whole(value / 1000) + " ms";
        case AlarmKind::disk: return "the store's file system has " + bytes_text(value) + " left";
        case AlarmKind::certificate_expiry: return "the certificate of " + object + " " + days_text(value);
        case AlarmKind::revocation_list: return list_text(object, value);
        case AlarmKind::memory: return "the broker uses " + bytes_text(value) + " of memory";
    }
    return {};
}

bool Alarms::update(const std::vector<AlarmFigure>& figures, Timestamp now, MonotonicTime monotonic_now) {
    bool changed = false;
    for (const auto& figure : figures) changed |= judge(figure, now, monotonic_now);
    changed |= end_old(monotonic_now);
    return changed;
}

bool Alarms::judge(const AlarmFigure& figure, Timestamp now, MonotonicTime monotonic_now) {
    const auto& threshold = settings_.of(figure.kind);
    const auto severity = severity_of(figure.kind, figure.value, threshold);
    const Key key{figure.kind, figure.object};
    auto found = states_.find(key);
    if (!severity && found == states_.end()) return false;
    const bool is_new = found == states_.end();
    if (is_new) {
        State state;
        state.alarm = {figure.kind, *severity, figure.object, now, figure.value, 0};
        found = states_.emplace(key, std::move(state)).first;
    }
    auto& [alarm, last_as_bad, seen] = found->second;
    alarm.value = figure.value;
    const bool is_graver = severity && *severity > alarm.severity;
    const bool is_as_bad = severity && *severity >= alarm.severity;
    if (is_as_bad) last_as_bad = monotonic_now;
    const bool has_calmed = !is_as_bad && monotonic_now - last_as_bad >= calm_before_end;
    // Without a severity, end_old() ends it.
    const bool is_milder = has_calmed && severity;
    if (is_graver || is_milder) alarm.severity = *severity;
    if (is_milder) last_as_bad = monotonic_now;
    seen = severity || !has_calmed;
    alarm.threshold = alarm.severity == AlarmSeverity::critical ? threshold.critical : threshold.warning;
    if (is_new || is_graver || is_milder) log_raised(alarm);
    return is_new || is_graver || is_milder;
}

bool Alarms::end_old(MonotonicTime now) {
    bool changed = false;
    for (auto state = states_.begin(); state != states_.end();) {
        const bool stays = state->second.seen || now - state->second.last_as_bad < calm_before_end;
        state->second.seen = false;
        if (stays) {
            ++state;
            continue;
        }
        log::info("alarm_ended", {{"alarm", state->second.alarm.id()}});
        state = states_.erase(state);
        changed = true;
    }
    return changed;
}

std::vector<Alarm> Alarms::raised() const {
    std::vector<Alarm> alarms;
    for (const auto& [key, state] : states_) alarms.push_back(state.alarm);
    std::stable_sort(alarms.begin(), alarms.end(), [](const Alarm& left, const Alarm& right) { return left.severity > right.severity; });
    return alarms;
}

}  // namespace giromq::admin
