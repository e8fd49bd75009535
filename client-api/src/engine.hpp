#pragma once

#include <proton/connection_driver.h>
#include <proton/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "failure.hpp"
#include "sasl_client.hpp"
#include "settings.hpp"

namespace giromq::detail {

/// The Proton engine of one established transport: bytes in, bytes out. It ends with the transport; a new one begins with nothing.
/// Threads: under the connection's mutex.
class Engine {
public:
    Engine(const Settings& settings, const std::string& container_id, bool sole_connection, Credentials credentials);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    pn_connection_t* connection() { return driver_.connection; }

    /// Copies as many bytes into the engine as it takes now; the events have to be handled before it takes more.
    std::size_t input(std::span<const char> bytes);
    void input_closed() { pn_connection_driver_read_close(&driver_); }
    pn_event_t* next_event() { return pn_connection_driver_next_event(&driver_); }

    /// What is to be written; valid until the next call of any method.
    std::span<const char> output();
    void output_done(std::size_t bytes) { pn_connection_driver_write_done(&driver_, bytes); }
    void output_closed() { pn_connection_driver_write_close(&driver_); }

    /// Tells the engine the time (milliseconds of a steady clock); returns when to be called next, 0 for never.
    std::int64_t tick(std::int64_t now_ms);

    // What the other end said in its open frame.
    std::string remote_property(const char* name) const;
    bool remote_flag(const char* name) const;
    bool remote_offers(std::string_view capability) const;

    /// Why the transport ended before or without a close frame, as a failure.
    Failure transport_failure(const std::string& address) const;
    bool trustworthy() const { return sasl_->trustworthy(); }
    /// The slow part of a login, to be done without the mutex; see SaslClient.
    SaslClient::Work take_login_work() { return sasl_->take_work(); }
    void answer_login(std::string bytes) { sasl_->answer(std::move(bytes)); }

private:
    pn_connection_driver_t driver_{};
    std::unique_ptr<SaslClient> sasl_;
};

/// Condition and description of a remote condition, both empty if there is none.
Failure failure_of(pn_condition_t* condition, const std::string& what);

}  // namespace giromq::detail
