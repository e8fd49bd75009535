#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "security/user_directory.hpp"

namespace giromq::security {

/// The server's half of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding. For an unknown user it goes on with a
/// salt derived from the name, so that the answer does not tell that the user is unknown. Cheap (HMACs only). Not thread-safe.
/// Errors: malformed (not the form of RFC 5802 §7, longer than 2048 bytes, or out of turn), mechanism_not_offered (the client asks for
/// channel binding), wrong_credentials, internal. After an error the exchange is over: every later call is refused.
class ScramServer {
public:
    /// The server's half of the nonce, for tests that replay a known exchange. Everything else uses the first constructor.
    struct NonceForTests {
        std::string value;
    };

    explicit ScramServer(const UserDirectory& users);
    ScramServer(const UserDirectory& users, NonceForTests nonce);
    ~ScramServer();
    ScramServer(const ScramServer&) = delete;
    ScramServer& operator=(const ScramServer&) = delete;

    /// client-first-message → server-first-message.
    Result<std::string> first(std::string_view client_first);
    /// client-final-message → server-final-message; on success identity() is set.
    Result<std::string> final(std::string_view client_final);
    /// Who the client says it is; empty until first() has succeeded.
    const std::string& user() const;
    /// Empty until final() has succeeded.
    const Identity& identity() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace giromq::security
