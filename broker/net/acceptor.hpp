#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/admission.hpp"
#include "net/errc.hpp"

namespace giromq::net {

/// A client that has connected. The socket is non-blocking and belongs to the io_context.
struct Accepted {
    boost::asio::ip::tcp::socket socket;
    std::string host;  // its address without the port
    std::uint16_t port = 0;
    bool is_loopback = false;
    Admission::Ticket ticket;
};

/// Listens on one address and hands over every client that Admission lets in. Too many open files and the like make it wait a
/// moment and go on.
/// Threads: start() and stop() from any; `accepted` is called on a thread of the io_context, one call at a time.
class Acceptor {
public:
    using Handler = std::function<void(Accepted)>;

    /// Binds and listens at once, so that a taken address is known at start. Port 0 takes any that is free. A host name is looked up and
    /// the first address is used. Errors: invalid_address, listen_failed.
    static Result<std::unique_ptr<Acceptor>> listen(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
                                                    Admission admission, Handler accepted);
    ~Acceptor();

    /// As it is bound: "127.0.0.1:5672", "[::1]:5672".
    std::string address() const;

    void start();
    /// No client is taken any more once the io_context has run what is under way.
    void stop();

private:
    class Loop;
    explicit Acceptor(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

    std::shared_ptr<Loop> loop_;
};

/// "127.0.0.1:5672" or "[::1]:5672".
std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);
/// The client's address and port, in the same form.
std::string peer_address(const Accepted& accepted);

}  // namespace giromq::net
