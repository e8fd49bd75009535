#include "security/authorisation.hpp"

#include "security/permission_table.hpp"

namespace giromq::security {
namespace {

std::string_view sentence_of(Action action) {
    switch (action) {
        case Action::send: return "send to";
        case Action::receive: return "receive from";
        case Action::browse: return "browse";
        case Action::read_body: return "read bodies of messages in";
        case Action::create: return "create";
        case Action::move: return "move messages of";
        case Action::delete_messages: return "delete messages of";
        case Action::purge: return "purge";
        case Action::resolve_xa: return "resolve other users' branches in";
        case Action::view: return "view";
        case Action::pause: return "pause";
        case Action::close: return "close connections of";
        case Action::audit: return "audit";
        case Action::administer: return "administer";
    }
    return "do that to";
}

bool operator_may(Action action) {
    switch (action) {
        case Action::send:
        case Action::browse:
        case Action::read_body:
        case Action::move:
        case Action::delete_messages:
        case Action::purge:
        case Action::resolve_xa:
        case Action::view:
        case Action::pause:
        case Action::close: return true;
        case Action::receive:
        case Action::create:
        case Action::audit:
        case Action::administer: return false;
    }
    return false;
}

bool role_may(Role role, Action action) {
    switch (role) {
        case Role::administrator: return true;
        case Role::operator_: return operator_may(action);
        case Role::auditor: return action == Action::view || action == Action::audit;
        case Role::application: return false;
    }
    return false;
}

/// Nobody can grant anything on a name that is not known before the queue is there.
std::string_view granted_name(std::string_view destination) {
    constexpr std::string_view temporary_queue = "temp-";
    return destination.starts_with(temporary_queue) ? temporary_queue : destination;
}

std::optional<Permission> permission_for(const Identity& identity, Action action, std::string_view destination) {
    const bool can_be_granted = identity.permissions != nullptr && is_grantable(action) && identity.role != Role::auditor;
    return can_be_granted ? identity.permissions->find(identity.user, identity.role, action, granted_name(destination)) : std::nullopt;
}

Error refusal(const Identity& identity, const std::string& what) {
    return Error(errc::not_permitted, "user '" + identity.user + "' has the role " + std::string(to_text(identity.role)) + " and " + what);
}

}  // namespace

Decision decide(const Identity& identity, Action action, std::string_view destination) {
    if (role_may(identity.role, action)) return {true, "the role " + std::string(to_text(identity.role)), std::nullopt};
    if (const auto permission = permission_for(identity, action, destination)) {
        return {true, "a permission for '" + permission->pattern + "'", permission->id};
    }
    return {false, "neither the role " + std::string(to_text(identity.role)) + " nor a permission allows it", std::nullopt};
}

Result<void> authorise(const Identity& identity, Action action, std::string_view destination) {
    if (role_may(identity.role, action) || permission_for(identity, action, destination)) return {};
    const std::string object = destination.empty() ? "the broker" : "'" + std::string(destination) + "'";
    return refusal(identity, "may not " + std::string(sentence_of(action)) + ' ' + object);
}

std::uint64_t permissions_version(const Identity& identity) {
    return identity.permissions == nullptr ? 0 : identity.permissions->version();
}

Result<void> authorise_branch(const Identity& identity, std::string_view owner) {
    if (identity.user == owner || authorise(identity, Action::resolve_xa, {})) return {};
    return refusal(identity, "has not begun this branch");
}

}  // namespace giromq::security
