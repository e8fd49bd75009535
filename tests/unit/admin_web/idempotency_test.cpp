#include "admin-web/remembered_answers.hpp"
#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

using namespace std::chrono_literals;

/// Requests with an Idempotency-Key that come again: what they ask for is done once.
class IdempotencyTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(IdempotencyTest);
    CPPUNIT_TEST(a_copy_that_is_asked_for_again_is_not_made_again);
    CPPUNIT_TEST(a_purge_that_is_asked_for_again_leaves_what_came_since);
    CPPUNIT_TEST(the_same_while_it_is_under_way_is_refused);
    CPPUNIT_TEST(a_key_stands_for_one_request_of_one_user);
    CPPUNIT_TEST(what_was_refused_may_be_tried_again);
    CPPUNIT_TEST(answers_are_remembered_for_a_day_and_within_a_bound);
    CPPUNIT_TEST(what_is_under_way_is_never_forgotten);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_copy_that_is_asked_for_again_is_not_made_again() {
        SiteRig rig;
        fill(rig, "from", 2);
        CPPUNIT_ASSERT_EQUAL(201, rig.put("/api/v1/queues/to", "{}").status);
        const auto copy = rig.make("POST", "/api/v1/queues/from/messages/copy", R"({"all":true,"to":"to"})", {{"idempotency-key", "k"}});
        const auto first = rig.send(copy);
        CPPUNIT_ASSERT_EQUAL(202, first.status);
        const auto again = rig.send(copy);
        CPPUNIT_ASSERT_EQUAL(202, again.status);
        CPPUNIT_ASSERT_EQUAL(first.body, again.body);
        CPPUNIT_ASSERT_EQUAL(header_of(first, "Location"), header_of(again, "Location"));
        CPPUNIT_ASSERT_EQUAL(std::string(), header_of(first, "Idempotency-Replayed"));
        CPPUNIT_ASSERT_EQUAL(std::string("true"), header_of(again, "Idempotency-Replayed"));
        CPPUNIT_ASSERT(json_of(rig.get("/api/v1/queues/to")).at("messages") == 2);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, json_of(rig.get("/api/v1/operations")).at("items").as_array().size());
    }

    void a_purge_that_is_asked_for_again_leaves_what_came_since() {
        SiteRig rig;
        fill(rig, "q", 2);
        const auto purge = rig.make("POST", "/api/v1/queues/q/purge", {}, {{"idempotency-key", "k"}});
        CPPUNIT_ASSERT(json_of(rig.send(purge)).at("purged") == 2);
        fill(rig, "q", 1);
        CPPUNIT_ASSERT(json_of(rig.send(purge)).at("purged") == 2);
        CPPUNIT_ASSERT(json_of(rig.get("/api/v1/queues/q")).at("messages") == 1);
    }

    void the_same_while_it_is_under_way_is_refused() {
        SiteRig rig;
        fill(rig, "q", 2);
        const auto purge = rig.make("POST", "/api/v1/queues/q/purge", {}, {{"idempotency-key", "k"}});
        std::optional<admin_web::Response> first;
        std::optional<admin_web::Response> second;
        rig.site_.handle(purge, [&](admin_web::Response response) { first = std::move(response); });
        rig.site_.handle(purge, [&](admin_web::Response response) { second = std::move(response); });
        CPPUNIT_ASSERT(!first && second);
        CPPUNIT_ASSERT_EQUAL(std::string("under_way"), code_of(*second));
        rig.run();
        CPPUNIT_ASSERT_EQUAL(200, first->status);
    }

    void a_key_stands_for_one_request_of_one_user() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "Correct horse 1");
        rig.add_user("bob", Role::administrator, "Correct horse 1");
        const auto purge = [&](const std::string& user, const std::string& queue, const std::string& key) {
            const auto login = "Basic " + security::encode_base64(security::as_bytes(user + ":Correct horse 1"));
            return rig.send(
                rig.make("POST", "/api/v1/queues/" + queue + "/purge", {}, {{"authorization", login}, {"idempotency-key", key}}));
        };
        const auto put = [&](const std::string& queue) {
            const auto login = "Basic " + security::encode_base64(security::as_bytes(std::string("ann:Correct horse 1")));
            return rig.send(rig.make("PUT", "/api/v1/queues/" + queue, "{}", {{"authorization", login}})).status;
        };
        CPPUNIT_ASSERT_EQUAL(201, put("one"));
        CPPUNIT_ASSERT_EQUAL(201, put("two"));
        CPPUNIT_ASSERT_EQUAL(200, purge("ann", "one", "k").status);
        CPPUNIT_ASSERT_EQUAL(std::string("different"), code_of(purge("ann", "two", "k")));
        CPPUNIT_ASSERT_EQUAL(200, purge("bob", "two", "k").status);
        CPPUNIT_ASSERT_EQUAL(200, purge("ann", "two", "other").status);
        CPPUNIT_ASSERT_EQUAL(400, purge("ann", "two", "a b").status);
        CPPUNIT_ASSERT_EQUAL(400, purge("ann", "two", "").status);
        CPPUNIT_ASSERT_EQUAL(400, purge("ann", "two", std::string(129, 'k')).status);
    }

    void what_was_refused_may_be_tried_again() {
        SiteRig rig;
        const auto purge = rig.make("POST", "/api/v1/queues/q/purge", {}, {{"idempotency-key", "k"}});
        CPPUNIT_ASSERT_EQUAL(404, rig.send(purge).status);
        fill(rig, "q", 1);
        CPPUNIT_ASSERT(json_of(rig.send(purge)).at("purged") == 1);
    }

    void answers_are_remembered_for_a_day_and_within_a_bound() {
        ManualClock clock;
        admin_web::RememberedAnswers answers(clock);
        CPPUNIT_ASSERT(!take(answers, "first"));
        answers.keep("ann", "first", large(1000));
        clock.advance(24h - 1s);
        CPPUNIT_ASSERT(take(answers, "first"));
        clock.advance(1s);
        CPPUNIT_ASSERT_MESSAGE("it is forgotten", !take(answers, "first"));
        answers.keep("ann", "first", large(1000));
        for (std::size_t number = 0; number < admin_web::RememberedAnswers::kept_max; ++number) {
            CPPUNIT_ASSERT(!take(answers, std::to_string(number)));
            answers.keep("ann", std::to_string(number), large(10));
        }
        CPPUNIT_ASSERT_MESSAGE("by its number", !take(answers, "first"));
        answers.keep("ann", "first", large(admin_web::RememberedAnswers::bytes_max));
        CPPUNIT_ASSERT(!take(answers, "second"));
        answers.keep("ann", "second", large(1));
        CPPUNIT_ASSERT(!take(answers, "last"));
        CPPUNIT_ASSERT_MESSAGE("and by its size", !take(answers, "first"));
    }

    void what_is_under_way_is_never_forgotten() {
        ManualClock clock;
        admin_web::RememberedAnswers answers(clock);
        CPPUNIT_ASSERT(!take(answers, "slow"));
        clock.advance(48h);
        const auto answer = take(answers, "slow");
        CPPUNIT_ASSERT(answer && answer->status == 409);
    }

private:
    static void fill(SiteRig& rig, const std::string& queue, int count) {
        rig.put("/api/v1/queues/" + queue, "{}");
        for (int sent = 0; sent < count; ++sent) {
            const std::string body = R"({"body":{"kind":"text","text":"m"}})";
            CPPUNIT_ASSERT_EQUAL(201, rig.post("/api/v1/queues/" + queue + "/messages", body).status);
        }
    }
    static std::optional<admin_web::Response> take(admin_web::RememberedAnswers& answers, const std::string& key) {
        admin_web::Request request;
        request.method = "POST";
        request.target = "/api/v1/queues/q/purge";
        return answers.begin("ann", request, key);
    }
    static admin_web::Response large(std::size_t bytes) {
        admin_web::Response response;
        response.body = std::string(bytes, 'x');
        return response;
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(IdempotencyTest);

}  // namespace giromq::test
