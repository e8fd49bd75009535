#include "admin-web/web_socket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <utility>

#include "admin-web/events.hpp"
#include "admin-web/header_text.hpp"
#include "base/log.hpp"

namespace giromq::admin_web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds handshake_timeout{10};
/// A ping is sent after half of it; whoever does not answer is gone.
constexpr std::chrono::seconds idle_timeout{60};
constexpr std::size_t key_length = 24;  // 16 bytes in Base64

/// What the two coroutines of a socket, and what wakes them, share.
template <typename Stream>
struct Conversation {
    Conversation(Stream& stream, std::shared_ptr<void> the_owner, std::shared_ptr<SocketPeer> the_peer)
        : owner(std::move(the_owner)), socket(stream), woken(stream.get_executor()), peer(std::move(the_peer)) {}

    /// The connection goes without a word: who does not read would not read that either.
    void cut() {
        is_over = true;
        beast::get_lowest_layer(socket).close();
        woken.cancel();
    }

    std::shared_ptr<void> owner;
    websocket::stream<Stream&> socket;
    asio::steady_timer woken;
    std::shared_ptr<SocketPeer> peer;
    bool is_over = false;
};

template <typename Stream>
using ConversationPointer = std::shared_ptr<Conversation<Stream>>;

template <typename Stream>
void prepare(Conversation<Stream>& conversation) {
    // The stream of WebSockets has timeouts of its own.
    beast::get_lowest_layer(conversation.socket).expires_never();
    websocket::stream_base::timeout timeout;
    timeout.handshake_timeout = handshake_timeout;
    timeout.idle_timeout = idle_timeout;
    timeout.keep_alive_pings = true;
    conversation.socket.set_option(timeout);
    const auto name = [](websocket::response_type& response) {
        response.set(http::field::server, "GiroMQ");
        response.set(http::field::cache_control, "no-store");
    };
    conversation.socket.set_option(websocket::stream_base::decorator(name));
    conversation.socket.read_message_max(event_limits::text_bytes);
    conversation.socket.text(true);
    conversation.socket.auto_fragment(false);
}

/// From any thread: on the strand, lets the writer look again. It keeps nothing of the server alive, since whoever holds it may outlive the
/// server; and what it finds alive it hands to the strand, so that a conversation never ends on another thread.
template <typename Stream>
UniqueFunction<void()> waker(const ConversationPointer<Stream>& conversation) {
    return [weak = std::weak_ptr<Conversation<Stream>>(conversation)] {
        auto there = weak.lock();
        if (!there) return;
        const auto strand = there->woken.get_executor();
        asio::post(strand, [there = std::move(there)] {
            const auto end = there->peer->end();
            if (end && end->at_once) return there->cut();
            there->woken.cancel();
        });
    };
}

template <typename Stream>
asio::awaitable<void> write_texts(ConversationPointer<Stream> conversation) {
    while (!conversation->is_over) {
        if (const auto end = conversation->peer->end()) {
            const websocket::close_reason reason(static_cast<websocket::close_code>(end->code), end->reason);
            auto [ignored] = co_await conversation->socket.async_close(reason, as_tuple);
            static_cast<void>(ignored);
            conversation->cut();
            co_return;
        }
        const auto text = conversation->peer->take();
        if (!text) {
            conversation->woken.expires_at(asio::steady_timer::time_point::max());
            auto [ignored] = co_await conversation->woken.async_wait(as_tuple);
            static_cast<void>(ignored);
            continue;
        }
        const auto bytes = asio::buffer(*text);
        auto [error, written] = co_await conversation->socket.async_write(bytes, as_tuple);
        if (error) conversation->cut();
    }
}

template <typename Stream>
asio::awaitable<void> read_texts(ConversationPointer<Stream> conversation) {
    beast::flat_buffer buffer;
    for (;;) {
        auto [error, bytes] = co_await conversation->socket.async_read(buffer, as_tuple);
        if (error) break;
        // A text is all that is understood here; what is in a binary message is not looked at.
        conversation->peer->receive(conversation->socket.got_text() ? beast::buffers_to_string(buffer.data()) : std::string());
        buffer.consume(buffer.size());
    }
    conversation->cut();
}

template <typename Stream>
asio::awaitable<void> converse_over(Stream* stream, std::shared_ptr<void> owner, BeastRequest request, std::shared_ptr<SocketPeer> peer) {
    auto conversation = std::make_shared<Conversation<Stream>>(*stream, std::move(owner), std::move(peer));
    prepare(*conversation);
    auto [error] = co_await conversation->socket.async_accept(request, as_tuple);
    if (!error) {
        conversation->peer->attach(waker(conversation));
        asio::co_spawn(conversation->woken.get_executor(), write_texts(conversation), asio::detached);
        co_await read_texts(conversation);
    } else {
        log::debug("web_socket_refused", {{"reason", error.message()}});
    }
    conversation->peer->closed();
}

}  // namespace

bool asks_for_web_socket(const Request& request) {
    const auto once = [&](std::string_view name) { return request.count(name) == 1; };
    return request.method == "GET" && lists_word(request.header("connection"), "upgrade") &&
           lists_word(request.header("upgrade"), "websocket") && once("sec-websocket-key") &&
           request.header("sec-websocket-key").size() == key_length && once("sec-websocket-version") &&
           request.header("sec-websocket-version") == "13";
}

asio::awaitable<void> converse(beast::tcp_stream* stream, std::shared_ptr<void> owner, BeastRequest request,
                               std::shared_ptr<SocketPeer> peer) {
    return converse_over(stream, std::move(owner), std::move(request), std::move(peer));
}

asio::awaitable<void> converse(beast::ssl_stream<beast::tcp_stream>* stream, std::shared_ptr<void> owner, BeastRequest request,
                               std::shared_ptr<SocketPeer> peer) {
    return converse_over(stream, std::move(owner), std::move(request), std::move(peer));
}

}  // namespace giromq::admin_web
