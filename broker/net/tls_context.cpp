#include "net/tls_context.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <memory>
#include <utility>

namespace giromq::net {
namespace {

using ContextPointer = std::shared_ptr<SSL_CTX>;

constexpr int chain_depth_max = 6;
// A client that shows a longer chain than this many bytes is refused before it is parsed.
constexpr long certificate_list_bytes = 64 * 1024;

Error files_error(const std::string& what, const std::string& file) {
    return Error(errc::tls_files, what + " " + file + ": " + tls_failure());
}

/// What a person can see of a file without reading it.
std::string file_stamp(const std::string& path) {
    struct stat status {};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) return "-;";
    return std::to_string(status.st_ino) + ":" + std::to_string(status.st_size) + ":" + std::to_string(status.st_mtim.tv_sec) + "." +
           std::to_string(status.st_mtim.tv_nsec) + ";";
}

std::string fingerprint_of(const TlsSettings& settings) {
    return file_stamp(settings.certificate_file) + file_stamp(settings.key_file) + file_stamp(settings.client_ca_file);
}

bool restrict_protocol(SSL_CTX* context, const TlsSettings& settings) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(context, certificate_list_bytes);
    const int minimum = settings.tls_1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1) return false;
    if (!settings.cipher_suites.empty() && SSL_CTX_set_ciphersuites(context, settings.cipher_suites.c_str()) != 1) return false;
    // Level 2: keys of at least 112 bits of strength, no SHA-1 signatures, whatever the list of ciphers says.
    SSL_CTX_set_security_level(context, 2);
    return SSL_CTX_set_min_proto_version(context, minimum) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

int give_password(char* buffer, int size, int, void* data) {
    const auto& password = *static_cast<const std::string*>(data);
    if (password.size() > static_cast<std::size_t>(size)) return 0;
    return static_cast<int>(password.copy(buffer, password.size()));
}

Result<void> use_server_certificate(SSL_CTX* context, const TlsSettings& settings) {
    // Set even if there is no password: an encrypted key must not stop the broker at a prompt.
    SSL_CTX_set_default_passwd_cb(context, &give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&settings.key_password));
    if (SSL_CTX_use_certificate_chain_file(context, settings.certificate_file.c_str()) != 1) {
        return files_error("cannot use the certificate", settings.certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context, settings.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return files_error("cannot use the private key", settings.key_file);
    }
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
    if (SSL_CTX_check_private_key(context) != 1) return files_error("the certificate does not belong to the key", settings.key_file);
    return {};
}

Result<void> ask_for_client_certificates(SSL_CTX* context, const TlsSettings& settings) {
    if (settings.client_certificates == ClientCertificates::none) return {};
    if (settings.client_ca_file.empty()) return Error(errc::tls_files, "client certificates need a client CA file");
    if (SSL_CTX_load_verify_locations(context, settings.client_ca_file.c_str(), nullptr) != 1) {
        return files_error("cannot use the client CA file", settings.client_ca_file);
    }
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(settings.client_ca_file.c_str());
    if (names == nullptr) return files_error("cannot use the client CA file", settings.client_ca_file);
    SSL_CTX_set_client_CA_list(context, names);  // takes ownership
    const int required = settings.client_certificates == ClientCertificates::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
    SSL_CTX_set_verify_depth(context, chain_depth_max);
    // Whatever authority the file names is trusted by itself: one that names an intermediate only trusts what that one has signed, and
    // not everything below the root.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

Result<ContextPointer> make_context(const TlsSettings& settings) {
    ERR_clear_error();
    ContextPointer context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    if (!context || !restrict_protocol(context.get(), settings)) return Error(errc::tls_failed, tls_failure());
    if (auto used = use_server_certificate(context.get(), settings); !used) return used.error();
    if (auto asked = ask_for_client_certificates(context.get(), settings); !asked) return asked.error();
    return context;
}

/// Escaped as RFC 2253 says, so that what a name holds stays in its place.
std::string name_text(const X509_NAME* name) {
    const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
    if (!text || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
    char* begin = nullptr;
    const long length = BIO_get_mem_data(text.get(), &begin);
    return length > 0 ? std::string(begin, static_cast<std::size_t>(length)) : std::string();
}

Timestamp to_timestamp(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return {static_cast<std::int64_t>(::timegm(&parts)) * 1000};
}

}  // namespace

std::string tls_failure() {
    std::string text;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
        char reason[256];
        ERR_error_string_n(code, reason, sizeof reason);
        if (!text.empty()) text += "; ";
        text += reason;
    }
    return text.empty() ? "no reason given" : text;
}

Result<std::shared_ptr<TlsContext>> TlsContext::load(TlsSettings settings) {
    std::shared_ptr<TlsContext> made(new TlsContext(std::move(settings)));
    if (auto loaded = made->reload(); !loaded) return loaded.error();
    return made;
}

std::shared_ptr<SSL_CTX> TlsContext::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

Result<void> TlsContext::reload() {
    // The stamp is taken first: a change during the reading is seen as one later.
    auto fingerprint = fingerprint_of(settings_);
    auto context = make_context(settings_);
    const std::lock_guard lock(mutex_);
    fingerprint_ = std::move(fingerprint);
    if (!context) return context.error();
    current_ = *context;
    return {};
}

TlsContext::Certificate TlsContext::certificate() const {
    const auto context = current();
    const X509* const certificate = SSL_CTX_get0_certificate(context.get());
    if (certificate == nullptr) return {};
    return {name_text(X509_get_subject_name(certificate)), name_text(X509_get_issuer_name(certificate)),
            to_timestamp(X509_get0_notAfter(certificate))};
}

bool TlsContext::files_changed() const {
    const auto now = fingerprint_of(settings_);
    const std::lock_guard lock(mutex_);
    return now != fingerprint_;
}

std::string verified_common_name(SSL* ssl) {
    const X509* const certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
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

}  // namespace giromq::net
