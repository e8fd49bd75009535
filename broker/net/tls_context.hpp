#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/errc.hpp"
#include "net/revocation.hpp"

namespace giromq::net {

/// Whether a client has to show a certificate. One that it shows must be valid, even if it is only `optional`.
enum class ClientCertificates : std::uint8_t { none, optional, required };

struct TlsSettings {
    std::string certificate_file;  // PEM: the server's certificate, then its chain
    std::string key_file;          // PEM
    std::string key_password;      // if the key is encrypted
    std::string client_ca_file;    // PEM: who may sign certificates of clients; empty unless client_certificates says otherwise
    std::string crl_file;          // PEM: what those authorities have withdrawn; empty: that is not looked at
    ClientCertificates client_certificates = ClientCertificates::none;
    bool single_client_authority = false;  // whether more than one is refused, because each could make a certificate for any user
    bool tls_1_3_only = false;
    std::string ciphers;        // TLS 1.2, in OpenSSL's words
    std::string cipher_suites;  // TLS 1.3
};

/// The TLS side of a server: TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only, no renegotiation, no compression, no
/// session resumption (so that a withdrawn client CA counts at once). Made anew from the files by reload(); connections keep
/// what they began with.
/// Threads: any.
class TlsContext {
public:
    /// Fails with errc::tls_files if a file cannot be read or key and certificate do not fit together.
    static Result<std::shared_ptr<TlsContext>> load(TlsSettings settings);

    /// The OpenSSL context to be used for a new connection.
    std::shared_ptr<SSL_CTX> current() const;

    /// Reads the files again. On failure the old certificate stays in use and the Error says why.
    Result<void> reload();

    /// Whose certificate is shown, by whom it was signed, and until when it is valid.
    struct Certificate {
        std::string subject;  // "CN=broker.bank.example,O=Bank" (RFC 2253)
        std::string issuer;
        Timestamp not_after;
    };
    Certificate certificate() const;

    /// What certificates of clients are verified against; once one is not valid any more, every certificate below its issuer is refused.
    std::vector<RevocationList> revocation_lists() const;

    /// True if the last reload() has failed, so that what was read before is in use.
    bool is_outdated() const;

    /// True if a file differs (time, size or inode) from when it was last read, whether that succeeded or not.
    bool files_changed() const;

private:
    explicit TlsContext(TlsSettings settings) : settings_(std::move(settings)) {}

    const TlsSettings settings_;
    mutable std::mutex mutex_;
    std::shared_ptr<SSL_CTX> current_;
    std::vector<RevocationList> lists_;
    bool is_outdated_ = false;
    std::string fingerprint_;  // of the files as they were when they were last read
};

/// OpenSSL's reasons for the failure just met on this thread, for a log line.
std::string tls_failure();

}  // namespace giromq::net
