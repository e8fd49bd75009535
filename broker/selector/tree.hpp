#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "selector/date_time.hpp"
#include "selector/decimal.hpp"
#include "selector/errc.hpp"
#include "selector/limits.hpp"
#include "selector/message_view.hpp"
#include "xml/element.hpp"

namespace giromq::selector {

/// A place in the text of a selector.
using Position = xml::Position;

/// What a node of a selector is. Predicates are true, false or unknown; values are compared and computed with.
enum class Op : std::uint8_t {
    // Predicates.
    logical_and,  // two or more predicates
    logical_or,
    logical_not,
    equal,  // two values
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    between,  // three values: what, least, most
    in,       // a reference, then one or more string literals
    like,     // a reference; `text` is the pattern
    matches,  // a reference; `text` is the pattern
    is_null,  // a reference
    is_true,  // a reference or a boolean literal
    // Values.
    add,  // two values
    subtract,
    multiply,
    divide,
    negate,  // one value
    plus,
    header,    // references
    property,  // `text` is the name
    xpath,     // `text` is the path into an XML body
    json,      // `text` is the pointer into a JSON body
    literal,
};

inline bool is_predicate(Op op) { return op <= Op::is_true; }
inline bool is_comparison(Op op) { return op >= Op::equal && op <= Op::greater_equal; }
inline bool is_ordering(Op op) { return op >= Op::less && op <= Op::greater_equal; }
inline bool is_binary_arithmetic(Op op) { return op >= Op::add && op <= Op::divide; }
inline bool is_sign(Op op) { return op == Op::negate || op == Op::plus; }
inline bool is_reference(Op op) { return op >= Op::header && op <= Op::json; }
inline bool is_body(Op op) { return op == Op::xpath || op == Op::json; }

/// The types that a reference can be cast to, and that a literal has.
enum class Type : std::uint8_t { string, long_number, double_number, decimal, boolean, date_time, duration };

/// The value of a literal; the alternatives are in the order of Type.
using Literal = std::variant<std::string, std::int64_t, double, Decimal, bool, DateTime, Duration>;

inline Type type_of(const Literal& literal) { return static_cast<Type>(literal.index()); }

/// A selector as a tree, whichever form it was written in.
struct Node {
    Op op = Op::literal;
    std::vector<Node> children;
    std::string text;
    std::string escape;                // of like: one character, or none
    std::optional<Type> cast;          // of a reference
    Header header = Header::priority;  // of a header
    Literal literal = std::int64_t{0};
    Position position;  // where it begins in the text it was read from; does not count in comparisons

    /// The same selector. Doubles are the same if their bits are.
    friend bool operator==(const Node& left, const Node& right);
};

/// "JMSPriority" and so on.
std::string_view jms_name(Header header);
std::optional<Header> header_of_jms_name(std::string_view name);

/// The name of a type in XML ("long"), and of its cast and literal in SQL ("LONG").
std::string_view xml_name(Type type);
std::string_view sql_name(Type type);
std::optional<Type> type_of_xml_name(std::string_view name);
/// In any case of letters. SQL calls a dateTime TIMESTAMP.
std::optional<Type> type_of_sql_name(std::string_view name);

/// Reads a literal of a type from its lexical form in XML Schema; nothing if it is not one. Doubles must be finite.
std::optional<Literal> read_literal(Type type, std::string_view text);
/// The text that read_literal reads.
std::string literal_text(const Literal& literal);

/// Checks what the grammars cannot: the bounds of limits.hpp, operands of a right type (strings and booleans are compared only for
/// equality, §3.8.1.1, and are not computed with), names, patterns and paths. Both parsers end with it.
Result<void> check(const Node& root);

/// The refusal of a selector at a place in it.
Error refusal(errc code, Position position, std::string_view sentence);

}  // namespace giromq::selector
