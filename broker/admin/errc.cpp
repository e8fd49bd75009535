#include "admin/errc.hpp"

giromq::Error giromq::admin::changed_meanwhile() {
    return Error(errc::precondition, "somebody has changed it meanwhile; look at it again");
}

std::string_view giromq::ErrcTraits<giromq::admin::errc>::text(admin::errc code) {
    switch (code) {
        case admin::errc::invalid_argument: return "invalid argument";
        case admin::errc::not_found: return "not found";
        case admin::errc::different: return "it exists with other settings";
        case admin::errc::configured: return "it is from the configuration";
        case admin::errc::invalid_selector: return "not a selector";
        case admin::errc::last_administrator: return "the last administrator must stay";
        case admin::errc::wrong_state: return "the transaction is not in the state for it";
        case admin::errc::busy: return "already under way";
        case admin::errc::too_large: return "too large";
        case admin::errc::precondition: return "it was changed meanwhile";
        case admin::errc::password_needed: return "a password is needed";
        case admin::errc::paused: return "it is paused";
        case admin::errc::interrupted: return "the broker has started anew since";
        case admin::errc::failed: return "failed";
    }
    return "unknown error";
}
