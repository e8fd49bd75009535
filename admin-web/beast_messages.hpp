#pragma once

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "admin-web/http_message.hpp"

/// Between Beast's messages and ours, and what Beast lets pass that this server does not.
namespace giromq::admin_web {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;
using BeastResponse = boost::beast::http::response<boost::beast::http::string_body>;

/// Everything but the body. To be taken before the body is read: what comes behind it as trailers is no header (RFC 9110 §6.5.1).
Request to_request(const BeastRequest& message, const HttpPeer& peer);

/// The refusal of a request whose end this server and a proxy before it could see in different places (RFC 9112 §6.3), or that expects
/// what is not known. Beast passes over a transfer encoding that it does not know. The connection must end with the refusal.
std::optional<Response> refuse_framing(const BeastRequest& message);

/// Whether the client waits for "100 Continue" before it sends the body.
bool expects_continue(const BeastRequest& message);

BeastResponse to_beast(Response&& response, unsigned version, bool keep_alive, bool is_head, bool is_encrypted);

/// The response to a message that cannot be read, or nothing if the connection is simply over.
/// `body_bytes_max`: how large its body could have been.
std::optional<Response> answer_to(boost::beast::error_code error, std::size_t body_bytes_max);

}  // namespace giromq::admin_web
