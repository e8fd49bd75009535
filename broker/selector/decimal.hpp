#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace giromq::selector {

/// An exact decimal number: a coefficient of up to 81 digits and a scale of 0 to 81 digits behind the point. Sums, differences and
/// products are exact, or nothing if they do not fit; quotients that do not end are rounded half to even at 34 significant digits or
/// more. Nothing is ever rounded in binary. The scale is kept as it was written (10.00 stays 10.00) and does not count in comparisons.
class Decimal {
public:
    static constexpr std::size_t digits_max = 81;
    static constexpr std::size_t quotient_digits = 34;

    Decimal() = default;

    static Decimal of(std::int64_t number);
    static Decimal of_unsigned(std::uint64_t number);
    /// The exact value of the double; nothing if it is not finite or has more digits than fit.
    static std::optional<Decimal> of(double number);
    /// The lexical form of xs:decimal without white space: "-12.50", ".5", "5.". Nothing if it is another or too long.
    static std::optional<Decimal> parse(std::string_view text);
    /// As parse, with an exponent allowed: the number of JSON (RFC 8259 §6).
    static std::optional<Decimal> parse_scientific(std::string_view text);

    /// In full, without an exponent: parse() of it gives the same number of the same scale.
    std::string to_string() const;
    /// The nearest double, which may be infinite.
    double to_double() const;
    /// The number if it is whole and in the range of a long.
    std::optional<std::int64_t> to_long() const;

    bool is_zero() const;
    bool is_negative() const { return negative_; }
    Decimal negated() const;

    static std::optional<Decimal> add(const Decimal& left, const Decimal& right);
    static std::optional<Decimal> subtract(const Decimal& left, const Decimal& right);
    static std::optional<Decimal> multiply(const Decimal& left, const Decimal& right);
    /// Nothing for a divisor of zero.
    static std::optional<Decimal> divide(const Decimal& left, const Decimal& right);

    /// By value: 1.0 equals 1.00.
    static std::strong_ordering compare(const Decimal& left, const Decimal& right);
    /// With the exact value of a double; unordered for a NaN.
    static std::partial_ordering compare(const Decimal& left, double right);

    /// The same number written the same way: 1.0 is not 1.00.
    friend bool operator==(const Decimal&, const Decimal&) = default;

private:
    friend class DecimalWork;

    static constexpr std::size_t limbs = 9;

    std::array<std::uint32_t, limbs> coefficient_{};  // base 10^9, the least first
    std::uint8_t scale_ = 0;
    bool negative_ = false;  // never of a zero
};

}  // namespace giromq::selector
