#include "security/authorisation.hpp"

namespace giromq::security {
namespace {

struct Name {
    std::string_view word;      // in permissions
    std::string_view sentence;  // "may not ... 'payments.in'"
};

constexpr Name name_of(Action action) {
    switch (action) {
        case Action::send: return {"send", "send to"};
        case Action::receive: return {"receive", "receive from"};
        case Action::browse: return {"browse", "browse"};
        case Action::read_body: return {"read-body", "read bodies of messages in"};
        case Action::create: return {"create", "create"};
        case Action::move: return {"move", "move messages of"};
        case Action::delete_messages: return {"delete", "delete messages of"};
        case Action::purge: return {"purge", "purge"};
        case Action::resolve_xa: return {"resolve-xa", "resolve other users' branches in"};
        case Action::view: return {"view", "view"};
        case Action::pause: return {"pause", "pause"};
        case Action::close: return {"close", "close connections of"};
        case Action::audit: return {"audit", "audit"};
        case Action::administer: return {"administer", "administer"};
    }
    return {"unknown", "do that to"};
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

bool application_may(Action action) {
    return action == Action::send || action == Action::receive || action == Action::browse || action == Action::create;
}

bool role_may(Role role, Action action) {
    switch (role) {
        case Role::administrator: return true;
        case Role::operator_: return operator_may(action);
        case Role::auditor: return action == Action::view || action == Action::audit;
        case Role::application: return application_may(action);
    }
    return false;
}

Error refusal(const Identity& identity, const std::string& what) {
    return Error(errc::not_permitted, "user '" + identity.user + "' has the role " + std::string(to_text(identity.role)) + " and " + what);
}

}  // namespace

std::string_view to_text(Action action) { return name_of(action).word; }

Result<void> authorise(const Identity& identity, Action action, std::string_view destination) {
    if (role_may(identity.role, action)) return {};
    const std::string object = destination.empty() ? "the broker" : "'" + std::string(destination) + "'";
    return refusal(identity, "may not " + std::string(name_of(action).sentence) + ' ' + object);
}

Result<void> authorise_branch(const Identity& identity, std::string_view owner) {
    if (identity.user == owner || authorise(identity, Action::resolve_xa, {})) return {};
    return refusal(identity, "has not begun this branch");
}

}  // namespace giromq::security
