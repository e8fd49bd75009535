#pragma once

#include <string>

#include "giromq/message.hpp"

namespace giromq::tool {

/// A message as one line of JSON: headers, properties, and the body as `text`, or as `base64` for bytes.
std::string to_json_line(const Message& message);

/// The body as it is: the text, or the bytes.
std::string body_of(const Message& message);

/// "name=value" or "name:type=value" with the type boolean, int, long, double or string, set on the message. Throws ToolError.
void set_property(Message& message, const std::string& assignment);

}  // namespace giromq::tool
