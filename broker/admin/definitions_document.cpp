#include <algorithm>
#include <array>

#include "admin/definitions.hpp"
#include "admin/definitions_schema.hpp"
#include "admin/errc.hpp"
#include "selector/selector.hpp"
#include "xml/escape.hpp"
#include "xml/parse.hpp"

// Definitions as an XML document, written and read.

namespace giromq::admin {
namespace {

/// A selector has up to 16 KiB, and each character may have to be written as six.
constexpr xml::Limits document_limits{
    .bytes = 4u << 20, .depth = 4, .elements = 130'000, .attributes_per_element = 16, .value_bytes = 96 * 1024};

/// The element of a kind, the list around it, and what is written as its content and not as an attribute.
struct Form {
    DefinitionKind kind;
    std::string_view list;
    std::string_view content;
};
constexpr std::array<Form, 4> forms{{{DefinitionKind::queue, "queues", {}},
                                     {DefinitionKind::selector, "selectors", "text"},
                                     {DefinitionKind::user, "users", {}},
                                     {DefinitionKind::permission, "permissions", {}}}};

Error invalid(xml::Position position, const std::string& sentence) { return Error(errc::invalid_argument, xml::at(position, sentence)); }

// Writing

/// XML 1.0 §2.2, for text that is UTF-8 already: no control characters but tab and line breaks, and neither U+FFFE nor U+FFFF.
bool can_be_written(std::string_view text) {
    const auto is_control = [](char one) { return static_cast<unsigned char>(one) < ' ' && one != '\t' && one != '\n' && one != '\r'; };
    return std::none_of(text.begin(), text.end(), is_control) && text.find("\xEF\xBF\xBE") == std::string_view::npos &&
           text.find("\xEF\xBF\xBF") == std::string_view::npos;
}

std::string attribute(std::string_view name, std::string_view value) {
    return " " + std::string(name) + "=\"" + xml::escaped(value) + "\"";
}

/// What an element is known by.
std::string identity_attributes(const DefinitionKey& key) {
    if (key.first != DefinitionKind::permission) return attribute("name", key.second);
    const auto permission = permission_of(key.second, {});
    const bool is_role = permission.grantee_kind == GranteeKind::role;
    return attribute(is_role ? "role" : "user", permission.grantee) + attribute("pattern", permission.pattern);
}

std::string element_text(const Form& form, const DefinitionKey& key, const DefinitionSettings& settings,
                         const DefinitionSettings& defaults) {
    const std::string name(to_string(form.kind));
    std::string text = "    <" + name + identity_attributes(key);
    std::string content;
    for (const auto& [setting, value] : settings) {
        if (setting == form.content) {
            content = xml::escaped(value);
            continue;
        }
        const auto otherwise = defaults.find(setting);
        if (otherwise == defaults.end() || otherwise->second != value) text += attribute(setting, value);
    }
    return text + (form.content.empty() ? "/>\n" : ">" + content + "</" + name + ">\n");
}

// Reading

const Result<xml::Schema>& schema() {
    static const Result<xml::Schema> compiled = xml::Schema::compile(definitions_schema());
    return compiled;
}

DefinitionSettings overlaid(DefinitionSettings settings, const xml::Element& element) {
    for (const auto& attribute : element.attributes) {
        if (attribute.name != "name") settings[attribute.name] = attribute.value;
    }
    return settings;
}

using Definition = std::pair<DefinitionKey, DefinitionSettings>;

Result<Definition> read_queue(const xml::Element& element, const DefinitionSettings& defaults) {
    const std::string name(element.value("name"));
    auto settings = overlaid(defaults, element);
    if (const auto queue = queue_of(name, settings); !queue) return invalid(element.position, queue.error().detail());
    return Definition{{DefinitionKind::queue, name}, std::move(settings)};
}

Result<Definition> read_selector(const xml::Element& element) {
    const std::string name(element.value("name"));
    if (selector::is_no_selector(element.text)) return invalid(element.position, "selector '" + name + "' is empty");
    if (const auto program = selector::compile(element.text); !program) {
        return invalid(element.position, "selector '" + name + "': " + program.error().detail());
    }
    return Definition{{DefinitionKind::selector, name}, {{"text", element.text}}};
}

Result<Definition> read_permission(const xml::Element& element) {
    const auto user = element.value("user");
    const auto role = element.value("role");
    if (user.empty() == role.empty()) return invalid(element.position, "a permission is for a user or for a role");
    if (role == to_text(Role::auditor)) return invalid(element.position, "an auditor changes nothing, and sees no bodies");
    Permission permission;
    permission.grantee_kind = role.empty() ? GranteeKind::user : GranteeKind::role;
    permission.grantee = role.empty() ? user : role;
    permission.pattern = element.value("pattern");
    if (!is_pattern(permission.pattern)) return invalid(element.position, "'" + permission.pattern + "' is not a pattern of destinations");
    std::string actions(element.value("actions"));
    std::replace_if(
        actions.begin(), actions.end(), [](char one) { return one == '\t' || one == '\n' || one == '\r'; }, ' ');
    return Definition{key_of(permission), {{"actions", actions_text(actions_of(actions))}}};
}

Result<Definition> read(DefinitionKind kind, const xml::Element& element, const DefinitionSettings& queue_defaults) {
    switch (kind) {
        case DefinitionKind::queue: return read_queue(element, queue_defaults);
        case DefinitionKind::selector: return read_selector(element);
        case DefinitionKind::permission: return read_permission(element);
        case DefinitionKind::user: break;
    }
    return Definition{{DefinitionKind::user, std::string(element.value("name"))}, overlaid({}, element)};
}

}  // namespace

Result<std::string> to_xml(const Definitions& definitions, const DestinationSettings& defaults) {
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<definitions xmlns=\"urn:giromq:definitions:1\">\n";
    for (const auto& form : forms) {
        const bool is_queue = form.kind == DefinitionKind::queue;
        const auto of_list = is_queue ? definition_of(defaults) : DefinitionSettings();
        text += "  <" + std::string(form.list);
        for (const auto& [name, value] : of_list) text += attribute(name, value);
        text += ">\n";
        for (const auto& [key, settings] : definitions) {
            if (key.first != form.kind) continue;
            const auto element = element_text(form, key, settings, of_list);
            if (!can_be_written(element)) {
                const auto what = std::string(to_string(key.first)) + " '" + key.second + "'";
                return Error(errc::failed, "the " + what + " has a character that no XML document can hold; export works without it");
            }
            text += element;
        }
        text += "  </" + std::string(form.list) + ">\n";
    }
    return text + "</definitions>\n";
}

Result<DefinitionsDocument> parse_definitions(std::string_view xml, const DestinationSettings& defaults) {
    if (!schema()) return Error(errc::failed, "the built-in schema: " + schema().error().detail());
    const auto root = xml::parse(xml, *schema(), document_limits);
    if (!root) return Error(errc::invalid_argument, root.error().detail());
    DefinitionsDocument document;
    for (const auto& form : forms) {
        const auto* const list = root->child(form.list);
        if (list == nullptr) continue;
        document.lists.insert(form.kind);
        const auto of_list = form.kind == DefinitionKind::queue ? overlaid(definition_of(defaults), *list) : DefinitionSettings();
        for (const auto& element : list->children) {
            auto definition = read(form.kind, element, of_list);
            if (!definition) return definition.error();
            auto& [key, settings] = *definition;
            if (document.definitions.count(key) > 0) {
                return invalid(element.position, std::string(to_string(key.first)) + " '" + key.second + "' is there twice");
            }
            document.definitions.emplace(std::move(key), std::move(settings));
        }
    }
    return document;
}

}  // namespace giromq::admin
