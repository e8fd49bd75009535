#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace giromq::config {

/// Bytes from "64MiB", "512B" or "0"; nothing for another form or more than 2^63 - 1.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// Milliseconds from "10s", "500ms", "5min", "1h", "7d" or "0"; nothing for another form or an overflow.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace giromq::config
