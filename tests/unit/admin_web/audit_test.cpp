#include <set>

#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

using namespace std::chrono_literals;

/// What is in the audit, and that it is there exactly when the change is.
class AuditTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuditTest);
    CPPUNIT_TEST(every_change_has_its_record);
    CPPUNIT_TEST(a_record_is_in_the_unit_of_its_change);
    CPPUNIT_TEST(what_is_refused_leaves_no_record);
    CPPUNIT_TEST(logins_are_recorded_without_passwords);
    CPPUNIT_TEST(many_messages_have_a_line_at_the_begin_and_one_at_the_end);
    CPPUNIT_TEST(a_message_that_is_in_memory_only_has_its_line);
    CPPUNIT_TEST(a_deleted_queue_has_its_line_in_the_unit_that_deletes_it);
    CPPUNIT_TEST(closing_what_belongs_to_a_client_has_its_line);
    CPPUNIT_TEST(what_somebody_was_not_allowed_to_do_has_its_line);
    CPPUNIT_TEST(guessing_cannot_fill_the_audit);
    CPPUNIT_TEST(the_list_is_narrowed_and_goes_on_at_its_cursor);
    CPPUNIT_TEST(the_chain_is_verified);
    CPPUNIT_TEST_SUITE_END();

public:
    std::vector<std::string> actions(const std::string& query = {}) {
        std::vector<std::string> found;
        const auto body = json_of(rig_->get("/api/v1/audit" + query));
        for (const auto& item : body.at("items").as_array()) {
            auto line = std::string(item.at("action").as_string()) + " " + std::string(item.at("object").as_string());
            if (item.at("outcome") != "done") line += " " + std::string(item.at("outcome").as_string());
            found.insert(found.begin(), std::move(line));
        }
        return found;
    }

    static std::string joined(const std::vector<std::string>& lines) {
        std::string text;
        for (const auto& line : lines) text += line + '\n';
        return text;
    }
    std::string detail_of_newest(const std::string& query) {
        return std::string(json_of(rig_->get("/api/v1/audit?limit=1&" + query)).at("items").as_array().at(0).at("detail").as_string());
    }

    void setUp() override { rig_ = std::make_unique<SiteRig>(); }

    void every_change_has_its_record() {
        rig_->put("/api/v1/queues/q", "{}");
        rig_->post("/api/v1/queues/q/purge");
        rig_->remove("/api/v1/queues/q");
        rig_->put("/api/v1/users/ann", R"({"role":"operator","password":"correct horse 9"})");
        rig_->put("/api/v1/users/ann", R"({"role":"application"})");
        const auto granted =
            rig_->post("/api/v1/permissions", R"({"grantee":{"kind":"user","name":"ann"},"pattern":"q","actions":["send"]})");
        const auto id = std::string(json_of(granted).at("id").as_string());
        rig_->remove("/api/v1/permissions/" + id);
        rig_->remove("/api/v1/users/ann");
        rig_->put("/api/v1/selectors/s", R"({"text":"a = 1"})");
        rig_->remove("/api/v1/selectors/s");
        rig_->post("/api/v1/backup", R"({"file":"monday.db"})");
        const std::vector<std::string> expected{
            "queue.create q",    "queue.purge q begun",    "queue.purge q",           "queue.delete q",  "user.create ann",
            "user.change ann",   "permission.grant " + id, "permission.revoke " + id, "user.delete ann", "selector.put s",
            "selector.delete s", "backup monday.db begun", "backup monday.db"};
        CPPUNIT_ASSERT_EQUAL(joined(expected), joined(actions()));
        const auto items = json_of(rig_->get("/api/v1/audit?action=permission.grant")).at("items").as_array();
        const auto& item = items.at(0).as_object();
        CPPUNIT_ASSERT(item.at("user") == "anonymous" && item.at("peer") == "127.0.0.1:40000" && item.at("protocol") == "http");
        CPPUNIT_ASSERT(item.at("outcome") == "done" && item.at("detail") == "user ann: send on q");
        CPPUNIT_ASSERT_EQUAL(std::size_t{64}, item.at("hash").as_string().size());
    }

    void a_record_is_in_the_unit_of_its_change() {
        rig_->site_.handle(rig_->make("PUT", "/api/v1/queues/q", "{}"), [](const admin_web::Response&) {});
        rig_->core_executor_.run_all();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->fake_store_.waiting().size());
        const auto& operations = rig_->fake_store_.waiting().front().operations;
        CPPUNIT_ASSERT(std::any_of(operations.begin(), operations.end(),
                                   [](const auto& one) { return std::holds_alternative<store::PutDestination>(one); }));
        CPPUNIT_ASSERT(
            std::any_of(operations.begin(), operations.end(), [](const auto& one) { return std::holds_alternative<AuditEntry>(one); }));
        rig_->run();
    }

    void what_is_refused_leaves_no_record() {
        rig_->remove("/api/v1/queues/none");
        rig_->put("/api/v1/queues/temp-x", "{}");
        rig_->put("/api/v1/users/ann", R"({"role":"operator"})");
        rig_->fake_store_.disk_full = true;
        rig_->put("/api/v1/queues/q", "{}");
        rig_->fake_store_.disk_full = false;
        CPPUNIT_ASSERT(actions().empty());
        // And none that belongs to somebody else.
        rig_->remove("/api/v1/queues/none");
        rig_->put("/api/v1/users/ann", R"({"role":"operator","password":"correct horse 9"})");
        CPPUNIT_ASSERT_EQUAL(joined({"user.create ann"}), joined(actions()));
    }

    void logins_are_recorded_without_passwords() {
        rig_->add_user("ann", Role::administrator, "correct horse");
        rig_->post("/api/v1/session", R"({"user":"ann","password":"correct horse"})");
        rig_->post("/api/v1/session", R"({"user":"ann","password":"battery staple"})");
        CPPUNIT_ASSERT((actions() == std::vector<std::string>{"login ", "session.open ann", "login  refused"}));
        const auto refused = rig_->get("/api/v1/audit?outcome=refused");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, json_of(refused).at("items").as_array().size());
        const auto everything = rig_->get("/api/v1/audit");
        CPPUNIT_ASSERT(everything.body.find("staple") == std::string::npos && everything.body.find("horse") == std::string::npos);
    }

    void many_messages_have_a_line_at_the_begin_and_one_at_the_end() {
        rig_->put("/api/v1/queues/a", "{}");
        rig_->put("/api/v1/queues/b", "{}");
        std::string id;
        for (int number = 0; number < 5; ++number) {
            id = std::string(
                json_of(rig_->post("/api/v1/queues/a/messages", R"({"body":{"kind":"text","text":"x"}})")).at("id").as_string());
        }
        const auto before = actions().size();
        rig_->post("/api/v1/queues/a/messages/move", R"({"ids":[")" + id + R"("],"to":"b"})");
        rig_->post("/api/v1/queues/a/messages/move", R"({"all":true,"to":"b"})");
        rig_->post("/api/v1/queues/b/messages/delete", R"({"all":true})");
        auto lines = actions();
        lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
        CPPUNIT_ASSERT_EQUAL(joined({"messages.move a begun", "messages.move a", "messages.move a begun", "messages.move a",
                                     "messages.delete b begun", "messages.delete b"}),
                             joined(lines));
        const auto first = rig_->clock_.wall_now().milliseconds;
        CPPUNIT_ASSERT_EQUAL("operation " + std::to_string(first) + ": 4 messages to b", detail_of_newest("action=messages.move"));
        CPPUNIT_ASSERT_EQUAL("operation " + std::to_string(first + 1) + ": 5 messages", detail_of_newest("action=messages.delete"));
        rig_->post("/api/v1/queues/b/purge");
        CPPUNIT_ASSERT_EQUAL(std::string("0 messages"), detail_of_newest("action=queue.purge"));
    }

    void a_message_that_is_in_memory_only_has_its_line() {
        rig_->put("/api/v1/queues/a", "{}");
        const auto sent = rig_->post("/api/v1/queues/a/messages", R"({"durable":false,"body":{"kind":"text","text":"x"}})");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(sent.body, 201, sent.status);
        CPPUNIT_ASSERT_EQUAL(joined({"queue.create a", "message.send a"}), joined(actions()));
    }

    void a_deleted_queue_has_its_line_in_the_unit_that_deletes_it() {
        rig_->put("/api/v1/queues/a", "{}");
        rig_->post("/api/v1/queues/a/messages", R"({"body":{"kind":"text","text":"x"}})");
        rig_->site_.handle(rig_->make("DELETE", "/api/v1/queues/a"), [](const admin_web::Response&) {});
        rig_->core_executor_.run_all();
        std::vector<store::Operation> all;
        for (const auto& unit : rig_->fake_store_.waiting()) {
            const auto has = [&](auto is) { return std::any_of(unit.operations.begin(), unit.operations.end(), is); };
            const bool deletes = has([](const auto& one) { return std::holds_alternative<store::CloseDestination>(one); });
            CPPUNIT_ASSERT_EQUAL(deletes, has([](const auto& one) { return std::holds_alternative<AuditEntry>(one); }));
        }
        rig_->run();
        CPPUNIT_ASSERT_EQUAL(std::string("queue.delete a"), actions().back());
    }

    void closing_what_belongs_to_a_client_has_its_line() {
        admin::ConnectionView view;
        view.id = ConnectionId{7};
        rig_->connections_.views.push_back(view);
        rig_->remove("/api/v1/connections/7");
        rig_->remove("/api/v1/connections/8");
        CPPUNIT_ASSERT_EQUAL(joined({"connection.close 7"}), joined(actions()));
    }

    void what_somebody_was_not_allowed_to_do_has_its_line() {
        rig_->add_user("eve", Role::auditor, "correct horse");
        const auto as_eve = [&](const std::string& method, const std::string& target, const std::string& body) {
            const auto basic = "Basic " + security::encode_base64(security::as_bytes("eve:correct horse"));
            return rig_->send(rig_->make(method, target, body, {{"authorization", basic}})).status;
        };
        CPPUNIT_ASSERT_EQUAL(403, as_eve("PUT", "/api/v1/queues/mine?x=secret", "{}"));
        CPPUNIT_ASSERT_EQUAL(403, as_eve("DELETE", "/api/v1/users/ann", {}));
        CPPUNIT_ASSERT_EQUAL(joined({"login ", "access PUT /api/v1/queues/mine refused", "access DELETE /api/v1/users/ann refused"}),
                             joined(actions()));
        for (int more = 0; more < 100; ++more) as_eve("DELETE", "/api/v1/users/ann", {});
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nobody fills the disk so", std::size_t{20}, actions("?action=access").size());
    }

    void guessing_cannot_fill_the_audit() {
        admin::LoginAudit logins(rig_->clock_);
        const security::LoginAttempt attempt{security::LoginProtocol::amqp, "root", "192.0.2.1:1"};
        int recorded = 0;
        for (int guess = 0; guess < 1000; ++guess) recorded += logins.entry_of(attempt, false) ? 1 : 0;
        CPPUNIT_ASSERT_EQUAL(20, recorded);
        rig_->clock_.advance(6s);
        const auto next = logins.entry_of(attempt, false);
        CPPUNIT_ASSERT(next && next->detail.starts_with("980 refusals"));
        CPPUNIT_ASSERT_MESSAGE("applications log in all the time", !logins.entry_of(attempt, true));
        const security::LoginAttempt over_http{security::LoginProtocol::http, "root", "192.0.2.1:2"};
        CPPUNIT_ASSERT(logins.entry_of(over_http, true) && !logins.entry_of(over_http, true));
        rig_->clock_.advance(1h);
        CPPUNIT_ASSERT(logins.entry_of(over_http, true));
        const security::LoginAttempt with_no_name{security::LoginProtocol::http, "<script>\n", "192.0.2.1:2"};
        CPPUNIT_ASSERT_EQUAL(std::string("(not a name)"), logins.entry_of(with_no_name, false)->user);
    }

    void the_list_is_narrowed_and_goes_on_at_its_cursor() {
        for (const char* const name : {"a", "b", "c"}) {
            rig_->put("/api/v1/queues/" + std::string(name), "{}");
            rig_->clock_.advance(1h);
        }
        const auto first = json_of(rig_->get("/api/v1/audit?limit=2"));
        CPPUNIT_ASSERT(first.at("items").as_array().at(0).at("object") == "c");
        const auto rest = json_of(rig_->get("/api/v1/audit?limit=2&cursor=" + std::string(first.at("nextCursor").as_string())));
        CPPUNIT_ASSERT(rest.at("items").as_array().size() == 1 && rest.at("nextCursor").is_null());
        CPPUNIT_ASSERT((actions("?object=b") == std::vector<std::string>{"queue.create b"}));
        const auto at = std::string(json_of(rig_->get("/api/v1/audit?object=b")).at("items").as_array().at(0).at("at").as_string());
        CPPUNIT_ASSERT((actions("?before=" + at) == std::vector<std::string>{"queue.create a"}));
        CPPUNIT_ASSERT((actions("?after=" + at) == std::vector<std::string>{"queue.create b", "queue.create c"}));
        CPPUNIT_ASSERT_EQUAL(400, rig_->get("/api/v1/audit?after=yesterday").status);
        CPPUNIT_ASSERT_EQUAL(400, rig_->get("/api/v1/audit?who=ann").status);
    }

    void the_chain_is_verified() {
        auto body = json_of(rig_->get("/api/v1/audit/verify"));
        CPPUNIT_ASSERT(body.at("intact") == true && body.at("records") == 0);
        for (int number = 0; number < 3; ++number) rig_->put("/api/v1/queues/q" + std::to_string(number), "{}");
        body = json_of(rig_->get("/api/v1/audit/verify"));
        CPPUNIT_ASSERT(body.at("intact") == true && body.at("records") == 3 && body.at("firstBad").is_null());
        CPPUNIT_ASSERT(body.at("head") == json_of(rig_->get("/api/v1/audit?limit=1")).at("items").as_array().at(0).at("hash"));
    }

private:
    std::unique_ptr<SiteRig> rig_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(AuditTest);

}  // namespace giromq::test
