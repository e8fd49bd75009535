#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// Users, roles and permissions of a document hold together or not at all, whenever the broker dies.
class SecurityUnitTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SecurityUnitTest);
    CPPUNIT_TEST(a_crash_finds_all_of_it_or_nothing);
    CPPUNIT_TEST(one_that_is_refused_holds_up_the_others_and_no_queue);
    CPPUNIT_TEST(somebody_must_stay_administrator);
    CPPUNIT_TEST(administrators_may_be_exchanged);
    CPPUNIT_TEST(a_user_that_goes_takes_its_permissions_along);
    CPPUNIT_TEST(what_the_store_refuses_holds_nowhere);
    CPPUNIT_TEST(many_permissions_are_planned_in_one_go);
    CPPUNIT_TEST_SUITE_END();

    static admin_web::Request request(const SiteRig& rig, const std::string& lists, bool prune) {
        auto made = rig.make("POST", std::string("/api/v1/configuration/apply") + (prune ? "?prune=true" : ""));
        made.headers.emplace_back("content-type", "application/xml");
        made.body = "<definitions xmlns=\"urn:giromq:definitions:1\">" + lists + "</definitions>";
        return made;
    }
    static boost::json::object apply(SiteRig& rig, const std::string& lists, bool prune = false) {
        const auto answer = rig.send(request(rig, lists, prune));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, 200, answer.status);
        return json_of(answer);
    }
    static std::vector<std::string> outcomes(const boost::json::object& answer) {
        std::vector<std::string> words;
        for (const auto& change : answer.at("changes").as_array()) words.emplace_back(change.at("outcome").as_string());
        return words;
    }

    /// What a broker would find that started now, as words.
    static std::set<std::string> stored(SiteRig& rig) {
        core::Core next(rig.clock_, rig.fake_store_, rig.fake_store_, {});
        CPPUNIT_ASSERT(rig.memory_.recover(next.recovery()).ok());
        std::set<std::string> words;
        for (const auto& user : next.recovered_users()) words.insert(user.name + " is " + std::string(to_text(user.role)));
        for (const auto& permission : next.recovered_permissions()) {
            words.insert(permission.grantee + ": " + actions_text(permission.actions) + " on " + permission.pattern);
        }
        AuditQuery query;
        query.limit = 1000;
        const auto audit = rig.memory_.audit(query);
        for (const auto& record : audit->items) {
            const auto& entry = record.entry;
            if (entry.action.starts_with("user.") || entry.action.starts_with("permission."))
                words.insert(entry.action + " " + entry.detail);
        }
        return words;
    }

    static inline const std::string before_lists =
        "<users><user name='anna' role='auditor'/><user name='bert' role='operator'/></users>"
        "<permissions><permission user='anna' pattern='a' actions='send'/><permission role='application' pattern='b' actions='send'/>"
        "</permissions>";
    static inline const std::string after_lists =
        "<queues><queue name='q'/><queue name='r' dead-letter-queue='s'/></queues><users><user name='anna' role='application'/></users>"
        "<permissions><permission user='anna' pattern='a' actions='send receive'/><permission user='anonymous' pattern='c' actions='send'/>"
        "</permissions>";

public:
    void a_crash_finds_all_of_it_or_nothing() {
        SiteRig rig;
        rig.add_user("anna", Role::application, "a long password");
        rig.add_user("bert", Role::application, "a long password");
        apply(rig, before_lists);
        const auto before = stored(rig);
        CPPUNIT_ASSERT(before.contains("anna is auditor") && before.contains("anna: send on a"));
        bool answered = false;
        rig.site_.handle(request(rig, after_lists, true), [&](const admin_web::Response&) { answered = true; });
        std::set<std::set<std::string>> seen;
        while (!answered) {
            rig.core_executor_.run_all();
            rig.workers_.run_all();
            // One unit after another, and a look at what a crash would leave.
            rig.fake_store_.write(1);
            seen.insert(stored(rig));
            while (rig.fake_store_.complete()) {
            }
            rig.fake_store_.answer_page();
        }
        const auto after = stored(rig);
        CPPUNIT_ASSERT(after.contains("anna is application") && after.contains("anna: send receive on a"));
        CPPUNIT_ASSERT(!after.contains("bert is operator") && !after.contains("application: send on b"));
        CPPUNIT_ASSERT(after.contains("user.delete ") && after.contains("permission.grant user anonymous: send on c"));
        CPPUNIT_ASSERT((seen == std::set<std::set<std::string>>{before, after}));
        CPPUNIT_ASSERT_MESSAGE("it is done once", apply(rig, after_lists, true).at("changes").as_array().empty());
    }

    void one_that_is_refused_holds_up_the_others_and_no_queue() {
        SiteRig rig;
        rig.add_user("anna", Role::auditor, "a long password");
        const auto answer = apply(rig,
                                  "<queues><queue name='q'/></queues><users><user name='anna' role='operator'/>"
                                  "<user name='new' role='operator'/></users>"
                                  "<permissions><permission role='application' pattern='b' actions='send'/></permissions>");
        CPPUNIT_ASSERT((outcomes(answer) == std::vector<std::string>{"done", "skipped", "refused", "skipped"}));
        CPPUNIT_ASSERT(rig.users_.find("anna")->role == Role::auditor && rig.users_.permissions().snapshot()->empty());
        CPPUNIT_ASSERT(stored(rig).empty());
    }

    void somebody_must_stay_administrator() {
        SiteRig rig;
        rig.add_user("root", Role::administrator, "a long password");
        rig.add_user("boss", Role::administrator, "a long password");
        const auto answer = apply(rig, "<users><user name='boss' role='operator'/><user name='root' role='auditor'/></users>");
        CPPUNIT_ASSERT((outcomes(answer) == std::vector<std::string>{"refused", "refused"}));
        CPPUNIT_ASSERT(answer.at("failed").as_object().at("code").as_string() == "last_administrator");
        CPPUNIT_ASSERT(rig.users_.find("boss")->role == Role::administrator);
    }

    void administrators_may_be_exchanged() {
        SiteRig rig;
        rig.add_user("root", Role::administrator, "a long password");
        rig.add_user("boss", Role::operator_, "a long password");
        apply(rig, "<users><user name='boss' role='administrator'/></users>", true);
        CPPUNIT_ASSERT(!rig.users_.find("root") && rig.users_.find("boss")->role == Role::administrator);
        CPPUNIT_ASSERT((rig.connections_.closed_users == std::vector<std::string>{"boss", "root"}));
    }

    void a_user_that_goes_takes_its_permissions_along() {
        SiteRig rig;
        rig.add_user("anna", Role::application, "a long password");
        const std::string permission = "<permissions><permission user='anna' pattern='a' actions='send'/></permissions>";
        apply(rig, permission);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.users_.permissions().snapshot()->size());
        const auto answer = apply(rig, "<users/>" + permission, true);
        CPPUNIT_ASSERT((outcomes(answer) == std::vector<std::string>{"done"}));
        CPPUNIT_ASSERT(rig.users_.permissions().snapshot()->empty());
        CPPUNIT_ASSERT(!stored(rig).contains("anna: send on a"));
        CPPUNIT_ASSERT(rig.connections_.reviews >= 2);
    }

    void what_the_store_refuses_holds_nowhere() {
        SiteRig rig;
        rig.add_user("anna", Role::auditor, "a long password");
        rig.fake_store_.refuse_all = true;
        const auto answer = apply(rig, "<users><user name='anna' role='operator'/></users>");
        CPPUNIT_ASSERT((outcomes(answer) == std::vector<std::string>{"refused"}));
        CPPUNIT_ASSERT(rig.users_.find("anna")->role == Role::auditor && rig.connections_.closed_users.empty());
        rig.fake_store_.refuse_all = false;
        // The next change has its turn.
        CPPUNIT_ASSERT_EQUAL(204, rig.remove("/api/v1/users/anna").status);
    }

    void many_permissions_are_planned_in_one_go() {
        SiteRig rig;
        std::string lists = "<permissions>";
        for (int number = 0; number < 5000; ++number) {
            lists += "<permission role='application' pattern='q." + std::to_string(number) + "' actions='send'/>";
        }
        const auto batches = rig.fake_store_.batches;
        CPPUNIT_ASSERT_EQUAL(std::int64_t{5000}, apply(rig, lists + "</permissions>").at("done").as_int64());
        CPPUNIT_ASSERT_EQUAL(std::size_t{5000}, rig.users_.permissions().snapshot()->size());
        CPPUNIT_ASSERT_MESSAGE("its lines of the audit before and after", rig.fake_store_.batches - batches <= 3);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(SecurityUnitTest);

}  // namespace giromq::test
