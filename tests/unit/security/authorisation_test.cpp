#include <cppunit/extensions/HelperMacros.h>

#include <set>

#include "security/authorisation.hpp"

namespace giromq::security {
namespace {

class AuthorisationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuthorisationTest);
    CPPUNIT_TEST(application_may_send_receive_browse_and_create);
    CPPUNIT_TEST(operator_works_with_queues_but_not_with_users);
    CPPUNIT_TEST(auditor_sees_everything_and_changes_nothing);
    CPPUNIT_TEST(branch_of_another_user_is_for_those_who_may_resolve_it);
    CPPUNIT_TEST(administrator_may_do_everything);
    CPPUNIT_TEST(refusal_names_user_and_destination);
    CPPUNIT_TEST_SUITE_END();

public:
    static std::set<Action> allowed_to(Role role) {
        std::set<Action> allowed;
        for (const Action action : all_actions) {
            if (authorise({"ann", role}, action, "payments.in")) allowed.insert(action);
        }
        return allowed;
    }

    void application_may_send_receive_browse_and_create() {
        CPPUNIT_ASSERT((allowed_to(Role::application) == std::set{Action::send, Action::receive, Action::browse, Action::create}));
    }

    void operator_works_with_queues_but_not_with_users() {
        CPPUNIT_ASSERT(
            (allowed_to(Role::operator_) == std::set{Action::send, Action::browse, Action::read_body, Action::move, Action::delete_messages,
                                                     Action::purge, Action::resolve_xa, Action::view, Action::pause, Action::close}));
    }

    void auditor_sees_everything_and_changes_nothing() {
        CPPUNIT_ASSERT((allowed_to(Role::auditor) == std::set{Action::view, Action::audit}));
    }

    void branch_of_another_user_is_for_those_who_may_resolve_it() {
        CPPUNIT_ASSERT(authorise_branch({"ledger", Role::application}, "ledger"));
        CPPUNIT_ASSERT(!authorise_branch({"ledger", Role::application}, "cards"));
        CPPUNIT_ASSERT(!authorise_branch({"ann", Role::auditor}, "cards"));
        CPPUNIT_ASSERT(authorise_branch({"olga", Role::operator_}, "cards"));
        CPPUNIT_ASSERT(authorise_branch({"root", Role::administrator}, "cards"));
    }

    void administrator_may_do_everything() { CPPUNIT_ASSERT_EQUAL(all_actions.size(), allowed_to(Role::administrator).size()); }

    void refusal_names_user_and_destination() {
        const auto refused = authorise({"ledger", Role::application}, Action::administer, "payments.in");
        CPPUNIT_ASSERT_EQUAL(std::string("user 'ledger' has the role application and may not administer 'payments.in'"),
                             refused.error().detail());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthorisationTest);

}  // namespace
}  // namespace giromq::security
