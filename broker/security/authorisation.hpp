#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/permission.hpp"
#include "model/user.hpp"
#include "security/errc.hpp"

namespace giromq::security {

using giromq::Action;
using giromq::all_actions;

class PermissionTable;

/// Who is at the other end, after authentication.
struct Identity {
    std::string user;  // "anonymous" for SASL ANONYMOUS
    Role role = Role::application;
    /// The permissions that hold now; none: what the role does not allow is refused. Outlives this.
    const PermissionTable* permissions = nullptr;
    // For the audit: where from, and how.
    std::string peer = {};
    std::string protocol = {};
};

/// The one decision about every action, under AMQP and REST alike: what the role allows everywhere, and what permissions grant to the
/// user or the role on this destination. Everything else is refused. Permissions grant an auditor nothing. An empty destination stands for
/// all there are; every temporary queue is called `temp-` in permissions.
Result<void> authorise(const Identity& identity, Action action, std::string_view destination);

/// Why, for those who ask: "the role operator", or "permission 17".
struct Decision {
    bool allowed = false;
    std::string because;
    std::optional<std::uint64_t> permission;
};
Decision decide(const Identity& identity, Action action, std::string_view destination);

/// Changes when permissions do: an answer that is kept holds as long as this stays the same.
std::uint64_t permissions_version(const Identity& identity);

/// Who may join, complete and find a branch of a global transaction: the user that began it, since a manager resolves its branches from
/// another connection, and whoever may resolve-xa.
Result<void> authorise_branch(const Identity& identity, std::string_view owner);

}  // namespace giromq::security
