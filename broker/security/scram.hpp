#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "security/user_directory.hpp"

namespace giromq::security {

/// The server's half of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding. For an unknown user it goes on with a
/// salt derived from the name, so that the answer does not tell that the user is unknown. Cheap (HMACs only). Not thread-safe.
class ScramServer {
public:
    explicit ScramServer(const UserDirectory& users);
    ~ScramServer();

    /// client-first-message → server-first-message.
    Result<std::string> first(std::string_view client_first);
    /// client-final-message → server-final-message; on success identity() is set.
    Result<std::string> final(std::string_view client_final);
    const Identity& identity() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace giromq::security
