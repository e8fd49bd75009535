#include "net/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <memory>

namespace giromq::net {
namespace {

std::string common_name_of(const X509* certificate) {
    X509_NAME* const subject = X509_get_subject_name(certificate);
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    // Two names would leave it open who it is.
    if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) return {};
    unsigned char* text = nullptr;
    const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    if (length < 0) return {};
    const std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
    OPENSSL_free(text);
    const bool clean = std::all_of(name.begin(), name.end(), [](char character) {
        const auto code = static_cast<unsigned char>(character);
        return code >= ' ' && code != 0x7f;
    });
    return clean ? name : std::string();
}

/// Empty if the library has failed; nothing is equal to that.
std::string digest_of(const X509* certificate) {
    constexpr const char* digits = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (X509_digest(certificate, EVP_sha256(), bytes, &size) != 1) return {};
    std::string text;
    for (unsigned int index = 0; index < size; ++index) {
        text += digits[bytes[index] >> 4];
        text += digits[bytes[index] & 15];
    }
    return text;
}

}  // namespace

std::string name_text(const X509_NAME* name) {
    const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
    if (!text || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
    char* begin = nullptr;
    const long length = BIO_get_mem_data(text.get(), &begin);
    return length > 0 ? std::string(begin, static_cast<std::size_t>(length)) : std::string();
}

Timestamp to_timestamp(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return {static_cast<std::int64_t>(::timegm(&parts)) * 1000};
}

security::ClientCertificate client_certificate(SSL* ssl) {
    const X509* const certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
    // The chain as it was verified, not as the client has sent it.
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
    const int length = chain == nullptr ? 0 : sk_X509_num(chain);
    if (length == 0) return {};
    security::ClientCertificate client{common_name_of(certificate), name_text(X509_get_subject_name(certificate)), {}};
    for (int index = length == 1 ? 0 : 1; index < length; ++index) client.authorities.push_back(digest_of(sk_X509_value(chain, index)));
    return client;
}

}  // namespace giromq::net
