#include "net/acceptor.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "base/log.hpp"
#include "security/network_address.hpp"

namespace giromq::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Strand = asio::strand<asio::io_context::executor_type>;

constexpr std::chrono::milliseconds first_pause{20};
constexpr std::chrono::milliseconds longest_pause{1000};
/// Refusals are logged at most this often: whoever is refused can cause as many as it likes.
constexpr std::chrono::seconds refusal_log_interval{10};

Result<tcp::endpoint> resolve(asio::io_context& io, const std::string& host, std::uint16_t port) {
    boost::system::error_code error;
    const auto literal = asio::ip::make_address(host, error);
    if (!error) return tcp::endpoint(literal, port);
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
    if (error || found.empty()) return Error(errc::invalid_address, host + ": " + error.message());
    return found.begin()->endpoint();
}

/// The address that is counted and logged: an IPv4 client of an IPv6 socket is the same client as over IPv4.
asio::ip::address plain_address(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
}

}  // namespace

namespace {

std::string join(const std::string& host, std::uint16_t port) {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace

std::string to_string(const tcp::endpoint& endpoint) { return join(endpoint.address().to_string(), endpoint.port()); }
std::string peer_address(const Accepted& accepted) { return join(accepted.host, accepted.port); }

class Acceptor::Loop : public std::enable_shared_from_this<Loop> {
public:
    Loop(asio::io_context& io, Admission admission, Handler accepted)
        : strand_(asio::make_strand(io)),
          io_(io),
          acceptor_(strand_),
          pause_(strand_),
          admission_(std::move(admission)),
          accepted_(std::move(accepted)) {}

    Result<void> listen(const tcp::endpoint& endpoint) {
        boost::system::error_code error;
        acceptor_.open(endpoint.protocol(), error);
        // A restarted broker takes its address back although old connections of it linger in TIME_WAIT.
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (!error) bound_ = acceptor_.local_endpoint(error);
        if (error) return Error(errc::listen_failed, to_string(endpoint) + ": " + error.message());
        return {};
    }

    const tcp::endpoint& bound() const { return bound_; }

    void start() {
        auto done = [](std::exception_ptr failure) {
            // Only a lack of memory comes here; a broker that cannot accept any more must not look healthy.
            if (failure) std::rethrow_exception(failure);
        };
        asio::co_spawn(strand_, run(shared_from_this()), std::move(done));
    }

    void stop() {
        asio::post(strand_, [self = shared_from_this()] {
            boost::system::error_code ignored;
            self->acceptor_.close(ignored);
            self->pause_.cancel();
        });
    }

private:
    static asio::awaitable<void> run(std::shared_ptr<Loop> self) {
        constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
        auto pause = first_pause;
        while (self->acceptor_.is_open()) {
            auto [error, socket] = co_await self->acceptor_.async_accept(self->io_, as_tuple);
            if (!self->acceptor_.is_open()) break;
            if (!error) {
                pause = first_pause;
                self->take(std::move(socket));
                continue;
            }
            if (error == asio::error::connection_aborted) continue;
            // EMFILE, ENFILE, ENOBUFS, ENOMEM: the client stays in the queue of the kernel, so trying again at once would spin.
            log::warning("accept_failed", {{"address", to_string(self->bound_)}, {"reason", error.message()}, {"pause_ms", pause.count()}});
            self->pause_.expires_after(pause);
            co_await self->pause_.async_wait(as_tuple);
            pause = std::min(pause * 2, longest_pause);
        }
    }

    void take(tcp::socket socket) {
        boost::system::error_code error;
        const auto remote = socket.remote_endpoint(error);
        if (error) return;  // gone already
        socket.non_blocking(true, error);
        if (error) return;
        const auto address = plain_address(remote.address());
        Accepted accepted{std::move(socket), address.to_string(), remote.port(), address.is_loopback(), nullptr};
        accepted.ticket = admission_.admit(security::network_of(accepted.host));
        if (accepted.ticket == nullptr) {
            refused(accepted.host);
            return;
        }
        accepted_(std::move(accepted));
    }

    void refused(const std::string& host) {
        ++refusals_;
        const auto now = std::chrono::steady_clock::now();
        if (now < log_refusals_at_) return;
        log_refusals_at_ = now + refusal_log_interval;
        log::warning("connections_refused",
                     {{"address", to_string(bound_)}, {"peer", host}, {"count", refusals_}, {"open", admission_.count()}});
        refusals_ = 0;
    }

    Strand strand_;
    asio::io_context& io_;
    asio::basic_socket_acceptor<tcp, Strand> acceptor_;
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Strand> pause_;
    Admission admission_;
    Handler accepted_;
    tcp::endpoint bound_;
    std::uint64_t refusals_ = 0;
    std::chrono::steady_clock::time_point log_refusals_at_{};
};

Result<std::unique_ptr<Acceptor>> Acceptor::listen(asio::io_context& io, const std::string& host, std::uint16_t port, Admission admission,
                                                   Handler accepted) {
    const auto endpoint = resolve(io, host, port);
    if (!endpoint) return endpoint.error();
    auto loop = std::make_shared<Loop>(io, std::move(admission), std::move(accepted));
    if (auto listening = loop->listen(*endpoint); !listening) return listening.error();
    return std::unique_ptr<Acceptor>(new Acceptor(std::move(loop)));
}

Acceptor::~Acceptor() { loop_->stop(); }
std::string Acceptor::address() const { return to_string(loop_->bound()); }
void Acceptor::start() { loop_->start(); }
void Acceptor::stop() { loop_->stop(); }

}  // namespace giromq::net
