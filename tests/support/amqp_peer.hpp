#pragma once

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace giromq::test {

/// A small AMQP 1.0 client over the Proton engine, in memory: the test moves the bytes. It only keeps what happened; what to do about
/// it is the test's business.
class AmqpPeer {
public:
    struct Options {
        std::string container = "peer";
        std::string user;  // empty: ANONYMOUS
        std::string password;
        bool sole_connection = false;
        std::uint32_t max_frame = 0;
        std::uint32_t idle_timeout_ms = 0;
    };
    struct Received {
        pn_link_t* link = nullptr;
        pn_delivery_t* delivery = nullptr;
        std::string bytes;
        bool settled = false;
    };

    AmqpPeer() : AmqpPeer(Options{}) {}
    explicit AmqpPeer(const Options& options) {
        if (pn_connection_driver_init(&driver_, nullptr, nullptr) != 0) throw std::bad_alloc();
        pn_connection_set_container(driver_.connection, options.container.c_str());
        pn_sasl_t* const sasl = pn_sasl(driver_.transport);
        pn_sasl_set_allow_insecure_mechs(sasl, true);
        if (options.user.empty()) {
            pn_sasl_allowed_mechs(sasl, "ANONYMOUS");
        } else {
            pn_connection_set_user(driver_.connection, options.user.c_str());
            pn_connection_set_password(driver_.connection, options.password.c_str());
            pn_sasl_allowed_mechs(sasl, "PLAIN");
        }
        if (options.max_frame != 0) pn_transport_set_max_frame(driver_.transport, options.max_frame);
        if (options.idle_timeout_ms != 0) pn_transport_set_idle_timeout(driver_.transport, options.idle_timeout_ms);
        if (options.sole_connection) {
            pn_data_t* const desired = pn_connection_desired_capabilities(driver_.connection);
            constexpr std::string_view name = "sole-connection-for-container";
            pn_data_put_symbol(desired, pn_bytes(name.size(), name.data()));
        }
        pn_connection_open(driver_.connection);
        process();
    }
    ~AmqpPeer() { pn_connection_driver_destroy(&driver_); }
    AmqpPeer(const AmqpPeer&) = delete;
    AmqpPeer& operator=(const AmqpPeer&) = delete;

    // The wire

    std::vector<std::uint8_t> take_output() {
        std::vector<std::uint8_t> bytes;
        while (true) {
            const pn_bytes_t part = pn_connection_driver_write_buffer(&driver_);
            if (part.size == 0) break;
            bytes.insert(bytes.end(), part.start, part.start + part.size);
            pn_connection_driver_write_done(&driver_, part.size);
        }
        process();
        return bytes;
    }
    void input(std::span<const std::uint8_t> bytes) {
        while (!bytes.empty()) {
            const pn_rwbytes_t room = pn_connection_driver_read_buffer(&driver_);
            if (room.size == 0) return;
            const std::size_t count = std::min(room.size, bytes.size());
            std::memcpy(room.start, bytes.data(), count);
            pn_connection_driver_read_done(&driver_, count);
            bytes = bytes.subspan(count);
            process();
        }
    }
    std::int64_t tick(std::int64_t now_ms) {
        const std::int64_t next = pn_transport_tick(driver_.transport, now_ms);
        process();
        return next;
    }

    // Sessions and links

    pn_session_t* begin() {
        pn_session_t* const session = pn_session(driver_.connection);
        pn_session_open(session);
        return session;
    }
    pn_session_t* session() {
        if (session_ == nullptr) session_ = begin();
        return session_;
    }
    /// A sender to `address`; nullptr for the anonymous relay.
    pn_link_t* sender(const char* address, const char* name = nullptr, pn_session_t* on = nullptr) {
        pn_link_t* const link = pn_sender(on == nullptr ? session() : on, name == nullptr ? next_name().c_str() : name);
        pn_terminus_set_type(pn_link_target(link), PN_TARGET);
        if (address != nullptr) pn_terminus_set_address(pn_link_target(link), address);
        return link;
    }
    pn_link_t* receiver(const char* address, const char* name = nullptr, pn_session_t* on = nullptr) {
        pn_link_t* const link = pn_receiver(on == nullptr ? session() : on, name == nullptr ? next_name().c_str() : name);
        if (address != nullptr) pn_terminus_set_address(pn_link_source(link), address);
        return link;
    }
    pn_link_t* open(pn_link_t* link) {
        pn_link_open(link);
        return link;
    }

    // Messages

    pn_delivery_t* begin_send(pn_link_t* link) {
        std::string tag = std::to_string(++tag_);
        return pn_delivery(link, pn_dtag(tag.data(), tag.size()));
    }
    pn_delivery_t* send(pn_link_t* link, std::string_view bytes, bool settled = false) {
        pn_delivery_t* const delivery = begin_send(link);
        pn_link_send(link, bytes.data(), bytes.size());
        pn_link_advance(link);
        if (settled) pn_delivery_settle(delivery);
        return delivery;
    }
    /// Sends when and as the link has credit.
    static std::string rejection(pn_delivery_t* delivery) {
        const char* const name = pn_condition_get_name(pn_disposition_condition(pn_delivery_remote(delivery)));
        return name == nullptr ? "" : name;
    }
    static std::string description(pn_delivery_t* delivery) {
        const char* const text = pn_condition_get_description(pn_disposition_condition(pn_delivery_remote(delivery)));
        return text == nullptr ? "" : text;
    }

    std::vector<Received> received;
    std::uint32_t aborted = 0;
    std::uint32_t flows = 0;  // link flow events from the broker

    std::vector<Received> take_received() { return std::exchange(received, {}); }

    // Ends

    static std::string condition_of(pn_condition_t* condition) {
        if (condition == nullptr || !pn_condition_is_set(condition)) return "";
        return pn_condition_get_name(condition);
    }
    std::string close_condition() { return condition_of(pn_connection_remote_condition(driver_.connection)); }
    std::string transport_condition() { return condition_of(pn_transport_condition(driver_.transport)); }
    static std::string link_condition(pn_link_t* link) { return condition_of(pn_link_remote_condition(link)); }
    static bool is_attached(pn_link_t* link) { return (pn_link_state(link) & PN_REMOTE_ACTIVE) != 0; }
    static bool is_closed(pn_link_t* link) { return (pn_link_state(link) & PN_REMOTE_CLOSED) != 0; }
    bool is_open() { return (pn_connection_state(driver_.connection) & PN_REMOTE_ACTIVE) != 0; }
    bool is_closed() { return (pn_connection_state(driver_.connection) & PN_REMOTE_CLOSED) != 0; }
    bool login_failed() { return pn_sasl_outcome(pn_sasl(driver_.transport)) == PN_SASL_AUTH; }
    void close() { pn_connection_close(driver_.connection); }

    pn_connection_t* connection() { return driver_.connection; }
    pn_transport_t* transport() { return driver_.transport; }

private:
    std::string next_name() { return "link-" + std::to_string(++name_); }

    void process() {
        while (pn_event_t* const event = pn_connection_driver_next_event(&driver_)) {
            if (pn_event_type(event) == PN_DELIVERY) read(pn_event_delivery(event));
            if (pn_event_type(event) == PN_LINK_FLOW) ++flows;
        }
    }
    void read(pn_delivery_t* delivery) {
        pn_link_t* const link = pn_delivery_link(delivery);
        if (!pn_link_is_receiver(link) || pn_link_current(link) != delivery) return;
        if (pn_delivery_aborted(delivery)) {
            ++aborted;
            partial_.erase(link);
            pn_delivery_settle(delivery);
            return;
        }
        std::string& bytes = partial_[link];
        const std::size_t pending = pn_delivery_pending(delivery);
        const std::size_t before = bytes.size();
        bytes.resize(before + pending);
        if (pending > 0) pn_link_recv(link, bytes.data() + before, pending);
        if (pn_delivery_partial(delivery)) return;
        received.push_back(Received{link, delivery, std::move(bytes), pn_delivery_settled(delivery)});
        partial_.erase(link);
        if (received.back().settled) {
            pn_delivery_settle(delivery);
        } else {
            pn_link_advance(link);
        }
    }

    pn_connection_driver_t driver_{};
    pn_session_t* session_ = nullptr;
    std::map<pn_link_t*, std::string> partial_;
    std::uint64_t tag_ = 0;
    std::uint64_t name_ = 0;
};

}  // namespace giromq::test
