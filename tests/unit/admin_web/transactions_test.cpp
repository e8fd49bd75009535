#include <set>

#include "unit/admin_web/rig.hpp"
#include "xa/xid_text.hpp"

namespace giromq::test {

/// Transactions in doubt over REST, as schemas/openapi.yaml says.
class TransactionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TransactionsTest);
    CPPUNIT_TEST(a_branch_in_doubt_is_shown_with_its_manager_and_destinations);
    CPPUNIT_TEST(the_list_goes_on_at_its_cursor);
    CPPUNIT_TEST(the_messages_of_a_branch_are_shown_in_pages);
    CPPUNIT_TEST(a_decision_is_handed_on_with_who_and_why);
    CPPUNIT_TEST(only_what_was_decided_on_is_forgotten);
    CPPUNIT_TEST(a_decision_without_a_reason_is_refused);
    CPPUNIT_TEST(what_is_not_an_xid_is_refused);
    CPPUNIT_TEST(a_branch_that_is_not_in_doubt_is_not_found);
    CPPUNIT_TEST(a_decision_that_could_not_be_written_can_be_tried_again);
    CPPUNIT_TEST(wrong_methods_are_told_the_right_ones);
    CPPUNIT_TEST(applications_may_neither_look_nor_decide);
    CPPUNIT_TEST(metrics_and_overview_tell_of_branches_in_doubt);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_branch_in_doubt_is_shown_with_its_manager_and_destinations() {
        SiteRig rig;
        const auto path = add(rig, 1);
        rig.clock_.advance(std::chrono::seconds(90));
        const auto found = rig.get(path);
        CPPUNIT_ASSERT_EQUAL(200, found.status);
        const auto item = json_of(found);
        CPPUNIT_ASSERT(item.at("xid").as_string() == "1279875137:677472696431:0b");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1279875137}, item.at("formatId").as_int64());
        CPPUNIT_ASSERT(item.at("formatName").as_string() == "LIXA");
        CPPUNIT_ASSERT(item.at("description").as_string().find("'gtrid1'") != std::string::npos);
        CPPUNIT_ASSERT(item.at("state").as_string() == "prepared" && item.at("owner").as_string() == "ledger");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{90000}, item.at("ageMs").as_int64());
        CPPUNIT_ASSERT(item.at("puts").as_int64() == 2 && item.at("gets").as_int64() == 1 && item.at("bytes").as_int64() == 300);
        const auto& destination = item.at("destinations").as_array().at(0).as_object();
        CPPUNIT_ASSERT(destination.at("name").as_string() == "payments" && destination.at("puts").as_int64() == 2);
        CPPUNIT_ASSERT(item.find("decidedBy") == item.end());
        // As people paste it.
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/transactions/1279875137:677472696431:0B").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/api/v1/transactions/1279875137%3A677472696431%3A0b").status);
    }

    void the_list_goes_on_at_its_cursor() {
        SiteRig rig;
        CPPUNIT_ASSERT(json_of(rig.get("/api/v1/transactions")).at("items").as_array().empty());
        std::set<std::string> expected;
        for (unsigned number = 10; number < 35; ++number)
            expected.insert(add(rig, number).substr(std::string("/api/v1/transactions/").size()));
        std::vector<std::string> listed;
        std::string target = "/api/v1/transactions?limit=10";
        for (int pages = 1; pages <= 3; ++pages) {
            const auto page = json_of(rig.get(target));
            for (const auto& item : page.at("items").as_array()) listed.emplace_back(item.as_object().at("xid").as_string());
            CPPUNIT_ASSERT_EQUAL(pages == 3, page.at("nextCursor").is_null());
            if (pages < 3) target = "/api/v1/transactions?limit=10&cursor=" + std::string(page.at("nextCursor").as_string());
        }
        CPPUNIT_ASSERT(std::vector<std::string>(expected.begin(), expected.end()) == listed);
        for (const auto* query : {"limit=0", "cursor=zz", "cursor=3131", "other=1"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, rig.get(std::string("/api/v1/transactions?") + query).status);
        }
    }

    void the_messages_of_a_branch_are_shown_in_pages() {
        SiteRig rig;
        const auto path = add(rig, 1) + "/messages";
        for (int index = 0; index < 5; ++index) {
            rig.transactions_.all_messages.push_back({.is_put = index < 3,
                                                      .destination = "payments",
                                                      .message_id = "ID:" + std::to_string(index),
                                                      .type = "pacs.008",
                                                      .arrived_at = Timestamp{1'700'000'000'000},
                                                      .bytes = 100});
        }
        const auto first = json_of(rig.get(path + "?limit=3"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, first.at("items").as_array().size());
        const auto& put = first.at("items").as_array().at(2).as_object();
        CPPUNIT_ASSERT(put.at("work").as_string() == "put" && put.at("messageId").as_string() == "ID:2");
        CPPUNIT_ASSERT(put.at("type").as_string() == "pacs.008" && put.at("arrivedAt").as_string() == "2023-11-14T22:13:20.000Z");
        const auto second = json_of(rig.get(path + "?limit=3&cursor=" + std::string(first.at("nextCursor").as_string())));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, second.at("items").as_array().size());
        CPPUNIT_ASSERT(second.at("items").as_array().at(0).as_object().at("work").as_string() == "get");
        CPPUNIT_ASSERT(second.at("nextCursor").is_null());
        CPPUNIT_ASSERT_EQUAL(400, rig.get(path + "?cursor=78").status);
    }

    void a_decision_is_handed_on_with_who_and_why() {
        SiteRig rig;
        for (const auto& [verb, state] : {std::pair{"commit", "heuristically-committed"}, {"rollback", "heuristically-rolled-back"}}) {
            const auto path = add(rig, 1);
            CPPUNIT_ASSERT_EQUAL(204, rig.post(path + "/" + verb, R"({"reason":"the manager's log is lost"})").status);
            const auto item = json_of(rig.get(path));
            CPPUNIT_ASSERT(item.at("state").as_string() == state);
            CPPUNIT_ASSERT(item.at("decidedBy").as_string() == "anonymous");
            CPPUNIT_ASSERT(item.at("reason").as_string() == "the manager's log is lost");
            CPPUNIT_ASSERT(item.at("decidedAt").as_string() == "2023-11-14T22:13:20.000Z");
            const auto again = rig.post(path + "/commit", R"({"reason":"again"})");
            CPPUNIT_ASSERT_EQUAL(409, again.status);
            CPPUNIT_ASSERT_EQUAL(std::string("wrong_state"), code_of(again));
            rig.transactions_.branches.clear();
        }
    }

    void only_what_was_decided_on_is_forgotten() {
        SiteRig rig;
        const auto path = add(rig, 1);
        CPPUNIT_ASSERT_EQUAL(409, rig.post(path + "/forget", R"({"reason":"why"})").status);
        CPPUNIT_ASSERT_EQUAL(204, rig.post(path + "/commit", R"({"reason":"why"})").status);
        CPPUNIT_ASSERT_EQUAL(204, rig.post(path + "/forget", R"({"reason":"it will not come back"})").status);
        CPPUNIT_ASSERT(rig.transactions_.forgotten_by == (xa::Decision{"anonymous", "it will not come back", "127.0.0.1:40000", "http"}));
        CPPUNIT_ASSERT_EQUAL(404, rig.get(path).status);
    }

    void a_decision_without_a_reason_is_refused() {
        SiteRig rig;
        const auto path = add(rig, 1);
        const auto too_long = R"({"reason":")" + std::string(1025, 'x') + R"("})";
        for (const std::string& body : {std::string(), std::string("{}"), std::string(R"({"reason":""})"),
                                        std::string(R"({"reason":"  "})"), std::string(R"({"reason":"a\nb"})"),
                                        std::string(R"({"reason":1})"), std::string(R"({"reason":"why","other":1})"), too_long}) {
            for (const auto* verb : {"/commit", "/rollback", "/forget"}) {
                CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, rig.post(path + verb, body).status);
            }
        }
        CPPUNIT_ASSERT(!rig.transactions_.branches.begin()->second.decided);
    }

    void what_is_not_an_xid_is_refused() {
        SiteRig rig;
        for (const auto* xid : {"1", "1:2", "1:zz:00", "x:01:02", "1:01:02:03", "1::02", "-1:01:02", "99999999999:01:02"}) {
            const auto path = std::string("/api/v1/transactions/") + xid;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(xid, 400, rig.get(path).status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(xid, 400, rig.get(path + "/messages").status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(xid, 400, rig.post(path + "/commit", R"({"reason":"why"})").status);
        }
    }

    void a_branch_that_is_not_in_doubt_is_not_found() {
        SiteRig rig;
        const std::string path = "/api/v1/transactions/1:01:02";
        CPPUNIT_ASSERT_EQUAL(404, rig.get(path).status);
        CPPUNIT_ASSERT_EQUAL(404, rig.get(path + "/messages").status);
        for (const auto* verb : {"/commit", "/rollback", "/forget"}) {
            CPPUNIT_ASSERT_EQUAL(404, rig.post(path + verb, R"({"reason":"why"})").status);
        }
        CPPUNIT_ASSERT_EQUAL(404, rig.post(path + "/explode", R"({"reason":"why"})").status);
    }

    void a_decision_that_could_not_be_written_can_be_tried_again() {
        SiteRig rig;
        const auto path = add(rig, 1);
        rig.transactions_.answer = xa::ReturnCode::er_rm_fail;
        CPPUNIT_ASSERT_EQUAL(503, rig.post(path + "/commit", R"({"reason":"why"})").status);
        rig.transactions_.answer = xa::ReturnCode::ok;
        CPPUNIT_ASSERT_EQUAL(204, rig.post(path + "/commit", R"({"reason":"why"})").status);
    }

    void wrong_methods_are_told_the_right_ones() {
        SiteRig rig;
        const auto path = add(rig, 1);
        CPPUNIT_ASSERT_EQUAL(405, rig.post("/api/v1/transactions", "{}").status);
        CPPUNIT_ASSERT_EQUAL(405, rig.remove(path).status);
        const auto wrong = rig.get(path + "/commit");
        CPPUNIT_ASSERT_EQUAL(405, wrong.status);
        CPPUNIT_ASSERT_EQUAL(std::string("POST"), header_of(wrong, "Allow"));
    }

    void applications_may_neither_look_nor_decide() {
        SiteRig rig(false);
        rig.add_user("app", Role::application, "secret words");
        const auto path = add(rig, 1);
        const SiteRig::Headers login{{"authorization", "Basic YXBwOnNlY3JldCB3b3Jkcw=="}};
        for (const auto& target : {std::string("/api/v1/transactions"), path, path + "/messages"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(target, 403, rig.get(target, login).status);
        }
        for (const auto* verb : {"/commit", "/rollback", "/forget"}) {
            CPPUNIT_ASSERT_EQUAL(403, rig.send(rig.make("POST", path + verb, R"({"reason":"why"})", login)).status);
        }
        CPPUNIT_ASSERT(!rig.transactions_.branches.begin()->second.decided);
        CPPUNIT_ASSERT_EQUAL(401, rig.get(path).status);
    }

    void metrics_and_overview_tell_of_branches_in_doubt() {
        SiteRig rig;
        const auto has = [&](const std::string& line) { return rig.get("/metrics").body.find("\n" + line + "\n") != std::string::npos; };
        CPPUNIT_ASSERT(has("giromq_transactions_in_doubt 0") && has("giromq_transactions_in_doubt_oldest_age_seconds 0"));
        add(rig, 1);
        rig.clock_.advance(std::chrono::seconds(30));
        add(rig, 2);
        CPPUNIT_ASSERT(has("giromq_transactions_in_doubt 2") && has("giromq_transactions_in_doubt_oldest_age_seconds 30"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, json_of(rig.get("/api/v1/overview")).at("transactionsInDoubt").to_number<std::uint64_t>());
    }

private:
    /// A prepared branch; its address.
    static std::string add(SiteRig& rig, unsigned number) {
        const auto xid = *xa::Xid::make(1279875137, "gtrid" + std::to_string(number), "\x0b");
        rig.transactions_.branches.insert_or_assign(xid, admin::TransactionView{.xid = xid,
                                                                                .owner = "ledger",
                                                                                .prepared_at = rig.clock_.wall_now(),
                                                                                .work = {.puts = 2, .gets = 1, .bytes = 300},
                                                                                .destinations = {{"payments", 2, 1}},
                                                                                .decided = std::nullopt,
                                                                                .decided_at = {},
                                                                                .decision = {}});
        return "/api/v1/transactions/" + xa::to_text(xid);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TransactionsTest);

}  // namespace giromq::test
