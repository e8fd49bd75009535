#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "xml/element.hpp"
#include "xml/errc.hpp"
#include "xml/parse.hpp"

namespace giromq::xml {

/// A start tag or an end tag as it stands in the text. The views are into the text.
struct Tag {
    Position begin;         // of "<"
    Position end;           // behind ">"
    std::string_view name;  // with its prefix
    std::size_t first_attribute = 0;
    std::size_t attribute_count = 0;
    bool is_start = false;
};

struct RawAttribute {
    std::string_view name;   // with its prefix
    std::string_view value;  // between the quotes, entities not resolved
    Position position;
};

/// The tags of a document, without a parser.
struct Outline {
    std::vector<Tag> tags;
    std::vector<RawAttribute> attributes;
    std::vector<std::size_t> starts;  // places of the start tags in `tags`, so that the n-th element is found

    const Tag* start(std::size_t element) const { return element < starts.size() ? &tags[starts[element]] : nullptr; }
    /// The tag that spans the position, or nullptr.
    const Tag* at(Position position) const;
};

/// Reads the text once, in one pass and constant depth, before the XML library sees it: refuses what is over the limits, what is not
/// UTF-8, and any document type declaration; and notes where the tags are, because the library only tells where they end. It knows
/// comments, CDATA sections, processing instructions and quotes. Where the text is not well-formed it stops and leaves it to the
/// library to say so.
Result<Outline> read_outline(std::string_view text, const Limits& limits);

}  // namespace giromq::xml
