#pragma once

#include <string>
#include <string_view>

namespace giromq::detail {

/// The client's half of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding. The password never leaves this machine, and the
/// server has to prove that it knows it too. Not thread-safe.
class ScramClient {
public:
    ScramClient(std::string user, std::string password);
    ~ScramClient();
    ScramClient(const ScramClient&) = delete;
    ScramClient& operator=(const ScramClient&) = delete;

    /// client-first-message. `nonce` empty: a random one.
    std::string first(std::string nonce = {});
    /// server-first-message → client-final-message; empty if the server's message is not acceptable, see error().
    std::string final(std::string_view server_first);
    /// server-final-message; false if the server could not prove that it knows the password.
    bool verify(std::string_view server_final);

    bool verified() const { return verified_; }
    const std::string& error() const { return error_; }

private:
    std::string user_;
    std::string password_;
    std::string nonce_;
    std::string first_bare_;
    std::string server_signature_;
    std::string error_;
    bool verified_ = false;
};

}  // namespace giromq::detail
