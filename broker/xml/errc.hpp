#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::xml {

/// Every error's detail begins with "LINE:COLUMN: ", both counted from 1, columns in UTF-16 units as editors count them.
enum class errc {
    too_large = 1,    // more bytes, elements, attributes, or a longer value than the limits allow
    too_deep,         // nested deeper than the limits allow
    wrong_encoding,   // not UTF-8, or declared to be something else
    doctype_refused,  // a document type declaration, whatever is in it
    malformed,        // not well-formed XML 1.0 with namespaces
    invalid,          // well-formed, and not as the schema says
    bad_schema,       // the schema itself cannot be compiled
    internal,         // the XML library failed
};

}  // namespace giromq::xml

template <>
struct giromq::ErrcTraits<giromq::xml::errc> {
    static constexpr std::string_view module = "xml";
    static std::string_view text(giromq::xml::errc code);
};
