#include "amqp_client.hpp"

#include <proton/connection.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

namespace giromq::bench {
namespace {

constexpr std::size_t io_bytes = 128U * 1024U;

}  // namespace

AmqpClient::AmqpClient(boost::asio::io_context& context, Address address, Kind kind, std::string queue, std::uint32_t credit,
                       bool presettled, Callbacks callbacks)
    : socket_(context),
      resolver_(context),
      address_(std::move(address)),
      kind_(kind),
      queue_(std::move(queue)),
      credit_(credit),
      presettled_(presettled),
      callbacks_(std::move(callbacks)),
      buffer_(64 * 1024),
      input_(io_bytes) {
    output_.reserve(2 * io_bytes);
    pn_connection_driver_init(&driver_, nullptr, nullptr);
    pn_sasl_t* const sasl = pn_sasl(driver_.transport);
    if (address_.user.empty()) {
        pn_sasl_allowed_mechs(sasl, "ANONYMOUS");
    } else {
        pn_connection_set_user(driver_.connection, address_.user.c_str());
        pn_connection_set_password(driver_.connection, address_.password.c_str());
        pn_sasl_set_allow_insecure_mechs(sasl, true);
        pn_sasl_allowed_mechs(sasl, "PLAIN");
    }
    pn_transport_set_max_frame(driver_.transport, 256 * 1024);
    pn_connection_set_hostname(driver_.connection, address_.host.c_str());
    const auto id = "bench-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "-" + std::to_string(::getpid());
    pn_connection_set_container(driver_.connection, id.c_str());
}

AmqpClient::~AmqpClient() { pn_connection_driver_destroy(&driver_); }

namespace {

/// apache.org:selector-filter:string
void put_selector(pn_data_t* filter, const std::string& selector) {
    pn_data_put_map(filter);
    pn_data_enter(filter);
    pn_data_put_symbol(filter, pn_bytes(12, "jms-selector"));
    pn_data_put_described(filter);
    pn_data_enter(filter);
    pn_data_put_ulong(filter, 0x0000468C00000004ULL);
    pn_data_put_string(filter, pn_bytes(selector.size(), selector.data()));
    pn_data_exit(filter);
    pn_data_exit(filter);
}

}  // namespace

void AmqpClient::start() {
    boost::system::error_code error;
    const auto found = resolver_.resolve(address_.host, address_.port, error);
    if (error) return fail(error.message());
    boost::asio::async_connect(socket_, found, [this](const boost::system::error_code& failure, const auto&) { connected(failure); });
}

void AmqpClient::connected(const boost::system::error_code& error) {
    if (error) return fail("cannot connect to " + address_.host + ":" + address_.port + ": " + error.message());
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
    socket_.non_blocking(true);
    pn_connection_open(driver_.connection);
    if (kind_ == Kind::other) {
        pn_session_t* const session = pn_session(driver_.connection);
        pn_session_open(session);
        open_links(session);
    } else if (kind_ != Kind::idle) {
        pn_session_t* const session = pn_session(driver_.connection);
        pn_session_open(session);
        if (kind_ == Kind::sender) {
            link_ = pn_sender(session, "bench-sender");
            open_link(link_, "");
        } else {
            unreplenished_.resize(selectors_.size());
            for (std::size_t index = 0; index < selectors_.size(); ++index) {
                pn_link_t* const link = pn_receiver(session, ("bench-receiver-" + std::to_string(index)).c_str());
                pn_link_set_context(link, &unreplenished_[index]);
                open_link(link, selectors_[index]);
                pn_link_flow(link, static_cast<int>(credit_));
            }
        }
    }
    pump();
}

void AmqpClient::open_link(pn_link_t* link, const std::string& selector) {
    pn_terminus_t* const terminus = kind_ == Kind::sender ? pn_link_target(link) : pn_link_source(link);
    pn_terminus_set_address(terminus, queue_.c_str());
    // Artemis wants to be told that it is a queue, and RabbitMQ that it is a durable one.
    pn_data_put_symbol(pn_terminus_capabilities(terminus), pn_bytes(5, "queue"));
    pn_terminus_set_durability(terminus, PN_CONFIGURATION);
    if (!selector.empty()) put_selector(pn_terminus_filter(terminus), selector);
    pn_link_set_snd_settle_mode(link, presettled_ ? PN_SND_SETTLED : PN_SND_UNSETTLED);
    pn_link_open(link);
}

void AmqpClient::send(std::string_view encoded, std::uint64_t tag) {
    pn_delivery_t* const delivery = pn_delivery(link_, pn_dtag(reinterpret_cast<const char*>(&tag), sizeof(tag)));
    pn_link_send(link_, encoded.data(), encoded.size());
    pn_link_advance(link_);
    if (presettled_) pn_delivery_settle(delivery);
}

void AmqpClient::close() {
    if (failed_) return;
    failed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void AmqpClient::pump() {
    if (pumping_ || failed_) return;
    pumping_ = true;
    process();
    pumping_ = false;
    if (failed_) return;
    write();
    wait_to_read();
}

void AmqpClient::process() {
    for (pn_event_t* event = pn_connection_driver_next_event(&driver_); event != nullptr && !failed_;
         event = pn_connection_driver_next_event(&driver_)) {
        handle(event);
    }
}

void AmqpClient::handle(pn_event_t* event) {
    const auto describe = [](pn_condition_t* condition) {
        const char* const name = pn_condition_get_name(condition);
        const char* const text = pn_condition_get_description(condition);
        return std::string(name == nullptr ? "closed" : name) + ": " + (text == nullptr ? "" : text);
    };
    switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN:
            if (kind_ == Kind::idle && callbacks_.opened) callbacks_.opened();
            break;
        case PN_LINK_REMOTE_OPEN:
            if (callbacks_.opened) callbacks_.opened();
            break;
        case PN_LINK_FLOW:
            if (kind_ == Kind::other) on_credit(pn_event_link(event));
            if (kind_ == Kind::sender && callbacks_.credit && pn_link_credit(link_) > 0) callbacks_.credit();
            break;
        case PN_DELIVERY: delivery(pn_event_delivery(event)); break;
        case PN_LINK_REMOTE_CLOSE:
        case PN_LINK_REMOTE_DETACH: fail(describe(pn_link_remote_condition(pn_event_link(event)))); break;
        case PN_CONNECTION_REMOTE_CLOSE: fail(describe(pn_connection_remote_condition(driver_.connection))); break;
        case PN_TRANSPORT_ERROR: fail(describe(pn_transport_condition(driver_.transport))); break;
        default: break;
    }
}

void AmqpClient::delivery(pn_delivery_t* delivery) {
    if (kind_ == Kind::sender) {
        if (!pn_delivery_updated(delivery) || pn_delivery_remote_state(delivery) == 0) return;
        std::uint64_t tag = 0;
        std::memcpy(&tag, pn_delivery_tag(delivery).start, sizeof(tag));
        const bool accepted = pn_delivery_remote_state(delivery) == PN_ACCEPTED;
        pn_delivery_settle(delivery);
        if (callbacks_.settled) callbacks_.settled(tag, accepted);
        return;
    }
    if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) return;
    const auto size = pn_delivery_pending(delivery);
    if (buffer_.size() < size) buffer_.resize(size);
    pn_link_t* const link = pn_delivery_link(delivery);
    const auto got = pn_link_recv(link, buffer_.data(), size);
    pn_link_advance(link);
    if (!presettled_) pn_delivery_update(delivery, PN_ACCEPTED);
    pn_delivery_settle(delivery);
    replenish(link);
    const auto tail = got >= 8 ? 8U : 0U;
    if (callbacks_.received) callbacks_.received(std::string_view(buffer_.data() + got - tail, tail));
}

void AmqpClient::replenish(pn_link_t* link) {
    auto& unreplenished = *static_cast<std::uint32_t*>(pn_link_get_context(link));
    if (++unreplenished * 2 < credit_) return;
    pn_link_flow(link, static_cast<int>(unreplenished));
    unreplenished = 0;
}

void AmqpClient::wait_to_read() {
    if (reading_ || failed_) return;
    reading_ = true;
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_read, [this](const boost::system::error_code& error) {
        reading_ = false;
        if (failed_) return;
        if (error) return fail("the connection broke: " + error.message());
        read();
    });
}

void AmqpClient::read() {
    boost::system::error_code error;
    const auto bytes = socket_.read_some(boost::asio::buffer(input_), error);
    if (error && error != boost::asio::error::would_block) return fail("the connection broke: " + error.message());
    if (!error) feed(bytes);
    pump();
}

void AmqpClient::feed(std::size_t bytes) {
    for (std::size_t fed = 0; fed < bytes && !failed_;) {
        const auto space = pn_connection_driver_read_buffer(&driver_);
        if (space.size == 0) return;
        const auto piece = std::min(space.size, bytes - fed);
        std::memcpy(space.start, input_.data() + fed, piece);
        pn_connection_driver_read_done(&driver_, piece);
        fed += piece;
        process();
    }
}

void AmqpClient::gather() {
    while (output_.size() < io_bytes) {
        const auto bytes = pn_connection_driver_write_buffer(&driver_);
        if (bytes.size == 0) return;
        output_.insert(output_.end(), bytes.start, bytes.start + bytes.size);
        pn_connection_driver_write_done(&driver_, bytes.size);
    }
}

void AmqpClient::write() {
    while (!writing_ && !failed_) {
        if (written_ == output_.size()) {
            output_.clear();
            written_ = 0;
            gather();
            if (output_.empty()) return;
        }
        boost::system::error_code error;
        written_ += socket_.write_some(boost::asio::buffer(output_.data() + written_, output_.size() - written_), error);
        if (error == boost::asio::error::would_block) {
            writing_ = true;
            socket_.async_wait(boost::asio::ip::tcp::socket::wait_write, [this](const boost::system::error_code& failure) {
                writing_ = false;
                if (failed_) return;
                if (failure) return fail("the connection broke: " + failure.message());
                pump();
            });
        } else if (error) {
            return fail("the connection broke: " + error.message());
        }
    }
}

void AmqpClient::fail(const std::string& reason) {
    if (failed_) return;
    failed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (callbacks_.failed) callbacks_.failed(reason);
}

namespace {

constexpr std::size_t header_bytes = 7;
// application-properties, a map of 12 bytes with two elements, the string "key", a string of five.
constexpr char key_section[] = "\x00\x53\x74\xc1\x0d\x02\xa1\x03key\xa1\x05k0000";
constexpr std::size_t key_at = header_bytes + 13;

}  // namespace

std::string key_of(std::uint32_t number) {
    const auto digits = std::to_string(number % 10000);
    return "k" + std::string(4 - digits.size(), '0') + digits;
}

void set_key(std::string& encoded, std::uint32_t number) { encoded.replace(key_at, 5, key_of(number)); }

std::string encode_message(std::size_t bytes, bool durable, bool has_key) {
    std::string encoded;
    // header: described list 0x70 with one field, durable.
    encoded += std::string("\x00\x53\x70\xc0\x02\x01", 6);
    encoded += durable ? '\x41' : '\x42';
    // data: described binary 0x75.
    if (has_key) encoded += std::string(key_section, sizeof(key_section) - 1);
    encoded += std::string("\x00\x53\x75\xb0", 4);
    for (int shift = 24; shift >= 0; shift -= 8) encoded += static_cast<char>((bytes >> shift) & 0xffU);
    encoded += std::string(bytes, 'x');
    return encoded;
}

}  // namespace giromq::bench
