#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "selector/tree.hpp"

namespace giromq::selector {

/// What separates tokens.
inline constexpr std::string_view sql_white_space = " \t\f\r\n";

/// What a token of the SQL form is.
enum class Token : std::uint8_t {
    end,
    identifier,
    string,
    long_number,
    /// 9223372036854775808, which is a long only behind a minus sign (Java language specification §3.10.1).
    least_long,
    double_number,
    // Keywords, in any case of letters.
    word_and,
    word_or,
    word_not,
    word_between,
    word_like,
    word_in,
    word_is,
    word_null,
    word_true,
    word_false,
    word_escape,
    // Operators.
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    plus,
    minus,
    star,
    slash,
    open,
    close,
    comma,
};

/// Cuts the SQL form into tokens (JMS 2.0 §3.8.1.1): Java's white space, identifiers and number literals; SQL's strings and operators.
class SqlLexer {
public:
    /// `text` must outlive the lexer.
    explicit SqlLexer(std::string_view text) : text_(text), rest_(text) {}

    /// Moves to the next token. After Token::end it stays there.
    Result<void> next();

    Token token() const { return token_; }
    Position position() const { return token_position_; }
    /// The token as it is written, for messages and for identifiers.
    std::string_view spelling() const { return spelling_; }
    /// Of a string: what it stands for.
    const std::string& string() const { return string_; }
    std::int64_t long_number() const { return long_number_; }
    double double_number() const { return double_number_; }
    /// True if an opening parenthesis, or a string, comes next, whatever white space is between.
    bool is_before_parenthesis() const { return is_before('('); }
    bool is_before_string() const { return is_before('\''); }

private:
    Result<void> check_character();
    void advance(std::size_t bytes);
    void skip_white_space();
    bool is_before(char expected) const;
    Result<void> take_operator();
    Result<void> take_string();
    Result<void> take_word();
    Result<void> take_number();
    Result<void> read_integer(std::string_view digits);
    Result<void> read_double(std::string_view digits, bool hexadecimal, bool single);
    Error refuse(std::string_view sentence) const { return refusal(errc::syntax, token_position_, sentence); }

    std::string_view text_;
    std::string_view rest_;
    Position position_{1, 1};
    bool after_return_ = false;
    Token token_ = Token::end;
    Position token_position_{1, 1};
    std::string_view spelling_;
    std::string string_;
    std::int64_t long_number_ = 0;
    double double_number_ = 0;
};

}  // namespace giromq::selector
