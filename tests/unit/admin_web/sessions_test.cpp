#include <set>

#include "admin-web/login_sessions.hpp"
#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

using namespace std::chrono_literals;

/// Sessions of browsers: the class alone, with a clock of the test's.
class LoginSessionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LoginSessionsTest);
    CPPUNIT_TEST(a_session_ends_when_nobody_uses_it);
    CPPUNIT_TEST(looking_at_a_session_does_not_keep_it);
    CPPUNIT_TEST(a_session_ends_when_it_is_old_however_much_it_is_used);
    CPPUNIT_TEST(a_session_ends_with_its_user_password_and_role);
    CPPUNIT_TEST(a_password_that_was_changed_during_the_login_opens_nothing);
    CPPUNIT_TEST(a_password_holds_for_five_minutes_and_can_be_given_again);
    CPPUNIT_TEST(a_user_has_a_bounded_number_and_the_one_unused_for_longest_goes);
    CPPUNIT_TEST(there_is_a_bounded_number_in_all);
    CPPUNIT_TEST(ids_differ_and_nothing_else_opens_a_session);
    CPPUNIT_TEST(cookies_are_read_strictly);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        for (const char* const name : {"ann", "bob"}) put(name, Role::administrator, "correct horse");
    }

    void a_session_ends_when_nobody_uses_it() {
        const auto id = open("ann").value();
        clock_.advance(14min);
        CPPUNIT_ASSERT(sessions_.use(id));
        clock_.advance(14min);
        CPPUNIT_ASSERT(sessions_.use(id));
        clock_.advance(15min);
        CPPUNIT_ASSERT(!sessions_.use(id));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, sessions_.count());
    }

    void looking_at_a_session_does_not_keep_it() {
        const auto id = open("ann").value();
        clock_.advance(14min);
        CPPUNIT_ASSERT(sessions_.view(id));
        clock_.advance(1min);
        CPPUNIT_ASSERT(!sessions_.view(id));
    }

    void a_session_ends_when_it_is_old_however_much_it_is_used() {
        const auto id = open("ann").value();
        for (int passed = 0; passed < 47; ++passed) {
            clock_.advance(10min);
            CPPUNIT_ASSERT(sessions_.use(id));
        }
        CPPUNIT_ASSERT(sessions_.view(id)->ends_in == 10min);
        clock_.advance(10min);
        CPPUNIT_ASSERT(!sessions_.use(id));
    }

    void a_session_ends_with_its_user_password_and_role() {
        const auto before_password = open("ann").value();
        put("ann", Role::administrator, "battery staple");
        CPPUNIT_ASSERT(!sessions_.use(before_password));

        const auto before_role = open("ann").value();
        auto user = *users_.find("ann");
        user.role = Role::auditor;
        users_.put(std::move(user));
        CPPUNIT_ASSERT(!sessions_.use(before_role));

        const auto before_end = open("ann").value();
        const auto other = open("bob").value();
        users_.remove("ann");
        CPPUNIT_ASSERT(!sessions_.view(before_end));
        CPPUNIT_ASSERT(sessions_.view(other));
        CPPUNIT_ASSERT(!open("ann"));
    }

    void a_password_that_was_changed_during_the_login_opens_nothing() {
        const auto verified = users_.find("ann")->stored_key;
        put("ann", Role::administrator, "battery staple");
        CPPUNIT_ASSERT(sessions_.open("ann", verified).error().is(security::errc::wrong_credentials));
        put("ann", Role::administrator, "correct horse");
        CPPUNIT_ASSERT_MESSAGE("the same password has another key", !sessions_.open("ann", verified));
        CPPUNIT_ASSERT(open("ann"));
    }

    void a_password_holds_for_five_minutes_and_can_be_given_again() {
        const auto id = open("ann").value();
        CPPUNIT_ASSERT(sessions_.use(id)->confirmed_for == 5min);
        clock_.advance(5min);
        CPPUNIT_ASSERT(!sessions_.use(id)->confirmed_for);
        sessions_.confirm(id);
        CPPUNIT_ASSERT(sessions_.use(id)->confirmed_for);
    }

    void a_user_has_a_bounded_number_and_the_one_unused_for_longest_goes() {
        std::vector<std::string> ids;
        for (std::size_t number = 0; number < sessions_.limits().per_user_max; ++number) {
            ids.push_back(open("ann").value());
            clock_.advance(1s);
        }
        sessions_.use(ids[0]);
        CPPUNIT_ASSERT(open("ann"));
        CPPUNIT_ASSERT(sessions_.view(ids[0]));
        CPPUNIT_ASSERT(!sessions_.view(ids[1]));
        CPPUNIT_ASSERT_EQUAL(sessions_.limits().per_user_max, sessions_.count());
    }

    void there_is_a_bounded_number_in_all() {
        admin_web::SessionLimits limits;
        limits.total_max = 2;
        admin_web::LoginSessions few(users_, clock_, limits);
        CPPUNIT_ASSERT(open(few, "ann"));
        CPPUNIT_ASSERT(open(few, "ann"));
        CPPUNIT_ASSERT(!open(few, "bob"));
        clock_.advance(15min);
        CPPUNIT_ASSERT(open(few, "bob"));
    }

    void ids_differ_and_nothing_else_opens_a_session() {
        const auto one = open("ann").value();
        const auto other = open("ann").value();
        CPPUNIT_ASSERT(one != other);
        CPPUNIT_ASSERT_EQUAL(std::size_t{64}, one.size());
        for (const auto& wrong : {std::string(), std::string(64, '0'), one.substr(1), one + "0", "A" + one.substr(1)}) {
            CPPUNIT_ASSERT(!sessions_.view(wrong));
        }
        CPPUNIT_ASSERT(sessions_.view(one)->csrf_token != sessions_.view(other)->csrf_token);
    }

    void cookies_are_read_strictly() {
        using admin_web::session_id_of;
        const std::string id(64, 'a');
        CPPUNIT_ASSERT(session_id_of("__Host-giromq=" + id) == id);
        CPPUNIT_ASSERT(session_id_of("theme=dark; __Host-giromq=" + id + "; x=y") == id);
        for (const auto& wrong :
             {std::string(), "giromq=" + id, "__host-giromq=" + id, "__Host-giromq=\"" + id + "\"", "__Host-giromq=" + id + " ",
              "__Host-giromq=" + id + "; __Host-giromq=" + id, "__Host-giromq=" + id.substr(1), std::string("__Host-giromq"),
              "__Host-giromq=" + id + ";x=y", "x; __Host-giromq=" + id}) {
            CPPUNIT_ASSERT_MESSAGE(wrong, !session_id_of(wrong));
        }
    }

private:
    Result<std::string> open(const std::string& name) { return open(sessions_, name); }
    Result<std::string> open(admin_web::LoginSessions& sessions, const std::string& name) {
        const auto user = users_.find(name);
        return sessions.open(name, user ? user->stored_key : admin_web::LoginSessions::StoredKey{});
    }
    void put(const std::string& name, Role role, const std::string& password) {
        users_.put(security::make_user(name, role, password, security::iterations_min).value());
    }

    ManualClock clock_;
    security::UserDirectory users_;
    admin_web::LoginSessions sessions_{users_, clock_};
};
CPPUNIT_TEST_SUITE_REGISTRATION(LoginSessionsTest);

/// The same through the site: login, CSRF, fixation, and the password again before something is destroyed.
class SessionRoutesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SessionRoutesTest);
    CPPUNIT_TEST(a_login_gives_a_cookie_that_pages_cannot_read);
    CPPUNIT_TEST(the_cookie_is_the_login_of_later_requests);
    CPPUNIT_TEST(only_what_a_person_does_keeps_a_session);
    CPPUNIT_TEST(changes_need_the_token_of_the_session);
    CPPUNIT_TEST(a_session_id_from_outside_is_never_taken_over);
    CPPUNIT_TEST(a_login_ends_the_session_before);
    CPPUNIT_TEST(a_page_of_another_site_cannot_log_in);
    CPPUNIT_TEST(passwords_in_clear_are_not_taken_over_a_network);
    CPPUNIT_TEST(wrong_passwords_are_locked_as_everywhere);
    CPPUNIT_TEST(destroying_needs_the_password_again);
    CPPUNIT_TEST(a_wrong_password_confirms_nothing);
    CPPUNIT_TEST(a_user_changes_the_own_password_and_only_the_session_that_did_it_goes_on);
    CPPUNIT_TEST(a_password_is_not_changed_without_the_one_of_now);
    CPPUNIT_TEST(guesses_of_the_password_of_now_are_locked_as_logins);
    CPPUNIT_TEST(a_new_password_keeps_to_the_rules_and_is_new);
    CPPUNIT_TEST(a_password_that_was_changed_meanwhile_stays);
    CPPUNIT_TEST(who_has_no_session_changes_the_password_too);
    CPPUNIT_TEST(a_logout_ends_the_session);
    CPPUNIT_TEST(pages_are_not_asked_for_a_password_by_the_browser);
    CPPUNIT_TEST(without_login_the_session_says_who_one_is);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        rig_ = std::make_unique<SiteRig>(false);
        rig_->add_user("ann", Role::administrator, "correct horse");
        rig_->add_user("olga", Role::operator_, "battery staple");
    }

    void a_login_gives_a_cookie_that_pages_cannot_read() {
        const auto response = log_in("olga", "battery staple");
        CPPUNIT_ASSERT_EQUAL(200, response.status);
        const auto cookie = header_of(response, "Set-Cookie");
        CPPUNIT_ASSERT_EQUAL(std::string("; Path=/; Secure; HttpOnly; SameSite=Strict"), cookie.substr(cookie.find(';')));
        const auto body = json_of(response);
        CPPUNIT_ASSERT(body.at("user") == "olga");
        CPPUNIT_ASSERT(body.at("role") == "operator");
        CPPUNIT_ASSERT(body.at("idleTimeoutMs") == 900'000);
        CPPUNIT_ASSERT(body.at("confirmedUntil").is_string());
        CPPUNIT_ASSERT_MESSAGE("the id is in the cookie only", response.body.find(id_in(response)) == std::string::npos);
        std::set<std::string> may_do;
        for (const auto& word : body.at("mayDo").as_array()) may_do.insert(std::string(word.as_string()));
        CPPUNIT_ASSERT(may_do.contains("purge") && may_do.contains("close") && !may_do.contains("administer"));
    }

    void the_cookie_is_the_login_of_later_requests() {
        const auto login = log_in("ann", "correct horse");
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/overview", with(login)).status);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/overview").status);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/overview", {{"cookie", "__Host-giromq=" + std::string(64, '0')}}).status);
        CPPUNIT_ASSERT(json_of(rig_->get("/api/v1/session", with(login))).at("user") == "ann");
        rig_->clock_.advance(15min);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/overview", with(login)).status);
    }

    void only_what_a_person_does_keeps_a_session() {
        const auto login = log_in("ann", "correct horse");
        auto by_itself = with(login);
        by_itself.emplace_back("x-giromq-background", "true");
        rig_->clock_.advance(14min);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/overview", with(login)).status);
        rig_->clock_.advance(14min);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/overview", by_itself).status);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/session", with(login)).status);
        CPPUNIT_ASSERT_EQUAL(426, rig_->get("/api/v1/events", with(login)).status);
        CPPUNIT_ASSERT_EQUAL(std::string("csrf"), code_of(rig_->send(rig_->make("PUT", "/api/v1/queues/q", "{}", with(login)))));
        rig_->clock_.advance(1min);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("none of that was use", 401, rig_->get("/api/v1/overview", with(login)).status);

        const auto again = log_in("ann", "correct horse");
        auto change = with(again, token_of(again));
        change.emplace_back("x-giromq-background", "true");
        rig_->clock_.advance(14min);
        CPPUNIT_ASSERT_EQUAL(201, rig_->send(rig_->make("PUT", "/api/v1/queues/q", "{}", change)).status);
        rig_->clock_.advance(14min);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("a change is never by itself", 200, rig_->get("/api/v1/overview", with(again)).status);
    }

    void changes_need_the_token_of_the_session() {
        const auto login = log_in("ann", "correct horse");
        const auto other = log_in("ann", "correct horse");
        const auto put = [&](SiteRig::Headers headers) {
            return rig_->send(rig_->make("PUT", "/api/v1/queues/q", "{}", std::move(headers)));
        };
        CPPUNIT_ASSERT_EQUAL(std::string("csrf"), code_of(put(with(login))));
        CPPUNIT_ASSERT_EQUAL(std::string("csrf"), code_of(put(with(login, ""))));
        CPPUNIT_ASSERT_EQUAL(std::string("csrf"), code_of(put(with(login, token_of(other)))));
        CPPUNIT_ASSERT_EQUAL(201, put(with(login, token_of(login))).status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("whoever sends a password with each request needs no token", 200,
                                     put(basic("ann", "correct horse")).status);
    }

    void a_session_id_from_outside_is_never_taken_over() {
        const std::string planted(64, 'a');
        const auto response = rig_->send(rig_->make("POST", "/api/v1/session", R"({"user":"ann","password":"correct horse"})",
                                                    {{"cookie", "__Host-giromq=" + planted}}));
        CPPUNIT_ASSERT_EQUAL(200, response.status);
        CPPUNIT_ASSERT(id_in(response) != planted);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/overview", {{"cookie", "__Host-giromq=" + planted}}).status);
    }

    void a_login_ends_the_session_before() {
        const auto first = log_in("olga", "battery staple");
        const auto second = rig_->send(
            rig_->make("POST", "/api/v1/session", R"({"user":"ann","password":"correct horse"})", {{"cookie", cookie_in(first)}}));
        CPPUNIT_ASSERT_EQUAL(200, second.status);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/session", with(first)).status);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/session", with(second)).status);
    }

    void a_page_of_another_site_cannot_log_in() {
        for (const auto& header :
             {std::pair<std::string, std::string>{"origin", "https://evil.example"}, {"sec-fetch-site", "cross-site"}}) {
            const auto response =
                rig_->send(rig_->make("POST", "/api/v1/session", R"({"user":"ann","password":"correct horse"})", {header}));
            CPPUNIT_ASSERT_EQUAL(std::string("foreign_origin"), code_of(response));
        }
        const auto login = log_in("ann", "correct horse");
        auto headers = with(login, token_of(login));
        headers.emplace_back("origin", "https://evil.example");
        CPPUNIT_ASSERT_EQUAL(std::string("foreign_origin"), code_of(rig_->get("/api/v1/overview", std::move(headers))));
    }

    void passwords_in_clear_are_not_taken_over_a_network() {
        rig_->peer = {"192.0.2.7:40000", false, false};
        CPPUNIT_ASSERT_EQUAL(std::string("tls_required"), code_of(log_in("ann", "correct horse")));
        rig_->peer.is_encrypted = true;
        CPPUNIT_ASSERT_EQUAL(200, log_in("ann", "correct horse").status);
    }

    void wrong_passwords_are_locked_as_everywhere() {
        const auto wrong = log_in("ann", "not this one");
        CPPUNIT_ASSERT_EQUAL(401, wrong.status);
        CPPUNIT_ASSERT(header_of(wrong, "Set-Cookie").empty());
        for (int guess = 0; guess < 5; ++guess) log_in("ann", "not this one");
        const auto locked = log_in("ann", "correct horse");
        CPPUNIT_ASSERT_EQUAL(401, locked.status);
        CPPUNIT_ASSERT_EQUAL(wrong.body, locked.body);
    }

    void destroying_needs_the_password_again() {
        const auto login = log_in("ann", "correct horse");
        const auto headers = with(login, token_of(login));
        CPPUNIT_ASSERT_EQUAL(201, rig_->send(rig_->make("PUT", "/api/v1/queues/q", "{}", headers)).status);
        rig_->clock_.advance(5min);
        const auto purge = rig_->make("POST", "/api/v1/queues/q/purge", {}, headers);
        CPPUNIT_ASSERT_EQUAL(std::string("confirmation_required"), code_of(rig_->send(purge)));
        CPPUNIT_ASSERT_EQUAL(std::string("confirmation_required"),
                             code_of(rig_->send(rig_->make("DELETE", "/api/v1/queues/q", {}, headers))));
        CPPUNIT_ASSERT_EQUAL(std::string("confirmation_required"),
                             code_of(rig_->send(rig_->make("PUT", "/api/v1/users/eve", R"({"role":"administrator"})", headers))));
        for (const char* const what : {"selectors/eur", "connections/1", "consumers/1", "producers/1", "permissions/1", "users/olga"}) {
            const auto response = rig_->send(rig_->make("DELETE", std::string("/api/v1/") + what, {}, headers));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string("confirmation_required"), code_of(response));
        }
        const auto change = [&](const std::string& verb, const std::string& body) {
            return rig_->send(rig_->make("POST", "/api/v1/queues/q/messages/" + verb, body, headers));
        };
        CPPUNIT_ASSERT_EQUAL(std::string("confirmation_required"), code_of(change("delete", R"({"ids":["1"]})")));
        CPPUNIT_ASSERT_EQUAL(std::string("confirmation_required"), code_of(change("delete", R"({"all":true})")));
        CPPUNIT_ASSERT_EQUAL(std::string("confirmation_required"), code_of(change("retry", R"({"all":true})")));
        CPPUNIT_ASSERT_EQUAL(200, change("delete", R"({"all":true,"dryRun":true})").status);
        CPPUNIT_ASSERT_EQUAL(200, change("retry", R"({"ids":["1"]})").status);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/queues/q", headers).status);
        const auto confirmed = rig_->send(rig_->make("POST", "/api/v1/session/confirm", R"({"password":"correct horse"})", headers));
        CPPUNIT_ASSERT_EQUAL(200, confirmed.status);
        CPPUNIT_ASSERT(json_of(confirmed).at("confirmedUntil").is_string());
        CPPUNIT_ASSERT_EQUAL(200, rig_->send(purge).status);
    }

    void a_wrong_password_confirms_nothing() {
        const auto login = log_in("ann", "correct horse");
        const auto headers = with(login, token_of(login));
        rig_->clock_.advance(5min);
        const auto response = rig_->send(rig_->make("POST", "/api/v1/session/confirm", R"({"password":"battery staple"})", headers));
        CPPUNIT_ASSERT_EQUAL(403, response.status);
        CPPUNIT_ASSERT_EQUAL(std::string("wrong_credentials"), code_of(response));
        CPPUNIT_ASSERT(json_of(rig_->get("/api/v1/session", headers)).at("confirmedUntil").is_null());
    }

    void a_user_changes_the_own_password_and_only_the_session_that_did_it_goes_on() {
        const auto other = log_in("olga", "battery staple");
        const auto login = log_in("olga", "battery staple");
        rig_->clock_.advance(5min);
        const auto changed = change_password(with(login, token_of(login)), "battery staple", "Battery staple 2");
        CPPUNIT_ASSERT_EQUAL(200, changed.status);
        CPPUNIT_ASSERT(json_of(changed).at("user") == "olga");
        CPPUNIT_ASSERT_MESSAGE("who knows the old id has nothing", id_in(changed) != id_in(login));
        CPPUNIT_ASSERT(token_of(changed) != token_of(login));
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/session", with(login)).status);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/session", with(other)).status);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/session", with(changed)).status);
        CPPUNIT_ASSERT(rig_->connections_.closed_users == std::vector<std::string>{"olga"});
        CPPUNIT_ASSERT_EQUAL(401, log_in("olga", "battery staple").status);
        CPPUNIT_ASSERT_EQUAL(200, log_in("olga", "Battery staple 2").status);
        CPPUNIT_ASSERT(rig_->users_.find("olga")->role == Role::operator_);
        const auto audit = json_of(rig_->get("/api/v1/audit?action=user.change", basic("ann", "correct horse")));
        const auto& line = audit.at("items").as_array().at(0).as_object();
        CPPUNIT_ASSERT(line.at("user") == "olga");
        CPPUNIT_ASSERT(line.at("object") == "olga");
    }

    void a_password_is_not_changed_without_the_one_of_now() {
        const auto login = log_in("olga", "battery staple");
        const auto headers = with(login, token_of(login));
        const auto refused = change_password(headers, "correct horse", "Battery staple 2");
        CPPUNIT_ASSERT_EQUAL(403, refused.status);
        CPPUNIT_ASSERT_EQUAL(std::string("wrong_credentials"), code_of(refused));
        CPPUNIT_ASSERT_EQUAL(std::string("csrf"), code_of(change_password(with(login), "battery staple", "Battery staple 2")));
        CPPUNIT_ASSERT_EQUAL(400, rig_->send(rig_->make("PUT", password_path, R"({"new":"Battery staple 2"})", headers)).status);
        CPPUNIT_ASSERT_EQUAL(405, rig_->send(rig_->make("POST", password_path, "{}", headers)).status);
        CPPUNIT_ASSERT_EQUAL(200, rig_->get("/api/v1/session", headers).status);
        CPPUNIT_ASSERT_EQUAL(200, log_in("olga", "battery staple").status);
    }

    void guesses_of_the_password_of_now_are_locked_as_logins() {
        const auto login = log_in("olga", "battery staple");
        const auto headers = with(login, token_of(login));
        for (int guess = 0; guess < 6; ++guess) change_password(headers, "not this one", "Battery staple 2");
        CPPUNIT_ASSERT_EQUAL(403, change_password(headers, "battery staple", "Battery staple 2").status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("by the same lock", 401, log_in("olga", "battery staple").status);
    }

    void a_new_password_keeps_to_the_rules_and_is_new() {
        rig_->add_user("otto", Role::application, "Battery staple 1");
        const auto login = log_in("otto", "Battery staple 1");
        for (const char* const wrong : {"short1", "no digits in it", "Battery staple 1"}) {
            const auto refused = change_password(with(login, token_of(login)), "Battery staple 1", wrong);
            CPPUNIT_ASSERT_EQUAL(std::string("weak_password"), code_of(refused));
        }
        CPPUNIT_ASSERT_EQUAL(200, change_password(with(login, token_of(login)), "Battery staple 1", "Battery staple 2").status);
    }

    void a_password_that_was_changed_meanwhile_stays() {
        const auto login = log_in("olga", "battery staple");
        std::optional<admin_web::Response> answer;
        rig_->site_.handle(
            rig_->make("PUT", password_path, password_body("battery staple", "Battery staple 2"), with(login, token_of(login))),
            [&](admin_web::Response response) { answer = std::move(response); });
        rig_->logins_.run_all();
        rig_->add_user("olga", Role::operator_, "given by an administrator 1");
        rig_->run();
        CPPUNIT_ASSERT(answer);
        CPPUNIT_ASSERT_EQUAL(403, answer->status);
        CPPUNIT_ASSERT_EQUAL(200, log_in("olga", "given by an administrator 1").status);
    }

    void who_has_no_session_changes_the_password_too() {
        const auto changed = change_password(basic("olga", "battery staple"), "battery staple", "Battery staple 2");
        CPPUNIT_ASSERT_EQUAL(204, changed.status);
        CPPUNIT_ASSERT(header_of(changed, "Set-Cookie").empty());
        CPPUNIT_ASSERT_EQUAL(200, log_in("olga", "Battery staple 2").status);
        SiteRig dev;
        const auto nobody = dev.send(dev.make("PUT", password_path, password_body("a", "Battery staple 2")));
        CPPUNIT_ASSERT_EQUAL(std::string("no_password"), code_of(nobody));
    }

    void a_logout_ends_the_session() {
        const auto login = log_in("ann", "correct horse");
        const auto out = rig_->send(rig_->make("DELETE", "/api/v1/session", {}, with(login, token_of(login))));
        CPPUNIT_ASSERT_EQUAL(204, out.status);
        CPPUNIT_ASSERT(header_of(out, "Set-Cookie").find("Max-Age=0") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(401, rig_->get("/api/v1/session", with(login)).status);
    }

    void pages_are_not_asked_for_a_password_by_the_browser() {
        CPPUNIT_ASSERT(header_of(rig_->get("/api/v1/session"), "WWW-Authenticate").starts_with("Basic"));
        const auto of_page = rig_->get("/api/v1/session", {{"sec-fetch-site", "same-origin"}, {"sec-fetch-dest", "empty"}});
        CPPUNIT_ASSERT_EQUAL(401, of_page.status);
        CPPUNIT_ASSERT(!header_of(of_page, "WWW-Authenticate").starts_with("Basic"));
    }

    void without_login_the_session_says_who_one_is() {
        SiteRig dev;
        const auto body = json_of(dev.get("/api/v1/session"));
        CPPUNIT_ASSERT(body.at("user") == "anonymous");
        CPPUNIT_ASSERT(body.at("role") == "administrator");
    }

private:
    static constexpr const char* password_path = "/api/v1/session/password";

    static std::string password_body(const std::string& current, const std::string& wanted) {
        return R"({"current":")" + current + R"(","new":")" + wanted + "\"}";
    }
    admin_web::Response change_password(SiteRig::Headers headers, const std::string& current, const std::string& wanted) {
        return rig_->send(rig_->make("PUT", password_path, password_body(current, wanted), std::move(headers)));
    }
    admin_web::Response log_in(const std::string& user, const std::string& password) {
        return rig_->send(rig_->make("POST", "/api/v1/session", R"({"user":")" + user + R"(","password":")" + password + "\"}"));
    }
    static std::string cookie_in(const admin_web::Response& response) {
        const auto cookie = header_of(response, "Set-Cookie");
        return cookie.substr(0, cookie.find(';'));
    }
    static std::string id_in(const admin_web::Response& response) {
        const auto cookie = cookie_in(response);
        return cookie.substr(cookie.find('=') + 1);
    }
    static std::string token_of(const admin_web::Response& login) { return std::string(json_of(login).at("csrfToken").as_string()); }
    static SiteRig::Headers with(const admin_web::Response& login) { return {{"cookie", cookie_in(login)}}; }
    static SiteRig::Headers with(const admin_web::Response& login, const std::string& token) {
        return {{"cookie", cookie_in(login)}, {"x-csrf-token", token}};
    }
    static SiteRig::Headers basic(const std::string& user, const std::string& password) {
        return {{"authorization", "Basic " + security::encode_base64(security::as_bytes(user + ":" + password))}};
    }

    std::unique_ptr<SiteRig> rig_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(SessionRoutesTest);

}  // namespace giromq::test
