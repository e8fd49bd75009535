#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::net {

enum class errc {
    invalid_address = 1,  // not HOST:PORT, or the host is unknown
    listen_failed,        // the address is taken, or may not be used
    tls_files,            // a certificate or key cannot be read, or they do not fit together
    tls_failed,           // the TLS library failed
};

}  // namespace giromq::net

template <>
struct giromq::ErrcTraits<giromq::net::errc> {
    static constexpr std::string_view module = "net";
    static std::string_view text(net::errc code);
};
