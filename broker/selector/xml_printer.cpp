#include <string>
#include <utility>

#include "selector/forms.hpp"
#include "selector/xml_names.hpp"
#include "xml/escape.hpp"

namespace giromq::selector {
namespace {

class XmlPrinter {
public:
    std::string take() { return std::move(text_); }

    void print(const Node& node, std::size_t indent) {
        const std::string name(name_of_node(node));
        text_.append(indent, ' ') += "<" + name;
        print_attributes(node);
        if (node.children.empty()) {
            text_ += "/>\n";
            return;
        }
        text_ += ">\n";
        for (const Node& child : node.children) print(child, indent + 2);
        text_.append(indent, ' ') += "</" + name + ">\n";
    }

private:
    static std::string_view name_of_node(const Node& node) {
        if (node.op == Op::literal) return xml_name(type_of(node.literal));
        return is_body(node.op) ? "body" : name_of(element_names, node.op);
    }

    void print_attributes(const Node& node) {
        if (node.op == Op::literal) attribute("v", literal_text(node.literal));
        if (node.op == Op::property) attribute("name", node.text);
        if (node.op == Op::header) attribute("name", name_of(header_names, node.header));
        if (node.op == Op::xpath) attribute("path", node.text);
        if (node.op == Op::json) attribute("pointer", node.text);
        if (node.op == Op::like || node.op == Op::matches) attribute("pattern", node.text);
        if (!node.escape.empty()) attribute("escape", node.escape);
        if (node.cast) attribute("as", xml_name(*node.cast));
    }

    void attribute(std::string_view name, std::string_view value) { text_ += " " + std::string(name) + "=\"" + xml::escaped(value) + "\""; }

    std::string text_;
};

}  // namespace

std::string print_xml(const Node& root) {
    XmlPrinter printer;
    printer.print(root, 2);
    return "<selector xmlns=\"" + std::string(xml_namespace) + "\">\n" + printer.take() + "</selector>\n";
}

}  // namespace giromq::selector
