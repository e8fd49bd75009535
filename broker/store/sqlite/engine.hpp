#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "store/sqlite/backup.hpp"
#include "store/sqlite/batch_writer.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/data_directory.hpp"
#include "store/sqlite/log_vfs.hpp"
#include "store/sqlite/page_reader.hpp"
#include "store/sqlite/reader_gate.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/sweeper.hpp"
#include "store/store.hpp"

namespace giromq::store::sqlite {

/// The Store over SQLite. One connection writes and alone checkpoints (SQLite before 3.51.3 can lose the log when two do), another one
/// reads. Threads as for Store.
///
/// Errors: whatever goes wrong before COMMIT is rolled back and means not applied. A failed fsync, a COMMIT that fails for another
/// reason than a full disk, or a ROLLBACK that does not succeed, leaves the outcome unknown: fail() is called and nothing is written
/// any more, since the kernel may have forgotten which pages are not on the disk.
class SqliteStore final : public Store {
public:
    SqliteStore(SqliteSettings settings, const Clock& clock, DataDirectory directory);
    ~SqliteStore() override;

    /// Creates or opens the file; see open_sqlite_store.
    Result<void> open();

    Result<Lease> acquire() override;
    Result<std::string> instance() override;
    void commit(const Lease& lease, BatchNumber number, const Batch& batch, UniqueFunction<void(BatchResult)> done) override;
    Result<BatchNumber> last_batch() override;
    Result<void> recover(RecoveryVisitor& visitor) override;
    Result<Page> page(DestinationId destination, Position after, PageLimits limits) override;
    Result<SharedBytes> chunk(MessageNumber number, std::uint32_t index) override;
    Result<MessagePtr> message(MessageNumber number) override;
    Result<AuditStretch> audit(const AuditQuery& query) override;
    Result<void> start_backup(const std::string& path, UniqueFunction<void(Result<void>)> done) override;
    Result<bool> maintain() override;
    Health health() const override;
    Result<void> release(const Lease& lease) override;

private:
    /// How an attempt to end a transaction, or the error of one of its statements, leaves the file.
    struct Ending {
        CommitOutcome outcome = CommitOutcome::durable;
        Error error{errc::io_error};
    };

    // engine.cpp
    Result<void> create_if_absent();
    Result<void> open_writer();
    void make_room_for_log_index();
    Result<void> heal_log();
    Result<void> prepare();
    Result<void> run_transaction(const char* sql, std::string_view doing);
    BatchResult try_commit(const Lease& lease, BatchNumber number, const Batch& batch);
    Ending write_batch(const Lease& lease, BatchNumber number, const Batch& batch);
    int update_broker(const Lease& lease, BatchNumber number, const Batch& batch);
    /// After `code` came back from a statement before COMMIT: rolls back.
    Ending roll_back(int code, std::string_view doing);
    Ending commit_transaction();
    Ending in_doubt(Error error);
    void fail(const Error& error);
    Error failure() const;

    // maintenance.cpp
    /// Sees to it that the file has room for every page of the open transaction, so that no checkpoint can find the disk full.
    int allocate_pages();
    bool extend_file(std::uint64_t bytes, std::uint64_t step);
    void disk_is_full();
    bool has_room_to_grow();
    bool restore_reserve();
    bool make_reserve_beside(std::uint64_t in_file);
    std::uint64_t free_page_bytes();
    /// What SQLite tells of the log after each commit, and what checkpoints have copied of it.
    struct LogState {
        int frames = 0;
        int copied = 0;
    };
    static int note_commit(void* log_state, sqlite3*, const char*, int frames);
    /// The log is copied at this length, whatever else is to be done.
    std::uint64_t log_bytes_max() const { return std::max(settings_.wal_bytes, 2 * settings_.checkpoint_bytes); }
    std::uint64_t log_bytes() const;
    bool is_checkpoint_due(std::uint64_t bytes) const;
    void warn_of_long_log();
    Result<void> checkpoint();
    Result<void> sweep();
    void step_backup();
    void refresh_health();

    // recovery.cpp
    Result<void> recover_counters(RecoveryVisitor& visitor);
    Result<void> recover_destinations(RecoveryVisitor& visitor);
    Result<void> recover_producers(RecoveryVisitor& visitor);
    Result<void> recover_duplicate_ids(RecoveryVisitor& visitor);
    Result<void> recover_users(RecoveryVisitor& visitor);
    Result<void> recover_selectors(RecoveryVisitor& visitor);
    Result<void> recover_permissions(RecoveryVisitor& visitor);
    Result<void> recover_transactions(RecoveryVisitor& visitor);

    const SqliteSettings settings_;
    const Clock& clock_;
    DataDirectory directory_;
    std::unique_ptr<LogVfs> log_vfs_;  // outlives the connection that uses it
    Connection writer_;
    BatchWriter batch_writer_;
    Sweeper sweeper_;
    Statement begin_, commit_, roll_back_, update_broker_, page_count_;
    std::atomic<std::uint64_t> epoch_{0};
    ReaderGate gate_;
    PageReader reader_;

    std::uint64_t page_bytes_ = 0;
    std::uint64_t allocated_bytes_ = 0;  // of giromq.db: as much is really there on the disk
    std::uint64_t file_step_ = 0;        // by which its size is rounded up
    BatchNumber batch_;                  // the last durable one
    LogState log_;
    bool log_is_long_ = false;
    MonotonicTime last_commit_{};
    MonotonicTime reserve_tried_{};
    MonotonicTime refreshed_{};
    MonotonicTime checkpoint_again_{};
    MonotonicTime sweep_again_{};
    bool disk_full_ = false;
    bool reserve_is_in_file_ = false;  // there is no reserve but the free pages of the file
    Histogram checkpoint_nanoseconds_{Health::checkpoint_time_bounds};
    std::optional<Error> failure_;

    std::unique_ptr<BackupJob> backup_;
    UniqueFunction<void(Result<void>)> backup_done_;

    mutable std::mutex health_mutex_;
    Health health_;
};

}  // namespace giromq::store::sqlite
