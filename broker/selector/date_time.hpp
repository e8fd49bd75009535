#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace giromq::selector {

/// A span of time as in XSD 1.0 (§3.2.6): months, whose length depends on where they begin, and exact seconds. `nanos` counts upwards
/// from `seconds`, so minus half a second is -1 s and 500,000,000 ns.
struct Duration {
    std::int64_t months = 0;
    std::int64_t seconds = 0;
    std::uint32_t nanos = 0;  // 0 to 999,999,999

    /// The lexical form of xs:duration: "P1Y2M3DT4H5M6.7S", "-PT90S". At most nine digits of a second, and about 10,000 years.
    static std::optional<Duration> parse(std::string_view text);
    std::string to_string() const;
    Duration negated() const;
    static std::optional<Duration> add(const Duration& left, const Duration& right);
    /// The order of XSD: that of the sums with four reference points. Unordered where they disagree, as P1M and P30D do.
    static std::partial_ordering compare(const Duration& left, const Duration& right);

    friend bool operator==(const Duration&, const Duration&) = default;
};

/// A point of time from the year 1 to 9999, exact to the nanosecond, with a time zone or without one (XSD 1.0 §3.2.7).
struct DateTime {
    std::int64_t seconds = 0;  // since 1970-01-01T00:00:00, in UTC if it has a zone, otherwise as the clock on the wall showed it
    std::uint32_t nanos = 0;   // 0 to 999,999,999
    bool has_zone = false;

    /// The lexical form of xs:dateTime: "2026-12-31T23:59:59.5+01:00".
    static std::optional<DateTime> parse(std::string_view text);
    /// The same, or that of xs:date, which stands for its first instant.
    static std::optional<DateTime> parse_with_dates(std::string_view text);
    /// Milliseconds as JMS and AMQP count them.
    static std::optional<DateTime> of_milliseconds(std::int64_t milliseconds);
    /// In UTC if it has a zone.
    std::string to_string() const;

    static std::optional<DateTime> add(const DateTime& start, const Duration& span);
    /// Nothing if only one of them has a zone.
    static std::optional<Duration> subtract(const DateTime& left, const DateTime& right);
    /// The order of XSD: unordered if only one of them has a zone and they are within 14 hours.
    static std::partial_ordering compare(const DateTime& left, const DateTime& right);

    friend bool operator==(const DateTime&, const DateTime&) = default;
};

}  // namespace giromq::selector
