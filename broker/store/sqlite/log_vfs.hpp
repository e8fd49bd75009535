#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

namespace giromq::store::sqlite {

/// A layer of SQLite's virtual file system that writes a transaction to the write-ahead log with one system call. SQLite itself writes
/// each frame in two pieces, its header and its page, and a batch has hundreds of frames. Adjoining writes are kept in memory until
/// they must be seen: before a sync, a read, a truncation, or anything else than another adjoining write.
///
/// Durability: with synchronous = FULL every COMMIT ends with a sync of the log, and SQLite shows frames to other connections only
/// afterwards, so nothing that was committed or can be read is ever in this memory alone. An error of the delayed write is returned by
/// the call that caused it; frames that could not be written are dropped, since SQLite writes them anew or rolls back. As the frame
/// that ends a transaction is the last of what is written, a disk that is full never has that frame whole.
///
/// For the one connection that writes: every other file passes through untouched. Threads: made and destroyed by one thread, while no
/// connection of its is open.
class LogVfs {
public:
    /// Over the VFS named `inner`; an empty name means SQLite's default. The inner one must outlive this one.
    static std::unique_ptr<LogVfs> over(const std::string& inner);
    ~LogVfs();

    LogVfs(const LogVfs&) = delete;
    LogVfs& operator=(const LogVfs&) = delete;

    /// What a connection names to use it.
    const std::string& name() const { return name_; }

private:
    explicit LogVfs(sqlite3_vfs* inner);

    std::string name_;
    sqlite3_vfs vfs_;
};

}  // namespace giromq::store::sqlite
