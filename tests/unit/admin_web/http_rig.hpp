#pragma once

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "admin-web/http_server.hpp"

namespace giromq::test {

/// An HttpServer on a thread of its own, over real sockets, with a handler that the test gives.
class HttpRig {
public:
    using tcp = boost::asio::ip::tcp;
    using Done = UniqueFunction<void(admin_web::Response)>;

    explicit HttpRig(admin_web::HttpServer::Handler handler, admin_web::HttpServerSettings settings = patient())
        : server(std::move(handler), settings), thread_([this] { io_.run(); }) {}
    ~HttpRig() {
        io_.stop();
        thread_.join();
    }

    /// Nothing is cut for want of time before the test ends.
    static admin_web::HttpServerSettings patient() {
        admin_web::HttpServerSettings settings;
        settings.header_timeout = settings.body_timeout = settings.write_timeout = std::chrono::minutes(2);
        settings.linger_timeout = std::chrono::minutes(2);
        return settings;
    }

    /// Answers with what it was asked.
    static void echo(admin_web::Request request, Done done) {
        admin_web::Response response;
        response.content_type = "text/plain";
        response.body = request.method + " " + request.target + " " + request.body;
        done(std::move(response));
    }

    class Client {
    public:
        explicit Client(tcp::socket socket) : socket_(std::move(socket)) {
            // A test that hangs must fail, not hang.
            timeval limit{.tv_sec = 60, .tv_usec = 0};
            ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        }
        void send(const std::string& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
        /// Everything up to the end of the connection.
        std::string read_all() {
            std::string text;
            char buffer[4096];
            for (;;) {
                const auto count = ::recv(socket_.native_handle(), buffer, sizeof buffer, 0);
                if (count == 0 || (count < 0 && errno == ECONNRESET)) return text;
                CPPUNIT_ASSERT_MESSAGE("nothing came, and the connection did not end: " + text, count > 0);
                text.append(buffer, static_cast<std::size_t>(count));
            }
        }
        /// Until this has come.
        std::string read_until(const std::string& end) {
            std::string text;
            char byte = 0;
            while (!text.ends_with(end)) {
                CPPUNIT_ASSERT_MESSAGE(text, ::recv(socket_.native_handle(), &byte, 1, 0) == 1);
                text += byte;
            }
            return text;
        }
        std::string read_count(std::size_t count) {
            std::string text(count, ' ');
            const auto read = count == 0 ? 0 : ::recv(socket_.native_handle(), text.data(), count, MSG_WAITALL);
            CPPUNIT_ASSERT_EQUAL(static_cast<std::ptrdiff_t>(count), static_cast<std::ptrdiff_t>(read));
            return text;
        }
        std::string exchange(const std::string& request) {
            send(request);
            return read_all();
        }
        tcp::socket& socket() { return socket_; }

    private:
        tcp::socket socket_;
    };

    Client connect(std::shared_ptr<SSL_CTX> tls = {}, std::shared_ptr<const void> ticket = {}) {
        tcp::acceptor acceptor(client_io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        tcp::socket client(client_io_);
        client.connect(acceptor.local_endpoint());
        auto accepted = acceptor.accept(io_);
        accepted.non_blocking(true);
        server.serve(std::move(accepted), {"127.0.0.1:1", true, tls != nullptr}, std::move(tls), std::move(ticket));
        return Client(std::move(client));
    }

private:
    boost::asio::io_context client_io_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};

public:
    admin_web::HttpServer server;

private:
    std::thread thread_;
};

}  // namespace giromq::test
