#include "security/network_address.hpp"

#include <cppunit/extensions/HelperMacros.h>

namespace giromq::security {
namespace {

/// What counts as one address.
class NetworkAddressTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(NetworkAddressTest);
    CPPUNIT_TEST(an_ipv4_address_is_itself);
    CPPUNIT_TEST(of_an_ipv6_address_the_network_counts);
    CPPUNIT_TEST(anything_else_is_itself);
    CPPUNIT_TEST_SUITE_END();

public:
    void an_ipv4_address_is_itself() { CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7"), network_of("192.0.2.7")); }

    void of_an_ipv6_address_the_network_counts() {
        CPPUNIT_ASSERT_EQUAL(std::string("2001:db8:1:2::/64"), network_of("2001:db8:1:2:3:4:5:6"));
        CPPUNIT_ASSERT_EQUAL(std::string("2001:db8:1:2::/64"), network_of("[2001:db8:1:2::1]"));
        CPPUNIT_ASSERT_EQUAL(std::string("::/64"), network_of("::1"));
    }

    void anything_else_is_itself() {
        for (const std::string text : {"", "localhost", "1.2.3", "[", "]", "[x]"}) {
            CPPUNIT_ASSERT_EQUAL(text == "[x]" ? std::string("x") : text, network_of(text));
        }
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(NetworkAddressTest);

}  // namespace
}  // namespace giromq::security
