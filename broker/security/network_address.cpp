#include "security/network_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace giromq::security {
namespace {

constexpr std::size_t ipv6_network_bytes = 8;

}  // namespace

std::string network_of(std::string_view host) {
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    const std::string plain(is_bracketed ? host.substr(1, host.size() - 2) : host);
    std::array<char, sizeof(in6_addr)> address{};
    if (::inet_pton(AF_INET6, plain.c_str(), address.data()) != 1) return plain;
    std::fill(address.begin() + ipv6_network_bytes, address.end(), '\0');
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(AF_INET6, address.data(), text.data(), text.size()) == nullptr) return plain;
    return std::string(text.data()) + "/64";
}

}  // namespace giromq::security
