#pragma once

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "selector/operations.hpp"
#include "selector/regex.hpp"
#include "selector/tree.hpp"
#include "unit/selector/map_message.hpp"
#include "unit/selector/plain_decimal.hpp"

/// A second evaluator of selectors, obvious and slow, to compare the real one with. It walks the tree and evaluates everything, always.
/// It has its own logic, promotion, arithmetic of integers, comparisons, decimals and LIKE; dates, durations, casts and regular
/// expressions it takes from the library, which tests them by themselves.
namespace giromq::selector::test {

class Reference {
public:
    explicit Reference(const MapMessage& message) : message_(message) {}

    Truth truth(const Node& node) {
        switch (node.op) {
            case Op::logical_and: return all(node, Truth::no, Truth::yes);
            case Op::logical_or: return all(node, Truth::yes, Truth::no);
            case Op::logical_not: {
                const Truth inner = truth(node.children[0]);
                return inner == Truth::yes ? Truth::no : inner == Truth::no ? Truth::yes : Truth::unknown;
            }
            case Op::between: return between(node);
            case Op::in: return in(node);
            case Op::like: return like(node);
            case Op::matches: return matches(node);
            case Op::is_null: return truth_of(std::holds_alternative<Null>(value(node.children[0])));
            case Op::is_true: {
                const Value tested = value(node.children[0]);
                if (std::holds_alternative<Null>(tested)) return Truth::unknown;
                return truth_of(std::holds_alternative<bool>(tested) && std::get<bool>(tested));
            }
            default: return compare_values(node.op, value(node.children[0]), value(node.children[1]));
        }
    }

private:
    Truth all(const Node& node, Truth strong, Truth weak) {
        bool has_strong = false;
        bool has_unknown = false;
        for (const Node& child : node.children) {
            const Truth one = truth(child);
            has_strong = has_strong || one == strong;
            has_unknown = has_unknown || one == Truth::unknown;
        }
        return has_strong ? strong : has_unknown ? Truth::unknown : weak;
    }

    Truth between(const Node& node) {
        const Value tested = value(node.children[0]);
        const Truth above = compare_values(Op::greater_equal, tested, value(node.children[1]));
        const Truth below = compare_values(Op::less_equal, tested, value(node.children[2]));
        if (above == Truth::no || below == Truth::no) return Truth::no;
        return above == Truth::yes && below == Truth::yes ? Truth::yes : Truth::unknown;
    }

    Truth in(const Node& node) {
        const Value tested = value(node.children[0]);
        Truth found = std::holds_alternative<Null>(tested) ? Truth::unknown : Truth::no;
        for (std::size_t index = 1; index < node.children.size(); ++index) {
            if (compare_values(Op::equal, tested, value(node.children[index])) == Truth::yes) found = Truth::yes;
        }
        return found;
    }

    static std::u32string decode(std::string_view text) {
        std::u32string result;
        while (!text.empty()) {
            const auto lead = static_cast<unsigned char>(text[0]);
            const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
            char32_t all_bits = 0;
            for (const char byte : text.substr(0, length)) all_bits = all_bits << 8 | static_cast<unsigned char>(byte);
            result += all_bits;
            text.remove_prefix(std::min(length, text.size()));
        }
        return result;
    }
    static bool like_from(std::u32string_view text, std::u32string_view pattern, char32_t escape) {
        if (pattern.empty()) return text.empty();
        if (pattern[0] == escape) return !text.empty() && text[0] == pattern[1] && like_from(text.substr(1), pattern.substr(2), escape);
        if (pattern[0] == U'%') {
            for (std::size_t skip = 0; skip <= text.size(); ++skip) {
                if (like_from(text.substr(skip), pattern.substr(1), escape)) return true;
            }
            return false;
        }
        return !text.empty() && (pattern[0] == U'_' || pattern[0] == text[0]) && like_from(text.substr(1), pattern.substr(1), escape);
    }
    Truth like(const Node& node) {
        const Value tested = value(node.children[0]);
        if (std::holds_alternative<Null>(tested)) return Truth::unknown;
        if (!std::holds_alternative<std::string_view>(tested)) return Truth::no;
        const std::u32string escape = decode(node.escape);
        return truth_of(like_from(decode(std::get<std::string_view>(tested)), decode(node.text), escape.empty() ? 0xFFFFFFFF : escape[0]));
    }

    Truth matches(const Node& node) {
        const Value tested = value(node.children[0]);
        if (std::holds_alternative<Null>(tested)) return Truth::unknown;
        if (!std::holds_alternative<std::string_view>(tested)) return Truth::no;
        std::uint64_t steps = UINT64_MAX;
        return truth_of(*Regex::compile(node.text)->matches(std::get<std::string_view>(tested), steps));
    }

    Value value(const Node& node) {
        switch (node.op) {
            case Op::literal: return value_of(node.literal);
            case Op::header: return casted(node, message_.header(node.header));
            case Op::property: {
                const auto found = message_.values.find(node.text);
                return casted(node, found == message_.values.end() ? Value(Null{}) : found->second);
            }
            case Op::negate: return with_sign(value(node.children[0]));
            case Op::plus: {
                const Value operand = value(node.children[0]);
                return std::holds_alternative<Null>(operand) || is_numeric(operand) || std::holds_alternative<Duration>(operand)
                           ? operand
                           : Value(Other{});
            }
            case Op::xpath:
            case Op::json: return Null{};  // messages of the random tests have no body
            default: return computed(node.op, value(node.children[0]), value(node.children[1]));
        }
    }
    Value casted(const Node& node, const Value& plain) { return node.cast ? cast(plain, *node.cast, texts_) : plain; }

    static bool is_numeric(const Value& tested) {
        return tested.index() >= static_cast<std::size_t>(Kind::int32) && tested.index() <= static_cast<std::size_t>(Kind::decimal);
    }
    template <typename T>
    static bool either(const Value& left, const Value& right) {
        return std::holds_alternative<T>(left) || std::holds_alternative<T>(right);
    }
    template <typename T>
    static T widened(const Value& number) {
        if (const auto* const small = std::get_if<std::int32_t>(&number)) return static_cast<T>(*small);
        if (const auto* const large = std::get_if<std::int64_t>(&number)) return static_cast<T>(*large);
        if (const auto* const single = std::get_if<float>(&number)) return static_cast<T>(*single);
        return static_cast<T>(std::get<double>(number));
    }

    static std::string expanded(double number) {
        char text[2000];
        std::snprintf(text, sizeof text, "%.1100f", number);
        return text;
    }
    static PlainDecimal plain(const Value& number) {
        if (const auto* const exact = std::get_if<Decimal>(&number)) return PlainDecimal::of(exact->to_string());
        if (std::holds_alternative<float>(number) || std::holds_alternative<double>(number))
            return PlainDecimal::of(expanded(widened<double>(number)));
        return PlainDecimal::of(std::to_string(widened<std::int64_t>(number)));
    }
    static bool is_finite(const Value& number) { return std::holds_alternative<Decimal>(number) || std::isfinite(widened<double>(number)); }

    template <typename T>
    static Truth answer(Op op, const T& left, const T& right) {
        switch (op) {
            case Op::equal: return truth_of(left == right);
            case Op::not_equal: return truth_of(left != right);
            case Op::less: return truth_of(left < right);
            case Op::less_equal: return truth_of(left <= right);
            case Op::greater: return truth_of(left > right);
            default: return truth_of(left >= right);
        }
    }
    static Truth answer_partial(Op op, std::partial_ordering order) {
        return order == std::partial_ordering::unordered ? Truth::unknown : answer(op, order < 0 ? -1 : order > 0 ? 1 : 0, 0);
    }

    static Truth compare_values(Op op, const Value& left, const Value& right) {
        if (either<Null>(left, right)) return Truth::unknown;
        if (is_numeric(left) && is_numeric(right)) return compare_numeric(op, left, right);
        if (either<DateTime>(left, right)) return compare_times(op, left, right);
        if (left.index() != right.index() || std::holds_alternative<Other>(left)) return Truth::no;
        if (std::holds_alternative<Duration>(left)) {
            return answer_partial(op, Duration::compare(std::get<Duration>(left), std::get<Duration>(right)));
        }
        if (op == Op::equal) return truth_of(left == right);
        return op == Op::not_equal ? truth_of(!(left == right)) : Truth::no;
    }
    static Truth compare_numeric(Op op, const Value& left, const Value& right) {
        if (either<Decimal>(left, right)) {
            if (is_finite(left) && is_finite(right)) return answer(op, test::compare(plain(left), plain(right)), 0);
            const double l = is_finite(left) ? 0 : widened<double>(left);
            return answer(op, l, is_finite(right) ? 0 : widened<double>(right));
        }
        if (either<double>(left, right)) return answer(op, widened<double>(left), widened<double>(right));
        if (either<float>(left, right)) return answer(op, widened<float>(left), widened<float>(right));
        return answer(op, widened<std::int64_t>(left), widened<std::int64_t>(right));
    }
    static Truth compare_times(Op op, const Value& left, const Value& right) {
        const auto as_time = [](const Value& tested) -> std::optional<DateTime> {
            if (const auto* const time = std::get_if<DateTime>(&tested)) return *time;
            return DateTime::of_milliseconds(widened<std::int64_t>(tested));
        };
        const auto is_possible = [](const Value& tested) {
            return std::holds_alternative<DateTime>(tested) || std::holds_alternative<std::int32_t>(tested) ||
                   std::holds_alternative<std::int64_t>(tested);
        };
        if (!is_possible(left) || !is_possible(right)) return Truth::no;
        const auto l = as_time(left);
        const auto r = as_time(right);
        if (l && r) return answer_partial(op, DateTime::compare(*l, *r));
        if (!l) return answer(op, widened<std::int64_t>(left) < 0 ? -1 : 1, 0);
        return answer(op, 0, widened<std::int64_t>(right) < 0 ? -1 : 1);
    }

    static Value with_sign(const Value& operand) {
        if (std::holds_alternative<Null>(operand)) return operand;
        if (const auto* const span = std::get_if<Duration>(&operand)) return span->negated();
        if (!is_numeric(operand)) return Other{};
        if (const auto* const exact = std::get_if<Decimal>(&operand)) return fitted(negated(plain(*exact)));
        if (const auto* const single = std::get_if<float>(&operand)) return -*single;
        if (const auto* const real = std::get_if<double>(&operand)) return -*real;
        return computed(Op::subtract, Value(std::int32_t{0}), operand);
    }

    /// As a Decimal, if it fits.
    static Value fitted(const PlainDecimal& number) {
        std::string digits = pad(number.digits, number.scale + 1);
        if (number.scale > 0) digits.insert(digits.size() - number.scale, ".");
        const auto packed = Decimal::parse((number.negative ? "-" : "") + digits);
        return packed ? Value(*packed) : Value(Null{});
    }

    template <typename T>
    static Value real(Op op, T left, T right) {
        if (op == Op::add) return left + right;
        if (op == Op::subtract) return left - right;
        return op == Op::multiply ? left * right : left / right;
    }
    /// Exactly, then the low bits, as Java does it.
    template <typename T>
    static Value whole(Op op, T left, T right) {
        if (op == Op::divide && right == 0) return Null{};
        PlainDecimal exact = PlainDecimal::of(std::to_string(left));
        const PlainDecimal other = PlainDecimal::of(std::to_string(right));
        if (op == Op::divide) {
            const bool is_least = right == -1;
            return is_least ? whole<T>(Op::multiply, left, T{-1}) : Value(static_cast<T>(left / right));
        }
        exact = op == Op::add ? add(exact, other) : op == Op::subtract ? add(exact, negated(other)) : multiply(exact, other);
        std::uint64_t bits = 0;
        for (const char digit : exact.digits) bits = bits * 10 + static_cast<std::uint64_t>(digit - '0');
        return static_cast<T>(exact.negative ? 0 - bits : bits);
    }

    static Value computed(Op op, const Value& left, const Value& right) {
        if (either<Null>(left, right)) return Null{};
        if (!is_numeric(left) || !is_numeric(right)) return compute(op, left, right);
        if (either<Decimal>(left, right)) return decimal(op, left, right);
        if (either<double>(left, right)) return real(op, widened<double>(left), widened<double>(right));
        if (either<float>(left, right)) return real(op, widened<float>(left), widened<float>(right));
        if (either<std::int64_t>(left, right)) return whole(op, widened<std::int64_t>(left), widened<std::int64_t>(right));
        return whole(op, std::get<std::int32_t>(left), std::get<std::int32_t>(right));
    }
    static Value decimal(Op op, const Value& left, const Value& right) {
        if (!is_finite(left) || !is_finite(right)) return Null{};
        const Value l = fitted(plain(left));
        const Value r = fitted(plain(right));
        if (either<Null>(l, r)) return Null{};
        switch (op) {
            case Op::add: return fitted(add(plain(left), plain(right)));
            case Op::subtract: return fitted(add(plain(left), negated(plain(right))));
            case Op::multiply: return fitted(multiply(plain(left), plain(right)));
            default: break;
        }
        // The quotient is checked by what a division is, in its own test; here it is taken over.
        return compute(op, l, r);
    }

    const MapMessage& message_;
    TextStore texts_;
};

}  // namespace giromq::selector::test
