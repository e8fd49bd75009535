#include <condition_variable>
#include <deque>
#include <mutex>

#include "admin-web/socket_peer.hpp"
#include "unit/admin_web/http_rig.hpp"

namespace giromq::test {
namespace {

/// A broker's side of a socket that does what the test says.
class ScriptedPeer final : public admin_web::SocketPeer {
public:
    void attach(UniqueFunction<void()> wake) override {
        with_lock([&] { wake_ = std::move(wake); });
    }
    std::shared_ptr<const std::string> take() override {
        const std::lock_guard lock(mutex_);
        if (texts_.empty()) return nullptr;
        auto text = std::make_shared<const std::string>(std::move(texts_.front()));
        texts_.pop_front();
        return text;
    }
    std::optional<admin_web::SocketEnd> end() const override {
        const std::lock_guard lock(mutex_);
        return end_;
    }
    void receive(std::string text) override {
        with_lock([&] { received_.push_back(std::move(text)); });
    }
    void closed() override {
        with_lock([&] { is_closed_ = true; });
    }

    void push(std::string text) {
        with_lock([&] {
            texts_.push_back(std::move(text));
            if (wake_) wake_();
        });
    }
    void finish(admin_web::SocketEnd why) {
        with_lock([&] {
            end_ = std::move(why);
            if (wake_) wake_();
        });
    }
    std::string received() {
        std::unique_lock lock(mutex_);
        CPPUNIT_ASSERT(changed_.wait_for(lock, std::chrono::minutes(1), [this] { return !received_.empty(); }));
        auto text = std::move(received_.front());
        received_.pop_front();
        return text;
    }
    void wait_until_closed() {
        std::unique_lock lock(mutex_);
        CPPUNIT_ASSERT(changed_.wait_for(lock, std::chrono::minutes(1), [this] { return is_closed_; }));
    }

private:
    template <typename Change>
    void with_lock(Change change) {
        const std::lock_guard lock(mutex_);
        change();
        changed_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    UniqueFunction<void()> wake_;
    std::deque<std::string> texts_;
    std::deque<std::string> received_;
    std::optional<admin_web::SocketEnd> end_;
    bool is_closed_ = false;
};

constexpr unsigned char text_frame = 0x81;
constexpr unsigned char close_frame = 0x88;
constexpr unsigned char ping_frame = 0x89;

/// A frame of a client, masked as RFC 6455 §5.3 wants it.
std::string frame(unsigned char first, const std::string& payload, bool masked = true) {
    const unsigned char mask_bit = masked ? 0x80 : 0;
    std::string bytes(1, static_cast<char>(first));
    if (payload.size() < 126) {
        bytes += static_cast<char>(mask_bit | payload.size());
    } else {
        bytes += static_cast<char>(mask_bit | 126);
        bytes += static_cast<char>(payload.size() >> 8);
        bytes += static_cast<char>(payload.size() & 255);
    }
    const std::string mask("\x11\x22\x33\x44", 4);
    if (masked) bytes += mask;
    for (std::size_t index = 0; index < payload.size(); ++index) {
        bytes += masked ? static_cast<char>(payload[index] ^ mask[index % 4]) : payload[index];
    }
    return bytes;
}

}  // namespace

/// WebSockets on the wire.
class WebSocketTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(WebSocketTest);
    CPPUNIT_TEST(a_socket_carries_texts_both_ways);
    CPPUNIT_TEST(what_was_pushed_before_the_handshake_is_sent_after_it);
    CPPUNIT_TEST(pings_are_answered);
    CPPUNIT_TEST(an_end_has_its_code_and_reason);
    CPPUNIT_TEST(who_does_not_read_is_cut);
    CPPUNIT_TEST(unmasked_frames_end_the_socket);
    CPPUNIT_TEST(long_texts_end_the_socket);
    CPPUNIT_TEST(wrong_frames_end_the_socket);
    CPPUNIT_TEST(a_client_that_goes_is_noticed);
    CPPUNIT_TEST(a_client_that_speaks_before_the_handshake_is_refused);
    CPPUNIT_TEST(an_open_socket_does_not_hold_up_the_stop);
    CPPUNIT_TEST_SUITE_END();

    struct Fixture {
        std::shared_ptr<ScriptedPeer> peer = std::make_shared<ScriptedPeer>();
        HttpRig rig{[this](const admin_web::Request&, HttpRig::Done done) {
            admin_web::Response response;
            response.socket = peer;
            done(std::move(response));
        }};
        HttpRig::Client client = rig.connect();

        static std::string request() {
            return "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        }
        std::string open() {
            client.send(request());
            return client.read_until("\r\n\r\n");
        }
        /// The payload of the next frame, which must begin with `first` and be short.
        std::string read_frame(unsigned char first) {
            const auto head = client.read_count(2);
            CPPUNIT_ASSERT_EQUAL(static_cast<int>(first), static_cast<int>(static_cast<unsigned char>(head[0])));
            return client.read_count(static_cast<unsigned char>(head[1]));
        }
    };

    static void assert_ended(Fixture& fixture, std::uint16_t code) {
        const auto payload = fixture.read_frame(close_frame);
        CPPUNIT_ASSERT(payload.size() >= 2);
        const auto found = static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
        CPPUNIT_ASSERT_EQUAL(static_cast<int>(code), found);
    }

public:
    void a_socket_carries_texts_both_ways() {
        Fixture fixture;
        const auto answer = fixture.open();
        CPPUNIT_ASSERT_MESSAGE(answer, answer.starts_with("HTTP/1.1 101"));
        CPPUNIT_ASSERT_MESSAGE("the example of RFC 6455 §1.3", answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
        fixture.peer->push("one");
        fixture.peer->push("two");
        CPPUNIT_ASSERT_EQUAL(std::string("one"), fixture.read_frame(text_frame));
        CPPUNIT_ASSERT_EQUAL(std::string("two"), fixture.read_frame(text_frame));
        fixture.client.send(frame(text_frame, "three"));
        CPPUNIT_ASSERT_EQUAL(std::string("three"), fixture.peer->received());
        fixture.client.send(frame(close_frame, ""));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the answer, and then nothing", std::string("\x88\x02\x03\xE8"), fixture.client.read_all());
        fixture.client.socket().close();
        fixture.peer->wait_until_closed();
    }

    void what_was_pushed_before_the_handshake_is_sent_after_it() {
        Fixture fixture;
        fixture.peer->push("early");
        fixture.open();
        CPPUNIT_ASSERT_EQUAL(std::string("early"), fixture.read_frame(text_frame));
    }

    void pings_are_answered() {
        Fixture fixture;
        fixture.open();
        fixture.client.send(frame(ping_frame, "here"));
        CPPUNIT_ASSERT_EQUAL(std::string("here"), fixture.read_frame(0x8A));
    }

    void an_end_has_its_code_and_reason() {
        Fixture fixture;
        fixture.open();
        fixture.peer->finish({1008, "the session has ended"});
        CPPUNIT_ASSERT_EQUAL(std::string("\x03\xF0the session has ended"), fixture.read_frame(close_frame));
        fixture.client.send(frame(close_frame, "\x03\xF0"));
        CPPUNIT_ASSERT_EQUAL(std::string(), fixture.client.read_all());
        fixture.client.socket().close();
        fixture.peer->wait_until_closed();
    }

    void who_does_not_read_is_cut() {
        Fixture fixture;
        fixture.open();
        for (int each = 0; each < 64; ++each) fixture.peer->push(std::string(1 << 20, 'x'));
        fixture.peer->finish({1008, "the client does not read", true});
        fixture.peer->wait_until_closed();
    }

    void unmasked_frames_end_the_socket() {
        Fixture fixture;
        fixture.open();
        fixture.client.send(frame(text_frame, "plain", false));
        assert_ended(fixture, 1002);
        fixture.client.socket().close();
        fixture.peer->wait_until_closed();
    }

    void long_texts_end_the_socket() {
        Fixture fixture;
        fixture.open();
        fixture.client.send(frame(text_frame, std::string(4096, 'a')));
        CPPUNIT_ASSERT_EQUAL(std::size_t{4096}, fixture.peer->received().size());
        fixture.client.send(frame(text_frame, std::string(4097, 'a')));
        assert_ended(fixture, 1009);
        fixture.client.socket().close();
        fixture.peer->wait_until_closed();
    }

    void wrong_frames_end_the_socket() {
        // A reserved opcode, a continuation of nothing, a fragmented ping, reserved bits, no UTF-8.
        for (const auto& [bytes, code] :
             {std::pair{frame(0x83, "a"), 1002}, std::pair{frame(0x80, "a"), 1002}, std::pair{frame(0x09, "a"), 1002},
              std::pair{frame(0xC1, "a"), 1002}, std::pair{frame(text_frame, "\xC3\x28"), 1007}}) {
            Fixture fixture;
            fixture.open();
            fixture.client.send(bytes);
            assert_ended(fixture, static_cast<std::uint16_t>(code));
            fixture.client.socket().close();
            fixture.peer->wait_until_closed();
        }
    }

    void a_client_that_goes_is_noticed() {
        Fixture fixture;
        fixture.open();
        fixture.client.socket().close();
        fixture.peer->wait_until_closed();
    }

    void a_client_that_speaks_before_the_handshake_is_refused() {
        Fixture fixture;
        fixture.client.send(Fixture::request() + frame(text_frame, "early"));
        CPPUNIT_ASSERT_EQUAL(std::string(), fixture.client.read_all());
        fixture.peer->wait_until_closed();
    }

    void an_open_socket_does_not_hold_up_the_stop() {
        Fixture fixture;
        fixture.open();
        fixture.rig.server.stop();
        CPPUNIT_ASSERT(fixture.rig.server.wait_until_answered(std::chrono::minutes(1)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebSocketTest);

}  // namespace giromq::test
