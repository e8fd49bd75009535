#include "net/revocation.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "net/certificate.hpp"

namespace giromq::net {
namespace {

using CrlPointer = std::unique_ptr<X509_CRL, void (*)(X509_CRL*)>;

// Lists of the largest authorities have some MiB.
constexpr off_t file_bytes_max = 64 << 20;
constexpr std::size_t lists_max = 256;

Error wrong(const std::string& file, const std::string& sentence) {
    return Error(errc::tls_files, "the revocation lists in " + file + ": " + sentence);
}

Result<std::vector<CrlPointer>> read_lists(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return wrong(file, "the file cannot be read");
    if (status.st_size > file_bytes_max) return wrong(file, "the file is larger than 64 MiB");
    const std::unique_ptr<BIO, int (*)(BIO*)> input(BIO_new_file(file.c_str(), "r"), BIO_free);
    if (!input) return wrong(file, "the file cannot be read");
    std::vector<CrlPointer> lists;
    for (;;) {
        CrlPointer list(PEM_read_bio_X509_CRL(input.get(), nullptr, nullptr, nullptr), X509_CRL_free);
        if (!list) break;
        if (lists.size() == lists_max) return wrong(file, "there are more than 256");
        lists.push_back(std::move(list));
    }
    // Only the end of the file may end it: half a list must not look like none.
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end) return wrong(file, "one of them is damaged");
    if (lists.empty()) return wrong(file, "there is none, in PEM");
    return lists;
}

/// The list must be valid now; whether it still is, is looked at by every verification.
Result<RevocationList> check_validity(const X509_CRL* list, const std::string& file) {
    const std::string issuer = name_text(X509_CRL_get_issuer(list));
    const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list);
    if (next == nullptr) return wrong(file, "that of " + issuer + " does not say until when it holds");
    if (X509_cmp_current_time(next) <= 0) return wrong(file, "that of " + issuer + " has expired");
    if (X509_cmp_current_time(X509_CRL_get0_lastUpdate(list)) >= 0) return wrong(file, "that of " + issuer + " is not valid yet");
    return RevocationList{issuer, to_timestamp(next)};
}

bool is_of(X509_CRL* list, const X509* authority) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(authority)) != 0) return false;
    EVP_PKEY* const key = X509_get0_pubkey(authority);
    const bool verified = key != nullptr && X509_CRL_verify(list, key) == 1;
    ERR_clear_error();
    return verified;
}

/// Without its list every certificate of an authority would be refused; better said at once.
Result<void> check_authorities(X509_STORE* authorities, const std::vector<CrlPointer>& lists, const std::string& file) {
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(authorities);
    for (int index = 0; index < sk_X509_OBJECT_num(objects); ++index) {
        X509* const authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, index));
        if (authority == nullptr || X509_check_ca(authority) == 0) continue;
        const auto is_its_own = [authority](const CrlPointer& list) { return is_of(list.get(), authority); };
        if (std::any_of(lists.begin(), lists.end(), is_its_own)) continue;
        return wrong(file, "there is none that " + name_text(X509_get_subject_name(authority)) + " has signed");
    }
    return {};
}

bool is_of_revocation_lists(int error) {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_CRL:
        case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
        case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        case X509_V_ERR_CRL_NOT_YET_VALID:
        case X509_V_ERR_CRL_HAS_EXPIRED:
        case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return true;
        default: return false;
    }
}

}  // namespace

Result<std::vector<RevocationList>> use_revocation_lists(X509_STORE* authorities, const std::string& file) {
    const auto lists = read_lists(file);
    if (!lists) return lists.error();
    if (auto checked = check_authorities(authorities, *lists, file); !checked) return checked.error();
    std::vector<RevocationList> used;
    for (const auto& list : *lists) {
        auto valid = check_validity(list.get(), file);
        if (!valid) return valid.error();
        used.push_back(std::move(*valid));
        if (X509_STORE_add_crl(authorities, list.get()) != 1) return wrong(file, "that of " + used.back().issuer + " cannot be used");
    }
    X509_STORE_set_flags(authorities, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return used;
}

/// The chain ends at a certificate that the configuration trusts. Where that is an intermediate one, nobody above it is known who could
/// have withdrawn it, so that a list is not missed there (RFC 5280 §6.1: the trust anchor is no part of the path).
int verify_below_the_trusted_one(int verified, X509_STORE_CTX* context) {
    if (verified == 1) return 1;
    const int last = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
    if (X509_STORE_CTX_get_error_depth(context) != last || !is_of_revocation_lists(X509_STORE_CTX_get_error(context))) return 0;
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
}

}  // namespace giromq::net
