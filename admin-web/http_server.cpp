#include "admin-web/http_server.hpp"

#include <openssl/ssl.h>

#include <algorithm>
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
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cctype>
#include <ctime>
#include <exception>
#include <optional>
#include <utility>

#include "admin-web/problem.hpp"
#include "base/log.hpp"

namespace giromq::admin_web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using BeastRequest = http::request<http::string_body>;
using BeastResponse = http::response<http::string_body>;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[64];
    // Always in English: the process never sets a locale.
    return std::string(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

std::string lower_case(beast::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
    return result;
}

Request to_request(BeastRequest&& message, const HttpPeer& peer) {
    Request request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message) request.headers.emplace_back(lower_case(field.name_string()), std::string(field.value()));
    request.body = std::move(message.body());
    request.peer = peer;
    return request;
}

BeastResponse to_beast(Response&& response, unsigned version, bool keep_alive, bool is_head, bool is_encrypted) {
    BeastResponse message(static_cast<http::status>(response.status), version);
    message.set(http::field::date, http_date());
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    message.set("Referrer-Policy", "no-referrer");
    message.set("Cross-Origin-Resource-Policy", "same-origin");
    if (is_encrypted) message.set("Strict-Transport-Security", "max-age=31536000");
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    message.keep_alive(keep_alive);
    if (response.status == 204) return message;
    message.set(http::field::content_type, response.content_type);
    message.content_length(response.body.size());
    if (!is_head) message.body() = std::move(response.body);
    return message;
}

/// The response to a message that cannot be read, or nothing if the connection is simply over.
std::optional<Response> answer_to(beast::error_code error) {
    constexpr std::string_view title = "the request is refused";
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return problem(431, "headers_too_large", title, "headers have at most " + std::to_string(http_limits::header_bytes) + " bytes");
    }
    if (error == http::error::body_limit) {
        return problem(413, "too_large", title, "a body has at most " + std::to_string(http_limits::body_bytes) + " bytes");
    }
    if (error == http::error::bad_version) return problem(505, "bad_version", title, "HTTP/1.0 and HTTP/1.1 are spoken here");
    const bool is_over = error == http::error::end_of_stream || error == http::error::partial_message;
    if (error.category() == http::make_error_code(http::error::bad_target).category() && !is_over) {
        return problem(400, "malformed", title, error.message());
    }
    return std::nullopt;
}

}  // namespace

struct HttpServer::Shared {
    Shared(Site& the_site, HttpServerSettings the_settings) : site(the_site), settings(the_settings) {}

    Site& site;
    const HttpServerSettings settings;
    std::atomic<bool> stopping{false};
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
};

template <typename Stream>
using SessionPointer = std::shared_ptr<Session<Stream>>;

/// A response that is being waited for. Made for each request, so that an answer that comes too late meets nobody.
struct Pending {
    explicit Pending(const asio::any_io_executor& executor) : answered(executor) {}

    asio::steady_timer answered;  // cancelled when `response` is there
    std::optional<Response> response;
};

/// Lets the site work, which may take time and end on any thread.
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
    shared->site.handle(std::move(request), std::move(done));
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

/// One request and its response; false when the connection is to be closed.
template <typename Stream>
asio::awaitable<bool> exchange(SessionPointer<Stream> session, bool may_keep_alive) {
    const auto& settings = session->shared->settings;
    http::request_parser<http::string_body> parser;
    parser.header_limit(http_limits::header_bytes);
    parser.body_limit(http_limits::body_bytes);
    session->socket().expires_after(settings.header_timeout);
    auto [error, bytes] = co_await http::async_read_header(session->stream, session->buffer, parser, as_tuple);
    if (!error && beast::iequals(parser.get()[http::field::expect], "100-continue") && !parser.is_done()) {
        BeastResponse go_on(http::status::continue_, parser.get().version());
        session->socket().expires_after(settings.write_timeout);
        auto [write_error, written] = co_await http::async_write(session->stream, go_on, as_tuple);
        error = write_error;
    }
    if (!error && !parser.is_done()) {
        session->socket().expires_after(settings.body_timeout);
        auto [body_error, body_bytes] = co_await http::async_read(session->stream, session->buffer, parser, as_tuple);
        error = body_error;
    }
    session->socket().expires_never();
    if (error) {
        auto refusal = answer_to(error);
        if (!refusal) co_return false;
        auto last = to_beast(std::move(*refusal), 11, false, false, session->peer.is_encrypted);
        co_await write(session, std::move(last));
        co_return false;
    }
    auto message = parser.release();
    const bool is_head = message.method() == http::verb::head;
    const unsigned version = message.version();
    const bool wants_more = message.keep_alive();
    auto request = to_request(std::move(message), session->peer);
    auto response = co_await answer(session->shared, session->stream.get_executor(), std::move(request));
    const bool keep_alive = wants_more && may_keep_alive && !session->shared->stopping;
    auto reply = to_beast(std::move(response), version, keep_alive, is_head, session->peer.is_encrypted);
    co_return co_await write(session, std::move(reply));
}

template <typename Stream>
asio::awaitable<void> exchanges(SessionPointer<Stream> session) {
    for (std::size_t left = session->shared->settings.requests_per_connection_max; left > 0 && !session->shared->stopping; --left) {
        if (!co_await exchange(session, left > 1)) break;
    }
}

/// Half-closes, and reads what the client still sends, so that the response is not lost to a reset.
asio::awaitable<void> finish(std::shared_ptr<Session<PlainStream>> session) {
    beast::error_code ignored;
    session->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    session->stream.expires_after(std::chrono::seconds(2));
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
    session->socket().expires_after(std::chrono::seconds(2));
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

HttpServer::HttpServer(Site& site, HttpServerSettings settings) : shared_(std::make_shared<Shared>(site, settings)) {}
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
    tcp::socket on_strand(strand, protocol, handle);
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

}  // namespace giromq::admin_web
