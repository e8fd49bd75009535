#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace giromq::store {

struct SqliteSettings {
    std::string directory;                       // exists or is created, mode 0700; one broker per directory
    std::uint32_t page_bytes = 4096;             // of a new store; 512 to 65536, a power of two
    std::uint64_t checkpoint_bytes = 16u << 20;  // a PASSIVE checkpoint after this much WAL
    std::uint64_t wal_bytes = 32u << 20;         // the WAL is grown to this at open, and is never truncated
    std::uint64_t reserve_bytes = 8u << 20;      // preallocated file that is freed when the disk is full
    std::string vfs;                             // name of a registered SQLite VFS, for fault injection; empty for the default
};

/// Opens or creates the store in settings.directory (file giromq.db), takes the exclusive lock (file giromq.lock), migrates the schema.
Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteSettings& settings, const Clock& clock);

/// `giromqd --check`: opens the store read-only and verifies SQLite's structures, every checksum, every reference between tables and
/// every counter. Calls `progress` with a sentence now and then. Fails with errc::damaged and a list of what is wrong.
Result<void> check_sqlite_store(const std::string& directory, UniqueFunction<void(const std::string&)> progress);

/// `giromqd --backup FILE` without a running broker, and the restore of such a file into an empty directory. A backup begins a new
/// life: the restored store keeps its counters, so that numbers are not given twice.
Result<void> backup_sqlite_store(const std::string& directory, const std::string& file, UniqueFunction<void(const std::string&)> progress);
Result<void> restore_sqlite_store(const std::string& file, const std::string& directory);

}  // namespace giromq::store
