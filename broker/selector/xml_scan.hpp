#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "selector/xml_path.hpp"

namespace giromq::selector {

/// What a path leads to, if anything.
struct XmlFound {
    bool exists = false;
    std::string value;
};

/// Follows a path through a plain document in one pass, many times quicker than building its tree. It decides only about documents that
/// it can vouch for to the last byte: UTF-8, well-formed with namespaces, and without what most documents do not have (document types,
/// CDATA sections, processing instructions, character references by number, carriage returns, names outside of ASCII). About any other,
/// a malformed one included, it says nothing, and the hardened parser of broker/xml decides; where both decide they agree.
std::optional<XmlFound> scan_xml(std::string_view document, const XmlPath& path);

}  // namespace giromq::selector
