#pragma once

#include <string_view>

namespace giromq::config {

/// schemas/giromq-config.xsd, as it was when the program was built.
std::string_view schema_text();

}  // namespace giromq::config
