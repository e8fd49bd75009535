#include "store/sqlite/engine.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/write_ahead_log.hpp"

namespace giromq::store::sqlite {
namespace {

// secure_delete is Debian's default and would write zeros over every removed message. Foreign keys are none of the schema's: the core
// keeps the references, and giromqd --check verifies them.
constexpr const char* writer_pragmas =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0;"
    "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF; PRAGMA foreign_keys = OFF;";

/// Another program may hold a lock for a moment, such as sqlite3 in the hands of an auditor.
constexpr int busy_timeout_ms = 5000;

bool grows(const Batch& batch) {
    return std::any_of(batch.operations.begin(), batch.operations.end(), [](const Operation& operation) {
        return std::holds_alternative<PutMessage>(operation) || std::holds_alternative<PutChunk>(operation);
    });
}

/// What the operation is, as failpoints have it; empty for none of them.
std::string_view step_of(const Operation& operation) {
    if (std::holds_alternative<PutUser>(operation) || std::holds_alternative<RemoveUser>(operation)) return "security";
    if (std::holds_alternative<PutPermission>(operation) || std::holds_alternative<RemovePermission>(operation)) return "security";
    if (std::holds_alternative<PrepareBranch>(operation)) return "prepare";
    if (std::holds_alternative<PutTombstone>(operation)) return "one-phase";
    if (std::holds_alternative<ForgetBranch>(operation)) return "forget";
    const auto* const complete = std::get_if<CompleteBranch>(&operation);
    if (complete == nullptr) return {};
    if (complete->decision) return "heuristic";
    return complete->outcome == BranchOutcome::committed ? "commit" : "rollback";
}

void reach_failpoints(const Batch& batch, std::string_view moment) {
    if (!failpoint::is_armed()) return;
    for (const auto& operation : batch.operations) {
        if (const auto step = step_of(operation); !step.empty()) failpoint::reach(step, moment);
    }
}

bool quarantines(const Batch& batch) {
    return std::any_of(batch.operations.begin(), batch.operations.end(),
                       [](const Operation& operation) { return std::holds_alternative<QuarantineEntry>(operation); });
}

}  // namespace

SqliteStore::SqliteStore(SqliteSettings settings, const Clock& clock, DataDirectory directory)
    : settings_(std::move(settings)), clock_(clock), directory_(std::move(directory)), reader_(clock, gate_, epoch_) {}

SqliteStore::~SqliteStore() {
    if (backup_ == nullptr) return;
    backup_.reset();
    backup_done_(Error(errc::stopped, "the broker stopped before the backup was complete"));
}

// Opening

Result<void> SqliteStore::open() {
    if (auto created = create_if_absent(); !created.ok()) return created;
    if (auto checked = check_log(directory_.log()); !checked.ok()) return checked;
    if (auto grown = grow_log(directory_.log(), settings_.wal_bytes); !grown.ok()) {
        // A broker must start on a full disk, so that its messages can be consumed; commits are slower meanwhile.
        if (!grown.error().is(errc::disk_full)) return grown;
        log::warning("write_ahead_log_not_grown", {{"error", grown.error().to_string()}});
    }
    if (auto opened = open_writer(); !opened.ok()) return opened;
    if (auto healed = heal_log(); !healed.ok()) return healed;
    if (auto prepared = prepare(); !prepared.ok()) return prepared;
    if (auto opened = reader_.open(directory_.database(), settings_.vfs); !opened.ok()) return opened;
    refresh_health();
    return {};
}

Result<void> SqliteStore::create_if_absent() {
    const auto database = directory_.database();
    const auto kind = kind_of_file(database);
    if (!kind.ok()) return kind.error();
    if (*kind == FileKind::store) return {};
    if (*kind == FileKind::foreign) return Error(errc::not_a_store, database + " is not a GiroMQ store; nothing was changed");
    const auto orphan = has_log(directory_.log());
    if (!orphan.ok()) return orphan.error();
    if (*orphan) return Error(errc::not_a_store, directory_.log() + " is there, but the store it belongs to is not; nothing was changed");
    // The file gets its name when it is complete: a crash meanwhile leaves nothing that looks like a store.
    const auto fresh = directory_.new_database();
    for (const auto* const suffix : {"", "-wal", "-shm", "-journal"}) remove_file(fresh + suffix);
    if (auto created = create_private_file(fresh); !created.ok()) return created;
    if (auto created = create_store_file(fresh, settings_.page_bytes, settings_.vfs); !created.ok()) return created;
    if (size_of_file(fresh + "-wal") != 0) return Error(errc::io_error, "the new store was left unfinished");
    if (auto synced = sync_file(fresh); !synced.ok()) return synced;
    remove_file(directory_.log());
    remove_file(database + "-shm");
    if (auto renamed = rename_durably(fresh, database); !renamed.ok()) return renamed;
    log::info("store_created", {{"file", database}});
    return directory_.sync_own_name();
}

Result<void> SqliteStore::open_writer() {
    log_vfs_ = LogVfs::over(settings_.vfs);
    if (auto opened = writer_.open(directory_.database(), SQLITE_OPEN_READWRITE, log_vfs_->name()); !opened.ok()) return opened;
    int keep_log = 1;
    sqlite3_file_control(writer_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log);
    if (auto set = writer_.execute(writer_pragmas, "setting up the writing connection"); !set.ok()) return set;
    // Never cut below this, since commits into a growing file cost double; above it another program has kept the log from beginning anew.
    const auto limit = "PRAGMA journal_size_limit = " + std::to_string(2 * log_bytes_max());
    if (auto set = writer_.execute(limit.c_str(), "bounding the log"); !set.ok()) return set;
    // Nothing is written when the connection is closed: release() has done what a clean end needs, and after a failure nothing must be.
    sqlite3_db_config(writer_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_wal_hook(writer_.get(), note_commit, &log_);
    sqlite3_busy_timeout(writer_.get(), busy_timeout_ms);
    Statement journal_mode;
    int code = journal_mode.prepare(writer_.get(), "PRAGMA journal_mode = WAL");
    if (code == SQLITE_OK) code = journal_mode.step();
    if (code != SQLITE_ROW) return error_of(writer_.get(), code, "opening the write-ahead log");
    if (journal_mode.text(0) != "wal") return Error(errc::io_error, "the file system does not allow write-ahead logging");
    journal_mode.reset();
    return migrate(writer_);
}

/// SQLite keeps an index of the log in a file of its own (giromq.db-shm), which grows after the frames of a commit are synced. It must
/// not fail there for want of space: then a commit would be in doubt.
void SqliteStore::make_room_for_log_index() {
    constexpr int region_bytes = 32768;
    constexpr std::uint64_t frames_per_region = 4096;
    sqlite3_file* file = nullptr;
    sqlite3_file_control(writer_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    const auto frames = log_bytes_max() / page_bytes_;
    int code = file == nullptr || file->pMethods == nullptr ? SQLITE_ERROR : SQLITE_OK;
    for (std::uint64_t region = 0; code == SQLITE_OK && region <= frames / frames_per_region + 1; ++region) {
        void volatile* memory = nullptr;
        code = file->pMethods->xShmMap(file, static_cast<int>(region), region_bytes, 1, &memory);
    }
    if (code != SQLITE_OK) log::warning("log_index_not_grown", {{"code", code}});
}

/// After an unclean stop the log is written again and copied into the file, so that everything this run will see is on the disk, even
/// if the stop followed a failed fsync. Bounded by the size of the log, whatever the backlog.
Result<void> SqliteStore::heal_log() {
    const auto page_bytes = writer_.query_number("PRAGMA page_size");
    if (!page_bytes.ok()) return page_bytes.error();
    page_bytes_ = static_cast<std::uint64_t>(*page_bytes);
    make_room_for_log_index();
    const int code = page_count_.prepare(writer_.get(), "PRAGMA page_count");
    if (code != SQLITE_OK) return error_of(writer_.get(), code, "asking for the size of the store");
    const int allocated = allocate_pages();
    if (allocated == SQLITE_FULL) {
        disk_is_full();
    } else if (allocated != SQLITE_OK) {
        return error_of(writer_.get(), allocated, "making room in the store");
    }
    const auto clean = writer_.query_number("SELECT clean FROM broker");
    if (!clean.ok()) return clean.error();
    if (*clean != 0) return {};
    if (auto rewritten = rewrite_log(directory_.log()); !rewritten.ok() && !rewritten.error().is(errc::disk_full)) return rewritten;
    auto copied = checkpoint();
    return copied.ok() || copied.error().is(errc::disk_full) ? Result<void>() : copied;
}

Result<void> SqliteStore::prepare() {
    const std::pair<Statement*, const char*> statements[] = {
        {&begin_, "BEGIN IMMEDIATE"},
        {&commit_, "COMMIT"},
        {&roll_back_, "ROLLBACK"},
        {&update_broker_,
         "UPDATE broker SET batch = ?, next_position = max(next_position, ?), next_message = max(next_message, ?), "
         "next_destination = max(next_destination, ?) WHERE id = 1 AND epoch = ?"},
    };
    for (const auto& [statement, sql] : statements) {
        const int code = statement->prepare(writer_.get(), sql);
        if (code != SQLITE_OK) return error_of(writer_.get(), code, sql);
    }
    if (auto prepared = batch_writer_.prepare(writer_); !prepared.ok()) return prepared;
    if (auto prepared = sweeper_.prepare(writer_, batch_writer_); !prepared.ok()) return prepared;
    if (disk_full_) return {};
    if (auto reserved = directory_.make_reserve(settings_.reserve_bytes); !reserved.ok()) {
        if (!reserved.error().is(errc::disk_full)) return reserved;
        disk_is_full();
    }
    return {};
}

// Transactions

SqliteStore::Ending SqliteStore::in_doubt(Error error) {
    fail(error);
    return Ending{CommitOutcome::in_doubt, Error(errc::in_doubt, error.to_string())};
}

void SqliteStore::fail(const Error& error) {
    if (failure_) return;
    failure_ = Error(errc::in_doubt, error.to_string());
    log::error("store_not_writable",
               {{"error", error.to_string()}, {"do", "look at the disk and the kernel log, then start the broker again"}});
    const std::lock_guard lock(health_mutex_);
    health_.writable = false;
    health_.message = error.to_string();
}

Error SqliteStore::failure() const { return *failure_; }

SqliteStore::Ending SqliteStore::roll_back(int code, std::string_view doing) {
    Error error = error_of(writer_.get(), code, doing);
    if (is_failed_sync(code)) return in_doubt(std::move(error));
    // SQLite has rolled back by itself after some errors; otherwise it must succeed now.
    if (writer_.in_transaction() && roll_back_.run() != SQLITE_OK) return in_doubt(std::move(error));
    if (writer_.in_transaction()) return in_doubt(std::move(error));
    return Ending{CommitOutcome::not_applied, std::move(error)};
}

SqliteStore::Ending SqliteStore::commit_transaction() {
    const int code = commit_.run();
    last_commit_ = clock_.monotonic_now();
    if (code == SQLITE_OK) return {};
    Error error = error_of(writer_.get(), code, "COMMIT");
    // Only a write that finds the disk full tells for certain that the frame which ends the transaction was not written whole (SQLite has
    // rolled back then). Of any other error it is not known whether it came before that frame or after it; not even of a full disk, if
    // it is the index of the log that cannot grow.
    const bool is_write = (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
    return is_write && is_disk_full(writer_.get(), code) ? roll_back(code, "COMMIT") : in_doubt(std::move(error));
}

Result<void> SqliteStore::run_transaction(const char* sql, std::string_view doing) {
    int code = begin_.run();
    if (code == SQLITE_OK) code = writer_.execute(sql);
    const auto ending = code == SQLITE_OK ? commit_transaction() : roll_back(code, doing);
    if (ending.outcome == CommitOutcome::durable) return {};
    return ending.error;
}

Result<Lease> SqliteStore::acquire() {
    if (failure_) return failure();
    const auto clean = writer_.query_number("SELECT clean FROM broker");
    if (!clean.ok()) return clean.error();
    const std::string take =
        "UPDATE broker SET epoch = epoch + 1, clean = 0 WHERE id = 1;"
        "UPDATE destination SET volatile_messages = 0, volatile_bytes = 0"
        " WHERE volatile_messages <> 0 OR volatile_bytes <> 0;";
    // The horizon goes ahead of what there is: positions that were never given were never delivered.
    const std::string mark =
        "UPDATE destination SET crash_horizon = max(crash_horizon, min(horizon, (SELECT next_position FROM broker))), horizon = 0"
        " WHERE horizon <> 0;";
    if (auto taken = run_transaction((*clean != 0 ? take : take + mark).c_str(), "taking over the store"); !taken.ok()) {
        return taken.error();
    }
    const auto epoch = writer_.query_number("SELECT epoch FROM broker");
    if (!epoch.ok()) return epoch.error();
    const auto batch = last_batch();
    if (!batch.ok()) return batch.error();
    batch_ = *batch;
    const auto next_message = writer_.query_number("SELECT next_message FROM broker");
    if (!next_message.ok()) return next_message.error();
    const Lease lease{Epoch{static_cast<std::uint64_t>(*epoch)}};
    epoch_.store(lease.epoch.value, std::memory_order_release);
    batch_writer_.set_epoch(lease.epoch);
    sweeper_.start(lease.epoch, MessageNumber{static_cast<std::uint64_t>(*next_message)});
    log::info("store_acquired", {{"epoch", lease.epoch.value}, {"previous_end", *clean != 0 ? "clean" : "unclean"}});
    return lease;
}

Result<std::string> SqliteStore::instance() {
    if (failure_) return failure();
    Statement query;
    int code = query.prepare(writer_.get(), "SELECT instance FROM broker");
    const ResetGuard reset(query);
    if (code == SQLITE_OK) code = query.step();
    if (code != SQLITE_ROW) return error_of(writer_.get(), code, "reading the name of the store");
    return query.text(0);
}

Result<void> SqliteStore::release(const Lease& lease) {
    if (failure_) return failure();
    if (lease.epoch.value != epoch_.load()) return Error(errc::lost_lease);
    // The log is copied first, so that it begins anew with the transaction that ends the run: what lies in a log that has been copied, and
    // goes bad before the next start, would hide newer pages of the file.
    const auto copy_log = [this] {
        if (auto copied = checkpoint(); !copied.ok()) log::warning("checkpoint_failed", {{"error", copied.error().to_string()}});
    };
    copy_log();
    if (failure_) return failure();
    const char* const sql = "UPDATE destination SET horizon = 0 WHERE horizon <> 0; UPDATE broker SET clean = 1 WHERE id = 1;";
    if (auto released = run_transaction(sql, "releasing the store"); !released.ok()) return released;
    copy_log();
    return {};
}

Result<BatchNumber> SqliteStore::last_batch() {
    if (failure_) return failure();
    const auto batch = writer_.query_number("SELECT batch FROM broker");
    if (!batch.ok()) return batch.error();
    return BatchNumber{static_cast<std::uint64_t>(*batch)};
}

// Batches

void SqliteStore::commit(const Lease& lease, BatchNumber number, const Batch& batch, UniqueFunction<void(BatchResult)> done) {
    auto result = try_commit(lease, number, batch);
    done(std::move(result));
    // Reached only if nobody called maintain() for long: the log must not grow without bound.
    if (!failure_ && is_checkpoint_due(log_bytes_max())) {
        if (auto copied = checkpoint(); !copied.ok()) log::warning("checkpoint_failed", {{"error", copied.error().to_string()}});
    }
}

BatchResult SqliteStore::try_commit(const Lease& lease, BatchNumber number, const Batch& batch) {
    BatchResult result;
    if (failure_) {
        result.outcome = CommitOutcome::in_doubt;
        result.error = failure();
        return result;
    }
    if (lease.epoch.value != epoch_.load()) {
        result.outcome = CommitOutcome::not_applied;
        result.error = Error(errc::lost_lease);
        return result;
    }
    GIROMQ_CHECK(number.value == batch_.value + 1, "batches are numbered without gaps");
    const bool adds = grows(batch);
    if (adds && !has_room_to_grow()) {
        result.outcome = CommitOutcome::not_applied;
        result.error = Error(errc::disk_full, directory_.path());
        return result;
    }
    Ending ending;
    for (int attempt = 0; attempt < 2; ++attempt) {
        ending = write_batch(lease, number, batch);
        if (ending.outcome == CommitOutcome::durable) break;
        batch_writer_.abandon();
        if (ending.outcome != CommitOutcome::not_applied) break;
        if (ending.error.is(errc::damaged) && quarantines(batch)) {
            batch_writer_.leave_quarantined_rows(true);
            continue;
        }
        if (!ending.error.is(errc::disk_full)) break;
        const bool has_reserve = directory_.has_reserve();
        disk_is_full();
        // What only takes away, or hardly adds, goes through with the room that the reserve has left.
        if (adds || !has_reserve) break;
    }
    batch_writer_.leave_quarantined_rows(false);
    result.outcome = ending.outcome;
    if (ending.outcome == CommitOutcome::durable) {
        batch_ = number;
        result.purged = batch_writer_.take_purged();
        sweeper_.add_garbage(batch_writer_.take_garbage());
    } else {
        result.error = std::move(ending.error);
    }
    return result;
}

SqliteStore::Ending SqliteStore::write_batch(const Lease& lease, BatchNumber number, const Batch& batch) {
    constexpr std::string_view doing = "writing a batch";
    reach_failpoints(batch, "arrived");
    int code = begin_.run();
    if (code != SQLITE_OK) return roll_back(code, doing);
    for (const auto& operation : batch.operations) {
        code = batch_writer_.apply(operation);
        if (code != SQLITE_OK) return roll_back(code, doing);
    }
    code = batch_writer_.finish();
    if (code == SQLITE_OK) code = update_broker(lease, number, batch);
    if (code != SQLITE_OK) return roll_back(code, doing);
    if (writer_.changes() != 1) {
        auto ending = roll_back(SQLITE_ABORT, doing);
        if (ending.outcome == CommitOutcome::not_applied) ending.error = Error(errc::lost_lease);
        return ending;
    }
    code = allocate_pages();
    if (code != SQLITE_OK) return roll_back(code, "making room in the store");
    reach_failpoints(batch, "written");
    auto ending = commit_transaction();
    if (ending.outcome == CommitOutcome::durable) reach_failpoints(batch, "durable");
    return ending;
}

int SqliteStore::update_broker(const Lease& lease, BatchNumber number, const Batch& batch) {
    update_broker_.bind(1, number.value).bind(2, batch.next_position.value).bind(3, batch.next_message.value);
    return update_broker_.bind(4, batch.next_destination.value).bind(5, lease.epoch.value).run();
}

// Reading

Result<Page> SqliteStore::page(DestinationId destination, Position after, PageLimits limits) {
    return reader_.page(destination, after, limits);
}

Result<SharedBytes> SqliteStore::chunk(MessageNumber number, std::uint32_t index) { return reader_.chunk(number, index); }

Result<MessagePtr> SqliteStore::message(MessageNumber number) { return reader_.message(number); }

Result<AuditStretch> SqliteStore::audit(const AuditQuery& query) { return reader_.audit(query); }

Health SqliteStore::health() const {
    const std::lock_guard lock(health_mutex_);
    return health_;
}

}  // namespace giromq::store::sqlite

namespace giromq::store {

Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteSettings& settings, const Clock& clock) {
    const auto page = settings.page_bytes;
    if (page < 512 || page > 65536 || (page & (page - 1)) != 0) {
        return Error(errc::invalid_argument, "page_bytes is a power of two from 512 to 65536");
    }
    // Statistics that nobody asks for cost a lock for each allocation. Too late if SQLite is in use already, and then no harm.
    static const int without_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(without_statistics);
    auto directory = sqlite::DataDirectory::lock(settings.directory, true);
    if (!directory.ok()) return directory.error();
    auto store = std::make_unique<sqlite::SqliteStore>(settings, clock, std::move(directory).value());
    if (auto opened = store->open(); !opened.ok()) return opened.error();
    return std::unique_ptr<Store>(std::move(store));
}

}  // namespace giromq::store
