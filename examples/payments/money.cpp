#include "money.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace payments {

std::optional<unsigned> decimals_of(std::string_view currency) {
    static constexpr std::array<std::pair<std::string_view, unsigned>, 9> table{{
        {"EUR", 2},
        {"CHF", 2},
        {"SEK", 2},
        {"NOK", 2},
        {"DKK", 2},
        {"PLN", 2},
        {"GBP", 2},
        {"ISK", 0},
        {"KWD", 3},
    }};
    const auto* found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == currency; });
    if (found == table.end()) return std::nullopt;
    return found->second;
}

std::string to_decimal(std::int64_t minor, unsigned decimals) {
    const bool negative = minor < 0;
    // Through the unsigned type, because the smallest negative number has no positive counterpart.
    std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
    std::string digits = std::to_string(magnitude);
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    if (decimals > 0) digits.insert(digits.size() - decimals, 1, '.');
    return negative ? "-" + digits : digits;
}

std::optional<std::int64_t> parse_decimal(std::string_view text, unsigned decimals) {
    bool negative = false;
    if (!text.empty() && text.front() == '-') {
        negative = true;
        text.remove_prefix(1);
    }
    std::int64_t value = 0;
    unsigned digits = 0;
    unsigned after_point = 0;
    bool point = false;
    for (const char character : text) {
        if (character == '.' && !point && digits > 0) {
            point = true;
            continue;
        }
        if (character < '0' || character > '9' || ++digits > 18) return std::nullopt;
        if (point && ++after_point > decimals) return std::nullopt;
        value = value * 10 + (character - '0');
    }
    if (digits == 0 || (point && after_point == 0)) return std::nullopt;
    for (; after_point < decimals; ++after_point) {
        if (++digits > 18) return std::nullopt;
        value *= 10;
    }
    return negative ? -value : value;
}

}  // namespace payments
