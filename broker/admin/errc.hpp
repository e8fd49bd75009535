#pragma once

#include <string_view>

#include "base/errc.hpp"
#include "base/result.hpp"

namespace giromq::admin {

/// Refusals of administration itself; those of the core and of security/ pass through unchanged.
enum class errc {
    invalid_argument = 1,  // 400
    not_found,             // no such user or selector  404
    different,             // it exists with other settings  409
    configured,            // it is from the configuration, so it is changed there  409
    invalid_selector,      // 400
    last_administrator,    // nobody could administer the broker any more  409
    wrong_state,           // a transaction is not in the state for it  409
    busy,                  // the same work is under way  409
    too_large,             // 413
    precondition,          // it was changed meanwhile  412
    password_needed,       // a user that is to be made  409
    paused,                // sending to the queue is  409
    interrupted,           // an operation of a run of the broker before this one  410
    failed,                // 500
};

/// The refusal of a change of something that is not what its author has seen.
Error changed_meanwhile();

}  // namespace giromq::admin

template <>
struct giromq::ErrcTraits<giromq::admin::errc> {
    static constexpr std::string_view module = "admin";
    static std::string_view text(admin::errc code);
};
