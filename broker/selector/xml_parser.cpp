#include <optional>
#include <string>
#include <utility>

#include "selector/forms.hpp"
#include "selector/schema_text.hpp"
#include "selector/xml_names.hpp"
#include "xml/parse.hpp"

namespace giromq::selector {
namespace {

const Result<xml::Schema>& schema() {
    static const Result<xml::Schema> compiled = xml::Schema::compile(schema_text());
    return compiled;
}

/// The root element is around the tree.
constexpr xml::Limits document_limits{.bytes = text_bytes_max,
                                      .depth = depth_max + 1,
                                      .elements = nodes_max + 1,
                                      .attributes_per_element = 16,
                                      .value_bytes = text_bytes_max};

errc code_of(const Error& error) {
    if (error.is(xml::errc::too_large) || error.is(xml::errc::too_deep)) return errc::too_large;
    return error.is(xml::errc::wrong_encoding) ? errc::wrong_encoding : errc::syntax;
}

/// Two spellings that people will write.
std::string_view canonical_header(std::string_view name) {
    if (name == "messageID") return "messageId";
    return name == "correlationID" ? "correlationId" : name;
}

Position position_of(const xml::Element& element, std::string_view attribute) {
    const xml::Attribute* const found = element.attribute(attribute);
    return found == nullptr ? element.position : found->position;
}

/// The schema has seen to names, numbers of children and which attributes there are.
class TreeReader {
public:
    Result<Node> read(const xml::Element& element) const {
        Node node;
        node.position = element.position;
        if (const auto type = type_of_xml_name(element.name)) return read_constant(element, *type, std::move(node));
        if (element.name == "body") {
            if (const auto refused = read_body(element, node)) return *refused;
        } else if (const auto op = value_of(element_names, element.name)) {
            node.op = *op;
        } else {
            return refusal(errc::syntax, element.position, "there is no element " + element.name);
        }
        read_attributes(element, node);
        node.children.reserve(element.children.size());
        for (const xml::Element& child : element.children) {
            auto read_child = read(child);
            if (!read_child) return read_child.error();
            node.children.push_back(std::move(read_child).value());
        }
        return node;
    }

private:
    static Result<Node> read_constant(const xml::Element& element, Type type, Node node) {
        const std::string text(element.value("v"));
        auto literal = read_literal(type, text);
        if (!literal) {
            return refusal(errc::invalid, position_of(element, "v"),
                           "'" + text + "' is not a " + element.name + " that a selector can hold");
        }
        node.literal = *std::move(literal);
        return node;
    }

    static std::optional<Error> read_body(const xml::Element& element, Node& node) {
        const bool has_path = element.attribute("path") != nullptr;
        if (has_path == (element.attribute("pointer") != nullptr)) {
            return refusal(errc::syntax, element.position, "body has either a path (XML) or a pointer (JSON)");
        }
        node.op = has_path ? Op::xpath : Op::json;
        node.text = element.value(has_path ? "path" : "pointer");
        return std::nullopt;
    }

    static void read_attributes(const xml::Element& element, Node& node) {
        if (is_reference(node.op)) node.cast = type_of_xml_name(element.value("as"));
        if (node.op == Op::property) node.text = element.value("name");
        if (node.op == Op::header) node.header = value_of(header_names, canonical_header(element.value("name"))).value_or(Header::priority);
        if (node.op == Op::like || node.op == Op::matches) node.text = element.value("pattern");
        if (node.op == Op::like) node.escape = element.value("escape");
    }
};

}  // namespace

Result<Node> parse_xml(std::string_view text) {
    if (!schema()) return refusal(errc::syntax, {1, 1}, schema().error().to_string());
    const auto document = xml::parse(text, *schema(), document_limits);
    if (!document) return Error(code_of(document.error()), document.error().detail());
    if (document->name != "selector") return refusal(errc::syntax, document->position, "the root element must be selector");
    auto root = TreeReader().read(document->children.at(0));
    if (!root) return root;
    if (const auto checked = check(*root); !checked) return checked.error();
    return root;
}

}  // namespace giromq::selector
