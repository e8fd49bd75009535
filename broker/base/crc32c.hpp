#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace giromq {

/// CRC-32C (Castagnoli, RFC 3720 §12.1), the checksum of stored messages. `seed` is the checksum of the bytes before, so that a
/// checksum can be computed piece by piece; 0 to start. Uses the processor's instruction where there is one.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t seed = 0);

}  // namespace giromq
