#include "base/busy_wait.hpp"

#include <cppunit/extensions/HelperMacros.h>

using namespace std::chrono_literals;

namespace giromq::test {

class BusyWaitTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(BusyWaitTest);
    CPPUNIT_TEST(a_thread_that_has_not_worked_yet_sleeps_at_once);
    CPPUNIT_TEST(work_that_comes_soon_is_looked_for);
    CPPUNIT_TEST(work_that_comes_rarely_is_slept_for);
    CPPUNIT_TEST(with_nothing_allowed_it_always_sleeps);
    CPPUNIT_TEST(what_is_found_is_told);
    CPPUNIT_TEST(looking_ends_when_nothing_comes);
    CPPUNIT_TEST_SUITE_END();

    void a_thread_that_has_not_worked_yet_sleeps_at_once() {
        const BusyWait wait(1h);
        int asked = 0;
        CPPUNIT_ASSERT(!wait.look([&] { return ++asked > 0; }));
        CPPUNIT_ASSERT_EQUAL(0, asked);
    }

    void work_that_comes_soon_is_looked_for() {
        BusyWait wait(500us);
        wait.idled(499us);
        CPPUNIT_ASSERT(wait.is_worth_it());
        wait.idled(20us);
        CPPUNIT_ASSERT(wait.is_worth_it());
    }

    void work_that_comes_rarely_is_slept_for() {
        BusyWait wait(500us);
        wait.idled(20us);
        wait.idled(500us);
        CPPUNIT_ASSERT(!wait.is_worth_it());
        wait.idled(499us);
        CPPUNIT_ASSERT(wait.is_worth_it());
    }

    void with_nothing_allowed_it_always_sleeps() {
        BusyWait wait(0ns);
        wait.idled(0ns);
        CPPUNIT_ASSERT(!wait.is_worth_it());
    }

    void what_is_found_is_told() {
        BusyWait wait(1h);
        wait.idled(1ns);
        int asked = 0;
        CPPUNIT_ASSERT(wait.look([&] { return ++asked == 100; }));
        CPPUNIT_ASSERT_EQUAL(100, asked);
    }

    void looking_ends_when_nothing_comes() {
        BusyWait wait(2ns);
        wait.idled(1ns);
        int asked = 0;
        CPPUNIT_ASSERT(!wait.look([&] { return ++asked == 0; }));
        CPPUNIT_ASSERT(asked > 0);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BusyWaitTest);

}  // namespace giromq::test
