#pragma once

#include <string_view>

namespace giromq::selector {

/// schemas/giromq-selector.xsd, as it was when the program was built.
std::string_view schema_text();

}  // namespace giromq::selector
