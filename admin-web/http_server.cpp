#include "admin-web/http_server.hpp"

#include <openssl/ssl.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "admin-web/beast_messages.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/web_socket.hpp"
#include "base/log.hpp"

namespace giromq::admin_web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

struct HttpServer::Shared {
    Shared(Handler the_handler, HttpServerSettings the_settings) : handler(std::move(the_handler)), settings(the_settings) {}

    const Handler handler;
    const HttpServerSettings settings;
    std::atomic<bool> stopping{false};
    std::atomic<int> large_bodies{0};

    // Requests that are read and whose responses are not written yet.
    std::mutex mutex;
    std::condition_variable answered;
    std::size_t under_way = 0;
};

namespace {

/// What a coroutine of a connection works with; it lives as long as the coroutine. Everything runs on the stream's strand.
template <typename Stream>
struct Session {
    Session(std::shared_ptr<HttpServer::Shared> the_shared, Stream the_stream, HttpPeer the_peer, std::shared_ptr<const void> the_ticket)
        : shared(std::move(the_shared)), stream(std::move(the_stream)), peer(std::move(the_peer)), ticket(std::move(the_ticket)) {}

    PlainStream& socket() { return beast::get_lowest_layer(stream); }

    std::shared_ptr<HttpServer::Shared> shared;
    Stream stream;
    HttpPeer peer;
    std::shared_ptr<const void> ticket;
    beast::flat_buffer buffer{http_limits::header_bytes + http_limits::body_bytes};
    std::optional<http::request_parser<http::string_body>> parser;  // of the request that is being read
    std::shared_ptr<const void> large_body;                         // held while that request is answered
};

template <typename Stream>
using SessionPointer = std::shared_ptr<Session<Stream>>;

/// Counts a request from when it is read until its response is written or lost.
class UnderWay {
public:
    explicit UnderWay(std::shared_ptr<HttpServer::Shared> shared) : shared_(std::move(shared)) {
        const std::lock_guard lock(shared_->mutex);
        ++shared_->under_way;
    }
    ~UnderWay() {
        const std::lock_guard lock(shared_->mutex);
        if (--shared_->under_way == 0) shared_->answered.notify_all();
    }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

private:
    std::shared_ptr<HttpServer::Shared> shared_;
};

/// One of the few large bodies that there may be at a time.
class LargeBody {
public:
    static std::shared_ptr<const LargeBody> admit(const std::shared_ptr<HttpServer::Shared>& shared) {
        if (shared->large_bodies.fetch_add(1) < http_limits::documents_at_once) return std::make_shared<const LargeBody>(shared);
        --shared->large_bodies;
        return nullptr;
    }
    explicit LargeBody(std::shared_ptr<HttpServer::Shared> shared) : shared_(std::move(shared)) {}
    ~LargeBody() { --shared_->large_bodies; }
    LargeBody(const LargeBody&) = delete;
    LargeBody& operator=(const LargeBody&) = delete;

private:
    std::shared_ptr<HttpServer::Shared> shared_;
};

/// A response that is being waited for. Made for each request, so that an answer that comes too late meets nobody.
struct Pending {
    explicit Pending(const asio::any_io_executor& executor) : answered(executor) {}

    asio::steady_timer answered;  // cancelled when `response` is there
    std::optional<Response> response;
};

/// Lets the handler work, which may take time and end on any thread.
asio::awaitable<Response> answer(std::shared_ptr<HttpServer::Shared> shared, asio::any_io_executor strand, Request request) {
    auto pending = std::make_shared<Pending>(strand);
    pending->answered.expires_after(shared->settings.answer_timeout);
    auto done = [waiting = std::weak_ptr<Pending>(pending), strand](Response response) {
        asio::post(strand, [waiting, response = std::move(response)]() mutable {
            const auto still_there = waiting.lock();
            if (!still_there) return;
            still_there->response = std::move(response);
            still_there->answered.cancel();
        });
    };
    shared->handler(std::move(request), std::move(done));
    co_await pending->answered.async_wait(as_tuple);
    if (pending->response) co_return std::move(*pending->response);
    co_return problem(504, "timeout", "the broker has not answered in time", {});
}

template <typename Stream>
asio::awaitable<bool> write(SessionPointer<Stream> session, BeastResponse message) {
    session->socket().expires_after(session->shared->settings.write_timeout);
    auto [error, bytes] = co_await http::async_write(session->stream, message, as_tuple);
    co_return !error && message.keep_alive();
}

/// The response to a request that was not read to its end: the connection ends with it.
template <typename Stream>
asio::awaitable<void> refuse(SessionPointer<Stream> session, Response refusal) {
    auto last = to_beast(std::move(refusal), 11, false, false, session->peer.is_encrypted);
    co_await write(session, std::move(last));
}

/// Reads a body into session->parser, after the header; a client that waits for permission gets it.
template <typename Stream>
asio::awaitable<beast::error_code> read_body(SessionPointer<Stream> session) {
    const auto& settings = session->shared->settings;
    auto& parser = *session->parser;
    if (parser.is_done()) co_return beast::error_code();
    if (expects_continue(parser.get())) {
        BeastResponse go_on(http::status::continue_, parser.get().version());
        session->socket().expires_after(settings.write_timeout);
        auto [error, bytes] = co_await http::async_write(session->stream, go_on, as_tuple);
        if (error) co_return error;
    }
    session->socket().expires_after(settings.body_timeout);
    auto [error, bytes] = co_await http::async_read(session->stream, session->buffer, parser, as_tuple);
    co_return error;
}

/// Bounds the body before it is read: by its declared length, or else as it comes. Large ones are few at a time, since nobody knows yet who
/// has sent them.
template <typename Stream>
std::optional<Response> admit_body(Session<Stream>& session, std::size_t bytes_max) {
    auto& parser = *session.parser;
    const auto declared = parser.content_length();
    if (declared && *declared > bytes_max) return answer_to(http::make_error_code(http::error::body_limit), bytes_max);
    parser.body_limit(bytes_max);
    const bool may_be_large = parser.chunked() || (declared && *declared > http_limits::body_bytes);
    if (bytes_max <= http_limits::body_bytes || !may_be_large) return std::nullopt;
    session.large_body = LargeBody::admit(session.shared);
    if (session.large_body) return std::nullopt;
    return problem(503, "busy", "too many documents at once", "try again later");
}

/// Reads a request; nothing if the connection is over, perhaps after a refusal.
template <typename Stream>
asio::awaitable<std::optional<Request>> read_request(SessionPointer<Stream> session) {
    auto& parser = session->parser.emplace();
    parser.header_limit(http_limits::header_bytes);
    parser.body_limit(boost::none);  // what it is depends on the header
    session->large_body.reset();
    session->socket().expires_after(session->shared->settings.header_timeout);
    auto [error, bytes] = co_await http::async_read_header(session->stream, session->buffer, parser, as_tuple);
    std::optional<Response> refusal;
    std::optional<Request> request;
    std::size_t body_bytes_max = http_limits::body_bytes;
    if (!error) {
        request = to_request(parser.get(), session->peer);
        refusal = refuse_framing(parser.get());
        if (takes_document(request->target)) body_bytes_max = http_limits::document_bytes;
        if (!refusal) refusal = admit_body(*session, body_bytes_max);
    }
    if (!error && !refusal) {
        const auto body_error = co_await read_body(session);
        error = body_error;
    }
    session->socket().expires_never();
    if (error) refusal = answer_to(error, body_bytes_max);
    if (refusal) {
        co_await refuse(session, std::move(*refusal));
    }
    if (error || refusal) co_return std::nullopt;
    request->body = std::move(parser.get().body());
    co_return request;
}

/// The request was for a WebSocket, which is not under way as a request is: it ends when its peer says so.
template <typename Stream>
asio::awaitable<void> upgrade(SessionPointer<Stream> session, std::shared_ptr<SocketPeer> peer) {
    // A client does not speak before the handshake is answered (RFC 6455 §4.1).
    if (session->buffer.size() > 0) {
        peer->closed();
        co_return;
    }
    auto request = session->parser->release();
    co_await converse(&session->stream, session, std::move(request), std::move(peer));
}

/// One request and its response; false when the connection is to be closed. `socket` is set if it becomes a WebSocket.
template <typename Stream>
asio::awaitable<bool> exchange(SessionPointer<Stream> session, bool may_keep_alive, std::shared_ptr<SocketPeer>* socket) {
    auto request = co_await read_request(session);
    if (!request) co_return false;
    const UnderWay under_way(session->shared);
    const bool is_head = request->method == "HEAD";
    const unsigned version = session->parser->get().version();
    const bool wants_more = session->parser->get().keep_alive();
    auto response = co_await answer(session->shared, session->stream.get_executor(), std::move(*request));
    *socket = std::move(response.socket);
    if (*socket) co_return false;
    const bool keep_alive = wants_more && may_keep_alive && !session->shared->stopping;
    const auto held = std::move(response.held);
    auto reply = to_beast(std::move(response), version, keep_alive, is_head, session->peer.is_encrypted);
    const bool goes_on = co_await write(session, std::move(reply));
    session->large_body.reset();
    co_return goes_on;
}

template <typename Stream>
asio::awaitable<void> exchanges(SessionPointer<Stream> session) {
    std::shared_ptr<SocketPeer> socket;
    for (std::size_t left = session->shared->settings.requests_per_connection_max; left > 0 && !session->shared->stopping; --left) {
        if (!co_await exchange(session, left > 1, &socket)) break;
    }
    if (socket) co_await upgrade(session, std::move(socket));
}

/// Half-closes, and reads what the client still sends, so that the response is not lost to a reset.
asio::awaitable<void> finish(std::shared_ptr<Session<PlainStream>> session) {
    beast::error_code ignored;
    session->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    session->stream.expires_after(session->shared->settings.linger_timeout);
    char rest[4096];
    const auto buffer = asio::buffer(rest);
    for (int reads = 0; reads < 64; ++reads) {
        auto [error, bytes] = co_await session->stream.async_read_some(buffer, as_tuple);
        if (error) break;
    }
}

asio::awaitable<void> serve_plain(std::shared_ptr<Session<PlainStream>> session) {
    co_await exchanges(session);
    co_await finish(session);
}

asio::awaitable<void> serve_tls(std::shared_ptr<Session<TlsStream>> session) {
    session->socket().expires_after(session->shared->settings.handshake_timeout);
    auto [error] = co_await session->stream.async_handshake(asio::ssl::stream_base::server, as_tuple);
    if (error) {
        log::debug("tls_handshake_failed", {{"peer", session->peer.address}, {"reason", error.message()}});
        co_return;
    }
    co_await exchanges(session);
    session->socket().expires_after(session->shared->settings.linger_timeout);
    auto [end_error] = co_await session->stream.async_shutdown(as_tuple);
    static_cast<void>(end_error);
}

void report(std::exception_ptr failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
        log::error("http_session_failed", {{"reason", exception.what()}});
    }
}

}  // namespace

HttpServer::HttpServer(Handler handler, HttpServerSettings settings) : shared_(std::make_shared<Shared>(std::move(handler), settings)) {}
HttpServer::~HttpServer() = default;

void HttpServer::serve(tcp::socket socket, HttpPeer peer, std::shared_ptr<SSL_CTX> tls, std::shared_ptr<const void> ticket) {
    if (shared_->stopping) return;
    boost::system::error_code error;
    socket.set_option(tcp::no_delay(true), error);
    // The socket comes with the io_context's executor; a session wants a strand.
    const auto protocol = socket.local_endpoint(error).protocol();
    if (error) return;
    const auto strand = asio::make_strand(socket.get_executor());
    const auto handle = socket.release(error);
    if (error) return;
    tcp::socket on_strand(strand);
    on_strand.assign(protocol, handle, error);
    if (error) {
        // Not registered, so not owned either: the kernel has no more room for watching descriptors.
        ::close(handle);
        log::warning("http_connection_refused", {{"peer", peer.address}, {"reason", error.message()}});
        return;
    }
    PlainStream stream(std::move(on_strand));
    if (!tls) {
        auto session = std::make_shared<Session<PlainStream>>(shared_, std::move(stream), std::move(peer), std::move(ticket));
        asio::co_spawn(strand, serve_plain(std::move(session)), report);
        return;
    }
    SSL_CTX_up_ref(tls.get());
    asio::ssl::context context(tls.get());  // takes that reference
    TlsStream tls_stream(std::move(stream), context);
    auto session = std::make_shared<Session<TlsStream>>(shared_, std::move(tls_stream), std::move(peer), std::move(ticket));
    asio::co_spawn(strand, serve_tls(std::move(session)), report);
}

void HttpServer::stop() { shared_->stopping = true; }

bool HttpServer::wait_until_answered(std::chrono::milliseconds timeout) {
    std::unique_lock lock(shared_->mutex);
    return shared_->answered.wait_for(lock, timeout, [this] { return shared_->under_way == 0; });
}

}  // namespace giromq::admin_web
