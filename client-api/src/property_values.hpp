#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "giromq/message.hpp"

/// The conversions of properties (JMS 2.0 §3.5.4) and the rules for their names (§3.5.1).
namespace giromq::detail {

/// Each converts `value` as the table of JMS allows, else throws MessageFormatException naming the property.
bool to_boolean(std::string_view name, const PropertyValue& value);
std::int64_t to_integer(std::string_view name, const PropertyValue& value, int bytes);
double to_double(std::string_view name, const PropertyValue& value);
float to_float(std::string_view name, const PropertyValue& value);
std::string to_text(const PropertyValue& value);

/// Throws JMSException if an application may not use the name.
void check_property_name(std::string_view name);

}  // namespace giromq::detail
