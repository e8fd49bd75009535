#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "store/errc.hpp"

namespace giromq::store::sqlite {

/// A file descriptor that closes itself.
class FileHandle {
public:
    FileHandle() = default;
    explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
    FileHandle(FileHandle&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
    FileHandle& operator=(FileHandle&& other) noexcept;
    ~FileHandle();

    int get() const { return descriptor_; }
    bool is_open() const { return descriptor_ >= 0; }

private:
    int descriptor_ = -1;
};

/// The folder of a store and the files in it that SQLite does not manage: the lock, the reserve, and the size of the write-ahead log.
///
/// Never open giromq.db through this class while SQLite has it open: closing the descriptor would drop SQLite's POSIX locks.
class DataDirectory {
public:
    /// Takes the exclusive lock (giromq.lock). `create`: the folder is made if it is not there. Refuses network file systems, on which
    /// neither locks nor fsync can be relied upon.
    static Result<DataDirectory> lock(const std::string& path, bool create);

    const std::string& path() const { return path_; }
    std::string database() const { return path_ + "/giromq.db"; }
    std::string new_database() const { return path_ + "/giromq.db.new"; }
    std::string log() const { return path_ + "/giromq.db-wal"; }
    std::string reserve() const { return path_ + "/giromq.reserve"; }

    /// Makes the write-ahead log at least `bytes` long by writing zeros behind what is there, since commits into a growing file cost
    /// double. Zeros are no valid header and no valid frame, so SQLite sees the log that it saw before. Must run before SQLite opens it.
    Result<void> grow_log(std::uint64_t bytes) const;

    /// Writes the valid part of the log once more, in place. After a failed fsync the kernel may hold pages that it believes to be on
    /// the disk and that are not; a commit read from them would be trusted by this run and lost by the next power failure.
    Result<void> rewrite_log() const;

    /// The file that is given up when the disk is full. Fails with errc::disk_full if there is no room for it.
    Result<void> make_reserve(std::uint64_t bytes) const;
    void free_reserve() const;
    bool has_reserve() const;

    std::uint64_t free_bytes() const;

private:
    DataDirectory(std::string path, FileHandle lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::string path_;
    FileHandle lock_;
};

/// Whether a file is there, and is a GiroMQ store; reads its first bytes without SQLite, which would act on what lies beside it.
enum class FileKind : std::uint8_t { absent, store, foreign };
Result<FileKind> kind_of_file(const std::string& path);

/// An empty file that only its owner can read; SQLite would make one that anybody can. Must not exist.
Result<void> create_private_file(const std::string& path);
std::uint64_t size_of_file(const std::string& path);
Result<void> sync_file(const std::string& path);
/// Makes creations and renames in the folder of `path` durable.
Result<void> sync_folder_of(const std::string& path);
Result<void> rename_durably(const std::string& from, const std::string& to);
void remove_file(const std::string& path);

/// The Error of the last failed system call.
Error system_error(const std::string& doing, int number);

}  // namespace giromq::store::sqlite
