#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace giromq {

/// The first code point of `text`, which is shortened by it; nothing, and `text` unchanged, if it is empty or does not begin with
/// well-formed UTF-8 (Unicode §3.9: no overlong forms, no surrogates, at most U+10FFFF).
std::optional<char32_t> take_code_point(std::string_view& text);

/// Appends the UTF-8 of a code point up to U+10FFFF that is not a surrogate.
void append_code_point(std::string& text, char32_t code_point);

}  // namespace giromq
