#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "security/crypto.hpp"

namespace giromq::security {

/// What the server keeps of a password (RFC 5802 §3).
struct ScramKeys {
    Digest stored_key{};  // H(HMAC(SaltedPassword, "Client Key"))
    Digest server_key{};  // HMAC(SaltedPassword, "Server Key")
};

/// Slow: PBKDF2 with that many iterations.
Result<ScramKeys> derive_keys(std::string_view password, std::span<const std::uint8_t> salt, std::uint32_t iterations);

}  // namespace giromq::security
