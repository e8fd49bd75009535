#include "giromq/selector_builder.hpp"

#include <charconv>
#include <utility>

namespace giromq {
namespace {

/// White space other than a blank would be read as a blank (XML 1.0 §3.3.3).
std::string escaped(std::string_view text) {
    std::string result;
    for (const char character : text) {
        switch (character) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '"': result += "&quot;"; break;
            case '\t': result += "&#9;"; break;
            case '\n': result += "&#10;"; break;
            case '\r': result += "&#13;"; break;
            default: result += character;
        }
    }
    return result;
}

std::string attribute(std::string_view name, std::string_view value) { return " " + std::string(name) + "=\"" + escaped(value) + "\""; }

std::string wrapped(std::string_view name, const std::string& content) {
    return "<" + std::string(name) + ">" + content + "</" + std::string(name) + ">";
}

std::string_view name_of(SelectorType type) {
    switch (type) {
        case SelectorType::string: return "string";
        case SelectorType::integer: return "long";
        case SelectorType::real: return "double";
        case SelectorType::decimal: return "decimal";
        case SelectorType::boolean: return "boolean";
        case SelectorType::date_time: return "dateTime";
        case SelectorType::duration: return "duration";
    }
    return "string";
}

/// The shortest text that is read as the same number.
std::string text_of(double number) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
    return {text, end};
}

}  // namespace

// Conditions

std::string SelectorCondition::xml() const { return "<selector xmlns=\"urn:giromq:selector:1\">" + element_ + "</selector>"; }

SelectorCondition SelectorCondition::operator&&(const SelectorCondition& other) const {
    return SelectorCondition(wrapped("and", element_ + other.element_));
}
SelectorCondition SelectorCondition::operator||(const SelectorCondition& other) const {
    return SelectorCondition(wrapped("or", element_ + other.element_));
}
SelectorCondition SelectorCondition::operator!() const { return SelectorCondition(wrapped("not", element_)); }

// References and literals

SelectorValue SelectorValue::property(std::string_view name) { return {"property", attribute("name", name)}; }
SelectorValue SelectorValue::header(std::string_view name) { return {"header", attribute("name", name)}; }
SelectorValue SelectorValue::xml_body(std::string_view path) { return {"body", attribute("path", path)}; }
SelectorValue SelectorValue::json_body(std::string_view pointer) { return {"body", attribute("pointer", pointer)}; }
SelectorValue SelectorValue::literal(SelectorType type, std::string_view text) {
    return {std::string(name_of(type)), attribute("v", text)};
}

SelectorValue::SelectorValue(std::string_view text) : SelectorValue(literal(SelectorType::string, text)) {}
SelectorValue::SelectorValue(std::int64_t number) : SelectorValue(literal(SelectorType::integer, std::to_string(number))) {}
SelectorValue::SelectorValue(double number) : SelectorValue(literal(SelectorType::real, text_of(number))) {}
SelectorValue::SelectorValue(bool truth) : SelectorValue(literal(SelectorType::boolean, truth ? "true" : "false")) {}

SelectorValue SelectorValue::as(SelectorType type) const {
    SelectorValue cast = *this;
    cast.attributes_ += attribute("as", name_of(type));
    return cast;
}

std::string SelectorValue::element() const {
    if (children_.empty()) return "<" + name_ + attributes_ + "/>";
    return wrapped(name_, children_);
}

// Predicates

SelectorCondition SelectorValue::compare(std::string_view comparison, const SelectorValue& other) const {
    return SelectorCondition(wrapped(comparison, element() + other.element()));
}
SelectorCondition SelectorValue::operator==(const SelectorValue& other) const { return compare("eq", other); }
SelectorCondition SelectorValue::operator!=(const SelectorValue& other) const { return compare("ne", other); }
SelectorCondition SelectorValue::operator<(const SelectorValue& other) const { return compare("lt", other); }
SelectorCondition SelectorValue::operator<=(const SelectorValue& other) const { return compare("le", other); }
SelectorCondition SelectorValue::operator>(const SelectorValue& other) const { return compare("gt", other); }
SelectorCondition SelectorValue::operator>=(const SelectorValue& other) const { return compare("ge", other); }

SelectorCondition SelectorValue::between(const SelectorValue& least, const SelectorValue& most) const {
    return SelectorCondition(wrapped("between", element() + least.element() + most.element()));
}

SelectorCondition SelectorValue::in(std::initializer_list<std::string_view> texts) const {
    std::string content = element();
    for (const auto text : texts) content += SelectorValue(text).element();
    return SelectorCondition(wrapped("in", content));
}

SelectorCondition SelectorValue::test(std::string_view predicate, const std::string& attributes) const {
    const std::string name(predicate);
    return SelectorCondition("<" + name + attributes + ">" + element() + "</" + name + ">");
}
SelectorCondition SelectorValue::like(std::string_view pattern, std::string_view escape) const {
    return test("like", attribute("pattern", pattern) + (escape.empty() ? std::string() : attribute("escape", escape)));
}
SelectorCondition SelectorValue::matches(std::string_view pattern) const { return test("matches", attribute("pattern", pattern)); }
SelectorCondition SelectorValue::is_null() const { return test("isNull", {}); }
SelectorCondition SelectorValue::is_true() const { return test("isTrue", {}); }

// Arithmetic

SelectorValue SelectorValue::computed(std::string_view operation, const std::string& operands) {
    SelectorValue result{std::string(operation), std::string()};
    result.children_ = operands;
    return result;
}
SelectorValue SelectorValue::operator+(const SelectorValue& other) const { return computed("add", element() + other.element()); }
SelectorValue SelectorValue::operator-(const SelectorValue& other) const { return computed("sub", element() + other.element()); }
SelectorValue SelectorValue::operator*(const SelectorValue& other) const { return computed("mul", element() + other.element()); }
SelectorValue SelectorValue::operator/(const SelectorValue& other) const { return computed("div", element() + other.element()); }
SelectorValue SelectorValue::operator-() const { return computed("neg", element()); }

}  // namespace giromq
