#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

/// Decimal numbers as on paper, for the reference evaluator: slow, unbounded, and written without a look at the real ones.
namespace giromq::selector::test {

struct PlainDecimal {
    bool negative = false;
    std::string digits = "0";  // the highest first
    std::size_t scale = 0;

    static PlainDecimal of(std::string text) {
        PlainDecimal number;
        number.negative = text.starts_with('-');
        if (text.starts_with('-') || text.starts_with('+')) text.erase(0, 1);
        const auto point = text.find('.');
        if (point != std::string::npos) {
            number.scale = text.size() - point - 1;
            text.erase(point, 1);
        }
        number.digits = text;
        number.tidy();
        return number;
    }

    bool is_zero() const { return digits == "0"; }

    void tidy() {
        digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
        while (scale > 0 && !digits.empty() && digits.back() == '0') {
            digits.pop_back();
            --scale;
        }
        if (digits.empty()) {
            digits = "0";
            scale = 0;
            negative = false;
        }
    }
};

inline std::string pad(std::string digits, std::size_t width) { return std::string(width - std::min(width, digits.size()), '0') + digits; }

inline int compare_digits(const std::string& left, const std::string& right) {
    const std::size_t width = std::max(left.size(), right.size());
    return pad(left, width).compare(pad(right, width));
}

inline std::string add_digits(const std::string& left, const std::string& right) {
    const std::size_t width = std::max(left.size(), right.size()) + 1;
    const std::string a = pad(left, width);
    const std::string b = pad(right, width);
    std::string sum(width, '0');
    int carry = 0;
    for (std::size_t index = width; index-- > 0;) {
        const int total = (a[index] - '0') + (b[index] - '0') + carry;
        sum[index] = static_cast<char>('0' + total % 10);
        carry = total / 10;
    }
    return sum;
}

inline std::string subtract_digits(const std::string& left, const std::string& right) {
    const std::size_t width = std::max(left.size(), right.size());
    const std::string a = pad(left, width);
    const std::string b = pad(right, width);
    std::string difference(width, '0');
    int borrow = 0;
    for (std::size_t index = width; index-- > 0;) {
        const int rest = (a[index] - '0') - (b[index] - '0') - borrow;
        borrow = rest < 0 ? 1 : 0;
        difference[index] = static_cast<char>('0' + rest + borrow * 10);
    }
    return difference;
}

inline int compare(PlainDecimal left, PlainDecimal right) {
    const std::size_t scale = std::max(left.scale, right.scale);
    left.digits.append(scale - left.scale, '0');
    right.digits.append(scale - right.scale, '0');
    if (left.negative != right.negative) return left.negative ? -1 : 1;
    const int order = compare_digits(left.digits, right.digits);
    return left.negative ? -order : order;
}

inline PlainDecimal add(PlainDecimal left, PlainDecimal right) {
    PlainDecimal sum;
    sum.scale = std::max(left.scale, right.scale);
    left.digits.append(sum.scale - left.scale, '0');
    right.digits.append(sum.scale - right.scale, '0');
    if (left.negative == right.negative) {
        sum.negative = left.negative;
        sum.digits = add_digits(left.digits, right.digits);
    } else if (compare_digits(left.digits, right.digits) >= 0) {
        sum.negative = left.negative;
        sum.digits = subtract_digits(left.digits, right.digits);
    } else {
        sum.negative = right.negative;
        sum.digits = subtract_digits(right.digits, left.digits);
    }
    sum.tidy();
    return sum;
}

inline PlainDecimal negated(PlainDecimal number) {
    number.negative = !number.negative && !number.is_zero();
    return number;
}

inline PlainDecimal multiply(const PlainDecimal& left, const PlainDecimal& right) {
    PlainDecimal product;
    for (const char digit : right.digits) {
        product.digits += '0';
        for (int times = 0; times < digit - '0'; ++times) product.digits = add_digits(product.digits, left.digits);
    }
    product.scale = left.scale + right.scale;
    product.negative = left.negative != right.negative;
    product.tidy();
    return product;
}

}  // namespace giromq::selector::test
