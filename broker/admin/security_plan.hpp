#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "admin/definitions.hpp"
#include "base/clock.hpp"
#include "core/core.hpp"
#include "model/permission.hpp"
#include "model/user.hpp"
#include "security/authorisation.hpp"

namespace giromq::admin {

/// There are at most so many; more are made with patterns and roles.
inline constexpr std::size_t permissions_max = 10'000;

/// Why this cannot be granted to anybody, or not to this one; nothing if it can.
std::optional<Error> refusal_of_grant(const Permission& permission, bool is_known_user);

/// As the audit has it: "user anna: send receive on payments.#".
std::string grant_text(const Permission& permission);

/// What the changes of a document come to that are about users, roles and permissions. They are made together, or none of them is.
struct SecurityPlan {
    std::vector<core::Core::SecurityStep> steps;  // each with its line of the audit
    std::vector<User> users;                      // all of them, as they are afterwards
    std::vector<Permission> permissions;
    std::vector<std::string> let_out;      // users who were changed or deleted
    std::map<std::size_t, Error> refused;  // by place among the changes; if there is one, nothing is to be made
};

/// Takes the changes one after another, as they would be made by hand. `users` and `permissions` are what holds now. There may be
/// thousands: not for the core's executor.
SecurityPlan plan_security(std::span<const Change> changes, const std::vector<User>& users, const std::vector<Permission>& permissions,
                           const security::Identity& who, const Clock& clock);

}  // namespace giromq::admin
