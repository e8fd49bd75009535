#include "main/alarm_settings.hpp"

#include <cstdint>

namespace giromq::daemon {
namespace {

admin::AlarmThreshold times(std::chrono::milliseconds warning, std::chrono::milliseconds critical, double per_millisecond) {
    return {static_cast<double>(warning.count()) * per_millisecond, static_cast<double>(critical.count()) * per_millisecond};
}

admin::AlarmThreshold amounts(std::uint64_t warning, std::uint64_t critical) {
    return {static_cast<double>(warning), static_cast<double>(critical)};
}

}  // namespace

admin::AlarmSettings alarm_settings(const config::Config& config) {
    constexpr double hours_per_millisecond = 1.0 / (60 * 60 * 1000);
    constexpr double days_per_millisecond = 1.0 / (24 * 60 * 60 * 1000);
    const auto& alarms = config.alarms;
    admin::AlarmSettings settings;
    settings.in_doubt_age_ms = times(config.core.in_doubt_alarm, alarms.in_doubt_critical, 1);
    settings.dead_letter_messages = amounts(alarms.dead_letter_warning, alarms.dead_letter_critical);
    settings.commit_us = times(alarms.commit_warning, alarms.commit_critical, 1000);
    settings.disk_free_bytes = amounts(alarms.disk_warning_bytes, alarms.disk_critical_bytes);
    settings.certificate_days = times(alarms.certificate_warning, alarms.certificate_critical, days_per_millisecond);
    settings.revocation_hours = times(alarms.revocation_warning, alarms.revocation_critical, hours_per_millisecond);
    settings.memory_bytes = amounts(alarms.memory_warning_bytes, alarms.memory_critical_bytes);
    return settings;
}

}  // namespace giromq::daemon
