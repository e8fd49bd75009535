#include "selector/xml_path.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "selector/unicode.hpp"

namespace giromq::selector {
namespace {

/// NCName of Namespaces in XML 1.0 §3.
bool is_local_name(std::string_view name) {
    bool is_first = true;
    while (!name.empty()) {
        const auto code_point = take_code_point(name);
        if (!code_point || *code_point == ':') return false;
        if (!(is_first ? is_xml_name_start(*code_point) : is_xml_name_part(*code_point))) return false;
        is_first = false;
    }
    return !is_first;
}

/// Where the step at the start of the text ends. A namespace in braces may have slashes.
std::size_t step_end(std::string_view text) {
    const auto slash = text.find('/');
    const auto brace = text.find("Q{");
    if (brace < slash) {
        const auto close = text.find('}', brace);
        return close == std::string_view::npos ? text.size() : std::min(text.find('/', close), text.size());
    }
    return std::min(slash, text.size());
}

}  // namespace

std::optional<XmlPath::Name> XmlPath::parse_name(std::string_view text) {
    Name name;
    if (text.starts_with("Q{")) {
        const auto close = text.find('}');
        if (close == std::string_view::npos) return std::nullopt;
        name.namespace_uri = std::string(text.substr(2, close - 2));
        text.remove_prefix(close + 1);
    }
    if (text == "*") return name;
    if (!is_local_name(text)) return std::nullopt;
    name.local = text;
    return name;
}

Result<XmlPath> XmlPath::parse(std::string_view text) {
    XmlPath path;
    if (text.starts_with(".//") || text.starts_with("//")) {
        path.from_anywhere_ = true;
        text.remove_prefix(text[0] == '.' ? 3 : 2);
    } else if (text.starts_with("./") || text.starts_with("/")) {
        text.remove_prefix(text[0] == '.' ? 2 : 1);
    }
    bool ends = false;
    while (!ends) {
        const std::size_t end = step_end(text);
        std::string_view step = text.substr(0, end);
        ends = end == text.size();
        text.remove_prefix(ends ? end : end + 1);
        const bool is_attribute = step.starts_with('@');
        if (is_attribute) step.remove_prefix(1);
        auto name = parse_name(step);
        if (!name) return Error(errc::invalid, "a step of a path is a name, * or Q{namespace}name, the last one may be @name");
        if (is_attribute && !ends) return Error(errc::invalid, "an attribute is the last step of a path");
        if (is_attribute)
            path.attribute_ = *std::move(name);
        else
            path.elements_.push_back(*std::move(name));
    }
    if (path.elements_.empty() && !path.from_anywhere_) return Error(errc::invalid, "a path leads through an element");
    if (path.elements_.size() > steps_max) return Error(errc::too_large, "a path may have at most 63 steps");
    return path;
}

bool XmlPath::fits(const Name& wanted, std::string_view local, std::string_view namespace_uri) {
    return (wanted.local.empty() || wanted.local == local) && (!wanted.namespace_uri || *wanted.namespace_uri == namespace_uri);
}

XmlPath::Places XmlPath::enter(Places places, std::string_view local, std::string_view namespace_uri) const {
    if (from_anywhere_) places |= at_root;
    Places inside = 0;
    for (std::size_t place = 0; place < elements_.size(); ++place) {
        if ((places >> place & 1U) != 0 && fits(elements_[place], local, namespace_uri)) inside |= Places{2} << place;
    }
    return inside;
}

std::optional<std::string_view> XmlPath::visit(const xml::Element& element, Places places, std::uint64_t& steps) const {
    if (steps == 0) return std::nullopt;
    --steps;
    const Places inside = enter(places, element.name, element.namespace_uri);
    if (is_end(inside) && !attribute_) return element.text;
    if (is_end(inside)) {
        for (const xml::Attribute& attribute : element.attributes) {
            if (is_attribute(attribute.name, attribute.namespace_uri)) return attribute.value;
        }
    }
    if (is_dead(inside)) return std::nullopt;
    for (const xml::Element& child : element.children) {
        if (const auto found = visit(child, inside, steps)) return found;
    }
    return std::nullopt;
}

std::optional<std::string_view> XmlPath::find(const xml::Element& root, std::uint64_t& steps) const { return visit(root, at_root, steps); }

}  // namespace giromq::selector
