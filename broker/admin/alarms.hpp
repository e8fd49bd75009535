#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace giromq::admin {

enum class AlarmKind : std::uint8_t { in_doubt_age, dead_letter_depth, commit_latency, disk, certificate_expiry, revocation_list, memory };
inline constexpr std::array<AlarmKind, 7> alarm_kinds{AlarmKind::in_doubt_age, AlarmKind::dead_letter_depth,  AlarmKind::commit_latency,
                                                      AlarmKind::disk,         AlarmKind::certificate_expiry, AlarmKind::revocation_list,
                                                      AlarmKind::memory};
enum class AlarmSeverity : std::uint8_t { warning, critical };

std::string_view to_string(AlarmKind kind);  // "in-doubt-age"
std::string_view to_string(AlarmSeverity severity);

/// Where an alarm rises: at or above the value, or at or below it where less is worse (disk, certificate_expiry, revocation_list). 0:
/// never.
struct AlarmThreshold {
    double warning = 0;
    double critical = 0;
};

/// The defaults are those of the configuration.
struct AlarmSettings {
    AlarmThreshold in_doubt_age_ms{5 * 60e3, 60 * 60e3};
    AlarmThreshold dead_letter_messages{1, 1000};
    AlarmThreshold commit_us{250e3, 2000e3};  // the 99th percentile of the last minute
    AlarmThreshold disk_free_bytes{1024.0 * (1 << 20), 256.0 * (1 << 20)};
    AlarmThreshold certificate_days{30, 7};
    AlarmThreshold revocation_hours{24, 1};
    AlarmThreshold memory_bytes{2048.0 * (1 << 20), 4096.0 * (1 << 20)};  // resident memory of the process

    const AlarmThreshold& of(AlarmKind kind) const;
};

/// The figure of revocation lists that could not be read again; of others it is the hours that they are valid for.
inline constexpr double lists_are_outdated = 0;

/// A figure that may be an alarm. `object` is what it is of, empty for the broker as a whole.
struct AlarmFigure {
    AlarmKind kind = AlarmKind::disk;
    std::string object;
    double value = 0;
};

struct Alarm {
    AlarmKind kind = AlarmKind::disk;
    AlarmSeverity severity = AlarmSeverity::warning;
    std::string object;
    Timestamp since;
    double value = 0;  // in ms, messages, µs, bytes, days, hours, bytes
    double threshold = 0;

    /// The same as long as it is raised.
    std::string id() const;
    /// A sentence for people.
    std::string text() const;
};

/// Which alarms are raised. An alarm rises, and becomes graver, at once; it falls, or becomes less grave, when for 30 seconds its figure
/// has not been so bad any more, so that one that goes up and down is told of once. Both are logged. Not thread-safe.
class Alarms {
public:
    explicit Alarms(AlarmSettings settings) : settings_(settings) {}

    /// Takes effect with the next update().
    void set_settings(AlarmSettings settings) { settings_ = settings; }

    /// All figures of a moment; one that is not there any more is good. True if an alarm has risen, fallen or changed its severity.
    bool update(const std::vector<AlarmFigure>& figures, Timestamp now, MonotonicTime monotonic_now);

    /// The gravest first, then in order of kind and object.
    std::vector<Alarm> raised() const;

private:
    using Key = std::pair<AlarmKind, std::string>;
    struct State {
        Alarm alarm;
        MonotonicTime last_as_bad;  // when the figure was last as bad as the alarm says
        bool seen = false;          // in the update that is under way
    };

    bool judge(const AlarmFigure& figure, Timestamp now, MonotonicTime monotonic_now);
    bool end_old(MonotonicTime now);

    AlarmSettings settings_;
    std::map<Key, State> states_;
};

}  // namespace giromq::admin
