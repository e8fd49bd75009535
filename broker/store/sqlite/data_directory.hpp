#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "store/errc.hpp"
#include "store/sqlite/files.hpp"

namespace giromq::store::sqlite {

/// The folder of a store, the names of its files, and those of them that SQLite does not manage: the lock and the reserve.
class DataDirectory {
public:
    /// Takes the exclusive lock (giromq.lock). `create`: the folder is made if it is not there. Refuses network file systems, on which
    /// neither locks nor fsync can be relied upon.
    static Result<DataDirectory> lock(const std::string& given_path, bool create);

    const std::string& path() const { return path_; }
    std::string database() const { return path_ + "/giromq.db"; }
    std::string new_database() const { return path_ + "/giromq.db.new"; }
    std::string log() const { return path_ + "/giromq.db-wal"; }
    std::string reserve() const { return path_ + "/giromq.reserve"; }

    /// The file that is given up when the disk is full. Fails with errc::disk_full if there is no room for it.
    Result<void> make_reserve(std::uint64_t bytes) const;
    void free_reserve() const;
    bool has_reserve() const;

    std::uint64_t free_bytes() const;

    /// Makes the name of the folder durable, in the folder that it is in.
    Result<void> sync_own_name() const;

private:
    DataDirectory(std::string path, FileHandle lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::string path_;
    FileHandle lock_;
};

}  // namespace giromq::store::sqlite
