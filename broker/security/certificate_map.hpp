#pragma once

#include <string>
#include <vector>

namespace giromq::security {

/// What a verified certificate of a client says. Texts of names are those of RFC 2253; a digest is SHA-256 in lower-case hex.
struct ClientCertificate {
    std::string common_name;  // empty if there is no single well-formed one
    std::string subject;      // "CN=ledger,O=Bank"
    /// Digests of the certificates above it in the verified chain, from the one that signed it up to the one that is trusted; of a
    /// certificate that is trusted by itself its own.
    std::vector<std::string> authorities;
};

/// One line of the mapping: certificates below this authority are this user.
struct CertificateRule {
    std::string authority;  // SHA-256 in hex, with colons or without
    std::string subject;    // only the certificate with this name; empty: any, and then its CN is the name of the user
    std::string user;       // "*" for whoever the CN says

    friend bool operator==(const CertificateRule&, const CertificateRule&) = default;
};

/// Whose certificate is whose, so that no authority can make certificates for users of another one. Immutable.
class CertificateMap {
public:
    CertificateMap() = default;
    explicit CertificateMap(std::vector<CertificateRule> rules);

    /// By the first rule that fits; empty if none does. Without any rule it is the CN.
    std::string user_of(const ClientCertificate& certificate) const;

private:
    std::vector<CertificateRule> rules_;
};

}  // namespace giromq::security
