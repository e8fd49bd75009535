#include <cppunit/extensions/HelperMacros.h>

#include "admin-web/request_rate.hpp"
#include "support/manual_clock.hpp"

using namespace std::chrono_literals;

namespace giromq::test {

class RequestRateTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RequestRateTest);
    CPPUNIT_TEST(an_address_has_ten_seconds_worth_at_once_and_then_its_rate);
    CPPUNIT_TEST(addresses_do_not_hinder_one_another);
    CPPUNIT_TEST(without_a_limit_there_is_none);
    CPPUNIT_TEST(many_addresses_cost_bounded_memory_and_still_have_their_rate);
    CPPUNIT_TEST_SUITE_END();

    static int admitted(admin_web::RequestRate& rate, const std::string& peer, int requests) {
        int count = 0;
        for (int request = 0; request < requests; ++request) count += rate.admit(peer) ? 1 : 0;
        return count;
    }

public:
    void an_address_has_ten_seconds_worth_at_once_and_then_its_rate() {
        admin_web::RequestRate rate(clock_, 5);
        CPPUNIT_ASSERT_EQUAL(50, admitted(rate, "192.0.2.1:1000", 200));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("another port is no other address", 0, admitted(rate, "192.0.2.1:2000", 1));
        clock_.advance(1s);
        CPPUNIT_ASSERT_EQUAL(5, admitted(rate, "192.0.2.1:1000", 10));
        clock_.advance(1h);
        CPPUNIT_ASSERT_EQUAL(50, admitted(rate, "192.0.2.1:1000", 200));
    }

    void addresses_do_not_hinder_one_another() {
        admin_web::RequestRate rate(clock_, 1);
        CPPUNIT_ASSERT_EQUAL(10, admitted(rate, "192.0.2.1:1", 20));
        CPPUNIT_ASSERT_EQUAL(10, admitted(rate, "192.0.2.2:1", 20));
        CPPUNIT_ASSERT_EQUAL(10, admitted(rate, "[2001:db8::1]:1", 20));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("of the same network", 0, admitted(rate, "[2001:db8::2]:1", 1));
    }

    void without_a_limit_there_is_none() {
        admin_web::RequestRate rate(clock_, 0);
        CPPUNIT_ASSERT_EQUAL(100'000, admitted(rate, "192.0.2.1:1", 100'000));
    }

    void many_addresses_cost_bounded_memory_and_still_have_their_rate() {
        admin_web::RequestRate rate(clock_, 1);
        for (int number = 0; number < 20'000; ++number) {
            const auto address = "10." + std::to_string(number >> 16) + "." + std::to_string((number >> 8) & 255) + "." +
                                 std::to_string(number & 255) + ":1";
            CPPUNIT_ASSERT_EQUAL(1, admitted(rate, address, 1));
            if (number % 1000 == 0) clock_.advance(10s);
        }
        CPPUNIT_ASSERT_EQUAL(10, admitted(rate, "192.0.2.1:1", 20));
    }

private:
    ManualClock clock_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(RequestRateTest);

}  // namespace giromq::test
