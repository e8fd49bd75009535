#pragma once

#include "store/sqlite/connection.hpp"

/// The checksum of the rows of prepared branches: a damaged bit could commit another branch, or put its message into another queue.
namespace giromq::store::sqlite {

/// The name of the function under which statements use it, over any number of columns: CRC-32C over each value in turn, a number as 64-bit
/// little-endian (NULL as 0), a text or BLOB as its length, 64-bit little-endian too, and its bytes.
inline constexpr const char* row_checksum_function = "giromq_checksum";

/// Makes the function known to a connection. Returns SQLite's code.
int add_row_checksum(Connection& connection);

}  // namespace giromq::store::sqlite
