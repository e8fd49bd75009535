#pragma once

#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "model/named_selector.hpp"

namespace giromq::daemon {

/// Reads the selectors that the configuration names, and sees that each is one. Errors name the selector, its file, line and column.
Result<std::vector<NamedSelector>> named_selectors(const config::Config& config);

}  // namespace giromq::daemon
