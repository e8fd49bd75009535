#pragma once

#include <string_view>

namespace payments {

/// Files of this folder, compiled in so that the program runs from anywhere.
extern const std::string_view pacs_008_schema;
extern const std::string_view pacs_002_schema;
extern const std::string_view large_payments_selector;

}  // namespace payments
