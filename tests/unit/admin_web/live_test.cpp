#include <limits>

#include "admin-web/live_values.hpp"
#include "unit/admin_web/prometheus_format.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {
using std::chrono::seconds;

/// History, alarms and what the overview says of the last minute.
class LiveTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LiveTest);
    CPPUNIT_TEST(rates_are_of_the_second_before);
    CPPUNIT_TEST(the_history_has_the_series_that_are_asked_for);
    CPPUNIT_TEST(series_and_ranges_are_read_strictly);
    CPPUNIT_TEST(commit_times_are_of_the_last_minute);
    CPPUNIT_TEST(commit_times_lie_within_the_ranges);
    CPPUNIT_TEST(a_dead_letter_is_an_alarm_in_rest_overview_and_metrics);
    CPPUNIT_TEST(certificates_are_told_with_their_days);
    CPPUNIT_TEST(a_busy_core_is_observed_once_at_a_time);
    CPPUNIT_TEST(applications_see_none_of_it);
    CPPUNIT_TEST(numbers_are_json);
    CPPUNIT_TEST_SUITE_END();

    static void send(SiteRig& rig, const std::string& queue) {
        auto message = std::make_shared<Message>();
        message->arrived_at = rig.clock_.wall_now();
        message->bare = SharedBytes::copy_of("text");
        core::SendCommand command;
        command.destination = *rig.core_.find_destination(queue);
        command.message = std::move(message);
        command.done = [](const core::SendResult&) {};
        rig.core_.send(std::move(command));
        rig.run();
    }
    static void observe(SiteRig& rig) {
        rig.admin_.observe();
        rig.run();
        rig.clock_.advance(seconds(1));
    }

public:
    void rates_are_of_the_second_before() {
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        send(rig, "q");
        observe(rig);
        send(rig, "q");
        send(rig, "q");
        observe(rig);
        observe(rig);
        const auto history = json_of(rig.get("/api/v1/history?series=enqueuedRate,messages"));
        const auto& series = history.at("series").as_object();
        const boost::json::array rates{0, 2, 0};
        const boost::json::array messages{1, 3, 3};
        CPPUNIT_ASSERT(series.at("enqueuedRate").as_array() == rates);
        CPPUNIT_ASSERT(series.at("messages").as_array() == messages);
    }

    void the_history_has_the_series_that_are_asked_for() {
        SiteRig rig;
        observe(rig);
        const auto all = json_of(rig.get("/api/v1/history"));
        CPPUNIT_ASSERT_EQUAL(admin::series_count, all.at("series").as_object().size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, all.at("stepMs").to_number<std::int64_t>());
        const auto one = json_of(rig.get("/api/v1/history?range=1d&series=walBytes"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, one.at("series").as_object().size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{60000}, one.at("stepMs").to_number<std::int64_t>());
    }

    void series_and_ranges_are_read_strictly() {
        SiteRig rig;
        for (const auto* query :
             {"range=2h", "range=", "series=", "series=walBytes,", "series=walBytes,walBytes", "series=WALBYTES", "step=1"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, rig.get(std::string("/api/v1/history?") + query).status);
        }
        CPPUNIT_ASSERT_EQUAL(405, rig.post("/api/v1/history").status);
        CPPUNIT_ASSERT_EQUAL(405, rig.remove("/api/v1/alarms").status);
    }

    void commit_times_are_of_the_last_minute() {
        SiteRig rig;
        auto& times = rig.store_administration_.numbers.commit_nanoseconds;
        for (int each = 0; each < 100; ++each) times.add(700'000'000);
        observe(rig);
        for (int second = 0; second < 60; ++second) observe(rig);
        for (int each = 0; each < 1000; ++each) times.add(200'000);
        observe(rig);
        const auto minute = json_of(rig.get("/api/v1/overview")).at("store").as_object().at("lastMinute").as_object();
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, minute.at("commits").to_number<std::int64_t>());
        CPPUNIT_ASSERT(minute.at("p99Us").to_number<std::int64_t>() <= 250);
        CPPUNIT_ASSERT(minute.at("maxUs").to_number<std::int64_t>() <= 250);
    }

    void commit_times_lie_within_the_ranges() {
        Histogram times(store::CommitQueue::commit_time_bounds);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, admin::commit_times(times, {}).p99_us);
        for (int each = 0; each < 98; ++each) times.add(300'000);
        for (int each = 0; each < 2; ++each) times.add(3'000'000'000);
        const auto found = admin::commit_times(times, {});
        CPPUNIT_ASSERT(found.p50_us > 250 && found.p50_us <= 500);
        CPPUNIT_ASSERT_MESSAGE("above all ranges, up to the slowest", found.p99_us > 1'000'000 && found.p99_us <= 3'000'000);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3'000'000}, found.max_us);
    }

    void a_dead_letter_is_an_alarm_in_rest_overview_and_metrics() {
        SiteRig rig;
        observe(rig);
        CPPUNIT_ASSERT(json_of(rig.get("/api/v1/alarms")).at("items").as_array().empty());
        send(rig, "DLQ");
        observe(rig);
        const auto page = json_of(rig.get("/api/v1/alarms"));
        const auto alarm = page.at("items").as_array().at(0).as_object();
        CPPUNIT_ASSERT(alarm.at("kind").as_string() == "dead-letter-depth" && alarm.at("object").as_string() == "DLQ");
        CPPUNIT_ASSERT(json_of(rig.get("/api/v1/overview")).at("alarms") == page.at("items"));
        const auto metrics = rig.get("/metrics").body;
        CPPUNIT_ASSERT_EQUAL(std::string(), fault_of_metrics(metrics));
        CPPUNIT_ASSERT(metrics.find("giromq_alarm{kind=\"dead-letter-depth\",severity=\"warning\"} 1") != std::string::npos);
        CPPUNIT_ASSERT(metrics.find("giromq_alarm{kind=\"disk\",severity=\"critical\"} 0") != std::string::npos);
    }

    void certificates_are_told_with_their_days() {
        SiteRig rig;
        rig.certificates_.views = {{"https", "CN=a", "CN=ca", {rig.clock_.wall_now().milliseconds + 5 * 86'400'000 + 1}},
                                   {"amqps", "CN=b", "CN=ca", {rig.clock_.wall_now().milliseconds - 1}}};
        const auto listed = json_of(rig.get("/api/v1/overview")).at("certificates").as_array();
        CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, listed.at(0).as_object().at("daysLeft").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-1}, listed.at(1).as_object().at("daysLeft").to_number<std::int64_t>());
        observe(rig);
        const auto alarms = json_of(rig.get("/api/v1/alarms")).at("items").as_array();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, alarms.size());
        CPPUNIT_ASSERT(rig.get("/metrics").body.find("giromq_certificate_expiry_seconds{listener=\"https\"}") != std::string::npos);
    }

    void a_busy_core_is_observed_once_at_a_time() {
        SiteRig rig;
        int moments = 0;
        rig.admin_.on_moment([&](const admin::Moment&) { ++moments; });
        rig.admin_.observe();
        rig.admin_.observe();
        rig.run();
        CPPUNIT_ASSERT_EQUAL(1, moments);
        rig.admin_.observe();
        rig.run();
        CPPUNIT_ASSERT_EQUAL(2, moments);
    }

    void applications_see_none_of_it() {
        SiteRig rig(false);
        rig.add_user("app", Role::application, "a long password");
        const SiteRig::Headers login{{"authorization", "Basic YXBwOmEgbG9uZyBwYXNzd29yZA=="}};
        for (const auto* path : {"/api/v1/alarms", "/api/v1/history", "/api/v1/overview"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 403, rig.get(path, login).status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 401, rig.get(path).status);
        }
    }

    void numbers_are_json() {
        using admin_web::number_text;
        CPPUNIT_ASSERT_EQUAL(std::string("0"), number_text(0));
        CPPUNIT_ASSERT_EQUAL(std::string("100"), number_text(100));
        CPPUNIT_ASSERT_EQUAL(std::string("1.25"), number_text(1.25));
        CPPUNIT_ASSERT_EQUAL(std::string("1125899906842624"), number_text(1125899906842624.0));
        CPPUNIT_ASSERT_EQUAL(std::string("null"), number_text(std::numeric_limits<double>::quiet_NaN()));
        admin::History::View view;
        view.values.resize(2);
        view.values[1].fill(std::numeric_limits<double>::infinity());
        CPPUNIT_ASSERT(boost::json::parse(admin_web::history_text(view, {admin::Series::bytes})).is_object());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LiveTest);

}  // namespace giromq::test
