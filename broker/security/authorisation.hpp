#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/user.hpp"
#include "security/errc.hpp"

namespace giromq::security {

/// Who is at the other end, after authentication.
struct Identity {
    std::string user;  // "anonymous" for SASL ANONYMOUS
    Role role = Role::application;
};

/// What can be done to a destination, or to the broker (`administer`, destination empty).
enum class Action { send, receive, browse, create, administer };

/// The one decision about every action, under AMQP and REST alike. An application may send, receive and browse, and create queues on
/// first use (where the broker's configuration allows that at all); an administrator may do everything.
Result<void> authorise(const Identity& identity, Action action, std::string_view destination);

/// Who may join, complete and find a branch of a global transaction: the user that began it, since a manager resolves its branches from
/// another connection, and administrators.
Result<void> authorise_branch(const Identity& identity, std::string_view owner);

}  // namespace giromq::security
