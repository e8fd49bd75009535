#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "unit/admin_web/http_rig.hpp"

namespace giromq::test {
namespace {

const std::string host = "Host: localhost\r\n";
const std::string close = "Connection: close\r\n\r\n";
const std::string chunked = "Transfer-Encoding: chunked\r\n";

int status_of(const std::string& answer) {
    CPPUNIT_ASSERT_MESSAGE(answer, answer.starts_with("HTTP/1.1 ") && answer.size() > 12);
    return std::stoi(answer.substr(9, 3));
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// A handler that keeps what it is asked until the test answers.
class Desk {
public:
    void take(admin_web::Request request, HttpRig::Done done) {
        const std::lock_guard lock(mutex_);
        requests_.emplace_back(std::move(request), std::move(done));
        changed_.notify_all();
    }
    std::pair<admin_web::Request, HttpRig::Done> next() {
        std::unique_lock lock(mutex_);
        CPPUNIT_ASSERT_MESSAGE("a request comes", changed_.wait_for(lock, std::chrono::minutes(1), [this] { return !requests_.empty(); }));
        auto first = std::move(requests_.front());
        requests_.erase(requests_.begin());
        return first;
    }
    bool empty() {
        const std::lock_guard lock(mutex_);
        return requests_.empty();
    }
    admin_web::HttpServer::Handler handler() {
        return [this](admin_web::Request request, HttpRig::Done done) { take(std::move(request), std::move(done)); };
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<admin_web::Request, HttpRig::Done>> requests_;
};

}  // namespace

/// HTTP/1.1 as it is on the wire, with everything a client can do wrong.
class HttpServerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpServerTest);
    CPPUNIT_TEST(requests_in_one_packet_are_answered_in_order);
    CPPUNIT_TEST(an_old_client_gets_one_response);
    CPPUNIT_TEST(a_head_response_has_a_length_and_no_body);
    CPPUNIT_TEST(a_body_in_chunks_is_put_together);
    CPPUNIT_TEST(requests_whose_end_is_unclear_are_refused);
    CPPUNIT_TEST(a_trailer_is_no_header);
    CPPUNIT_TEST(what_is_too_large_is_refused_while_it_is_read);
    CPPUNIT_TEST(a_document_may_be_larger);
    CPPUNIT_TEST(large_documents_are_few_at_a_time);
    CPPUNIT_TEST(a_target_may_be_a_whole_address);
    CPPUNIT_TEST(a_client_that_waits_for_permission_gets_it);
    CPPUNIT_TEST(a_client_that_does_not_finish_its_header_is_cut);
    CPPUNIT_TEST(a_client_that_does_not_finish_its_body_is_cut);
    CPPUNIT_TEST(an_answer_that_does_not_come_is_a_504);
    CPPUNIT_TEST(an_answer_to_a_client_that_is_gone_is_dropped);
    CPPUNIT_TEST(a_connection_serves_only_so_many_requests);
    CPPUNIT_TEST(a_ticket_is_held_until_the_connection_ends);
    CPPUNIT_TEST(a_stop_waits_for_the_request_under_way);
    CPPUNIT_TEST(nobody_is_served_after_the_stop);
    CPPUNIT_TEST_SUITE_END();

public:
    void requests_in_one_packet_are_answered_in_order() {
        HttpRig rig(HttpRig::echo);
        const auto answer = rig.connect().exchange("GET /a HTTP/1.1\r\n" + host + "\r\nGET /b HTTP/1.1\r\n" + host + close);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, count_of(answer, "HTTP/1.1 200 OK\r\n"));
        CPPUNIT_ASSERT(answer.find("GET /a ") < answer.find("GET /b "));
    }

    void an_old_client_gets_one_response() {
        HttpRig rig(HttpRig::echo);
        const auto answer = rig.connect().exchange("GET /a HTTP/1.0\r\n" + host + "\r\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, count_of(answer, "200 OK\r\n"));
    }

    void a_head_response_has_a_length_and_no_body() {
        HttpRig rig(HttpRig::echo);
        const auto answer = rig.connect().exchange("HEAD /a HTTP/1.1\r\n" + host + close);
        CPPUNIT_ASSERT(answer.find("Content-Length: 8\r\n") != std::string::npos);
        CPPUNIT_ASSERT(answer.ends_with("\r\n\r\n"));
    }

    void a_body_in_chunks_is_put_together() {
        HttpRig rig(HttpRig::echo);
        const auto answer = rig.connect().exchange("PUT /a HTTP/1.1\r\n" + host + "Connection: close\r\n" + chunked +
                                                   "\r\n2\r\n{\"\r\n3\r\na\":\r\n0\r\n\r\n");
        CPPUNIT_ASSERT_MESSAGE(answer, answer.ends_with("PUT /a {\"a\":"));
    }

    void requests_whose_end_is_unclear_are_refused() {
        // Each is followed by a request that a proxy might have taken for its body.
        const std::string hidden = "GET /hidden HTTP/1.1\r\n" + host + close;
        const std::string length = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
        const std::vector<std::pair<std::string, int>> cases{
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n" + length + "\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: \x0b" + "chunked\r\n" + length + "\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
            {"PUT /a HTTP/1.1\r\n" + host + chunked + length + "\r\n0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + length + chunked + "\r\n0\r\n\r\n", 400},
            {"PUT /a HTTP/1.0\r\n" + host + chunked + "\r\n0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length: 0\r\n" + length + "\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length: 0, 0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length: +0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length : 0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + chunked + "\r\n0x1\r\na\r\n0\r\n\r\n", 400},
            {"PUT /a HTTP/1.1\r\n" + host + "Expect: the unexpected\r\nContent-Length: 0\r\n\r\n", 417},
        };
        for (const auto& [request, expected] : cases) {
            Desk desk;
            HttpRig rig(desk.handler());
            const auto answer = rig.connect().exchange(request + hidden);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(request, expected, status_of(answer));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(request, std::size_t{1}, count_of(answer, "HTTP/1.1 "));
            CPPUNIT_ASSERT_MESSAGE(request, answer.find("Connection: close\r\n") != std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(request, desk.empty());
        }
    }

    void a_trailer_is_no_header() {
        Desk desk;
        HttpRig rig(desk.handler());
        auto client = rig.connect();
        client.send("PUT /a HTTP/1.1\r\n" + host + chunked + "\r\n1\r\na\r\n0\r\nAuthorization: Basic YTpi\r\nHost: other\r\n\r\n");
        const auto [request, done] = desk.next();
        CPPUNIT_ASSERT_EQUAL(std::string("a"), request.body);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, request.count("authorization"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, request.count("host"));
    }

    void what_is_too_large_is_refused_while_it_is_read() {
        const std::string header = "X: " + std::string(9000, 'y') + "\r\n";
        const std::string chunk = "1000\r\n" + std::string(4096, ' ') + "\r\n";
        std::string chunks;
        for (int index = 0; index < 20; ++index) chunks += chunk;
        const std::vector<std::pair<std::string, int>> cases{
            {"GET /a HTTP/1.1\r\n" + host + header, 431},
            {"GET /" + std::string(9000, 'a'), 431},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length: 65537\r\n\r\n", 413},
            {"PUT /a HTTP/1.1\r\n" + host + "Content-Length: 18446744073709551615\r\n\r\n", 413},
            {"PUT /a HTTP/1.1\r\n" + host + chunked + "\r\n" + chunks, 413},
            {"PUT /a HTTP/1.1\r\n" + host + chunked + "\r\nffffffffffffffff\r\n", 413},
        };
        for (const auto& [request, expected] : cases) {
            HttpRig rig(HttpRig::echo);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(request.substr(0, 200), expected, status_of(rig.connect().exchange(request)));
        }
    }

    void a_document_may_be_larger() {
        const std::string post = "POST /api/v1/configuration/apply?dryRun=true HTTP/1.1\r\n" + host;
        const std::string body(100000, 'x');
        HttpRig rig(HttpRig::echo);
        const auto answer = rig.connect().exchange(post + "Content-Length: 100000\r\n" + close + body);
        CPPUNIT_ASSERT_EQUAL(200, status_of(answer));
        CPPUNIT_ASSERT(answer.ends_with(body));
        const auto in_chunks = rig.connect().exchange(post + chunked + close + "186a0\r\n" + body + "\r\n0\r\n\r\n");
        CPPUNIT_ASSERT(in_chunks.ends_with(body));
        CPPUNIT_ASSERT_EQUAL(413, status_of(rig.connect().exchange(post + "Content-Length: 4194305\r\n" + close)));
        CPPUNIT_ASSERT_EQUAL(413, status_of(rig.connect().exchange(post + chunked + close + "400001\r\n")));
    }

    void large_documents_are_few_at_a_time() {
        const std::string post = "POST /api/v1/configuration/diff HTTP/1.1\r\n" + host;
        HttpRig rig(HttpRig::echo);
        std::vector<HttpRig::Client> clients;
        for (int each = 0; each < admin_web::http_limits::documents_at_once; ++each) {
            clients.push_back(rig.connect());
            clients.back().send(post + "Content-Length: 100000\r\nExpect: 100-continue\r\n" + close);
            clients.back().read_until("100 Continue\r\n\r\n");
        }
        CPPUNIT_ASSERT_EQUAL(503, status_of(rig.connect().exchange(post + "Content-Length: 100000\r\n" + close)));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("small ones go on", 200,
                                     status_of(rig.connect().exchange(post + "Content-Length: 2\r\n" + close + "{}")));
        CPPUNIT_ASSERT_EQUAL(200, status_of(clients.back().exchange(std::string(100000, 'x'))));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(
            "there is room again", 200,
            status_of(rig.connect().exchange(post + "Content-Length: 100000\r\n" + close + std::string(100000, 'x'))));
    }

    void a_target_may_be_a_whole_address() {
        HttpRig rig(HttpRig::echo);
        const auto get = [&](const std::string& target) {
            return rig.connect().exchange("GET " + target + " HTTP/1.1\r\n" + host + close);
        };
        CPPUNIT_ASSERT(get("http://localhost/a?b=c").ends_with("GET /a?b=c "));
        CPPUNIT_ASSERT(get("HTTP://LOCALHOST").ends_with("GET / "));
        CPPUNIT_ASSERT(get("https://localhost?b").ends_with("GET /?b "));
        CPPUNIT_ASSERT_MESSAGE("another host is not this one", get("http://other/a").ends_with("GET http://other/a "));
        CPPUNIT_ASSERT(get("ftp://localhost/a").ends_with("GET ftp://localhost/a "));
        CPPUNIT_ASSERT(get("/a?to=http://localhost/b").ends_with("GET /a?to=http://localhost/b "));
    }

    void a_client_that_waits_for_permission_gets_it() {
        HttpRig rig(HttpRig::echo);
        auto client = rig.connect();
        client.send("PUT /a HTTP/1.1\r\n" + host + "Content-Length: 2\r\nExpect: 100-Continue\r\n" + close);
        CPPUNIT_ASSERT_EQUAL(std::string("HTTP/1.1 100 Continue\r\n\r\n"), client.read_until("\r\n\r\n"));
        CPPUNIT_ASSERT(client.exchange("{}").ends_with("PUT /a {}"));
    }

    void a_client_that_does_not_finish_its_header_is_cut() {
        auto settings = HttpRig::patient();
        settings.header_timeout = settings.linger_timeout = std::chrono::milliseconds(20);
        HttpRig rig(HttpRig::echo, settings);
        CPPUNIT_ASSERT_EQUAL(std::string(), rig.connect().exchange("GET /a HTTP/1.1\r\nHo"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nor one that says nothing", std::string(), rig.connect().read_all());
    }

    void a_client_that_does_not_finish_its_body_is_cut() {
        auto settings = HttpRig::patient();
        settings.body_timeout = settings.linger_timeout = std::chrono::milliseconds(20);
        HttpRig rig(HttpRig::echo, settings);
        CPPUNIT_ASSERT_EQUAL(std::string(), rig.connect().exchange("PUT /a HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{"));
    }

    void an_answer_that_does_not_come_is_a_504() {
        auto settings = HttpRig::patient();
        settings.answer_timeout = std::chrono::milliseconds(20);
        Desk desk;
        HttpRig rig(desk.handler(), settings);
        auto client = rig.connect();
        client.send("GET /a HTTP/1.1\r\n" + host + close);
        auto [request, done] = desk.next();
        CPPUNIT_ASSERT_EQUAL(504, status_of(client.read_all()));
        done({});
    }

    void an_answer_to_a_client_that_is_gone_is_dropped() {
        Desk desk;
        HttpRig rig(desk.handler());
        {
            auto client = rig.connect();
            client.send("GET /a HTTP/1.1\r\n" + host + "\r\n");
            auto [request, done] = desk.next();
            client.socket().close();
            done({});
        }
        CPPUNIT_ASSERT(rig.server.wait_until_answered(std::chrono::minutes(1)));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("others are served", 200, status_of_next(rig, desk));
    }

    void a_connection_serves_only_so_many_requests() {
        auto settings = HttpRig::patient();
        settings.requests_per_connection_max = 2;
        HttpRig rig(HttpRig::echo, settings);
        std::string requests;
        for (int index = 0; index < 3; ++index) requests += "GET /a HTTP/1.1\r\n" + host + "\r\n";
        const auto answer = rig.connect().exchange(requests);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, count_of(answer, "HTTP/1.1 200 OK\r\n"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, count_of(answer, "Connection: close\r\n"));
    }

    void a_ticket_is_held_until_the_connection_ends() {
        HttpRig rig(HttpRig::echo);
        std::promise<void> released;
        auto client = rig.connect({}, std::shared_ptr<const void>(&released, [&](const void*) { released.set_value(); }));
        auto future = released.get_future();
        client.send("GET /a HTTP/1.1\r\n" + host + "\r\n");
        client.read_until("GET /a ");
        CPPUNIT_ASSERT(future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
        client.socket().close();
        CPPUNIT_ASSERT(future.wait_for(std::chrono::minutes(1)) == std::future_status::ready);
    }

    void a_stop_waits_for_the_request_under_way() {
        Desk desk;
        HttpRig rig(desk.handler());
        auto client = rig.connect();
        client.send("GET /a HTTP/1.1\r\n" + host + "\r\n");
        auto [request, done] = desk.next();
        rig.server.stop();
        CPPUNIT_ASSERT(!rig.server.wait_until_answered(std::chrono::milliseconds(1)));
        done({});
        CPPUNIT_ASSERT(rig.server.wait_until_answered(std::chrono::minutes(1)));
        const auto answer = client.read_all();
        CPPUNIT_ASSERT_EQUAL(200, status_of(answer));
        CPPUNIT_ASSERT(answer.find("Connection: close\r\n") != std::string::npos);
    }

    void nobody_is_served_after_the_stop() {
        HttpRig rig(HttpRig::echo);
        rig.server.stop();
        CPPUNIT_ASSERT_EQUAL(std::string(), rig.connect().read_all());
        CPPUNIT_ASSERT(rig.server.wait_until_answered(std::chrono::milliseconds(1)));
    }

private:
    static int status_of_next(HttpRig& rig, Desk& desk) {
        auto client = rig.connect();
        client.send("GET /b HTTP/1.1\r\n" + host + close);
        desk.next().second({});
        return status_of(client.read_all());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HttpServerTest);

}  // namespace giromq::test
