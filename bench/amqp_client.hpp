#pragma once

#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/session.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace giromq::bench {

struct Address {
    std::string host = "127.0.0.1";
    std::string port = "5672";
    std::string user;  // empty: SASL ANONYMOUS
    std::string password;
};

/// A small AMQP 1.0 client for measuring: one connection, one session, one link (a receiver may have several), the Proton engine over one
/// socket, no thread of its own. It knows nothing of the broker beyond AMQP 1.0, so it measures peers as well.
class AmqpClient {
public:
    enum class Kind : std::uint8_t { sender, receiver, idle, other };

    struct Callbacks {
        std::function<void()> opened;                                   // the link (or the connection, if idle) is open
        std::function<void()> credit;                                   // a sender has credit
        std::function<void(std::uint64_t tag, bool accepted)> settled;  // of a sent message
        std::function<void(std::string_view body_tail)> received;       // of a received message: its last 8 bytes
        std::function<void(const std::string& reason)> failed;          // the connection is over
    };

    AmqpClient(boost::asio::io_context& context, Address address, Kind kind, std::string queue, std::uint32_t credit, bool presettled,
               Callbacks callbacks);
    virtual ~AmqpClient();
    AmqpClient(const AmqpClient&) = delete;
    AmqpClient& operator=(const AmqpClient&) = delete;

    /// A receiver has a link for each of these selectors, of which an empty one is none; before start().
    void select(std::vector<std::string> selectors) { selectors_ = std::move(selectors); }
    void start();
    /// Sends the encoded message; its tag comes back in `settled`. Only with credit() > 0.
    void send(std::string_view encoded, std::uint64_t tag);
    int credit() const { return link_ == nullptr ? 0 : pn_link_credit(link_); }
    void close();

protected:
    /// Of a client of Kind::other: its links are to be opened, and it handles what happens to them.
    virtual void open_links(pn_session_t*) {}
    virtual void on_credit(pn_link_t*) {}
    virtual void delivery(pn_delivery_t* delivery);
    void fail(const std::string& reason);

private:
    void connected(const boost::system::error_code& error);
    void pump();
    void process();
    void handle(pn_event_t* event);
    void open_link(pn_link_t* link, const std::string& selector);
    void replenish(pn_link_t* link);
    /// Reads what has come, in large pieces, since a system call costs more than the messages in it.
    void wait_to_read();
    void read();
    void feed(std::size_t bytes);
    /// Writes all that the engine has, in one piece if it can.
    void write();
    void gather();

    boost::asio::ip::tcp::socket socket_;
    boost::asio::ip::tcp::resolver resolver_;
    Address address_;
    Kind kind_;
    std::string queue_;
    std::vector<std::string> selectors_{""};
    std::uint32_t credit_;
    bool presettled_;
    Callbacks callbacks_;
    pn_connection_driver_t driver_{};
    pn_link_t* link_ = nullptr;
    std::vector<char> buffer_;
    std::vector<char> input_;
    std::vector<char> output_;
    std::size_t written_ = 0;  // of output_
    bool reading_ = false;
    bool writing_ = false;
    bool pumping_ = false;
    bool failed_ = false;
    std::vector<std::uint32_t> unreplenished_;  // of each receiver, which knows its own
};

/// An encoded message: header (durable), an empty properties section is left out, a data section of `bytes` whose last 8 bytes are to be
/// overwritten (a time stamp). Returns the encoding; the body is at its end. `has_key`: application-properties with "key" are before it.
std::string encode_message(std::size_t bytes, bool durable, bool has_key = false);
/// "k0000" and so on; five characters.
std::string key_of(std::uint32_t number);
/// Gives the encoded message another key.
void set_key(std::string& encoded, std::uint32_t number);

}  // namespace giromq::bench
