#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/errc.hpp"

namespace giromq::net {

/// Which certificates an authority has withdrawn, until when the list holds.
struct RevocationList {
    std::string issuer;  // RFC 2253
    Timestamp next_update;
};

/// From now on certificates are verified against the lists in the file (PEM, RFC 5280 §5), each one below a trusted one: those that are
/// listed are refused, and so are those of an authority of which there is no list, or none that is valid at that time. What is trusted
/// itself is not asked for. Every authority in `authorities` must have a list there. Errors: tls_files, also for a list that is not valid
/// now.
Result<std::vector<RevocationList>> use_revocation_lists(X509_STORE* authorities, const std::string& file);

/// For SSL_CTX_set_verify, where there are lists.
int verify_below_the_trusted_one(int verified, X509_STORE_CTX* context);

}  // namespace giromq::net
