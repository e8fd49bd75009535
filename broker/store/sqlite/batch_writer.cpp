#include "store/sqlite/batch_writer.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/crc32c.hpp"
#include "base/log.hpp"
#include "store/sequence_window.hpp"
#include "store/sqlite/entry_row.hpp"
#include "store/sqlite/enum_text.hpp"
#include "store/sqlite/message_row.hpp"

namespace giromq::store::sqlite {
namespace {

bool is_constraint(int code) { return (code & 0xff) == SQLITE_CONSTRAINT; }

}  // namespace

int inserted(int code, const char* what) {
    GIROMQ_CHECK(!is_constraint(code), what);
    return code;
}

int BatchWriter::prepare_all(std::initializer_list<std::pair<Statement*, const char*>> statements) {
    for (const auto& [statement, sql] : statements) {
        const int code = statement->prepare(connection_->get(), sql);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

/// The statements of the message path.
int BatchWriter::prepare_entries() {
    return prepare_all({
        {&insert_message_, "INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
        {&delete_message_, "DELETE FROM message WHERE number = ?"},
        {&insert_chunk_, "INSERT INTO chunk (number, idx, checksum, bytes) VALUES (?,?,?,?)"},
        {&find_chunk_, "SELECT 1 FROM chunk WHERE number = ? LIMIT 1"},
        {&count_chunks_, "SELECT count(*) FROM chunk WHERE number = ?"},
        {&insert_entry_,
         "INSERT INTO entry (destination, priority, position, message, message_bytes, delivery_count, due_at, checksum) "
         "VALUES (?,?,?,?,?,?,?,?)"},
        {&delete_entry_, "DELETE FROM entry WHERE destination = ? AND priority = ? AND position = ? AND message = ? AND lock IS NULL"},
        {&set_delivery_count_,
         "UPDATE entry SET delivery_count = ?1, checksum = giromq_entry_checksum(destination, priority, position, message, message_bytes, "
         "?1, due_at) WHERE destination = ?2 AND priority = ?3 AND position = ?4"},
        {&select_purge_,
         "SELECT position, message, message_bytes FROM entry WHERE destination = ? AND priority = ? AND position <= ? "
         "AND lock IS NULL ORDER BY position LIMIT ?"},
        {&insert_volatile_,
         "INSERT INTO volatile_entry (destination, priority, position, message, message_bytes, delivery_count, due_at, checksum, "
         "epoch) VALUES (?,?,?,?,?,?,?,?,?)"},
        {&delete_volatile_,
         "DELETE FROM volatile_entry WHERE destination = ? AND priority = ? AND position = ? AND message = ? AND epoch = ?"},
        {&set_volatile_count_,
         "UPDATE volatile_entry SET delivery_count = ?1, checksum = giromq_entry_checksum(destination, priority, position, message, "
         "message_bytes, ?1, due_at) WHERE destination = ?2 AND priority = ?3 AND position = ?4 AND epoch = ?5"},
        {&select_volatile_purge_,
         "SELECT position, message, message_bytes FROM volatile_entry WHERE destination = ? AND priority = ? AND "
         "position <= ? AND epoch = ?5 ORDER BY position LIMIT ?4"},
        {&insert_dead_letter_, "INSERT INTO dead_letter VALUES (?,?,?,?,?,?,?)"},
        {&delete_dead_letter_, "DELETE FROM dead_letter WHERE destination = ? AND position = ?"},
    });
}

/// Everything else.
int BatchWriter::prepare_others() {
    return prepare_all({
        {&update_counters_,
         "UPDATE destination SET messages = messages + ?, bytes = bytes + ?, volatile_messages = volatile_messages + ?, "
         "volatile_bytes = volatile_bytes + ?, horizon = max(horizon, ?), crash_horizon = max(crash_horizon, ?), "
         "prepared_messages = prepared_messages + ?, prepared_bytes = prepared_bytes + ? WHERE id = ?"},
        {&put_destination_,
         "INSERT INTO destination (id, name, kind, origin, max_deliveries, dead_letter_queue, max_messages, max_bytes, overflow, "
         "duplicate_ids_max, duplicate_ids_age, created_at, strict) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET "
         "name = excluded.name, kind = excluded.kind, origin = excluded.origin, max_deliveries = excluded.max_deliveries, "
         "dead_letter_queue = excluded.dead_letter_queue, max_messages = excluded.max_messages, max_bytes = excluded.max_bytes, "
         "overflow = excluded.overflow, duplicate_ids_max = excluded.duplicate_ids_max, duplicate_ids_age = excluded.duplicate_ids_age, "
         "created_at = excluded.created_at, strict = excluded.strict"},
        {&pause_destination_, "UPDATE destination SET sending_paused = ?, receiving_paused = ? WHERE id = ?"},
        {&close_destination_, "UPDATE destination SET closing = 1 WHERE id = ?"},
        {&remove_destination_,
         "DELETE FROM destination WHERE id = ? AND closing = 1 AND messages = 0 AND volatile_messages = 0 "
         "AND prepared_messages = 0"},
        {&remove_duplicate_ids_, "DELETE FROM duplicate_id WHERE destination = ?"},
        {&select_producer_, "SELECT high_water, window FROM producer WHERE name = ?"},
        {&update_producer_, "UPDATE producer SET high_water = ?, window = ?, last_used = ? WHERE name = ?"},
        {&insert_producer_, "INSERT INTO producer (high_water, window, last_used, name) VALUES (?,?,?,?)"},
        {&delete_producer_, "DELETE FROM producer WHERE name = ?"},
        {&insert_duplicate_id_,
         "INSERT INTO duplicate_id (destination, position, id, time) SELECT ?1, ?2, ?3, ?4 WHERE EXISTS "
         "(SELECT 1 FROM destination WHERE id = ?1)"},
        {&forget_duplicate_ids_, "DELETE FROM duplicate_id WHERE destination = ? AND position < ?"},
        {&put_user_,
         "INSERT INTO user (name, role, salt, iterations, stored_key, server_key) VALUES (?,?,?,?,?,?) ON CONFLICT (name) DO "
         "UPDATE SET role = excluded.role, salt = excluded.salt, iterations = excluded.iterations, "
         "stored_key = excluded.stored_key, server_key = excluded.server_key"},
        {&delete_user_, "DELETE FROM user WHERE name = ?"},
        {&put_selector_,
         "INSERT INTO selector (name, text, changed_at) VALUES (?,?,?) ON CONFLICT (name) DO "
         "UPDATE SET text = excluded.text, changed_at = excluded.changed_at"},
        {&delete_selector_, "DELETE FROM selector WHERE name = ?"},
        {&put_permission_,
         "INSERT OR REPLACE INTO permission (id, grantee_kind, grantee, pattern, actions, created_at, created_by) VALUES (?,?,?,?,?,?,?)"},
        {&delete_permission_, "DELETE FROM permission WHERE id = ?"},
        {&delete_permissions_of_, "DELETE FROM permission WHERE grantee_kind = 'user' AND grantee = ?"},
    });
}

/// What takes damaged rows out of the way. An entry that is damaged itself has no message to be known by (0): it is known by its
/// checksum, so that an innocent row to which a damaged key leads stays where it is.
int BatchWriter::prepare_quarantine() {
    const std::string copied =
        "INSERT OR REPLACE INTO quarantine SELECT destination, position, (SELECT name FROM destination WHERE id = ?1), message, "
        "message_bytes, delivery_count, ";
    const std::string chosen =
        " WHERE destination = ?1 AND priority = ?2 AND position = ?3 AND (message = ?4 OR checksum <> "
        "giromq_entry_checksum(destination, priority, position, message, message_bytes, delivery_count, due_at))";
    return prepare_all({
        {&quarantine_entry_, (copied + "0, ?5, ?6 FROM entry" + chosen).c_str()},
        {&remove_quarantined_, ("DELETE FROM entry" + chosen).c_str()},
        {&quarantine_volatile_, (copied + "1, ?5, ?6 FROM volatile_entry" + chosen + " AND epoch = ?7").c_str()},
        {&remove_quarantined_volatile_, ("DELETE FROM volatile_entry" + chosen + " AND epoch = ?5").c_str()},
        {&quarantine_message_, "INSERT OR REPLACE INTO quarantine_message SELECT * FROM message WHERE number = ?"},
    });
}

Result<void> BatchWriter::prepare(Connection& connection) {
    connection_ = &connection;
    int code = add_entry_checksum(connection);
    if (code == SQLITE_OK) code = prepare_entries();
    if (code == SQLITE_OK) code = prepare_others();
    if (code == SQLITE_OK) code = prepare_quarantine();
    if (code == SQLITE_OK) code = branches_.prepare(connection);
    if (code != SQLITE_OK) return error_of(connection.get(), code, "preparing to write");
    const auto chunks = connection.query_number("SELECT EXISTS (SELECT 1 FROM chunk)");
    if (!chunks.ok()) return chunks.error();
    may_have_chunks_ = *chunks != 0;
    const auto dead_letters = connection.query_number("SELECT EXISTS (SELECT 1 FROM dead_letter)");
    if (!dead_letters.ok()) return dead_letters.error();
    may_have_dead_letters_ = *dead_letters != 0;
    return {};
}

int BatchWriter::apply(const Operation& operation) {
    return std::visit([this](const auto& content) { return run(content); }, operation);
}

int BatchWriter::finish() {
    int code = SQLITE_OK;
    for (auto next = deltas_.begin(); code == SQLITE_OK && next != deltas_.end(); ++next) code = write_delta(next->first, next->second);
    for (auto next = producers_.begin(); code == SQLITE_OK && next != producers_.end(); ++next) {
        code = write_producer(next->first, next->second);
    }
    if (code != SQLITE_OK) return code;
    deltas_.clear();
    last_delta_ = nullptr;
    producers_.clear();
    changed_producers_.clear();
    return SQLITE_OK;
}

void BatchWriter::abandon() {
    deltas_.clear();
    last_delta_ = nullptr;
    producers_.clear();
    changed_producers_.clear();
    purged_.clear();
    garbage_.clear();
}

// Messages and chunks

int BatchWriter::run(const PutMessage& put) {
    const Message& message = *put.message;
    if (message.chunk_count > 0) {
        const ResetGuard guard(count_chunks_);
        const int code = count_chunks_.bind(1, message.number.value).step();
        if (code != SQLITE_ROW) return code;
        GIROMQ_CHECK(count_chunks_.unsigned_number(0) == message.chunk_count, "a message was put before all of its chunks");
    }
    const MessageRow row(message);
    row.bind(insert_message_);
    return inserted(insert_message_.run(), "a message number was given twice");
}

int BatchWriter::run(const PutChunk& put) {
    may_have_chunks_ = true;
    insert_chunk_.bind(1, put.number.value).bind(2, put.index).bind(3, crc32c(put.bytes.span())).bind(4, put.bytes.span());
    return inserted(insert_chunk_.run(), "a chunk was put twice");
}

int BatchWriter::run(const DropChunks& drop) {
    garbage_.push_back(drop.number);
    return SQLITE_OK;
}

int BatchWriter::delete_message(MessageNumber number, bool must_exist) {
    int code = delete_message_.bind(1, number.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(!must_exist || connection_->changes() == 1, "the last entry of a message left, and its row was not there");
    if (!may_have_chunks_) return SQLITE_OK;
    // Deleting up to 100 MiB here would hold up other commits: the chunks are left to the background (sweeper.hpp).
    const ResetGuard guard(find_chunk_);
    code = find_chunk_.bind(1, number.value).step();
    if (code == SQLITE_ROW) garbage_.push_back(number);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

// Entries

BatchWriter::Delta& BatchWriter::delta(DestinationId destination) {
    if (last_delta_ == nullptr || last_destination_ != destination.value) {
        last_destination_ = destination.value;
        last_delta_ = &deltas_[destination.value];  // references into the map are stable
    }
    return *last_delta_;
}

void BatchWriter::count(DestinationId destination, bool is_volatile, std::int64_t messages, std::int64_t bytes) {
    auto& change = delta(destination);
    (is_volatile ? change.volatile_messages : change.messages) += messages;
    (is_volatile ? change.volatile_bytes : change.bytes) += bytes;
    if (!is_volatile) change.needs_row = true;
}

void BatchWriter::count_prepared(DestinationId destination, std::int64_t messages, std::int64_t bytes) {
    auto& change = delta(destination);
    change.prepared_messages += messages;
    change.prepared_bytes += bytes;
    change.needs_row = true;
}

int BatchWriter::write_delta(std::uint64_t destination, const Delta& change) {
    update_counters_.bind(1, change.messages).bind(2, change.bytes).bind(3, change.volatile_messages).bind(4, change.volatile_bytes);
    const int code = update_counters_.bind(5, change.horizon)
                         .bind(6, change.horizon_that_stays)
                         .bind(7, change.prepared_messages)
                         .bind(8, change.prepared_bytes)
                         .bind(9, destination)
                         .run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1 || !change.needs_row, "a persistent entry names a destination that is not in the store");
    return SQLITE_OK;
}

int BatchWriter::run(const PutEntry& put) {
    GIROMQ_CHECK(put.key.priority == default_priority, "only the default priority is in use");
    Statement& insert = put.is_volatile ? insert_volatile_ : insert_entry_;
    insert.bind(1, put.key.destination.value).bind(2, std::uint32_t{put.key.priority}).bind(3, put.key.position.value);
    insert.bind(4, put.number.value).bind(5, put.message_bytes).bind(6, put.delivery_count);
    insert.bind_unless_zero(7, put.due_at.milliseconds);
    insert.bind(8, entry_checksum({.destination = put.key.destination.value,
                                   .priority = put.key.priority,
                                   .position = put.key.position.value,
                                   .message = put.number.value,
                                   .message_bytes = put.message_bytes,
                                   .delivery_count = put.delivery_count,
                                   .due_at = static_cast<std::uint64_t>(put.due_at.milliseconds)}));
    if (put.is_volatile) insert.bind(9, epoch_.value);
    const int code = inserted(insert.run(), "a position was given twice");
    if (code != SQLITE_OK) return code;
    count(put.key.destination, put.is_volatile, 1, static_cast<std::int64_t>(put.message_bytes));
    if (put.dead_letter == nullptr) return SQLITE_OK;
    may_have_dead_letters_ = true;
    const DeadLetter& reason = *put.dead_letter;
    insert_dead_letter_.bind(1, put.key.destination.value).bind(2, put.key.position.value);
    insert_dead_letter_.bind(3, std::string_view(reason.cause)).bind(4, std::string_view(reason.description));
    insert_dead_letter_.bind(5, std::string_view(reason.origin)).bind(6, reason.delivery_count);
    return inserted(insert_dead_letter_.bind_unless_zero(7, reason.time.milliseconds).run(), "two dead letters have one position");
}

int BatchWriter::delete_dead_letter(DestinationId destination, Position position) {
    if (!may_have_dead_letters_) return SQLITE_OK;
    return delete_dead_letter_.bind(1, destination.value).bind(2, position.value).run();
}

int BatchWriter::delete_entry(const EntryKey& key, MessageNumber number, bool is_volatile) {
    Statement& remove = is_volatile ? delete_volatile_ : delete_entry_;
    remove.bind(1, key.destination.value).bind(2, std::uint32_t{key.priority}).bind(3, key.position.value).bind(4, number.value);
    if (is_volatile) remove.bind(5, epoch_.value);
    const int code = remove.run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "an entry was taken out that is not there");
    return delete_dead_letter(key.destination, key.position);
}

int BatchWriter::run(const RemoveEntry& remove) {
    const int code = delete_entry(remove.key, remove.number, remove.is_volatile);
    if (code != SQLITE_OK) return code;
    count(remove.key.destination, remove.is_volatile, -1, -static_cast<std::int64_t>(remove.message_bytes));
    return remove.last_reference ? delete_message(remove.number, true) : SQLITE_OK;
}

int BatchWriter::run(const SetDeliveryCount& set) {
    const auto bind_key = [&](Statement& statement) -> Statement& {
        statement.bind(1, set.delivery_count).bind(2, set.key.destination.value);
        return statement.bind(3, std::uint32_t{set.key.priority}).bind(4, set.key.position.value);
    };
    int code = bind_key(set_delivery_count_).run();
    if (code != SQLITE_OK || connection_->changes() == 1) return code;
    code = bind_key(set_volatile_count_).bind(5, epoch_.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "a delivery count was set for an entry that is not there");
    return SQLITE_OK;
}

int BatchWriter::run(const SetHorizon& set) {
    auto& change = delta(set.destination);
    change.horizon = std::max(change.horizon, set.horizon.value);
    if (set.stays) change.horizon_that_stays = std::max(change.horizon_that_stays, set.horizon.value);
    change.needs_row = true;
    return SQLITE_OK;
}

int BatchWriter::run(const QuarantineEntry& entry) {
    const auto bind_row = [&](Statement& statement) -> Statement& {
        statement.bind(1, entry.key.destination.value).bind(2, std::uint32_t{entry.key.priority}).bind(3, entry.key.position.value);
        return statement.bind(4, entry.number.value);
    };
    Statement& copy = bind_row(entry.is_volatile ? quarantine_volatile_ : quarantine_entry_);
    copy.bind(5, std::string_view(entry.reason)).bind_unless_zero(6, entry.time.milliseconds);
    if (entry.is_volatile) copy.bind(7, epoch_.value);
    int code = copy.run();
    if (code == SQLITE_OK && !entry.is_volatile) code = branches_.leave_branch(entry.key);
    if (code != SQLITE_OK) return code;
    Statement& remove = bind_row(entry.is_volatile ? remove_quarantined_volatile_ : remove_quarantined_);
    if (entry.is_volatile) remove.bind(5, epoch_.value);
    code = remove.run();
    if (code != SQLITE_OK) return code;
    // It may not be found: where keys are damaged, so is the order in which they are searched.
    if (connection_->changes() == 1) {
        count(entry.key.destination, entry.is_volatile, -1, -static_cast<std::int64_t>(entry.message_bytes));
    } else {
        log::error("quarantined_entry_not_found", {{"position", entry.key.position.value}});
    }
    code = delete_dead_letter(entry.key.destination, entry.key.position);
    if (code != SQLITE_OK || !entry.number.is_set()) return code;
    // Chunks stay in their table as evidence, and so does a row that cannot be read; no entry refers to them any more.
    if (leaves_quarantined_rows_) {
        log::error("quarantined_row_not_readable", {{"message", entry.number.value}});
        return SQLITE_OK;
    }
    code = quarantine_message_.bind(1, entry.number.value).run();
    return code == SQLITE_OK ? delete_message_.bind(1, entry.number.value).run() : code;
}

// Destinations

int BatchWriter::run(const PutDestination& put) {
    const auto& settings = put.settings;
    put_destination_.bind(1, put.id.value).bind(2, std::string_view(settings.name)).bind(3, text_of(settings.kind));
    put_destination_.bind(4, text_of(settings.origin)).bind(5, settings.max_deliveries);
    put_destination_.bind(6, std::string_view(settings.dead_letter_queue)).bind(7, settings.max_messages).bind(8, settings.max_bytes);
    put_destination_.bind(9, text_of(settings.overflow)).bind(10, settings.duplicate_ids_max);
    put_destination_.bind(11, std::int64_t{settings.duplicate_ids_age.count()}).bind_unless_zero(12, put.created_at.milliseconds);
    put_destination_.bind(13, settings.strict ? 1U : 0U);
    const int code = inserted(put_destination_.run(), "two destinations have one name");
    if (code != SQLITE_OK) return code;
    pause_destination_.bind(1, std::int64_t{settings.is_sending_paused}).bind(2, std::int64_t{settings.is_receiving_paused});
    return pause_destination_.bind(3, put.id.value).run();
}

int BatchWriter::run(const CloseDestination& close) {
    const int code = close_destination_.bind(1, close.id.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "an operation names a destination that is not in the store");
    return SQLITE_OK;
}

int BatchWriter::run(const RemoveDestination& remove) {
    int code = write_delta(remove.id.value, delta(remove.id));
    if (code != SQLITE_OK) return code;
    deltas_.erase(remove.id.value);
    last_delta_ = nullptr;
    code = remove_destination_.bind(1, remove.id.value).run();
    if (code != SQLITE_OK) return code;
    GIROMQ_CHECK(connection_->changes() == 1, "a destination was removed that is open, or not empty");
    return remove_duplicate_ids_.bind(1, remove.id.value).run();
}

int BatchWriter::collect(Statement& statement, bool is_volatile, std::vector<PurgedRow>& rows) {
    const ResetGuard guard(statement);
    int code = statement.step();
    for (; code == SQLITE_ROW; code = statement.step()) {
        rows.push_back({statement.unsigned_number(0), statement.unsigned_number(1), statement.unsigned_number(2), is_volatile});
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int BatchWriter::rows_to_purge(const PurgeEntries& purge, std::vector<PurgedRow>& rows) {
    const auto bind_range = [&](Statement& statement) -> Statement& {
        statement.bind(1, purge.destination.value).bind(2, std::uint32_t{default_priority}).bind(3, purge.through.value);
        return statement.bind(4, std::uint64_t{purge.limit} + purge.kept.size());
    };
    int code = collect(bind_range(select_purge_), false, rows);
    if (code == SQLITE_OK) code = collect(bind_range(select_volatile_purge_).bind(5, epoch_.value), true, rows);
    if (code != SQLITE_OK) return code;
    std::erase_if(rows,
                  [&](const PurgedRow& row) { return std::binary_search(purge.kept.begin(), purge.kept.end(), Position{row.position}); });
    std::sort(rows.begin(), rows.end(), [](const PurgedRow& left, const PurgedRow& right) { return left.position < right.position; });
    if (rows.size() > purge.limit) rows.resize(purge.limit);
    return SQLITE_OK;
}

int BatchWriter::run(const PurgeEntries& purge) {
    std::vector<PurgedRow> rows;
    int code = rows_to_purge(purge, rows);
    if (code != SQLITE_OK) return code;
    PurgeCount removed;
    for (const auto& row : rows) {
        const EntryKey key{.destination = purge.destination, .position = Position{row.position}};
        code = delete_entry(key, MessageNumber{row.number}, row.is_volatile);
        if (code == SQLITE_OK) code = delete_message(MessageNumber{row.number}, false);
        if (code != SQLITE_OK) return code;
        count(purge.destination, row.is_volatile, -1, -static_cast<std::int64_t>(row.bytes));
        ++removed.entries;
        removed.bytes += row.bytes;
    }
    purged_.push_back(removed);
    return SQLITE_OK;
}

// Duplicates

int BatchWriter::run(const PutProducer& put) {
    // The last one of a batch wins; the operation outlives the batch, and with it its name.
    producers_.insert_or_assign(put.producer, &put);
    return SQLITE_OK;
}

int BatchWriter::run(const RemoveProducer& remove) {
    producers_.insert_or_assign(remove.producer, nullptr);
    return SQLITE_OK;
}

int BatchWriter::run(const TakeSequence& take) {
    PutProducer row;
    row.producer = take.producer;
    const auto pending = producers_.find(take.producer);
    if (pending == producers_.end()) {
        if (const int code = read_producer(row); code != SQLITE_OK) return code;
    } else if (pending->second != nullptr) {
        row = *pending->second;
    }
    take_sequence(row, take.sequence);
    row.last_used = take.time;
    const PutProducer& changed = changed_producers_.emplace_back(std::move(row));
    producers_.insert_or_assign(changed.producer, &changed);
    return SQLITE_OK;
}

/// It is as it was when the store has none.
int BatchWriter::read_producer(PutProducer& row) {
    const ResetGuard guard(select_producer_);
    const int code = select_producer_.bind(1, std::string_view(row.producer)).step();
    if (code == SQLITE_DONE) return SQLITE_OK;
    if (code != SQLITE_ROW) return code;
    row.high_water = select_producer_.unsigned_number(0);
    const auto window = select_producer_.blob(1);
    row.window.assign(window.begin(), window.end());
    return SQLITE_OK;
}

int BatchWriter::write_producer(std::string_view name, const PutProducer* put) {
    if (put == nullptr) return delete_producer_.bind(1, name).run();
    const auto bind_row = [&](Statement& statement) -> Statement& {
        statement.bind(1, put->high_water).bind(2, std::span<const std::uint8_t>(put->window));
        return statement.bind_unless_zero(3, put->last_used.milliseconds).bind(4, name);
    };
    const int code = bind_row(update_producer_).run();
    if (code != SQLITE_OK || connection_->changes() == 1) return code;
    return bind_row(insert_producer_).run();
}

int BatchWriter::run(const PutDuplicateId& put) {
    // A temporary destination ends with its connection, and its ids with it: the statement inserts nothing then.
    insert_duplicate_id_.bind(1, put.destination.value).bind(2, put.position.value).bind(3, std::string_view(put.id));
    return inserted(insert_duplicate_id_.bind_unless_zero(4, put.time.milliseconds).run(), "two duplicate ids have one position");
}

int BatchWriter::run(const ForgetDuplicateIds& forget) {
    return forget_duplicate_ids_.bind(1, forget.destination.value).bind(2, forget.before.value).run();
}

// Users, permissions and selectors

int BatchWriter::run(const PutUser& put) {
    const User& user = put.user;
    put_user_.bind(1, std::string_view(user.name)).bind(2, text_of(user.role));
    put_user_.bind(3, std::span<const std::uint8_t>(user.salt)).bind(4, user.iterations);
    put_user_.bind(5, std::span<const std::uint8_t>(user.stored_key)).bind(6, std::span<const std::uint8_t>(user.server_key));
    return put_user_.run();
}

int BatchWriter::run(const RemoveUser& remove) {
    const int code = delete_permissions_of_.bind(1, std::string_view(remove.name)).run();
    return code == SQLITE_OK ? delete_user_.bind(1, std::string_view(remove.name)).run() : code;
}

int BatchWriter::run(const PutPermission& put) {
    const Permission& permission = put.permission;
    const auto actions = actions_text(permission.actions);
    put_permission_.bind(1, permission.id).bind(2, text_of(permission.grantee_kind)).bind(3, std::string_view(permission.grantee));
    put_permission_.bind(4, std::string_view(permission.pattern)).bind(5, std::string_view(actions));
    return put_permission_.bind_unless_zero(6, permission.created_at.milliseconds).bind(7, std::string_view(permission.created_by)).run();
}

int BatchWriter::run(const RemovePermission& remove) { return delete_permission_.bind(1, remove.id).run(); }

int BatchWriter::run(const PutSelector& put) {
    const NamedSelector& selector = put.selector;
    put_selector_.bind(1, std::string_view(selector.name)).bind(2, std::string_view(selector.text));
    return put_selector_.bind_unless_zero(3, selector.changed_at.milliseconds).run();
}

int BatchWriter::run(const RemoveSelector& remove) { return delete_selector_.bind(1, std::string_view(remove.name)).run(); }

}  // namespace giromq::store::sqlite
