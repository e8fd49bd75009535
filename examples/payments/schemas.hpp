#pragma once

#include <string_view>

namespace payments {

/// The two schema files of this folder, compiled in so that the program runs from anywhere.
extern const std::string_view pacs_008_schema;
extern const std::string_view pacs_002_schema;

}  // namespace payments
