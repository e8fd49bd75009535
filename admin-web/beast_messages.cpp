#include "admin-web/beast_messages.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>
#include <cctype>
#include <ctime>
#include <utility>

#include "admin-web/problem.hpp"

namespace giromq::admin_web {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

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

/// RFC 9112 §3.2.2: a target may be a whole address, as proxies are sent it. It has to name the same host as the Host header: a proxy
/// before this server might go by the other one.
void to_origin_form(Request& request) {
    const auto scheme_end = request.target.find("://");
    if (scheme_end == std::string::npos || request.target.front() == '/') return;
    const auto scheme = lower_case(beast::string_view(request.target.data(), scheme_end));
    const auto path_begin = request.target.find_first_of("/?", scheme_end + 3);
    const auto authority =
        request.target.substr(scheme_end + 3, path_begin == std::string::npos ? path_begin : path_begin - scheme_end - 3);
    const auto host = request.header("host");
    if ((scheme != "http" && scheme != "https") || !beast::iequals(authority, beast::string_view(host.data(), host.size()))) return;
    auto path = path_begin == std::string::npos ? std::string() : request.target.substr(path_begin);
    request.target = path.starts_with('/') ? std::move(path) : "/" + path;
}

}  // namespace

Request to_request(const BeastRequest& message, const HttpPeer& peer) {
    Request request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message) request.headers.emplace_back(lower_case(field.name_string()), std::string(field.value()));
    request.peer = peer;
    to_origin_form(request);
    return request;
}

std::optional<Response> refuse_framing(const BeastRequest& message) {
    constexpr std::string_view title = "the request is refused";
    const auto encodings = message.count(http::field::transfer_encoding);
    if (encodings > 0 && (message.version() < 11 || message.count(http::field::content_length) > 0)) {
        return problem(400, "malformed", title, "it is not clear where the body ends");
    }
    if (encodings > 1 || (encodings == 1 && !beast::iequals(message[http::field::transfer_encoding], "chunked"))) {
        return problem(501, "unknown_encoding", title, "the only transfer encoding spoken here is chunked");
    }
    const auto length = message[http::field::content_length];
    if (message.count(http::field::content_length) > 1 || length.find(',') != beast::string_view::npos) {
        return problem(400, "malformed", title, "a body has one length");
    }
    if (message.count(http::field::expect) > 0 && !expects_continue(message)) {
        return problem(417, "unknown_expectation", title, "the only expectation that is met here is 100-continue");
    }
    return std::nullopt;
}

bool expects_continue(const BeastRequest& message) {
    // RFC 9110 §10.1.1: an HTTP/1.0 client does not know the answer.
    return message.version() >= 11 && beast::iequals(message[http::field::expect], "100-continue");
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
    // What the response says itself goes before what holds for most; other headers may be there more than once.
    for (const auto& [name, value] : response.headers) {
        if (name == "Cache-Control" || name == "Content-Security-Policy") message.erase(name);
        message.insert(name, value);
    }
    message.keep_alive(keep_alive);
    // RFC 9110 §8.6: a length beside 204 is wrong, and beside 304 it would be that of the file.
    if (response.status == 204 || response.status == 304) return message;
    message.set(http::field::content_type, response.content_type);
    message.content_length(response.body.size());
    if (!is_head) message.body() = std::move(response.body);
    return message;
}

std::optional<Response> answer_to(beast::error_code error, std::size_t body_bytes_max) {
    constexpr std::string_view title = "the request is refused";
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return problem(431, "headers_too_large", title, "headers have at most " + std::to_string(http_limits::header_bytes) + " bytes");
    }
    if (error == http::error::body_limit) {
        return problem(413, "too_large", title, "a body has at most " + std::to_string(body_bytes_max) + " bytes");
    }
    if (error == http::error::bad_version) return problem(505, "bad_version", title, "HTTP/1.0 and HTTP/1.1 are spoken here");
    const bool is_over = error == http::error::end_of_stream || error == http::error::partial_message;
    if (error.category() == http::make_error_code(http::error::bad_target).category() && !is_over) {
        return problem(400, "malformed", title, error.message());
    }
    return std::nullopt;
}

}  // namespace giromq::admin_web
