#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "selector/errc.hpp"
#include "xml/element.hpp"

namespace giromq::selector {

/// A path into an XML document: the XPath of XSD's identity constraints (XSD 1.0 Part 1 §3.11.6), without prefixes and without "|".
///
///     Document/FIToFICstmrCdtTrf/GrpHdr/MsgId     from the root element, which is the first step; a "/" in front changes nothing
///     .//IntrBkSttlmAmt/@Ccy                      from anywhere; //IntrBkSttlmAmt is the same
///     Document/*/GrpHdr                           any name
///     Q{urn:iso:std:iso:20022}Document            the name in this namespace only (XPath 3.1); otherwise the namespace does not matter
///
/// Immutable.
class XmlPath {
public:
    static constexpr std::size_t steps_max = 63;

    /// The error's detail is a sentence without a position.
    static Result<XmlPath> parse(std::string_view text);

    /// The text directly inside of the first element, in the order of the document, that the path leads to, or the value of the attribute;
    /// nothing if there is none. Takes a step for each element looked at; gives up when there are no more.
    std::optional<std::string_view> find(const xml::Element& root, std::uint64_t& steps) const;

    /// Where one is on the path: a bit for each step that the next element may be. All of them at once, so that one walk in the order of
    /// the document is enough.
    using Places = std::uint64_t;
    static constexpr Places at_root = 1;

    /// The places inside of an element that is at `places`.
    Places enter(Places places, std::string_view local, std::string_view namespace_uri) const;
    /// True if the element whose inside is at `inside` is the one that the path leads to.
    bool is_end(Places inside) const { return elements_.empty() || (inside >> elements_.size() & 1U) != 0; }
    /// True if nothing below can be on the path.
    bool is_dead(Places inside) const { return inside == 0 && !from_anywhere_; }
    bool leads_to_attribute() const { return attribute_.has_value(); }
    bool is_attribute(std::string_view local, std::string_view namespace_uri) const { return fits(*attribute_, local, namespace_uri); }

private:
    struct Name {
        std::string local;  // empty: any
        std::optional<std::string> namespace_uri;
    };

    static std::optional<Name> parse_name(std::string_view text);
    static bool fits(const Name& wanted, std::string_view local, std::string_view namespace_uri);
    std::optional<std::string_view> visit(const xml::Element& element, Places places, std::uint64_t& steps) const;

    bool from_anywhere_ = false;
    std::vector<Name> elements_;
    std::optional<Name> attribute_;
};

}  // namespace giromq::selector
