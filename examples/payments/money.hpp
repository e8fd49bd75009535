#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Exact amounts: integers of the currency's minor unit (cents, öre, fils), never floating point.
namespace payments {

/// Digits after the decimal point in ISO 4217: 2 for EUR, 0 for ISK, 3 for KWD. Nothing for a currency this example does not know.
std::optional<unsigned> decimals_of(std::string_view currency);

/// 123456 minor units of a currency with two decimals -> "1234.56". Negative amounts have a leading '-'.
std::string to_decimal(std::int64_t minor, unsigned decimals);

/// The reverse, exact: nothing if the text is no decimal number, has more decimals than the currency, or more than 18 digits.
std::optional<std::int64_t> parse_decimal(std::string_view text, unsigned decimals);

}  // namespace payments
