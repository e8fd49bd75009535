#include "xml/element.hpp"

#include <algorithm>

namespace giromq::xml {

const Attribute* Element::attribute(std::string_view attribute_name) const {
    const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& attribute) {
        return attribute.name == attribute_name && attribute.namespace_uri.empty();
    });
    return found == attributes.end() ? nullptr : &*found;
}

std::string_view Element::value(std::string_view attribute_name, std::string_view otherwise) const {
    const auto* const found = attribute(attribute_name);
    return found == nullptr ? otherwise : std::string_view(found->value);
}

const Element* Element::child(std::string_view child_name) const {
    const auto found = std::find_if(children.begin(), children.end(), [&](const Element& element) {
        return element.name == child_name && element.namespace_uri == namespace_uri;
    });
    return found == children.end() ? nullptr : &*found;
}

std::string at(Position position, std::string_view sentence) {
    return std::to_string(position.line) + ":" + std::to_string(position.column) + ": " + std::string(sentence);
}

}  // namespace giromq::xml
