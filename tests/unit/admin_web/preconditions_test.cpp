#include "admin-web/entity_tag.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// If-Match: nothing is changed or deleted that is not what somebody has seen.
class PreconditionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PreconditionsTest);
    CPPUNIT_TEST(a_header_holds_for_a_star_or_one_of_its_tags);
    CPPUNIT_TEST(a_queue_is_not_deleted_when_a_change_came_between);
    CPPUNIT_TEST(a_queue_that_was_made_again_has_another_tag);
    CPPUNIT_TEST(a_user_is_not_changed_when_a_change_came_between);
    CPPUNIT_TEST(the_tag_of_a_user_changes_with_role_and_password);
    CPPUNIT_TEST(a_selector_is_not_changed_when_a_change_came_between);
    CPPUNIT_TEST(what_is_not_there_matches_nothing);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_header_holds_for_a_star_or_one_of_its_tags() {
        using admin_web::is_match;
        CPPUNIT_ASSERT(is_match("*", "\"1\""));
        CPPUNIT_ASSERT(is_match("\"1\"", "\"1\""));
        CPPUNIT_ASSERT(is_match("\"2\" , \"1\"", "\"1\""));
        for (const char* const other : {"\"2\"", "1", "W/\"1\"", "", "\"11\"", "\"1"}) CPPUNIT_ASSERT(!is_match(other, "\"1\""));
    }

    void a_queue_is_not_deleted_when_a_change_came_between() {
        SiteRig rig;
        const auto seen = tag_of(rig.put("/api/v1/queues/q", "{}"));
        // Both are on their way before the core comes to either of them.
        std::optional<admin_web::Response> changed;
        std::optional<admin_web::Response> deleted;
        rig.site_.handle(rig.make("PATCH", "/api/v1/queues/q", R"({"maxMessages":5})", {{"if-match", seen}}),
                         [&](admin_web::Response response) { changed = std::move(response); });
        rig.run();
        rig.site_.handle(rig.make("DELETE", "/api/v1/queues/q", {}, {{"if-match", seen}}),
                         [&](admin_web::Response response) { deleted = std::move(response); });
        rig.run();
        CPPUNIT_ASSERT_EQUAL(200, changed->status);
        CPPUNIT_ASSERT_EQUAL(412, deleted->status);
        CPPUNIT_ASSERT_EQUAL(204, remove(rig, "/api/v1/queues/q", tag_of(*changed)).status);
    }

    void a_queue_that_was_made_again_has_another_tag() {
        SiteRig rig;
        const auto first = tag_of(rig.put("/api/v1/queues/q", "{}"));
        CPPUNIT_ASSERT_EQUAL(first, tag_of(rig.get("/api/v1/queues/q")));
        CPPUNIT_ASSERT_EQUAL(204, rig.remove("/api/v1/queues/q").status);
        const auto second = tag_of(rig.put("/api/v1/queues/q", "{}"));
        CPPUNIT_ASSERT(first != second);
        CPPUNIT_ASSERT_EQUAL(412, remove(rig, "/api/v1/queues/q", first).status);
    }

    void a_user_is_not_changed_when_a_change_came_between() {
        SiteRig rig;
        rig.add_user("root", Role::administrator, "Correct horse 1");
        const auto seen = tag_of(rig.put("/api/v1/users/ann", R"({"role":"operator","password":"Correct horse 1"})"));
        CPPUNIT_ASSERT_EQUAL(seen, tag_of(rig.get("/api/v1/users/ann")));
        // Two that have seen the same, at the same time.
        std::optional<admin_web::Response> first;
        std::optional<admin_web::Response> second;
        rig.site_.handle(rig.make("PUT", "/api/v1/users/ann", R"({"role":"auditor"})", {{"if-match", seen}}),
                         [&](admin_web::Response response) { first = std::move(response); });
        rig.site_.handle(rig.make("PUT", "/api/v1/users/ann", R"({"role":"administrator"})", {{"if-match", seen}}),
                         [&](admin_web::Response response) { second = std::move(response); });
        rig.run();
        CPPUNIT_ASSERT_EQUAL(200, first->status);
        CPPUNIT_ASSERT_EQUAL(412, second->status);
        CPPUNIT_ASSERT_EQUAL(412, remove(rig, "/api/v1/users/ann", seen).status);
        CPPUNIT_ASSERT(rig.users_.find("ann")->role == Role::auditor);
        CPPUNIT_ASSERT_EQUAL(204, remove(rig, "/api/v1/users/ann", tag_of(*first)).status);
    }

    void the_tag_of_a_user_changes_with_role_and_password() {
        SiteRig rig;
        const auto first = tag_of(rig.put("/api/v1/users/ann", R"({"role":"operator","password":"Correct horse 1"})"));
        const auto role = tag_of(rig.put("/api/v1/users/ann", R"({"role":"auditor"})"));
        const auto password = tag_of(rig.put("/api/v1/users/ann", R"({"role":"auditor","password":"Correct horse 1"})"));
        CPPUNIT_ASSERT(first != role && role != password && first != password);
        auto user = *rig.users_.find("ann");
        const auto with_key = admin_web::etag_of(user);
        user.stored_key.fill(1);
        user.server_key.fill(1);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nothing of the password can be tried on it", with_key, admin_web::etag_of(user));
    }

    void a_selector_is_not_changed_when_a_change_came_between() {
        SiteRig rig;
        const auto seen = tag_of(rig.put("/api/v1/selectors/eur", R"({"text":"currency = 'EUR'"})"));
        CPPUNIT_ASSERT_EQUAL(seen, tag_of(rig.get("/api/v1/selectors/eur")));
        rig.clock_.advance(std::chrono::milliseconds(1));
        std::optional<admin_web::Response> first;
        std::optional<admin_web::Response> second;
        rig.site_.handle(rig.make("PUT", "/api/v1/selectors/eur", R"({"text":"currency = 'CHF'"})", {{"if-match", seen}}),
                         [&](admin_web::Response response) { first = std::move(response); });
        rig.site_.handle(rig.make("DELETE", "/api/v1/selectors/eur", {}, {{"if-match", seen}}),
                         [&](admin_web::Response response) { second = std::move(response); });
        rig.run();
        CPPUNIT_ASSERT_EQUAL(200, first->status);
        CPPUNIT_ASSERT_EQUAL(412, second->status);
        CPPUNIT_ASSERT_EQUAL(204, remove(rig, "/api/v1/selectors/eur", tag_of(*first)).status);
    }

    void what_is_not_there_matches_nothing() {
        SiteRig rig;
        for (const char* const tag : {"*", "\"1\""}) {
            const auto user =
                rig.make("PUT", "/api/v1/users/ann", R"({"role":"operator","password":"Correct horse 1"})", {{"if-match", tag}});
            CPPUNIT_ASSERT_EQUAL(412, rig.send(user).status);
            const auto selector = rig.make("PUT", "/api/v1/selectors/eur", R"({"text":"a = 1"})", {{"if-match", tag}});
            CPPUNIT_ASSERT_EQUAL(412, rig.send(selector).status);
            CPPUNIT_ASSERT_EQUAL(404, remove(rig, "/api/v1/selectors/eur", tag).status);
        }
        CPPUNIT_ASSERT(rig.users_.empty());
    }

private:
    static std::string tag_of(const admin_web::Response& response) {
        CPPUNIT_ASSERT_MESSAGE(response.body, response.status < 300);
        const auto tag = header_of(response, "ETag");
        CPPUNIT_ASSERT(tag.size() > 2);
        return tag;
    }
    static admin_web::Response remove(SiteRig& rig, const std::string& target, const std::string& tag) {
        return rig.send(rig.make("DELETE", target, {}, {{"if-match", tag}}));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PreconditionsTest);

}  // namespace giromq::test
