#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "config/config.hpp"

namespace giromq::config {
namespace {

constexpr std::size_t host_bytes_max = 253;

bool is_host(std::string_view host) {
    return !host.empty() && host.size() <= host_bytes_max && std::all_of(host.begin(), host.end(), [](char character) {
        const bool letter = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
        const bool digit = character >= '0' && character <= '9';
        return letter || digit || character == '.' || character == '_' || character == '-' || character == ':' || character == '%';
    });
}

Error no_endpoint(std::string_view text) {
    return Error(errc::invalid, "'" + std::string(text.substr(0, 300)) + "' is not HOST:PORT; write it as 127.0.0.1:5672 or [::1]:5672");
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return no_endpoint(text);
    auto host = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    // Without brackets one could not tell where the address ends and the port begins.
    if (!is_host(host) || bracketed != (host.find(':') != std::string_view::npos)) return no_endpoint(text);
    Endpoint endpoint;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return no_endpoint(text);
    endpoint.host = std::string(host);
    return endpoint;
}

bool is_loopback(std::string_view host) {
    const std::string text(host);
    if (text == "localhost") return true;
    in_addr four{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    in6_addr six{};
    return ::inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace giromq::config
