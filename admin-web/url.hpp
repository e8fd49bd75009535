#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace giromq::admin_web {

/// The target of a request (RFC 9112 §3.2, origin form), taken apart and decoded.
struct Target {
    std::vector<std::string> segments;  // of the path: "/api/v1/queues/a%2Fb" has "a/b" as its last
    std::vector<std::pair<std::string, std::string>> query;

    /// The value of a query parameter; nothing if it is not there.
    std::optional<std::string> parameter(std::string_view name) const;
};

/// Nothing for what is not in origin form, has empty, "." or ".." segments, wrong percent-encoding, control characters or bytes that
/// are not UTF-8, a parameter twice, or more segments or parameters than any route has.
std::optional<Target> parse_target(std::string_view text);

/// "%2F" to "/"; nothing if a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);
/// Everything but letters, digits and "-._~" is encoded.
std::string percent_encode(std::string_view text);

/// The place where a list goes on: opaque to clients, in fact the last name in hexadecimal.
std::string encode_cursor(std::string_view last);
std::optional<std::string> decode_cursor(std::string_view cursor);

}  // namespace giromq::admin_web
