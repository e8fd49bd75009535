#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "store/errc.hpp"

/// The system calls on files that the engine makes itself, beside those of SQLite.
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

/// Opens a file; one that is made thereby is its owner's alone.
///
/// Never open giromq.db or giromq.db-shm while SQLite has them open: closing the descriptor would drop SQLite's POSIX locks.
Result<FileHandle> open_file(const std::string& path, int flags);

/// Writes all of `bytes` at `offset`. Returns 0 or the system's error number.
int write_all(int descriptor, const std::uint8_t* bytes, std::size_t count, std::uint64_t offset);
/// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
Result<std::size_t> read_at(int descriptor, std::uint8_t* bytes, std::size_t count, std::uint64_t offset);

/// Whether a file is there, and is a GiroMQ store; reads its first bytes without SQLite, which would act on what lies beside it.
enum class FileKind : std::uint8_t { absent, store, foreign };
Result<FileKind> kind_of_file(const std::string& path);

/// True if something has this name; opens nothing.
bool exists(const std::string& path);
std::uint64_t size_of_file(const std::string& path);

/// An empty file that only its owner can read; SQLite would make one that anybody can. Must not exist.
Result<void> create_private_file(const std::string& path);
Result<void> sync_file(const std::string& path);
/// Makes creations and renames in the folder of `path` durable.
Result<void> sync_folder_of(const std::string& path);
/// Nothing may have the name `to` yet.
Result<void> rename_durably(const std::string& from, const std::string& to);
void remove_file(const std::string& path);

/// The Error of the last failed system call.
Error system_error(const std::string& doing, int number);

}  // namespace giromq::store::sqlite
