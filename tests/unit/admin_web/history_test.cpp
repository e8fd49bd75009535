#include <cppunit/extensions/HelperMacros.h>

#include <cmath>

#include "admin/history.hpp"
#include "support/manual_clock.hpp"

namespace giromq::test {
using admin::History;
using admin::Sample;
using admin::Series;
using std::chrono::milliseconds;

/// The figures of the last hour and day.
class HistoryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HistoryTest);
    CPPUNIT_TEST(nothing_is_there_before_the_first_sample);
    CPPUNIT_TEST(samples_come_back_in_order_with_the_time_of_the_first);
    CPPUNIT_TEST(an_hour_is_kept_and_no_more);
    CPPUNIT_TEST(a_timer_that_is_not_exact_loses_nothing);
    CPPUNIT_TEST(seconds_that_were_missed_have_no_value);
    CPPUNIT_TEST(a_long_gap_costs_no_more_than_a_day);
    CPPUNIT_TEST(a_minute_has_means_and_the_largest_latency);
    CPPUNIT_TEST(a_minute_without_samples_has_no_value);
    CPPUNIT_TEST(a_day_is_kept_and_no_more);
    CPPUNIT_TEST_SUITE_END();

    ManualClock clock_;
    History history_;

    void add(double messages, double latency = 0) {
        Sample sample;
        sample.at = clock_.wall_now();
        sample[Series::messages] = messages;
        sample[Series::commit_p99_us] = latency;
        history_.add(sample, clock_.monotonic_now());
    }
    void add_and_wait(double messages, double latency = 0) {
        add(messages, latency);
        clock_.advance(milliseconds(1000));
    }
    static double messages_of(const History::View& view, std::size_t index) {
        return view.values.at(index)[static_cast<std::size_t>(Series::messages)];
    }

public:
    void nothing_is_there_before_the_first_sample() {
        const auto view = history_.view(History::Range::hour);
        CPPUNIT_ASSERT(view.values.empty() && !view.from.is_set());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, view.step_ms);
        CPPUNIT_ASSERT(history_.view(History::Range::day).values.empty());
    }

    void samples_come_back_in_order_with_the_time_of_the_first() {
        const auto first = clock_.wall_now();
        for (int each = 0; each < 3; ++each) add_and_wait(each);
        const auto view = history_.view(History::Range::hour);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, view.values.size());
        CPPUNIT_ASSERT(view.from == first);
        for (std::size_t each = 0; each < 3; ++each) CPPUNIT_ASSERT_EQUAL(static_cast<double>(each), messages_of(view, each));
    }

    void an_hour_is_kept_and_no_more() {
        const auto first = clock_.wall_now();
        for (int each = 0; each < 3605; ++each) add_and_wait(each);
        const auto view = history_.view(History::Range::hour);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3600}, view.values.size());
        CPPUNIT_ASSERT_EQUAL(5.0, messages_of(view, 0));
        CPPUNIT_ASSERT_EQUAL(3604.0, messages_of(view, 3599));
        CPPUNIT_ASSERT_EQUAL(first.milliseconds + 5000, view.from.milliseconds);
    }

    void a_timer_that_is_not_exact_loses_nothing() {
        for (const int wait_ms : {1090, 920, 990, 1000, 1080}) {
            add(1);
            clock_.advance(milliseconds(wait_ms));
        }
        const auto view = history_.view(History::Range::hour);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, view.values.size());
        for (std::size_t each = 0; each < 5; ++each) CPPUNIT_ASSERT_EQUAL(1.0, messages_of(view, each));
    }

    void seconds_that_were_missed_have_no_value() {
        const auto first = clock_.wall_now();
        add(1);
        clock_.advance(milliseconds(3000));
        add(2);
        const auto view = history_.view(History::Range::hour);
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, view.values.size());
        CPPUNIT_ASSERT(std::isnan(messages_of(view, 1)) && std::isnan(messages_of(view, 2)));
        CPPUNIT_ASSERT_EQUAL(2.0, messages_of(view, 3));
        CPPUNIT_ASSERT(view.from == first);
    }

    void a_long_gap_costs_no_more_than_a_day() {
        add(1);
        clock_.advance(std::chrono::hours(24 * 400));
        add(2);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3600}, history_.view(History::Range::hour).values.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1440}, history_.view(History::Range::day).values.size());
    }

    void a_minute_has_means_and_the_largest_latency() {
        const auto first = clock_.wall_now();
        for (int each = 0; each < 60; ++each) add_and_wait(each, each == 30 ? 9000 : 10);
        const auto view = history_.view(History::Range::day);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, view.values.size());
        CPPUNIT_ASSERT_EQUAL(29.5, messages_of(view, 0));
        CPPUNIT_ASSERT_EQUAL(9000.0, view.values[0][static_cast<std::size_t>(Series::commit_p99_us)]);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{60000}, view.step_ms);
        CPPUNIT_ASSERT_EQUAL(first.milliseconds + 59000, view.from.milliseconds);
    }

    void a_minute_without_samples_has_no_value() {
        for (int each = 0; each < 60; ++each) add_and_wait(4);
        clock_.advance(std::chrono::minutes(1));
        for (int each = 0; each < 60; ++each) add_and_wait(6);
        const auto view = history_.view(History::Range::day);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, view.values.size());
        CPPUNIT_ASSERT_EQUAL(4.0, messages_of(view, 0));
        CPPUNIT_ASSERT(std::isnan(messages_of(view, 1)));
        CPPUNIT_ASSERT_EQUAL(6.0, messages_of(view, 2));
    }

    void a_day_is_kept_and_no_more() {
        for (int each = 0; each < 1442 * 60; ++each) add_and_wait(each / 60);
        const auto view = history_.view(History::Range::day);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1440}, view.values.size());
        CPPUNIT_ASSERT_EQUAL(2.0, messages_of(view, 0));
        CPPUNIT_ASSERT_EQUAL(1441.0, messages_of(view, 1439));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HistoryTest);

}  // namespace giromq::test
