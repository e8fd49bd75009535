#include "selector/operations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <compare>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace giromq::selector {
namespace {

/// How two values stand to each other. Strings and booleans are only the same or different.
enum class Relation { unlike, unknown, less, equal, greater, unordered, same, different };

Relation relation_of(std::partial_ordering order, Relation otherwise) {
    if (order == std::partial_ordering::less) return Relation::less;
    if (order == std::partial_ordering::greater) return Relation::greater;
    return order == std::partial_ordering::equivalent ? Relation::equal : otherwise;
}

bool is_integer(Kind kind) { return kind == Kind::int32 || kind == Kind::int64; }

std::int64_t to_long(const Value& number) {
    const auto* const small = std::get_if<std::int32_t>(&number);
    return small != nullptr ? *small : std::get<std::int64_t>(number);
}

/// Java's widening conversions, which round to nearest (§5.1.2).
template <typename Real>
Real to_real(const Value& number) {
    switch (kind_of(number)) {
        case Kind::float32: return static_cast<Real>(std::get<float>(number));
        case Kind::float64: return static_cast<Real>(std::get<double>(number));
        default: return static_cast<Real>(to_long(number));
    }
}

std::optional<Decimal> to_decimal(const Value& number) {
    switch (kind_of(number)) {
        case Kind::decimal: return std::get<Decimal>(number);
        case Kind::float32: return Decimal::of(static_cast<double>(std::get<float>(number)));
        case Kind::float64: return Decimal::of(std::get<double>(number));
        default: return Decimal::of(to_long(number));
    }
}

bool is_real(Kind kind) { return kind == Kind::float32 || kind == Kind::float64; }

std::partial_ordering compare_with_decimal(const Value& left, const Value& right) {
    const bool left_is_real = is_real(kind_of(left));
    if (!left_is_real && !is_real(kind_of(right))) return Decimal::compare(*to_decimal(left), *to_decimal(right));
    if (!left_is_real) return Decimal::compare(std::get<Decimal>(left), to_real<double>(right));
    return 0 <=> Decimal::compare(std::get<Decimal>(right), to_real<double>(left));
}

std::partial_ordering compare_numbers(const Value& left, const Value& right) {
    const Kind wider = std::max(kind_of(left), kind_of(right));
    if (wider == Kind::decimal) return compare_with_decimal(left, right);
    if (wider == Kind::float64) return to_real<double>(left) <=> to_real<double>(right);
    if (wider == Kind::float32) return to_real<float>(left) <=> to_real<float>(right);
    return to_long(left) <=> to_long(right);
}

/// A dateTime with another or with milliseconds; nothing for anything else.
std::optional<DateTime> to_date_time(const Value& value) {
    if (kind_of(value) == Kind::date_time) return std::get<DateTime>(value);
    return is_integer(kind_of(value)) ? DateTime::of_milliseconds(to_long(value)) : std::nullopt;
}

/// Milliseconds before the year 1 or after 9999 are before and after every dateTime.
Relation relate_times(const Value& left, const Value& right) {
    const auto left_time = to_date_time(left);
    const auto right_time = to_date_time(right);
    if (left_time && right_time) return relation_of(DateTime::compare(*left_time, *right_time), Relation::unknown);
    const bool left_is_outside = !left_time;
    const bool is_early = to_long(left_is_outside ? left : right) < 0;
    return is_early == left_is_outside ? Relation::less : Relation::greater;
}

Relation relate(const Value& left, const Value& right) {
    const Kind left_kind = kind_of(left);
    const Kind right_kind = kind_of(right);
    if (left_kind == Kind::null || right_kind == Kind::null) return Relation::unknown;
    if (is_number(left) && is_number(right)) return relation_of(compare_numbers(left, right), Relation::unordered);
    const bool has_time = left_kind == Kind::date_time || right_kind == Kind::date_time;
    const bool are_times =
        has_time && (left_kind == Kind::date_time || is_integer(left_kind)) && (right_kind == Kind::date_time || is_integer(right_kind));
    if (are_times) return relate_times(left, right);
    if (left_kind != right_kind) return Relation::unlike;
    switch (left_kind) {
        case Kind::string:
            return std::get<std::string_view>(left) == std::get<std::string_view>(right) ? Relation::same : Relation::different;
        case Kind::boolean: return std::get<bool>(left) == std::get<bool>(right) ? Relation::same : Relation::different;
        case Kind::duration: return relation_of(Duration::compare(std::get<Duration>(left), std::get<Duration>(right)), Relation::unknown);
        default: return Relation::unlike;
    }
}

template <typename Integer>
Value compute_integers(Op operation, Integer left, Integer right) {
    using Bits = std::make_unsigned_t<Integer>;
    const auto l = static_cast<Bits>(left);
    const auto r = static_cast<Bits>(right);
    switch (operation) {
        case Op::add: return static_cast<Integer>(l + r);
        case Op::subtract: return static_cast<Integer>(l - r);
        case Op::multiply: return static_cast<Integer>(l * r);
        default: break;
    }
    if (right == 0) return Null{};
    // The one quotient that does not fit wraps around (Java language specification §15.17.2); the processor would trap.
    if (right == -1) return static_cast<Integer>(0 - l);
    return static_cast<Integer>(left / right);
}

template <typename Real>
Value compute_reals(Op operation, Real left, Real right) {
    switch (operation) {
        case Op::add: return left + right;
        case Op::subtract: return left - right;
        case Op::multiply: return left * right;
        default: return left / right;
    }
}

template <typename Type>
Value or_null(const std::optional<Type>& value) {
    return value ? Value(*value) : Value(Null{});
}

Value compute_decimals(Op operation, const std::optional<Decimal>& left, const std::optional<Decimal>& right) {
    if (!left || !right) return Null{};
    switch (operation) {
        case Op::add: return or_null(Decimal::add(*left, *right));
        case Op::subtract: return or_null(Decimal::subtract(*left, *right));
        case Op::multiply: return or_null(Decimal::multiply(*left, *right));
        default: return or_null(Decimal::divide(*left, *right));
    }
}

Value compute_times(Op operation, const Value& left, const Value& right) {
    const auto* const left_time = std::get_if<DateTime>(&left);
    const auto* const right_time = std::get_if<DateTime>(&right);
    const auto* const left_span = std::get_if<Duration>(&left);
    const auto* const right_span = std::get_if<Duration>(&right);
    const bool adds = operation == Op::add;
    if (!adds && operation != Op::subtract) return Other{};
    if (left_time != nullptr && right_span != nullptr)
        return or_null(DateTime::add(*left_time, adds ? *right_span : right_span->negated()));
    if (left_span != nullptr && right_time != nullptr && adds) return or_null(DateTime::add(*right_time, *left_span));
    if (left_span != nullptr && right_span != nullptr)
        return or_null(Duration::add(*left_span, adds ? *right_span : right_span->negated()));
    if (left_time != nullptr && right_time != nullptr && !adds) return or_null(DateTime::subtract(*left_time, *right_time));
    return Other{};
}

}  // namespace

Truth negate(Truth operand) { return operand == Truth::unknown ? operand : truth_of(operand == Truth::no); }

Truth conjunction(Truth left, Truth right) {
    if (left == Truth::no || right == Truth::no) return Truth::no;
    return left == Truth::yes && right == Truth::yes ? Truth::yes : Truth::unknown;
}

Truth disjunction(Truth left, Truth right) { return negate(conjunction(negate(left), negate(right))); }

Truth compare(Op comparison, const Value& left, const Value& right) {
    const Relation relation = relate(left, right);
    if (relation == Relation::unknown) return Truth::unknown;
    const bool is_equal = relation == Relation::equal || relation == Relation::same;
    switch (comparison) {
        case Op::equal: return truth_of(is_equal);
        case Op::not_equal: return truth_of(!is_equal && relation != Relation::unlike);
        case Op::less: return truth_of(relation == Relation::less);
        case Op::less_equal: return truth_of(relation == Relation::less || relation == Relation::equal);
        case Op::greater: return truth_of(relation == Relation::greater);
        default: return truth_of(relation == Relation::greater || relation == Relation::equal);
    }
}

Value compute(Op operation, const Value& left, const Value& right) {
    if (is_null(left) || is_null(right)) return Null{};
    if (!is_number(left) || !is_number(right)) return compute_times(operation, left, right);
    switch (std::max(kind_of(left), kind_of(right))) {
        case Kind::decimal: return compute_decimals(operation, to_decimal(left), to_decimal(right));
        case Kind::float64: return compute_reals(operation, to_real<double>(left), to_real<double>(right));
        case Kind::float32: return compute_reals(operation, to_real<float>(left), to_real<float>(right));
        case Kind::int64: return compute_integers(operation, to_long(left), to_long(right));
        default: return compute_integers(operation, std::get<std::int32_t>(left), std::get<std::int32_t>(right));
    }
}

Value apply_sign(Op sign, const Value& operand) {
    const bool negative = sign == Op::negate;
    switch (kind_of(operand)) {
        case Kind::null: return operand;
        case Kind::int32: return negative ? compute_integers<std::int32_t>(Op::subtract, 0, std::get<std::int32_t>(operand)) : operand;
        case Kind::int64: return negative ? compute_integers<std::int64_t>(Op::subtract, 0, std::get<std::int64_t>(operand)) : operand;
        case Kind::float32: return negative ? Value(-std::get<float>(operand)) : operand;
        case Kind::float64: return negative ? Value(-std::get<double>(operand)) : operand;
        case Kind::decimal: return negative ? Value(std::get<Decimal>(operand).negated()) : operand;
        case Kind::duration: return negative ? Value(std::get<Duration>(operand).negated()) : operand;
        default: return Other{};
    }
}

namespace {

/// The shortest text that is read as the same number of the same type.
template <typename Real>
std::string shortest(Real number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "INF" : "-INF";
    std::array<char, 40> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    return std::string(text.data(), error == std::errc{} ? end : text.data());
}

std::optional<std::string> text_of(const Value& value) {
    switch (kind_of(value)) {
        case Kind::boolean: return literal_text(std::get<bool>(value));
        case Kind::int32:
        case Kind::int64: return std::to_string(to_long(value));
        case Kind::float32: return shortest(std::get<float>(value));
        case Kind::float64: return shortest(std::get<double>(value));
        case Kind::decimal: return std::get<Decimal>(value).to_string();
        case Kind::date_time: return std::get<DateTime>(value).to_string();
        case Kind::duration: return std::get<Duration>(value).to_string();
        default: return std::nullopt;
    }
}

/// Text in the lexical forms of XML Schema. A date counts as a dateTime, infinity and NaN as doubles.
Value cast_text(std::string_view text, Type type) {
    if (type == Type::date_time) {
        constexpr std::string_view spaces = " \t\r\n";
        const auto begin = text.find_first_not_of(spaces);
        if (begin == std::string_view::npos) return Null{};
        return or_null(DateTime::parse_with_dates(text.substr(begin, text.find_last_not_of(spaces) - begin + 1)));
    }
    if (type == Type::double_number) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (text == "INF") return infinity;
        if (text == "-INF") return -infinity;
        if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    }
    const auto literal = read_literal(type, text);
    return literal ? value_of(*literal) : Value(Null{});
}

Value cast_number(const Value& number, Type type) {
    switch (type) {
        case Type::long_number: {
            const auto exact = to_decimal(number);
            return exact ? or_null(exact->to_long()) : Value(Null{});
        }
        case Type::double_number: return kind_of(number) == Kind::decimal ? std::get<Decimal>(number).to_double() : to_real<double>(number);
        case Type::decimal: return or_null(to_decimal(number));
        case Type::date_time: return or_null(to_date_time(number));
        default: return Null{};
    }
}

}  // namespace

Value cast(const Value& value, Type type, TextStore& texts) {
    const Kind kind = kind_of(value);
    if (kind == Kind::string) return type == Type::string ? value : cast_text(std::get<std::string_view>(value), type);
    if (type == Type::string) {
        auto text = text_of(value);
        return text ? Value(std::string_view(texts.emplace_front(*std::move(text)))) : Value(Null{});
    }
    if (is_number(value)) return cast_number(value, type);
    const bool is_that = (kind == Kind::boolean && type == Type::boolean) || (kind == Kind::date_time && type == Type::date_time) ||
                         (kind == Kind::duration && type == Type::duration);
    return is_that ? value : Value(Null{});
}

Value value_of(const Literal& literal) {
    switch (type_of(literal)) {
        case Type::string: return std::string_view(std::get<std::string>(literal));
        case Type::long_number: return std::get<std::int64_t>(literal);
        case Type::double_number: return std::get<double>(literal);
        case Type::decimal: return std::get<Decimal>(literal);
        case Type::boolean: return std::get<bool>(literal);
        case Type::date_time: return std::get<DateTime>(literal);
        case Type::duration: return std::get<Duration>(literal);
    }
    return Null{};
}

}  // namespace giromq::selector
