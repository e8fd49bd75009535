#include "store/sqlite/row_checksum.hpp"

#include <cstdint>
#include <vector>

#include "base/crc32c.hpp"

namespace giromq::store::sqlite {
namespace {

void append(std::vector<std::uint8_t>& bytes, std::uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

void append(std::vector<std::uint8_t>& bytes, sqlite3_value* value) {
    const int type = sqlite3_value_type(value);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) {
        append(bytes, static_cast<std::uint64_t>(sqlite3_value_int64(value)));
        return;
    }
    const auto* const first = static_cast<const std::uint8_t*>(sqlite3_value_blob(value));
    const auto length = static_cast<std::size_t>(sqlite3_value_bytes(value));
    append(bytes, std::uint64_t{length});
    if (length > 0) bytes.insert(bytes.end(), first, first + length);
}

void checksum_of_values(sqlite3_context* context, int count, sqlite3_value** values) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(512);
    for (int index = 0; index < count; ++index) append(bytes, values[index]);
    sqlite3_result_int64(context, std::int64_t{crc32c(bytes)});
}

}  // namespace

int add_row_checksum(Connection& connection) {
    return sqlite3_create_function_v2(connection.get(), row_checksum_function, -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                      nullptr, checksum_of_values, nullptr, nullptr, nullptr);
}

}  // namespace giromq::store::sqlite
