#include "xml/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::xml::errc>::text(xml::errc code) {
    using xml::errc;
    switch (code) {
        case errc::too_large: return "the document is too large";
        case errc::too_deep: return "the document is nested too deeply";
        case errc::wrong_encoding: return "the document is not UTF-8";
        case errc::doctype_refused: return "document type declarations are not allowed";
        case errc::malformed: return "not well-formed XML";
        case errc::invalid: return "not valid against the schema";
        case errc::bad_schema: return "the schema is not valid";
        case errc::internal: return "the XML library failed";
    }
    return "unknown";
}
