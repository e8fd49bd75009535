#pragma once

#include <string>
#include <string_view>

#include "selector/xml_scan.hpp"
#include "xml/parse.hpp"

namespace giromq::selector::test {

/// Whether the quick scan of XML says nothing, or the same as the hardened parser, for every kind of path. Empty if so; else the path.
inline std::string scan_disagreement(std::string_view document) {
    constexpr xml::Limits limits{.bytes = 1U << 20, .depth = 64, .elements = 20'000, .attributes_per_element = 64, .value_bytes = 1U << 20};
    const auto tree = xml::parse_without_schema(document, limits);
    for (const char* const text : {"a", "*", "a/b", ".//b", "//*/c", ".//*", ".//@x", "a/@*", ".//b/@y", ".//Q{urn:n}b", ".//Q{}a",
                                   ".//@Q{urn:n}x", ".//a/a", "*/*/*/@Ccy"}) {
        const auto path = XmlPath::parse(text).value();
        const auto scanned = scan_xml(document, path);
        if (!scanned) continue;
        if (!tree) return text;
        std::uint64_t steps = UINT64_MAX;
        const auto found = path.find(*tree, steps);
        if (scanned->exists != found.has_value() || (found && scanned->value != *found)) return text;
    }
    return {};
}

}  // namespace giromq::selector::test
