#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <memory>
#include <set>
#include <utility>

#include "net/certificate.hpp"

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
    return file_stamp(settings.certificate_file) + file_stamp(settings.key_file) + file_stamp(settings.client_ca_file) +
           file_stamp(settings.crl_file);
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

/// Certificates with the same key are of the same authority.
std::size_t authorities_in(X509_STORE* store) {
    std::set<std::array<unsigned char, EVP_MAX_MD_SIZE>> keys;
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int index = 0; index < sk_X509_OBJECT_num(objects); ++index) {
        const X509* const authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, index));
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        if (authority == nullptr || X509_pubkey_digest(authority, EVP_sha256(), digest.data(), nullptr) != 1) continue;
        keys.insert(digest);
    }
    return keys.size();
}

Result<void> check_single_authority(SSL_CTX* context, const TlsSettings& settings) {
    const auto count = settings.single_client_authority ? authorities_in(SSL_CTX_get_cert_store(context)) : 1;
    if (count == 1) return {};
    return Error(errc::tls_files,
                 settings.client_ca_file + " names " + std::to_string(count) +
                     " authorities, and each could make a certificate for any user: say with certificate in sasl which one "
                     "may for whom, or name one only");
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
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, settings.crl_file.empty() ? nullptr : &verify_below_the_trusted_one);
    SSL_CTX_set_verify_depth(context, chain_depth_max);
    // Whatever authority the file names is trusted by itself: one that names an intermediate only trusts what that one has signed, and
    // not everything below the root.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    return check_single_authority(context, settings);
}

/// A context, and the revocation lists that it verifies against.
struct Made {
    ContextPointer context;
    std::vector<RevocationList> lists;
};

Result<Made> make_context(const TlsSettings& settings) {
    ERR_clear_error();
    const ContextPointer context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    if (!context || !restrict_protocol(context.get(), settings)) return Error(errc::tls_failed, tls_failure());
    if (auto used = use_server_certificate(context.get(), settings); !used) return used.error();
    if (auto asked = ask_for_client_certificates(context.get(), settings); !asked) return asked.error();
    if (settings.client_certificates == ClientCertificates::none || settings.crl_file.empty()) return Made{context, {}};
    auto lists = use_revocation_lists(SSL_CTX_get_cert_store(context.get()), settings.crl_file);
    if (!lists) return lists.error();
    return Made{context, std::move(*lists)};
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
    auto made = make_context(settings_);
    const std::lock_guard lock(mutex_);
    fingerprint_ = std::move(fingerprint);
    is_outdated_ = !made;
    if (!made) return made.error();
    current_ = std::move(made->context);
    lists_ = std::move(made->lists);
    return {};
}

TlsContext::Certificate TlsContext::certificate() const {
    const auto context = current();
    const X509* const certificate = SSL_CTX_get0_certificate(context.get());
    if (certificate == nullptr) return {};
    return {name_text(X509_get_subject_name(certificate)), name_text(X509_get_issuer_name(certificate)),
            to_timestamp(X509_get0_notAfter(certificate))};
}

std::vector<RevocationList> TlsContext::revocation_lists() const {
    const std::lock_guard lock(mutex_);
    return lists_;
}

bool TlsContext::is_outdated() const {
    const std::lock_guard lock(mutex_);
    return is_outdated_;
}

bool TlsContext::files_changed() const {
    const auto now = fingerprint_of(settings_);
    const std::lock_guard lock(mutex_);
    // What was refused may be right by now without another time or size: a list that was not valid yet, a file that could not be read.
    return is_outdated_ || now != fingerprint_;
}

}  // namespace giromq::net
