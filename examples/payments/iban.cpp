#include "iban.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace payments {
namespace {

bool is_digit(char character) { return character >= '0' && character <= '9'; }
bool is_capital(char character) { return character >= 'A' && character <= 'Z'; }

/// The remainder of the number that the text stands for when every letter is replaced by two digits (A = 10 ... Z = 35).
unsigned remainder_97(std::string_view text) {
    unsigned remainder = 0;
    for (const char character : text) {
        if (is_digit(character)) {
            remainder = (remainder * 10 + static_cast<unsigned>(character - '0')) % 97;
        } else {
            remainder = (remainder * 100 + static_cast<unsigned>(character - 'A') + 10) % 97;
        }
    }
    return remainder;
}

/// The two check digits that make `body` + `prefix` + check digits leave the remainder 1.
std::string check_digits(std::string_view prefix, std::string_view body) {
    const unsigned check = 98 - remainder_97(std::string(body) + std::string(prefix) + "00");
    return {static_cast<char>('0' + check / 10), static_cast<char>('0' + check % 10)};
}

bool has_right_check_digits(std::string_view text) {
    if (text.size() < 5 || !is_digit(text[2]) || !is_digit(text[3])) return false;
    if (!std::all_of(text.begin(), text.end(), [](char character) { return is_digit(character) || is_capital(character); })) return false;
    return remainder_97(std::string(text.substr(4)) + std::string(text.substr(0, 4))) == 1;
}

}  // namespace

std::optional<std::size_t> iban_length(std::string_view country) {
    static constexpr std::array<std::pair<std::string_view, std::size_t>, 20> table{{
        {"AT", 20}, {"BE", 16}, {"CH", 21}, {"DE", 22}, {"DK", 18}, {"ES", 24}, {"FI", 18}, {"FR", 27}, {"GB", 22}, {"IE", 22},
        {"IS", 26}, {"IT", 27}, {"KW", 30}, {"LI", 21}, {"LU", 20}, {"NL", 18}, {"NO", 15}, {"PL", 28}, {"PT", 25}, {"SE", 24},
    }};
    const auto* found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == country; });
    if (found == table.end()) return std::nullopt;
    return found->second;
}

std::string make_iban(std::string_view country, std::string_view bban) {
    return std::string(country) + check_digits(country, bban) + std::string(bban);
}

bool is_valid_iban(std::string_view iban) {
    if (iban.size() < 5 || !is_capital(iban[0]) || !is_capital(iban[1])) return false;
    return iban_length(iban.substr(0, 2)) == iban.size() && has_right_check_digits(iban);
}

std::string make_creditor_reference(std::string_view reference) { return "RF" + check_digits("RF", reference) + std::string(reference); }

bool is_valid_creditor_reference(std::string_view reference) {
    return reference.size() <= 25 && reference.substr(0, 2) == "RF" && has_right_check_digits(reference);
}

}  // namespace payments
