#include "store/sqlite/branch_writer.hpp"
#include "store/sqlite/audit_row.hpp"

#include <initializer_list>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "store/sqlite/batch_writer.hpp"
#include "store/sqlite/branch_row.hpp"
#include "store/sqlite/row_checksum.hpp"

namespace giromq::store::sqlite {
namespace {

int prepare_all(Connection& connection, std::initializer_list<std::pair<Statement*, std::string>> statements) {
    for (const auto& [statement, sql] : statements) {
        const int code = statement->prepare(connection.get(), sql);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

/// Binds the key of an entry from index `first`.
void bind_key(Statement& statement, int first, const EntryKey& key) {
    statement.bind(first, key.destination.value).bind(first + 1, std::uint32_t{key.priority}).bind(first + 2, key.position.value);
}

}  // namespace

int BranchWriter::prepare(Connection& connection) {
    connection_ = &connection;
    int code = add_row_checksum(connection);
    if (code == SQLITE_OK) code = add_audit_hash(connection);
    if (code == SQLITE_OK) code = prepare_rows();
    if (code == SQLITE_OK) code = prepare_completion();
    return code;
}

int BranchWriter::prepare_rows() {
    // The checksum of an inserted row is over the values that are bound, in the order of the columns (branch_row.hpp).
    return prepare_all(
        *connection_,
        {
            {&insert_branch_,
             "INSERT INTO branch (number, format_id, gtrid, bqual, state, owner, puts, gets, bytes, prepared_at, checksum) "
             "VALUES (?1,?2,?3,?4,'prepared',?5,?6,?7,?8,?9,giromq_checksum(?1,?2,?3,?4,'prepared',?5,?6,?7,?8,?9))"},
            {&insert_put_, std::string("INSERT INTO prepared_put (") + prepared_put_columns +
                               ", checksum) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,"
                               "giromq_checksum(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11))"},
            {&insert_get_, std::string("INSERT INTO prepared_get (") + prepared_get_columns +
                               ", checksum) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,giromq_checksum(?1,?2,?3,?4,?5,?6,?7,?8))"},
            {&lock_entry_,
             "UPDATE entry SET lock = CAST(?1 AS BLOB) WHERE destination = ?2 AND priority = ?3 AND position = ?4 AND message = ?5 "
             "AND lock IS NULL"},
            {&insert_tombstone_, std::string("INSERT INTO tombstone (") + tombstone_columns + ") VALUES (?,?,?,?,?,?)"},
            {&forget_tombstones_, "DELETE FROM tombstone WHERE position < ?"},
            {&insert_audit_,
             std::string("INSERT INTO audit (") + audit_columns +
                 ", previous_hash, hash) SELECT next, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, previous, giromq_audit_hash(previous, "
                 "next, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) FROM (SELECT coalesce((SELECT max(number) FROM audit), 0) + 1 AS "
                 "next, coalesce((SELECT hash FROM audit ORDER BY number DESC LIMIT 1), zeroblob(32)) AS previous)"},
        });
}

int BranchWriter::prepare_completion() {
    const std::string entry = " WHERE destination = ?1 AND priority = ?2 AND position = ?3";
    const std::string locked = entry + " AND message = ?4 AND lock = CAST(?5 AS BLOB)";
    // A checksum that does not match stays so: the entry must be found damaged, not be made right.
    const auto counted = [&](const std::string& count) {
        return "UPDATE entry SET lock = NULL, delivery_count = " + count +
               ", checksum = CASE WHEN checksum = giromq_entry_checksum(destination, priority, position, message, message_bytes, "
               "delivery_count, due_at) THEN giromq_entry_checksum(destination, priority, position, message, message_bytes, " +
               count + ", due_at) ELSE checksum END" + locked;
    };
    const auto sound = [](const char* checksum) { return std::string(", checksum = ") + checksum; };
    return prepare_all(
        *connection_,
        {
            {&is_prepared_, "SELECT 1 FROM branch WHERE number = ? AND state = 'prepared'"},
            {&select_puts_, std::string("SELECT ") + prepared_put_columns + sound(prepared_put_checksum) +
                                " FROM prepared_put WHERE branch = ? ORDER BY idx"},
            {&select_gets_, std::string("SELECT ") + prepared_get_columns + sound(prepared_get_checksum) +
                                " FROM prepared_get WHERE branch = ? ORDER BY destination, priority DESC, position"},
            {&delete_puts_, "DELETE FROM prepared_put WHERE branch = ?"},
            {&delete_gets_, "DELETE FROM prepared_get WHERE branch = ?"},
            {&unlock_, "UPDATE entry SET lock = NULL" + locked},
            {&unlock_raised_, counted("delivery_count + 1")},
            {&unlock_counted_, counted("?6")},
            {&bury_, std::string("INSERT INTO tombstone (") + tombstone_columns +
                         ") SELECT ?2, format_id, gtrid, bqual, ?3, ?4 FROM branch WHERE number = ?1"},
            {&delete_branch_, "DELETE FROM branch WHERE number = ?"},
            {&decide_,
             "UPDATE branch SET state = ?2, decided_at = ?3, decided_by = ?4, reason = ?5, "
             "checksum = giromq_checksum(number, format_id, gtrid, bqual, ?2, owner, puts, gets, bytes, prepared_at) WHERE number = ?1"},
            {&forget_, "DELETE FROM branch WHERE number = ? AND state <> 'prepared'"},
            {&locked_by_, "SELECT CAST(CAST(lock AS TEXT) AS INTEGER), message FROM entry" + entry},
            {&leave_get_, "DELETE FROM prepared_get" + entry + " AND branch = ?4"},
            {&moved_puts_, "SELECT idx, destination, message_bytes FROM prepared_put WHERE branch = ? AND message = ? AND is_moved = 1"},
            {&delete_put_, "DELETE FROM prepared_put WHERE branch = ? AND idx = ?"},
        });
}

// Preparing

int BranchWriter::run(const PrepareBranch& prepare) {
    insert_branch_.bind(1, prepare.branch.value);
    bind_xid(insert_branch_, 2, prepare.xid);
    insert_branch_.bind(5, std::string_view(prepare.owner)).bind(6, prepare.puts).bind(7, prepare.gets).bind(8, prepare.bytes);
    return inserted(insert_branch_.bind_unless_zero(9, prepare.prepared_at.milliseconds).run(), "a branch number was given twice");
}

int BranchWriter::must_be_prepared(BranchId branch) {
    const ResetGuard guard(is_prepared_);
    const int code = is_prepared_.bind(1, branch.value).step();
    GIROMQ_CHECK(code != SQLITE_DONE, "an operation names a branch that is not prepared");
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

int BranchWriter::run(const PreparePut& put) {
    if (const int code = must_be_prepared(put.branch); code != SQLITE_OK) return code;
    insert_put_.bind(1, put.branch.value).bind(2, put.index).bind(3, put.destination.value).bind(4, std::uint32_t{put.priority});
    insert_put_.bind(5, put.number.value).bind(6, put.message_bytes).bind_unless_zero(7, put.due_at.milliseconds);
    insert_put_.bind_unless_empty(8, put.duplicate_id).bind_unless_empty(9, put.producer).bind(10, put.sequence);
    insert_put_.bind(11, std::uint32_t{put.is_moved});
    if (put.dead_letter == nullptr) {
        for (int column = 12; column <= 16; ++column) insert_put_.bind_null(column);
    } else {
        const DeadLetter& reason = *put.dead_letter;
        insert_put_.bind(12, std::string_view(reason.cause)).bind(13, std::string_view(reason.description));
        insert_put_.bind(14, std::string_view(reason.origin)).bind(15, reason.delivery_count);
        insert_put_.bind_unless_zero(16, reason.time.milliseconds);
    }
    writer_.count_prepared(put.destination, 1, static_cast<std::int64_t>(put.message_bytes));
    return inserted(insert_put_.run(), "two puts of a branch have one index");
}

int BranchWriter::run(const PrepareGet& get) {
    int code = must_be_prepared(get.branch);
    if (code != SQLITE_OK) return code;
    lock_entry_.bind(1, get.branch.value);
    bind_key(lock_entry_, 2, get.key);
    code = lock_entry_.bind(5, get.number.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "a branch has got an entry that is not there, or locked already");
    insert_get_.bind(1, get.branch.value).bind(2, get.key.destination.value).bind(3, std::uint32_t{get.key.priority});
    insert_get_.bind(4, get.key.position.value).bind(5, get.number.value).bind(6, get.message_bytes);
    return inserted(insert_get_.bind(7, text_of(get.outcome)).bind(8, get.delivery_count).run(), "a branch has got an entry twice");
}

// Completing

int BranchWriter::read_puts(BranchId branch, std::vector<PreparePut>& puts) {
    const ResetGuard guard(select_puts_);
    int code = select_puts_.bind(1, branch.value).step();
    for (; code == SQLITE_ROW; code = select_puts_.step()) {
        puts.push_back(read_prepared_put(select_puts_));
        if (select_puts_.number(16) != 1) return SQLITE_CORRUPT;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int BranchWriter::read_gets(BranchId branch, std::vector<PrepareGet>& gets) {
    const ResetGuard guard(select_gets_);
    int code = select_gets_.bind(1, branch.value).step();
    for (; code == SQLITE_ROW; code = select_gets_.step()) {
        gets.push_back(read_prepared_get(select_gets_));
        if (select_gets_.number(8) != 1) return SQLITE_CORRUPT;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int BranchWriter::unlock(Statement& statement, const PrepareGet& get) {
    bind_key(statement, 1, get.key);
    const int code = statement.bind(4, get.number.value).bind(5, get.branch.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "a branch has got an entry that it has not locked");
    return SQLITE_OK;
}

int BranchWriter::complete(const PrepareGet& get, const CompleteBranch& operation) {
    if (operation.outcome == BranchOutcome::rolled_back) return unlock(unlock_raised_, get);
    if (get.outcome == GetOutcome::returned) return unlock(unlock_counted_.bind(6, get.delivery_count), get);
    if (const int code = unlock(unlock_, get); code != SQLITE_OK) return code;
    return writer_.apply(RemoveEntry{.key = get.key,
                                     .number = get.number,
                                     .message_bytes = get.message_bytes,
                                     .is_volatile = false,
                                     .last_reference = get.outcome == GetOutcome::removed});
}

int BranchWriter::complete(const PreparePut& put, const CompleteBranch& operation) {
    writer_.count_prepared(put.destination, -1, -static_cast<std::int64_t>(put.message_bytes));
    if (operation.outcome == BranchOutcome::rolled_back) return put.is_moved ? SQLITE_OK : writer_.delete_message(put.number, true);
    const Position position{operation.first_position.value + put.index};
    const int code = writer_.apply(PutEntry{.key = {.destination = put.destination, .position = position, .priority = put.priority},
                                            .number = put.number,
                                            .message_bytes = put.message_bytes,
                                            .delivery_count = 0,
                                            .due_at = put.due_at,
                                            .is_volatile = false,
                                            .dead_letter = put.dead_letter});
    if (code != SQLITE_OK || put.duplicate_id.empty()) return code;
    return writer_.apply(PutDuplicateId{put.destination, position, put.duplicate_id, operation.time});
}

int BranchWriter::run(const CompleteBranch& operation) {
    std::vector<PrepareGet> gets;
    std::vector<PreparePut> puts;
    int code = must_be_prepared(operation.branch);
    if (code == SQLITE_OK) code = read_gets(operation.branch, gets);
    if (code == SQLITE_OK) code = read_puts(operation.branch, puts);
    if (code == SQLITE_CORRUPT) log::error("prepared_branch_damaged", {{"branch", operation.branch.value}, {"do", "giromqd --check"}});
    // The gets first: a put may take over the message of one.
    for (auto get = gets.begin(); code == SQLITE_OK && get != gets.end(); ++get) code = complete(*get, operation);
    for (auto put = puts.begin(); code == SQLITE_OK && put != puts.end(); ++put) code = complete(*put, operation);
    if (code == SQLITE_OK && !gets.empty()) code = delete_gets_.bind(1, operation.branch.value).run();
    if (code == SQLITE_OK && !puts.empty()) code = delete_puts_.bind(1, operation.branch.value).run();
    if (code != SQLITE_OK) return code;
    if (operation.decision) {
        decide_.bind(1, operation.branch.value).bind(2, heuristic_state_of(operation.outcome));
        decide_.bind_unless_zero(3, operation.time.milliseconds).bind(4, std::string_view(operation.decision->decided_by));
        return decide_.bind(5, std::string_view(operation.decision->reason)).run();
    }
    bury_.bind(1, operation.branch.value).bind(2, operation.tombstone.value).bind(3, text_of(operation.outcome));
    code = inserted(bury_.bind_unless_zero(4, operation.time.milliseconds).run(), "two tombstones have one position");
    return code == SQLITE_OK ? delete_branch_.bind(1, operation.branch.value).run() : code;
}

int BranchWriter::run(const ForgetBranch& forget) {
    const int code = forget_.bind(1, forget.branch.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "a branch was forgotten that is not completed");
    return SQLITE_OK;
}

int BranchWriter::leave_branch(const EntryKey& key) {
    BranchId branch;
    MessageNumber number;
    {
        const ResetGuard guard(locked_by_);
        bind_key(locked_by_, 1, key);
        const int code = locked_by_.step();
        if (code == SQLITE_DONE || (code == SQLITE_ROW && locked_by_.is_null(0))) return SQLITE_OK;
        if (code != SQLITE_ROW) return code;
        branch = BranchId{locked_by_.unsigned_number(0)};
        number = MessageNumber{locked_by_.unsigned_number(1)};
    }
    log::error("got_entry_damaged", {{"branch", branch.value}, {"position", key.position.value}});
    bind_key(leave_get_, 1, key);
    const int code = leave_get_.bind(4, branch.value).run();
    return code == SQLITE_OK ? remove_moved_puts(branch, number) : code;
}

int BranchWriter::remove_moved_puts(BranchId branch, MessageNumber number) {
    struct Row {
        std::uint32_t index;
        DestinationId destination;
        std::int64_t bytes;
    };
    std::vector<Row> rows;
    {
        const ResetGuard guard(moved_puts_);
        int code = moved_puts_.bind(1, branch.value).bind(2, number.value).step();
        for (; code == SQLITE_ROW; code = moved_puts_.step()) {
            rows.push_back({moved_puts_.number32(0), DestinationId{moved_puts_.unsigned_number(1)}, moved_puts_.number(2)});
        }
        if (code != SQLITE_DONE) return code;
    }
    for (const auto& row : rows) {
        writer_.count_prepared(row.destination, -1, -row.bytes);
        if (const int code = delete_put_.bind(1, branch.value).bind(2, row.index).run(); code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

// Tombstones and the audit

int BranchWriter::run(const PutTombstone& put) {
    insert_tombstone_.bind(1, put.position.value);
    bind_xid(insert_tombstone_, 2, put.xid);
    insert_tombstone_.bind(5, text_of(put.outcome)).bind_unless_zero(6, put.resolved_at.milliseconds);
    return inserted(insert_tombstone_.run(), "two tombstones have one position");
}

int BranchWriter::run(const ForgetTombstones& forget) { return forget_tombstones_.bind(1, forget.before.value).run(); }

int BranchWriter::run(const PutAudit& put) {
    insert_audit_.bind_unless_zero(1, put.time.milliseconds).bind(2, std::string_view(put.user)).bind(3, std::string_view(put.action));
    insert_audit_.bind(4, std::string_view(put.object)).bind(5, std::string_view(put.outcome)).bind(6, std::string_view(put.detail));
    return insert_audit_.bind(7, std::string_view(put.peer)).bind(8, std::string_view(put.protocol)).run();
}

}  // namespace giromq::store::sqlite
