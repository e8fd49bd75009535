#pragma once

#include <array>
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

/// What can be done. The first nine are done to a destination and can be granted by permissions; the others belong to roles.
enum class Action {
    send,
    receive,
    browse,     // look at messages without taking them: over AMQP with their bodies, over REST without
    read_body,  // over REST: the bodies of messages
    create,     // on first use, where the configuration lets queues be made that way, and as a temporary queue
    move,       // messages to another queue (where `send` is asked too), and copies of them
    delete_messages,
    purge,
    resolve_xa,  // a branch that somebody else has begun; over REST with the destination empty

    view,        // everything but users, permissions, configuration, audit, and messages; destination empty for the broker
    pause,       // a destination, and let it go on
    close,       // connections and links of others
    audit,       // see users, permissions, configuration and the audit log
    administer,  // everything else: users, permissions, configuration; create, change and delete destinations and selectors; backup
};

inline constexpr std::array all_actions{Action::send,  Action::receive,         Action::browse, Action::read_body,  Action::create,
                                        Action::move,  Action::delete_messages, Action::purge,  Action::resolve_xa, Action::view,
                                        Action::pause, Action::close,           Action::audit,  Action::administer};

/// The word for it in permissions, over REST and in the audit: "read-body".
std::string_view to_text(Action action);

/// The one decision about every action, under AMQP and REST alike. What the role does not allow is refused, whatever the destination.
Result<void> authorise(const Identity& identity, Action action, std::string_view destination);

/// Who may join, complete and find a branch of a global transaction: the user that began it, since a manager resolves its branches from
/// another connection, and whoever may resolve-xa.
Result<void> authorise_branch(const Identity& identity, std::string_view owner);

}  // namespace giromq::security
