#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace giromq {

/// What a user may do. `administrator` may do everything; `operator_` sees everything and works with queues and their messages, but not
/// with users, permissions and the configuration; `auditor` sees everything but bodies and changes nothing; `application` may do what
/// permissions allow.
enum class Role : std::uint8_t { application = 0, administrator = 1, operator_ = 2, auditor = 3 };

inline constexpr std::array<std::pair<Role, std::string_view>, 4> role_names{{{Role::application, "application"},
                                                                              {Role::administrator, "administrator"},
                                                                              {Role::operator_, "operator"},
                                                                              {Role::auditor, "auditor"}}};

/// The word for it in files, in the store and over REST.
constexpr std::string_view to_text(Role role) {
    for (const auto& [known, name] : role_names) {
        if (known == role) return name;
    }
    return role_names[0].second;
}

constexpr std::optional<Role> role_named(std::string_view name) {
    for (const auto& [role, known] : role_names) {
        if (known == name) return role;
    }
    return std::nullopt;
}

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
