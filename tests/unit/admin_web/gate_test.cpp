#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// Who is let in, and what is refused before anybody asks for anything.
class GateTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(GateTest);
    CPPUNIT_TEST(unusual_methods_are_refused);
    CPPUNIT_TEST(a_request_has_exactly_one_host);
    CPPUNIT_TEST(a_page_of_another_site_is_refused);
    CPPUNIT_TEST(our_own_pages_are_served);
    CPPUNIT_TEST(without_logins_only_local_names_are_served);
    CPPUNIT_TEST(a_body_that_a_form_could_send_is_refused);
    CPPUNIT_TEST(health_needs_no_login);
    CPPUNIT_TEST(everything_else_needs_a_login);
    CPPUNIT_TEST(a_wrong_password_is_refused_like_an_unknown_user);
    CPPUNIT_TEST(a_password_is_checked_on_a_worker);
    CPPUNIT_TEST(wrong_passwords_hold_up_nobody_whose_password_is_remembered);
    CPPUNIT_TEST(credentials_are_not_taken_unencrypted_from_elsewhere);
    CPPUNIT_TEST(malformed_credentials_are_refused);
    CPPUNIT_TEST(an_application_may_not_administer);
    CPPUNIT_TEST(an_application_may_read_metrics);
    CPPUNIT_TEST(in_development_nobody_logs_in_from_this_machine);
    CPPUNIT_TEST(in_development_others_must_log_in);
    CPPUNIT_TEST(too_many_logins_at_once_are_refused);
    CPPUNIT_TEST(who_guesses_is_locked);
    CPPUNIT_TEST_SUITE_END();

    // name:password in base 64
    static constexpr const char* ann = "Basic YW5uOmNvcnJlY3QgaG9yc2U=";    // ann:correct horse
    static constexpr const char* ann_wrong = "Basic YW5uOndyb25nIGhvcnNl";  // ann:wrong horse
    static constexpr const char* bob_wrong = "Basic Ym9iOndyb25nIGhvcnNl";  // bob:wrong horse

public:
    void unusual_methods_are_refused() {
        SiteRig rig;
        for (const auto* method : {"TRACE", "CONNECT", "OPTIONS", "PATCH", "get", "FOO"}) {
            const auto response = rig.send(rig.make(method, "/livez"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, 405, response.status);
            CPPUNIT_ASSERT(!header_of(response, "Allow").empty());
        }
    }

    void a_request_has_exactly_one_host() {
        SiteRig rig;
        auto request = rig.make("GET", "/livez");
        request.headers.clear();
        CPPUNIT_ASSERT_EQUAL(400, rig.send(request).status);
        request.headers = {{"host", "localhost"}, {"host", "localhost"}};
        CPPUNIT_ASSERT_EQUAL(400, rig.send(request).status);
        request.headers = {{"host", "local host/<script>"}};
        CPPUNIT_ASSERT_EQUAL(400, rig.send(request).status);
    }

    void a_page_of_another_site_is_refused() {
        SiteRig rig;
        for (const auto* origin :
             {"http://evil.example", "null", "https://localhost:8161", "http://localhost:9999", "http://localhost", ""}) {
            const auto response = rig.send(rig.make("POST", "/api/v1/queues/q/purge", {}, {{"origin", origin}}));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(origin, 403, response.status);
            CPPUNIT_ASSERT_EQUAL(std::string("foreign_origin"), code_of(response));
        }
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/livez", {{"sec-fetch-site", "cross-site"}}).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/livez", {{"sec-fetch-site", "same-site"}}).status);
    }

    void our_own_pages_are_served() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(200,
                             rig.get("/api/v1/queues", {{"origin", "http://localhost:8161"}, {"sec-fetch-site", "same-origin"}}).status);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues", {{"sec-fetch-site", "none"}}).status);
    }

    void without_logins_only_local_names_are_served() {
        SiteRig rig;
        auto request = rig.make("GET", "/api/v1/queues");
        request.headers = {{"host", "rebound.example:8161"}};
        CPPUNIT_ASSERT_EQUAL(421, rig.send(request).status);
        for (const auto* host : {"localhost", "LOCALHOST:8161", "127.0.0.1:8161", "[::1]:8161"}) {
            request.headers = {{"host", host}};
            CPPUNIT_ASSERT_EQUAL_MESSAGE(host, 200, rig.send(request).status);
        }
        SiteRig other(false);
        request.target = "/livez";
        request.headers = {{"host", "broker.bank.example:8161"}};
        CPPUNIT_ASSERT_EQUAL(200, other.send(request).status);
    }

    void a_body_that_a_form_could_send_is_refused() {
        SiteRig rig;
        auto request = rig.make("PUT", "/api/v1/queues/q");
        request.body = "{}";
        CPPUNIT_ASSERT_EQUAL(415, rig.send(request).status);
        request.headers.emplace_back("content-type", "text/plain");
        CPPUNIT_ASSERT_EQUAL(415, rig.send(request).status);
        request.headers.back().second = "Application/JSON ; charset=utf-8";
        CPPUNIT_ASSERT_EQUAL(201, rig.send(request).status);
    }

    void health_needs_no_login() {
        SiteRig rig(false);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/livez").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/readyz").status);
    }

    void everything_else_needs_a_login() {
        SiteRig rig(false);
        for (const auto* target : {"/metrics", "/api/v1/queues", "/api/v1/nothing", "/nothing"}) {
            const auto response = rig.get(target);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(target, 401, response.status);
            CPPUNIT_ASSERT(header_of(response, "WWW-Authenticate").starts_with("Basic "));
        }
    }

    void a_wrong_password_is_refused_like_an_unknown_user() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        const auto wrong = rig.get("/api/v1/queues", {{"authorization", ann_wrong}});
        const auto unknown = rig.get("/api/v1/queues", {{"authorization", bob_wrong}});
        CPPUNIT_ASSERT_EQUAL(401, wrong.status);
        CPPUNIT_ASSERT_EQUAL(wrong.body, unknown.body);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, rig.users_.logins().counters(security::LoginProtocol::http).failed);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues", {{"authorization", ann}}).status);
    }

    void a_password_is_checked_on_a_worker() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        bool answered = false;
        rig.site_.handle(rig.make("GET", "/api/v1/queues", {}, {{"authorization", ann}}), [&](admin_web::Response) { answered = true; });
        rig.core_executor_.run_all();
        CPPUNIT_ASSERT(!answered);
        CPPUNIT_ASSERT(!rig.logins_.empty());
        rig.run();
        CPPUNIT_ASSERT(answered);
    }

    void wrong_passwords_hold_up_nobody_whose_password_is_remembered() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues", {{"authorization", ann}}).status);
        int refused = 0;
        for (int guess = 0; guess < 3; ++guess) {
            rig.site_.handle(rig.make("GET", "/api/v1/queues", {}, {{"authorization", bob_wrong}}),
                             [&](admin_web::Response) { ++refused; });
        }
        bool answered = false;
        rig.site_.handle(rig.make("GET", "/api/v1/queues", {}, {{"authorization", ann}}), [&](admin_web::Response) { answered = true; });
        for (int turn = 0; turn < 3; ++turn) {
            rig.core_executor_.run_all();
            rig.workers_.run_all();
        }
        CPPUNIT_ASSERT(answered && refused == 0);
        rig.run();
        CPPUNIT_ASSERT_EQUAL(3, refused);
    }

    void credentials_are_not_taken_unencrypted_from_elsewhere() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        rig.peer = {"192.0.2.7:5000", false, false};
        CPPUNIT_ASSERT_EQUAL(std::string("tls_required"), code_of(rig.get("/api/v1/queues", {{"authorization", ann}})));
        rig.peer.is_encrypted = true;
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues", {{"authorization", ann}}).status);
    }

    void malformed_credentials_are_refused() {
        SiteRig rig(false);
        for (const auto* value : {"", "Basic", "Basic ", "Basic !!!!", "Basic YW5u", "Bearer abc", "Basic /w=="}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(value, 401, rig.get("/api/v1/queues", {{"authorization", value}}).status);
        }
        const auto twice = rig.get("/api/v1/queues", {{"authorization", ann}, {"authorization", ann}});
        CPPUNIT_ASSERT_EQUAL(401, twice.status);
    }

    void an_application_may_not_administer() {
        SiteRig rig(false);
        rig.add_user("ann", Role::application, "correct horse");
        rig.add_user("root", Role::administrator, "something else");
        for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{{"GET", "/api/v1/queues"},
                                                                                             {"GET", "/api/v1/queues/DLQ"},
                                                                                             {"PUT", "/api/v1/queues/q"},
                                                                                             {"DELETE", "/api/v1/queues/DLQ"},
                                                                                             {"POST", "/api/v1/queues/DLQ/purge"},
                                                                                             {"GET", "/api/v1/users"},
                                                                                             {"DELETE", "/api/v1/users/root"},
                                                                                             {"GET", "/api/v1/overview"},
                                                                                             {"GET", "/api/v1/connections"},
                                                                                             {"GET", "/metrics/queues"}}) {
            const auto response = rig.send(rig.make(method, target, {}, {{"authorization", ann}}));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method + " " + target, 403, response.status);
        }
        const auto put = rig.send(rig.make("PUT", "/api/v1/users/ann", R"({"role":"administrator"})", {{"authorization", ann}}));
        CPPUNIT_ASSERT_EQUAL(403, put.status);
        const auto backup = rig.send(rig.make("POST", "/api/v1/backup", R"({"file":"x"})", {{"authorization", ann}}));
        CPPUNIT_ASSERT_EQUAL(403, backup.status);
        CPPUNIT_ASSERT(rig.store_administration_.paths.empty());
    }

    void an_application_may_read_metrics() {
        SiteRig rig(false);
        rig.add_user("ann", Role::application, "correct horse");
        const auto response = rig.get("/metrics", {{"authorization", ann}});
        CPPUNIT_ASSERT_EQUAL(200, response.status);
        CPPUNIT_ASSERT(response.body.find("giromq_build_info{version=\"1.2.3\"} 1") != std::string::npos);
        CPPUNIT_ASSERT(response.body.find("giromq_queues 1") != std::string::npos);
    }

    void in_development_nobody_logs_in_from_this_machine() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/overview").status);
    }

    void in_development_others_must_log_in() {
        SiteRig rig;
        rig.peer.is_loopback = false;
        CPPUNIT_ASSERT_EQUAL(401, rig.get("/api/v1/overview").status);
    }

    void who_guesses_is_locked() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        const auto wrong = rig.get("/api/v1/queues", {{"authorization", ann_wrong}});
        for (int guess = 0; guess < 10; ++guess) rig.get("/api/v1/queues", {{"authorization", ann_wrong}});
        const auto locked = rig.get("/api/v1/queues", {{"authorization", ann}});
        CPPUNIT_ASSERT_EQUAL_MESSAGE("even with the right password", 401, locked.status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("and nobody is told that it is a lock", wrong.body, locked.body);
        CPPUNIT_ASSERT(rig.users_.logins().counters(security::LoginProtocol::http).refused > 0);
    }

    void too_many_logins_at_once_are_refused() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        std::vector<int> answers;
        for (int index = 0; index < 65; ++index) {
            rig.site_.handle(rig.make("GET", "/api/v1/overview", {}, {{"authorization", ann}}),
                             [&](admin_web::Response response) { answers.push_back(response.status); });
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, answers.size());
        CPPUNIT_ASSERT_EQUAL(503, answers.front());
        rig.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{65}, answers.size());
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/overview", {{"authorization", ann}}).status);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(GateTest);

}  // namespace giromq::test
