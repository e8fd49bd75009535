#include <cppunit/extensions/HelperMacros.h>

#include "base/log_limiter.hpp"

using namespace std::chrono_literals;

namespace giromq::log::test {

class LogLimiterTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LogLimiterTest);
    CPPUNIT_TEST(the_first_line_is_written_and_the_next_says_how_many_were_left_out);
    CPPUNIT_TEST_SUITE_END();

    void the_first_line_is_written_and_the_next_says_how_many_were_left_out() {
        Limiter limiter(10s);
        const MonotonicTime start{5s};
        CPPUNIT_ASSERT(limiter.pass(start) == std::optional<std::uint64_t>(0));
        for (int tenths = 1; tenths < 100; ++tenths) CPPUNIT_ASSERT(!limiter.pass(start + tenths * 100ms));
        CPPUNIT_ASSERT(limiter.pass(start + 10s) == std::optional<std::uint64_t>(99));
        CPPUNIT_ASSERT(!limiter.pass(start + 11s));
        // Trouble that begins anew is told of at once.
        CPPUNIT_ASSERT(limiter.pass(start + 60s) == std::optional<std::uint64_t>(1));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogLimiterTest);

}  // namespace giromq::log::test
