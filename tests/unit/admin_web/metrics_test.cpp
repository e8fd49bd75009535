#include "unit/admin_web/prometheus_format.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// The pages that a Prometheus server reads.
class MetricsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MetricsTest);
    CPPUNIT_TEST(the_pages_are_well_formed);
    CPPUNIT_TEST(the_check_notices_what_is_wrong);
    CPPUNIT_TEST(commit_times_are_a_histogram);
    CPPUNIT_TEST(logins_are_counted_by_protocol_and_result);
    CPPUNIT_TEST(queue_names_are_escaped);
    CPPUNIT_TEST(the_age_of_the_oldest_message_is_told);
    CPPUNIT_TEST(pages_of_queues_say_where_they_go_on);
    CPPUNIT_TEST_SUITE_END();

    static void assert_holds(const std::string& page, const std::string& line) {
        CPPUNIT_ASSERT_MESSAGE(line + " is not in\n" + page, ("\n" + page).find("\n" + line + "\n") != std::string::npos);
    }

    static void send(SiteRig& rig, const std::string& queue) {
        auto message = std::make_shared<Message>();
        message->durable = true;
        message->arrived_at = rig.clock_.wall_now();
        message->bare = SharedBytes::copy_of("text");
        core::SendCommand command;
        command.destination = *rig.core_.find_destination(queue);
        command.message = std::move(message);
        command.done = [](const core::SendResult&) {};
        rig.core_.send(std::move(command));
        rig.run();
    }

public:
    void the_pages_are_well_formed() {
        SiteRig rig;
        for (const auto* name : {"q", "a%22b%5Cc", "eu%2Fpayments%20in", "%E6%94%AF%E4%BB%98"}) {
            CPPUNIT_ASSERT_EQUAL(201, rig.put(std::string("/api/v1/queues/") + name, "").status);
        }
        send(rig, "q");
        rig.store_administration_.numbers.commit_nanoseconds.add(300'000);
        for (const auto* target : {"/metrics", "/metrics/queues"}) {
            const auto page = rig.get(target);
            CPPUNIT_ASSERT_EQUAL(std::string("text/plain; version=0.0.4; charset=utf-8"), page.content_type);
            CPPUNIT_ASSERT_EQUAL(std::string(), fault_of_metrics(page.body));
        }
    }

    void the_check_notices_what_is_wrong() {
        const std::string good = "# HELP giromq_a A.\n# TYPE giromq_a gauge\ngiromq_a{b=\"c\"} 1\n";
        CPPUNIT_ASSERT_EQUAL(std::string(), fault_of_metrics(good));
        const std::string histogram = "# HELP giromq_h H.\n# TYPE giromq_h histogram\n";
        for (const auto& bad : std::vector<std::string>{
                 "",
                 "giromq_a 1\n",
                 good + good,
                 good + "giromq_a{b=\"c\"} 2\n",
                 good + "giromq_b 2\n",
                 good + "giromq_a{b=\"d\"} x\n",
                 good + "giromq_a{b=\"d} 1\n",
                 good + "giromq_a{b=\"d\",b=\"e\"} 1\n",
                 good + "giromq_a{b=\"\\t\"} 1\n",
                 good + "giromq_a{b=\"d\"} 1",
                 "# HELP giromq_a A.\n# TYPE giromq_a counter\ngiromq_a 1\n",
                 "# HELP giromq_a_total A.\n# TYPE giromq_a_total gauge\ngiromq_a_total 1\n",
                 "# HELP giromq_a_total A.\n# TYPE giromq_a_total counter\ngiromq_a_total -1\n",
                 "# HELP giromq_a_ms A.\n# TYPE giromq_a_ms gauge\ngiromq_a_ms 1\n",
                 "# TYPE giromq_a gauge\ngiromq_a 1\n",
                 histogram + "giromq_h_bucket{le=\"1\"} 1\ngiromq_h_sum 1\ngiromq_h_count 1\n",
                 histogram + "giromq_h_bucket{le=\"+Inf\"} 1\ngiromq_h_sum 1\ngiromq_h_count 2\n",
                 histogram + "giromq_h_bucket{le=\"1\"} 2\ngiromq_h_bucket{le=\"+Inf\"} 1\ngiromq_h_sum 1\ngiromq_h_count 1\n",
                 histogram + "giromq_h_bucket{le=\"2\"} 1\ngiromq_h_bucket{le=\"1\"} 1\ngiromq_h_sum 1\ngiromq_h_count 1\n",
                 histogram + "giromq_h_bucket{le=\"+Inf\"} 1\ngiromq_h_count 1\n",
             }) {
            CPPUNIT_ASSERT_MESSAGE(bad, !fault_of_metrics(bad).empty());
        }
    }

    void commit_times_are_a_histogram() {
        SiteRig rig;
        for (const std::uint64_t nanoseconds : {90'000U, 400'000U, 2'000'000'000U}) {
            rig.store_administration_.numbers.commit_nanoseconds.add(nanoseconds);
        }
        const auto page = rig.get("/metrics").body;
        assert_holds(page, "# TYPE giromq_store_commit_seconds histogram");
        assert_holds(page, "giromq_store_commit_seconds_bucket{le=\"0.0001\"} 1");
        assert_holds(page, "giromq_store_commit_seconds_bucket{le=\"0.0005\"} 2");
        assert_holds(page, "giromq_store_commit_seconds_bucket{le=\"1\"} 2");
        assert_holds(page, "giromq_store_commit_seconds_bucket{le=\"+Inf\"} 3");
        assert_holds(page, "giromq_store_commit_seconds_count 3");
    }

    void logins_are_counted_by_protocol_and_result() {
        SiteRig rig(false);
        rig.add_user("ann", Role::administrator, "correct horse");
        const SiteRig::Headers right{{"authorization", "Basic YW5uOmNvcnJlY3QgaG9yc2U="}};
        const SiteRig::Headers wrong{{"authorization", "Basic YW5uOndyb25nIGhvcnNl"}};
        rig.get("/metrics", wrong);
        rig.get("/metrics", wrong);
        const auto page = rig.get("/metrics", right).body;
        assert_holds(page, "giromq_logins_total{protocol=\"http\",result=\"success\"} 1");
        assert_holds(page, "giromq_logins_total{protocol=\"http\",result=\"failure\"} 2");
        assert_holds(page, "giromq_logins_total{protocol=\"amqp\",result=\"failure\"} 0");
        assert_holds(page, "giromq_logins_refused_total{protocol=\"http\"} 0");
    }

    void queue_names_are_escaped() {
        SiteRig rig;
        rig.put("/api/v1/queues/a%22b%5Cc", "");
        assert_holds(rig.get("/metrics/queues?limit=10").body, R"(giromq_queue_messages{queue="a\"b\\c",state="ready"} 0)");
    }

    void the_age_of_the_oldest_message_is_told() {
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        assert_holds(rig.get("/metrics/queues").body, "giromq_queue_oldest_message_age_seconds{queue=\"q\"} 0");
        send(rig, "q");
        rig.clock_.advance(std::chrono::milliseconds(90'500));
        assert_holds(rig.get("/metrics/queues").body, "giromq_queue_oldest_message_age_seconds{queue=\"q\"} 90.5");
        CPPUNIT_ASSERT(json_of(rig.get("/api/v1/queues/q")).contains("oldestArrivedAt"));
        CPPUNIT_ASSERT(!json_of(rig.get("/api/v1/queues/DLQ")).contains("oldestArrivedAt"));
    }

    void pages_of_queues_say_where_they_go_on() {
        SiteRig rig;
        for (const char* const name : {"a", "b", "c%2Fd"}) rig.put(std::string("/api/v1/queues/") + name, "");
        std::string all;
        std::string target = "/metrics/queues?limit=1";
        for (int pages = 0; !target.empty(); ++pages) {
            CPPUNIT_ASSERT(pages < 10);
            const auto page = rig.get(target);
            CPPUNIT_ASSERT_EQUAL(200, page.status);
            all += page.body;
            const auto link = header_of(page, "Link");
            CPPUNIT_ASSERT(link.empty() || link.ends_with(">; rel=\"next\""));
            target = link.empty() ? std::string() : link.substr(1, link.find('>') - 1);
        }
        for (const char* const name : {"a", "b", "c/d", "DLQ"}) {
            assert_holds(all, "giromq_queue_bytes{queue=\"" + std::string(name) + "\"} 0");
        }
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(MetricsTest);

}  // namespace giromq::test
