#include <chrono>
#include <utility>
#include <vector>

#include "base/crc32c.hpp"
#include "store/sqlite/audit_row.hpp"
#include "store/sqlite/branch_row.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/data_directory.hpp"
#include "store/sqlite/entry_row.hpp"
#include "store/sqlite/message_row.hpp"
#include "store/sqlite/row_checksum.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/write_ahead_log.hpp"

namespace giromq::store {
namespace sqlite {
namespace {

constexpr std::size_t findings_max = 100;
constexpr std::uint64_t rows_between_progress = 100000;

/// A query that must return no row; each row it returns is one sentence about what is wrong.
struct Rule {
    const char* about;
    const char* sql;
};

constexpr Rule rules[] = {
    {"every record of the audit follows the one before",
     "SELECT 'record ' || number || ' of the audit is not as it was written, or the one before it was changed or removed' FROM "
     "(SELECT *, lag(hash, 1, zeroblob(32)) OVER (ORDER BY number) AS before, lag(number, 1, 0) OVER (ORDER BY number) AS last FROM audit) "
     "WHERE number <> last + 1 OR previous_hash IS NOT before OR hash IS NOT giromq_audit_hash(before, number, time, actor, action, "
     "subject, outcome, reason, peer, protocol)"},
    {"the audit has its last record",
     "SELECT 'the audit has lost its last records: it has had ' || seq FROM sqlite_sequence WHERE name = 'audit' AND seq <> "
     "coalesce((SELECT max(number) FROM audit), 0)"},
    {"every entry has its message",
     "SELECT 'entry at position ' || position || ' of destination ' || destination || ' refers to message ' || message || ', which is "
     "missing' FROM entry WHERE NOT EXISTS (SELECT 1 FROM message WHERE number = entry.message)"},
    {"every entry has its destination",
     "SELECT 'entry at position ' || position || ' is in destination ' || destination || ', which is missing' FROM entry WHERE NOT "
     "EXISTS (SELECT 1 FROM destination WHERE id = entry.destination)"},
    {"every volatile entry has its message",
     "SELECT 'volatile entry at position ' || position || ' of destination ' || destination || ' refers to message ' || message || ', "
     "which is missing' FROM volatile_entry WHERE NOT EXISTS (SELECT 1 FROM message WHERE number = volatile_entry.message)"},
    {"the checksum of every entry matches",
     "SELECT 'entry at position ' || position || ' of destination ' || destination || ': its checksum does not match' FROM "
     "(SELECT * FROM entry UNION ALL SELECT destination, priority, position, message, message_bytes, delivery_count, due_at, checksum, "
     "NULL FROM volatile_entry) WHERE checksum <> giromq_entry_checksum(destination, priority, position, message, message_bytes, "
     "delivery_count, due_at)"},
    {"every message has an entry",
     "WITH used AS (SELECT message FROM entry UNION SELECT message FROM volatile_entry UNION SELECT message FROM prepared_put) SELECT "
     "'message ' || number || ' is in no "
     "destination' FROM message WHERE number NOT IN used AND number NOT IN (SELECT message FROM quarantine)"},
    {"every message has its chunks",
     "SELECT 'message ' || number || ' lacks some of its ' || chunk_count || ' chunks' FROM message WHERE chunk_count > 0 AND "
     "(SELECT count(*) FROM chunk WHERE chunk.number = message.number AND idx < message.chunk_count) <> chunk_count"},
    {"the sizes are right",
     "SELECT 'message ' || number || ' has ' || size || ' bytes noted and ' || (length(annotations) + length(bare) + chunked_bytes) "
     "FROM message WHERE size <> length(annotations) + length(bare) + chunked_bytes"},
    {"every dead letter has its entry",
     "SELECT 'dead letter at position ' || position || ' of destination ' || destination || ' has no entry' FROM dead_letter AS l WHERE "
     "NOT EXISTS (SELECT 1 FROM entry AS e WHERE e.destination = l.destination AND e.priority = 4 AND e.position = l.position) AND NOT "
     "EXISTS (SELECT 1 FROM volatile_entry AS e WHERE e.destination = l.destination AND e.position = l.position)"},
    {"every remembered id has its destination",
     "SELECT 'duplicate id at position ' || position || ' is of destination ' || destination || ', which is missing' FROM duplicate_id "
     "WHERE NOT EXISTS (SELECT 1 FROM destination WHERE id = duplicate_id.destination)"},
    {"the counters of the destinations are right",
     "SELECT 'destination ' || name || ' counts ' || messages || ' messages and ' || bytes || ' bytes, and holds ' || "
     "(SELECT count(*) || ' and ' || coalesce(sum(message_bytes), 0) FROM entry WHERE entry.destination = id) FROM destination WHERE "
     "messages <> (SELECT count(*) FROM entry WHERE entry.destination = id) OR "
     "bytes <> (SELECT coalesce(sum(message_bytes), 0) FROM entry WHERE entry.destination = id)"},
    {"the counters of volatile messages are right",
     "SELECT 'destination ' || name || ' counts ' || volatile_messages || ' volatile messages, which is wrong' FROM destination WHERE "
     "volatile_messages <> (SELECT count(*) FROM volatile_entry AS e WHERE e.destination = id AND epoch = (SELECT epoch FROM broker))"},
    {"every put of a branch has its message, its destination and its branch",
     "SELECT 'put ' || idx || ' of branch ' || branch || ' has no message, no destination or no prepared branch' FROM prepared_put AS p "
     "WHERE NOT EXISTS (SELECT 1 FROM message WHERE number = p.message) OR NOT EXISTS (SELECT 1 FROM destination WHERE id = "
     "p.destination) OR NOT EXISTS (SELECT 1 FROM branch WHERE number = p.branch AND state = 'prepared')"},
    {"every get of a branch has its branch, and its entry locked",
     "SELECT 'the get of branch ' || branch || ' at position ' || position || ' of destination ' || destination || ' has no prepared "
     "branch, or its entry is not locked' FROM prepared_get AS g WHERE NOT EXISTS (SELECT 1 FROM entry AS e WHERE e.destination = "
     "g.destination AND e.priority = g.priority AND e.position = g.position AND e.message = g.message AND e.lock = CAST(g.branch AS "
     "BLOB)) OR NOT EXISTS (SELECT 1 FROM branch WHERE number = g.branch AND state = 'prepared')"},
    {"every locked entry is a get of its branch",
     "SELECT 'entry at position ' || position || ' of destination ' || destination || ' is locked by branch ' || CAST(lock AS TEXT) || "
     "', which has not got it' FROM entry AS e WHERE lock IS NOT NULL AND NOT EXISTS (SELECT 1 FROM prepared_get AS g WHERE g.branch = "
     "CAST(CAST(e.lock AS TEXT) AS INTEGER) AND g.destination = e.destination AND g.priority = e.priority AND g.position = e.position)"},
    {"no two branches have one XID",
     "SELECT 'the XID of branch ' || number || ' is that of another one' FROM branch GROUP BY format_id, gtrid, bqual HAVING count(*) > 1"},
    {"what is reserved for branches is counted right",
     "SELECT 'destination ' || name || ' reserves ' || prepared_messages || ' messages and ' || prepared_bytes || ' bytes, which is "
     "wrong' FROM destination WHERE prepared_messages <> (SELECT count(*) FROM prepared_put WHERE destination = id) OR "
     "prepared_bytes <> (SELECT coalesce(sum(message_bytes), 0) FROM prepared_put WHERE destination = id)"},
    {"no number will be given twice",
     "SELECT 'the counters of the broker are behind the rows' FROM broker WHERE "
     "next_position <= (SELECT coalesce(max(position), 0) FROM entry) OR next_position <= (SELECT coalesce(max(number), 0) FROM branch) "
     "OR next_position <= (SELECT coalesce(max(position), 0) FROM tombstone) OR next_message <= (SELECT coalesce(max(number), 0) FROM "
     "message) "
     "OR next_destination <= (SELECT coalesce(max(id), 0) FROM destination)"},
    {"there is one broker row", "SELECT 'the table broker has ' || count(*) || ' rows' FROM broker HAVING count(*) <> 1"},
};

/// One run of the check: collects what it finds, and goes on.
class Checker {
public:
    Checker(Connection& connection, UniqueFunction<void(const std::string&)>& progress) : connection_(connection), progress_(progress) {}

    void structures();
    void messages();
    void chunks();
    void references();
    void branches();

    const std::vector<std::string>& findings() const { return findings_; }

private:
    void found(std::string sentence) {
        if (findings_.size() < findings_max) findings_.push_back(std::move(sentence));
    }
    template <typename Row>
    void for_each_row(const std::string& sql, Row row);

    Connection& connection_;
    UniqueFunction<void(const std::string&)>& progress_;
    std::vector<std::string> findings_;
};

template <typename Row>
void Checker::for_each_row(const std::string& sql, Row row) {
    Statement statement;
    int code = statement.prepare(connection_.get(), sql);
    if (code == SQLITE_OK) code = SQLITE_ROW;
    while (code == SQLITE_ROW && findings_.size() < findings_max) {
        code = statement.step();
        if (code == SQLITE_ROW) row(statement);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) found(error_of(connection_.get(), code, "reading").detail());
}

void Checker::structures() {
    progress_("checking SQLite's structures");
    for_each_row("PRAGMA integrity_check(100)", [&](const Statement& row) {
        if (row.text(0) != "ok") found("structure: " + row.text(0));
    });
}

void Checker::messages() {
    progress_("checking the checksum of every message");
    std::uint64_t count = 0;
    for_each_row(std::string("SELECT ") + message_columns + " FROM message", [&](const Statement& row) {
        std::string damage;
        if (read_message(row, damage) == nullptr) found("message " + std::to_string(row.number(0)) + ": " + damage);
        if (++count % rows_between_progress == 0) progress_("checked " + std::to_string(count) + " messages");
    });
    progress_("checked " + std::to_string(count) + " messages");
}

void Checker::chunks() {
    progress_("checking the checksum of every chunk");
    for_each_row("SELECT number, idx, checksum, bytes FROM chunk", [&](const Statement& row) {
        if (std::int64_t{crc32c(row.blob(3))} == row.number(2)) return;
        found("chunk " + std::to_string(row.number(1)) + " of message " + std::to_string(row.number(0)) + ": the checksum does not match");
    });
}

void Checker::references() {
    for (const Rule& rule : rules) {
        progress_(std::string("checking that ") + rule.about);
        for_each_row(rule.sql, [&](const Statement& row) { found(row.text(0)); });
    }
}

/// The checksums of the rows of branches.
void Checker::branches() {
    const std::pair<const char*, const char*> tables[] = {
        {"branch", branch_checksum}, {"prepared_put", prepared_put_checksum}, {"prepared_get", prepared_get_checksum}};
    for (const auto& rule : tables) {
        const std::string table = rule.first;
        progress_("checking the checksums of the table " + table);
        const auto number = table == "branch" ? "number" : "branch";
        const auto sql = std::string("SELECT ") + number + " FROM " + table + " WHERE checksum <> " + rule.second;
        for_each_row(sql, [&](const Statement& row) {
            found(table + ", branch " + std::to_string(row.number(0)) + ": the checksum of a row does not match");
        });
    }
}

Result<void> check_connection(Connection& connection, UniqueFunction<void(const std::string&)>& progress) {
    const auto version = connection.query_number("PRAGMA user_version");
    if (!version.ok()) return version.error();
    if (*version > newest_schema()) return Error(errc::newer_schema, "use the program of the version that wrote the store");
    if (*version < newest_schema()) {
        return Error(errc::invalid_argument, "the store has an older schema; start the broker once, or use the program that wrote it");
    }
    int code = add_entry_checksum(connection);
    if (code == SQLITE_OK) code = add_row_checksum(connection);
    if (code == SQLITE_OK) code = add_audit_hash(connection);
    if (code != SQLITE_OK) return error_of(connection.get(), code, "setting up the check");
    if (auto begun = connection.execute("BEGIN", "beginning to check"); !begun.ok()) return begun;
    Checker checker(connection, progress);
    checker.structures();
    checker.messages();
    checker.chunks();
    checker.references();
    checker.branches();
    static_cast<void>(connection.execute("ROLLBACK"));
    if (checker.findings().empty()) return {};
    std::string list =
        std::to_string(checker.findings().size()) + (checker.findings().size() == findings_max ? " findings or more:" : " findings:");
    for (const auto& finding : checker.findings()) list += "\n  " + finding;
    return Error(errc::damaged, list);
}

}  // namespace
}  // namespace sqlite

Result<void> check_sqlite_store(const std::string& directory, UniqueFunction<void(const std::string&)> progress) {
    using namespace sqlite;
    const auto locked = DataDirectory::lock(directory, false);
    if (!locked.ok()) return locked.error();
    const auto kind = kind_of_file(locked->database());
    if (!kind.ok()) return kind.error();
    if (*kind == FileKind::absent) return Error(errc::not_a_store, "there is no store in " + directory);
    if (*kind == FileKind::foreign) return Error(errc::not_a_store, locked->database());
    if (auto checked = check_log(locked->log()); !checked.ok()) return checked;
    Connection connection;
    if (auto opened = connection.open(locked->database(), SQLITE_OPEN_READONLY, {}); !opened.ok()) return opened;
    if (auto set = connection.execute("PRAGMA query_only = 1; PRAGMA temp_store = MEMORY;", "setting up the check"); !set.ok()) return set;
    return check_connection(connection, progress);
}

}  // namespace giromq::store
