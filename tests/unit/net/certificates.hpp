#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Certificates made on the spot.
namespace giromq::test {

using KeyPointer = std::shared_ptr<EVP_PKEY>;
using CertificatePointer = std::shared_ptr<X509>;

struct Identity {
    KeyPointer key;
    CertificatePointer certificate;
};

/// With these common names; signed by itself, or by `issuer`, and then an authority only if that is said.
inline Identity make_identity(const std::vector<std::string>& common_names, const Identity* issuer = nullptr, bool is_authority = false) {
    static long serial = 1;
    Identity made{KeyPointer(EVP_EC_gen("P-256"), EVP_PKEY_free), CertificatePointer(X509_new(), X509_free)};
    X509* const certificate = made.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME* const subject = X509_get_subject_name(certificate);
    for (const auto& name : common_names) {
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.data()),
                                   static_cast<int>(name.size()), -1, 0);
    }
    const Identity& signer = issuer != nullptr ? *issuer : made;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer.certificate.get(), certificate, nullptr, nullptr, 0);
    if (issuer == nullptr || is_authority) {
        X509_EXTENSION* const authority = X509V3_EXT_conf_nid(nullptr, &context, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(certificate, authority, -1);
        X509_EXTENSION_free(authority);
    }
    if (X509_sign(certificate, signer.key.get(), EVP_sha256()) == 0) throw std::runtime_error("a certificate could not be made");
    return made;
}

using FilePointer = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

inline void write_certificate(const Identity& identity, const std::string& path) {
    const FilePointer file(std::fopen(path.c_str(), "w"), std::fclose);
    if (!file || PEM_write_X509(file.get(), identity.certificate.get()) != 1) throw std::runtime_error("cannot write " + path);
}

inline void write_key(const Identity& identity, const std::string& path, const std::string& password = {}) {
    const FilePointer file(std::fopen(path.c_str(), "w"), std::fclose);
    const EVP_CIPHER* const cipher = password.empty() ? nullptr : EVP_aes_256_cbc();
    std::string copy = password;
    if (!file || PEM_write_PKCS8PrivateKey(file.get(), identity.key.get(), cipher, copy.empty() ? nullptr : copy.data(),
                                           static_cast<int>(copy.size()), nullptr, nullptr) != 1) {
        throw std::runtime_error("cannot write " + path);
    }
}

}  // namespace giromq::test
