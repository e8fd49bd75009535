#pragma once

#include <string_view>

/// The small grammar of header fields (RFC 9110 §5.6).
namespace giromq::admin_web {

/// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

/// What is before the next separator, trimmed; `rest` begins behind it.
std::string_view take_item(std::string_view& rest, char separator);

/// Whether two words are the same but for the case of ASCII letters.
bool is_same_word(std::string_view left, std::string_view right);

/// Whether the word is in a list separated by commas.
bool lists_word(std::string_view list, std::string_view word);

}  // namespace giromq::admin_web
