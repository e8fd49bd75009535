#include "net/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::net::errc>::text(net::errc code) {
    switch (code) {
        case net::errc::invalid_address: return "invalid address";
        case net::errc::listen_failed: return "cannot listen";
        case net::errc::tls_files: return "unusable certificate or key";
        case net::errc::tls_failed: return "TLS failed";
    }
    return "unknown error";
}
