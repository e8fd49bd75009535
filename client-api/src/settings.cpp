#include "settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>

#include "giromq/exceptions.hpp"

namespace giromq::detail {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw JMSException(what, "giromq:invalid-uri"); }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Percent-decoding (RFC 3986 §2.1).
std::string decode(std::string_view text, const char* where) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
        if (high < 0 || low < 0)
            refuse(std::string("The ") + where + " in the URI has a '%' that is not followed by two hexadecimal digits; write '%' as %25.");
        out += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return out;
}

std::uint64_t number(std::string_view name, std::string_view value, std::uint64_t low, std::uint64_t high) {
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc{} || end != value.data() + value.size() || result < low || result > high) {
        refuse("The option '" + std::string(name) + "' takes a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
               ", not '" + std::string(value) + "'.");
    }
    return result;
}

bool boolean(std::string_view name, std::string_view value) {
    if (value == "true") return true;
    if (value == "false") return false;
    refuse("The option '" + std::string(name) + "' takes true or false, not '" + std::string(value) + "'.");
}

constexpr std::uint64_t longest_ms = 24ULL * 60 * 60 * 1000 * 365;

struct Option {
    std::string_view name;
    void (*set)(Settings&, std::string_view name, std::string_view value);
};

template <auto Member, std::uint64_t Low, std::uint64_t High>
void set_number(Settings& settings, std::string_view name, std::string_view value) {
    using Type = std::remove_reference_t<decltype(settings.*Member)>;
    settings.*Member = static_cast<Type>(number(name, value, Low, High));
}

template <auto Member, std::uint64_t Low>
void set_time(Settings& settings, std::string_view name, std::string_view value) {
    settings.*Member = std::chrono::milliseconds(number(name, value, Low, longest_ms));
}

template <auto Member>
void set_boolean(Settings& settings, std::string_view name, std::string_view value) {
    settings.*Member = boolean(name, value);
}

template <auto Member>
void set_text(Settings& settings, std::string_view, std::string_view value) {
    settings.*Member = value;
}

void set_mechanisms(Settings& settings, std::string_view name, std::string_view value) {
    static constexpr std::array<std::string_view, 4> known{"SCRAM-SHA-256", "EXTERNAL", "PLAIN", "ANONYMOUS"};
    settings.sasl_mechanisms.clear();
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view one = value.substr(0, comma);
        value.remove_prefix(std::min(comma + 1, value.size()));
        if (std::find(known.begin(), known.end(), one) == known.end()) {
            refuse("The option '" + std::string(name) + "' lists SCRAM-SHA-256, EXTERNAL, PLAIN or ANONYMOUS, separated by commas, not '" +
                   std::string(one) + "'.");
        }
        settings.sasl_mechanisms.emplace_back(one);
    }
}

using S = Settings;
constexpr std::array options{
    Option{"client-id", set_text<&S::client_id>},
    Option{"prefetch", set_number<&S::prefetch, 0, 2000>},
    Option{"connect-timeout-ms", set_time<&S::connect_timeout, 1>},
    Option{"connect.attempts", set_number<&S::connect_attempts, 0, 1000000>},
    Option{"request-timeout-ms", set_time<&S::request_timeout, 1>},
    Option{"send-timeout-ms", set_time<&S::send_timeout, 0>},
    Option{"close-timeout-ms", set_time<&S::close_timeout, 0>},
    Option{"idle-timeout-ms", set_time<&S::idle_timeout, 0>},
    Option{"xa-pipeline", set_boolean<&S::xa_pipeline>},
    Option{"transaction-ahead-ms", set_time<&S::transaction_ahead, 0>},
    Option{"max-message-bytes", set_number<&S::max_message_bytes, 1, (1ULL << 40)>},
    Option{"reconnect", set_boolean<&S::reconnect>},
    Option{"reconnect.delay-ms", set_time<&S::reconnect_delay, 1>},
    Option{"reconnect.max-delay-ms", set_time<&S::reconnect_max_delay, 1>},
    Option{"reconnect.attempts", set_number<&S::reconnect_attempts, 0, 1000000>},
    Option{"reconnect.timeout-ms", set_time<&S::reconnect_timeout, 0>},
    Option{"sasl.mechanisms", set_mechanisms},
    Option{"tls.ca-file", set_text<&S::tls_ca_file>},
    Option{"tls.certificate-file", set_text<&S::tls_certificate_file>},
    Option{"tls.key-file", set_text<&S::tls_key_file>},
    Option{"tls.verify-peer", set_boolean<&S::tls_verify_peer>},
};

void parse_host(Settings& settings, std::string_view rest) {
    std::string_view host = rest;
    std::optional<std::string_view> port;
    if (rest.starts_with('[')) {
        const std::size_t bracket = rest.find(']');
        if (bracket == std::string_view::npos) refuse("The URI has an IPv6 address without its closing bracket.");
        host = rest.substr(1, bracket - 1);
        const std::string_view after = rest.substr(bracket + 1);
        if (!after.empty() && after.front() != ':') refuse("After the IPv6 address in the URI only ':' and a port may follow.");
        if (!after.empty()) port = after.substr(1);
    } else if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
        host = rest.substr(0, colon);
        port = rest.substr(colon + 1);
    }
    if (host.empty()) refuse("The URI names no host; write for example amqp://127.0.0.1:5672.");
    settings.host = decode(host, "host");
    settings.port = settings.tls ? 5671 : 5672;
    if (port) settings.port = static_cast<std::uint16_t>(number("port", *port, 1, 65535));
}

}  // namespace

std::string Settings::address() const {
    const std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return text + ":" + std::to_string(port);
}

std::string Settings::uri() const { return (tls ? "amqps://" : "amqp://") + address(); }

void set_option(Settings& settings, std::string_view name, std::string_view value) {
    for (const Option& option : options) {
        if (option.name == name) return option.set(settings, name, value);
    }
    refuse("There is no option '" + std::string(name) + "'; see the list in giromq/connection_factory.hpp.");
}

Settings parse_uri(std::string_view uri) {
    if (uri.size() > 8192) refuse("The URI is longer than 8192 bytes.");
    Settings settings;
    if (uri.starts_with("amqp://")) {
        uri.remove_prefix(7);
    } else if (uri.starts_with("amqps://")) {
        settings.tls = true;
        uri.remove_prefix(8);
    } else {
        refuse("A broker's URI starts with amqp:// or amqps://, for example amqp://127.0.0.1:5672.");
    }
    const std::size_t question = std::min(uri.find('?'), uri.size());
    std::string_view query = uri.substr(std::min(question + 1, uri.size()));
    std::string_view authority = uri.substr(0, question);
    if (authority.ends_with('/')) authority.remove_suffix(1);
    if (authority.find('/') != std::string_view::npos) refuse("After the port the URI may only have options: amqp://host:port?name=value.");
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view user = authority.substr(0, at);
        const std::size_t colon = std::min(user.find(':'), user.size());
        settings.user = decode(user.substr(0, colon), "user");
        settings.password = decode(user.substr(std::min(colon + 1, user.size())), "password");
        authority.remove_prefix(at + 1);
    }
    parse_host(settings, authority);
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) refuse("The option '" + std::string(pair) + "' in the URI has no value; write name=value.");
        set_option(settings, decode(pair.substr(0, equals), "option"), decode(pair.substr(equals + 1), "option"));
    }
    return settings;
}

}  // namespace giromq::detail
