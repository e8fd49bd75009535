#include <set>

#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// REST under /api/v1, as schemas/openapi.yaml says.
class RestTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RestTest);
    CPPUNIT_TEST(a_queue_is_created_once);
    CPPUNIT_TEST(a_created_queue_is_answered_after_commit);
    CPPUNIT_TEST(settings_are_read_strictly);
    CPPUNIT_TEST(json_bombs_are_refused);
    CPPUNIT_TEST(a_name_with_a_slash_is_one_name);
    CPPUNIT_TEST(lists_go_on_at_their_cursor);
    CPPUNIT_TEST(wrong_limits_and_cursors_are_refused);
    CPPUNIT_TEST(a_queue_is_deleted_once);
    CPPUNIT_TEST(a_used_queue_is_deleted_only_on_demand);
    CPPUNIT_TEST(a_purge_tells_how_many);
    CPPUNIT_TEST(a_full_disk_is_told_as_such);
    CPPUNIT_TEST(users_come_and_go);
    CPPUNIT_TEST(the_last_administrator_stays);
    CPPUNIT_TEST(two_administrators_cannot_remove_each_other_at_once);
    CPPUNIT_TEST(connections_of_a_changed_or_deleted_user_end);
    CPPUNIT_TEST(connections_end_only_when_the_change_is_durable);
    CPPUNIT_TEST(a_new_role_does_not_undo_a_new_password);
    CPPUNIT_TEST(a_new_role_does_not_bring_back_a_deleted_user);
    CPPUNIT_TEST(weak_passwords_are_refused);
    CPPUNIT_TEST(a_role_changes_without_a_password);
    CPPUNIT_TEST(a_backup_has_a_name_and_no_path);
    CPPUNIT_TEST(connections_are_listed_in_pages);
    CPPUNIT_TEST(the_overview_tells_state_and_counts);
    CPPUNIT_TEST(readiness_follows_broker_and_store);
    CPPUNIT_TEST(unknown_addresses_are_not_found);
    CPPUNIT_TEST(wrong_methods_are_told_the_right_ones);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_queue_is_created_once() {
        SiteRig rig;
        const auto created = rig.put("/api/v1/queues/q", R"({"maxMessages":7,"overflow":"hold","strict":true})");
        CPPUNIT_ASSERT_EQUAL(201, created.status);
        CPPUNIT_ASSERT_EQUAL(std::string("/api/v1/queues/q"), header_of(created, "Location"));
        const auto item = json_of(created);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, item.at("maxMessages").to_number<std::int64_t>());
        CPPUNIT_ASSERT(item.at("overflow").as_string() == "hold");
        CPPUNIT_ASSERT(item.at("strict").as_bool());
        CPPUNIT_ASSERT(item.at("origin").as_string() == "administrator");
        CPPUNIT_ASSERT_EQUAL(200, rig.put("/api/v1/queues/q", R"({"overflow":"hold","strict":true,"maxMessages":7})").status);
        const auto different = rig.put("/api/v1/queues/q", R"({"maxMessages":8})");
        CPPUNIT_ASSERT_EQUAL(409, different.status);
        CPPUNIT_ASSERT_EQUAL(std::string("different"), code_of(different));
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/q").status);
    }

    void a_created_queue_is_answered_after_commit() {
        SiteRig rig;
        bool answered = false;
        rig.site_.handle(rig.make("PUT", "/api/v1/queues/q"), [&](admin_web::Response) { answered = true; });
        rig.core_executor_.run_all();
        rig.workers_.run_all();
        CPPUNIT_ASSERT(!answered);
        rig.run();
        CPPUNIT_ASSERT(answered);
    }

    void settings_are_read_strictly() {
        SiteRig rig;
        for (const auto* body :
             {"[]", "1", "{", "{\"maxMessages\":-1}", "{\"maxMessages\":1.5}", "{\"maxMessages\":\"1\"}", "{\"maxMessages\":1000000000001}",
              "{\"maxBytes\":1}", "{\"overflow\":\"drop\"}", "{\"overflow\":1}", "{\"strict\":1}", "{\"maxDeliveries\":4294967296}",
              "{\"maxmessages\":1}", "{\"duplicateIdsAgeMs\":0}", "{} {}", "{\"maxMessages\":null}"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, rig.put("/api/v1/queues/q", body).status);
        }
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/q").status);
    }

    void json_bombs_are_refused() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(400, rig.put("/api/v1/queues/q", std::string(60000, '[')).status);
        CPPUNIT_ASSERT_EQUAL(400, rig.put("/api/v1/queues/q", "{\"a\":" + std::string(60, '[') + std::string(60, ']') + "}").status);
        CPPUNIT_ASSERT_EQUAL(400, rig.put("/api/v1/queues/q", std::string(70000, ' ') + "{}").status);
    }

    void a_name_with_a_slash_is_one_name() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/queues/eu%2Fpayments%20in", "").status);
        const auto found = rig.get("/api/v1/queues/eu%2Fpayments%20in");
        CPPUNIT_ASSERT_EQUAL(200, found.status);
        CPPUNIT_ASSERT(json_of(found).at("name").as_string() == "eu/payments in");
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/eu/payments").status);
    }

    void lists_go_on_at_their_cursor() {
        SiteRig rig;
        std::set<std::string> names{"DLQ"};
        for (int index = 0; index < 25; ++index) {
            names.insert("queue " + std::to_string(index));
            CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/queues/queue%20" + std::to_string(index), "").status);
        }
        std::vector<std::string> listed;
        std::string target = "/api/v1/queues?limit=10";
        for (int pages = 0; pages < 10; ++pages) {
            const auto page = json_of(rig.get(target));
            for (const auto& item : page.at("items").as_array()) listed.emplace_back(item.as_object().at("name").as_string());
            if (page.at("nextCursor").is_null()) break;
            target = "/api/v1/queues?limit=10&cursor=" + std::string(page.at("nextCursor").as_string());
        }
        CPPUNIT_ASSERT(std::vector<std::string>(names.begin(), names.end()) == listed);
    }

    void wrong_limits_and_cursors_are_refused() {
        SiteRig rig;
        for (const auto* query :
             {"limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1x", "cursor=", "cursor=zz", "other=1"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, rig.get(std::string("/api/v1/queues?") + query).status);
        }
    }

    void a_queue_is_deleted_once() {
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        const auto deleted = rig.remove("/api/v1/queues/q");
        CPPUNIT_ASSERT_EQUAL(204, deleted.status);
        CPPUNIT_ASSERT(deleted.body.empty());
        CPPUNIT_ASSERT_EQUAL(404, rig.remove("/api/v1/queues/q").status);
    }

    void a_used_queue_is_deleted_only_on_demand() {
        class Port final : public core::ConsumerPort {
        public:
            void deliver(core::Delivery) override {}
            void drained() override {}
            void ended(const Error&) override {}
        };
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        Port port;
        core::ConsumerCommand command;
        command.connection = ConnectionId{1};
        command.destination = *rig.core_.find_destination("q");
        command.port = &port;
        CPPUNIT_ASSERT(rig.core_.open_consumer(command).ok());
        const auto refused = rig.remove("/api/v1/queues/q");
        CPPUNIT_ASSERT_EQUAL(409, refused.status);
        CPPUNIT_ASSERT_EQUAL(std::string("in_use"), code_of(refused));
        CPPUNIT_ASSERT_EQUAL(400, rig.remove("/api/v1/queues/q?evenIfUsed=yes").status);
        CPPUNIT_ASSERT_EQUAL(204, rig.remove("/api/v1/queues/q?evenIfUsed=true").status);
    }

    void a_purge_tells_how_many() {
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        const auto purged = rig.post("/api/v1/queues/q/purge");
        CPPUNIT_ASSERT_EQUAL(200, purged.status);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, json_of(purged).at("purged").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(404, rig.post("/api/v1/queues/other/purge").status);
    }

    void a_full_disk_is_told_as_such() {
        SiteRig rig;
        rig.fake_store_.refuse_all = true;
        const auto response = rig.put("/api/v1/queues/q", "");
        CPPUNIT_ASSERT(response.status >= 500);
        rig.fake_store_.refuse_all = false;
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/q").status);
    }

    void users_come_and_go() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/users/ann", R"({"role":"administrator","password":"correct horse 9"})").status);
        CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/users/bob", R"({"role":"application","password":"correct horse 9"})").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.put("/api/v1/users/bob", R"({"role":"application","password":"battery staple 9"})").status);
        const auto list = rig.get("/api/v1/users");
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"items":[{"name":"ann","role":"administrator"},{"name":"bob","role":"application"}],)") +
                                 R"("nextCursor":null})",
                             list.body);
        CPPUNIT_ASSERT(rig.users_.verify_password("bob", "battery staple 9").ok());
        CPPUNIT_ASSERT_EQUAL(204, rig.remove("/api/v1/users/bob").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.remove("/api/v1/users/bob").status);
        CPPUNIT_ASSERT(!rig.users_.find("bob"));
    }

    void the_last_administrator_stays() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"administrator","password":"correct horse 9"})");
        CPPUNIT_ASSERT_EQUAL(std::string("last_administrator"), code_of(rig.remove("/api/v1/users/ann")));
        CPPUNIT_ASSERT_EQUAL(std::string("last_administrator"), code_of(rig.put("/api/v1/users/ann", R"({"role":"application"})")));
        rig.put("/api/v1/users/bob", R"({"role":"administrator","password":"correct horse 9"})");
        CPPUNIT_ASSERT_EQUAL(204, rig.remove("/api/v1/users/ann").status);
    }

    void two_administrators_cannot_remove_each_other_at_once() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"administrator","password":"correct horse 9"})");
        rig.put("/api/v1/users/bob", R"({"role":"administrator","password":"correct horse 9"})");
        std::vector<int> answers;
        const auto note = [&](admin_web::Response response) { answers.push_back(response.status); };
        rig.site_.handle(rig.make("DELETE", "/api/v1/users/ann"), note);
        rig.site_.handle(rig.make("DELETE", "/api/v1/users/bob"), note);
        rig.run();
        CPPUNIT_ASSERT(std::vector<int>({204, 409}) == answers);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.users_.list().size());
    }

    void connections_of_a_changed_or_deleted_user_end() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"administrator","password":"correct horse 9"})");
        rig.put("/api/v1/users/bob", R"({"role":"application","password":"correct horse 9"})");
        CPPUNIT_ASSERT(rig.connections_.closed_users.empty());
        rig.put("/api/v1/users/bob", R"({"role":"application","password":"battery staple 9"})");
        rig.put("/api/v1/users/bob", R"({"role":"administrator"})");
        rig.remove("/api/v1/users/bob");
        CPPUNIT_ASSERT(std::vector<std::string>({"bob", "bob", "bob"}) == rig.connections_.closed_users);
        rig.remove("/api/v1/users/ann");
        CPPUNIT_ASSERT_EQUAL_MESSAGE("a refused change changes nothing", std::size_t{3}, rig.connections_.closed_users.size());
    }

    void connections_end_only_when_the_change_is_durable() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"administrator","password":"correct horse 9"})");
        rig.put("/api/v1/users/bob", R"({"role":"application","password":"correct horse 9"})");
        rig.site_.handle(rig.make("DELETE", "/api/v1/users/bob"), [](admin_web::Response) {});
        rig.core_executor_.run_all();
        CPPUNIT_ASSERT(rig.connections_.closed_users.empty());
        rig.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.connections_.closed_users.size());
    }

    /// Both changes are under way at once; the second was asked for while the first waited for its COMMIT.
    std::vector<int> answers_of_both(SiteRig& rig, admin_web::Request first, admin_web::Request second) {
        std::vector<int> answers;
        const auto note = [&](admin_web::Response response) { answers.push_back(response.status); };
        rig.site_.handle(std::move(first), note);
        rig.workers_.run_all();
        rig.core_executor_.run_all();
        rig.site_.handle(std::move(second), note);
        rig.run();
        return answers;
    }

    void a_new_role_does_not_undo_a_new_password() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"application","password":"correct horse 9"})");
        const auto answers =
            answers_of_both(rig, rig.make("PUT", "/api/v1/users/ann", R"({"role":"application","password":"battery staple 9"})"),
                            rig.make("PUT", "/api/v1/users/ann", R"({"role":"administrator"})"));
        CPPUNIT_ASSERT(std::vector<int>({200, 200}) == answers);
        CPPUNIT_ASSERT(rig.users_.find("ann")->role == Role::administrator);
        CPPUNIT_ASSERT(rig.users_.verify_password("ann", "battery staple 9").ok());
        CPPUNIT_ASSERT(!rig.users_.verify_password("ann", "correct horse 9").ok());
    }

    void a_new_role_does_not_bring_back_a_deleted_user() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"application","password":"correct horse 9"})");
        const auto answers = answers_of_both(rig, rig.make("DELETE", "/api/v1/users/ann"),
                                             rig.make("PUT", "/api/v1/users/ann", R"({"role":"administrator"})"));
        CPPUNIT_ASSERT(std::vector<int>({204, 400}) == answers);
        CPPUNIT_ASSERT(!rig.users_.find("ann"));
    }

    void weak_passwords_are_refused() {
        SiteRig rig;
        for (const auto* body : {R"({"role":"application","password":"short"})", R"({"role":"application"})",
                                 R"({"password":"long enough 1"})", R"({"role":"root","password":"long enough"})", "{}", ""}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, rig.put("/api/v1/users/ann", body).status);
        }
        CPPUNIT_ASSERT_EQUAL(400, rig.put("/api/v1/users/a%3Ab", R"({"role":"application","password":"long enough 1"})").status);
        CPPUNIT_ASSERT(rig.users_.empty());
    }

    void a_role_changes_without_a_password() {
        SiteRig rig;
        rig.put("/api/v1/users/ann", R"({"role":"application","password":"correct horse 9"})");
        CPPUNIT_ASSERT_EQUAL(200, rig.put("/api/v1/users/ann", R"({"role":"administrator"})").status);
        CPPUNIT_ASSERT(rig.users_.find("ann")->role == Role::administrator);
        CPPUNIT_ASSERT(rig.users_.verify_password("ann", "correct horse 9").ok());
    }

    void a_backup_has_a_name_and_no_path() {
        SiteRig rig;
        for (const auto* name : {"", ".", "..", "../x", "/etc/x", "a/b", ".hidden", "a b", "x\\\\y"}) {
            const auto body = std::string(R"({"file":")") + name + "\"}";
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, 400, rig.post("/api/v1/backup", body).status);
        }
        CPPUNIT_ASSERT_EQUAL(400, rig.post("/api/v1/backup").status);
        CPPUNIT_ASSERT(rig.store_administration_.paths.empty());
    }

    void connections_are_listed_in_pages() {
        SiteRig rig;
        for (std::uint64_t number = 1; number <= 12; ++number) {
            admin::ConnectionView view;
            view.id = ConnectionId{number};
            view.user = "user " + std::to_string(number);
            rig.connections_.views.push_back(view);
        }
        const auto first = json_of(rig.get("/api/v1/connections?limit=9"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{9}, first.at("items").as_array().size());
        const auto cursor = std::string(first.at("nextCursor").as_string());
        const auto second = json_of(rig.get("/api/v1/connections?cursor=" + cursor));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, second.at("items").as_array().size());
        CPPUNIT_ASSERT(second.at("items").as_array().front().as_object().at("user").as_string() == "user 10");
        CPPUNIT_ASSERT(second.at("nextCursor").is_null());
    }

    void the_overview_tells_state_and_counts() {
        SiteRig rig;
        const auto overview = json_of(rig.get("/api/v1/overview"));
        CPPUNIT_ASSERT(overview.at("state").as_string() == "ready");
        CPPUNIT_ASSERT(overview.at("version").as_string() == "1.2.3");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, overview.at("queues").to_number<std::int64_t>());
        CPPUNIT_ASSERT(overview.at("store").as_object().at("writable").as_bool());
    }

    void readiness_follows_broker_and_store() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/readyz").status);
        rig.store_administration_.state.disk_full = true;
        const auto full = rig.get("/readyz?verbose");
        CPPUNIT_ASSERT_EQUAL(200, full.status);
        CPPUNIT_ASSERT(full.body.find("[warning] disk space") != std::string::npos);
        rig.store_administration_.state.writable = false;
        CPPUNIT_ASSERT_EQUAL(503, rig.get("/readyz").status);
        rig.store_administration_.state.writable = true;
        rig.readiness_.set(admin::BrokerState::stopping, "the broker is stopping");
        const auto stopping = rig.get("/readyz");
        CPPUNIT_ASSERT_EQUAL(503, stopping.status);
        CPPUNIT_ASSERT_EQUAL(std::string("stopping: the broker is stopping\n"), stopping.body);
        rig.readiness_.set(admin::BrokerState::failed, "the store has failed");
        rig.readiness_.set(admin::BrokerState::ready, {});
        CPPUNIT_ASSERT_EQUAL(503, rig.get("/readyz").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/livez").status);
    }

    void unknown_addresses_are_not_found() {
        SiteRig rig;
        for (const auto* target : {"/api", "/api/v1", "/api/v2/queues", "/api/v1/other", "/api/v1/queues/q/other",
                                   "/api/v1/queues/q/purge/x", "/livez/x", "/metrics/x"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(target, 404, rig.get(target).status);
        }
    }

    void wrong_methods_are_told_the_right_ones() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(std::string("GET, HEAD"), header_of(rig.post("/api/v1/queues"), "Allow"));
        CPPUNIT_ASSERT_EQUAL(std::string("POST"), header_of(rig.get("/api/v1/queues/q/purge"), "Allow"));
        CPPUNIT_ASSERT_EQUAL(std::string("GET, HEAD, PUT, PATCH, DELETE"), header_of(rig.post("/api/v1/queues/q"), "Allow"));
        CPPUNIT_ASSERT_EQUAL(405, rig.remove("/livez").status);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RestTest);

}  // namespace giromq::test
