#include <cppunit/extensions/HelperMacros.h>

#include <limits>
#include <string>

#include "selector/date_time.hpp"
#include "selector/decimal.hpp"

namespace giromq::selector::test {

class NumbersTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(NumbersTest);
    CPPUNIT_TEST(decimals_keep_what_was_written);
    CPPUNIT_TEST(wrong_decimals_are_refused);
    CPPUNIT_TEST(decimals_hold_eighty_one_digits);
    CPPUNIT_TEST(decimals_that_do_not_fit_are_nothing);
    CPPUNIT_TEST(quotients_are_rounded_half_to_even_at_34_digits);
    CPPUNIT_TEST(doubles_become_decimals_to_the_last_digit);
    CPPUNIT_TEST(decimals_compare_with_the_exact_value_of_doubles);
    CPPUNIT_TEST(decimals_become_longs_only_without_loss);
    CPPUNIT_TEST(numbers_of_json_have_exponents);
    CPPUNIT_TEST(times_are_read_and_written_as_xml_schema_says);
    CPPUNIT_TEST(wrong_times_are_refused);
    CPPUNIT_TEST(every_day_of_400_years_is_written_as_it_is_read);
    CPPUNIT_TEST(times_without_a_zone_have_a_partial_order);
    CPPUNIT_TEST(months_are_added_before_days);
    CPPUNIT_TEST(durations_are_read_and_written_as_xml_schema_says);
    CPPUNIT_TEST(wrong_durations_are_refused);
    CPPUNIT_TEST(durations_have_a_partial_order);
    CPPUNIT_TEST_SUITE_END();

    static Decimal number(std::string_view text) {
        const auto parsed = Decimal::parse(text);
        CPPUNIT_ASSERT_MESSAGE(std::string(text), parsed);
        return *parsed;
    }
    static std::string text(const std::optional<Decimal>& decimal) { return decimal ? decimal->to_string() : "none"; }
    static std::string reprinted(std::string_view time) {
        const auto parsed = DateTime::parse(time);
        return parsed ? parsed->to_string() : "none";
    }
    static std::string respanned(std::string_view span) {
        const auto parsed = Duration::parse(span);
        return parsed ? parsed->to_string() : "none";
    }
    static std::partial_ordering order(std::string_view left, std::string_view right) {
        return DateTime::compare(DateTime::parse(left).value(), DateTime::parse(right).value());
    }
    static std::partial_ordering span_order(std::string_view left, std::string_view right) {
        return Duration::compare(Duration::parse(left).value(), Duration::parse(right).value());
    }

public:
    void decimals_keep_what_was_written() {
        const std::pair<const char*, const char*> cases[] = {
            {"0", "0"},
            {"-0", "0"},
            {"+1", "1"},
            {"007", "7"},
            {"10.00", "10.00"},
            {"-1.50", "-1.50"},
            {".5", "0.5"},
            {"5.", "5"},
            {"0.001", "0.001"},
            {"1000000000", "1000000000"},
            {"999999999.999999999", "999999999.999999999"},
            {"-0.00", "0.00"},
            {"123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"}};
        for (const auto& [given, expected] : cases) CPPUNIT_ASSERT_EQUAL(std::string(expected), number(given).to_string());
        CPPUNIT_ASSERT(number("1.0") != number("1.00"));
        CPPUNIT_ASSERT(Decimal::compare(number("1.0"), number("1.00")) == 0);
        CPPUNIT_ASSERT_EQUAL(std::string("-9223372036854775808"), Decimal::of(std::numeric_limits<std::int64_t>::min()).to_string());
        CPPUNIT_ASSERT_EQUAL(std::string("18446744073709551615"), Decimal::of_unsigned(UINT64_MAX).to_string());
    }

    void wrong_decimals_are_refused() {
        for (const char* const wrong : {"", "-", "+", ".", "-.", "1e5", "1.2.3", "--1", "+-1", " 1", "1 ", "0x1", "1,5", "INF", "NaN"}) {
            CPPUNIT_ASSERT_MESSAGE(wrong, !Decimal::parse(wrong));
        }
    }

    void decimals_hold_eighty_one_digits() {
        const std::string most(81, '9');
        CPPUNIT_ASSERT_EQUAL(most, number(most).to_string());
        CPPUNIT_ASSERT(!Decimal::parse(most + "0"));
        CPPUNIT_ASSERT(!Decimal::parse(most + ".1"));
        CPPUNIT_ASSERT_EQUAL(most, number(most + ".0000").to_string());
        CPPUNIT_ASSERT(Decimal::parse("0." + std::string(80, '0') + "1"));
        CPPUNIT_ASSERT(!Decimal::parse("0." + std::string(81, '0') + "1"));
        CPPUNIT_ASSERT(!Decimal::parse(std::string(10000, '9')));
        CPPUNIT_ASSERT_EQUAL(std::string("0." + std::string(81, '0')), number("0." + std::string(100, '0')).to_string());
    }

    void decimals_that_do_not_fit_are_nothing() {
        const Decimal most = number(std::string(81, '9'));
        CPPUNIT_ASSERT(!Decimal::add(most, number("1")));
        CPPUNIT_ASSERT(!Decimal::add(most, number("0.1")));
        CPPUNIT_ASSERT(!Decimal::multiply(most, number("2")));
        CPPUNIT_ASSERT_EQUAL(std::string("0"), text(Decimal::subtract(most, most)));
        // Squares of 34 digits fit: (10^34 - 1)^2 = 10^68 - 2 * 10^34 + 1.
        const Decimal large = number(std::string(34, '9'));
        CPPUNIT_ASSERT_EQUAL(std::string(33, '9') + "8" + std::string(33, '0') + "1", text(Decimal::multiply(large, large)));
        CPPUNIT_ASSERT(!Decimal::divide(number("1"), number("0")));
        CPPUNIT_ASSERT(!Decimal::divide(number("0"), number("0.00")));
    }

    void quotients_are_rounded_half_to_even_at_34_digits() {
        CPPUNIT_ASSERT_EQUAL(std::string("0.3333333333333333333333333333333333"), text(Decimal::divide(number("1"), number("3"))));
        CPPUNIT_ASSERT_EQUAL(std::string("0.6666666666666666666666666666666667"), text(Decimal::divide(number("2"), number("3"))));
        CPPUNIT_ASSERT_EQUAL(std::string("-0.6666666666666666666666666666666667"), text(Decimal::divide(number("-2"), number("3"))));
        CPPUNIT_ASSERT_EQUAL(std::string("2.5"), text(Decimal::divide(number("10"), number("4"))));
        CPPUNIT_ASSERT_EQUAL(std::string("0.05"), text(Decimal::divide(number("1.00"), number("20"))));
        CPPUNIT_ASSERT_EQUAL(std::string("200"), text(Decimal::divide(number("1"), number("0.005"))));
        CPPUNIT_ASSERT_EQUAL(std::string("0"), text(Decimal::divide(number("0"), number("7"))));
        // 34 digits of quotient and exactly a half behind them.
        const std::string even = "1000000000000000000000000000000002";
        const std::string odd = "1000000000000000000000000000000003";
        CPPUNIT_ASSERT_EQUAL(even, text(Decimal::divide(number("2000000000000000000000000000000005"), number("2"))));
        CPPUNIT_ASSERT_EQUAL(std::string("1000000000000000000000000000000004"),
                             text(Decimal::divide(number("2000000000000000000000000000000007"), number("2"))));
        CPPUNIT_ASSERT_EQUAL(odd, text(Decimal::divide(number("2000000000000000000000000000000006"), number("2"))));
    }

    void doubles_become_decimals_to_the_last_digit() {
        CPPUNIT_ASSERT_EQUAL(std::string("0.1000000000000000055511151231257827021181583404541015625"), text(Decimal::of(0.1)));
        CPPUNIT_ASSERT_EQUAL(std::string("-2.5"), text(Decimal::of(-2.5)));
        CPPUNIT_ASSERT_EQUAL(std::string("100000000000000000000"), text(Decimal::of(1e20)));
        CPPUNIT_ASSERT_EQUAL(std::string("0"), text(Decimal::of(-0.0)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::of(1e300)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::of(5e-324)));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::of(std::numeric_limits<double>::infinity())));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::of(std::numeric_limits<double>::quiet_NaN())));
        CPPUNIT_ASSERT_EQUAL(0.1, number("0.1").to_double());
        CPPUNIT_ASSERT_EQUAL(1e80, number("1" + std::string(80, '0')).to_double());
    }

    void decimals_compare_with_the_exact_value_of_doubles() {
        CPPUNIT_ASSERT(Decimal::compare(number("0.1"), 0.1) < 0);
        CPPUNIT_ASSERT(Decimal::compare(number("-0.1"), -0.1) > 0);
        CPPUNIT_ASSERT(Decimal::compare(number("0.1000000000000000055511151231257827021181583404541015625"), 0.1) == 0);
        CPPUNIT_ASSERT(Decimal::compare(number("0.5"), 0.5) == 0);
        CPPUNIT_ASSERT(Decimal::compare(number("0"), -0.0) == 0);
        CPPUNIT_ASSERT(Decimal::compare(number("0"), 5e-324) < 0);
        CPPUNIT_ASSERT(Decimal::compare(number("0"), -5e-324) > 0);
        CPPUNIT_ASSERT(Decimal::compare(number(std::string(81, '9')), 1e300) < 0);
        CPPUNIT_ASSERT(Decimal::compare(number("9007199254740993"), 9007199254740992.0) > 0);
        CPPUNIT_ASSERT(Decimal::compare(number("1"), std::numeric_limits<double>::infinity()) < 0);
        CPPUNIT_ASSERT(Decimal::compare(number("1"), -std::numeric_limits<double>::infinity()) > 0);
        CPPUNIT_ASSERT(Decimal::compare(number("1"), std::numeric_limits<double>::quiet_NaN()) == std::partial_ordering::unordered);
    }

    void decimals_become_longs_only_without_loss() {
        CPPUNIT_ASSERT_EQUAL(std::int64_t{42}, number("42.00").to_long().value());
        CPPUNIT_ASSERT(!number("42.01").to_long());
        CPPUNIT_ASSERT_EQUAL(std::numeric_limits<std::int64_t>::min(), number("-9223372036854775808").to_long().value());
        CPPUNIT_ASSERT(!number("9223372036854775808").to_long());
        CPPUNIT_ASSERT(!number("-9223372036854775809").to_long());
        CPPUNIT_ASSERT(!number("99999999999999999999").to_long());
    }

    void numbers_of_json_have_exponents() {
        CPPUNIT_ASSERT_EQUAL(std::string("125"), text(Decimal::parse_scientific("1.25e2")));
        CPPUNIT_ASSERT_EQUAL(std::string("125000"), text(Decimal::parse_scientific("1.25E+5")));
        CPPUNIT_ASSERT_EQUAL(std::string("-0.0125"), text(Decimal::parse_scientific("-1.25e-2")));
        CPPUNIT_ASSERT_EQUAL(std::string("1.5"), text(Decimal::parse_scientific("1.5")));
        CPPUNIT_ASSERT_EQUAL(std::string("0"), text(Decimal::parse_scientific("0e999999999")));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::parse_scientific("1e81")));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::parse_scientific("1e-82")));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::parse_scientific("1e")));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), text(Decimal::parse_scientific("1e99999999999")));
    }

    void times_are_read_and_written_as_xml_schema_says() {
        const std::pair<const char*, const char*> cases[] = {{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
                                                             {"2026-12-31T23:59:59.125Z", "2026-12-31T23:59:59.125Z"},
                                                             {"2026-12-31T23:59:59", "2026-12-31T23:59:59"},
                                                             {"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
                                                             {"2026-01-01T00:30:00-14:00", "2026-01-01T14:30:00Z"},
                                                             {"2024-02-28T24:00:00Z", "2024-02-29T00:00:00Z"},
                                                             {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
                                                             {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
                                                             {"1969-12-31T23:59:59.1000000000Z", "1969-12-31T23:59:59.1Z"},
                                                             {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"}};
        for (const auto& [given, expected] : cases) CPPUNIT_ASSERT_EQUAL(std::string(expected), reprinted(given));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-1}, DateTime::parse("1969-12-31T23:59:59.5Z")->seconds);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{951782400}, DateTime::parse("2000-02-29T00:00:00Z")->seconds);
        CPPUNIT_ASSERT(*DateTime::of_milliseconds(-500) == *DateTime::parse("1969-12-31T23:59:59.5Z"));
        CPPUNIT_ASSERT(!DateTime::of_milliseconds(std::numeric_limits<std::int64_t>::max()));
        CPPUNIT_ASSERT(!DateTime::of_milliseconds(std::numeric_limits<std::int64_t>::min()));
        CPPUNIT_ASSERT(*DateTime::parse_with_dates("2026-11-21") == *DateTime::parse("2026-11-21T00:00:00"));
        CPPUNIT_ASSERT(*DateTime::parse_with_dates("2026-11-21+01:00") == *DateTime::parse("2026-11-20T23:00:00Z"));
    }

    void wrong_times_are_refused() {
        for (const char* const wrong : {"",
                                        "2026-01-01",
                                        "2026-01-01T",
                                        "2026-01-01T00:00Z",
                                        "2026-1-01T00:00:00Z",
                                        "26-01-01T00:00:00Z",
                                        "0000-01-01T00:00:00Z",
                                        "-0001-01-01T00:00:00Z",
                                        "12026-01-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-04-31T00:00:00Z",
                                        "2023-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "2026-01-01T24:00:01Z",
                                        "2026-01-01T25:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:60Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00.1234567891Z",
                                        "2026-01-01T00:00:00z",
                                        "2026-01-01t00:00:00Z",
                                        "2026-01-01T00:00:00+15:00",
                                        "2026-01-01T00:00:00+14:01",
                                        "2026-01-01T00:00:00+1:00",
                                        "2026-01-01T00:00:00ZZ",
                                        "259Z",
                                        "2026-99-01T00:00:00Z",
                                        "2026-01-99T00:00:00Z",
                                        "2026-01-01T00:00:00Z ",
                                        "0001-01-01T00:00:00+01:00",
                                        "9999-12-31T24:00:00Z"}) {
            CPPUNIT_ASSERT_MESSAGE(wrong, !DateTime::parse(wrong));
        }
    }

    void every_day_of_400_years_is_written_as_it_is_read() {
        DateTime day = *DateTime::parse("1899-12-31T12:00:00Z");
        std::string before;
        for (int count = 0; count < 146'100; ++count, day.seconds += 86'400) {
            const std::string shown = day.to_string();
            CPPUNIT_ASSERT_MESSAGE(shown, DateTime::parse(shown) == day && before < shown);
            before = shown;
        }
        CPPUNIT_ASSERT_EQUAL(std::string("2300-01-02T12:00:00Z"), before);
    }

    void times_without_a_zone_have_a_partial_order() {
        using std::partial_ordering;
        CPPUNIT_ASSERT(order("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z") == partial_ordering::less);
        CPPUNIT_ASSERT(order("2026-01-01T00:00:00", "2026-01-01T00:00:00") == partial_ordering::equivalent);
        CPPUNIT_ASSERT(order("2026-01-01T00:00:00Z", "2026-01-01T14:00:00") == partial_ordering::unordered);
        CPPUNIT_ASSERT(order("2026-01-01T00:00:00Z", "2026-01-01T14:00:01") == partial_ordering::less);
        CPPUNIT_ASSERT(order("2026-01-01T14:00:01", "2026-01-01T00:00:00Z") == partial_ordering::greater);
        CPPUNIT_ASSERT(order("2026-01-01T00:00:00Z", "2025-12-31T10:00:00") == partial_ordering::unordered);
        CPPUNIT_ASSERT(order("2026-01-01T00:00:00Z", "2025-12-31T09:59:59") == partial_ordering::greater);
        CPPUNIT_ASSERT(order("2025-12-31T09:59:59", "2026-01-01T00:00:00Z") == partial_ordering::less);
    }

    void months_are_added_before_days() {
        const auto sum = [](std::string_view start, std::string_view span) {
            const auto end = DateTime::add(*DateTime::parse(start), *Duration::parse(span));
            return end ? end->to_string() : "none";
        };
        CPPUNIT_ASSERT_EQUAL(std::string("2024-02-29T00:00:00Z"), sum("2024-01-31T00:00:00Z", "P1M"));
        CPPUNIT_ASSERT_EQUAL(std::string("2023-03-01T00:00:00Z"), sum("2023-01-31T00:00:00Z", "P1M1D"));
        CPPUNIT_ASSERT_EQUAL(std::string("2023-12-31T00:00:00Z"), sum("2024-01-31T00:00:00Z", "-P1M"));
        CPPUNIT_ASSERT_EQUAL(std::string("2025-02-28T00:00:00Z"), sum("2024-02-29T00:00:00Z", "P1Y"));
        CPPUNIT_ASSERT_EQUAL(std::string("2026-01-01T00:00:00.25Z"), sum("2025-12-31T23:59:59.75Z", "PT0.5S"));
        CPPUNIT_ASSERT_EQUAL(std::string("2025-12-31T23:59:59.75"), sum("2026-01-01T00:00:00.25", "-PT0.5S"));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), sum("9999-12-31T23:59:59Z", "PT1S"));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), sum("0001-01-01T00:00:00Z", "-P1M"));
    }

    void durations_are_read_and_written_as_xml_schema_says() {
        const std::pair<const char*, const char*> cases[] = {
            {"PT0S", "PT0S"},       {"P0D", "PT0S"},      {"P1Y2M3DT4H5M6.7S", "P1Y2M3DT4H5M6.7S"},
            {"P14M", "P1Y2M"},      {"PT90S", "PT1M30S"}, {"P1D", "P1D"},
            {"-PT1.5S", "-PT1.5S"}, {"-P1Y", "-P1Y"},     {"PT36H", "P1DT12H"},
            {"-PT0.5S", "-PT0.5S"}, {"-PT0S", "PT0S"},    {"P0Y", "PT0S"}};
        for (const auto& [given, expected] : cases) CPPUNIT_ASSERT_EQUAL(std::string(expected), respanned(given));
    }

    void wrong_durations_are_refused() {
        for (const char* const wrong : {"",
                                        "P",
                                        "PT",
                                        "1D",
                                        "P1",
                                        "P1DT",
                                        "P1H",
                                        "PT1D",
                                        "P1M1Y",
                                        "PT1S1M",
                                        "P1.5D",
                                        "PT1.S",
                                        "PT.5S",
                                        "P-1D",
                                        "+P1D",
                                        "--P1D",
                                        "P1D ",
                                        "P1W",
                                        "PT1M1M",
                                        "P99999999999Y",
                                        "P9999999999999999999D",
                                        "PT1.0000000001S"}) {
            CPPUNIT_ASSERT_MESSAGE(wrong, !Duration::parse(wrong));
        }
    }

    void durations_have_a_partial_order() {
        using std::partial_ordering;
        CPPUNIT_ASSERT(span_order("PT60M", "PT1H") == partial_ordering::equivalent);
        CPPUNIT_ASSERT(span_order("P1Y", "P12M") == partial_ordering::equivalent);
        CPPUNIT_ASSERT(span_order("P1M", "P27D") == partial_ordering::greater);
        CPPUNIT_ASSERT(span_order("P1M", "P28D") == partial_ordering::unordered);
        CPPUNIT_ASSERT(span_order("P1M", "P31D") == partial_ordering::unordered);
        CPPUNIT_ASSERT(span_order("P1M", "P32D") == partial_ordering::less);
        CPPUNIT_ASSERT(span_order("P1Y", "P365D") == partial_ordering::unordered);
        CPPUNIT_ASSERT(span_order("P1Y", "P364D") == partial_ordering::greater);
        CPPUNIT_ASSERT(span_order("-P1M", "P1D") == partial_ordering::less);
        CPPUNIT_ASSERT(span_order("-PT0.5S", "PT0S") == partial_ordering::less);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NumbersTest);

}  // namespace giromq::selector::test
