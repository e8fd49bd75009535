#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "selector/selector.hpp"

namespace giromq::daemon {

/// Reads the selectors that the configuration names, and sees that each is one. Errors name the selector, its file, line and column.
Result<selector::NamedSelectors> named_selectors(const config::Config& config);

}  // namespace giromq::daemon
