#include "security/certificate_map.hpp"

#include <cppunit/extensions/HelperMacros.h>

namespace giromq::security {
namespace {

const std::string payments(64, 'a');
const std::string guests(64, 'b');
const std::string root(64, 'c');

/// Whose certificates are whose.
class CertificateMapTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CertificateMapTest);
    CPPUNIT_TEST(without_rules_it_is_the_common_name);
    CPPUNIT_TEST(an_authority_makes_certificates_for_its_own_users_only);
    CPPUNIT_TEST(a_rule_may_name_the_whole_subject);
    CPPUNIT_TEST(a_root_stands_for_all_below_it);
    CPPUNIT_TEST(the_first_rule_that_fits_counts);
    CPPUNIT_TEST(digests_are_read_as_people_copy_them);
    CPPUNIT_TEST_SUITE_END();

    static ClientCertificate certificate(const std::string& name, std::vector<std::string> authorities) {
        return {name, "CN=" + name + ",O=Bank", std::move(authorities)};
    }

public:
    void without_rules_it_is_the_common_name() {
        CPPUNIT_ASSERT_EQUAL(std::string("ledger"), CertificateMap().user_of(certificate("ledger", {guests})));
    }

    void an_authority_makes_certificates_for_its_own_users_only() {
        const CertificateMap map({{payments, "", "ledger"}, {guests, "", "visitor"}});
        CPPUNIT_ASSERT_EQUAL(std::string("ledger"), map.user_of(certificate("ledger", {payments, root})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of(certificate("ledger", {guests, root})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of(certificate("visitor", {payments, root})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of(certificate("admin", {payments, root})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of(certificate("ledger", {})));
    }

    void a_rule_may_name_the_whole_subject() {
        const CertificateMap map({{payments, "CN=host-7,O=Bank", "ledger"}, {payments, "CN=host-8,O=Bank", "*"}});
        CPPUNIT_ASSERT_EQUAL(std::string("ledger"), map.user_of(certificate("host-7", {payments})));
        CPPUNIT_ASSERT_EQUAL(std::string("host-8"), map.user_of(certificate("host-8", {payments})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of(certificate("ledger", {payments})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of({"host-7", "CN=host-7,O=Other", {payments}}));
    }

    void a_root_stands_for_all_below_it() {
        const CertificateMap map({{root, "", "*"}});
        CPPUNIT_ASSERT_EQUAL(std::string("ledger"), map.user_of(certificate("ledger", {payments, root})));
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of(certificate("ledger", {payments})));
        // Whoever has no single name is nobody.
        CPPUNIT_ASSERT_EQUAL(std::string(), map.user_of({"", "CN=a+CN=b", {payments, root}}));
    }

    void the_first_rule_that_fits_counts() {
        const CertificateMap map({{payments, "CN=ledger,O=Bank", "clearing"}, {payments, "", "*"}});
        CPPUNIT_ASSERT_EQUAL(std::string("clearing"), map.user_of(certificate("ledger", {payments})));
        CPPUNIT_ASSERT_EQUAL(std::string("gateway"), map.user_of(certificate("gateway", {payments})));
    }

    void digests_are_read_as_people_copy_them() {
        std::string copied = " ";
        for (int pair = 0; pair < 32; ++pair) copied += pair == 0 ? "AA" : ":AA";
        CPPUNIT_ASSERT_EQUAL(std::string("ledger"), CertificateMap({{copied, "", "*"}}).user_of(certificate("ledger", {payments})));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CertificateMapTest);

}  // namespace
}  // namespace giromq::security
