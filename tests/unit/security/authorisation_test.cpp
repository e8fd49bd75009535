#include <cppunit/extensions/HelperMacros.h>

#include "security/authorisation.hpp"

namespace giromq::security {
namespace {

class AuthorisationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuthorisationTest);
    CPPUNIT_TEST(application_may_do_everything_but_administer);
    CPPUNIT_TEST(administrator_may_do_everything);
    CPPUNIT_TEST(refusal_names_user_and_destination);
    CPPUNIT_TEST_SUITE_END();

public:
    void application_may_do_everything_but_administer() {
        const Identity application{"ledger", Role::application};
        for (const auto action : {Action::send, Action::receive, Action::browse, Action::create}) {
            CPPUNIT_ASSERT(authorise(application, action, "payments.in"));
        }
        const auto refused = authorise(application, Action::administer, "");
        CPPUNIT_ASSERT(!refused && refused.error().is(errc::not_permitted));
    }

    void administrator_may_do_everything() {
        const Identity administrator{"root", Role::administrator};
        for (const auto action : {Action::send, Action::receive, Action::browse, Action::create, Action::administer}) {
            CPPUNIT_ASSERT(authorise(administrator, action, "payments.in"));
        }
    }

    void refusal_names_user_and_destination() {
        const auto refused = authorise({"ledger", Role::application}, Action::administer, "payments.in");
        CPPUNIT_ASSERT_EQUAL(std::string("user 'ledger' has the role application and may not administer 'payments.in'"),
                             refused.error().detail());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthorisationTest);

}  // namespace
}  // namespace giromq::security
