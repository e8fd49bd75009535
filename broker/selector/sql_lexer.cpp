#include "selector/sql_lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "selector/unicode.hpp"

namespace giromq::selector {
namespace {

constexpr std::array<std::pair<std::string_view, Token>, 11> keywords = {{{"AND", Token::word_and},
                                                                          {"OR", Token::word_or},
                                                                          {"NOT", Token::word_not},
                                                                          {"BETWEEN", Token::word_between},
                                                                          {"LIKE", Token::word_like},
                                                                          {"IN", Token::word_in},
                                                                          {"IS", Token::word_is},
                                                                          {"NULL", Token::word_null},
                                                                          {"TRUE", Token::word_true},
                                                                          {"FALSE", Token::word_false},
                                                                          {"ESCAPE", Token::word_escape}}};

constexpr std::array<std::pair<std::string_view, Token>, 13> operators = {{{"<>", Token::not_equal},
                                                                           {"<=", Token::less_equal},
                                                                           {">=", Token::greater_equal},
                                                                           {"=", Token::equal},
                                                                           {"<", Token::less},
                                                                           {">", Token::greater},
                                                                           {"+", Token::plus},
                                                                           {"-", Token::minus},
                                                                           {"*", Token::star},
                                                                           {"/", Token::slash},
                                                                           {"(", Token::open},
                                                                           {")", Token::close},
                                                                           {",", Token::comma}}};

bool is_hex_digit(char character) {
    return is_digit(character) || (character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F');
}

char upper(char letter) { return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter; }

bool equals_ignoring_case(std::string_view word, std::string_view keyword) {
    return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(), [](char a, char b) { return upper(a) == b; });
}

/// The digits of a literal, in which Java allows underscores between digits.
struct Digits {
    std::size_t size = 0;
    bool ok = true;
};

template <typename IsDigit>
Digits scan_digits(std::string_view text, IsDigit is_one) {
    Digits digits;
    while (digits.size < text.size() && (is_one(text[digits.size]) || (digits.size > 0 && text[digits.size] == '_'))) ++digits.size;
    digits.ok = digits.size == 0 || text[digits.size - 1] != '_';
    return digits;
}

}  // namespace

void SqlLexer::advance(std::size_t bytes) {
    for (const char character : rest_.substr(0, bytes)) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte == '\r' || (byte == '\n' && !after_return_)) {
            ++position_.line;
            position_.column = 1;
        } else if (byte != '\n' && (byte & 0xC0) != 0x80) {
            position_.column += byte >= 0xF0 ? 2 : 1;
        }
        after_return_ = byte == '\r';
    }
    rest_.remove_prefix(bytes);
}

void SqlLexer::skip_white_space() { advance(std::min(rest_.find_first_not_of(sql_white_space), rest_.size())); }

bool SqlLexer::is_before(char expected) const {
    const auto place = rest_.find_first_not_of(sql_white_space);
    return place != std::string_view::npos && rest_[place] == expected;
}

Result<void> SqlLexer::next() {
    skip_white_space();
    token_position_ = position_;
    spelling_ = {};
    if (rest_.empty()) {
        token_ = Token::end;
        return {};
    }
    if (rest_[0] == '\'') return take_string();
    if (is_digit(rest_[0]) || (rest_[0] == '.' && rest_.size() > 1 && is_digit(rest_[1]))) return take_number();
    std::string_view ahead = rest_;
    const auto code_point = take_code_point(ahead);
    if (!code_point) return refusal(errc::wrong_encoding, position_, "the bytes here are not UTF-8");
    if (is_identifier_start(*code_point)) return take_word();
    return take_operator();
}

Result<void> SqlLexer::take_operator() {
    if (rest_.starts_with("--") || rest_.starts_with("/*")) {
        return refuse("SQL comments are not supported (JMS 2.0 §3.8.1.3); between two minus signs there must be a space");
    }
    if (rest_.starts_with("!=") || rest_.starts_with("==")) return refuse(rest_[0] == '!' ? "write <> for not equal" : "write = for equal");
    if (rest_[0] == '"') return refuse("strings are enclosed in single quotes; a property with an unusual name is PROPERTY('name')");
    for (const auto& [spelling, token] : operators) {
        if (!rest_.starts_with(spelling)) continue;
        token_ = token;
        spelling_ = rest_.substr(0, spelling.size());
        advance(spelling.size());
        return {};
    }
    return refuse("there is a character here that nothing begins with");
}

Result<void> SqlLexer::take_string() {
    token_ = Token::string;
    string_.clear();
    const std::string_view begin = rest_;
    advance(1);
    while (true) {
        if (rest_.empty()) return refuse("the string that begins here has no end");
        if (rest_[0] == '\'' && !rest_.starts_with("''")) break;
        std::string_view ahead = rest_;
        const auto code_point = take_code_point(ahead);
        if (!code_point) return refusal(errc::wrong_encoding, position_, "the bytes here are not UTF-8");
        if (!is_xml_character(*code_point)) {
            return refusal(errc::wrong_encoding, position_, "there is a control character here, which XML could not hold");
        }
        const std::size_t bytes = rest_.size() - ahead.size();
        string_ += rest_.substr(0, bytes);
        advance(rest_[0] == '\'' ? 2 : bytes);
    }
    advance(1);
    spelling_ = begin.substr(0, begin.size() - rest_.size());
    return {};
}

Result<void> SqlLexer::take_word() {
    std::string_view ahead = rest_;
    while (true) {
        std::string_view before = ahead;
        const auto code_point = take_code_point(ahead);
        if (code_point && is_identifier_part(*code_point)) continue;
        ahead = before;
        // The names that AMQP clients give to fields of the bare message, such as amqp.correlation_id, are one word.
        const bool is_amqp = rest_.substr(0, rest_.size() - ahead.size()) == "amqp";
        if (!is_amqp || !ahead.starts_with('.')) break;
        ahead.remove_prefix(1);
    }
    spelling_ = rest_.substr(0, rest_.size() - ahead.size());
    token_ = Token::identifier;
    for (const auto& [keyword, token] : keywords) {
        if (equals_ignoring_case(spelling_, keyword)) token_ = token;
    }
    advance(spelling_.size());
    return {};
}

/// Java language specification §3.10.1 and §3.10.2. Exact numbers are longs, whether they end in L or not.
Result<void> SqlLexer::take_number() {
    const bool hexadecimal = rest_.starts_with("0x") || rest_.starts_with("0X");
    const bool binary = rest_.starts_with("0b") || rest_.starts_with("0B");
    const auto digit = [&](char character) { return hexadecimal ? is_hex_digit(character) : is_digit(character); };
    const std::string_view begin = rest_;
    std::size_t size = hexadecimal || binary ? 2 : 0;
    bool is_double = false;
    const Digits whole = scan_digits(begin.substr(size), digit);
    size += whole.size;
    Digits fraction;
    const auto at = [&](std::size_t place) { return place < begin.size() ? upper(begin[place]) : '\0'; };
    if (!binary && at(size) == '.') {
        is_double = true;
        fraction = scan_digits(begin.substr(++size), digit);
        size += fraction.size;
    }
    Digits exponent{1, true};
    const bool has_exponent = at(size) == (hexadecimal ? 'P' : 'E') && !binary;
    if (has_exponent) {
        is_double = true;
        ++size;
        if (at(size) == '+' || at(size) == '-') ++size;
        exponent = scan_digits(begin.substr(size), is_digit);
        size += exponent.size;
    }
    const std::string_view number = begin.substr(0, size);
    const char suffix = at(size);
    const bool has_float_suffix = (suffix == 'F' || suffix == 'D') && !binary && (!hexadecimal || is_double);
    is_double = is_double || has_float_suffix;
    const bool has_suffix = has_float_suffix || (suffix == 'L' && !is_double);
    spelling_ = begin.substr(0, size + (has_suffix ? 1 : 0));
    std::string_view ahead = begin.substr(spelling_.size());
    const bool well_formed = whole.ok && fraction.ok && exponent.ok && exponent.size > 0 && whole.size + fraction.size > 0;
    const auto next = take_code_point(ahead);
    if (!well_formed || (next && (is_identifier_part(*next) || *next == '.')) || (hexadecimal && is_double && !has_exponent)) {
        return refuse("this is not a number of Java");
    }
    advance(spelling_.size());
    return is_double ? read_double(number, hexadecimal, suffix == 'F') : read_integer(number);
}

Result<void> SqlLexer::read_integer(std::string_view digits) {
    int radix = 10;
    if (digits.size() > 1 && digits[0] == '0') {
        const char mark = upper(digits[1]);
        radix = mark == 'X' ? 16 : mark == 'B' ? 2 : 8;
        digits.remove_prefix(radix == 8 ? 1 : 2);
    }
    std::string plain(digits);
    std::erase(plain, '_');
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), number, radix);
    if (end != plain.data() + plain.size() && error == std::errc{})
        return refuse("a number that begins with 0 is octal and has no such digit");
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (error != std::errc{} || (radix == 10 && number > most + 1)) return refuse("exact numbers are in the range of a long of Java");
    // Other radices write all 64 bits, the sign among them.
    token_ = radix == 10 && number == most + 1 ? Token::least_long : Token::long_number;
    long_number_ = static_cast<std::int64_t>(number);
    return {};
}

Result<void> SqlLexer::read_double(std::string_view digits, bool hexadecimal, bool single) {
    std::string plain(digits.substr(hexadecimal ? 2 : 0));
    std::erase(plain, '_');
    const auto format = hexadecimal ? std::chars_format::hex : std::chars_format::general;
    const char* const end = plain.data() + plain.size();
    std::from_chars_result result{};
    if (single) {
        float number = 0;
        result = std::from_chars(plain.data(), end, number, format);
        double_number_ = static_cast<double>(number);
    } else {
        result = std::from_chars(plain.data(), end, double_number_, format);
    }
    if (result.ec == std::errc::result_out_of_range) return refuse("approximate numbers are in the range of a double of Java");
    if (result.ec != std::errc{} || result.ptr != end) return refuse("this is not a number of Java");
    token_ = Token::double_number;
    return {};
}

}  // namespace giromq::selector
