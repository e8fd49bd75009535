#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace giromq::xml {

/// A place in the text of a document, both numbers from 1; 0 where it is not known. Columns count UTF-16 units, as editors do.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend constexpr auto operator<=>(const Position&, const Position&) = default;
};

struct Attribute {
    std::string name;  // local name
    std::string namespace_uri;
    std::string value;
    Position position;  // of its name; that of the element for a default from the schema
};

/// A parsed element: a plain tree of values, in document order. Comments, processing instructions and prefixes are gone, entities and
/// CDATA sections resolved, defaults of the schema filled in; attributes of the namespaces xmlns and xsi are left out.
struct Element {
    std::string name;  // local name
    std::string namespace_uri;
    std::vector<Attribute> attributes;
    std::string text;  // the character data directly inside, all of it together
    std::vector<Element> children;
    Position position;  // of the "<"

    /// The attribute without a namespace of that name; nullptr if there is none.
    const Attribute* attribute(std::string_view attribute_name) const;
    /// Its value; `otherwise` if there is none.
    std::string_view value(std::string_view attribute_name, std::string_view otherwise = {}) const;
    /// The first child of that local name, in the element's own namespace; nullptr if there is none.
    const Element* child(std::string_view child_name) const;
};

/// "LINE:COLUMN: sentence", the form of the details of errors.
std::string at(Position position, std::string_view sentence);

}  // namespace giromq::xml
