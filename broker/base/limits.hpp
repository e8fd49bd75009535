#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds that are part of the broker's contract and not configured.
namespace giromq::limits {

inline constexpr std::size_t destination_name_bytes = 255;
inline constexpr std::size_t user_name_bytes = 128;
inline constexpr std::size_t duplicate_id_bytes = 256;
inline constexpr std::size_t producer_name_bytes = 64;
/// Sections of a message before its body (annotations, properties, application-properties) together.
inline constexpr std::size_t message_head_bytes = 64 * 1024;
/// Sequence numbers of one producer that can be under way at once, and are remembered exactly.
inline constexpr std::uint64_t producer_sequence_window = 1024;

}  // namespace giromq::limits
