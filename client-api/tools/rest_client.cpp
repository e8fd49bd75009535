#include "rest_client.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace giromq::tool {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t answer_bytes_max = 64u << 20;
constexpr std::uint32_t answer_header_bytes_max = 32 * 1024;  // a link repeats the selector of its request
constexpr auto timeout = std::chrono::seconds(120);

std::string base64(std::string_view text) {
    std::string out(beast::detail::base64::encoded_size(text.size()), '\0');
    out.resize(beast::detail::base64::encode(out.data(), text.data(), text.size()));
    return out;
}

/// Runs one asynchronous operation to its end; Beast's time limits hold for those only.
template <typename Start>
error_code complete(asio::io_context& context, Start start) {
    error_code result;
    start([&result](const error_code& error, const auto&...) { result = error; });
    context.restart();
    context.run();
    return result;
}

void check(const error_code& error) {
    if (error) throw boost::system::system_error(error);
}

template <typename Stream, typename Request>
http::response<http::string_body> talk(asio::io_context& context, Stream& stream, const Request& request) {
    check(complete(context, [&](auto handler) { http::async_write(stream, request, std::move(handler)); }));
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    parser.header_limit(answer_header_bytes_max);
    check(complete(context, [&](auto handler) { http::async_read(stream, buffer, parser, std::move(handler)); }));
    return parser.release();
}

/// The target of a Link header with one link.
std::string link_of(beast::string_view link) {
    const auto begin = link.find('<');
    const auto end = link.find('>');
    if (begin != 0 || end == beast::string_view::npos) return {};
    return std::string(link.substr(1, end - 1));
}

/// The sentence of an answer that is a problem (RFC 9457).
std::string sentence_of(const RestClient::Answer& answer) {
    if (const json::object* const problem = answer.body.if_object()) {
        const auto text = [&](const char* name) {
            const json::value* const value = problem->if_contains(name);
            return value != nullptr && value->is_string() ? printable(value->get_string()) : std::string();
        };
        std::string title = text("title");
        const std::string detail = text("detail");
        if (!detail.empty()) return title.empty() ? detail : title + ": " + detail;
        if (!title.empty()) return title;
    }
    return "the broker answered with status " + std::to_string(answer.status);
}

}  // namespace

RestClient::RestClient(const Common& common, const std::optional<std::string>& password) : tls_files_(common.tls) {
    check_address("--http", common.http);
    std::string_view rest = common.http;
    if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else if (rest.starts_with("https://")) {
        tls_ = true;
        rest.remove_prefix(8);
    } else {
        throw ToolError("The address of the broker's REST interface starts with http:// or https://, for example http://127.0.0.1:8161.",
                        exit_usage);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const std::size_t bracket = rest.starts_with('[') ? std::min(rest.find(']'), rest.size()) : 0;
    const std::size_t colon = rest.find(':', bracket);
    host_ = rest.substr(0, std::min(colon, rest.size()));
    port_ = colon == std::string_view::npos ? (tls_ ? "443" : "80") : std::string(rest.substr(colon + 1));
    if (host_.starts_with('[') && host_.ends_with(']')) host_ = host_.substr(1, host_.size() - 2);
    if (host_.empty() || port_.empty() || port_.find_first_not_of("0123456789") != std::string::npos) {
        throw ToolError("The address '" + common.http + "' is not of the form http://host:port.", exit_usage);
    }
    address_ = common.http;
    if (!common.user.empty()) {
        error_code not_an_address;
        const bool loopback = host_ == "localhost" || asio::ip::make_address(host_, not_an_address).is_loopback();
        if (!tls_ && !loopback)
            throw ToolError("A password is not sent in clear over the network; use https:// or run this command on the broker's machine.");
        authorization_ = "Basic " + base64(common.user + ":" + (password ? *password : password_of(common)));
    }
}

void RestClient::prepare(asio::ssl::context& tls) const {
    const auto check_file = [](const char* option, const std::string& file, const error_code& error) {
        if (!error) return;
        throw ToolError("The file '" + file + "' of " + option + " cannot be used (" + error.message() +
                        "); it has to be a readable PEM file.");
    };
    error_code error;
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
    tls_files_.ca.empty() ? tls.set_default_verify_paths(error) : tls.load_verify_file(tls_files_.ca, error);
    check_file("--tls-ca-file", tls_files_.ca, error);
    if (tls_files_.certificate.empty()) return;
    tls.use_certificate_chain_file(tls_files_.certificate, error);
    check_file("--tls-certificate-file", tls_files_.certificate, error);
    const std::string& key = tls_files_.key.empty() ? tls_files_.certificate : tls_files_.key;
    tls.use_private_key_file(key, asio::ssl::context::pem, error);
    check_file("--tls-key-file", key, error);
}

void RestClient::fail_handshake(const error_code& error, long verified) const {
    if (verified == X509_V_OK) throw boost::system::system_error(error);
    throw ToolError("The certificate of " + address_ + " is not trusted: " + X509_verify_cert_error_string(verified) +
                    ". Give its issuer's certificate by --tls-ca-file, and in --http the host that the certificate is for.");
}

RestClient::Response RestClient::send(const Request& request) {
    asio::io_context context;
    beast::tcp_stream plain(context);
    plain.expires_after(timeout);
    const auto found = tcp::resolver(context).resolve(host_, port_);
    check(complete(context, [&](auto handler) { plain.async_connect(found, std::move(handler)); }));
    if (!tls_) return talk(context, plain, request);
    asio::ssl::context tls(asio::ssl::context::tls_client);
    prepare(tls);
    beast::ssl_stream<beast::tcp_stream> secure(std::move(plain), tls);
    secure.set_verify_mode(asio::ssl::verify_peer);
    secure.set_verify_callback(asio::ssl::host_name_verification(host_));
    SSL_ctrl(secure.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host_.data());
    const error_code error =
        complete(context, [&](auto handler) { secure.async_handshake(asio::ssl::stream_base::client, std::move(handler)); });
    if (error) fail_handshake(error, SSL_get_verify_result(secure.native_handle()));
    return talk(context, secure, request);
}

RestClient::Answer RestClient::exchange(std::string_view method, const std::string& path, const Payload* payload,
                                        const std::string& if_match) {
    Request request;
    request.method_string({method.data(), method.size()});
    request.target(path);
    request.version(11);
    request.set(http::field::host, host_ + ":" + port_);
    request.set(http::field::user_agent, "giromq/" GIROMQ_VERSION);
    request.set(http::field::accept, "application/json, application/xml;q=0.9");
    request.set(http::field::connection, "close");
    if (!authorization_.empty()) request.set(http::field::authorization, authorization_);
    if (!if_match.empty()) request.set(http::field::if_match, if_match);
    if (payload != nullptr) {
        request.set(http::field::content_type, payload->content_type);
        request.body() = payload->text;
    }
    request.prepare_payload();
    try {
        Response response = send(request);
        Answer answer;
        answer.status = static_cast<int>(response.result_int());
        answer.etag = std::string(response[http::field::etag]);
        const auto type = response[http::field::content_type];
        const bool is_json = type.starts_with("application/json") || type.starts_with("application/problem+json");
        answer.next = link_of(response[http::field::link]);
        error_code error;
        if (is_json && !response.body().empty()) answer.body = json::parse(response.body(), error);
        if (error) throw ToolError("The answer of " + address_ + " is not JSON; check that a GiroMQ broker listens there.");
        answer.text = std::move(response.body());
        return answer;
    } catch (const boost::system::system_error& error) {
        throw ToolError("Cannot talk to " + address_ + ": " + error.code().message() +
                        ". Check that the broker (giromqd) is running and that --http is right.");
    }
}

RestClient::Answer RestClient::call(std::string_view method, const std::string& path, const json::value* body,
                                    const std::string& if_match) {
    if (body == nullptr) return checked(exchange(method, path, nullptr, if_match));
    const Payload payload{"application/json", json::serialize(*body)};
    return checked(exchange(method, path, &payload, if_match));
}

RestClient::Answer RestClient::call(std::string_view method, const std::string& path, const Payload& payload) {
    return checked(exchange(method, path, &payload));
}

RestClient::Answer RestClient::checked(Answer answer) const {
    if (answer.status == 401) {
        throw ToolError(authorization_.empty() ? "The broker wants a login; give --user and --password-file."
                                               : "The broker refused the login; check user and password.");
    }
    if (answer.status >= 400) throw ToolError(sentence_of(answer) + ".");
    return answer;
}

RestClient::Answer RestClient::find(const std::string& path) {
    Answer answer = exchange("GET", path, nullptr);
    if (answer.status == 404) return Answer{404, nullptr, {}, {}, {}};
    if (answer.status >= 400) return call("GET", path);  // for its sentence
    return answer;
}

void RestClient::list(const std::string& path, const std::function<void(const json::object&)>& item) {
    std::string cursor;
    do {
        const Answer answer = call("GET", path + (path.find('?') == std::string::npos ? '?' : '&') + "limit=500" +
                                              (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)));
        const json::object* const page = answer.body.if_object();
        const json::value* const items = page == nullptr ? nullptr : page->if_contains("items");
        if (items == nullptr || !items->is_array())
            throw ToolError("The answer of " + address_ + " is not a list; check that a GiroMQ broker listens there.");
        for (const json::value& one : items->get_array()) {
            if (one.is_object()) item(one.get_object());
        }
        const json::value* const next = page->if_contains("nextCursor");
        cursor = next != nullptr && next->is_string() ? std::string(next->get_string()) : std::string();
    } while (!cursor.empty());
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool unreserved = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                                byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (unreserved) {
            out += c;
        } else {
            out += '%';
            out += "0123456789ABCDEF"[byte >> 4];
            out += "0123456789ABCDEF"[byte & 0x0f];
        }
    }
    return out;
}

}  // namespace giromq::tool
