#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <sstream>

#include "model/amqp_writer.hpp"
#include "unit/admin_web/rig.hpp"

using namespace std::string_literals;

namespace giromq::test {
namespace json = boost::json;

/// Messages over REST, as schemas/openapi.yaml says: looking, sending, and changing many at a time.
class AdminMessagesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AdminMessagesTest);
    CPPUNIT_TEST(a_message_that_was_sent_can_be_looked_at);
    CPPUNIT_TEST(a_message_is_sent_once_for_an_idempotency_key);
    CPPUNIT_TEST(an_idempotency_key_is_its_users_and_stands_for_one_message);
    CPPUNIT_TEST(a_key_is_refused_where_it_would_protect_nothing);
    CPPUNIT_TEST(a_message_that_is_wrong_is_refused_with_what_is_wrong);
    CPPUNIT_TEST(messages_are_browsed_page_by_page);
    CPPUNIT_TEST(messages_are_browsed_by_selector);
    CPPUNIT_TEST(a_wrong_selector_is_refused);
    CPPUNIT_TEST(bodies_are_cut_and_encoded);
    CPPUNIT_TEST(a_body_is_an_attachment_that_nobody_sniffs);
    CPPUNIT_TEST(a_large_body_is_read_from_its_chunks);
    CPPUNIT_TEST(bodies_that_are_under_way_are_bounded_for_each_user_and_in_all);
    CPPUNIT_TEST(a_paused_queue_takes_no_message_for_now);
    CPPUNIT_TEST(a_key_that_was_sent_under_stays_taken_when_a_repetition_is_refused);
    CPPUNIT_TEST(whoever_may_not_read_bodies_sees_none);
    CPPUNIT_TEST(named_messages_move);
    CPPUNIT_TEST(what_cannot_be_done_is_told_for_each_message);
    CPPUNIT_TEST(all_that_match_move_as_an_operation);
    CPPUNIT_TEST(an_operation_takes_more_than_one_unit);
    CPPUNIT_TEST(an_operation_ends_when_the_target_is_full);
    CPPUNIT_TEST(an_operation_can_be_cancelled);
    CPPUNIT_TEST(an_operation_has_a_limit);
    CPPUNIT_TEST(dead_letters_are_retried);
    CPPUNIT_TEST(an_export_has_every_message_on_a_line);
    CPPUNIT_TEST(an_export_needs_the_right_to_read_bodies);
    CPPUNIT_TEST(a_dry_run_counts_and_changes_nothing);
    CPPUNIT_TEST(copies_are_messages_of_their_own);
    CPPUNIT_TEST(copies_that_found_no_room_are_named);
    CPPUNIT_TEST(a_large_message_is_copied_with_its_chunks);
    CPPUNIT_TEST(requests_that_make_no_sense_are_refused);
    CPPUNIT_TEST(operations_are_listed_newest_first);
    CPPUNIT_TEST(an_operation_of_an_earlier_run_is_said_to_be_interrupted);
    CPPUNIT_TEST_SUITE_END();

    static void make_queue(SiteRig& rig, const std::string& name, const std::string& settings = {}) {
        CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/queues/" + name, settings).status);
    }
    static std::string send(SiteRig& rig, const std::string& queue, const std::string& text, const std::string& colour = "red") {
        json::object body{{"body", json::object{{"kind", "text"}, {"text", text}}},
                          {"properties", json::array{json::object{{"name", "colour"}, {"type", "string"}, {"value", colour}}}}};
        const auto sent = rig.post("/api/v1/queues/" + queue + "/messages", json::serialize(body));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(sent.body, 201, sent.status);
        return std::string(json_of(sent).at("id").as_string());
    }
    static void send_many(SiteRig& rig, const std::string& queue, int count) {
        for (int number = 1; number <= count; ++number) {
            send(rig, queue, "m" + std::to_string(number), number % 10 == 0 ? "green" : "red");
        }
    }
    static json::object get(SiteRig& rig, const std::string& target) {
        const auto answer = rig.get(target);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(target + " " + answer.body, 200, answer.status);
        return json_of(answer);
    }
    static std::int64_t depth(SiteRig& rig, const std::string& queue) {
        return get(rig, "/api/v1/queues/" + queue).at("messages").to_number<std::int64_t>();
    }
    static std::string texts(SiteRig& rig, const std::string& queue) {
        std::string all;
        const auto page = get(rig, "/api/v1/queues/" + queue + "/messages?limit=1000");
        for (const auto& item : page.at("items").as_array()) {
            const auto id = std::string(item.at("id").as_string());
            const auto message = get(rig, "/api/v1/queues/" + queue + "/messages/" + id);
            all += (all.empty() ? "" : " ") + std::string(message.at("body").at("text").as_string());
        }
        return all;
    }
    static json::object change(SiteRig& rig, const std::string& path, const std::string& body, int status) {
        const auto answer = rig.post("/api/v1/queues/" + path, body);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, status, answer.status);
        return json_of(answer);
    }
    /// The operation as it stands when nothing is under way any more.
    static json::object ended(SiteRig& rig, const json::object& started) {
        return get(rig, "/api/v1/operations/" + std::string(started.at("id").as_string()));
    }

    /// A message whose body is a text section of `size` bytes in chunks of 1,000.
    static void send_large(SiteRig& rig, const std::string& queue, std::size_t size) {
        std::vector<std::uint8_t> bytes;
        codec::Writer writer(bytes);
        writer.descriptor(0x77);
        writer.string(std::string(size, 'x'));
        auto message = std::make_shared<Message>();
        message->durable = true;
        message->arrived_at = rig.clock_.wall_now();
        message->number = rig.core_.begin_chunks();
        const auto all = SharedBytes::copy_of(bytes);
        message->bare = all.slice(0, 100);
        for (std::size_t at = 100; at < all.size(); at += 1000) {
            const auto chunk = all.slice(at, std::min<std::size_t>(1000, all.size() - at));
            rig.core_.append_chunk(message->number, message->chunk_count++, chunk, [](const Result<void>&) {});
            message->chunked_bytes += chunk.size();
        }
        core::SendCommand command;
        command.destination = *rig.core_.find_destination(queue);
        command.message = message;
        command.done = [](const core::SendResult& result) { CPPUNIT_ASSERT(result.accepted); };
        rig.core_.send(std::move(command));
        rig.run();
    }

    void an_export_has_every_message_on_a_line() {
        SiteRig rig;
        make_queue(rig, "a%2Fb");
        send_many(rig, "a%2Fb", 25);
        std::vector<std::string> texts;
        int parts = 0;
        std::string next = "/api/v1/queues/a%2Fb/messages/export?limit=10&selector=colour%20%3D%20'red'&syntax=sql";
        while (!next.empty()) {
            const auto part = rig.get(next);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(part.body, 200, part.status);
            CPPUNIT_ASSERT_EQUAL(std::string("application/x-ndjson"), part.content_type);
            std::istringstream lines(part.body);
            for (std::string line; std::getline(lines, line);) {
                texts.emplace_back(json::parse(line).as_object().at("body").as_object().at("text").as_string());
            }
            const auto link = header_of(part, "Link");
            next = link.empty() ? std::string() : link.substr(1, link.find('>') - 1);
            ++parts;
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{23}, texts.size());
        CPPUNIT_ASSERT(texts.front() == "m1" && texts[9] == "m11" && texts.back() == "m25");
        CPPUNIT_ASSERT_EQUAL(3, parts);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nothing was taken", std::int64_t{25}, depth(rig, "a%2Fb"));
        send_large(rig, "a/b", 5000);
        const auto large = rig.get("/api/v1/queues/a%2Fb/messages/export?after=25").body;
        CPPUNIT_ASSERT_MESSAGE(large, json::parse(large).as_object().at("body").as_object().at("truncated").as_bool());
    }

    void an_export_needs_the_right_to_read_bodies() {
        SiteRig rig(false);
        rig.add_user("audi", Role::auditor, "a long password");
        const SiteRig::Headers auditor{{"authorization", "Basic YXVkaTphIGxvbmcgcGFzc3dvcmQ="}};
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/queues/q/messages/export", auditor).status);
    }

    void a_message_that_was_sent_can_be_looked_at() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto sent = rig.post("/api/v1/queues/q/messages", R"({"correlationId": "c-1", "type": "order", "priority": 7,
            "timeToLiveMs": 60000, "contentType": "application/json", "groupId": "g", "replyTo": "answers",
            "properties": [{"name": "n", "type": "int", "value": -3}, {"name": "big", "type": "long", "value": "9007199254740993"},
                           {"name": "f", "type": "double", "value": 0.5}, {"name": "yes", "type": "boolean", "value": true}],
            "body": {"kind": "text", "text": "{\"a\": 1}"}})");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(sent.body, 201, sent.status);
        const auto id = std::string(json_of(sent).at("id").as_string());
        CPPUNIT_ASSERT_EQUAL("/api/v1/queues/q/messages/"s + id, header_of(sent, "Location"));
        const auto message = get(rig, "/api/v1/queues/q/messages/" + id);
        CPPUNIT_ASSERT_EQUAL("c-1"s, std::string(message.at("correlationId").as_string()));
        CPPUNIT_ASSERT_EQUAL("text"s, std::string(message.at("type").as_string()));
        CPPUNIT_ASSERT_EQUAL("order"s, std::string(message.at("subject").as_string()));
        CPPUNIT_ASSERT_EQUAL("anonymous"s, std::string(message.at("userId").as_string()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, message.at("priority").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL("available"s, std::string(message.at("state").as_string()));
        CPPUNIT_ASSERT(message.at("expiresAt").is_string());
        CPPUNIT_ASSERT(message.at("deadLetter").is_null());
        const auto& properties = message.at("properties").as_array();
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, properties.size());
        CPPUNIT_ASSERT_EQUAL(R"({"type":"int","value":-3,"name":"n"})"s, json::serialize(properties[0]));
        CPPUNIT_ASSERT_EQUAL(R"({"type":"long","value":"9007199254740993","name":"big"})"s, json::serialize(properties[1]));
        CPPUNIT_ASSERT_EQUAL("json"s, std::string(message.at("body").at("looksLike").as_string()));
        CPPUNIT_ASSERT_EQUAL(R"({"a": 1})"s, std::string(message.at("body").at("text").as_string()));
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/q/messages/9999").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/q/messages/x").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/queues/none/messages").status);
    }

    void a_message_is_sent_once_for_an_idempotency_key() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto request = [&] { return rig.make("POST", "/api/v1/queues/q/messages", "{}", {{"idempotency-key", "k-1"}}); };
        CPPUNIT_ASSERT_EQUAL(201, rig.send(request()).status);
        const auto again = rig.send(request());
        CPPUNIT_ASSERT_EQUAL(200, again.status);
        CPPUNIT_ASSERT(json_of(again).at("duplicate").as_bool());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, depth(rig, "q"));
        CPPUNIT_ASSERT_EQUAL(400, rig.send(rig.make("POST", "/api/v1/queues/q/messages", "{}", {{"idempotency-key", "a b"}})).status);
    }

    void an_idempotency_key_is_its_users_and_stands_for_one_message() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        const auto send = [&](const std::string& queue, const std::string& body) {
            return rig.send(rig.make("POST", "/api/v1/queues/" + queue + "/messages", body, {{"idempotency-key", "k"}})).status;
        };
        CPPUNIT_ASSERT_EQUAL(201, send("q", R"({"type": "a"})"));
        CPPUNIT_ASSERT_EQUAL(409, send("q", R"({"type": "b"})"));
        CPPUNIT_ASSERT_EQUAL(201, send("other", R"({"type": "b"})"));
        const auto mine = admin::IdempotencyKeys::duplicate_id("ann", "k");
        const auto theirs = admin::IdempotencyKeys::duplicate_id("bob", "k");
        CPPUNIT_ASSERT(mine.ok() && theirs.ok() && *mine != *theirs);
        CPPUNIT_ASSERT(admin::IdempotencyKeys::duplicate_id(std::string(128, 'u'), std::string(128, 'k'))->size() <= 256);
    }

    void a_key_is_refused_where_it_would_protect_nothing() {
        SiteRig rig;
        make_queue(rig, "q", R"({"duplicateIdsMax": 0})");
        const auto answer = rig.send(rig.make("POST", "/api/v1/queues/q/messages", "{}", {{"idempotency-key", "k"}}));
        CPPUNIT_ASSERT_EQUAL(400, answer.status);
        CPPUNIT_ASSERT(answer.body.find("duplicateIdsMax") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, depth(rig, "q"));
    }

    void a_message_that_is_wrong_is_refused_with_what_is_wrong() {
        SiteRig rig;
        make_queue(rig, "q");
        for (const auto* const body :
             {R"({"priority": 10})", R"({"body": {"kind": "map"}})", R"({"body": {"kind": "bytes", "base64": "%"}})", R"({"what": 1})",
              R"({"properties": [{"name": "a", "type": "byte", "value": 300}]})",
              R"({"properties": [{"name": "", "type": "int", "value": 3}]})", R"({"properties": {}})", R"({"timeToLiveMs": 0})",
              R"({"contentType": "ä"})"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, rig.post("/api/v1/queues/q/messages", body).status);
        }
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, depth(rig, "q"));
    }

    void messages_are_browsed_page_by_page() {
        SiteRig rig;
        make_queue(rig, "q");
        send_many(rig, "q", 25);
        std::size_t seen = 0;
        std::string cursor;
        do {
            const auto page = get(rig, "/api/v1/queues/q/messages?limit=10" + (cursor.empty() ? "" : "&cursor=" + cursor));
            seen += page.at("items").as_array().size();
            cursor = page.at("nextCursor").is_null() ? std::string() : std::string(page.at("nextCursor").as_string());
        } while (!cursor.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{25}, seen);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, get(rig, "/api/v1/queues/q").at("delivered").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL("unknown_parameter"s, code_of(rig.get("/api/v1/queues/q/messages?what=1")));
    }

    void messages_are_browsed_by_selector() {
        SiteRig rig;
        make_queue(rig, "q");
        send_many(rig, "q", 25);
        const auto page = get(rig, "/api/v1/queues/q/messages?selector=colour%3D%27green%27&syntax=sql");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, page.at("items").as_array().size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{25}, page.at("searched").to_number<std::int64_t>());
        CPPUNIT_ASSERT(page.at("nextCursor").is_null());
        const auto id = std::string(page.at("items").as_array()[0].at("id").as_string());
        const auto rest = get(rig, "/api/v1/queues/q/messages?selector=colour%3D%27green%27&after=" + id);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rest.at("items").as_array().size());
    }

    void a_wrong_selector_is_refused() {
        SiteRig rig;
        make_queue(rig, "q");
        CPPUNIT_ASSERT_EQUAL("invalid_selector"s, code_of(rig.get("/api/v1/queues/q/messages?selector=a%20%3D")));
        CPPUNIT_ASSERT_EQUAL("invalid_selector"s, code_of(rig.get("/api/v1/queues/q/messages?selector=a%20%3D%201&syntax=xml")));
        CPPUNIT_ASSERT_EQUAL("invalid_selector"s, code_of(rig.post("/api/v1/queues/q/messages/delete", R"({"selector": "a ="})")));
    }

    void bodies_are_cut_and_encoded() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto id = send(rig, "q", "äöü and more");
        const auto path = "/api/v1/queues/q/messages/" + id;
        const auto cut = get(rig, path + "?bodyBytesMax=3").at("body").as_object();
        CPPUNIT_ASSERT_EQUAL("ä"s, std::string(cut.at("text").as_string()));
        CPPUNIT_ASSERT(cut.at("truncated").as_bool());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{15}, cut.at("bytes").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL("w6Q="s, std::string(get(rig, path + "?bodyBytesMax=3&body=base64").at("body").at("base64").as_string()));
        CPPUNIT_ASSERT(get(rig, path + "?body=none").at("body").is_null());
        CPPUNIT_ASSERT_EQUAL(400, rig.get(path + "?body=html").status);
        CPPUNIT_ASSERT_EQUAL(400, rig.get(path + "?bodyBytesMax=1048577").status);
        rig.post("/api/v1/queues/q/messages", R"({"body": {"kind": "bytes", "base64": "AAH/"}})");
        const auto page = get(rig, "/api/v1/queues/q/messages");
        const auto binary = std::string(page.at("items").as_array()[1].at("id").as_string());
        const auto body = get(rig, "/api/v1/queues/q/messages/" + binary).at("body").as_object();
        CPPUNIT_ASSERT_EQUAL("binary"s, std::string(body.at("looksLike").as_string()));
        CPPUNIT_ASSERT_EQUAL("AAH/"s, std::string(body.at("base64").as_string()));
    }

    void a_body_is_an_attachment_that_nobody_sniffs() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto id = send(rig, "q", "<html><script>alert(1)</script>");
        const auto body = rig.get("/api/v1/queues/q/messages/" + id + "/body");
        CPPUNIT_ASSERT_EQUAL(200, body.status);
        CPPUNIT_ASSERT_EQUAL("<html><script>alert(1)</script>"s, body.body);
        CPPUNIT_ASSERT_EQUAL("application/octet-stream"s, body.content_type);
        CPPUNIT_ASSERT_EQUAL("nosniff"s, header_of(body, "X-Content-Type-Options"));
        CPPUNIT_ASSERT_EQUAL("attachment; filename=\"message-" + id + ".bin\"", header_of(body, "Content-Disposition"));
    }

    void bodies_that_are_under_way_are_bounded_for_each_user_and_in_all() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto id = send(rig, "q", "text");
        // Answers that are not sent yet hold what they have taken.
        std::vector<admin_web::Response> unsent;
        for (int number = 0; number < 4; ++number) unsent.push_back(rig.get("/api/v1/queues/q/messages/" + id + "/body"));
        for (const auto& response : unsent) CPPUNIT_ASSERT_EQUAL(200, response.status);
        const auto refused = rig.get("/api/v1/queues/q/messages/" + id + "/body");
        CPPUNIT_ASSERT_EQUAL(429, refused.status);
        CPPUNIT_ASSERT_EQUAL(std::string("too_many_downloads"), code_of(refused));
        CPPUNIT_ASSERT_EQUAL(std::string("2"), header_of(refused, "Retry-After"));
        CPPUNIT_ASSERT_EQUAL(429, rig.get("/api/v1/queues/q/messages/export").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/q/messages/" + id).status);
        unsent.clear();
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/queues/q/messages/export").status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("one that is refused holds nothing", 404, rig.get("/api/v1/queues/q/messages/4711/body").status);

        admin_web::Downloads downloads;
        const auto first = downloads.admit("ann", admin_web::Downloads::bytes_per_user_max);
        const auto second = downloads.admit("bob", admin_web::Downloads::bytes_per_user_max);
        CPPUNIT_ASSERT(first.held && second.held);
        const auto third = downloads.admit("carl", 1);
        CPPUNIT_ASSERT(!third.held && third.refusal && third.refusal->status == 503);
        CPPUNIT_ASSERT_EQUAL(admin_web::Downloads::bytes_max, downloads.bytes());
    }

    void a_paused_queue_takes_no_message_for_now() {
        SiteRig rig;
        make_queue(rig, "q");
        CPPUNIT_ASSERT_EQUAL(200, rig.post("/api/v1/queues/q/pause", R"({"send":true})").status);
        const auto refused = rig.post("/api/v1/queues/q/messages", R"({"body":{"kind":"text","text":"m"}})");
        CPPUNIT_ASSERT_EQUAL(409, refused.status);
        CPPUNIT_ASSERT_EQUAL(std::string("paused"), code_of(refused));
        CPPUNIT_ASSERT_EQUAL(200, rig.post("/api/v1/queues/q/pause", R"({"send":false})").status);
        send(rig, "q", "m");
    }

    void a_key_that_was_sent_under_stays_taken_when_a_repetition_is_refused() {
        admin::IdempotencyKeys keys;
        CPPUNIT_ASSERT(keys.take("q", "id", "a").ok());
        keys.sent("q", "id");
        CPPUNIT_ASSERT(keys.take("q", "id", "a").ok());
        keys.give_back("q", "id");
        CPPUNIT_ASSERT(!keys.take("q", "id", "b").ok());
        CPPUNIT_ASSERT(keys.take("q", "other", "a").ok());
        keys.give_back("q", "other");
        CPPUNIT_ASSERT(keys.take("q", "other", "b").ok());
    }

    void a_large_body_is_read_from_its_chunks() {
        SiteRig rig;
        make_queue(rig, "q");
        send_large(rig, "q", 5000);
        const auto page = get(rig, "/api/v1/queues/q/messages");
        const auto id = std::string(page.at("items").as_array()[0].at("id").as_string());
        const auto cut = get(rig, "/api/v1/queues/q/messages/" + id + "?bodyBytesMax=2000").at("body").as_object();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2000}, cut.at("text").as_string().size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{5000}, cut.at("bytes").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::string(5000, 'x'), rig.get("/api/v1/queues/q/messages/" + id + "/body").body);
    }

    void whoever_may_not_read_bodies_sees_none() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto id = send(rig, "q", "secret");
        std::optional<admin::Messages::Found> found;
        rig.users_.permissions().put({1, GranteeKind::user, "app", "q", {Action::browse}, {}, "test"});
        const auto application = rig.users_.identity_of("app", Role::application);
        rig.admin_.messages().find(application, "q", Position{std::stoull(id)}, 1000, [&](auto answer) {
            if (answer) found = std::move(*answer);
        });
        rig.run();
        CPPUNIT_ASSERT(found && !found->may_read_body);
        std::optional<Error> refused;
        rig.admin_.messages().read_body(application, "q", Position{std::stoull(id)}, 1000, [&](auto answer) { refused = answer.error(); });
        CPPUNIT_ASSERT(refused && refused->is(security::errc::not_permitted));
    }

    void named_messages_move() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send(rig, "q", "a");
        const auto id = send(rig, "q", "b");
        const auto done = change(rig, "q/messages/move", R"({"ids": [")" + id + R"("], "to": "other"})", 200);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, done.at("done").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL("a"s, texts(rig, "q"));
        CPPUNIT_ASSERT_EQUAL("b"s, texts(rig, "other"));
    }

    void what_cannot_be_done_is_told_for_each_message() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto id = send(rig, "q", "a");
        const auto done = change(rig, "q/messages/retry", R"({"ids": [")" + id + R"(", "999"]})", 200);
        CPPUNIT_ASSERT_EQUAL(R"({"done":0,"failed":[{"id":")" + id + R"(","code":"no_origin"},{"id":"999","code":"not_found"}]})",
                             json::serialize(done));
        CPPUNIT_ASSERT_EQUAL("a"s, texts(rig, "q"));
    }

    void all_that_match_move_as_an_operation() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send_many(rig, "q", 30);
        const auto answer = rig.post("/api/v1/queues/q/messages/move", R"({"selector": "colour = 'green'", "to": "other"})");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, 202, answer.status);
        const auto started = json_of(answer);
        CPPUNIT_ASSERT_EQUAL("/api/v1/operations/"s + std::string(started.at("id").as_string()), header_of(answer, "Location"));
        const auto operation = ended(rig, started);
        CPPUNIT_ASSERT_EQUAL("done"s, std::string(operation.at("state").as_string()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, operation.at("done").to_number<std::int64_t>());
        CPPUNIT_ASSERT(operation.at("endedAt").is_string());
        CPPUNIT_ASSERT_EQUAL("m10 m20 m30"s, texts(rig, "other"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{27}, depth(rig, "q"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, get(rig, "/api/v1/queues/q").at("consumers").to_number<std::int64_t>());
    }

    void an_operation_takes_more_than_one_unit() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send_many(rig, "q", 2500);
        const auto operation = ended(rig, change(rig, "q/messages/move", R"({"all": true, "to": "other"})", 202));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2500}, operation.at("done").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2500}, operation.at("matched").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, depth(rig, "q"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2500}, depth(rig, "other"));
        CPPUNIT_ASSERT_EQUAL("m1"s, texts(rig, "other").substr(0, 2));
        ended(rig, change(rig, "other/messages/delete", R"({"all": true})", 202));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, depth(rig, "other"));
    }

    void an_operation_ends_when_the_target_is_full() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other", R"({"maxMessages": 5})");
        send_many(rig, "q", 8);
        const auto operation = ended(rig, change(rig, "q/messages/move", R"({"all": true, "to": "other"})", 202));
        CPPUNIT_ASSERT_EQUAL("failed"s, std::string(operation.at("state").as_string()));
        CPPUNIT_ASSERT(operation.at("error").as_string().find("full") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5"s, texts(rig, "other"));
        CPPUNIT_ASSERT_EQUAL("m6 m7 m8"s, texts(rig, "q"));
    }

    void an_operation_can_be_cancelled() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send_many(rig, "q", 1500);
        std::optional<admin::OperationView> begun;
        const security::Identity administrator{"root", Role::administrator};
        admin::Operations::Request request;
        request.queue = "q";
        request.to = "other";
        rig.admin_.operations().start(administrator, request, [&](auto view) { begun = *view; });
        rig.core_executor_.run_all();
        CPPUNIT_ASSERT(begun.has_value());
        rig.admin_.operations().cancel(administrator, begun->id, [](auto) {});
        rig.run();
        const auto operation = get(rig, "/api/v1/operations/" + std::to_string(begun->id));
        CPPUNIT_ASSERT_EQUAL("cancelled"s, std::string(operation.at("state").as_string()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1500}, depth(rig, "q") + depth(rig, "other"));
        CPPUNIT_ASSERT_EQUAL(operation.at("done").to_number<std::int64_t>(), depth(rig, "other"));
        CPPUNIT_ASSERT(depth(rig, "q") > 0);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, get(rig, "/api/v1/queues/q").at("delivering").to_number<std::int64_t>());
    }

    void an_operation_has_a_limit() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send_many(rig, "q", 8);
        ended(rig, change(rig, "q/messages/move", R"({"all": true, "to": "other", "limit": 3})", 202));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, texts(rig, "other"));
        ended(rig, change(rig, "q/messages/copy", R"({"all": true, "to": "other", "limit": 1})", 202));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4"s, texts(rig, "other"));
    }

    /// Rejects the first message of the queue.
    static void reject(SiteRig& rig, const std::string& queue) {
        struct Port : core::ConsumerPort {
            void deliver(core::Delivery delivery) override { position = delivery.position; }
            void drained() override {}
            void ended(const Error&) override {}
            Position position;
        } port;
        core::ConsumerCommand command;
        command.destination = *rig.core_.find_destination(queue);
        command.port = &port;
        const auto consumer = rig.core_.open_consumer(command).value();
        rig.core_.flow(consumer, 1, false);
        rig.run();
        rig.core_.settle(consumer, port.position, Rejected{"app:error", "no"}, {});
        rig.run();
        rig.core_.close_consumer(consumer, core::CloseReason::orderly);
        rig.run();
    }

    void dead_letters_are_retried() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "p");
        send(rig, "q", "a");
        send(rig, "p", "b");
        reject(rig, "q");
        reject(rig, "p");
        send(rig, "DLQ", "stray");
        const auto page = get(rig, "/api/v1/queues/DLQ/messages");
        const auto& dead_letter = page.at("items").as_array()[0].at("deadLetter");
        CPPUNIT_ASSERT_EQUAL("q"s, std::string(dead_letter.at("origin").as_string()));
        CPPUNIT_ASSERT_EQUAL("rejected"s, std::string(dead_letter.at("reason").as_string()));
        const auto operation = ended(rig, change(rig, "DLQ/messages/retry", R"({"all": true})", 202));
        CPPUNIT_ASSERT_EQUAL("done"s, std::string(operation.at("state").as_string()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, operation.at("done").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, operation.at("skipped").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL("a"s, texts(rig, "q"));
        CPPUNIT_ASSERT_EQUAL("b"s, texts(rig, "p"));
        CPPUNIT_ASSERT_EQUAL("stray"s, texts(rig, "DLQ"));
    }

    void a_dry_run_counts_and_changes_nothing() {
        SiteRig rig;
        make_queue(rig, "q");
        send_many(rig, "q", 30);
        const auto count = change(rig, "q/messages/delete", R"({"selector": "colour = 'green'", "dryRun": true})", 200);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, count.at("matched").to_number<std::int64_t>());
        CPPUNIT_ASSERT(count.at("bytes").to_number<std::int64_t>() > 0);
        CPPUNIT_ASSERT(count.at("complete").as_bool());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{30}, depth(rig, "q"));
    }

    void copies_are_messages_of_their_own() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send_many(rig, "q", 300);
        const auto operation = ended(rig, change(rig, "q/messages/copy", R"({"all": true, "to": "other"})", 202));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{300}, operation.at("done").to_number<std::int64_t>());
        ended(rig, change(rig, "q/messages/delete", R"({"all": true})", 202));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, depth(rig, "q"));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3"s, texts(rig, "other").substr(0, 8));
        const auto page = get(rig, "/api/v1/queues/other/messages?limit=2");
        const auto id = std::string(page.at("items").as_array()[1].at("id").as_string());
        const auto done = change(rig, "other/messages/copy", R"({"ids": [")" + id + R"("], "to": "q"})", 200);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, done.at("done").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL("m2"s, texts(rig, "q"));
    }

    void copies_that_found_no_room_are_named() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other", R"({"maxMessages": 2})");
        send_many(rig, "q", 4);
        json::array ids;
        const auto page = get(rig, "/api/v1/queues/q/messages");
        for (const auto& item : page.at("items").as_array()) ids.push_back(item.at("id"));
        const auto request = json::serialize(json::object{{"ids", ids}, {"to", "other"}});
        const auto done = change(rig, "q/messages/copy", request, 200);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, done.at("done").to_number<std::int64_t>());
        const auto& failed = done.at("failed").as_array();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, failed.size());
        CPPUNIT_ASSERT(failed[0].at("id") == ids[2] && failed[1].at("id") == ids[3]);
        CPPUNIT_ASSERT_EQUAL("resource_limit"s, std::string(failed[1].at("code").as_string()));
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, texts(rig, "other"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nothing was copied", 507, rig.post("/api/v1/queues/q/messages/copy", request).status);
    }

    void a_large_message_is_copied_with_its_chunks() {
        SiteRig rig;
        make_queue(rig, "q");
        make_queue(rig, "other");
        send_large(rig, "q", 5000);
        send(rig, "q", "small");
        ended(rig, change(rig, "q/messages/copy", R"({"all": true, "to": "other"})", 202));
        ended(rig, change(rig, "q/messages/delete", R"({"all": true})", 202));
        const auto page = get(rig, "/api/v1/queues/other/messages");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, page.at("items").as_array().size());
        const auto id = std::string(page.at("items").as_array()[0].at("id").as_string());
        CPPUNIT_ASSERT_EQUAL(std::string(5000, 'x'), rig.get("/api/v1/queues/other/messages/" + id + "/body").body);
    }

    void requests_that_make_no_sense_are_refused() {
        SiteRig rig;
        make_queue(rig, "q");
        for (const auto* const body : {"{}", R"({"all": true})", R"({"all": true, "to": "q"})", R"({"ids": [], "to": "o"})",
                                       R"({"ids": ["x"], "to": "o"})", R"({"ids": ["1"], "all": true, "to": "o"})",
                                       R"({"ids": ["1"], "dryRun": true, "to": "o"})", R"({"selector": " ", "to": "o"})"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, rig.post("/api/v1/queues/q/messages/move", body).status);
        }
        CPPUNIT_ASSERT_EQUAL(404, rig.post("/api/v1/queues/q/messages/move", R"({"all": true, "to": "none"})").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.post("/api/v1/queues/none/messages/delete", R"({"all": true})").status);
        CPPUNIT_ASSERT_EQUAL(405, rig.get("/api/v1/queues/q/messages/move").status);
        CPPUNIT_ASSERT_EQUAL("unknown_field"s, code_of(rig.post("/api/v1/queues/q/messages/delete", R"({"all": true, "to": "o"})")));
    }

    void operations_are_listed_newest_first() {
        SiteRig rig;
        make_queue(rig, "q");
        for (int number = 0; number < 3; ++number) change(rig, "q/messages/delete", R"({"all": true})", 202);
        const auto page = get(rig, "/api/v1/operations?limit=2&state=done&queue=q");
        const auto first = rig.clock_.wall_now().milliseconds;
        CPPUNIT_ASSERT_EQUAL(std::to_string(first + 2), std::string(page.at("items").as_array()[0].at("id").as_string()));
        const auto rest = get(rig, "/api/v1/operations?limit=2&cursor=" + std::string(page.at("nextCursor").as_string()));
        CPPUNIT_ASSERT_EQUAL(std::to_string(first), std::string(rest.at("items").as_array()[0].at("id").as_string()));
        CPPUNIT_ASSERT(rest.at("nextCursor").is_null());
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/operations/" + std::to_string(first + 77)).status);
    }

    void an_operation_of_an_earlier_run_is_said_to_be_interrupted() {
        SiteRig rig;
        make_queue(rig, "q");
        const auto earlier = "/api/v1/operations/" + std::to_string(rig.clock_.wall_now().milliseconds - 1);
        change(rig, "q/messages/delete", R"({"all": true})", 202);
        for (const auto& answer : {rig.get(earlier), rig.remove(earlier)}) {
            CPPUNIT_ASSERT_EQUAL(410, answer.status);
            CPPUNIT_ASSERT_EQUAL("interrupted"s, code_of(answer));
            CPPUNIT_ASSERT(answer.body.find("stays done") != std::string::npos);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AdminMessagesTest);

}  // namespace giromq::test
