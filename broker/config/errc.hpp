#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::config {

/// Every error's detail is "SOURCE:LINE:COLUMN: sentence" where there is a place, and a sentence that says what to do.
enum class errc {
    cannot_read = 1,   // the file of the configuration, or one it names
    invalid,           // not XML, or not as the schema says
    out_of_range,      // a size or duration outside its range
    not_allowed,       // options that each are valid and together are not: unsafe, contradictory or incomplete
    secret_not_found,  // a reference that leads to no secret
};

}  // namespace giromq::config

template <>
struct giromq::ErrcTraits<giromq::config::errc> {
    static constexpr std::string_view module = "config";
    static std::string_view text(giromq::config::errc code);
};
