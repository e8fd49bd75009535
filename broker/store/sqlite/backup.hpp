#pragma once

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

    /// Copies for about `time`; true when the copy is complete, under its own name, and durable.
    Result<bool> step(const Clock& clock, std::chrono::milliseconds time);
    /// Between 0 and 100.
    int percent() const;

private:
    struct Finish {
        void operator()(sqlite3_backup* handle) const { sqlite3_backup_finish(handle); }
    };

    explicit BackupJob(std::string file) : file_(std::move(file)) {}
    Result<void> complete();
    std::string partial() const { return file_ + ".partial"; }

    std::string file_;
    Connection target_;
    std::unique_ptr<sqlite3_backup, Finish> handle_;  // finished before its target is closed
};

}  // namespace giromq::store::sqlite
