#include "admin/definitions.hpp"
#include "simulation/random.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {
using admin::DefinitionKind;

namespace {

/// Definitions by chance, such as a broker could have.
class RandomDefinitions {
public:
    static inline const std::vector<std::string> users{"anna", "b on c", "\xC3\xA9va & <co>"};

    explicit RandomDefinitions(std::uint64_t seed) : random_(seed) {}

    admin::Definitions make() {
        admin::Definitions all;
        for (auto count = random_.below(12); count > 0; --count) all[{DefinitionKind::queue, name()}] = admin::definition_of(queue());
        for (auto count = random_.below(4); count > 0; --count) {
            all[{DefinitionKind::selector, "s" + std::to_string(random_.below(9))}] = {{"text", selector()}};
        }
        for (auto user : users) {
            if (user != users.front())
                all[{DefinitionKind::user, user}] = {{"role", std::string(random_.percent(50) ? "auditor" : "operator")}};
        }
        for (auto count = random_.below(6); count > 0; --count) {
            auto names = users;
            const auto grantee = random_.percent(30) ? std::string("role application") : "user " + random_.pick(names);
            all[{DefinitionKind::permission, grantee + " on " + pattern()}] = {{"actions", actions()}};
        }
        return all;
    }

private:
    std::string name() {
        static constexpr std::string_view characters = "abc.&<>\"' /%#*";
        std::string text(1, 'q');
        for (auto count = random_.below(12); count > 0; --count) text += characters[random_.below(characters.size())];
        return text + (random_.percent(20) ? "\xE2\x82\xAC" : "");
    }
    DestinationSettings queue() {
        DestinationSettings settings;
        settings.max_deliveries = static_cast<std::uint32_t>(random_.below(3) * 500'000);
        settings.max_messages = random_.below(2) * 1'000'000'000'000;
        settings.max_bytes = random_.below(2) * 1024;
        settings.strict = random_.percent(50);
        settings.overflow = random_.percent(50) ? OverflowPolicy::hold : OverflowPolicy::refuse;
        settings.duplicate_ids_max = static_cast<std::uint32_t>(random_.below(1000));
        settings.duplicate_ids_age = std::chrono::milliseconds(1000 + random_.below(1000));
        if (random_.percent(40)) settings.dead_letter_queue = name();
        return settings;
    }
    std::string selector() {
        const auto number = std::to_string(random_.below(100));
        switch (random_.below(4)) {
            case 0: return "a < " + number + " AND b <> '&amp; \"]]>'";
            case 1: return "  a = 'x\r\n\ty'\n OR b > " + number;
            case 2:
                return R"(<selector xmlns="urn:giromq:selector:1"><gt><property name="a"/><long v=")" + number + R"("/></gt></selector>)";
            default: return "a LIKE '%\xE2\x82\xAC_' AND n = " + number;
        }
    }
    std::string pattern() {
        static constexpr std::string_view words[] = {"a", "*", "#", "pay", "&<\"'>"};
        std::string text(words[random_.below(5)]);
        for (auto count = random_.below(4); count > 0; --count) text += "." + std::string(words[random_.below(5)]);
        return text;
    }
    std::string actions() {
        std::vector<Action> some;
        for (const auto action : all_actions) {
            if (is_grantable(action) && (some.empty() || random_.percent(40))) some.push_back(action);
        }
        return actions_text(some);
    }

    simulation::Random random_;
};

}  // namespace

/// Definitions: what is exported, compared and applied.
class ConfigurationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConfigurationTest);
    CPPUNIT_TEST(an_export_says_what_the_broker_has);
    CPPUNIT_TEST(an_export_applied_to_its_broker_changes_nothing);
    CPPUNIT_TEST(an_export_makes_another_broker_the_same);
    CPPUNIT_TEST(what_is_written_is_read_back);
    CPPUNIT_TEST(a_queue_is_changed_and_stays_paused);
    CPPUNIT_TEST(what_is_configured_may_be_named_as_it_is);
    CPPUNIT_TEST(a_reload_says_what_holds_and_what_waits);
    CPPUNIT_TEST(a_dry_run_changes_nothing);
    CPPUNIT_TEST(the_audit_says_who_applied_a_document);
    CPPUNIT_TEST(roles_are_changed_and_passwords_stay);
    CPPUNIT_TEST(a_user_that_is_not_there_is_reported_and_not_made);
    CPPUNIT_TEST(permissions_become_what_the_document_says);
    CPPUNIT_TEST(permissions_on_a_pattern_are_replaced_without_a_gap);
    CPPUNIT_TEST(what_makes_no_sense_is_said_beforehand);
    CPPUNIT_TEST(prune_deletes_what_is_not_named_and_not_used);
    CPPUNIT_TEST(a_list_that_is_left_out_is_left_alone);
    CPPUNIT_TEST(what_is_refused_holds_up_nothing_but_deletions);
    CPPUNIT_TEST(what_the_store_did_not_take_is_told_and_done_the_next_time);
    CPPUNIT_TEST(a_dead_letter_queue_has_the_settings_of_the_document);
    CPPUNIT_TEST(what_no_document_can_hold_is_refused_by_the_export);
    CPPUNIT_TEST(words_with_spaces_around_them_mean_the_same);
    CPPUNIT_TEST(any_definitions_come_back_as_they_were);
    CPPUNIT_TEST(wrong_documents_are_refused_with_their_place);
    CPPUNIT_TEST(xml_bombs_are_refused);
    CPPUNIT_TEST(only_administrators_apply);
    CPPUNIT_TEST(the_body_is_a_document);
    CPPUNIT_TEST(many_changes_share_few_commits);
    CPPUNIT_TEST_SUITE_END();

    static std::string document(const std::string& content) {
        return "<definitions xmlns=\"urn:giromq:definitions:1\">" + content + "</definitions>";
    }
    static admin_web::Response post(SiteRig& rig, const std::string& target, const std::string& body, SiteRig::Headers headers = {}) {
        auto request = rig.make("POST", "/api/v1/configuration/" + target, {}, std::move(headers));
        request.headers.emplace_back("content-type", "application/xml");
        request.body = body;
        return rig.send(std::move(request));
    }
    static boost::json::array changes(const admin_web::Response& response) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
        return json_of(response).at("changes").as_array();
    }
    static std::int64_t done(const admin_web::Response& response) { return json_of(response).at("done").to_number<std::int64_t>(); }
    static void fill(SiteRig& rig) {
        rig.put("/api/v1/queues/payments.in", R"({"maxMessages":7,"overflow":"hold","deadLetterQueue":"dead"})");
        rig.put("/api/v1/queues/a%22%3Cb%3E%26%20%20c", "");
        rig.put("/api/v1/selectors/eur", R"({"text":"currency = 'EUR'\nAND amount > 5"})");
        rig.add_user("anna", Role::auditor, "a long password");
        rig.post("/api/v1/permissions", R"({"grantee":{"kind":"role","name":"application"},"pattern":"public.#","actions":["send"]})");
        rig.post("/api/v1/permissions", R"({"grantee":{"kind":"role","name":"application"},"pattern":"public.#","actions":["browse"]})");
    }
    static boost::json::object change_at(const admin_web::Response& response, std::size_t index) {
        return changes(response).at(index).as_object();
    }
    static bool is(const boost::json::object& change, const char* name, const char* word) { return change.at(name).as_string() == word; }

public:
    void an_export_says_what_the_broker_has() {
        SiteRig rig;
        fill(rig);
        const auto exported = rig.get("/api/v1/configuration/export");
        CPPUNIT_ASSERT_EQUAL(200, exported.status);
        CPPUNIT_ASSERT_EQUAL(std::string("application/xml"), exported.content_type);
        for (const auto* part : {"name=\"payments.in\"", "max-messages=\"7\"", "overflow=\"hold\"", "name=\"a&quot;&lt;b&gt;&amp;  c\"",
                                 "<selector name=\"eur\">", "<user name=\"anna\" role=\"auditor\"/>",
                                 "<permission role=\"application\" pattern=\"public.#\" actions=\"send browse\"/>"}) {
            CPPUNIT_ASSERT_MESSAGE(part + (" is not in " + exported.body), exported.body.find(part) != std::string::npos);
        }
        CPPUNIT_ASSERT_MESSAGE("what is of the configuration is not", exported.body.find("\"configured\"") == std::string::npos);
        CPPUNIT_ASSERT_MESSAGE("no key of anybody", exported.body.find("key") == std::string::npos);
    }

    void an_export_applied_to_its_broker_changes_nothing() {
        SiteRig rig;
        fill(rig);
        const auto exported = rig.get("/api/v1/configuration/export").body;
        CPPUNIT_ASSERT(changes(post(rig, "diff?prune=true", exported)).empty());
        CPPUNIT_ASSERT(changes(post(rig, "apply?prune=true", exported)).empty());
    }

    void an_export_makes_another_broker_the_same() {
        SiteRig one;
        fill(one);
        const auto exported = one.get("/api/v1/configuration/export").body;
        SiteRig other;
        other.add_user("anna", Role::application, "another password");
        const auto applied = post(other, "apply", exported);
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        CPPUNIT_ASSERT(done(applied) > 3);
        CPPUNIT_ASSERT_EQUAL(exported, other.get("/api/v1/configuration/export").body);
        CPPUNIT_ASSERT(changes(post(other, "apply", exported)).empty());
    }

    void what_is_written_is_read_back() {
        admin::Definitions definitions;
        definitions[{DefinitionKind::queue, "tab\tand \"quotes\" \xC3\xA9"}] = admin::definition_of({});
        definitions[{DefinitionKind::selector, "s"}] = {{"text", "  a < 5 AND b = '&amp;'\r\n\tOR c = ']]>'  "}};
        definitions[{DefinitionKind::user, "u"}] = {{"role", "operator"}};
        definitions[{DefinitionKind::permission, "user a on b c on pay.*"}] = {{"actions", "send receive"}};
        const auto written = admin::to_xml(definitions, {});
        CPPUNIT_ASSERT(written.ok());
        const auto read = admin::parse_definitions(*written, {});
        CPPUNIT_ASSERT_MESSAGE(read ? "" : read.error().detail(), read);
        CPPUNIT_ASSERT(read->definitions == definitions);
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, read->lists.size());
    }

    void a_queue_is_changed_and_stays_paused() {
        SiteRig rig;
        fill(rig);
        CPPUNIT_ASSERT_EQUAL(200, rig.post("/api/v1/queues/payments.in/pause", R"({"receive":true})").status);
        const auto wanted =
            document("<queues><queue name='payments.in' max-messages='9' overflow='hold' dead-letter-queue='dead'/></queues>");
        const auto applied = post(rig, "apply", wanted);
        const auto change = changes(applied).at(0).as_object();
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        CPPUNIT_ASSERT(change.at("before").as_object() == (boost::json::object{{"max-messages", "7"}}));
        CPPUNIT_ASSERT(change.at("after").as_object() == (boost::json::object{{"max-messages", "9"}}));
        const auto queue = rig.core_.view_queue(*rig.core_.find_destination("payments.in"));
        CPPUNIT_ASSERT(queue->settings.max_messages == 9 && queue->settings.is_receiving_paused);
        CPPUNIT_ASSERT(changes(post(rig, "apply", wanted)).empty());
    }

    void what_is_configured_may_be_named_as_it_is() {
        SiteRig rig;
        const auto as_it_is = document("<selectors><selector name='configured'>currency = 'EUR'</selector></selectors>");
        CPPUNIT_ASSERT(changes(post(rig, "apply?prune=true", as_it_is)).empty());
        const auto other = post(rig, "apply", document("<selectors><selector name='configured'>TRUE</selector></selectors>"));
        CPPUNIT_ASSERT(json_of(other).at("failed").as_object().at("code").as_string() == "configured");
    }

    void a_reload_says_what_holds_and_what_waits() {
        SiteRig rig;
        rig.configuration_.answer = admin::Reloaded{{"alarms"}, {"amqp"}};
        const auto reloaded = json_of(rig.post("/api/v1/configuration/reload"));
        CPPUNIT_ASSERT(reloaded.at("applied").as_array() == (boost::json::array{"alarms"}));
        CPPUNIT_ASSERT(reloaded.at("needsRestart").as_array() == (boost::json::array{"amqp"}));
        rig.configuration_.answer = Error(admin::errc::failed, "file:1:2: wrong");
        const auto refused = rig.post("/api/v1/configuration/reload");
        CPPUNIT_ASSERT_EQUAL(400, refused.status);
        CPPUNIT_ASSERT(refused.body.find("file:1:2: wrong") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(405, rig.get("/api/v1/configuration/reload").status);
    }

    void the_audit_says_who_applied_a_document() {
        SiteRig rig;
        post(rig, "apply", document("<queues><queue name='q'/></queues>"));
        rig.post("/api/v1/configuration/reload");
        const auto page = json_of(rig.get("/api/v1/audit"));
        std::vector<std::string> lines;
        for (const auto& item : page.at("items").as_array()) {
            lines.push_back(std::string(item.at("action").as_string()) + ' ' + std::string(item.at("outcome").as_string()) + ' ' +
                            std::string(item.at("detail").as_string()));
        }
        const std::vector<std::string> expected{"configuration.reload done ", "configuration.apply done 1 of 1 changes made"};
        CPPUNIT_ASSERT(std::search(lines.begin(), lines.end(), expected.begin(), expected.end()) != lines.end());
        CPPUNIT_ASSERT(std::find(lines.begin(), lines.end(), "configuration.apply begun changes: 1") != lines.end());
        CPPUNIT_ASSERT(std::any_of(lines.begin(), lines.end(), [](const auto& line) { return line.starts_with("queue.create done"); }));
    }

    void a_dry_run_changes_nothing() {
        SiteRig rig;
        const auto wanted = document("<queues><queue name='q'/></queues>");
        const auto planned = post(rig, "apply?dryRun=true", wanted);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, changes(planned).size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, done(planned));
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/q").status);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, changes(post(rig, "diff", wanted)).size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, done(post(rig, "apply?dryRun=false", wanted)));
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/q").status);
        CPPUNIT_ASSERT_EQUAL(400, post(rig, "apply?dryRun=yes", wanted).status);
    }

    void roles_are_changed_and_passwords_stay() {
        SiteRig rig;
        rig.add_user("anna", Role::auditor, "a long password");
        const auto before = rig.users_.find("anna");
        const auto applied = post(rig, "apply", document("<users><user name='anna' role='operator'/></users>"));
        const auto change = changes(applied).at(0).as_object();
        CPPUNIT_ASSERT(change.at("kind").as_string() == "update" && change.at("before").as_object().at("role").as_string() == "auditor");
        const auto after = rig.users_.find("anna");
        CPPUNIT_ASSERT(after->role == Role::operator_ && after->stored_key == before->stored_key);
    }

    void a_user_that_is_not_there_is_reported_and_not_made() {
        SiteRig rig;
        const auto wanted = document(
            "<queues><queue name='q'/></queues><users><user name='new' role='operator' password='env:SECRET'/></users>"
            "<permissions><permission user='new' pattern='q' actions='send'/><permission user='anonymous' pattern='q' actions='send'/>"
            "</permissions>");
        const auto planned = post(rig, "diff", wanted);
        CPPUNIT_ASSERT(is(change_at(planned, 0), "outcome", "planned") && change_at(planned, 0).at("problem").is_null());
        CPPUNIT_ASSERT(is(change_at(planned, 1), "outcome", "refused"));
        CPPUNIT_ASSERT_MESSAGE("for whoever makes the user", is(change_at(planned, 1).at("after").as_object(), "password", "env:SECRET"));
        const auto applied = post(rig, "apply", wanted);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the queue is made", std::int64_t{1}, done(applied));
        CPPUNIT_ASSERT(json_of(applied).at("failed").as_object().at("code").as_string() == "password_needed");
        CPPUNIT_ASSERT(is(change_at(applied, 3), "name", "user new on q") && is(change_at(applied, 3), "outcome", "refused"));
        CPPUNIT_ASSERT(!rig.users_.find("new"));
        rig.add_user("new", Role::application, "a long password");
        const auto again = post(rig, "apply", wanted);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(again.body, std::int64_t{3}, done(again));
        CPPUNIT_ASSERT(changes(post(rig, "apply", wanted)).empty());
    }

    void permissions_become_what_the_document_says() {
        SiteRig rig;
        fill(rig);
        const auto wanted = document(
            "<permissions><permission role='application' pattern='public.#' actions='send receive'/>"
            "<permission user='anna' pattern='pay.*' actions='browse'/></permissions>");
        const auto applied = post(rig, "apply?prune=true", wanted);
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        CPPUNIT_ASSERT(change_at(applied, 0).at("before").as_object() == (boost::json::object{{"actions", "send browse"}}));
        CPPUNIT_ASSERT(change_at(applied, 0).at("after").as_object() == (boost::json::object{{"actions", "send receive"}}));
        const auto held = *rig.users_.permissions().snapshot();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, held.size());
        CPPUNIT_ASSERT(changes(post(rig, "apply?prune=true", wanted)).empty());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, done(post(rig, "apply?prune=true", document("<permissions/>"))));
        CPPUNIT_ASSERT(rig.users_.permissions().snapshot()->empty());
    }

    void permissions_on_a_pattern_are_replaced_without_a_gap() {
        SiteRig rig;
        fill(rig);
        auto request = rig.make("POST", "/api/v1/configuration/apply");
        request.headers.emplace_back("content-type", "application/xml");
        request.body = document("<permissions><permission role='application' pattern='public.#' actions='send receive'/></permissions>");
        bool answered = false;
        rig.site_.handle(std::move(request), [&](const admin_web::Response&) { answered = true; });
        for (int turn = 0; turn < 1000 && !answered; ++turn) {
            rig.core_executor_.run_one();
            rig.workers_.run_one();
            if (turn % 3 == 0) rig.fake_store_.commit_waiting();
            CPPUNIT_ASSERT(rig.users_.permissions().find("x", Role::application, Action::send, "public.a").has_value());
        }
        CPPUNIT_ASSERT(answered);
        CPPUNIT_ASSERT(!rig.users_.permissions().find("x", Role::application, Action::browse, "public.a").has_value());
    }

    void what_makes_no_sense_is_said_beforehand() {
        SiteRig rig;
        for (const auto* wrong : {"<selectors><selector name='s'>not a selector (</selector></selectors>",
                                  "<selectors><selector name='s'> </selector></selectors>",
                                  "<permissions><permission pattern='q' actions='send'/></permissions>",
                                  "<permissions><permission user='u' role='operator' pattern='q' actions='send'/></permissions>",
                                  "<permissions><permission role='auditor' pattern='q' actions='send'/></permissions>",
                                  "<permissions><permission user='u' pattern='a..b' actions='send'/></permissions>",
                                  "<permissions><permission user='u' pattern='a b' actions='send'/></permissions>",
                                  "<permissions><permission user='u' pattern='q' actions=''/></permissions>",
                                  "<permissions><permission user='u' pattern='q' actions='administer'/></permissions>",
                                  "<permissions><permission user='u' pattern='q' actions='send'/>"
                                  "<permission user='u' pattern='q' actions='receive'/></permissions>",
                                  "<users><user name='u' role='auditor' password='secret'/></users>"}) {
            const auto refused = post(rig, "apply", document("<queues><queue name='q'/></queues>" + std::string(wrong)));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(wrong, 400, refused.status);
            CPPUNIT_ASSERT_MESSAGE(refused.body, json_of(refused).at("detail").as_string().starts_with("1:"));
        }
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nothing was begun", 404, rig.get("/api/v1/queues/q").status);
    }

    void prune_deletes_what_is_not_named_and_not_used() {
        SiteRig rig;
        fill(rig);
        rig.put("/api/v1/queues/busy", "");
        auto message = std::make_shared<Message>();
        message->arrived_at = rig.clock_.wall_now();
        message->bare = SharedBytes::copy_of("text");
        core::SendCommand command;
        command.destination = *rig.core_.find_destination("busy");
        command.message = std::move(message);
        command.done = [](const core::SendResult&) {};
        rig.core_.send(std::move(command));
        rig.run();
        const auto wanted = document(
            "<queues><queue name='payments.in' max-messages='7' overflow='hold' dead-letter-queue='dead'/></queues>"
            "<selectors/><users/>");
        const auto applied = post(rig, "apply?prune=true", wanted);
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/a%22%3Cb%3E%26%20%20c").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/selectors/eur").status);
        CPPUNIT_ASSERT(!rig.users_.find("anna"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("it holds a message", 200, rig.get("/api/v1/queues/busy").status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("it is a dead-letter queue", 200, rig.get("/api/v1/queues/dead").status);
    }

    void a_list_that_is_left_out_is_left_alone() {
        SiteRig rig;
        fill(rig);
        const auto applied = post(rig, "apply?prune=true", document("<selectors/>"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, changes(applied).size());
        CPPUNIT_ASSERT(rig.users_.find("anna") && !rig.users_.permissions().snapshot()->empty());
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/payments.in").status);
        CPPUNIT_ASSERT(changes(post(rig, "apply?prune=true", document(""))).empty());
    }

    void what_is_refused_holds_up_nothing_but_deletions() {
        SiteRig rig;
        fill(rig);
        const auto applied = post(rig, "apply?prune=true",
                                  document("<queues><queue name='a'/><queue name='temp-b'/><queue name='z'/></queues>"
                                           "<selectors><selector name='s'>TRUE</selector></selectors>"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, done(applied));
        CPPUNIT_ASSERT(json_of(applied).at("failed").as_object().at("code").as_string() == "invalid_name");
        for (const auto& each : changes(applied)) {
            const auto& change = each.as_object();
            const bool is_deletion = is(change, "kind", "delete");
            const auto* const expected = is_deletion ? "skipped" : is(change, "name", "temp-b") ? "refused" : "done";
            CPPUNIT_ASSERT_MESSAGE(applied.body, is(change, "outcome", expected));
        }
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/z").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/payments.in").status);
    }

    void what_the_store_did_not_take_is_told_and_done_the_next_time() {
        SiteRig rig;
        fill(rig);
        const auto wanted = document(
            "<queues><queue name='a'/><queue name='payments.in' max-messages='9'/></queues>"
            "<selectors><selector name='s'>TRUE</selector></selectors><users><user name='anna' role='operator'/></users>"
            "<permissions><permission user='anna' pattern='#' actions='send'/></permissions>");
        rig.fake_store_.refuse_all = true;
        const auto refused = post(rig, "apply", wanted);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(refused.body, std::int64_t{0}, done(refused));
        CPPUNIT_ASSERT(!json_of(refused).at("failed").is_null());
        CPPUNIT_ASSERT(rig.users_.find("anna")->role == Role::auditor);
        rig.fake_store_.refuse_all = false;
        rig.clock_.advance(std::chrono::seconds(2));
        rig.core_.tick();
        rig.run();
        const auto applied = post(rig, "apply", wanted);
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, done(applied));
        CPPUNIT_ASSERT(changes(post(rig, "apply", wanted)).empty());
    }

    void a_dead_letter_queue_has_the_settings_of_the_document() {
        SiteRig rig;
        const auto wanted = document(
            "<queues max-deliveries='3'><queue name='a' dead-letter-queue='b'/><queue name='b' dead-letter-queue='a' max-messages='5'/>"
            "<queue name='c' dead-letter-queue='d' max-deliveries='4'/></queues>");
        const auto applied = post(rig, "apply", wanted);
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, done(applied));
        const auto settings = [&](const char* name) { return rig.core_.view_queue(*rig.core_.find_destination(name))->settings; };
        CPPUNIT_ASSERT(settings("b").max_messages == 5 && settings("b").dead_letter_queue == "a" && settings("b").max_deliveries == 3);
        CPPUNIT_ASSERT(settings("c").max_deliveries == 4);
        CPPUNIT_ASSERT(changes(post(rig, "apply", wanted)).empty());
    }

    void what_no_document_can_hold_is_refused_by_the_export() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/queues/odd%EF%BF%BF", "").status);
        const auto refused = rig.get("/api/v1/configuration/export");
        CPPUNIT_ASSERT_EQUAL(500, refused.status);
        CPPUNIT_ASSERT_MESSAGE(refused.body, refused.body.find("odd") != std::string::npos);
    }

    void words_with_spaces_around_them_mean_the_same() {
        SiteRig rig;
        rig.add_user("anna", Role::auditor, "a long password");
        const auto applied = post(rig, "apply",
                                  document("<queues><queue name='q' strict=' true ' overflow=' hold ' max-messages=' 4 '/></queues>"
                                           "<users><user name='anna' role=' operator '/></users>"
                                           "<permissions><permission role=' application ' pattern='q' actions='  send&#10;receive '/>"
                                           "</permissions>"));
        CPPUNIT_ASSERT_MESSAGE(applied.body, json_of(applied).at("failed").is_null());
        const auto queue = rig.core_.view_queue(*rig.core_.find_destination("q"))->settings;
        CPPUNIT_ASSERT(queue.strict && queue.overflow == OverflowPolicy::hold && queue.max_messages == 4);
        CPPUNIT_ASSERT(rig.users_.find("anna")->role == Role::operator_);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.users_.permissions().snapshot()->at(0).actions.size());
    }

    void any_definitions_come_back_as_they_were() {
        for (std::uint64_t seed = 1; seed <= 25; ++seed) {
            RandomDefinitions random(seed);
            const auto wanted = random.make();
            const auto text = admin::to_xml(wanted, {});
            CPPUNIT_ASSERT(text.ok());
            SiteRig one;
            SiteRig other;
            for (auto* rig : {&one, &other}) {
                for (const auto& name : RandomDefinitions::users) rig->add_user(name, Role::administrator, "a long password");
            }
            const auto at = "seed " + std::to_string(seed);
            const auto applied = post(one, "apply", *text);
            CPPUNIT_ASSERT_MESSAGE(at + applied.body, json_of(applied).at("failed").is_null());
            CPPUNIT_ASSERT_MESSAGE(at, changes(post(one, "apply", *text)).empty());
            const auto exported = one.get("/api/v1/configuration/export").body;
            const auto read = admin::parse_definitions(exported, {});
            CPPUNIT_ASSERT_MESSAGE(at, read.ok());
            for (const auto& [key, settings] : wanted) CPPUNIT_ASSERT_MESSAGE(at + key.second, read->definitions.at(key) == settings);
            post(other, "apply", *admin::to_xml(random.make(), {}));
            const auto replaced = post(other, "apply?prune=true", exported);
            CPPUNIT_ASSERT_MESSAGE(at + replaced.body, json_of(replaced).at("failed").is_null());
            CPPUNIT_ASSERT_MESSAGE(at, changes(post(other, "diff?prune=true", exported)).empty());
            CPPUNIT_ASSERT_MESSAGE(at, changes(post(other, "apply?prune=true", exported)).empty());
        }
    }

    void wrong_documents_are_refused_with_their_place() {
        SiteRig rig;
        for (const auto& wrong :
             {std::string(), std::string("<definitions/>"), document("<queues><queue/></queues>"),
              document("<queues><queue name=''/></queues>"), document("<queues><queue name='q' max-messages='-1'/></queues>"),
              document("<queues><queue name='q' max-bytes='5'/></queues>"),
              document("<queues><queue name='q' max-deliveries='1000001'/></queues>"),
              document("<queues><queue name='q' colour='red'/></queues>"), document("<queues><queue name='q'/><queue name='q'/></queues>"),
              document("<users><user name='u' role='king'/></users>"),
              document("<users><user name='u' role='auditor' password='x'/></users>"),
              document("<selectors><selector name='a b'>TRUE</selector></selectors>"), document("<more/>"), std::string("{}")}) {
            const auto refused = post(rig, "apply", wrong);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(wrong, 400, refused.status);
            CPPUNIT_ASSERT_EQUAL(std::string("invalid_argument"), code_of(refused));
        }
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/q").status);
    }

    void xml_bombs_are_refused() {
        SiteRig rig;
        const auto bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'>]>" + document("<queues><queue name='&a;'/></queues>");
        CPPUNIT_ASSERT_EQUAL(400, post(rig, "diff", bomb).status);
        const auto file = "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + document("&a;");
        CPPUNIT_ASSERT_EQUAL(400, post(rig, "diff", file).status);
    }

    void only_administrators_apply() {
        SiteRig rig(false);
        rig.add_user("oper", Role::operator_, "a long password");
        rig.add_user("audi", Role::auditor, "a long password");
        rig.add_user("appl", Role::application, "a long password");
        const auto login = [](const std::string& credentials) { return SiteRig::Headers{{"authorization", "Basic " + credentials}}; };
        const auto operators = login("b3BlcjphIGxvbmcgcGFzc3dvcmQ=");
        const auto auditors = login("YXVkaTphIGxvbmcgcGFzc3dvcmQ=");
        const auto applications = login("YXBwbDphIGxvbmcgcGFzc3dvcmQ=");
        const auto wanted = document("<queues><queue name='q'/></queues>");
        for (const auto& who : {operators, auditors, applications}) {
            CPPUNIT_ASSERT_EQUAL(403, post(rig, "apply", wanted, who).status);
            CPPUNIT_ASSERT_EQUAL(403, post(rig, "apply?dryRun=true", wanted, who).status);
        }
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/configuration/export", auditors).status);
        CPPUNIT_ASSERT_EQUAL(200, post(rig, "diff", wanted, auditors).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/configuration/export", operators).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/configuration/export", applications).status);
        CPPUNIT_ASSERT_EQUAL(401, post(rig, "apply", wanted).status);
    }

    void the_body_is_a_document() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(415, rig.post("/api/v1/configuration/apply", "{}").status);
        CPPUNIT_ASSERT_EQUAL(415, rig.post("/api/v1/configuration/apply").status);
        CPPUNIT_ASSERT_EQUAL(405, rig.get("/api/v1/configuration/apply").status);
        auto elsewhere = rig.make("PUT", "/api/v1/queues/q");
        elsewhere.headers.emplace_back("content-type", "application/xml");
        elsewhere.body = "<a/>";
        CPPUNIT_ASSERT_EQUAL_MESSAGE("XML is taken nowhere else", 415, rig.send(std::move(elsewhere)).status);
    }

    void many_changes_share_few_commits() {
        SiteRig rig;
        std::string queues;
        for (int each = 0; each < 600; ++each) queues += "<queue name='q" + std::to_string(each) + "'/>";
        const auto wanted = document("<queues>" + queues + "</queues>");
        const auto before = rig.fake_store_.batches;
        CPPUNIT_ASSERT_EQUAL(std::int64_t{600}, done(post(rig, "apply", wanted)));
        CPPUNIT_ASSERT(rig.fake_store_.batches - before <= 20);
        CPPUNIT_ASSERT(changes(post(rig, "apply", wanted)).empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfigurationTest);

}  // namespace giromq::test
