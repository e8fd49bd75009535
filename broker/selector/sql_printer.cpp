#include <string>
#include <utility>

#include "selector/forms.hpp"
#include "selector/sql_lexer.hpp"

namespace giromq::selector {
namespace {

/// How tightly an expression holds together, from OR to a single word.
enum class Level { disjunction, conjunction, negation, comparison, sum, product, sign, word };

std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char character : text) {
        result += character;
        if (character == '\'') result += character;
    }
    return result + "'";
}

std::string_view operator_of(Op op) {
    switch (op) {
        case Op::equal: return " = ";
        case Op::not_equal: return " <> ";
        case Op::less: return " < ";
        case Op::less_equal: return " <= ";
        case Op::greater: return " > ";
        case Op::greater_equal: return " >= ";
        case Op::add: return " + ";
        case Op::subtract: return " - ";
        case Op::multiply: return " * ";
        case Op::divide: return " / ";
        case Op::logical_and: return " AND ";
        case Op::logical_or: return " OR ";
        default: return {};
    }
}

Level level_of(const Node& node) {
    switch (node.op) {
        case Op::logical_or: return Level::disjunction;
        case Op::logical_and: return Level::conjunction;
        case Op::logical_not: return Level::negation;
        case Op::matches:
        case Op::is_true: return Level::word;
        case Op::add:
        case Op::subtract: return Level::sum;
        case Op::multiply:
        case Op::divide: return Level::product;
        case Op::negate:
        case Op::plus: return Level::sign;
        default: return is_predicate(node.op) ? Level::comparison : Level::word;
    }
}

/// A property whose name the lexer reads as one identifier that means nothing else.
bool is_plain_name(const std::string& name) {
    SqlLexer lexer(name);
    const bool is_one = lexer.next() && lexer.token() == Token::identifier && lexer.spelling() == name;
    return is_one && !name.starts_with("amqp.") && name != xml_carrier && name != name_carrier;
}

class SqlPrinter {
public:
    std::string print(const Node& node) const {
        switch (node.op) {
            case Op::logical_and:
            case Op::logical_or: return print_chain(node);
            case Op::logical_not: return print_not(node.children[0]);
            case Op::between:
                return above_comparison(node, 0) + " BETWEEN " + above_comparison(node, 1) + " AND " + above_comparison(node, 2);
            case Op::in: return print_in(node, " IN (");
            case Op::like: return print_like(node, " LIKE ");
            case Op::matches: return "MATCHES(" + print(node.children[0]) + ", " + quoted(node.text) + ")";
            case Op::is_null: return print(node.children[0]) + " IS NULL";
            case Op::is_true: return print(node.children[0]);
            case Op::negate:
            case Op::plus: return print_sign(node);
            case Op::header:
            case Op::property:
            case Op::xpath:
            case Op::json: return print_reference(node);
            case Op::literal: return print_literal(node.literal);
            default: return print_binary(node);
        }
    }

private:
    std::string at_least(Level level, const Node& node) const { return level_of(node) < level ? "(" + print(node) + ")" : print(node); }
    std::string above_comparison(const Node& node, std::size_t child) const { return at_least(Level::sum, node.children[child]); }

    /// A chain inside of the same chain keeps its parentheses: that is how the parser tells them apart.
    std::string print_chain(const Node& node) const {
        const Level inner = node.op == Op::logical_or ? Level::conjunction : Level::negation;
        std::string text;
        for (const Node& child : node.children) {
            if (!text.empty()) text += operator_of(node.op);
            text += at_least(inner, child);
        }
        return text;
    }

    std::string print_not(const Node& operand) const {
        if (operand.op == Op::in) return print_in(operand, " NOT IN (");
        if (operand.op == Op::like) return print_like(operand, " NOT LIKE ");
        if (operand.op == Op::is_null) return print(operand.children[0]) + " IS NOT NULL";
        // A comparison would be read the same without them; people read it better so.
        const bool is_short = operand.op == Op::logical_not || level_of(operand) == Level::word;
        return is_short ? "NOT " + print(operand) : "NOT (" + print(operand) + ")";
    }

    std::string print_in(const Node& node, std::string_view word) const {
        std::string text = print(node.children[0]) + std::string(word);
        for (std::size_t index = 1; index < node.children.size(); ++index) {
            if (index > 1) text += ", ";
            text += print(node.children[index]);
        }
        return text + ")";
    }

    std::string print_like(const Node& node, std::string_view word) const {
        std::string text = print(node.children[0]) + std::string(word) + quoted(node.text);
        return node.escape.empty() ? text : text + " ESCAPE " + quoted(node.escape);
    }

    /// Operators of one level go from left to right, so the right operand needs parentheses sooner. So does the left one of a comparison.
    std::string print_binary(const Node& node) const {
        const Level level = is_comparison(node.op) ? Level::sum : level_of(node);
        const Level right = is_comparison(node.op) ? Level::sum : level == Level::sum ? Level::product : Level::sign;
        return at_least(level, node.children[0]) + std::string(operator_of(node.op)) + at_least(right, node.children[1]);
    }

    /// A sign directly before a number would become part of it, and two signs a comment.
    std::string print_sign(const Node& node) const {
        const Node& operand = node.children[0];
        const std::string sign = node.op == Op::negate ? "-" : "+";
        const bool is_plain = is_reference(operand.op);
        return is_plain ? sign + print(operand) : sign + "(" + print(operand) + ")";
    }

    static std::string print_reference(const Node& node) {
        std::string text;
        if (node.op == Op::header) text = jms_name(node.header);
        if (node.op == Op::property) text = is_plain_name(node.text) ? node.text : "PROPERTY(" + quoted(node.text) + ")";
        if (node.op == Op::xpath) text = "XPATH(" + quoted(node.text) + ")";
        if (node.op == Op::json) text = "JSON(" + quoted(node.text) + ")";
        return node.cast ? std::string(sql_name(*node.cast)) + "(" + text + ")" : text;
    }

    static std::string print_literal(const Literal& literal) {
        const Type type = type_of(literal);
        std::string text = literal_text(literal);
        switch (type) {
            case Type::string: return quoted(text);
            case Type::boolean: return text == "true" ? "TRUE" : "FALSE";
            case Type::decimal:
            case Type::date_time:
            case Type::duration: return std::string(sql_name(type)) + " " + quoted(text);
            default: return text;
        }
    }
};

}  // namespace

std::string print_sql(const Node& root) { return SqlPrinter().print(root); }

}  // namespace giromq::selector
