#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/failpoint.hpp"
#include "store/sqlite/branch_row.hpp"
#include "store/sqlite/engine.hpp"
#include "store/sqlite/enum_text.hpp"

namespace giromq::store::sqlite {
namespace {

/// Runs a query and hands every row to `row`.
template <typename Row>
Result<void> for_each_row(Connection& connection, std::string_view sql, Row row) {
    Statement statement;
    int code = statement.prepare(connection.get(), sql);
    if (code != SQLITE_OK) return error_of(connection.get(), code, sql);
    for (code = statement.step(); code == SQLITE_ROW; code = statement.step()) row(statement);
    if (code != SQLITE_DONE) return error_of(connection.get(), code, "reading what the broker starts from");
    return {};
}

template <std::size_t count>
void copy_key(std::span<const std::uint8_t> blob, std::array<std::uint8_t, count>& key) {
    std::copy_n(blob.begin(), std::min(blob.size(), count), key.begin());
}

}  // namespace

Result<void> SqliteStore::recover(RecoveryVisitor& visitor) {
    if (failure_) return failure();
    if (auto read = recover_counters(visitor); !read.ok()) return read;
    if (auto read = recover_destinations(visitor); !read.ok()) return read;
    if (auto read = recover_producers(visitor); !read.ok()) return read;
    if (auto read = recover_duplicate_ids(visitor); !read.ok()) return read;
    if (auto read = recover_users(visitor); !read.ok()) return read;
    if (auto read = recover_selectors(visitor); !read.ok()) return read;
    if (auto read = recover_permissions(visitor); !read.ok()) return read;
    return recover_transactions(visitor);
}

Result<void> SqliteStore::recover_counters(RecoveryVisitor& visitor) {
    return for_each_row(writer_, "SELECT next_position, next_message, next_destination FROM broker", [&](const Statement& row) {
        visitor.counters(Position{row.unsigned_number(0)}, MessageNumber{row.unsigned_number(1)}, DestinationId{row.unsigned_number(2)});
    });
}

Result<void> SqliteStore::recover_destinations(RecoveryVisitor& visitor) {
    constexpr std::string_view sql =
        "SELECT id, name, kind, origin, max_deliveries, dead_letter_queue, max_messages, max_bytes, overflow, duplicate_ids_max, "
        "duplicate_ids_age, strict, created_at, closing, messages, bytes, prepared_messages, prepared_bytes, crash_horizon, "
        "sending_paused, receiving_paused FROM destination ORDER BY id";
    return for_each_row(writer_, sql, [&](const Statement& row) {
        StoredDestination stored;
        int column = 0;
        stored.id = DestinationId{row.unsigned_number(column++)};
        stored.settings.name = row.text(column++);
        stored.settings.kind = kind_of(row.text(column++));
        stored.settings.origin = origin_of(row.text(column++));
        stored.settings.max_deliveries = row.number32(column++);
        stored.settings.dead_letter_queue = row.text(column++);
        stored.settings.max_messages = row.unsigned_number(column++);
        stored.settings.max_bytes = row.unsigned_number(column++);
        stored.settings.overflow = overflow_of(row.text(column++));
        stored.settings.duplicate_ids_max = row.number32(column++);
        stored.settings.duplicate_ids_age = std::chrono::milliseconds(row.number(column++));
        stored.settings.strict = row.number(column++) != 0;
        stored.created_at = Timestamp{row.number(column++)};
        stored.closing = row.number(column++) != 0;
        stored.messages = row.unsigned_number(column++);
        stored.bytes = row.unsigned_number(column++);
        stored.prepared_messages = row.unsigned_number(column++);
        stored.prepared_bytes = row.unsigned_number(column++);
        stored.crash_horizon = Position{row.unsigned_number(column++)};
        stored.settings.is_sending_paused = row.number(column++) != 0;
        stored.settings.is_receiving_paused = row.number(column++) != 0;
        visitor.destination(std::move(stored));
    });
}

Result<void> SqliteStore::recover_producers(RecoveryVisitor& visitor) {
    // In the order of use: who was silent for longest comes first.
    constexpr std::string_view sql = "SELECT name, high_water, window, last_used FROM producer ORDER BY last_used, id";
    return for_each_row(writer_, sql, [&](const Statement& row) {
        PutProducer producer;
        producer.producer = row.text(0);
        producer.high_water = row.unsigned_number(1);
        const auto window = row.blob(2);
        producer.window.assign(window.begin(), window.end());
        producer.last_used = Timestamp{row.number(3)};
        visitor.producer(std::move(producer));
    });
}

Result<void> SqliteStore::recover_duplicate_ids(RecoveryVisitor& visitor) {
    constexpr std::string_view sql = "SELECT destination, position, id, time FROM duplicate_id ORDER BY destination, position";
    return for_each_row(writer_, sql, [&](const Statement& row) {
        visitor.duplicate_id(
            PutDuplicateId{DestinationId{row.unsigned_number(0)}, Position{row.unsigned_number(1)}, row.text(2), Timestamp{row.number(3)}});
    });
}

Result<void> SqliteStore::recover_users(RecoveryVisitor& visitor) {
    constexpr std::string_view sql = "SELECT name, role, salt, iterations, stored_key, server_key FROM user ORDER BY name";
    return for_each_row(writer_, sql, [&](const Statement& row) {
        User user;
        user.name = row.text(0);
        user.role = role_of(row.text(1));
        const auto salt = row.blob(2);
        user.salt.assign(salt.begin(), salt.end());
        user.iterations = row.number32(3);
        copy_key(row.blob(4), user.stored_key);
        copy_key(row.blob(5), user.server_key);
        visitor.user(std::move(user));
    });
}

Result<void> SqliteStore::recover_selectors(RecoveryVisitor& visitor) {
    return for_each_row(writer_, "SELECT name, text, changed_at FROM selector ORDER BY name", [&](const Statement& row) {
        visitor.selector({std::string(row.text(0)), std::string(row.text(1)), Timestamp{row.number(2)}});
    });
}

Result<void> SqliteStore::recover_permissions(RecoveryVisitor& visitor) {
    constexpr std::string_view sql =
        "SELECT id, grantee_kind, grantee, pattern, actions, created_at, created_by FROM permission ORDER BY id";
    return for_each_row(writer_, sql, [&](const Statement& row) {
        Permission permission;
        permission.id = row.unsigned_number(0);
        permission.grantee_kind = grantee_kind_of(row.text(1));
        permission.grantee = row.text(2);
        permission.pattern = row.text(3);
        permission.actions = actions_of(row.text(4));
        permission.created_at = Timestamp{row.number(5)};
        permission.created_by = row.text(6);
        visitor.permission(std::move(permission));
    });
}

/// One scan of each table: 100,000 branches take a fraction of a second.
Result<void> SqliteStore::recover_transactions(RecoveryVisitor& visitor) {
    const auto scan = [&](const char* table, const char* columns, const std::string& checksum, const char* order, auto row_to_visitor) {
        const auto sql = std::string("SELECT ") + columns + ", " + checksum + " FROM " + table + " ORDER BY " + order;
        bool is_sound = true;
        auto read = for_each_row(writer_, sql, [&](const Statement& row) { is_sound = is_sound && row_to_visitor(row); });
        if (!read.ok() || is_sound) return read;
        return Result<void>(Error(errc::damaged, std::string("a row of the table ") + table +
                                                     " is not as it was written, so it is not known what was promised; see "
                                                     "giromqd --check and docs/operations/failures.md"));
    };
    const auto sound = [](const char* checksum) { return std::string("checksum = ") + checksum; };
    auto read = scan("branch", branch_columns, sound(branch_checksum), "number", [&](const Statement& row) {
        auto branch = read_branch(row);
        if (!branch || row.number(13) != 1) return false;
        visitor.branch(std::move(*branch));
        failpoint::reach("recovery", "branch");
        return true;
    });
    if (!read.ok()) return read;
    read = scan("prepared_put", prepared_put_columns, sound(prepared_put_checksum), "branch, idx", [&](const Statement& row) {
        visitor.prepared_put(read_prepared_put(row));
        return row.number(16) == 1;
    });
    if (!read.ok()) return read;
    constexpr auto get_order = "branch, destination, priority DESC, position";
    // What the entry counts: only of one that is to be returned its own row has to tell.
    const auto counted = sound(prepared_get_checksum) +
                         ", CASE outcome WHEN 'removed' THEN delivery_count WHEN 'moved' THEN delivery_count - 1 ELSE (SELECT "
                         "e.delivery_count FROM entry AS e WHERE e.destination = prepared_get.destination AND "
                         "e.priority = prepared_get.priority AND e.position = prepared_get.position) END";
    read = scan("prepared_get", prepared_get_columns, counted, get_order, [&](const Statement& row) {
        auto get = read_prepared_get(row);
        get.failed_deliveries = row.number32(9);
        visitor.prepared_get(std::move(get));
        return row.number(8) == 1;
    });
    if (!read.ok()) return read;
    return scan("tombstone", tombstone_columns, "NULL", "position", [&](const Statement& row) {
        // Without it a repeated call hears that there is no such branch, as it would after a day: no reason not to start.
        if (auto tombstone = read_tombstone(row)) visitor.tombstone(std::move(*tombstone));
        return true;
    });
}

}  // namespace giromq::store::sqlite
