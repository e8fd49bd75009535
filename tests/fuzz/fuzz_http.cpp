#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin-web/beast_messages.hpp"
#include "admin-web/console_files.hpp"
#include "admin-web/header_text.hpp"
#include "admin-web/request_gate.hpp"
#include "admin-web/site.hpp"
#include "admin-web/url.hpp"
#include "admin-web/web_socket.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace giromq;
using namespace giromq::admin_web;

constexpr std::size_t requests_max = 16;

void demand(bool condition) {
    if (!condition) std::abort();
}

/// What a client sends, in pieces of one size, as a connection of http_server reads it.
class Incoming {
public:
    Incoming(std::string_view bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}

    /// The next request that is accepted; nothing if the connection is over.
    std::optional<Request> next() {
        http::request_parser<http::string_body> parser;
        parser.header_limit(http_limits::header_bytes);
        parser.body_limit(boost::none);
        parser.eager(false);
        if (!read(parser, [&] { return parser.is_header_done(); })) return std::nullopt;
        auto request = to_request(parser.get(), {"127.0.0.1:40000", true, false});
        if (refuse_framing(parser.get())) return std::nullopt;
        const auto bytes_max = takes_document(request.target) ? http_limits::document_bytes : http_limits::body_bytes;
        if (parser.content_length().value_or(0) > bytes_max) return std::nullopt;
        parser.body_limit(bytes_max);
        parser.eager(true);
        if (!read(parser, [&] { return parser.is_done(); })) return std::nullopt;
        request.body = parser.release().body();
        demand(request.body.size() <= bytes_max);
        return request;
    }

private:
    template <typename Parser, typename IsDone>
    bool read(Parser& parser, IsDone is_done) {
        bool needs_more = buffer_.size() == 0;
        while (!is_done()) {
            if (needs_more && !receive_piece()) return false;
            beast::error_code error;
            buffer_.consume(parser.put(buffer_.data(), error));
            needs_more = error == http::error::need_more || buffer_.size() == 0;
            if (!error || error == http::error::need_more) continue;
            demand(answer_to(error, http_limits::body_bytes).has_value());
            return false;
        }
        return true;
    }

    bool receive_piece() {
        const auto size = std::min({piece_, rest_.size(), buffer_.max_size() - buffer_.size()});
        if (size == 0) return false;
        asio::buffer_copy(buffer_.prepare(size), asio::buffer(rest_.data(), size));
        buffer_.commit(size);
        rest_.remove_prefix(size);
        return true;
    }

    beast::flat_buffer buffer_{http_limits::header_bytes + http_limits::body_bytes};
    std::string_view rest_;
    const std::size_t piece_;
};

/// What is looked at before any route is.
void check(const Request& request) {
    if (refuse_at_gate(request, true)) return;
    demand(request.count("host") == 1);
    static_cast<void>(asks_for_web_socket(request));
    static_cast<void>(parse_basic(request.header("authorization")));
    if (const auto id = Site::session_id(request)) demand(!id->empty() && id->find_first_of("; ,\"") == std::string::npos);
    static_cast<void>(accepts_coding(request.header("accept-encoding"), "br"));
    for (auto list = request.header("accept-encoding"); !list.empty();) static_cast<void>(take_item(list, ','));
    const auto target = parse_target(request.target);
    if (!target) return;
    demand(target->segments.size() <= http_limits::path_segments);
    for (const auto& segment : target->segments) {
        demand(!segment.empty() && segment != "." && segment != "..");
        demand(percent_decode(percent_encode(segment)) == segment);
    }
}

std::string text_of(const Request& request) {
    std::string text = request.method + ' ' + request.target + '\n';
    for (const auto& [name, value] : request.headers) text += name + ": " + value + '\n';
    return text + '\n' + request.body;
}

std::vector<std::string> received(std::string_view bytes, std::size_t piece) {
    Incoming incoming(bytes, piece);
    std::vector<std::string> texts;
    while (texts.size() < requests_max) {
        const auto request = incoming.next();
        if (!request) break;
        check(*request);
        texts.push_back(text_of(*request));
    }
    return texts;
}

}  // namespace

/// Any bytes as what a client sends over HTTP. The first one says in pieces of what size: what the network makes of a request must not
/// change what the request is, nor where the next one begins.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = received(bytes, bytes.size() + 1);
    if (bytes.size() <= 4096 && received(bytes, 1U + data[0]) != whole) std::abort();
    return 0;
}
