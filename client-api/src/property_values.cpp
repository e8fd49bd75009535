#include "property_values.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "giromq/exceptions.hpp"

namespace giromq::detail {
namespace {

template <typename T>
constexpr const char* name_of() {
    if constexpr (std::is_same_v<T, bool>) return "boolean";
    if constexpr (std::is_same_v<T, std::int8_t>) return "byte";
    if constexpr (std::is_same_v<T, std::int16_t>) return "short";
    if constexpr (std::is_same_v<T, std::int32_t>) return "int";
    if constexpr (std::is_same_v<T, std::int64_t>) return "long";
    if constexpr (std::is_same_v<T, float>) return "float";
    if constexpr (std::is_same_v<T, double>) return "double";
    return "String";
}

[[noreturn]] void refuse(std::string_view name, const PropertyValue& value, const char* wanted) {
    const char* const type = std::visit([]<typename T>(const T&) { return name_of<T>(); }, value);
    throw MessageFormatException("The property '" + std::string(name) + "' is a " + type + " and cannot be read as a " + wanted + ".");
}

[[noreturn]] void not_a_number(std::string_view name, const char* wanted) {
    throw MessageFormatException("The text of the property '" + std::string(name) + "' is not a " + wanted + ".");
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

const char* integer_name(int bytes) { return bytes == 1 ? "byte" : bytes == 2 ? "short" : bytes == 4 ? "int" : "long"; }

std::string_view without_plus(std::string_view text) {
    return text.size() > 1 && text.front() == '+' && text[1] != '-' ? text.substr(1) : text;
}

template <typename Float>
std::string shortest(Float value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    std::array<char, 64> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    std::string text(buffer.data(), error == std::errc{} ? end : buffer.data());
    // As Java prints it: 3.0, not 3.
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

template <typename Float>
Float parse_float(std::string_view name, std::string_view text, const char* wanted) {
    text = without_plus(text);
    if (text == "NaN") return std::numeric_limits<Float>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<Float>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<Float>::infinity();
    Float result{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    if (error != std::errc{} || end != text.data() + text.size()) not_a_number(name, wanted);
    return result;
}

}  // namespace

bool to_boolean(std::string_view name, const PropertyValue& value) {
    if (const auto* flag = std::get_if<bool>(&value)) return *flag;
    if (const auto* text = std::get_if<std::string>(&value)) return equal_ignoring_case(*text, "true");
    refuse(name, value, "boolean");
}

std::int64_t to_integer(std::string_view name, const PropertyValue& value, int bytes) {
    const auto fits = [bytes](int size) { return size <= bytes; };
    if (const auto* number = std::get_if<std::int8_t>(&value)) return *number;
    if (const auto* number = std::get_if<std::int16_t>(&value); number != nullptr && fits(2)) return *number;
    if (const auto* number = std::get_if<std::int32_t>(&value); number != nullptr && fits(4)) return *number;
    if (const auto* number = std::get_if<std::int64_t>(&value); number != nullptr && fits(8)) return *number;
    if (const auto* text = std::get_if<std::string>(&value)) {
        const std::string_view digits = without_plus(*text);
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        const std::int64_t limit = bytes == 8 ? std::numeric_limits<std::int64_t>::max() : (std::int64_t{1} << (bytes * 8 - 1)) - 1;
        if (error != std::errc{} || end != digits.data() + digits.size() || number > limit || number < -limit - 1)
            not_a_number(name, integer_name(bytes));
        return number;
    }
    refuse(name, value, integer_name(bytes));
}

double to_double(std::string_view name, const PropertyValue& value) {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* number = std::get_if<float>(&value)) return static_cast<double>(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return parse_float<double>(name, *text, "double");
    refuse(name, value, "double");
}

float to_float(std::string_view name, const PropertyValue& value) {
    if (const auto* number = std::get_if<float>(&value)) return *number;
    if (const auto* text = std::get_if<std::string>(&value)) return parse_float<float>(name, *text, "float");
    refuse(name, value, "float");
}

std::string to_text(const PropertyValue& value) {
    return std::visit(
        []<typename T>(const T& typed) -> std::string {
            if constexpr (std::is_same_v<T, std::string>) {
                return typed;
            } else if constexpr (std::is_same_v<T, bool>) {
                return typed ? "true" : "false";
            } else if constexpr (std::is_floating_point_v<T>) {
                return shortest(typed);
            } else {
                return std::to_string(typed);
            }
        },
        value);
}

void check_property_name(std::string_view name) {
    static constexpr std::array<std::string_view, 11> reserved{"NULL",    "TRUE", "FALSE", "NOT", "AND",   "OR",
                                                               "BETWEEN", "LIKE", "IN",    "IS",  "ESCAPE"};
    const auto is_part = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
    };
    const bool well_formed =
        !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 && std::all_of(name.begin(), name.end(), is_part);
    if (!well_formed) {
        throw JMSException("The property name '" + std::string(name) +
                           "' is not an identifier; use letters, digits, '_' and '$', beginning with no digit.");
    }
    if (std::any_of(reserved.begin(), reserved.end(), [name](std::string_view word) { return equal_ignoring_case(word, name); })) {
        throw JMSException("The property name '" + std::string(name) + "' is a word of the selector language; choose another.");
    }
}

}  // namespace giromq::detail
