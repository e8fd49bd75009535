#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "selector/tree.hpp"

/// The two written forms of a selector. Each can say everything that the other can: parsing what was printed gives the same tree.
namespace giromq::selector {

/// The names by which SQL carries what SQL is not; see selector.hpp.
inline constexpr std::string_view xml_carrier = "JMS_GIROMQ_XML";
inline constexpr std::string_view name_carrier = "JMS_GIROMQ_SELECTOR";

/// Reads the conditional expression of JMS 2.0 §3.8.1.1, with functions for what SQL-92 lacks. Errors say line, column and reason.
Result<Node> parse_sql(std::string_view text);

/// Reads <selector xmlns="urn:giromq:selector:1"> as schemas/giromq-selector.xsd has it. Thread-safe.
Result<Node> parse_xml(std::string_view text);

/// In one line, with no more parentheses than are needed.
std::string print_sql(const Node& root);

/// A document, an element to a line.
std::string print_xml(const Node& root);

}  // namespace giromq::selector
