#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "selector/forms.hpp"
#include "selector/sql_lexer.hpp"

namespace giromq::selector {
namespace {

/// Names that AMQP clients use for what JMS calls otherwise (the mapping of the selector filter of Apache Qpid).
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> amqp_names = {{{"amqp.message_id", "JMSMessageID"},
                                                                                      {"amqp.correlation_id", "JMSCorrelationID"},
                                                                                      {"amqp.subject", "JMSType"},
                                                                                      {"amqp.creation_time", "JMSTimestamp"},
                                                                                      {"amqp.priority", "JMSPriority"},
                                                                                      {"amqp.group_id", "JMSXGroupID"},
                                                                                      {"amqp.group_sequence", "JMSXGroupSeq"},
                                                                                      {"amqp.user_id", "JMSXUserID"}}};

/// Thrown inside of this file to leave the recursion at the first error; parse_sql() makes a value of it.
struct Refused {
    Error error;
};

bool is_word(std::string_view spelling, std::string_view upper) {
    if (spelling.size() != upper.size()) return false;
    for (std::size_t index = 0; index < upper.size(); ++index) {
        const char letter = spelling[index];
        if ((letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter) != upper[index]) return false;
    }
    return true;
}

std::optional<Op> comparison_of(Token token) {
    switch (token) {
        case Token::equal: return Op::equal;
        case Token::not_equal: return Op::not_equal;
        case Token::less: return Op::less;
        case Token::less_equal: return Op::less_equal;
        case Token::greater: return Op::greater;
        case Token::greater_equal: return Op::greater_equal;
        default: return std::nullopt;
    }
}

/// Recursive descent. What stands in parentheses may be a predicate or a value, so every level returns either, and those who need one
/// of the two say so.
class SqlParser {
public:
    explicit SqlParser(std::string_view text) : lexer_(text) {}

    Node parse() {
        advance();
        if (lexer_.token() == Token::end) refuse("there is no selector here");
        Node root = as_predicate(disjunction());
        if (comparison_of(lexer_.token())) refuse("a comparison cannot be compared; join comparisons with AND");
        if (lexer_.token() != Token::end) refuse("the selector could end here, and goes on with " + seen());
        return root;
    }

private:
    [[noreturn]] void refuse(const std::string& sentence, errc code = errc::syntax) const { refuse_at(lexer_.position(), sentence, code); }
    [[noreturn]] static void refuse_at(Position position, const std::string& sentence, errc code = errc::syntax) {
        throw Refused{refusal(code, position, sentence)};
    }
    std::string seen() const {
        return lexer_.token() == Token::end ? "the end of the selector" : "'" + std::string(lexer_.spelling().substr(0, 40)) + "'";
    }

    void advance() {
        if (auto taken = lexer_.next(); !taken) throw Refused{taken.error()};
    }
    bool take(Token token) {
        if (lexer_.token() != token) return false;
        advance();
        return true;
    }
    void require(Token token, std::string_view what) {
        if (!take(token)) refuse("expected " + std::string(what) + ", found " + seen());
    }
    std::string require_string(std::string_view what) {
        if (lexer_.token() != Token::string) refuse("expected " + std::string(what) + ", found " + seen());
        std::string text = lexer_.string();
        advance();
        return text;
    }

    Node make(Op op, Position position) {
        if (++nodes_ > nodes_max)
            refuse_at(position, "a selector may have at most " + std::to_string(nodes_max) + " nodes", errc::too_large);
        Node node;
        node.op = op;
        node.position = position;
        return node;
    }
    template <typename... Children>
    Node make(Op op, Position position, Children... children) {
        Node node = make(op, position);
        node.children.reserve(sizeof...(children));
        (node.children.push_back(std::move(children)), ...);
        return node;
    }
    Node literal(Literal value) {
        Node node = make(Op::literal, lexer_.position());
        node.literal = std::move(value);
        advance();
        return node;
    }

    /// Held while something is inside of parentheses or behind a sign or NOT, so that text cannot exhaust the stack.
    class Nesting {
    public:
        explicit Nesting(SqlParser& parser) : parser_(parser) {
            if (++parser_.nesting_ > 2 * depth_max) parser_.refuse("the selector is nested too deeply", errc::too_large);
        }
        ~Nesting() { --parser_.nesting_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;

    private:
        SqlParser& parser_;
    };

    Node as_predicate(Node node) {
        if (is_predicate(node.op)) return node;
        const bool is_boolean = node.op == Op::literal && type_of(node.literal) == Type::boolean;
        if (!is_boolean && !is_reference(node.op)) refuse_at(node.position, "expected a condition, and this is a value");
        const Position position = node.position;
        return make(Op::is_true, position, std::move(node));
    }
    static Node as_value(Node node) {
        if (is_predicate(node.op)) refuse_at(node.position, "expected a value, and this is a condition");
        return node;
    }
    static Node as_reference(Node node, std::string_view whose) {
        if (!is_reference(node.op)) refuse_at(node.position, std::string(whose) + " needs a property, a header or a part of the body here");
        return node;
    }

    Node disjunction() { return chain(Op::logical_or, Token::word_or, &SqlParser::conjunction); }
    Node conjunction() { return chain(Op::logical_and, Token::word_and, &SqlParser::negation); }

    /// All of a chain become children of one node.
    Node chain(Op op, Token word, Node (SqlParser::*operand)()) {
        const Position position = lexer_.position();
        Node first = (this->*operand)();
        if (lexer_.token() != word) return first;
        Node node = make(op, position);
        node.children.push_back(as_predicate(std::move(first)));
        while (take(word)) node.children.push_back(as_predicate((this->*operand)()));
        return node;
    }

    Node negation() {
        const Position position = lexer_.position();
        if (!take(Token::word_not)) return condition();
        const Nesting nesting(*this);
        Node operand = as_predicate(negation());
        return make(Op::logical_not, position, std::move(operand));
    }

    Node condition() {
        const Position position = lexer_.position();
        Node left = sum();
        if (const auto comparison = comparison_of(lexer_.token())) {
            advance();
            if (lexer_.token() == Token::word_null) refuse("NULL cannot be compared; write IS NULL or IS NOT NULL");
            left = as_value(std::move(left));
            Node right = as_value(sum());
            return make(*comparison, position, std::move(left), std::move(right));
        }
        if (take(Token::word_is)) return null_test(position, std::move(left));
        const bool negated = take(Token::word_not);
        if (take(Token::word_between)) return between(position, std::move(left), negated);
        if (lexer_.token() != Token::word_in && lexer_.token() != Token::word_like) {
            if (negated) refuse("expected BETWEEN, IN or LIKE behind NOT, found " + seen());
            return left;
        }
        const bool is_in = take(Token::word_in);
        if (!is_in) advance();
        Node test = is_in ? in_list(position, std::move(left)) : like(position, std::move(left));
        return negated ? make(Op::logical_not, position, std::move(test)) : test;
    }

    Node null_test(Position position, Node operand) {
        const bool negated = take(Token::word_not);
        require(Token::word_null, negated ? "NULL" : "NULL or NOT NULL");
        operand = as_reference(std::move(operand), "IS NULL");
        Node test = make(Op::is_null, position, std::move(operand));
        return negated ? make(Op::logical_not, position, std::move(test)) : test;
    }

    /// "NOT BETWEEN is equivalent to < OR >" (§3.8.1.1), which is not the negation if types are unlike.
    Node between(Position position, Node operand, bool negated) {
        operand = as_value(std::move(operand));
        Node least = as_value(sum());
        require(Token::word_and, "AND");
        Node most = as_value(sum());
        if (!negated) return make(Op::between, position, std::move(operand), std::move(least), std::move(most));
        nodes_ += count(operand);
        Node below = make(Op::less, position, operand, std::move(least));
        Node above = make(Op::greater, position, std::move(operand), std::move(most));
        return make(Op::logical_or, position, std::move(below), std::move(above));
    }
    static std::size_t count(const Node& node) {
        std::size_t nodes = 1;
        for (const Node& child : node.children) nodes += count(child);
        return nodes;
    }

    Node in_list(Position position, Node operand) {
        Node node = make(Op::in, position, as_reference(std::move(operand), "IN"));
        require(Token::open, "'('");
        do {
            if (lexer_.token() != Token::string) refuse("expected a string, found " + seen() + "; IN has a list of strings");
            node.children.push_back(literal(lexer_.string()));
        } while (take(Token::comma));
        require(Token::close, "',' or ')'");
        return node;
    }

    Node like(Position position, Node operand) {
        Node node = make(Op::like, position, as_reference(std::move(operand), "LIKE"));
        node.text = require_string("the pattern, a string");
        if (!take(Token::word_escape)) return node;
        const Position escape_position = lexer_.position();
        node.escape = require_string("one character in quotes");
        if (node.escape.empty()) refuse_at(escape_position, "ESCAPE needs one character");
        return node;
    }

    Node sum() {
        const Position position = lexer_.position();
        Node left = product();
        while (lexer_.token() == Token::plus || lexer_.token() == Token::minus) {
            const Op op = lexer_.token() == Token::plus ? Op::add : Op::subtract;
            left = as_value(std::move(left));
            advance();
            Node right = as_value(product());
            left = make(op, position, std::move(left), std::move(right));
        }
        return left;
    }

    Node product() {
        const Position position = lexer_.position();
        Node left = signed_value();
        while (lexer_.token() == Token::star || lexer_.token() == Token::slash) {
            const Op op = lexer_.token() == Token::star ? Op::multiply : Op::divide;
            left = as_value(std::move(left));
            advance();
            Node right = as_value(signed_value());
            left = make(op, position, std::move(left), std::move(right));
        }
        return left;
    }

    /// A sign directly before a number is part of it.
    Node signed_value() {
        const Position position = lexer_.position();
        const bool negative = lexer_.token() == Token::minus;
        if (!negative && lexer_.token() != Token::plus) return primary();
        advance();
        const Nesting nesting(*this);
        Node operand;
        switch (lexer_.token()) {
            case Token::long_number:
                operand = literal(negative ? static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(lexer_.long_number()))
                                           : lexer_.long_number());
                break;
            case Token::double_number: operand = literal(negative ? -lexer_.double_number() : lexer_.double_number()); break;
            case Token::least_long:
                if (!negative) return primary();
                operand = literal(lexer_.long_number());
                break;
            default: operand = as_value(signed_value()); return make(negative ? Op::negate : Op::plus, position, std::move(operand));
        }
        operand.position = position;
        return operand;
    }

    Node primary() {
        switch (lexer_.token()) {
            case Token::string: return literal(lexer_.string());
            case Token::long_number: return literal(lexer_.long_number());
            case Token::least_long: refuse("exact numbers are in the range of a long of Java");
            case Token::double_number: return literal(lexer_.double_number());
            case Token::word_true: return literal(true);
            case Token::word_false: return literal(false);
            case Token::word_null: refuse("NULL is not a value; write IS NULL or IS NOT NULL");
            case Token::identifier: return named();
            case Token::open: break;
            default: refuse("expected a value or a condition, found " + seen());
        }
        advance();
        const Nesting nesting(*this);
        Node inner = disjunction();
        require(Token::close, "')'");
        return inner;
    }

    /// A property or header; a function if "(" follows, and a typed literal if a string does.
    Node named() {
        if (lexer_.is_before_parenthesis()) return function();
        if (lexer_.is_before_string()) return typed_literal();
        Node node = reference(std::string(lexer_.spelling()), lexer_.position());
        advance();
        return node;
    }

    Node reference(std::string name, Position position) {
        for (const auto& [amqp, jms] : amqp_names) {
            if (name == amqp) name = jms;
        }
        if (name.starts_with("amqp.")) refuse_at(position, "there is no field " + name + " that a selector may use", errc::invalid);
        if (name == xml_carrier || name == name_carrier) {
            refuse_at(position, name + " = '...' must be the whole selector", errc::invalid);
        }
        const auto header = header_of_jms_name(name);
        Node node = make(header ? Op::header : Op::property, position);
        if (header)
            node.header = *header;
        else
            node.text = std::move(name);
        return node;
    }

    Node typed_literal() {
        const Position position = lexer_.position();
        const auto type = type_of_sql_name(lexer_.spelling());
        if (type != Type::decimal && type != Type::date_time && type != Type::duration) {
            advance();
            refuse("expected an operator, found " + seen());
        }
        advance();
        auto value = read_literal(*type, lexer_.string());
        if (!value) refuse(seen() + " is not a " + std::string(xml_name(*type)), errc::invalid);
        Node node = literal(*std::move(value));
        node.position = position;
        return node;
    }

    Node function() {
        const Position position = lexer_.position();
        const std::string name(lexer_.spelling());
        advance();
        advance();
        const Nesting nesting(*this);
        Node node;
        if (is_word(name, "PROPERTY")) {
            node = make(Op::property, position);
            node.text = require_string("the name of a property, a string");
        } else if (is_word(name, "XPATH") || is_word(name, "JSON")) {
            node = make(is_word(name, "XPATH") ? Op::xpath : Op::json, position);
            node.text = require_string("a path, a string");
        } else if (is_word(name, "MATCHES")) {
            node = make(Op::matches, position, as_reference(sum(), "MATCHES"));
            require(Token::comma, "','");
            node.text = require_string("the pattern, a string");
        } else if (const auto type = type_of_sql_name(name)) {
            node = as_reference(sum(), name);
            if (node.cast) refuse_at(position, "this is cast already");
            node.cast = type;
            node.position = position;
        } else {
            refuse_at(position, "there is no function " + name);
        }
        require(Token::close, "')'");
        return node;
    }

    SqlLexer lexer_;
    std::size_t nodes_ = 0;
    std::size_t nesting_ = 0;
};

}  // namespace

Result<Node> parse_sql(std::string_view text) {
    if (text.size() > text_bytes_max) {
        return refusal(errc::too_large, {1, 1}, "a selector may have at most " + std::to_string(text_bytes_max) + " bytes");
    }
    try {
        Node root = SqlParser(text).parse();
        if (const auto checked = check(root); !checked) return checked.error();
        return root;
    } catch (const Refused& refused) {
        return refused.error;
    }
}

}  // namespace giromq::selector
