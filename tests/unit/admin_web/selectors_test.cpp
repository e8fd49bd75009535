#include <boost/json/serialize.hpp>

#include "selector/program_cache.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// Selectors that clients name, over REST, as schemas/openapi.yaml says.
class NamedSelectorsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(NamedSelectorsTest);
    CPPUNIT_TEST(a_selector_is_stored_changed_and_deleted);
    CPPUNIT_TEST(a_stored_selector_is_answered_and_named_only_after_commit);
    CPPUNIT_TEST(a_refused_commit_changes_nothing);
    CPPUNIT_TEST(what_is_no_selector_is_refused_with_its_place);
    CPPUNIT_TEST(a_selector_cannot_name_another);
    CPPUNIT_TEST(wrong_names_and_bodies_are_refused);
    CPPUNIT_TEST(what_is_configured_is_shown_and_not_changed);
    CPPUNIT_TEST(the_list_goes_on_at_its_cursor);
    CPPUNIT_TEST(their_number_is_bounded);
    CPPUNIT_TEST(wrong_methods_are_told_the_right_ones);
    CPPUNIT_TEST(applications_may_neither_look_nor_change);
    CPPUNIT_TEST(a_queue_tells_how_many_selectors_its_consumers_have);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_selector_is_stored_changed_and_deleted() {
        SiteRig rig;
        const auto created = rig.put("/api/v1/selectors/large", R"({"text":"amount > 10"})");
        CPPUNIT_ASSERT_EQUAL(201, created.status);
        CPPUNIT_ASSERT_EQUAL(std::string("/api/v1/selectors/large"), header_of(created, "Location"));
        CPPUNIT_ASSERT(json_of(created).at("text").as_string() == "amount > 10");
        CPPUNIT_ASSERT(json_of(created).at("origin").as_string() == "administrator");
        const auto before = std::string(json_of(created).at("changedAt").as_string());
        rig.clock_.advance(std::chrono::seconds(5));
        CPPUNIT_ASSERT_EQUAL(200, rig.put("/api/v1/selectors/large", R"({"text":"amount > 20"})").status);
        const auto found = json_of(rig.get("/api/v1/selectors/large"));
        CPPUNIT_ASSERT(found.at("text").as_string() == "amount > 20" && std::string(found.at("changedAt").as_string()) > before);
        CPPUNIT_ASSERT_EQUAL(std::string("amount > 20"), rig.selectors_.texts()("large").value());
        CPPUNIT_ASSERT_EQUAL(204, rig.remove("/api/v1/selectors/large").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.remove("/api/v1/selectors/large").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/selectors/large").status);
        CPPUNIT_ASSERT(!rig.selectors_.texts()("large"));
    }

    void a_stored_selector_is_answered_and_named_only_after_commit() {
        SiteRig rig;
        int answers = 0;
        const auto note = [&](admin_web::Response) { ++answers; };
        rig.site_.handle(rig.make("PUT", "/api/v1/selectors/large", R"({"text":"a = 1"})"), note);
        rig.core_executor_.run_all();
        CPPUNIT_ASSERT(answers == 0 && !rig.selectors_.find("large"));
        rig.run();
        CPPUNIT_ASSERT(answers == 1 && rig.selectors_.find("large"));
        rig.site_.handle(rig.make("DELETE", "/api/v1/selectors/large"), note);
        rig.core_executor_.run_all();
        CPPUNIT_ASSERT(answers == 1 && rig.selectors_.find("large"));
        rig.run();
        CPPUNIT_ASSERT(answers == 2 && !rig.selectors_.find("large"));
    }

    void a_refused_commit_changes_nothing() {
        SiteRig rig;
        rig.put("/api/v1/selectors/large", R"({"text":"a = 1"})");
        rig.fake_store_.disk_full = true;
        CPPUNIT_ASSERT_EQUAL(507, rig.put("/api/v1/selectors/large", R"({"text":"a = 2"})").status);
        CPPUNIT_ASSERT_EQUAL(507, rig.put("/api/v1/selectors/more", R"({"text":"a = 2"})").status);
        CPPUNIT_ASSERT(rig.selectors_.find("large")->selector.text == "a = 1" && !rig.selectors_.find("more"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("a full disk does not keep it", 204, rig.remove("/api/v1/selectors/large").status);
    }

    void what_is_no_selector_is_refused_with_its_place() {
        SiteRig rig;
        const auto refused = rig.put("/api/v1/selectors/large", R"({"text":"amount = NULL"})");
        CPPUNIT_ASSERT_EQUAL(400, refused.status);
        CPPUNIT_ASSERT_EQUAL(std::string("invalid_selector"), code_of(refused));
        CPPUNIT_ASSERT(json_of(refused).at("detail").as_string().starts_with("1:10: "));
        for (const auto* text : {"", "  ", "<selector/>", "a ="}) {
            const auto body = boost::json::serialize(boost::json::object{{"text", text}});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("invalid_selector"), code_of(rig.put("/api/v1/selectors/large", body)));
        }
        const auto large = boost::json::serialize(boost::json::object{{"text", "a = '" + std::string(17000, 'x') + "'"}});
        CPPUNIT_ASSERT_EQUAL(std::string("invalid_selector"), code_of(rig.put("/api/v1/selectors/large", large)));
        CPPUNIT_ASSERT(!rig.selectors_.find("large"));
    }

    void a_selector_cannot_name_another() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(std::string("invalid_selector"),
                             code_of(rig.put("/api/v1/selectors/a", R"({"text":"JMS_GIROMQ_SELECTOR = 'configured'"})")));
    }

    void wrong_names_and_bodies_are_refused() {
        SiteRig rig;
        for (const auto* name : {"a%20b", "a%2Fb", "%C3%A4", "a'b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
            const auto refused = rig.put(std::string("/api/v1/selectors/") + name, R"({"text":"a = 1"})");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, 400, refused.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("invalid_argument"), code_of(refused));
        }
        for (const auto* body : {"", "{}", "[]", R"({"text":1})", R"({"text":null})", R"({"text":"a = 1","more":1})", "{"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, rig.put("/api/v1/selectors/a", body).status);
        }
        CPPUNIT_ASSERT_EQUAL(400, rig.get("/api/v1/selectors/configured?form=xml").status);
    }

    void what_is_configured_is_shown_and_not_changed() {
        SiteRig rig;
        const auto found = json_of(rig.get("/api/v1/selectors/configured"));
        CPPUNIT_ASSERT(found.at("origin").as_string() == "configured" && found.at("text").as_string() == "currency = 'EUR'");
        CPPUNIT_ASSERT(found.find("changedAt") == found.end());
        CPPUNIT_ASSERT_EQUAL(std::string("configured"), code_of(rig.put("/api/v1/selectors/configured", R"({"text":"a = 1"})")));
        CPPUNIT_ASSERT_EQUAL(std::string("configured"), code_of(rig.remove("/api/v1/selectors/configured")));
        // It was stored before the configuration had it.
        rig.selectors_.put({"configured", "a = 1", Timestamp{1}});
        CPPUNIT_ASSERT_EQUAL(std::string("currency = 'EUR'"), rig.selectors_.texts()("configured").value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, json_of(rig.get("/api/v1/selectors")).at("items").as_array().size());
    }

    void the_list_goes_on_at_its_cursor() {
        SiteRig rig;
        std::vector<std::string> expected{"configured"};
        for (int number = 10; number < 35; ++number) {
            const auto name = "s" + std::to_string(number);
            expected.push_back(name);
            CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/selectors/" + name, R"({"text":"a = 1"})").status);
        }
        std::vector<std::string> listed;
        std::string target = "/api/v1/selectors?limit=10";
        for (int pages = 1; pages <= 3; ++pages) {
            const auto page = json_of(rig.get(target));
            for (const auto& item : page.at("items").as_array()) {
                listed.emplace_back(item.as_object().at("name").as_string());
                CPPUNIT_ASSERT(!item.as_object().contains("text"));
            }
            CPPUNIT_ASSERT_EQUAL(pages == 3, page.at("nextCursor").is_null());
            if (pages < 3) target = "/api/v1/selectors?limit=10&cursor=" + std::string(page.at("nextCursor").as_string());
        }
        CPPUNIT_ASSERT(expected == listed);
    }

    void their_number_is_bounded() {
        SiteRig rig;
        for (int number = 0; number < 1000; ++number) rig.selectors_.put({"s" + std::to_string(number), "a = 1", Timestamp{1}});
        CPPUNIT_ASSERT_EQUAL(std::string("resource_limit"), code_of(rig.put("/api/v1/selectors/more", R"({"text":"a = 1"})")));
        CPPUNIT_ASSERT_EQUAL(200, rig.put("/api/v1/selectors/s7", R"({"text":"a = 2"})").status);
    }

    void wrong_methods_are_told_the_right_ones() {
        SiteRig rig;
        const auto list = rig.post("/api/v1/selectors");
        CPPUNIT_ASSERT(list.status == 405 && header_of(list, "Allow") == "GET, HEAD");
        const auto one = rig.post("/api/v1/selectors/configured");
        CPPUNIT_ASSERT(one.status == 405 && header_of(one, "Allow") == "GET, HEAD, PUT, DELETE");
    }

    struct Port final : core::ConsumerPort {
        void deliver(core::Delivery) override {}
        void drained() override {}
        void ended(const Error&) override {}
    };

    void a_queue_tells_how_many_selectors_its_consumers_have() {
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        selector::ProgramCache programs;
        Port port;
        for (const auto* text : {"a = 1", "a=1", "a = 2"}) {
            core::ConsumerCommand command;
            command.connection = ConnectionId{1};
            command.destination = rig.core_.find_destination("q").value();
            command.selector = programs.compile(text).value();
            command.port = &port;
            CPPUNIT_ASSERT(rig.core_.open_consumer(command).ok());
        }
        const auto queue = json_of(rig.get("/api/v1/queues/q"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, queue.at("selectors").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, queue.at("consumers").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, queue.at("selectorsOverBudget").to_number<std::int64_t>());
        rig.core_.close_connection(ConnectionId{1}, core::CloseReason::orderly);
    }

    void applications_may_neither_look_nor_change() {
        SiteRig rig(false);
        rig.add_user("ann", Role::application, "correct horse");
        const SiteRig::Headers ann{{"authorization", "Basic YW5uOmNvcnJlY3QgaG9yc2U="}};
        const auto* const one = "/api/v1/selectors/configured";
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/selectors", ann).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get(one, ann).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.send(rig.make("PUT", one, R"({"text":"a = 1"})", ann)).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.send(rig.make("DELETE", one, {}, ann)).status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NamedSelectorsTest);

}  // namespace giromq::test
