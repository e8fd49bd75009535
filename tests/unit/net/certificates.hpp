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

/// With these common names; signed by itself, or by `issuer`, and then an authority only if that is said. With a new key, or with `key`.
inline Identity make_identity(const std::vector<std::string>& common_names, const Identity* issuer = nullptr, bool is_authority = false,
                              const KeyPointer& key = nullptr) {
    static long serial = 1;
    Identity made{key ? key : KeyPointer(EVP_EC_gen("P-256"), EVP_PKEY_free), CertificatePointer(X509_new(), X509_free)};
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

/// What the authority has withdrawn, in PEM; valid from and until so many seconds from now.
inline std::string revocation_list(const Identity& authority, const std::vector<Identity>& withdrawn, long from_s = -60,
                                   long until_s = 600) {
    const std::unique_ptr<X509_CRL, void (*)(X509_CRL*)> list(X509_CRL_new(), X509_CRL_free);
    const std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)> time(ASN1_TIME_new(), ASN1_TIME_free);
    X509_CRL_set_version(list.get(), 1);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.certificate.get()));
    X509_gmtime_adj(time.get(), from_s);
    X509_CRL_set1_lastUpdate(list.get(), time.get());
    for (const auto& one : withdrawn) {
        X509_REVOKED* const entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one.certificate.get()));
        X509_REVOKED_set_revocationDate(entry, time.get());
        X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_gmtime_adj(time.get(), until_s);
    X509_CRL_set1_nextUpdate(list.get(), time.get());
    const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
    if (X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) == 0 || PEM_write_bio_X509_CRL(text.get(), list.get()) != 1) {
        throw std::runtime_error("a revocation list could not be made");
    }
    char* begin = nullptr;
    const long length = BIO_get_mem_data(text.get(), &begin);
    return {begin, static_cast<std::size_t>(length)};
}

using FilePointer = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// `mode` "a" adds it to the file.
inline void write_certificate(const Identity& identity, const std::string& path, const char* mode = "w") {
    const FilePointer file(std::fopen(path.c_str(), mode), std::fclose);
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
