#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <memory>

#include "admin-web/beast_messages.hpp"
#include "admin-web/socket_peer.hpp"

namespace giromq::admin_web {

/// Whether a request asks for a WebSocket as RFC 6455 §4.2.1 says.
bool asks_for_web_socket(const Request& request);

/// Answers the request with 101 and carries texts to and from `peer` until one side ends it. Everything runs on the stream's strand;
/// `owner` keeps the stream, and lives as long as anything is under way.
boost::asio::awaitable<void> converse(boost::beast::tcp_stream* stream, std::shared_ptr<void> owner, BeastRequest request,
                                      std::shared_ptr<SocketPeer> peer);
boost::asio::awaitable<void> converse(boost::beast::ssl_stream<boost::beast::tcp_stream>* stream, std::shared_ptr<void> owner,
                                      BeastRequest request, std::shared_ptr<SocketPeer> peer);

}  // namespace giromq::admin_web
