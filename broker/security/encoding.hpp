#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "security/errc.hpp"

namespace giromq::security {

/// Base 64 of RFC 4648 §4, with padding.
std::string encode_base64(std::span<const std::uint8_t> bytes);

/// The bytes of canonical base 64: the whole alphabet and nothing else, right padding, unused bits zero. Nothing for anything else, so
/// that there is exactly one text for every value.
std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text);

/// True if the whole of `text` is well-formed UTF-8 without control characters.
bool is_clean_utf8(std::string_view text);

/// Checks a user name: 1 to 128 bytes of UTF-8, no control character and no colon (HTTP Basic cannot carry one, RFC 7617 §2), single
/// spaces between words (certificates have such names: "Payment Gateway 1"), but none at the ends, where nobody sees them; not
/// "anonymous", which is the name of those that did not log in. Only characters that SASLprep (RFC 4013) leaves as they are, so that
/// the name a client prepares is the name that is stored.
Result<void> check_user_name(std::string_view name);

/// Checks a new password: 8 to 256 bytes of UTF-8, of the same characters or spaces, and not the user's name.
Result<void> check_password(std::string_view password, std::string_view name);

}  // namespace giromq::security
