#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "selector/tree.hpp"

/// What the nodes of a selector are called in its XML form. Between the parser and the printer of that form.
namespace giromq::selector {

inline constexpr std::string_view xml_namespace = "urn:giromq:selector:1";

/// Both references into the body are <body>, told apart by their attribute; literals have the name of their type.
inline constexpr std::array<std::pair<std::string_view, Op>, 23> element_names = {
    {{"and", Op::logical_and}, {"or", Op::logical_or},     {"not", Op::logical_not}, {"eq", Op::equal},         {"ne", Op::not_equal},
     {"lt", Op::less},         {"le", Op::less_equal},     {"gt", Op::greater},      {"ge", Op::greater_equal}, {"between", Op::between},
     {"in", Op::in},           {"like", Op::like},         {"matches", Op::matches}, {"isNull", Op::is_null},   {"isTrue", Op::is_true},
     {"add", Op::add},         {"sub", Op::subtract},      {"mul", Op::multiply},    {"div", Op::divide},       {"neg", Op::negate},
     {"pos", Op::plus},        {"property", Op::property}, {"header", Op::header}}};

inline constexpr std::array<std::pair<std::string_view, Header>, 6> header_names = {{{"deliveryMode", Header::delivery_mode},
                                                                                     {"priority", Header::priority},
                                                                                     {"messageId", Header::message_id},
                                                                                     {"timestamp", Header::timestamp},
                                                                                     {"correlationId", Header::correlation_id},
                                                                                     {"type", Header::type}}};

/// The value under a name, and the name of a value, in a table as above.
template <typename Table>
auto value_of(const Table& table, std::string_view name) -> std::optional<typename Table::value_type::second_type> {
    for (const auto& [key, value] : table) {
        if (key == name) return value;
    }
    return std::nullopt;
}
template <typename Table, typename Value>
std::string_view name_of(const Table& table, Value wanted) {
    for (const auto& [key, value] : table) {
        if (value == wanted) return key;
    }
    return {};
}

}  // namespace giromq::selector
