#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP messages as plain values, so that everything but the server itself works and is tested without a socket.
namespace giromq::admin_web {

/// The other end as the socket knows it.
struct HttpPeer {
    std::string address;  // "127.0.0.1:53412"
    bool is_loopback = false;
    bool is_encrypted = false;
};

struct Request {
    std::string method;  // "GET"
    std::string target;  // as sent: path and query, still percent-encoded
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    HttpPeer peer;

    /// How often the header (name in lower case) is there.
    std::size_t count(std::string_view name) const;
    /// Its value; empty if it is not there, the first one if it is there more than once.
    std::string_view header(std::string_view name) const;
};

class SocketPeer;

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    /// The request was for a WebSocket, and is answered with 101: this is its side here. Nothing else of the response counts then.
    std::shared_ptr<SocketPeer> socket;
    /// Let go when the response has been sent: the memory that it takes is bounded for all that are on their way.
    std::shared_ptr<const void> held;
    /// Who asked was not allowed to: has a line in the audit.
    bool is_refusal = false;
};

/// Whether requests for the target may have a large document as their body: the definitions of a broker.
bool takes_document(std::string_view target);

/// Bounds of HTTP that are not configured.
namespace http_limits {
inline constexpr std::size_t header_bytes = 8 * 1024;
inline constexpr std::size_t body_bytes = 64 * 1024;
inline constexpr std::size_t document_bytes = 4 * 1024 * 1024;  // where a document is taken
inline constexpr int documents_at_once = 4;                     // that are read or worked on
inline constexpr std::size_t path_segments = 8;
inline constexpr std::size_t page_items = 1000;
}  // namespace http_limits

}  // namespace giromq::admin_web
