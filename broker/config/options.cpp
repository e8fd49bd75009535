#include "config/options.hpp"

#include <algorithm>
#include <map>

#include "config/schema_text.hpp"
#include "xml/parse.hpp"

namespace giromq::config {
namespace {

constexpr xml::Limits schema_limits{.bytes = 1u << 20, .depth = 16, .elements = 20000, .attributes_per_element = 16, .value_bytes = 4096};

/// Types of the schema that have a name, by that name.
using Named = std::map<std::string, const xml::Element*, std::less<>>;

std::string documentation_of(const xml::Element& element) {
    const auto* const annotation = element.child("annotation");
    const auto* const documentation = annotation == nullptr ? nullptr : annotation->child("documentation");
    return documentation == nullptr ? std::string() : documentation->text;
}

/// What an m:option in the appinfo says about range and default.
void apply_annotation(const xml::Element& element, Option& option) {
    const auto* const annotation = element.child("annotation");
    const auto* const appinfo = annotation == nullptr ? nullptr : annotation->child("appinfo");
    if (appinfo == nullptr) return;
    for (const auto& child : appinfo->children) {
        if (child.name != "option") continue;
        option.minimum = child.value("min", option.minimum);
        option.maximum = child.value("max", option.maximum);
        option.zero = child.value("zero", option.zero);
        option.default_words = child.value("default", option.default_words);
    }
}

/// Built-in types and the named ones that stand for a kind of value.
std::string kind_of(std::string_view type) {
    if (type == "xs:token" || type == "xs:string") return "text";
    if (type == "xs:nonNegativeInteger" || type == "xs:positiveInteger") return "number";
    return std::string(type);
}

bool is_kind(std::string_view type) {
    static constexpr std::string_view kinds[] = {"size", "duration", "boolean", "file",       "secret-reference", "host",
                                                 "port", "ciphers",  "name",    "mechanisms", "destination-name", "digest"};
    return std::find(std::begin(kinds), std::end(kinds), type) != std::end(kinds);
}

/// Follows a simple type down to what it is made of, the more special first, so that its facets win.
void apply_type(const xml::Element& simple_type, const Named& types, Option& option);

void apply_named_type(std::string_view name, const Named& types, Option& option) {
    if (option.type.empty() && (is_kind(name) || name.starts_with("xs:"))) option.type = kind_of(name);
    const auto found = types.find(name);
    if (found != types.end()) apply_type(*found->second, types, option);
}

void apply_type(const xml::Element& simple_type, const Named& types, Option& option) {
    Option below = option;
    apply_annotation(simple_type, below);
    // What the attribute itself says goes before what its type says.
    if (option.minimum.empty()) option.minimum = below.minimum;
    if (option.maximum.empty()) option.maximum = below.maximum;
    if (option.zero.empty()) option.zero = below.zero;
    if (const auto* const list = simple_type.child("list")) return apply_named_type(list->value("itemType"), types, option);
    const auto* const restriction = simple_type.child("restriction");
    if (restriction == nullptr) return;
    const bool has_choices = !option.choices.empty();
    for (const auto& facet : restriction->children) {
        if (facet.name == "minInclusive" && option.minimum.empty()) option.minimum = facet.value("value");
        if (facet.name == "maxInclusive" && option.maximum.empty()) option.maximum = facet.value("value");
        if (facet.name == "enumeration" && !has_choices) option.choices.emplace_back(facet.value("value"));
    }
    if (!option.choices.empty() && option.type.empty()) option.type = "choice";
    apply_named_type(restriction->value("base"), types, option);
}

Option read_option(const xml::Element& attribute, const std::string& path, const Named& types) {
    Option option;
    option.element = path;
    option.name = attribute.value("name");
    option.is_required = attribute.value("use") == "required";
    option.default_value = attribute.value("default");
    option.documentation = documentation_of(attribute);
    apply_annotation(attribute, option);
    apply_named_type(attribute.value("type"), types, option);
    if (const auto* const inner = attribute.child("simpleType")) apply_type(*inner, types, option);
    return option;
}

/// The attributes of a complex type, then those of the elements in it. Types refer to types below them only, which bounds the depth.
void read_complex_type(const xml::Element& complex_type, const std::string& path, const Named& types, std::vector<Option>& result) {
    for (const auto& child : complex_type.children) {
        if (child.name == "attribute") result.push_back(read_option(child, path, types));
    }
    for (const auto& group : complex_type.children) {
        if (group.name != "all" && group.name != "sequence") continue;
        for (const auto& element : group.children) {
            const auto type = types.find(element.value("type"));
            if (type == types.end()) continue;
            const std::string below = (path.empty() ? "" : path + "/") + std::string(element.value("name"));
            if (std::count(below.begin(), below.end(), '/') < 4) read_complex_type(*type->second, below, types, result);
        }
    }
}

const std::vector<std::pair<std::string, std::string>>& element_documentation() {
    static const auto result = [] {
        std::vector<std::pair<std::string, std::string>> sentences;
        const auto root = xml::parse_without_schema(schema_text(), schema_limits);
        for (const auto& type : root.value().children) {
            if (type.name == "complexType") sentences.emplace_back(type.value("name"), documentation_of(type));
        }
        return sentences;
    }();
    return result;
}

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string default_cell(const Option& option) {
    if (option.is_required) return "required";
    if (!option.default_words.empty()) return option.default_words;
    return option.default_value.empty() ? "none" : code(option.default_value);
}

std::string range_cell(const Option& option) {
    if (!option.choices.empty()) {
        std::string cell;
        for (const auto& choice : option.choices) cell += (cell.empty() ? "" : ", ") + code(choice);
        return cell;
    }
    if (option.maximum.empty()) return option.type;
    std::string cell = code(option.minimum) + " to " + code(option.maximum);
    if (!option.zero.empty()) cell += "; `0`: " + option.zero;
    return cell;
}

}  // namespace

Result<std::vector<Option>> read_options(std::string_view schema) {
    const auto root = xml::parse_without_schema(schema, schema_limits);
    if (!root) return Error(errc::invalid, root.error().detail());
    Named types;
    const xml::Element* document = nullptr;
    for (const auto& child : root->children) {
        if (child.name == "simpleType" || child.name == "complexType") types.emplace(child.value("name"), &child);
        if (child.name == "element") document = child.child("complexType");
    }
    std::vector<Option> result;
    if (document != nullptr) read_complex_type(*document, "", types, result);
    if (result.empty()) return Error(errc::invalid, "the schema describes no option");
    return result;
}

const std::vector<Option>& options() {
    // The text is part of the program: that it can be read is proved by the tests.
    static const std::vector<Option> result = read_options(schema_text()).value();
    return result;
}

const Option* find_option(std::string_view element, std::string_view name) {
    const auto& all = options();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Option& option) { return option.element == element && option.name == name; });
    return found == all.end() ? nullptr : &*found;
}

std::string options_as_markdown() {
    std::string text;
    std::string element;
    for (const auto& option : options()) {
        if (option.element != element) {
            element = option.element;
            std::string type_name = element.substr(element.rfind('/') + 1);
            if (type_name == "defaults") type_name = "queue-defaults";
            const auto& sentences = element_documentation();
            const auto found =
                std::find_if(sentences.begin(), sentences.end(), [&](const auto& entry) { return entry.first == type_name; });
            text += "\n## `" + element + "`\n\n" + (found == sentences.end() ? "" : found->second + "\n");
            text += "\n| option | default | range | what it does |\n|---|---|---|---|\n";
        }
        text +=
            "| " + code(option.name) + " | " + default_cell(option) + " | " + range_cell(option) + " | " + option.documentation + " |\n";
    }
    return text;
}

}  // namespace giromq::config
