#include "store/sqlite/page_reader.hpp"

#include <chrono>
#include <utility>

#include "base/crc32c.hpp"
#include "store/sqlite/audit_row.hpp"
#include "store/sqlite/entry_row.hpp"
#include "store/sqlite/message_row.hpp"

namespace giromq::store::sqlite {
namespace {

/// A snapshot is not held for longer: while it is, the log cannot start over.
constexpr std::chrono::milliseconds snapshot_time{200};

constexpr int busy_timeout_ms = 1000;

constexpr const char* pragmas =
    "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; "
    "PRAGMA wal_autocheckpoint = 0;";

/// Of a row (position, message, message_bytes, delivery_count, due_at) that should be of `destination`.
std::uint32_t checksum_of(const Statement& row, DestinationId destination) {
    return entry_checksum({.destination = destination.value,
                           .priority = default_priority,
                           .position = row.unsigned_number(0),
                           .message = row.unsigned_number(1),
                           .message_bytes = row.unsigned_number(2),
                           .delivery_count = row.unsigned_number(3),
                           .due_at = row.unsigned_number(4)});
}

}  // namespace

Result<void> PageReader::open(const std::string& database, const std::string& vfs) {
    if (auto opened = connection_.open(database, SQLITE_OPEN_READONLY, vfs); !opened.ok()) return opened;
    if (auto set = connection_.execute(pragmas, "setting up the reading connection"); !set.ok()) return set;
    sqlite3_busy_timeout(connection_.get(), busy_timeout_ms);
    const std::string message = std::string("SELECT ") + message_columns + " FROM message WHERE number = ?";
    const std::string audit =
        std::string("SELECT ") + audit_columns +
        ", hash FROM audit WHERE number BETWEEN ?1 AND ?2 AND (?3 IS NULL OR actor = ?3) AND "
        "(?4 IS NULL OR substr(action, 1, length(?4)) = ?4) AND (?5 IS NULL OR substr(subject, 1, length(?5)) = ?5) AND "
        "(?6 IS NULL OR outcome = ?6) AND (?7 IS NULL OR time >= ?7) AND (?8 IS NULL OR time < ?8) ORDER BY number DESC LIMIT ?9";
    const std::pair<Statement*, std::string_view> statements[] = {
        {&begin_, "BEGIN"},
        {&end_, "COMMIT"},
        {&snapshot_, "SELECT batch, next_position FROM broker"},
        {&entries_,
         "SELECT position, message, message_bytes, delivery_count, due_at, checksum, CAST(lock AS TEXT) FROM entry WHERE destination = ? "
         "AND priority = ? AND "
         "position > ? ORDER BY position"},
        {&volatile_entries_,
         "SELECT position, message, message_bytes, delivery_count, due_at, checksum, NULL FROM volatile_entry WHERE destination = ? "
         "AND priority = ? AND position > ? AND epoch = ? ORDER BY position"},
        {&next_entry_,
         "SELECT position, message, message_bytes, delivery_count, due_at, checksum FROM entry WHERE destination > ? "
         "ORDER BY destination LIMIT 1"},
        {&last_entry_, "SELECT position FROM entry WHERE destination = ? AND priority = ? ORDER BY position DESC LIMIT 1"},
        {&message_, message},
        {&has_dead_letters_, "SELECT EXISTS (SELECT 1 FROM dead_letter WHERE destination = ? AND position > ?)"},
        {&dead_letter_, "SELECT cause, description, origin, delivery_count, time FROM dead_letter WHERE destination = ? AND position = ?"},
        {&chunk_, "SELECT checksum, bytes FROM chunk WHERE number = ? AND idx = ?"},
        {&audit_, audit},
        {&last_audit_, "SELECT coalesce(max(number), 0) FROM audit"},
    };
    for (const auto& [statement, sql] : statements) {
        const int code = statement->prepare(connection_.get(), sql);
        if (code != SQLITE_OK) return error_of(connection_.get(), code, sql);
    }
    return {};
}

void PageReader::Cursor::advance() {
    const auto before = position;
    code = statement->step();
    if (code != SQLITE_ROW) return;
    position = statement->unsigned_number(0);
    // SQLite reads a damaged page as it is: a row may come twice, or in another's place.
    if (position <= before) code = SQLITE_CORRUPT;
}

Result<Page> PageReader::page(DestinationId destination, Position after, PageLimits limits) {
    const auto inside = gate_.enter();
    const int begun = begin_.run();
    if (begun != SQLITE_OK) return error_of(connection_.get(), begun, "beginning to read a page");
    auto page = read_page(destination, after, limits);
    // Ending a read transaction does nothing to the file; whatever it says, none must stay open.
    if (end_.run() != SQLITE_OK && connection_.in_transaction()) static_cast<void>(connection_.execute("ROLLBACK"));
    return page;
}

Result<Page> PageReader::read_page(DestinationId destination, Position after, PageLimits limits) {
    Page page;
    if (auto read = read_snapshot(page); !read.ok()) return read.error();
    entries_.bind(1, destination.value).bind(2, std::uint32_t{default_priority}).bind(3, after.value);
    volatile_entries_.bind(1, destination.value).bind(2, std::uint32_t{default_priority}).bind(3, after.value);
    volatile_entries_.bind(4, epoch_.load(std::memory_order_acquire));
    {
        const ResetGuard guard(has_dead_letters_);
        const int code = has_dead_letters_.bind(1, destination.value).bind(2, after.value).step();
        if (code != SQLITE_ROW) return error_of(connection_.get(), code, "looking for dead letters");
        may_have_dead_letters_ = has_dead_letters_.number(0) != 0;
    }
    const ResetGuard reset_entries(entries_);
    const ResetGuard reset_volatile(volatile_entries_);
    if (auto read = read_entries(destination, after, limits, page); !read.ok()) return read.error();
    return page;
}

Result<void> PageReader::read_snapshot(Page& page) {
    const ResetGuard guard(snapshot_);
    const int code = snapshot_.step();
    if (code != SQLITE_ROW) return error_of(connection_.get(), code, "reading the counters");
    page.snapshot = BatchNumber{snapshot_.unsigned_number(0)};
    page.next_position = Position{snapshot_.unsigned_number(1)};
    return {};
}

Result<void> PageReader::read_entries(DestinationId destination, Position after, PageLimits limits, Page& page) {
    Cursor persistent{&entries_, false, after.value};
    Cursor passing{&volatile_entries_, true, after.value};
    persistent.advance();
    passing.advance();
    const auto deadline = clock_.monotonic_now() + snapshot_time;
    std::uint64_t bytes = 0;
    while (true) {
        for (const Cursor* const cursor : {&persistent, &passing}) {
            if (cursor->code != SQLITE_ROW && cursor->code != SQLITE_DONE) {
                return error_of(connection_.get(), cursor->code, "reading entries");
            }
        }
        const bool no_persistent = persistent.code == SQLITE_DONE;
        if (no_persistent && passing.code == SQLITE_DONE) {
            page.end = true;
            return confirm_end(destination, persistent.position);
        }
        const bool full = page.entries.size() >= limits.entries || bytes >= limits.bytes;
        if (!page.entries.empty() && (full || gate_.wanted() || clock_.monotonic_now() >= deadline)) return {};
        const bool take_passing = no_persistent || (passing.code == SQLITE_ROW && passing.position < persistent.position);
        Cursor& next = take_passing ? passing : persistent;
        auto entry = read_entry(destination, next);
        if (!entry.ok()) return entry.error();
        if (entry->message != nullptr) bytes += entry->message->annotations.size() + entry->message->bare.size();
        page.entries.push_back(std::move(entry).value());
        next.advance();
    }
}

/// A damaged key can end the rows of a destination too early. Looked for from the other end, the last one must be the one seen last; and
/// the first row behind must not be one whose checksum tells that it was of this destination.
Result<void> PageReader::confirm_end(DestinationId destination, std::uint64_t seen) {
    const ResetGuard reset_last(last_entry_);
    const ResetGuard reset_next(next_entry_);
    int code = last_entry_.bind(1, destination.value).bind(2, std::uint32_t{default_priority}).step();
    bool is_end = code == SQLITE_DONE || last_entry_.unsigned_number(0) <= seen;
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        code = next_entry_.bind(1, destination.value).step();
        if (code == SQLITE_ROW) is_end = is_end && std::int64_t{checksum_of(next_entry_, destination)} != next_entry_.number(5);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) return error_of(connection_.get(), code, "looking for the last entry");
    if (is_end) return {};
    return Error(errc::damaged, "the entries of destination " + std::to_string(destination.value) + " behind position " +
                                    std::to_string(seen) + " cannot be found; giromqd --check tells more");
}

Result<StoredEntry> PageReader::read_entry(DestinationId destination, const Cursor& cursor) {
    const Statement& row = *cursor.statement;
    StoredEntry entry;
    entry.key = {.destination = destination, .position = Position{row.unsigned_number(0)}};
    entry.number = MessageNumber{row.unsigned_number(1)};
    entry.message_bytes = row.unsigned_number(2);
    entry.delivery_count = row.number32(3);
    entry.due_at = Timestamp{row.number(4)};
    entry.is_volatile = cursor.is_volatile;
    entry.locked_by = BranchId{row.unsigned_number(6)};
    if (std::int64_t{checksum_of(row, destination)} != row.number(5)) {
        // Nothing but the key is used of it: the message it names may be another one's.
        StoredEntry damaged;
        damaged.key = entry.key;
        damaged.is_volatile = entry.is_volatile;
        damaged.damage = "the checksum of its place in the queue does not match";
        return damaged;
    }
    if (auto attached = attach_message(entry); !attached.ok()) return attached.error();
    if (may_have_dead_letters_) {
        if (auto attached = attach_dead_letter(entry); !attached.ok()) return attached.error();
    }
    return entry;
}

Result<void> PageReader::attach_message(StoredEntry& entry) {
    const ResetGuard guard(message_);
    const int code = message_.bind(1, entry.number.value).step();
    if (code == SQLITE_ROW) {
        entry.message = read_message(message_, entry.damage);
    } else if (code == SQLITE_DONE) {
        entry.damage = "its message row is missing";
    } else if ((code & 0xff) == SQLITE_CORRUPT) {
        entry.damage = "its message row cannot be read: " + std::string(sqlite3_errstr(code));
    } else {
        return error_of(connection_.get(), code, "reading message " + std::to_string(entry.number.value));
    }
    return {};
}

Result<void> PageReader::attach_dead_letter(StoredEntry& entry) {
    const ResetGuard guard(dead_letter_);
    const int code = dead_letter_.bind(1, entry.key.destination.value).bind(2, entry.key.position.value).step();
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return error_of(connection_.get(), code, "reading a dead letter");
    auto reason = std::make_shared<DeadLetter>();
    reason->cause = dead_letter_.text(0);
    reason->description = dead_letter_.text(1);
    reason->origin = dead_letter_.text(2);
    reason->delivery_count = dead_letter_.number32(3);
    reason->time = Timestamp{dead_letter_.number(4)};
    entry.dead_letter = std::move(reason);
    return {};
}

Result<SharedBytes> PageReader::chunk(MessageNumber number, std::uint32_t index) {
    const auto inside = gate_.enter();
    const ResetGuard guard(chunk_);
    const int code = chunk_.bind(1, number.value).bind(2, index).step();
    const auto name = "chunk " + std::to_string(index) + " of message " + std::to_string(number.value);
    if (code == SQLITE_DONE) return Error(errc::not_found, name);
    if (code != SQLITE_ROW) return error_of(connection_.get(), code, "reading " + name);
    const auto bytes = chunk_.blob(1);
    if (std::int64_t{crc32c(bytes)} != chunk_.number(0)) return Error(errc::damaged, name);
    return SharedBytes::copy_of(bytes);
}

Result<MessagePtr> PageReader::message(MessageNumber number) {
    const auto inside = gate_.enter();
    const ResetGuard guard(message_);
    const int code = message_.bind(1, number.value).step();
    const auto name = "message " + std::to_string(number.value);
    if (code == SQLITE_DONE) return Error(errc::not_found, name);
    if (code != SQLITE_ROW) return error_of(connection_.get(), code, "reading " + name);
    std::string damage;
    auto message = read_message(message_, damage);
    if (message == nullptr) return Error(errc::damaged, name + ": " + damage);
    return message;
}

Result<AuditStretch> PageReader::audit(const AuditQuery& query) {
    const auto inside = gate_.enter();
    std::uint64_t last = query.before == 0 ? 0 : query.before - 1;
    if (query.before == 0) {
        const ResetGuard guard(last_audit_);
        if (const int code = last_audit_.step(); code != SQLITE_ROW)
            return error_of(connection_.get(), code, "looking for the audit's end");
        last = last_audit_.unsigned_number(0);
    }
    const auto first = last > audit_look_max ? last - audit_look_max + 1 : 1;
    const ResetGuard guard(audit_);
    audit_.bind(1, first).bind(2, last).bind_unless_empty(3, query.user).bind_unless_empty(4, query.action);
    audit_.bind_unless_empty(5, query.object).bind_unless_empty(6, query.outcome).bind_unless_zero(7, query.since.milliseconds);
    audit_.bind_unless_zero(8, query.until.milliseconds).bind(9, std::uint64_t{query.limit});
    AuditStretch stretch;
    int code = audit_.step();
    for (; code == SQLITE_ROW; code = audit_.step()) stretch.items.push_back(read_audit_record(audit_));
    if (code != SQLITE_DONE) return error_of(connection_.get(), code, "reading the audit");
    const bool is_full = !stretch.items.empty() && stretch.items.size() >= query.limit;
    stretch.through = is_full ? stretch.items.back().number : first;
    if (stretch.through == 1) stretch.through = 0;
    return stretch;
}

}  // namespace giromq::store::sqlite
