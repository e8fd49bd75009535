#pragma once

#include <forward_list>
#include <string>

#include "selector/tree.hpp"
#include "selector/value.hpp"

/// What comparisons, arithmetic and casts mean (JMS 2.0 §3.8.1.1 and §3.8.1.2, and the extensions in docs/selectors.md).
namespace giromq::selector {

/// Text that was made while a selector was evaluated, for the values that refer to it.
using TextStore = std::forward_list<std::string>;

Truth negate(Truth operand);
Truth conjunction(Truth left, Truth right);
Truth disjunction(Truth left, Truth right);

/// A comparison. A value that is missing makes it unknown; otherwise unlike types make it false, whatever the comparison. Numbers are
/// compared after the binary numeric promotion of Java (§5.6.2), with decimals exactly; a dateTime with an int or a long as milliseconds
/// (§3.8.1.3). Strings and booleans have no order: they are equal or not.
Truth compare(Op comparison, const Value& left, const Value& right);

/// Arithmetic as in Java: promotion, integers that wrap around, IEEE 754; decimals exactly. Null if an operand is missing, for a
/// division of integers by zero, and for a result that cannot be held. Other if an operand is of a type that is not computed with.
Value compute(Op operation, const Value& left, const Value& right);

/// The sign of a number or a duration.
Value apply_sign(Op sign, const Value& operand);

/// The value as another type; Null if it cannot be that, and from Null.
Value cast(const Value& value, Type type, TextStore& texts);

/// The literal as a value; text stays where it is.
Value value_of(const Literal& literal);

}  // namespace giromq::selector
