#include "selector/tree.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

namespace giromq::selector {
namespace {

constexpr std::array<std::string_view, 6> jms_names = {"JMSDeliveryMode", "JMSPriority",      "JMSMessageID",
                                                       "JMSTimestamp",    "JMSCorrelationID", "JMSType"};
constexpr std::array<std::string_view, 7> xml_names = {"string", "long", "double", "decimal", "boolean", "dateTime", "duration"};
constexpr std::array<std::string_view, 7> sql_names = {"STRING", "LONG", "DOUBLE", "DECIMAL", "BOOLEAN", "TIMESTAMP", "DURATION"};

bool same_literal(const Literal& left, const Literal& right) {
    const double* const left_double = std::get_if<double>(&left);
    const double* const right_double = std::get_if<double>(&right);
    if (left_double != nullptr && right_double != nullptr) {
        return std::bit_cast<std::uint64_t>(*left_double) == std::bit_cast<std::uint64_t>(*right_double);
    }
    return left == right;
}

template <std::size_t count>
std::optional<std::size_t> place_of(const std::array<std::string_view, count>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - names.begin()));
}

std::string_view collapse(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n";
    const auto begin = text.find_first_not_of(spaces);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

template <typename Number>
std::optional<Number> read_number(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return std::nullopt;
    }
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// The shortest text that reads back as the same double, always with a point or an exponent.
std::string double_text(double number) {
    std::array<char, 40> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    std::string result(text.data(), error == std::errc{} ? end : text.data());
    if (result.find_first_of(".e") == std::string::npos) result += ".0";
    return result;
}

template <typename Number>
std::optional<Literal> as_literal(std::optional<Number> value) {
    return value ? std::optional<Literal>(std::in_place, *std::move(value)) : std::nullopt;
}

}  // namespace

bool operator==(const Node& left, const Node& right) {
    if (left.op != right.op || left.text != right.text || left.escape != right.escape || left.cast != right.cast) return false;
    if (left.op == Op::header && left.header != right.header) return false;
    if (left.op == Op::literal && !same_literal(left.literal, right.literal)) return false;
    return left.children == right.children;
}

std::string_view jms_name(Header header) { return jms_names[static_cast<std::size_t>(header)]; }

std::optional<Header> header_of_jms_name(std::string_view name) {
    const auto place = place_of(jms_names, name);
    return place ? std::optional(static_cast<Header>(*place)) : std::nullopt;
}

std::string_view xml_name(Type type) { return xml_names[static_cast<std::size_t>(type)]; }

std::string_view sql_name(Type type) { return sql_names[static_cast<std::size_t>(type)]; }

std::optional<Type> type_of_xml_name(std::string_view name) {
    const auto place = place_of(xml_names, name);
    return place ? std::optional(static_cast<Type>(*place)) : std::nullopt;
}

std::optional<Type> type_of_sql_name(std::string_view name) {
    std::string upper(name);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char letter) { return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter; });
    const auto place = place_of(sql_names, upper);
    return place ? std::optional(static_cast<Type>(*place)) : std::nullopt;
}

std::optional<Literal> read_literal(Type type, std::string_view text) {
    if (type == Type::string) return Literal(std::string(text));
    text = collapse(text);
    switch (type) {
        case Type::long_number: return as_literal(read_number<std::int64_t>(text));
        case Type::double_number: {
            const auto number = read_number<double>(text);
            return number && std::isfinite(*number) ? std::optional<Literal>(*number) : std::nullopt;
        }
        case Type::decimal: return as_literal(Decimal::parse(text));
        case Type::boolean:
            if (text == "true" || text == "1") return Literal(true);
            return text == "false" || text == "0" ? std::optional<Literal>(false) : std::nullopt;
        case Type::date_time: return as_literal(DateTime::parse(text));
        case Type::duration: return as_literal(Duration::parse(text));
        case Type::string: break;
    }
    return std::nullopt;
}

std::string literal_text(const Literal& literal) {
    switch (type_of(literal)) {
        case Type::string: return std::get<std::string>(literal);
        case Type::long_number: return std::to_string(std::get<std::int64_t>(literal));
        case Type::double_number: return double_text(std::get<double>(literal));
        case Type::decimal: return std::get<Decimal>(literal).to_string();
        case Type::boolean: return std::get<bool>(literal) ? "true" : "false";
        case Type::date_time: return std::get<DateTime>(literal).to_string();
        case Type::duration: return std::get<Duration>(literal).to_string();
    }
    return {};
}

Error refusal(errc code, Position position, std::string_view sentence) { return Error(code, xml::at(position, sentence)); }

}  // namespace giromq::selector
