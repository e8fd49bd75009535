#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace giromq::security {

/// What a text is prepared for (RFC 3454 §7): a stored one may only have characters that Unicode 3.2 knows, one to be looked for may have
/// any.
enum class Prepared { stored, query };

/// SASLprep (RFC 4013): characters that are mapped to others or to nothing, NFKC, then what is prohibited, and texts in two directions.
/// Nothing for what it refuses, and for what is not UTF-8. Takes time in proportion to the length, which the caller bounds. Thread-safe.
std::optional<std::string> saslprep(std::string_view text, Prepared purpose);

/// The name under which a user is looked for: as SASLprep has it, or as it is if it refuses, or if no user's can be so long.
std::string prepared_name(std::string_view name);

}  // namespace giromq::security
