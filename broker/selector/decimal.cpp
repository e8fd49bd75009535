#include "selector/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/ascii.hpp"

namespace giromq::selector {
namespace {

constexpr std::uint32_t base = 1'000'000'000;
constexpr std::size_t digits_per_limb = 9;

constexpr std::array<std::uint32_t, digits_per_limb + 1> powers_of_ten = {1,       10,        100,        1000,        10'000,
                                                                          100'000, 1'000'000, 10'000'000, 100'000'000, base};

/// A natural number wide enough for any two coefficients brought to one scale, and for their product.
struct Wide {
    static constexpr std::size_t capacity = 20;
    std::array<std::uint32_t, capacity> limbs{};
    std::size_t size = 0;  // limbs in use; the highest is not 0

    void trim() {
        while (size > 0 && limbs[size - 1] == 0) --size;
    }
    std::size_t digits() const {
        if (size == 0) return 0;
        std::size_t top = 1;
        while (top < digits_per_limb && limbs[size - 1] >= powers_of_ten[top]) ++top;
        return (size - 1) * digits_per_limb + top;
    }
    /// this = this * factor + more. The callers' numbers fit: what would not is refused by its number of digits beforehand.
    void multiply_add(std::uint32_t factor, std::uint32_t more) {
        std::uint64_t carry = more;
        for (std::size_t index = 0; index < size; ++index) {
            carry += std::uint64_t{limbs[index]} * factor;
            limbs[index] = static_cast<std::uint32_t>(carry % base);
            carry /= base;
        }
        if (carry != 0) limbs[size++] = static_cast<std::uint32_t>(carry);
    }
    void shift(std::size_t tens) {
        for (; tens > 0; tens -= std::min(tens, digits_per_limb)) multiply_add(powers_of_ten[std::min(tens, digits_per_limb)], 0);
    }
    /// Divides by ten and returns the remainder.
    std::uint32_t divide_by_ten() {
        std::uint64_t rest = 0;
        for (std::size_t index = size; index-- > 0;) {
            rest = rest * base + limbs[index];
            limbs[index] = static_cast<std::uint32_t>(rest / 10);
            rest %= 10;
        }
        trim();
        return static_cast<std::uint32_t>(rest);
    }
    bool ends_in_zero() const { return size > 0 && limbs[0] % 10 == 0; }
};

std::strong_ordering compare_wide(const Wide& left, const Wide& right) {
    if (left.size != right.size) return left.size <=> right.size;
    for (std::size_t index = left.size; index-- > 0;) {
        if (left.limbs[index] != right.limbs[index]) return left.limbs[index] <=> right.limbs[index];
    }
    return std::strong_ordering::equal;
}

Wide add_wide(const Wide& left, const Wide& right) {
    Wide sum;
    std::uint32_t carry = 0;
    const std::size_t size = std::max(left.size, right.size);
    for (std::size_t index = 0; index < size; ++index) {
        const std::uint32_t limb = left.limbs[index] + right.limbs[index] + carry;
        sum.limbs[index] = limb % base;
        carry = limb / base;
    }
    sum.limbs[size] = carry;
    sum.size = size + 1;
    sum.trim();
    return sum;
}

/// left >= right.
Wide subtract_wide(const Wide& left, const Wide& right) {
    Wide difference = left;
    std::uint32_t borrow = 0;
    for (std::size_t index = 0; index < left.size; ++index) {
        const std::uint32_t taken = right.limbs[index] + borrow;
        borrow = difference.limbs[index] < taken ? 1 : 0;
        difference.limbs[index] += borrow * base;
        difference.limbs[index] -= taken;
    }
    difference.trim();
    return difference;
}

Wide multiply_wide(const Wide& left, const Wide& right) {
    Wide product;
    for (std::size_t outer = 0; outer < left.size; ++outer) {
        std::uint64_t carry = 0;
        for (std::size_t inner = 0; inner < right.size || carry != 0; ++inner) {
            carry += product.limbs[outer + inner];
            if (inner < right.size) carry += std::uint64_t{left.limbs[outer]} * right.limbs[inner];
            product.limbs[outer + inner] = static_cast<std::uint32_t>(carry % base);
            carry /= base;
        }
    }
    product.size = left.size + right.size;
    product.trim();
    return product;
}

}  // namespace

/// Between the stored form and the wide one.
class DecimalWork {
public:
    static Wide widen(const Decimal& number) {
        Wide wide;
        std::copy(number.coefficient_.begin(), number.coefficient_.end(), wide.limbs.begin());
        wide.size = number.coefficient_.size();
        wide.trim();
        return wide;
    }

    /// Nothing if it does not fit even without the zeros at its end.
    static std::optional<Decimal> pack(bool negative, Wide coefficient, std::size_t scale) {
        while (scale > 0 && (scale > Decimal::digits_max || coefficient.digits() > Decimal::digits_max) &&
               (coefficient.ends_in_zero() || coefficient.size == 0)) {
            coefficient.divide_by_ten();
            --scale;
        }
        if (scale > Decimal::digits_max || coefficient.digits() > Decimal::digits_max) return std::nullopt;
        Decimal number;
        std::copy_n(coefficient.limbs.begin(), Decimal::limbs, number.coefficient_.begin());
        number.scale_ = static_cast<std::uint8_t>(scale);
        number.negative_ = negative && coefficient.size > 0;
        return number;
    }

    struct Aligned {
        Wide left;
        Wide right;
        std::size_t scale;
    };
    static Aligned align(const Decimal& left, const Decimal& right) {
        Aligned aligned{widen(left), widen(right), std::max(left.scale_, right.scale_)};
        aligned.left.shift(aligned.scale - left.scale_);
        aligned.right.shift(aligned.scale - right.scale_);
        return aligned;
    }

    static std::optional<Decimal> divide(const Decimal& left, const Decimal& right);
};

Decimal Decimal::of(std::int64_t number) {
    const bool negative = number < 0;
    Decimal result = of_unsigned(negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number));
    result.negative_ = negative;
    return result;
}

Decimal Decimal::of_unsigned(std::uint64_t number) {
    Decimal result;
    for (std::size_t index = 0; number != 0; ++index, number /= base)
        result.coefficient_[index] = static_cast<std::uint32_t>(number % base);
    return result;
}

namespace {

/// Every digit of a finite double. The smallest has 1074 digits behind the point, the largest 309 before it.
std::string expand(double number) {
    std::array<char, 1500> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed, 1074);
    std::string result(text.data(), error == std::errc{} ? end : text.data());
    result.erase(result.find_last_not_of('0') + 1);
    return result;
}

}  // namespace

std::optional<Decimal> Decimal::of(double number) {
    if (!std::isfinite(number)) return std::nullopt;
    return parse(expand(number));
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    Wide coefficient;
    std::size_t scale = 0;
    bool behind_point = false;
    bool has_digit = false;
    for (const char character : text) {
        if (character == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (!is_digit(character)) return std::nullopt;
        has_digit = true;
        if (coefficient.digits() >= 2 * digits_max || scale >= 2 * digits_max) return std::nullopt;
        if (behind_point) ++scale;
        coefficient.multiply_add(10, static_cast<std::uint32_t>(character - '0'));
    }
    return has_digit ? DecimalWork::pack(negative, coefficient, scale) : std::nullopt;
}

std::optional<Decimal> Decimal::parse_scientific(std::string_view text) {
    const auto mark = text.find_first_of("eE");
    auto number = parse(text.substr(0, mark));
    if (mark == std::string_view::npos || !number) return number;
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int exponent = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (number->is_zero()) return Decimal();
    Wide coefficient = DecimalWork::widen(*number);
    const int scale = number->scale_ - std::clamp(exponent, -1000, 1000);
    if (scale >= 0) return DecimalWork::pack(number->negative_, coefficient, static_cast<std::size_t>(scale));
    if (static_cast<std::size_t>(-scale) + coefficient.digits() > digits_max) return std::nullopt;
    coefficient.shift(static_cast<std::size_t>(-scale));
    return DecimalWork::pack(number->negative_, coefficient, 0);
}

std::string Decimal::to_string() const {
    Wide rest = DecimalWork::widen(*this);
    std::string text;
    for (std::size_t place = 0; rest.size > 0 || place <= scale_; ++place) {
        if (place == scale_ && scale_ > 0) text += '.';
        text += static_cast<char>('0' + rest.divide_by_ten());
    }
    if (negative_) text += '-';
    std::reverse(text.begin(), text.end());
    return text;
}

double Decimal::to_double() const {
    const std::string text = to_string();
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::optional<std::int64_t> Decimal::to_long() const {
    Wide whole = DecimalWork::widen(*this);
    for (std::size_t place = 0; place < scale_; ++place) {
        if (whole.divide_by_ten() != 0) return std::nullopt;
    }
    if (whole.digits() > 19) return std::nullopt;
    std::uint64_t magnitude = 0;
    for (std::size_t index = whole.size; index-- > 0;) magnitude = magnitude * base + whole.limbs[index];
    const std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative_ ? 1 : 0);
    if (magnitude > most) return std::nullopt;
    return static_cast<std::int64_t>(negative_ ? 0 - magnitude : magnitude);
}

bool Decimal::is_zero() const {
    return std::all_of(coefficient_.begin(), coefficient_.end(), [](std::uint32_t limb) { return limb == 0; });
}

Decimal Decimal::negated() const {
    Decimal result = *this;
    result.negative_ = !negative_ && !is_zero();
    return result;
}

std::optional<Decimal> Decimal::add(const Decimal& left, const Decimal& right) {
    const auto aligned = DecimalWork::align(left, right);
    if (left.negative_ == right.negative_) return DecimalWork::pack(left.negative_, add_wide(aligned.left, aligned.right), aligned.scale);
    const bool left_is_larger = compare_wide(aligned.left, aligned.right) >= 0;
    const Wide difference = left_is_larger ? subtract_wide(aligned.left, aligned.right) : subtract_wide(aligned.right, aligned.left);
    return DecimalWork::pack(left_is_larger ? left.negative_ : right.negative_, difference, aligned.scale);
}

std::optional<Decimal> Decimal::subtract(const Decimal& left, const Decimal& right) { return add(left, right.negated()); }

std::optional<Decimal> Decimal::multiply(const Decimal& left, const Decimal& right) {
    const Wide product = multiply_wide(DecimalWork::widen(left), DecimalWork::widen(right));
    return DecimalWork::pack(left.negative_ != right.negative_, product, std::size_t{left.scale_} + right.scale_);
}

/// Long division as on paper, a decimal digit at a time.
std::optional<Decimal> DecimalWork::divide(const Decimal& left, const Decimal& right) {
    const Wide divisor = widen(right);
    if (divisor.size == 0) return std::nullopt;
    std::string dividend;
    for (Wide rest = widen(left); rest.size > 0;) dividend += static_cast<char>('0' + rest.divide_by_ten());
    Wide quotient;
    Wide rest;
    std::size_t scale = left.scale_;  // digits of the quotient behind the point, before that of the divisor moves it
    const auto next = [&](std::uint32_t digit) {
        rest.multiply_add(10, digit);
        std::uint32_t times = 0;
        for (; compare_wide(rest, divisor) >= 0; ++times) rest = subtract_wide(rest, divisor);
        quotient.multiply_add(10, times);
    };
    for (std::size_t index = dividend.size(); index-- > 0;) next(static_cast<std::uint32_t>(dividend[index] - '0'));
    // A scale that would become negative needs digits in any case.
    while (scale < right.scale_ || (rest.size > 0 && quotient.digits() < Decimal::quotient_digits)) {
        if (quotient.digits() > Decimal::digits_max || scale > 3 * Decimal::digits_max) return std::nullopt;
        next(0);
        ++scale;
    }
    if (rest.size > 0) {
        const auto half = compare_wide(add_wide(rest, rest), divisor);
        const bool is_odd = quotient.size > 0 && quotient.limbs[0] % 2 == 1;
        if (half > 0 || (half == 0 && is_odd)) {
            Wide one;
            one.multiply_add(1, 1);
            quotient = add_wide(quotient, one);
        }
    }
    return pack(left.negative_ != right.negative_, quotient, scale - right.scale_);
}

std::optional<Decimal> Decimal::divide(const Decimal& left, const Decimal& right) { return DecimalWork::divide(left, right); }

std::strong_ordering Decimal::compare(const Decimal& left, const Decimal& right) {
    if (left.negative_ != right.negative_) return left.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
    const auto aligned = DecimalWork::align(left, right);
    return left.negative_ ? compare_wide(aligned.right, aligned.left) : compare_wide(aligned.left, aligned.right);
}

namespace {

/// Of two numbers written in full without a sign, each with a point.
std::strong_ordering compare_magnitudes(std::string_view left, std::string_view right) {
    const auto split = [](std::string_view text) {
        const auto point = std::min(text.find('.'), text.size());
        std::string_view whole = text.substr(0, point);
        std::string_view fraction = text.substr(std::min(point + 1, text.size()));
        whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
        fraction.remove_suffix(fraction.size() - std::min(fraction.find_last_not_of('0') + 1, fraction.size()));
        return std::pair(whole, fraction);
    };
    const auto [left_whole, left_fraction] = split(left);
    const auto [right_whole, right_fraction] = split(right);
    if (left_whole.size() != right_whole.size()) return left_whole.size() <=> right_whole.size();
    if (left_whole != right_whole) return left_whole <=> right_whole;
    return left_fraction <=> right_fraction;
}

}  // namespace

std::partial_ordering Decimal::compare(const Decimal& left, double right) {
    if (std::isnan(right)) return std::partial_ordering::unordered;
    if (std::isinf(right)) return right > 0 ? std::partial_ordering::less : std::partial_ordering::greater;
    const bool right_is_negative = right < 0;
    if (left.negative_ != right_is_negative) return left.negative_ ? std::partial_ordering::less : std::partial_ordering::greater;
    const std::string exact = expand(std::fabs(right));
    const std::string mine = left.negative_ ? left.negated().to_string() : left.to_string();
    return left.negative_ ? compare_magnitudes(exact, mine) : compare_magnitudes(mine, exact);
}

}  // namespace giromq::selector
