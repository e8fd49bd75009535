#pragma once

#include <string_view>

namespace giromq::admin {

/// schemas/giromq-definitions.xsd, as it was when the program was built.
std::string_view definitions_schema();

}  // namespace giromq::admin
