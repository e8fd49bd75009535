#include "security/authorisation.hpp"

namespace giromq::security {
namespace {

std::string_view name_of(Action action) {
    switch (action) {
        case Action::send: return "send to";
        case Action::receive: return "receive from";
        case Action::browse: return "browse";
        case Action::create: return "create";
        case Action::administer: return "administer";
    }
    return "do that to";
}

bool is_permitted(Role role, Action action) {
    if (role == Role::administrator) return true;
    switch (action) {
        case Action::send:
        case Action::receive:
        case Action::browse:
        case Action::create: return true;
        case Action::administer: return false;
    }
    return false;
}

}  // namespace

Result<void> authorise(const Identity& identity, Action action, std::string_view destination) {
    if (is_permitted(identity.role, action)) return {};
    std::string sentence = "user '" + identity.user + "' has the role application and may not ";
    sentence += name_of(action);
    sentence += destination.empty() ? std::string(" the broker") : " '" + std::string(destination) + "'";
    return Error(errc::not_permitted, std::move(sentence));
}

Result<void> authorise_branch(const Identity& identity, std::string_view owner) {
    if (identity.role == Role::administrator || identity.user == owner) return {};
    return Error(errc::not_permitted, "user '" + identity.user + "' has the role application and has not begun this branch");
}

}  // namespace giromq::security
