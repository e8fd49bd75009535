#pragma once

#include <openssl/types.h>

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "admin-web/http_message.hpp"
#include "base/unique_function.hpp"

namespace giromq::admin_web {

struct HttpServerSettings {
    std::chrono::milliseconds handshake_timeout{10000};
    /// From the connection, or the last response, until the header of the next request is complete.
    std::chrono::milliseconds header_timeout{30000};
    std::chrono::milliseconds body_timeout{30000};
    std::chrono::milliseconds write_timeout{30000};
    /// How long a command may take; a backup takes as long as it takes.
    std::chrono::milliseconds answer_timeout{600000};
    /// After the last byte of a connection was written, so long the client may take to read it and close.
    std::chrono::milliseconds linger_timeout{2000};
    std::size_t requests_per_connection_max = 10000;
};

/// HTTP/1.1 over sockets that somebody else accepts (and counts): keep-alive, every phase with its deadline, headers and bodies bounded
/// while they are read.
/// Threads: any. Outlives the io_context's threads.
class HttpServer {
public:
    /// Answers a request by calling `done` once, on any thread; called on threads of the io_context, several at a time.
    using Handler = std::function<void(Request request, UniqueFunction<void(Response)> done)>;

    HttpServer(Handler handler, HttpServerSettings settings);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Serves the connection until it ends; `ticket` is held so long. `tls` is null for plain HTTP.
    void serve(boost::asio::ip::tcp::socket socket, HttpPeer peer, std::shared_ptr<SSL_CTX> tls, std::shared_ptr<const void> ticket);

    /// Connections end with the response that they are at; no new ones are served.
    void stop();
    /// Waits until every request that was read is answered; false if some are not by then. Not on a thread of the io_context.
    bool wait_until_answered(std::chrono::milliseconds timeout);

    /// What all sessions share.
    struct Shared;

private:
    std::shared_ptr<Shared> shared_;
};

}  // namespace giromq::admin_web
