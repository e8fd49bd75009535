#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace giromq {

/// What a user may do. `administrator` may do everything; `application` may send, receive and browse.
enum class Role : std::uint8_t { application = 0, administrator = 1 };

/// A user as stored: never the password, only what SCRAM-SHA-256 (RFC 5802, RFC 7677) needs to verify one.
struct User {
    std::string name;  // 1 to 128 bytes of UTF-8 after SASLprep-like checks: no control characters, no separators
    Role role = Role::application;
    std::vector<std::uint8_t> salt;
    std::uint32_t iterations = 0;
    std::array<std::uint8_t, 32> stored_key{};
    std::array<std::uint8_t, 32> server_key{};
};

}  // namespace giromq
