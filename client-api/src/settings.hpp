#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace giromq::detail {

/// Everything that a URI with its options says; see connection_factory.hpp for the meaning of each option.
struct Settings {
    bool tls = false;
    std::string host = "127.0.0.1";
    std::uint16_t port = 5672;
    std::string user;
    std::string password;
    std::string client_id;

    std::uint32_t prefetch = 1000;
    std::chrono::milliseconds connect_timeout{10000};
    std::uint32_t connect_attempts = 1;
    std::chrono::milliseconds request_timeout{30000};
    std::chrono::milliseconds send_timeout{0};
    std::chrono::milliseconds close_timeout{10000};
    std::chrono::milliseconds idle_timeout{60000};
    std::chrono::milliseconds transaction_ahead{1000};
    bool xa_pipeline = true;
    std::uint64_t max_message_bytes = 128u << 20;

    bool reconnect = true;
    std::chrono::milliseconds reconnect_delay{100};
    std::chrono::milliseconds reconnect_max_delay{10000};
    std::uint32_t reconnect_attempts = 0;
    std::chrono::milliseconds reconnect_timeout{0};

    std::vector<std::string> sasl_mechanisms;  // empty: all
    std::string tls_ca_file;
    std::string tls_certificate_file;
    std::string tls_key_file;
    bool tls_verify_peer = true;

    /// "host:port", with an IPv6 address in brackets.
    std::string address() const;
    /// The URI without user, password and options.
    std::string uri() const;
};

/// Throws JMSException that names what is wrong; never repeats a password.
Settings parse_uri(std::string_view uri);

/// Throws JMSException for an unknown name or a value out of range.
void set_option(Settings& settings, std::string_view name, std::string_view value);

}  // namespace giromq::detail
