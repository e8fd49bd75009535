#pragma once

#include <string>

#include "base/clock.hpp"

namespace giromq {

/// A message selector that clients name instead of sending it (JMS_GIROMQ_SELECTOR = 'NAME').
struct NamedSelector {
    std::string name;      // 1 to 64 letters, digits, dots, hyphens and underscores
    std::string text;      // in SQL or XML, at most 16 KiB
    Timestamp changed_at;  // not set if it is from the configuration
};

}  // namespace giromq
