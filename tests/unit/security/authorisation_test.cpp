#include <cppunit/extensions/HelperMacros.h>

#include <set>

#include "security/authorisation.hpp"
#include "security/permission_table.hpp"

namespace giromq::security {
namespace {

class AuthorisationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuthorisationTest);
    CPPUNIT_TEST(application_may_do_nothing_by_itself);
    CPPUNIT_TEST(operator_works_with_queues_but_not_with_users);
    CPPUNIT_TEST(auditor_sees_everything_and_changes_nothing);
    CPPUNIT_TEST(administrator_may_do_everything);
    CPPUNIT_TEST(a_permission_grants_its_actions_on_its_destinations_to_its_user);
    CPPUNIT_TEST(a_permission_of_a_role_is_for_all_of_it);
    CPPUNIT_TEST(a_permission_adds_to_what_an_operator_may_do);
    CPPUNIT_TEST(no_permission_makes_an_auditor_more);
    CPPUNIT_TEST(no_permission_grants_what_belongs_to_roles);
    CPPUNIT_TEST(temporary_queues_have_one_name_in_permissions);
    CPPUNIT_TEST(a_user_that_is_called_like_a_role_is_not_that_role);
    CPPUNIT_TEST(a_change_holds_at_once_and_can_be_seen);
    CPPUNIT_TEST(a_decision_says_why);
    CPPUNIT_TEST(branch_of_another_user_is_for_those_who_may_resolve_it);
    CPPUNIT_TEST(refusal_names_user_and_destination);
    CPPUNIT_TEST_SUITE_END();

public:
    std::set<Action> allowed_to(Role role, const std::string& destination = "payments.in", const std::string& user = "ann") const {
        std::set<Action> allowed;
        for (const Action action : all_actions) {
            if (authorise({user, role, &table_}, action, destination)) allowed.insert(action);
        }
        return allowed;
    }
    void grant(GranteeKind kind, std::string grantee, std::string pattern, std::vector<Action> actions) {
        table_.put({++last_id_, kind, std::move(grantee), std::move(pattern), std::move(actions), {}, "root"});
    }

    void application_may_do_nothing_by_itself() { CPPUNIT_ASSERT(allowed_to(Role::application).empty()); }

    void operator_works_with_queues_but_not_with_users() {
        CPPUNIT_ASSERT(
            (allowed_to(Role::operator_) == std::set{Action::send, Action::browse, Action::read_body, Action::move, Action::delete_messages,
                                                     Action::purge, Action::resolve_xa, Action::view, Action::pause, Action::close}));
    }

    void auditor_sees_everything_and_changes_nothing() {
        CPPUNIT_ASSERT((allowed_to(Role::auditor) == std::set{Action::view, Action::audit}));
    }

    void administrator_may_do_everything() { CPPUNIT_ASSERT_EQUAL(all_actions.size(), allowed_to(Role::administrator).size()); }

    void a_permission_grants_its_actions_on_its_destinations_to_its_user() {
        grant(GranteeKind::user, "ann", "payments.*", {Action::send, Action::browse});
        CPPUNIT_ASSERT((allowed_to(Role::application) == std::set{Action::send, Action::browse}));
        CPPUNIT_ASSERT(allowed_to(Role::application, "orders.in").empty());
        CPPUNIT_ASSERT(allowed_to(Role::application, "").empty());
        CPPUNIT_ASSERT(allowed_to(Role::application, "payments.in", "bob").empty());
    }

    void a_permission_of_a_role_is_for_all_of_it() {
        grant(GranteeKind::role, "application", "#", {Action::receive});
        for (const char* const user : {"ann", "bob", "anonymous"}) {
            CPPUNIT_ASSERT((allowed_to(Role::application, "payments.in", user) == std::set{Action::receive}));
        }
        CPPUNIT_ASSERT(!allowed_to(Role::operator_).contains(Action::receive));
    }

    void a_permission_adds_to_what_an_operator_may_do() {
        grant(GranteeKind::user, "ann", "#", {Action::receive});
        CPPUNIT_ASSERT(allowed_to(Role::operator_).contains(Action::receive));
        CPPUNIT_ASSERT(allowed_to(Role::operator_).contains(Action::purge));
    }

    void no_permission_makes_an_auditor_more() {
        grant(GranteeKind::user, "ann", "#", {Action::send, Action::read_body});
        grant(GranteeKind::role, "auditor", "#", {Action::send, Action::read_body});
        CPPUNIT_ASSERT((allowed_to(Role::auditor) == std::set{Action::view, Action::audit}));
    }

    void no_permission_grants_what_belongs_to_roles() {
        grant(GranteeKind::user, "ann", "#", {all_actions.begin(), all_actions.end()});
        for (const auto action : {Action::view, Action::pause, Action::close, Action::audit, Action::administer}) {
            CPPUNIT_ASSERT(!allowed_to(Role::application).contains(action));
        }
    }

    void temporary_queues_have_one_name_in_permissions() {
        grant(GranteeKind::user, "ann", "temp-", {Action::send});
        grant(GranteeKind::user, "bob", "*", {Action::send});
        grant(GranteeKind::user, "cid", "temp-1-1", {Action::send});
        CPPUNIT_ASSERT((allowed_to(Role::application, "temp-1-1", "ann") == std::set{Action::send}));
        CPPUNIT_ASSERT((allowed_to(Role::application, "temp-1-1", "bob") == std::set{Action::send}));
        CPPUNIT_ASSERT(allowed_to(Role::application, "temp-1-1", "cid").empty());
        CPPUNIT_ASSERT(allowed_to(Role::application, "temp", "ann").empty());
    }

    void a_user_that_is_called_like_a_role_is_not_that_role() {
        grant(GranteeKind::role, "operator", "#", {Action::receive});
        CPPUNIT_ASSERT(allowed_to(Role::application, "q", "operator").empty());
        grant(GranteeKind::user, "application", "#", {Action::send});
        CPPUNIT_ASSERT(allowed_to(Role::application, "q", "ann").empty());
    }

    void a_change_holds_at_once_and_can_be_seen() {
        const Identity ann{"ann", Role::application, &table_};
        const auto before = permissions_version(ann);
        grant(GranteeKind::user, "ann", "q", {Action::send});
        CPPUNIT_ASSERT(permissions_version(ann) != before);
        CPPUNIT_ASSERT(authorise(ann, Action::send, "q"));
        CPPUNIT_ASSERT(table_.remove(last_id_));
        CPPUNIT_ASSERT(!authorise(ann, Action::send, "q"));
        CPPUNIT_ASSERT(!table_.remove(last_id_));
        grant(GranteeKind::user, "ann", "q", {Action::send});
        grant(GranteeKind::user, "bob", "q", {Action::send});
        table_.remove_user("ann");
        CPPUNIT_ASSERT(!authorise(ann, Action::send, "q"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, table_.snapshot()->size());
    }

    void a_decision_says_why() {
        grant(GranteeKind::user, "ann", "payments.#", {Action::send});
        const auto granted = decide({"ann", Role::application, &table_}, Action::send, "payments.in");
        CPPUNIT_ASSERT(granted.allowed && granted.permission == last_id_);
        const auto by_role = decide({"root", Role::administrator, &table_}, Action::send, "payments.in");
        CPPUNIT_ASSERT(by_role.allowed && !by_role.permission);
        CPPUNIT_ASSERT_EQUAL(std::string("the role administrator"), by_role.because);
        CPPUNIT_ASSERT(!decide({"ann", Role::application, &table_}, Action::receive, "payments.in").allowed);
    }

    void branch_of_another_user_is_for_those_who_may_resolve_it() {
        CPPUNIT_ASSERT(authorise_branch({"ledger", Role::application, &table_}, "ledger"));
        CPPUNIT_ASSERT(!authorise_branch({"ledger", Role::application, &table_}, "cards"));
        CPPUNIT_ASSERT(!authorise_branch({"ann", Role::auditor, &table_}, "cards"));
        CPPUNIT_ASSERT(authorise_branch({"olga", Role::operator_, &table_}, "cards"));
        CPPUNIT_ASSERT(authorise_branch({"root", Role::administrator, &table_}, "cards"));
        grant(GranteeKind::user, "manager", "payments.#", {Action::resolve_xa});
        CPPUNIT_ASSERT_MESSAGE("a branch may touch anything", !authorise_branch({"manager", Role::application, &table_}, "cards"));
        grant(GranteeKind::user, "manager", "#", {Action::resolve_xa});
        CPPUNIT_ASSERT(authorise_branch({"manager", Role::application, &table_}, "cards"));
    }

    void refusal_names_user_and_destination() {
        const auto refused = authorise({"ledger", Role::application}, Action::administer, "payments.in");
        CPPUNIT_ASSERT(refused.error().is(errc::not_permitted));
        CPPUNIT_ASSERT_EQUAL(std::string("user 'ledger' has the role application and may not administer 'payments.in'"),
                             refused.error().detail());
    }

private:
    PermissionTable table_;
    std::uint64_t last_id_ = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthorisationTest);

}  // namespace
}  // namespace giromq::security
