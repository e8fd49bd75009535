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
/// "anonymous", which is the name of those that did not log in. SASLprep (RFC 4013) must leave it as it is, so that the name a client
/// prepares is the name that is stored.
Result<void> check_user_name(std::string_view name);

/// A new password as SASLprep has it, which is what is hashed: 8 to 256 bytes of UTF-8, and not the user's name. Errors: weak_password.
Result<std::string> prepare_password(std::string_view password, std::string_view name);

}  // namespace giromq::security
