#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::security {

enum class errc {
    wrong_credentials = 1,  // unknown user or wrong password: never told apart
    not_permitted,          // the identity is known and may not do this
    mechanism_not_offered,  // not configured, or not over an unencrypted connection
    malformed,              // the bytes are not of the mechanism's form
    invalid_name,
    weak_password,
    busy,      // too many at once; try again
    internal,  // the cryptography library failed
};

}  // namespace giromq::security

template <>
struct giromq::ErrcTraits<giromq::security::errc> {
    static constexpr std::string_view module = "security";
    static std::string_view text(security::errc code);
};
