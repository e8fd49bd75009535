#include "rest_table.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <utility>

namespace giromq::tool {
namespace json = boost::json;
namespace {

std::string value_text(const json::value& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return printable(value.get_string());
    if (!value.is_array()) return printable(json::serialize(value));
    std::string words;
    for (const auto& each : value.get_array()) words += (words.empty() ? "" : ",") + value_text(each);
    return words;
}

template <typename Cell>
void print_row(const std::vector<Column>& columns, Cell cell) {
    for (const auto& column : columns) {
        const bool is_last = &column == &columns.back();
        std::cout << std::left << std::setw(is_last ? 0 : column.width) << cell(column) << (is_last ? '\n' : ' ');
    }
}

bool is_plain(const json::value& value) { return !value.is_object() && !(value.is_array() && !value.get_array().empty()); }

}  // namespace

std::string field_text(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(json::string_view(name.data(), name.size()));
    return value == nullptr ? std::string() : value_text(*value);
}

const json::object& object_of(const RestClient::Answer& answer) {
    if (const auto* const object = answer.body.if_object()) return *object;
    throw ToolError("The answer is not what a GiroMQ broker answers; check --http.");
}

void print_list(const Common& common, const std::string& path, const std::vector<Column>& columns) {
    bool has_head = common.json;
    const auto print_head = [&] { print_row(columns, [](const Column& column) { return column.title; }); };
    RestClient(common).list(path, [&](const json::object& item) {
        if (!std::exchange(has_head, true)) print_head();
        if (common.json) {
            std::cout << json::serialize(item) << '\n';
        } else {
            print_row(columns, [&](const Column& column) { return field_text(item, column.field); });
        }
    });
    if (!has_head) print_head();
}

void print_rows(const json::object& object, std::string_view list, const std::vector<Column>& columns) {
    print_row(columns, [](const Column& column) { return column.title; });
    const json::value* const items = object.if_contains(json::string_view(list.data(), list.size()));
    if (items == nullptr || !items->is_array()) return;
    for (const auto& item : items->get_array()) {
        if (const auto* const row = item.if_object())
            print_row(columns, [&](const Column& column) { return field_text(*row, column.field); });
    }
}

void print_fields(const Common& common, const json::object& object) {
    if (common.json) {
        std::cout << json::serialize(object) << '\n';
        return;
    }
    for (const auto& field : object) {
        if (!is_plain(field.value())) continue;
        std::cout << std::left << std::setw(22) << printable(std::string_view(field.key())) << ' ' << value_text(field.value()) << '\n';
    }
}

}  // namespace giromq::tool
