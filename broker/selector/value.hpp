#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "selector/date_time.hpp"
#include "selector/decimal.hpp"

namespace giromq::selector {

/// No value: a property that is not there (JMS 2.0 §3.8.1.2), and what follows from it.
struct Null {
    friend bool operator==(Null, Null) = default;
};

/// Something that is there and is like no type of a selector: bytes, a list, the sum of a number and a string. IS NULL is false of it,
/// and so is every comparison.
struct Other {
    friend bool operator==(Other, Other) = default;
};

/// A value while a selector is evaluated. byte and short are promoted to int by every operation of Java, so they are ints from the start.
using Value = std::variant<Null, Other, bool, std::int32_t, std::int64_t, float, double, Decimal, DateTime, Duration, std::string_view>;

/// The alternatives of Value, in their order.
enum class Kind : std::uint8_t { null, other, boolean, int32, int64, float32, float64, decimal, date_time, duration, string };

inline Kind kind_of(const Value& value) { return static_cast<Kind>(value.index()); }
inline bool is_null(const Value& value) { return kind_of(value) == Kind::null; }
inline bool is_number(const Value& value) { return kind_of(value) >= Kind::int32 && kind_of(value) <= Kind::decimal; }

/// The three values of logic (§3.8.1.2).
enum class Truth : std::uint8_t { no, yes, unknown };

inline Truth truth_of(bool condition) { return condition ? Truth::yes : Truth::no; }

}  // namespace giromq::selector
