#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "failure.hpp"
#include "settings.hpp"

namespace giromq::detail {

/// One TCP or TLS connection to the broker: made for one attempt, thrown away with it.
///
/// Threads: used on the I/O thread, except descriptor(). The handlers run on the I/O thread; after close() they still run, with an error.
class Channel : public std::enable_shared_from_this<Channel> {
public:
    using OpenHandler = std::function<void(std::optional<Failure>)>;
    using Handler = std::function<void(const boost::system::error_code&, std::size_t)>;

    Channel(boost::asio::io_context& context, const Settings& settings);

    /// Name, TCP, TLS; the caller limits the time by close().
    void open(OpenHandler handler);
    void read(std::span<char> buffer, Handler handler);
    /// Writes all of the bytes, which must stay where they are until the handler has run.
    void write_all(std::span<const char> bytes, std::function<void(const boost::system::error_code&)> handler);
    /// Waits until a plain socket takes more bytes.
    void wait_writable(std::function<void()> handler);
    void close();

    bool encrypted() const { return tls_ != nullptr; }
    /// The other end is on this machine, so that nobody can listen in between.
    bool loopback() const;
    /// The socket of an unencrypted connection, for writing to it without the I/O thread; -1 for TLS.
    int descriptor() { return tls_ ? -1 : socket_.native_handle(); }

private:
    using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

    std::optional<Failure> prepare_tls();
    void handshake(const OpenHandler& handler);
    /// TCP connects a socket to itself when nobody listens and the system happens to give it the very port it asks for (RFC 9293 §3.5).
    bool talks_to_itself() const;
    Failure failure(const std::string& what, const boost::system::error_code& error, const std::string& advice) const;

    Settings settings_;
    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<boost::asio::ssl::context> tls_context_;
    std::unique_ptr<Stream> tls_;
    bool closed_ = false;
};

}  // namespace giromq::detail
