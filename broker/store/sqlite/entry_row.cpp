#include "store/sqlite/entry_row.hpp"

#include <array>
#include <cstddef>

#include "base/crc32c.hpp"

namespace giromq::store::sqlite {
namespace {

constexpr int columns = 7;

void checksum_of_columns(sqlite3_context* context, int, sqlite3_value** values) {
    const auto number = [&](int index) { return static_cast<std::uint64_t>(sqlite3_value_int64(values[index])); };
    sqlite3_result_int64(context, std::int64_t{entry_checksum({.destination = number(0),
                                                               .priority = number(1),
                                                               .position = number(2),
                                                               .message = number(3),
                                                               .message_bytes = number(4),
                                                               .delivery_count = number(5),
                                                               .due_at = number(6)})});
}

}  // namespace

std::uint32_t entry_checksum(const EntryFacts& facts) {
    const std::array<std::uint64_t, columns> numbers{facts.destination,   facts.priority,       facts.position, facts.message,
                                                     facts.message_bytes, facts.delivery_count, facts.due_at};
    std::array<std::uint8_t, sizeof(numbers)> bytes{};
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        bytes.at(index) = static_cast<std::uint8_t>(numbers.at(index / 8) >> (8 * (index % 8)));
    }
    return crc32c(bytes);
}

int add_entry_checksum(Connection& connection) {
    return sqlite3_create_function_v2(connection.get(), entry_checksum_function, columns,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr, checksum_of_columns, nullptr,
                                      nullptr, nullptr);
}

}  // namespace giromq::store::sqlite
