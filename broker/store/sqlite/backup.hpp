#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/unique_function.hpp"
#include "store/sqlite/connection.hpp"

namespace giromq::store::sqlite {

/// A consistent copy of a store into a new file, made in steps on the connection that writes, so that commits in between are carried
/// over into the copy. The copy has a temporary name until it is complete and synced.
class BackupJob {
public:
    /// Begins. The file must not exist. `source` outlives this.
    static Result<std::unique_ptr<BackupJob>> begin(Connection& source, const std::string& file, const std::string& vfs);
    ~BackupJob();
    BackupJob(const BackupJob&) = delete;
    BackupJob& operator=(const BackupJob&) = delete;

    /// Copies, or waits for the sync, for about `time`; true when the copy is complete, under its own name, and durable.
    Result<bool> step(const Clock& clock, std::chrono::milliseconds time);
    /// True when everything is copied, and only the disk is waited for.
    bool is_syncing() const { return syncing_.valid(); }
    /// Between 0 and 100.
    int percent() const;

private:
    struct Finish {
        void operator()(sqlite3_backup* handle) const { sqlite3_backup_finish(handle); }
    };

    explicit BackupJob(std::string file) : file_(std::move(file)) {}
    Result<void> begin_sync();
    Result<bool> wait_for_sync(std::chrono::milliseconds time);
    std::string partial() const { return file_ + ".partial"; }

    std::string file_;
    Connection target_;
    std::unique_ptr<sqlite3_backup, Finish> handle_;  // finished before its target is closed
    std::future<Result<void>> syncing_;               // of the complete file, and its renaming
};

}  // namespace giromq::store::sqlite
