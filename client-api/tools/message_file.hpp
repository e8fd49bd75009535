#pragma once

#include <functional>
#include <string>

#include "giromq/selector.hpp"

namespace giromq::tool {

/// Calls `take` for each message in the text: JSON objects as to_json_line() writes them, one or many. Throws ToolError, which names
/// the message by its number, for what is not such an object.
void for_each_described_message(const std::string& text, const std::function<void(const SelectorMessage&)>& take);

}  // namespace giromq::tool
