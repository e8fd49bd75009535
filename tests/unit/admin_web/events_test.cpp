#include "admin-web/events.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {
using admin_web::SocketPeer;
using std::chrono::seconds;

/// The sockets of live figures: who gets one, what they are sent, and when they end.
class EventsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EventsTest);
    CPPUNIT_TEST(a_socket_begins_with_the_alarms_and_has_a_sample_each_second);
    CPPUNIT_TEST(one_text_is_made_for_all_sockets);
    CPPUNIT_TEST(what_is_no_handshake_is_told_how);
    CPPUNIT_TEST(pages_of_other_sites_get_no_socket);
    CPPUNIT_TEST(a_cookie_without_an_origin_gets_no_socket);
    CPPUNIT_TEST(applications_get_no_socket);
    CPPUNIT_TEST(watched_queues_are_told_with_their_rates);
    CPPUNIT_TEST(a_queue_that_is_not_there_is_left_out);
    CPPUNIT_TEST(operations_are_told_once_a_second_while_they_go_on);
    CPPUNIT_TEST(what_is_not_understood_ends_the_socket);
    CPPUNIT_TEST(too_many_texts_end_the_socket);
    CPPUNIT_TEST(who_does_not_read_is_dropped_at_once);
    CPPUNIT_TEST(a_user_has_sixteen_sockets);
    CPPUNIT_TEST(a_socket_ends_with_its_user);
    CPPUNIT_TEST(a_socket_ends_when_the_password_changes);
    CPPUNIT_TEST(a_socket_ends_with_its_session);
    CPPUNIT_TEST(the_stopping_broker_ends_all_sockets);
    CPPUNIT_TEST(a_connection_that_never_became_a_socket_is_forgotten);
    CPPUNIT_TEST_SUITE_END();

    static SiteRig::Headers handshake() {
        return {{"connection", "keep-alive, Upgrade"},
                {"upgrade", "websocket"},
                {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                {"sec-websocket-version", "13"}};
    }
    static SiteRig::Headers with(std::string name, std::string value) {
        auto headers = handshake();
        headers.emplace_back(std::move(name), std::move(value));
        return headers;
    }
    static std::shared_ptr<SocketPeer> join(SiteRig& rig, const SiteRig::Headers& headers = handshake()) {
        auto response = rig.get("/api/v1/events", headers);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 101, response.status);
        CPPUNIT_ASSERT(response.socket);
        response.socket->attach([] {});
        return response.socket;
    }
    static boost::json::object next(SocketPeer& socket) {
        const auto text = socket.take();
        CPPUNIT_ASSERT_MESSAGE("a text waits", text);
        return boost::json::parse(*text).as_object();
    }
    static std::string type_of(const boost::json::object& event) { return std::string(event.at("type").as_string()); }
    static void observe(SiteRig& rig) {
        rig.admin_.observe();
        rig.run();
        rig.clock_.advance(seconds(1));
    }
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
    static SiteRig::Headers login_of(const std::string& credentials) { return with("authorization", "Basic " + credentials); }

public:
    void a_socket_begins_with_the_alarms_and_has_a_sample_each_second() {
        SiteRig rig;
        const auto socket = join(rig);
        CPPUNIT_ASSERT_EQUAL(std::string("alarms"), type_of(next(*socket)));
        CPPUNIT_ASSERT(!socket->take());
        observe(rig);
        const auto sample = next(*socket);
        CPPUNIT_ASSERT_EQUAL(std::string("sample"), type_of(sample));
        CPPUNIT_ASSERT_EQUAL(admin::series_count + 2, sample.size());
        CPPUNIT_ASSERT(!socket->take());
        send(rig, "DLQ");
        observe(rig);
        CPPUNIT_ASSERT_EQUAL(std::string("sample"), type_of(next(*socket)));
        const auto alarms = next(*socket);
        CPPUNIT_ASSERT_EQUAL(std::string("alarms"), type_of(alarms));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, alarms.at("items").as_array().size());
    }

    void one_text_is_made_for_all_sockets() {
        SiteRig rig;
        const auto one = join(rig);
        const auto other = join(rig);
        static_cast<void>(one->take());
        static_cast<void>(other->take());
        observe(rig);
        CPPUNIT_ASSERT(one->take() == other->take());
    }

    void what_is_no_handshake_is_told_how() {
        SiteRig rig;
        const auto plain = rig.get("/api/v1/events");
        CPPUNIT_ASSERT_EQUAL(426, plain.status);
        CPPUNIT_ASSERT_EQUAL(std::string("websocket"), header_of(plain, "Upgrade"));
        CPPUNIT_ASSERT_EQUAL(std::string("13"), header_of(plain, "Sec-WebSocket-Version"));
        auto old = handshake();
        old.back().second = "8";
        CPPUNIT_ASSERT_EQUAL(426, rig.get("/api/v1/events", old).status);
        auto keyless = handshake();
        keyless[2].second = "short";
        CPPUNIT_ASSERT_EQUAL(426, rig.get("/api/v1/events", keyless).status);
        CPPUNIT_ASSERT_EQUAL(405, rig.post("/api/v1/events").status);
        CPPUNIT_ASSERT_EQUAL(400, rig.get("/api/v1/events?token=x", handshake()).status);
    }

    void pages_of_other_sites_get_no_socket() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/events", with("origin", "https://evil.example")).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/events", with("origin", "null")).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/events", with("sec-fetch-site", "cross-site")).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/events", with("sec-fetch-site", "same-site")).status);
        CPPUNIT_ASSERT(join(rig, with("origin", "http://localhost:8161")));
    }

    void a_cookie_without_an_origin_gets_no_socket() {
        SiteRig rig;
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/events", with("cookie", "__Host-giromq=x")).status);
    }

    void applications_get_no_socket() {
        SiteRig rig(false);
        rig.add_user("app", Role::application, "a long password");
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/api/v1/events", login_of("YXBwOmEgbG9uZyBwYXNzd29yZA==")).status);
        CPPUNIT_ASSERT_EQUAL(401, rig.get("/api/v1/events", handshake()).status);
    }

    void watched_queues_are_told_with_their_rates() {
        SiteRig rig;
        rig.put("/api/v1/queues/q", "");
        const auto socket = join(rig);
        socket->receive(R"({"type":"watch","queues":["q"]})");
        observe(rig);
        send(rig, "q");
        send(rig, "q");
        observe(rig);
        boost::json::object last;
        while (const auto text = socket->take()) last = boost::json::parse(*text).as_object();
        CPPUNIT_ASSERT_EQUAL(std::string("queues"), type_of(last));
        const auto item = last.at("items").as_array().at(0).as_object();
        CPPUNIT_ASSERT(item.at("name").as_string() == "q");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, item.at("messages").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, item.at("enqueuedRate").to_number<std::int64_t>());
        socket->receive(R"({"type":"watch","queues":[]})");
        observe(rig);
        CPPUNIT_ASSERT_EQUAL(std::string("sample"), type_of(next(*socket)));
        CPPUNIT_ASSERT(!socket->take());
    }

    void a_queue_that_is_not_there_is_left_out() {
        SiteRig rig;
        const auto socket = join(rig);
        socket->receive(R"({"type":"watch","queues":["nowhere","DLQ","a\"b"]})");
        observe(rig);
        static_cast<void>(next(*socket));
        static_cast<void>(next(*socket));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, next(*socket).at("items").as_array().size());
    }

    void operations_are_told_once_a_second_while_they_go_on() {
        SiteRig rig;
        rig.put("/api/v1/queues/from", "");
        rig.put("/api/v1/queues/to", "");
        send(rig, "from");
        const auto move = [&] {
            const auto response = rig.post("/api/v1/queues/from/messages/move", R"({"all":true,"to":"to"})");
            CPPUNIT_ASSERT_EQUAL(202, response.status);
            return json_of(response).at("id").as_string();
        };
        move();  // nobody listens yet
        const auto socket = join(rig);
        static_cast<void>(socket->take());
        send(rig, "from");
        const auto id = move();
        CPPUNIT_ASSERT_MESSAGE("not at every step", !socket->take());
        observe(rig);
        CPPUNIT_ASSERT_EQUAL(std::string("sample"), type_of(next(*socket)));
        const auto told = next(*socket);
        CPPUNIT_ASSERT_EQUAL(std::string("operation"), type_of(told));
        CPPUNIT_ASSERT(told.at("item") == json_of(rig.get("/api/v1/operations/" + std::string(id))));
        CPPUNIT_ASSERT(told.at("item").at("id") == id);
        CPPUNIT_ASSERT(told.at("item").at("state") == "done");
        CPPUNIT_ASSERT(!socket->take());
        observe(rig);
        CPPUNIT_ASSERT_EQUAL(std::string("sample"), type_of(next(*socket)));
        CPPUNIT_ASSERT_MESSAGE("it has ended", !socket->take());
    }

    void what_is_not_understood_ends_the_socket() {
        const std::string many = "[" + std::string("\"q\"") + [] {
            std::string more;
            for (int each = 0; each < 50; ++each) more += ",\"q\"";
            return more;
        }() + "]";
        for (const auto& text : {std::string(), std::string("watch"), std::string("[]"), std::string(R"({"type":"watch"})"),
                                 std::string(R"({"type":"unwatch","queues":[]})"), std::string(R"({"type":"watch","queues":[1]})"),
                                 std::string(R"({"type":"watch","queues":[""]})"), std::string(R"({"type":"watch","queues":[],"more":1})"),
                                 std::string(R"({"type":"watch","queues":[[[[[[]]]]]]})"), R"({"type":"watch","queues":)" + many + "}",
                                 R"({"type":"watch","queues":[")" + std::string(256, 'x') + "\"]}"}) {
            SiteRig rig;
            const auto socket = join(rig);
            socket->receive(text);
            CPPUNIT_ASSERT_MESSAGE(text, socket->end().has_value());
            CPPUNIT_ASSERT_EQUAL(std::uint16_t{1008}, socket->end()->code);
        }
    }

    void too_many_texts_end_the_socket() {
        SiteRig rig;
        const auto socket = join(rig);
        for (int second = 0; second < 3; ++second) {
            for (int each = 0; each < 20; ++each) socket->receive(R"({"type":"watch","queues":[]})");
            CPPUNIT_ASSERT(!socket->end());
            observe(rig);
        }
        for (int each = 0; each < 21; ++each) socket->receive(R"({"type":"watch","queues":[]})");
        CPPUNIT_ASSERT(socket->end().has_value());
    }

    void who_does_not_read_is_dropped_at_once() {
        SiteRig rig;
        const auto slow = join(rig);
        const auto quick = join(rig);
        int seconds_passed = 0;
        while (!slow->end() && seconds_passed < 5000) {
            observe(rig);
            while (quick->take()) continue;
            ++seconds_passed;
        }
        CPPUNIT_ASSERT_MESSAGE("it ends, and not for a moment's pause", slow->end() && seconds_passed > 60);
        CPPUNIT_ASSERT(slow->end()->at_once);
        CPPUNIT_ASSERT_MESSAGE("nothing is kept for it", !slow->take());
        CPPUNIT_ASSERT(!quick->end());
    }

    void a_user_has_sixteen_sockets() {
        SiteRig rig;
        std::vector<std::shared_ptr<SocketPeer>> sockets;
        for (int each = 0; each < 16; ++each) sockets.push_back(join(rig));
        const auto refused = rig.get("/api/v1/events", handshake());
        CPPUNIT_ASSERT_EQUAL(503, refused.status);
        CPPUNIT_ASSERT_EQUAL(std::string("busy"), code_of(refused));
        sockets.back()->closed();
        CPPUNIT_ASSERT(join(rig));
    }

    void a_socket_ends_with_its_user() {
        SiteRig rig(false);
        rig.add_user("boss", Role::administrator, "a long password");
        const auto socket = join(rig, login_of("Ym9zczphIGxvbmcgcGFzc3dvcmQ="));
        observe(rig);
        CPPUNIT_ASSERT(!socket->end());
        rig.users_.remove("boss");
        observe(rig);
        CPPUNIT_ASSERT(socket->end().has_value());
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{1008}, socket->end()->code);
    }

    void a_socket_ends_when_the_password_changes() {
        SiteRig rig(false);
        rig.add_user("boss", Role::administrator, "a long password");
        const auto socket = join(rig, login_of("Ym9zczphIGxvbmcgcGFzc3dvcmQ="));
        rig.add_user("boss", Role::administrator, "another password");
        observe(rig);
        CPPUNIT_ASSERT(socket->end().has_value());
    }

    void a_socket_ends_with_its_session() {
        for (const bool dev : {false, true}) {
            SiteRig rig(dev);
            rig.add_user("boss", Role::administrator, "a long password");
            const auto id = rig.site_.sessions().open("boss", rig.users_.find("boss")->stored_key).value();
            auto headers = with("origin", "http://localhost:8161");
            headers.emplace_back("cookie", "__Host-giromq=" + id);
            const auto socket = join(rig, headers);
            observe(rig);
            CPPUNIT_ASSERT(!socket->end());
            rig.site_.sessions().close(id);
            observe(rig);
            CPPUNIT_ASSERT(socket->end().has_value());
            CPPUNIT_ASSERT_EQUAL(std::uint16_t{1008}, socket->end()->code);
        }
    }

    void the_stopping_broker_ends_all_sockets() {
        SiteRig rig;
        const auto socket = join(rig);
        rig.site_.stop();
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{1001}, socket->end()->code);
        CPPUNIT_ASSERT_EQUAL(503, rig.get("/api/v1/events", handshake()).status);
    }

    void a_connection_that_never_became_a_socket_is_forgotten() {
        SiteRig rig;
        for (int each = 0; each < 16; ++each) static_cast<void>(rig.get("/api/v1/events", handshake()));
        CPPUNIT_ASSERT_EQUAL(503, rig.get("/api/v1/events", handshake()).status);
        for (int second = 0; second < 2000; ++second) observe(rig);
        CPPUNIT_ASSERT_EQUAL(101, rig.get("/api/v1/events", handshake()).status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EventsTest);

}  // namespace giromq::test
