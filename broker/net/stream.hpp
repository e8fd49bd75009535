#pragma once

#include <openssl/types.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "security/certificate_map.hpp"

namespace giromq::net {

/// What became of a step on a stream.
struct StreamStep {
    enum class Status : std::uint8_t {
        done,        // `bytes` were moved (a handshake: it is over)
        want_read,   // nothing until the socket can be read
        want_write,  // nothing until the socket can be written
        closed,      // the other end has ended its side in order
        failed,      // `reason` says why; the socket is of no use any more
    };
    Status status = Status::done;
    std::size_t bytes = 0;
    std::string reason;
};

/// The bytes of a connection, with or without TLS, without ever blocking: the caller waits for the socket as a step tells it to, so no
/// buffer of the AMQP engine is lent to anybody while the connection waits, and an idle one has none.
/// Threads: on the connection's executor only.
class Stream {
public:
    explicit Stream(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
    virtual ~Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    boost::asio::ip::tcp::socket& socket() { return socket_; }

    virtual StreamStep handshake() = 0;
    /// Neither buffer may be empty. A write that wants to wait is repeated with the same bytes (there may be more behind them).
    virtual StreamStep read(std::span<std::uint8_t> buffer) = 0;
    virtual StreamStep write(std::span<const std::uint8_t> bytes) = 0;
    /// True if a read of less than the buffer means that there is nothing more now.
    virtual bool short_read_is_last() const = 0;
    /// Tells the other end that no more comes; best effort.
    virtual void end_writing() = 0;
    virtual bool is_encrypted() const = 0;
    /// After the handshake: the verified certificate of the client; empty for none.
    virtual security::ClientCertificate client_certificate() const = 0;

protected:
    boost::asio::ip::tcp::socket socket_;
};

/// The socket must be non-blocking.
std::unique_ptr<Stream> make_plain_stream(boost::asio::ip::tcp::socket socket);
/// The server's side of TLS. Null if the TLS library has no memory.
std::unique_ptr<Stream> make_tls_stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<SSL_CTX> context);

}  // namespace giromq::net
