#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "config/errc.hpp"
#include "model/destination.hpp"
#include "model/user.hpp"

/// The configuration of giromqd as values. The defaults of every field are those of schemas/giromq-config.xsd (a test compares them);
/// ranges are there too. Sizes are bytes, times milliseconds.
namespace giromq::config {

/// Where a part of a configuration was written, for messages; line 0 if it was not (a default, or the command line).
struct Origin {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    /// Where something was written is no part of what it is.
    friend constexpr bool operator==(const Origin&, const Origin&) { return true; }
};

enum class Mechanism : std::uint8_t { anonymous, plain, scram_sha_256, external };
enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

struct BrokerConfig {
    std::string name = "giromq";  // the AMQP container id
    std::string data_directory = "/var/lib/giromq";
    log::Level log_level = log::Level::info;
    std::uint32_t io_threads = 0;                   // 0: as many as there are processors
    std::uint32_t busy_wait_us = 500;               // 0: threads without work sleep at once
    std::chrono::milliseconds stop_timeout{20000};  // until what is under way is durable
    std::chrono::milliseconds close_timeout{1000};  // until clients have answered the close

    friend bool operator==(const BrokerConfig&, const BrokerConfig&) = default;
};

struct ListenerConfig {
    std::string host = "127.0.0.1";
    std::uint16_t port = 5672;  // 0: any that is free
    bool tls = false;
    std::optional<std::vector<Mechanism>> mechanisms;  // nothing: those of SaslConfig
    Origin origin;

    friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

struct AmqpConfig {
    std::vector<ListenerConfig> listeners{ListenerConfig{}};
    std::chrono::milliseconds idle_timeout{60000};  // 0: none
    std::uint32_t max_frame_bytes = 256 * 1024;
    std::uint64_t max_message_bytes = 100u << 20;
    std::uint16_t sessions_max = 1024;
    std::uint32_t links_max = 4096;
    std::uint64_t session_window_bytes = 2u << 20;
    std::uint64_t output_window_bytes = 512 * 1024;
    std::uint32_t bytes_before_authentication = 16 * 1024;
    std::chrono::milliseconds authentication_timeout{10000};
    std::uint32_t connections_max = 10000;
    std::uint32_t connections_per_address_max = 2000;
    std::uint32_t connections_per_user_max = 2000;
    Origin origin;

    friend bool operator==(const AmqpConfig&, const AmqpConfig&) = default;
};

struct TlsConfig {
    std::string certificate_file;
    std::string private_key_file;
    std::string private_key_password;  // a reference, see resolve_secret(); empty for none
    std::string client_ca_file;        // empty: client certificates are not asked for
    std::string crl_file;              // empty: what authorities have withdrawn is not looked at
    bool require_client_certificate = false;
    TlsVersion minimum_version = TlsVersion::tls_1_2;
    std::string ciphers =  // TLS 1.2, in OpenSSL's words
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
    std::string cipher_suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";  // TLS 1.3
    std::chrono::milliseconds reload_interval{60000};                                                          // 0: never
    Origin origin;

    friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

/// Which authority may make certificates for whom; as security::CertificateRule.
struct CertificateConfig {
    std::string authority;
    std::string subject;
    std::string user;

    friend bool operator==(const CertificateConfig&, const CertificateConfig&) = default;
};

struct SaslConfig {
    std::vector<Mechanism> mechanisms{Mechanism::scram_sha_256, Mechanism::plain};
    bool allow_remote_anonymous = false;
    Role anonymous_role = Role::application;
    // Over AMQP and HTTP alike.
    std::uint32_t login_failures_max = 5;  // 0: never locked
    std::chrono::milliseconds login_lock_max{15 * 60 * 1000};
    std::vector<CertificateConfig> certificates{};  // in the order in which they are tried
    Origin origin;

    friend bool operator==(const SaslConfig&, const SaslConfig&) = default;
};

struct HttpConfig {
    bool enabled = true;
    std::string host = "127.0.0.1";
    std::uint16_t port = 8161;  // 0: any that is free
    bool tls = false;
    std::uint32_t requests_per_second_max = 1000;  // of one address; 0: any number
    Origin origin;

    friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

struct CoreConfig {
    std::uint64_t memory_bytes = 64u << 20;
    std::uint64_t queue_window_bytes = 2u << 20;
    std::uint32_t queue_window_messages = 4096;
    std::uint32_t producer_window = 1000;
    std::uint32_t consumer_unsettled_max = 20000;
    bool create_queues = false;
    std::uint32_t destinations_max = 100000;
    std::uint32_t producers_max = 10000;
    std::chrono::milliseconds transaction_timeout{5 * 60 * 1000};
    std::uint64_t transaction_bytes = 64u << 20;
    std::uint32_t transaction_operations = 10000;
    std::uint32_t transactions_max = 1000;
    std::uint32_t branches_max = 100'000;
    std::chrono::milliseconds in_doubt_alarm{5 * 60 * 1000};  // 0: never
    Origin origin;

    friend bool operator==(const CoreConfig&, const CoreConfig&) = default;
};

struct StoreConfig {
    std::uint32_t page_bytes = 4096;
    std::uint64_t checkpoint_bytes = 16u << 20;
    std::uint64_t wal_bytes = 32u << 20;
    std::uint64_t reserve_bytes = 8u << 20;
    Origin origin;

    friend bool operator==(const StoreConfig&, const StoreConfig&) = default;
};

/// Where alarms rise; 0: never. The warning for transactions in doubt is core's in_doubt_alarm.
struct AlarmsConfig {
    std::chrono::milliseconds in_doubt_critical{60 * 60 * 1000};
    std::uint64_t dead_letter_warning = 1;
    std::uint64_t dead_letter_critical = 1000;
    std::chrono::milliseconds commit_warning{250};
    std::chrono::milliseconds commit_critical{2000};
    std::uint64_t disk_warning_bytes = 1ull << 30;
    std::uint64_t disk_critical_bytes = 256ull << 20;
    std::chrono::milliseconds certificate_warning{std::chrono::hours(30 * 24)};
    std::chrono::milliseconds certificate_critical{std::chrono::hours(7 * 24)};
    std::chrono::milliseconds revocation_warning{std::chrono::hours(24)};
    std::chrono::milliseconds revocation_critical{std::chrono::hours(1)};
    std::uint64_t memory_warning_bytes = 2ull << 30;
    std::uint64_t memory_critical_bytes = 4ull << 30;
    Origin origin;

    friend bool operator==(const AlarmsConfig&, const AlarmsConfig&) = default;
};

struct QueueConfig {
    DestinationSettings settings;  // origin: configured
    Origin origin;

    friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

/// A selector that clients name instead of sending it.
struct SelectorConfig {
    std::string name;
    std::string file;
    Origin origin;

    friend bool operator==(const SelectorConfig&, const SelectorConfig&) = default;
};

struct Config {
    std::string source;  // the file it was read from, for messages; empty for built-in ones
    BrokerConfig broker;
    AmqpConfig amqp;
    TlsConfig tls;
    SaslConfig sasl;
    HttpConfig http;
    CoreConfig core;
    StoreConfig store;
    AlarmsConfig alarms;
    DestinationSettings queue_defaults;  // its name, kind and origin mean nothing
    std::vector<QueueConfig> queues;     // with the defaults filled in
    std::vector<SelectorConfig> selectors;

    /// Of a listener: its own, or those of sasl.
    const std::vector<Mechanism>& mechanisms_of(const ListenerConfig& listener) const {
        return listener.mechanisms ? *listener.mechanisms : sasl.mechanisms;
    }
};

/// What an empty configuration file means.
Config default_config();

/// `giromqd --dev`: loopback only, nobody needs to log in, whoever is anonymous is administrator, queues are created on first use, and
/// the store is in the folder giromq-data of the current one.
Config dev_config();

/// Reads a configuration: bounded, validated against the schema, ranges and combinations checked (check()). `source` names it in messages.
/// Relative paths stay as they are. Opens no file. Thread-safe. Errors: invalid, out_of_range, not_allowed.
Result<Config> parse_config(std::string_view text, std::string source = "configuration");

/// Reads the file, of at most 4 MiB; relative paths in it start from its folder. Errors: cannot_read, and those of parse_config.
Result<Config> load_config(const std::string& file);

/// Whether the options go together. To be called again after the command line has changed some. Errors: not_allowed.
Result<void> check(const Config& config);

/// `--check-config`: whether the files that are named exist and can be read, and secrets can be found. Errors: cannot_read,
/// secret_not_found.
Result<void> check_files(const Config& config);

/// The secret that "file:PATH" (its first line, at most 4096 bytes) or "env:NAME" refers to. Errors: secret_not_found.
Result<std::string> resolve_secret(std::string_view reference);

/// The text of the selector, in SQL or XML, of at most 16 KiB; whether it is one is for selector/ to say. Errors: cannot_read.
Result<std::string> read_selector(const SelectorConfig& selector);

/// A host and a port as people write them: "127.0.0.1:5672", "[::1]:5672", "broker.bank.example:5671".
struct Endpoint {
    std::string host;  // without brackets
    std::uint16_t port = 0;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// For --amqp HOST:PORT and --http HOST:PORT. Errors: invalid.
Result<Endpoint> parse_endpoint(std::string_view text);

/// Whether only this machine can reach the address: 127.0.0.0/8, ::1, or the name localhost.
bool is_loopback(std::string_view host);

std::string_view name_of(Mechanism mechanism);  // as in the configuration: "scram-sha-256"

}  // namespace giromq::config
