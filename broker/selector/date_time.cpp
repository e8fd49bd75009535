#include "selector/date_time.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/ascii.hpp"

namespace giromq::selector {
namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::int64_t nanos_per_second = 1'000'000'000;
constexpr std::int64_t months_max = 12 * 10'000;
constexpr std::int64_t seconds_max = 10'000 * 366 * day_seconds;
constexpr std::int64_t zone_seconds_max = 14 * 3600;

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_of_month(std::int64_t year, int month) {
    constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

/// Days before the first of January of the year, counted from the year 1.
std::int64_t days_before_year(std::int64_t year) {
    const std::int64_t past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

struct Date {
    std::int64_t year = 1970;
    int month = 1;
    int day = 1;
};

constexpr std::int64_t epoch_days = 719'162;  // days_before_year(1970)

std::int64_t to_days(const Date& date) {
    std::int64_t days = days_before_year(date.year) - epoch_days;
    for (int month = 1; month < date.month; ++month) days += days_of_month(date.year, month);
    return days + date.day - 1;
}

Date to_date(std::int64_t days) {
    const std::int64_t since_year_one = days + epoch_days;
    Date date{since_year_one / 366 + 1, 1, 1};
    while (days_before_year(date.year + 1) <= since_year_one) ++date.year;
    std::int64_t rest = since_year_one - days_before_year(date.year);
    while (rest >= days_of_month(date.year, date.month)) rest -= days_of_month(date.year, date.month++);
    date.day = static_cast<int>(rest) + 1;
    return date;
}

std::int64_t floor_divide(std::int64_t number, std::int64_t divisor) { return number / divisor - (number % divisor < 0 ? 1 : 0); }

/// The first and the last second that a DateTime may be at.
const std::int64_t first_second = to_days({1, 1, 1}) * day_seconds;
const std::int64_t end_second = to_days({10'000, 1, 1}) * day_seconds;

std::optional<DateTime> in_range(DateTime time) {
    if (time.seconds < first_second || time.seconds >= end_second) return std::nullopt;
    return time;
}

/// Reads a lexical form from left to right. What does not fit makes it fail once and for all.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }
    void fail() { ok_ = false; }

    bool skip(char expected) {
        if (rest_.empty() || rest_[0] != expected) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void require(char expected) { ok_ = skip(expected) && ok_; }

    /// Exactly `width` digits, from `least` to `most`; `least` if that is not what is there, so that what is computed with it stays in
    /// range.
    int number(std::size_t width, int least, int most) {
        int value = 0;
        for (std::size_t index = 0; index < width; ++index) {
            if (index >= rest_.size() || !is_digit(rest_[index])) {
                ok_ = false;
                return least;
            }
            value = value * 10 + (rest_[index] - '0');
        }
        rest_.remove_prefix(width);
        if (value >= least && value <= most) return value;
        ok_ = false;
        return least;
    }

    /// One to twelve digits; nothing if there is none.
    std::optional<std::int64_t> digits() {
        std::size_t width = 0;
        std::int64_t value = 0;
        for (; width < rest_.size() && is_digit(rest_[width]); ++width) {
            if (width >= 12) ok_ = false;
            if (ok_) value = value * 10 + (rest_[width] - '0');
        }
        rest_.remove_prefix(width);
        return width == 0 ? std::nullopt : std::optional(value);
    }

    /// Behind a point that was skipped: one digit or more, none but zeros behind the ninth.
    std::uint32_t fraction() {
        std::uint32_t nanos = 0;
        std::size_t width = 0;
        for (; width < rest_.size() && is_digit(rest_[width]); ++width) {
            if (width < 9)
                nanos = nanos * 10 + static_cast<std::uint32_t>(rest_[width] - '0');
            else if (rest_[width] != '0')
                ok_ = false;
        }
        if (width == 0) ok_ = false;
        rest_.remove_prefix(width);
        for (; width < 9; ++width) nanos *= 10;
        return nanos;
    }

private:
    std::string_view rest_;
    bool ok_ = true;
};

Date scan_date(Scanner& scanner) {
    Date date;
    date.year = scanner.number(4, 1, 9999);
    scanner.require('-');
    date.month = scanner.number(2, 1, 12);
    scanner.require('-');
    date.day = scanner.number(2, 1, 31);
    if (scanner.ok() && date.day > days_of_month(date.year, date.month)) scanner.fail();
    return date;
}

void scan_time(Scanner& scanner, DateTime& time) {
    const int hour = scanner.number(2, 0, 24);
    scanner.require(':');
    const int minute = scanner.number(2, 0, 59);
    scanner.require(':');
    const int second = scanner.number(2, 0, 59);
    if (scanner.skip('.')) time.nanos = scanner.fraction();
    // 24:00:00 is the first instant of the next day (§3.2.7.1).
    if (hour == 24 && (minute != 0 || second != 0 || time.nanos != 0)) scanner.fail();
    time.seconds += hour * 3600 + minute * 60 + second;
}

void scan_zone(Scanner& scanner, DateTime& time) {
    if (scanner.skip('Z')) {
        time.has_zone = true;
        return;
    }
    const bool is_west = scanner.skip('-');
    if (!is_west && !scanner.skip('+')) return;
    const int hours = scanner.number(2, 0, 14);
    scanner.require(':');
    const int minutes = scanner.number(2, 0, 59);
    if (hours == 14 && minutes != 0) scanner.fail();
    time.has_zone = true;
    time.seconds += (is_west ? 1 : -1) * (hours * 3600 + minutes * 60);
}

std::optional<DateTime> scan_date_time(std::string_view text, bool with_dates) {
    Scanner scanner(text);
    DateTime time;
    time.seconds = to_days(scan_date(scanner)) * day_seconds;
    if (!scanner.ok()) return std::nullopt;
    if (scanner.skip('T'))
        scan_time(scanner, time);
    else if (!with_dates)
        return std::nullopt;
    scan_zone(scanner, time);
    if (!scanner.ok() || !scanner.at_end()) return std::nullopt;
    return in_range(time);
}

/// ".5" for 500,000,000; nothing for 0.
std::string fraction_text(std::uint32_t nanos) {
    if (nanos == 0) return {};
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), ".%09u", nanos);
    std::string text(digits.data());
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

bool is_in_range(const Duration& span) {
    return span.months >= -months_max && span.months <= months_max && span.seconds >= -seconds_max && span.seconds <= seconds_max;
}

}  // namespace

std::optional<DateTime> DateTime::parse(std::string_view text) { return scan_date_time(text, false); }

std::optional<DateTime> DateTime::parse_with_dates(std::string_view text) { return scan_date_time(text, true); }

std::optional<DateTime> DateTime::of_milliseconds(std::int64_t milliseconds) {
    const std::int64_t seconds = floor_divide(milliseconds, 1000);
    const std::int64_t rest = (milliseconds % 1000 + 1000) % 1000;
    return in_range({seconds, static_cast<std::uint32_t>(rest * 1'000'000), true});
}

std::string DateTime::to_string() const {
    const std::int64_t days = floor_divide(seconds, day_seconds);
    const Date date = to_date(days);
    const int rest = static_cast<int>(seconds - days * day_seconds);
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(date.year), date.month, date.day, rest / 3600,
                  rest / 60 % 60, rest % 60);
    return text.data() + fraction_text(nanos) + (has_zone ? "Z" : "");
}

std::optional<DateTime> DateTime::add(const DateTime& start, const Duration& span) {
    const std::int64_t days = floor_divide(start.seconds, day_seconds);
    Date date = to_date(days);
    const std::int64_t month = date.year * 12 + date.month - 1 + span.months;
    date.year = floor_divide(month, 12);
    date.month = static_cast<int>(month - date.year * 12) + 1;
    if (date.year < 1 || date.year > 9999) return std::nullopt;
    date.day = std::min(date.day, days_of_month(date.year, date.month));
    DateTime sum = start;
    sum.seconds = to_days(date) * day_seconds + (start.seconds - days * day_seconds) + span.seconds;
    sum.nanos += span.nanos;
    if (sum.nanos >= nanos_per_second) {
        sum.nanos -= static_cast<std::uint32_t>(nanos_per_second);
        ++sum.seconds;
    }
    return in_range(sum);
}

std::optional<Duration> DateTime::subtract(const DateTime& left, const DateTime& right) {
    if (left.has_zone != right.has_zone) return std::nullopt;
    Duration span;
    span.seconds = left.seconds - right.seconds;
    if (left.nanos < right.nanos) --span.seconds;
    span.nanos =
        left.nanos >= right.nanos ? left.nanos - right.nanos : static_cast<std::uint32_t>(nanos_per_second) + left.nanos - right.nanos;
    return span;
}

std::partial_ordering DateTime::compare(const DateTime& left, const DateTime& right) {
    if (left.has_zone == right.has_zone) {
        if (left.seconds != right.seconds) return left.seconds <=> right.seconds;
        return left.nanos <=> right.nanos;
    }
    // The one without a zone may be anywhere within 14 hours (§3.2.7.4).
    const DateTime zoned = left.has_zone ? left : right;
    const DateTime local = left.has_zone ? right : left;
    const auto shifted = [&](std::int64_t by) { return DateTime{local.seconds + by, local.nanos, true}; };
    const bool zoned_is_before = compare(zoned, shifted(-zone_seconds_max)) < 0;
    const bool zoned_is_after = compare(zoned, shifted(zone_seconds_max)) > 0;
    if (!zoned_is_before && !zoned_is_after) return std::partial_ordering::unordered;
    return zoned_is_before == left.has_zone ? std::partial_ordering::less : std::partial_ordering::greater;
}

std::optional<Duration> Duration::parse(std::string_view text) {
    Scanner scanner(text);
    const bool negative = scanner.skip('-');
    scanner.require('P');
    Duration span;
    bool in_time = false;
    bool empty = true;
    std::string_view marks = "YMDTHMS";  // what may still come
    while (scanner.ok() && !scanner.at_end()) {
        if (!in_time && scanner.skip('T')) {
            in_time = true;
            empty = true;
            marks = "HMS";
            continue;
        }
        const auto number = scanner.digits();
        if (!number) return std::nullopt;
        const bool has_fraction = scanner.skip('.');
        if (has_fraction) span.nanos = scanner.fraction();
        std::size_t place = 0;
        while (place < marks.size() && marks[place] != 'T' && !scanner.skip(marks[place])) ++place;
        if (place == marks.size() || marks[place] == 'T') return std::nullopt;
        const char mark = marks[place];
        marks.remove_prefix(place + 1);
        if (has_fraction && mark != 'S') return std::nullopt;
        if (mark == 'Y') span.months += *number * 12;
        if (mark == 'M' && !in_time) span.months += *number;
        if (mark == 'D') span.seconds += *number * day_seconds;
        if (mark == 'H') span.seconds += *number * 3600;
        if (mark == 'M' && in_time) span.seconds += *number * 60;
        if (mark == 'S') span.seconds += *number;
        if (!is_in_range(span)) return std::nullopt;
        empty = false;
    }
    if (!scanner.ok() || empty) return std::nullopt;
    return negative ? span.negated() : span;
}

std::string Duration::to_string() const {
    const bool negative = months < 0 || seconds < 0;
    const Duration size = negative ? negated() : *this;
    std::string text = negative ? "-P" : "P";
    const auto part = [&](std::int64_t number, char mark) {
        if (number != 0) text += std::to_string(number) + mark;
    };
    part(size.months / 12, 'Y');
    part(size.months % 12, 'M');
    part(size.seconds / day_seconds, 'D');
    const std::int64_t time = size.seconds % day_seconds;
    const bool is_zero = size.months == 0 && size.seconds == 0 && size.nanos == 0;
    if (time == 0 && size.nanos == 0 && !is_zero) return text;
    text += 'T';
    part(time / 3600, 'H');
    part(time / 60 % 60, 'M');
    if (time % 60 != 0 || size.nanos != 0 || is_zero) text += std::to_string(time % 60) + fraction_text(size.nanos) + 'S';
    return text;
}

Duration Duration::negated() const {
    Duration result{-months, -seconds, 0};
    if (nanos != 0) {
        --result.seconds;
        result.nanos = static_cast<std::uint32_t>(nanos_per_second) - nanos;
    }
    return result;
}

std::optional<Duration> Duration::add(const Duration& left, const Duration& right) {
    Duration sum{left.months + right.months, left.seconds + right.seconds, left.nanos + right.nanos};
    if (sum.nanos >= nanos_per_second) {
        sum.nanos -= static_cast<std::uint32_t>(nanos_per_second);
        ++sum.seconds;
    }
    return is_in_range(sum) ? std::optional(sum) : std::nullopt;
}

std::partial_ordering Duration::compare(const Duration& left, const Duration& right) {
    if (left.months == right.months) {
        if (left.seconds != right.seconds) return left.seconds <=> right.seconds;
        return left.nanos <=> right.nanos;
    }
    // The reference points of XSD 1.0 §3.2.6.2, chosen so that months of 28 to 31 days follow them.
    constexpr std::array<Date, 4> references = {Date{1696, 9, 1}, Date{1697, 2, 1}, Date{1903, 3, 1}, Date{1903, 7, 1}};
    std::optional<std::partial_ordering> order;
    for (const Date& reference : references) {
        const DateTime start{to_days(reference) * day_seconds, 0, true};
        const auto left_end = DateTime::add(start, left);
        const auto right_end = DateTime::add(start, right);
        if (!left_end || !right_end) return std::partial_ordering::unordered;
        const auto here = DateTime::compare(*left_end, *right_end);
        if (order && *order != here) return std::partial_ordering::unordered;
        order = here;
    }
    return *order;
}

}  // namespace giromq::selector
