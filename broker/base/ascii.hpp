#pragma once

namespace giromq {

/// 0 to 9, whatever the locale says.
constexpr bool is_digit(char character) { return character >= '0' && character <= '9'; }

}  // namespace giromq
