#include <cppunit/extensions/HelperMacros.h>

#include "admin/alarms.hpp"
#include "support/manual_clock.hpp"

namespace giromq::test {
using admin::AlarmFigure;
using admin::AlarmKind;
using admin::Alarms;
using admin::AlarmSettings;
using admin::AlarmSeverity;
using std::chrono::seconds;

/// When alarms rise, change and fall.
class AlarmsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AlarmsTest);
    CPPUNIT_TEST(an_alarm_rises_at_its_threshold);
    CPPUNIT_TEST(less_is_worse_for_space_and_certificates);
    CPPUNIT_TEST(an_alarm_keeps_the_time_at_which_it_rose);
    CPPUNIT_TEST(it_falls_only_after_a_calm);
    CPPUNIT_TEST(one_that_goes_up_and_down_is_told_of_once);
    CPPUNIT_TEST(a_figure_that_is_gone_is_good);
    CPPUNIT_TEST(it_becomes_graver_at_once_and_milder_after_a_calm);
    CPPUNIT_TEST(zero_is_never);
    CPPUNIT_TEST(objects_have_alarms_of_their_own);
    CPPUNIT_TEST(the_gravest_are_first);
    CPPUNIT_TEST(other_thresholds_hold_from_the_next_look);
    CPPUNIT_TEST(every_kind_says_what_is_wrong);
    CPPUNIT_TEST_SUITE_END();

    ManualClock clock_;
    Alarms alarms_{AlarmSettings{}};

    bool update(const std::vector<AlarmFigure>& figures) { return alarms_.update(figures, clock_.wall_now(), clock_.monotonic_now()); }
    bool letters(double messages) { return update({{AlarmKind::dead_letter_depth, "DLQ", messages}}); }
    bool letters_after(seconds time, double messages) {
        clock_.advance(time);
        return letters(messages);
    }

public:
    void an_alarm_rises_at_its_threshold() {
        CPPUNIT_ASSERT(!letters(0) && alarms_.raised().empty());
        CPPUNIT_ASSERT(letters(1));
        const auto raised = alarms_.raised();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, raised.size());
        CPPUNIT_ASSERT(raised[0].severity == AlarmSeverity::warning && raised[0].value == 1 && raised[0].threshold == 1);
        CPPUNIT_ASSERT_EQUAL(std::string("dead-letter-depth:DLQ"), raised[0].id());
        CPPUNIT_ASSERT_MESSAGE("it is told of once", !letters(2));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("with the figure as it is", 2.0, alarms_.raised()[0].value);
    }

    void less_is_worse_for_space_and_certificates() {
        constexpr double mebibyte = 1 << 20;
        CPPUNIT_ASSERT(!update({{AlarmKind::disk, "", 2048 * mebibyte}, {AlarmKind::certificate_expiry, "https", 31}}));
        CPPUNIT_ASSERT(update({{AlarmKind::disk, "", 256 * mebibyte}, {AlarmKind::certificate_expiry, "https", 29.9}}));
        const auto raised = alarms_.raised();
        CPPUNIT_ASSERT(raised[0].kind == AlarmKind::disk && raised[0].severity == AlarmSeverity::critical);
        CPPUNIT_ASSERT(raised[1].kind == AlarmKind::certificate_expiry && raised[1].severity == AlarmSeverity::warning);
        CPPUNIT_ASSERT_EQUAL(std::string("disk"), raised[0].id());
    }

    void an_alarm_keeps_the_time_at_which_it_rose() {
        const auto rose_at = clock_.wall_now();
        letters(1);
        letters_after(seconds(100), 2000);
        CPPUNIT_ASSERT(alarms_.raised()[0].since == rose_at);
    }

    void it_falls_only_after_a_calm() {
        letters(1);
        CPPUNIT_ASSERT(!letters_after(seconds(29), 0));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, alarms_.raised().size());
        CPPUNIT_ASSERT(letters_after(seconds(1), 0));
        CPPUNIT_ASSERT(alarms_.raised().empty());
        CPPUNIT_ASSERT_MESSAGE("and rises anew", letters(1));
    }

    void one_that_goes_up_and_down_is_told_of_once() {
        CPPUNIT_ASSERT(letters(1));
        for (int each = 0; each < 10; ++each) {
            CPPUNIT_ASSERT(!letters_after(seconds(20), 0));
            CPPUNIT_ASSERT(!letters_after(seconds(5), 1));
        }
        CPPUNIT_ASSERT(!letters_after(seconds(29), 0));
        CPPUNIT_ASSERT(letters_after(seconds(1), 0));
    }

    void a_figure_that_is_gone_is_good() {
        letters(1);
        clock_.advance(seconds(29));
        CPPUNIT_ASSERT(!update({}));
        clock_.advance(seconds(1));
        CPPUNIT_ASSERT(update({}) && alarms_.raised().empty());
    }

    void it_becomes_graver_at_once_and_milder_after_a_calm() {
        letters(1);
        CPPUNIT_ASSERT(letters_after(seconds(1), 1000));
        CPPUNIT_ASSERT(alarms_.raised()[0].severity == AlarmSeverity::critical && alarms_.raised()[0].threshold == 1000);
        CPPUNIT_ASSERT(!letters_after(seconds(29), 5));
        CPPUNIT_ASSERT(alarms_.raised()[0].severity == AlarmSeverity::critical);
        CPPUNIT_ASSERT(letters_after(seconds(1), 5));
        CPPUNIT_ASSERT(alarms_.raised()[0].severity == AlarmSeverity::warning && alarms_.raised()[0].threshold == 1);
        CPPUNIT_ASSERT_MESSAGE("and then stays a warning for a calm of its own", !letters_after(seconds(29), 0));
        CPPUNIT_ASSERT(letters_after(seconds(1), 0));
        CPPUNIT_ASSERT(alarms_.raised().empty());
    }

    void zero_is_never() {
        AlarmSettings settings;
        settings.dead_letter_messages = {0, 0};
        settings.disk_free_bytes = {0, 0};
        alarms_.set_settings(settings);
        CPPUNIT_ASSERT(!letters(1e9));
        CPPUNIT_ASSERT(!update({{AlarmKind::disk, "", 0}}));
    }

    void objects_have_alarms_of_their_own() {
        CPPUNIT_ASSERT(update({{AlarmKind::dead_letter_depth, "a", 1}, {AlarmKind::dead_letter_depth, "b", 0}}));
        CPPUNIT_ASSERT(update({{AlarmKind::dead_letter_depth, "a", 1}, {AlarmKind::dead_letter_depth, "b", 1}}));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, alarms_.raised().size());
    }

    void the_gravest_are_first() {
        update({{AlarmKind::in_doubt_age, "", 6 * 60e3}, {AlarmKind::dead_letter_depth, "DLQ", 5000}});
        CPPUNIT_ASSERT(alarms_.raised()[0].kind == AlarmKind::dead_letter_depth);
    }

    void other_thresholds_hold_from_the_next_look() {
        CPPUNIT_ASSERT(letters(5));
        AlarmSettings settings;
        settings.dead_letter_messages = {2, 4};
        alarms_.set_settings(settings);
        CPPUNIT_ASSERT(letters(5));
        CPPUNIT_ASSERT(alarms_.raised()[0].severity == AlarmSeverity::critical);
    }

    void every_kind_says_what_is_wrong() {
        update({{AlarmKind::in_doubt_age, "", 301e3},
                {AlarmKind::dead_letter_depth, "DLQ", 1},
                {AlarmKind::commit_latency, "", 300e3},
                {AlarmKind::disk, "", 100.0 * (1 << 20)},
                {AlarmKind::certificate_expiry, "https", -1},
                {AlarmKind::revocation_list, "CN=Bank CA", -1},
                {AlarmKind::revocation_list, "CN=Other CA", 23.5},
                {AlarmKind::revocation_list, "/tls/crl.pem", admin::lists_are_outdated},
                {AlarmKind::memory, "", 3000.0 * (1 << 20)}});
        std::string all;
        for (const auto& alarm : alarms_.raised()) all += alarm.text() + "\n";
        for (const auto* part :
             {"in doubt for 301 s", "1 message is in DLQ", "took 300 ms", "100 MiB left", "of https has expired",
              "list of CN=Bank CA has expired", "CN=Other CA expires in 23 hours", "/tls/crl.pem cannot be taken over", "uses 3000 MiB"}) {
            CPPUNIT_ASSERT_MESSAGE(all, all.find(part) != std::string::npos);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AlarmsTest);

}  // namespace giromq::test
