#include "explain.hpp"

#include <algorithm>
#include <string_view>

#include "selector/conjuncts.hpp"
#include "selector/forms.hpp"

namespace giromq::detail {
namespace {

using selector::Node;
using selector::Op;
using selector::Type;

bool has_body(const Node& node) { return selector::is_body(node.op) || std::any_of(node.children.begin(), node.children.end(), has_body); }

/// What a value is, in words.
std::string value_in_words(const Node& node) {
    const auto two = [&](std::string_view what, std::string_view joined) {
        return std::string(what) + " of (" + value_in_words(node.children[0]) + ") " + std::string(joined) + " (" +
               value_in_words(node.children[1]) + ")";
    };
    std::string words;
    switch (node.op) {
        case Op::literal: {
            const std::string text = selector::literal_text(node.literal);
            const Type type = selector::type_of(node.literal);
            return "the " + std::string(selector::xml_name(type)) + " " + (type == Type::string ? "'" + text + "'" : text);
        }
        case Op::header: words = "the header " + std::string(selector::jms_name(node.header)); break;
        case Op::property: words = "the property " + node.text; break;
        case Op::xpath: words = "what is at " + node.text + " in the XML body"; break;
        case Op::json: words = node.text.empty() ? "the whole JSON body" : "what is at " + node.text + " in the JSON body"; break;
        case Op::add: return two("the sum", "and");
        case Op::subtract: return two("the difference", "less");
        case Op::multiply: return two("the product", "and");
        case Op::divide: return two("the quotient", "by");
        case Op::negate: return "minus (" + value_in_words(node.children[0]) + ")";
        default: return value_in_words(node.children[0]);  // the sign plus
    }
    return node.cast ? words + " (read as " + std::string(selector::xml_name(*node.cast)) + ")" : words;
}

std::string_view comparison_in_words(Op op) {
    switch (op) {
        case Op::equal: return " equals ";
        case Op::not_equal: return " is there, of the same kind, and not equal to ";
        case Op::less: return " is less than ";
        case Op::less_equal: return " is at most ";
        case Op::greater: return " is greater than ";
        default: return " is at least ";
    }
}

/// When a term is true, in words.
std::string meaning_of(const Node& node) {
    const std::string value = value_in_words(node.children[0]);
    switch (node.op) {
        case Op::between:
            return value + " lies between " + value_in_words(node.children[1]) + " and " + value_in_words(node.children[2]) +
                   ", or is one of them";
        case Op::in: return value + " is one of " + std::to_string(node.children.size() - 1) + " strings";
        case Op::like:
            return value + " is a string that fits, as a whole, a pattern with _ for one character and % for any" +
                   (node.escape.empty() ? "" : "; after " + node.escape + " they mean themselves");
        case Op::matches: return value + " is a string that fits, as a whole, a regular expression";
        case Op::is_null: return value + " is missing";
        case Op::is_true: return value + " is true";
        default: return value + std::string(comparison_in_words(node.op)) + value_in_words(node.children[1]);
    }
}

/// A part of an XML body as it is: text.
bool is_text_of_xml(const Node& node) { return node.op == Op::xpath && !node.cast; }

bool computes_with_text_of_xml(const Node& node) {
    const bool computes = selector::is_binary_arithmetic(node.op) || selector::is_sign(node.op);
    return (computes && std::any_of(node.children.begin(), node.children.end(), is_text_of_xml)) ||
           std::any_of(node.children.begin(), node.children.end(), computes_with_text_of_xml);
}

/// Text of an XML body that is computed with, or compared with something that is no text. It is allowed, and hardly ever meant.
bool compares_text_of_xml(const Node& node) {
    if (!selector::is_comparison(node.op) && node.op != Op::between) return false;
    const auto is_no_text = [](const Node& child) {
        if (child.op == Op::literal) return selector::type_of(child.literal) != Type::string;
        return selector::is_binary_arithmetic(child.op) || selector::is_sign(child.op) || (child.cast && child.cast != Type::string);
    };
    if (computes_with_text_of_xml(node)) return true;
    return std::any_of(node.children.begin(), node.children.end(), is_text_of_xml) &&
           std::any_of(node.children.begin(), node.children.end(), is_no_text);
}

class Explanation {
public:
    explicit Explanation(const selector::Program& program)
        : program_(program), conjuncts_(selector::equality_conjuncts(program.tree())), indexed_(selector::most_telling(conjuncts_)) {}

    std::string text() {
        term(program_.tree(), 0);
        out_ += "\nIn the broker:\n";
        line(1, indexed_ != nullptr ? "looked at only for messages with " + selector::print_sql(*indexed_->reference) + " = " +
                                          selector::print_sql(*indexed_->literal) + ", which an index finds"
                                    : "looked at for every message: no equality with a string, a long or a boolean must be true, which an "
                                      "index could find");
        properties();
        line(1, program_.looks_into_body() ? "looks into bodies of up to " + std::to_string(selector::Budget{}.body_bytes / 1024) +
                                                 " KiB, on worker threads, after what does not; longer ones are unknown"
                                           : "does not look into bodies");
        return std::move(out_);
    }

private:
    void line(std::size_t depth, const std::string& text) { out_ += std::string(2 * depth, ' ') + text + "\n"; }

    void term(const Node& node, std::size_t depth) {
        const bool is_junction = node.op == Op::logical_and || node.op == Op::logical_or;
        if (is_junction || node.op == Op::logical_not) {
            line(depth, !is_junction                 ? "NOT: this is false"
                        : node.op == Op::logical_and ? "AND: all of these"
                                                     : "OR: one of these or more");
            for (const Node& child : node.children) term(child, depth + 1);
            return;
        }
        line(depth, selector::print_sql(node));
        line(depth + 2, meaning_of(node));
        if (is_indexed(node)) line(depth + 2, "by an index");
        if (has_body(node)) line(depth + 2, "looks into the body");
        if (compares_text_of_xml(node)) {
            line(depth + 2, "NEVER TRUE: what is in XML is text, and equals no number or time; write DECIMAL(XPATH(...)) or another type");
        }
    }

    bool is_indexed(const Node& node) const {
        if (indexed_ == nullptr) return false;
        return std::any_of(node.children.begin(), node.children.end(), [&](const Node& child) { return &child == indexed_->reference; });
    }

    void properties() {
        std::string names;
        for (const std::string_view name : program_.properties()) names += (names.empty() ? "" : ", ") + std::string(name);
        line(1, names.empty() ? "reads no properties" : "reads the properties " + names);
    }

    const selector::Program& program_;
    const std::vector<selector::EqualityConjunct> conjuncts_;
    const selector::EqualityConjunct* const indexed_;
    std::string out_;
};

}  // namespace

std::string explain(const selector::Program& program) { return Explanation(program).text(); }

}  // namespace giromq::detail
