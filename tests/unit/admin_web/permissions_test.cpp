#include <set>

#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// Permissions over REST, and what each role may do there.
class PermissionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PermissionsTest);
    CPPUNIT_TEST(a_permission_is_granted_listed_and_revoked);
    CPPUNIT_TEST(a_permission_is_only_held_when_it_is_durable);
    CPPUNIT_TEST(what_makes_no_sense_is_refused);
    CPPUNIT_TEST(the_list_goes_on_at_its_cursor_and_can_be_narrowed);
    CPPUNIT_TEST(a_deleted_user_takes_its_permissions_along);
    CPPUNIT_TEST(a_check_says_whether_and_why);
    CPPUNIT_TEST(roles_are_told);
    CPPUNIT_TEST(each_role_may_do_over_rest_what_it_says);
    CPPUNIT_TEST_SUITE_END();

public:
    static std::string grant(const std::string& user, const std::string& pattern, const std::string& actions) {
        return R"({"grantee":{"kind":"user","name":")" + user + R"("},"pattern":")" + pattern + R"(","actions":[)" + actions + "]}";
    }

    void setUp() override {
        rig_ = std::make_unique<SiteRig>();
        rig_->add_user("ledger", Role::application, "correct horse");
    }

    void a_permission_is_granted_listed_and_revoked() {
        const auto added = rig_->post("/api/v1/permissions", grant("ledger", "payments.#", R"("receive","send","send")"));
        CPPUNIT_ASSERT_EQUAL(201, added.status);
        const auto item = json_of(added);
        CPPUNIT_ASSERT(item.at("createdBy") == "anonymous" && item.at("pattern") == "payments.#");
        CPPUNIT_ASSERT((item.at("actions") == boost::json::array{"send", "receive"}));
        CPPUNIT_ASSERT(json_of(rig_->get("/api/v1/permissions")).at("items").as_array().at(0) == item);
        const auto path = header_of(added, "Location");
        CPPUNIT_ASSERT_EQUAL(std::string("different"),
                             code_of(rig_->post("/api/v1/permissions", grant("ledger", "payments.#", R"("send","receive")"))));
        CPPUNIT_ASSERT_EQUAL(0, rig_->connections_.reviews);
        CPPUNIT_ASSERT_EQUAL(204, rig_->remove(path).status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("open links are looked at again", 1, rig_->connections_.reviews);
        CPPUNIT_ASSERT_EQUAL(404, rig_->remove(path).status);
        CPPUNIT_ASSERT(rig_->users_.permissions().snapshot()->empty());
    }

    void a_permission_is_only_held_when_it_is_durable() {
        int status = 0;
        rig_->site_.handle(rig_->make("POST", "/api/v1/permissions", grant("ledger", "q", R"("send")")),
                           [&](const admin_web::Response& response) { status = response.status; });
        rig_->core_executor_.run_all();
        CPPUNIT_ASSERT(!rig_->fake_store_.waiting().empty());
        CPPUNIT_ASSERT(status == 0 && rig_->users_.permissions().snapshot()->empty());
        rig_->run();
        CPPUNIT_ASSERT(status == 201 && rig_->users_.permissions().snapshot()->size() == 1);
    }

    void what_makes_no_sense_is_refused() {
        for (const auto& [body, status] :
             {std::pair{grant("nobody", "q", R"("send")"), 404},
              {grant("ledger", "q..r", R"("send")"), 400},
              {grant("ledger", "q", ""), 400},
              {grant("ledger", "q", R"("view")"), 400},
              {grant("ledger", "q", R"("fly")"), 400},
              {grant("ledger", "q", "1"), 400},
              {std::string("{}"), 400},
              {std::string(R"({"grantee":{"kind":"role","name":"auditor"},"pattern":"#","actions":["send"]})"), 400},
              {std::string(R"({"grantee":{"kind":"role","name":"god"},"pattern":"#","actions":["send"]})"), 404},
              {std::string(R"({"grantee":{"kind":"group","name":"x"},"pattern":"#","actions":["send"]})"), 400},
              {std::string(R"({"grantee":{"kind":"user"},"pattern":"#","actions":["send"]})"), 400}}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, status, rig_->post("/api/v1/permissions", body).status);
        }
    }

    void the_list_goes_on_at_its_cursor_and_can_be_narrowed() {
        for (const char* const pattern : {"a", "b", "c"}) rig_->post("/api/v1/permissions", grant("ledger", pattern, R"("send")"));
        const auto first = json_of(rig_->get("/api/v1/permissions?limit=2"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, first.at("items").as_array().size());
        const auto rest = json_of(rig_->get("/api/v1/permissions?limit=2&cursor=" + std::string(first.at("nextCursor").as_string())));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rest.at("items").as_array().size());
        CPPUNIT_ASSERT(rest.at("nextCursor").is_null());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, json_of(rig_->get("/api/v1/permissions?pattern=b")).at("items").as_array().size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, json_of(rig_->get("/api/v1/permissions?grantee=ann")).at("items").as_array().size());
        CPPUNIT_ASSERT_EQUAL(400, rig_->get("/api/v1/permissions?role=x").status);
    }

    void a_deleted_user_takes_its_permissions_along() {
        rig_->put("/api/v1/users/cards", R"({"role":"application","password":"battery staple 9"})");
        rig_->post("/api/v1/permissions", grant("cards", "q", R"("send")"));
        CPPUNIT_ASSERT_EQUAL(204, rig_->remove("/api/v1/users/cards").status);
        CPPUNIT_ASSERT(rig_->users_.permissions().snapshot()->empty());
        CPPUNIT_ASSERT_MESSAGE("a later user of the name has none", may("cards", "send", "q") == false);
    }

    void a_check_says_whether_and_why() {
        const auto id = json_of(rig_->post("/api/v1/permissions", grant("ledger", "payments.*", R"("send")"))).at("id");
        const auto yes = json_of(rig_->get("/api/v1/permissions/check?user=ledger&action=send&destination=payments.in"));
        CPPUNIT_ASSERT(yes.at("allowed") == true && yes.at("permission") == id);
        CPPUNIT_ASSERT(!may("ledger", "receive", "payments.in"));
        CPPUNIT_ASSERT(!may("ledger", "send", "orders"));
        CPPUNIT_ASSERT_EQUAL(404, rig_->get("/api/v1/permissions/check?user=nobody&action=send&destination=q").status);
        CPPUNIT_ASSERT_EQUAL(400, rig_->get("/api/v1/permissions/check?user=ledger&action=fly&destination=q").status);
    }

    void roles_are_told() {
        std::map<std::string, std::size_t> actions;
        const auto body = json_of(rig_->get("/api/v1/roles"));
        for (const auto& item : body.at("items").as_array()) {
            actions[std::string(item.at("name").as_string())] = item.at("mayDo").as_array().size();
        }
        CPPUNIT_ASSERT((actions == std::map<std::string, std::size_t>{
                                       {"administrator", all_actions.size()}, {"operator", 10}, {"auditor", 2}, {"application", 0}}));
    }

    void each_role_may_do_over_rest_what_it_says() {
        SiteRig rig(false);
        for (const auto& [role, name] : role_names) rig.add_user(std::string(name), role, "correct horse");
        struct Row {
            const char* method;
            const char* target;
            const char* body;
            std::set<std::string> allowed;
        };
        const std::set<std::string> everybody{"administrator", "operator", "auditor", "application"};
        const std::set<std::string> viewers{"administrator", "operator", "auditor"};
        const std::set<std::string> auditors{"administrator", "auditor"};
        const std::set<std::string> operators{"administrator", "operator"};
        const std::set<std::string> administrators{"administrator"};
        const Row rows[] = {
            {"GET", "/metrics", "", everybody},
            {"GET", "/api/v1/session", "", everybody},
            {"GET", "/api/v1/roles", "", everybody},
            {"GET", "/api/v1/overview", "", viewers},
            {"GET", "/api/v1/queues", "", viewers},
            {"GET", "/api/v1/connections", "", viewers},
            {"GET", "/api/v1/selectors", "", viewers},
            {"GET", "/api/v1/transactions", "", viewers},
            {"GET", "/metrics/queues", "", viewers},
            {"GET", "/api/v1/users", "", auditors},
            {"GET", "/api/v1/permissions", "", auditors},
            {"GET", "/api/v1/permissions/check?user=operator&action=send", "", {"administrator", "operator", "auditor"}},
            {"POST", "/api/v1/queues/q/purge", "", operators},
            {"POST", "/api/v1/transactions/1:61:62/commit", R"({"reason":"x"})", operators},
            {"PUT", "/api/v1/queues/q", "{}", administrators},
            {"DELETE", "/api/v1/queues/q", "", administrators},
            {"PUT", "/api/v1/users/eve", R"({"role":"administrator","password":"battery staple 9"})", administrators},
            {"DELETE", "/api/v1/users/eve", "", administrators},
            {"POST", "/api/v1/permissions",
             "{\"grantee\":{\"kind\":\"user\",\"name\":\"application\"},\"pattern\":\"x\",\"actions\":[\"send\"]}", administrators},
            {"DELETE", "/api/v1/permissions/1", "", administrators},
            {"PUT", "/api/v1/selectors/s", R"({"text":"a = 1"})", administrators},
            {"DELETE", "/api/v1/selectors/s", "", administrators},
            {"POST", "/api/v1/backup", R"({"file":"x"})", administrators},
        };
        for (const auto& row : rows) {
            for (const auto& user : everybody) {
                const std::string text = user + ":correct horse";
                const auto answer = rig.send(rig.make(row.method, row.target, row.body,
                                                      {{"authorization", "Basic " + security::encode_base64(security::as_bytes(text))}}));
                CPPUNIT_ASSERT_EQUAL_MESSAGE(user + " " + row.method + " " + row.target, row.allowed.contains(user), answer.status != 403);
            }
        }
    }

private:
    bool may(const std::string& user, const std::string& action, const std::string& destination) {
        const auto answer = rig_->get("/api/v1/permissions/check?user=" + user + "&action=" + action + "&destination=" + destination);
        return answer.status == 200 && json_of(answer).at("allowed").as_bool();
    }

    std::unique_ptr<SiteRig> rig_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(PermissionsTest);

}  // namespace giromq::test
