#include <algorithm>
#include <chrono>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "store/sqlite/engine.hpp"
#include "store/sqlite/write_ahead_log.hpp"

namespace giromq::store::sqlite {
namespace {

/// The file of the store grows by so much at once.
constexpr std::uint64_t growth_bytes = 4u << 20;

constexpr std::chrono::milliseconds backup_slice{4};
/// Between two looks at whether the disk has taken the backup.
constexpr std::chrono::milliseconds backup_sync_wait{1};
constexpr std::chrono::milliseconds reserve_retry{100};
constexpr std::chrono::milliseconds idle_before_checkpoint{1000};
constexpr std::chrono::milliseconds health_refresh{500};
/// After a checkpoint that another program's reader kept from finishing.
constexpr std::chrono::milliseconds checkpoint_retry{100};
constexpr std::chrono::seconds sweep_retry{60};

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

// Room on the disk

int SqliteStore::allocate_pages() {
    const int code = page_count_.step();
    const auto pages = code == SQLITE_ROW ? page_count_.unsigned_number(0) : 0;
    page_count_.reset();
    if (code != SQLITE_ROW) return code;
    const auto needed = pages * page_bytes_;
    if (needed <= allocated_bytes_) return SQLITE_OK;
    // When the reserve is used up already, page by page: what takes away must not fail for want of room for what will be sent.
    const bool has_room = extend_file(needed, growth_bytes) || (disk_full_ && extend_file(needed, page_bytes_));
    return has_room ? SQLITE_OK : SQLITE_FULL;
}

/// Extends the file to `bytes`, rounded up to `step`; a checkpoint that shortens it later rounds in the same way.
bool SqliteStore::extend_file(std::uint64_t bytes, std::uint64_t step) {
    const auto round_to = [this](std::uint64_t chunk) {
        int number = static_cast<int>(chunk);
        sqlite3_file_control(writer_.get(), "main", SQLITE_FCNTL_CHUNK_SIZE, &number);
    };
    round_to(step);
    auto hint = static_cast<sqlite3_int64>(bytes);
    if (sqlite3_file_control(writer_.get(), "main", SQLITE_FCNTL_SIZE_HINT, &hint) == SQLITE_OK) {
        file_step_ = step;
        allocated_bytes_ = round_up(bytes, step);
        return true;
    }
    // Or else a checkpoint would round the size up with a hole, for which there is no room either.
    round_to(file_step_ == 0 ? page_bytes_ : file_step_);
    return false;
}

void SqliteStore::disk_is_full() {
    directory_.free_reserve();
    reserve_is_in_file_ = false;
    if (disk_full_) return;
    disk_full_ = true;
    log::warning("store_disk_full", {{"directory", directory_.path()}});
    const std::lock_guard lock(health_mutex_);
    health_.disk_full = true;
}

/// What removed messages have left in the file, for new ones to take.
std::uint64_t SqliteStore::free_page_bytes() {
    const auto pages = writer_.query_number("PRAGMA freelist_count");
    return pages.ok() ? static_cast<std::uint64_t>(*pages) * page_bytes_ : 0;
}

/// True if there is room again. Tried now and then only, as every growing batch asks for it.
bool SqliteStore::restore_reserve() {
    const auto now = clock_.monotonic_now();
    if (now - reserve_tried_ < reserve_retry) return false;
    reserve_tried_ = now;
    // Not before there is enough for the reserve and for work beside it: or it would be given up again at once.
    const auto in_file = free_page_bytes();
    const bool has_file = make_reserve_beside(in_file);
    // A disk that others have filled need not keep anybody waiting while there is room inside the file: then free pages are the reserve.
    const bool has_pages = in_file >= settings_.reserve_bytes + 2 * growth_bytes;
    if (!has_file && !has_pages) return false;
    if (allocate_pages() != SQLITE_OK) {
        directory_.free_reserve();
        return false;
    }
    reserve_is_in_file_ = !has_file;
    if (!std::exchange(disk_full_, false)) return true;
    log::info("store_disk_has_room", {{"directory", directory_.path()}, {"inside_the_file", reserve_is_in_file_}});
    const std::lock_guard lock(health_mutex_);
    health_.disk_full = false;
    return true;
}

/// The reserve again, as a file; `in_file` bytes are free inside the store.
bool SqliteStore::make_reserve_beside(std::uint64_t in_file) {
    const auto on_disk = directory_.free_bytes();
    const auto reserve = std::min(settings_.reserve_bytes, on_disk);
    if (reserve < settings_.reserve_bytes / 2 || on_disk - reserve + in_file < 2 * growth_bytes) return false;
    return directory_.make_reserve(reserve).ok();
}

/// False if a batch that grows must be refused: the disk is full, or the free pages that serve as the reserve would be used up.
bool SqliteStore::has_room_to_grow() {
    if (disk_full_) return restore_reserve();
    if (reserve_is_in_file_ && free_page_bytes() < settings_.reserve_bytes) disk_is_full();
    return !disk_full_;
}

// The write-ahead log

int SqliteStore::note_commit(void* log_state, sqlite3*, const char*, int frames) {
    auto& log = *static_cast<LogState*>(log_state);
    // Fewer than before: the log has begun anew, and nothing of it is copied.
    if (frames <= log.frames) log.copied = 0;
    log.frames = frames;
    return SQLITE_OK;
}

std::uint64_t SqliteStore::log_bytes() const { return static_cast<std::uint64_t>(log_.frames) * (page_bytes_ + frame_header_bytes); }

/// True if a checkpoint has something to copy, and the log has reached `bytes`.
bool SqliteStore::is_checkpoint_due(std::uint64_t bytes) const {
    if (log_.copied >= log_.frames || clock_.monotonic_now() < checkpoint_again_) return false;
    return log_bytes() >= bytes;
}

/// Copies the log into the file, so that the next commit begins it anew. Waits for the reader, which has been told to hurry.
Result<void> SqliteStore::checkpoint() {
    const auto begun = clock_.monotonic_now();
    const ReaderGate::Exclusive alone(gate_);
    failpoint::reach("checkpoint", "begun");
    int frames = 0;
    int copied = 0;
    const int code = sqlite3_wal_checkpoint_v2(writer_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    if (code == SQLITE_OK) {
        failpoint::reach("checkpoint", "done");
        log_.frames = frames;
        log_.copied = copied;
        if (copied < frames) checkpoint_again_ = clock_.monotonic_now() + checkpoint_retry;
        warn_of_long_log();
        // SQLite may have cut the file behind its last page, rounded up.
        const int counted = page_count_.step();
        const auto bytes = counted == SQLITE_ROW ? page_count_.unsigned_number(0) * page_bytes_ : 0;
        page_count_.reset();
        allocated_bytes_ = std::min(allocated_bytes_, round_up(bytes, std::max<std::uint64_t>(file_step_, 1)));
        const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.monotonic_now() - begun).count();
        checkpoint_nanoseconds_.add(static_cast<std::uint64_t>(nanoseconds));
        return {};
    }
    Error error = error_of(writer_.get(), code, "copying the write-ahead log into the store");
    if (error.is(errc::disk_full)) {
        disk_is_full();
        return error;
    }
    checkpoint_again_ = clock_.monotonic_now() + checkpoint_retry;
    // The pages are still in the log. But a disk that fails to take them, or to sync them, may have lost others unnoticed.
    if (is_failed_sync(code) || code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_TRUNCATE) {
        fail(error);
        return failure();
    }
    return error;
}

/// The broker's own reader never keeps a checkpoint from copying everything; another program can, and the log grows until it ends.
void SqliteStore::warn_of_long_log() {
    const bool is_long = log_.copied < log_.frames && log_bytes() > log_bytes_max();
    if (is_long && !log_is_long_) {
        log::warning("log_held_by_another_program", {{"bytes", log_bytes()}, {"do", "end the program that reads the store (sqlite3?)"}});
    }
    log_is_long_ = is_long;
}

// Background work

Result<bool> SqliteStore::maintain() {
    if (failure_) return failure();
    const auto now = clock_.monotonic_now();
    if (now - refreshed_ >= health_refresh) refresh_health();
    // An idle store copies its log however short, so that the next start has less to read.
    const bool is_idle = now - last_commit_ >= idle_before_checkpoint;
    if (is_checkpoint_due(is_idle ? 0 : settings_.checkpoint_bytes)) {
        if (auto copied = checkpoint(); !copied.ok()) return copied.error();
        return true;
    }
    if (disk_full_ || reserve_is_in_file_) restore_reserve();
    if (backup_ != nullptr) {
        step_backup();
        return true;
    }
    if (!sweeper_.has_work() || now < sweep_again_) return false;
    if (auto swept = sweep(); !swept.ok()) {
        sweep_again_ = now + sweep_retry;
        return swept.error();
    }
    return sweeper_.has_work();
}

Result<void> SqliteStore::sweep() {
    int code = begin_.run();
    if (code == SQLITE_OK) code = sweeper_.run_slice();
    if (code == SQLITE_OK) code = allocate_pages();
    const auto ending = code == SQLITE_OK ? commit_transaction() : roll_back(code, "removing what nobody refers to");
    if (ending.outcome == CommitOutcome::durable) {
        sweeper_.committed();
        return {};
    }
    sweeper_.rolled_back();
    if (ending.error.is(errc::disk_full)) disk_is_full();
    return ending.error;
}

Result<void> SqliteStore::start_backup(const std::string& path, UniqueFunction<void(Result<void>)> done) {
    if (failure_) return failure();
    if (backup_ != nullptr) return Error(errc::invalid_argument, "a backup is being made already");
    auto job = BackupJob::begin(writer_, path, settings_.vfs);
    if (!job.ok()) return job.error();
    backup_ = std::move(job).value();
    backup_done_ = std::move(done);
    log::info("backup_started", {{"file", path}});
    return {};
}

void SqliteStore::step_backup() {
    const auto finished = backup_->step(clock_, backup_->is_syncing() ? backup_sync_wait : backup_slice);
    if (finished.ok() && !*finished) return;
    backup_.reset();
    if (finished.ok()) {
        log::info("backup_finished");
    } else {
        log::error("backup_failed", {{"error", finished.error().to_string()}});
    }
    auto done = std::exchange(backup_done_, nullptr);
    done(finished.ok() ? Result<void>() : Result<void>(finished.error()));
}

void SqliteStore::refresh_health() {
    refreshed_ = clock_.monotonic_now();
    const auto free_bytes = directory_.free_bytes();
    const auto store_bytes = size_of_file(directory_.database());
    const auto wal_bytes = size_of_file(directory_.log());
    const std::lock_guard lock(health_mutex_);
    health_.free_bytes = free_bytes;
    health_.wal_bytes = wal_bytes;
    health_.store_bytes = store_bytes + wal_bytes;
    health_.checkpoints = checkpoint_nanoseconds_.count();
    health_.checkpoint_nanoseconds = checkpoint_nanoseconds_;
    health_.disk_full = disk_full_;
}

}  // namespace giromq::store::sqlite
