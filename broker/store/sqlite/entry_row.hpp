#pragma once

#include <cstdint>

#include "store/sqlite/connection.hpp"

/// The checksum of an entry, the narrow row that says which message is where. Without it a damaged bit could deliver another message in its
/// place, or one of them twice.
namespace giromq::store::sqlite {

/// What the checksum is over: every column but the lock.
struct EntryFacts {
    std::uint64_t destination = 0;
    std::uint64_t priority = 0;
    std::uint64_t position = 0;
    std::uint64_t message = 0;
    std::uint64_t message_bytes = 0;
    std::uint64_t delivery_count = 0;
    std::uint64_t due_at = 0;
};

/// CRC-32C over the seven numbers, 64-bit little-endian each.
std::uint32_t entry_checksum(const EntryFacts& facts);

/// The name under which statements of a connection can use it, with the columns in the order of EntryFacts; NULL counts as 0.
inline constexpr const char* entry_checksum_function = "giromq_entry_checksum";

/// Makes the function known to a connection. Returns SQLite's code.
int add_entry_checksum(Connection& connection);

}  // namespace giromq::store::sqlite
