#pragma once

#include <openssl/types.h>

#include <string>

#include "base/clock.hpp"
#include "security/certificate_map.hpp"

/// What certificates say, as values.
namespace giromq::net {

/// "CN=broker.bank.example,O=Bank": escaped as RFC 2253 says, so that what a name holds stays in its place.
std::string name_text(const X509_NAME* name);

/// Not set if the time cannot be read.
Timestamp to_timestamp(const ASN1_TIME* time);

/// The verified certificate of the other end; empty if there is none, or if it was not verified.
security::ClientCertificate client_certificate(SSL* ssl);

}  // namespace giromq::net
