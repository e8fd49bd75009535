#include "admin-web/json_fields.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "admin-web/problem.hpp"
#include "security/encoding.hpp"

namespace giromq::admin_web {
namespace json = boost::json;

JsonFields::JsonFields(std::string_view body) {
    if (body.empty()) return;
    json::parse_options options;
    options.max_depth = 8;
    json::error_code error;
    auto value = body.size() > http_limits::body_bytes ? json::value() : json::parse(body, error, {}, options);
    if (error) {
        fail("invalid_json", error.message());
    } else if (!value.is_object()) {
        fail("invalid_json", "the body must be a JSON object");
    } else {
        object_ = std::move(value.get_object());
    }
}

const json::value* JsonFields::take(std::string_view name) {
    known_.emplace(name);
    return object_.if_contains(name);
}

std::optional<std::uint64_t> JsonFields::number(std::string_view name, std::uint64_t minimum, std::uint64_t maximum) {
    const auto* const value = take(name);
    if (value == nullptr) return std::nullopt;
    json::error_code error;
    // Refuses negative numbers and fractions; 10.0 is 10.
    const auto number = value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
    if (!value->is_number() || error || number < minimum || number > maximum) {
        fail("invalid_argument",
             std::string(name) + " must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
        return std::nullopt;
    }
    return number;
}

std::optional<std::string> JsonFields::text(std::string_view name) {
    const auto* const value = take(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) {
        fail("invalid_argument", std::string(name) + " must be a text");
        return std::nullopt;
    }
    return std::string(value->get_string());
}

std::optional<std::string> JsonFields::word(std::string_view name, std::size_t bytes_max) {
    auto word = text(name);
    if (!word || (!word->empty() && word->size() <= bytes_max && security::is_clean_utf8(*word))) return word;
    fail("invalid_argument",
         std::string(name) + " must be a text of 1 to " + std::to_string(bytes_max) + " bytes without control characters");
    return std::nullopt;
}

std::optional<bool> JsonFields::flag(std::string_view name) {
    const auto* const value = take(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_bool()) {
        fail("invalid_argument", std::string(name) + " must be true or false");
        return std::nullopt;
    }
    return value->get_bool();
}

std::optional<std::vector<std::string>> JsonFields::texts(std::string_view name, std::size_t count_max) {
    const auto* const value = take(name);
    if (value == nullptr) return std::nullopt;
    const auto is_text = [](const json::value& one) { return one.is_string(); };
    if (!value->is_array() || value->get_array().size() > count_max ||
        !std::all_of(value->get_array().begin(), value->get_array().end(), is_text)) {
        fail("invalid_argument", std::string(name) + " must be a list of at most " + std::to_string(count_max) + " texts");
        return std::nullopt;
    }
    std::vector<std::string> texts;
    for (const auto& one : value->get_array()) texts.emplace_back(one.get_string());
    return texts;
}

std::optional<std::vector<std::string>> JsonFields::texts_of(std::string_view name, std::initializer_list<std::string_view> members) {
    const auto* const value = take(name);
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> texts;
    if (value->is_object() && value->get_object().size() == members.size()) {
        for (const auto member : members) {
            const auto* const text = value->get_object().if_contains(member);
            if (text != nullptr && text->is_string()) texts.emplace_back(text->get_string());
        }
    }
    if (texts.size() == members.size()) return texts;
    std::string list;
    for (const auto member : members) list += (list.empty() ? "" : " and ") + std::string(member);
    fail("invalid_argument", std::string(name) + " must be an object of the texts " + list);
    return std::nullopt;
}

std::optional<Response> JsonFields::problem() {
    for (const auto& field : object_) {
        const std::string_view name(field.key().data(), field.key().size());
        if (known_.find(name) == known_.end()) fail("unknown_field", "there is no field '" + std::string(name) + "'");
    }
    if (code_.empty()) return std::nullopt;
    return admin_web::problem(400, code_, "the body is not what is expected", detail_);
}

void JsonFields::fail(std::string code, std::string detail) {
    if (!code_.empty()) return;
    code_ = std::move(code);
    detail_ = std::move(detail);
}

}  // namespace giromq::admin_web
