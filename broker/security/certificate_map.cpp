#include "security/certificate_map.hpp"

#include <algorithm>
#include <utility>

namespace giromq::security {
namespace {

/// Digests as people copy them: with colons or spaces, in capitals.
std::string plain_digest(const std::string& text) {
    std::string digest;
    for (const char character : text) {
        if (character >= 'A' && character <= 'F')
            digest += static_cast<char>(character - 'A' + 'a');
        else if (character > ' ' && character != ':')
            digest += character;
    }
    return digest;
}

bool fits(const CertificateRule& rule, const ClientCertificate& certificate) {
    const auto& authorities = certificate.authorities;
    if (std::find(authorities.begin(), authorities.end(), rule.authority) == authorities.end()) return false;
    if (!rule.subject.empty()) return rule.subject == certificate.subject;
    return rule.user == "*" || rule.user == certificate.common_name;
}

}  // namespace

CertificateMap::CertificateMap(std::vector<CertificateRule> rules) : rules_(std::move(rules)) {
    for (auto& rule : rules_) rule.authority = plain_digest(rule.authority);
}

std::string CertificateMap::user_of(const ClientCertificate& certificate) const {
    if (rules_.empty()) return certificate.common_name;
    for (const auto& rule : rules_) {
        if (fits(rule, certificate)) return rule.user == "*" ? certificate.common_name : rule.user;
    }
    return {};
}

}  // namespace giromq::security
