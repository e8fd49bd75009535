#include "store/sqlite/log_vfs.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "base/check.hpp"

namespace giromq::store::sqlite {
namespace {

/// More than this is written in pieces. SQLite's VFS for Unix takes the size of a write modulo 128 KiB, so it must be less.
constexpr std::size_t buffer_bytes = 120U * 1024U;

sqlite3_vfs* inner_of(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

/// The write-ahead log, open. SQLite gives the memory, this object first and the inner VFS's file behind it.
struct LogFile {
    sqlite3_file base;  // must be first: SQLite knows this object by it
    sqlite3_file* inner;
    std::vector<std::uint8_t>* waiting;  // adjoining writes, from `begin` on
    sqlite3_int64 begin;
};

LogFile& self(sqlite3_file* file) { return *reinterpret_cast<LogFile*>(file); }

int flush(LogFile& log) {
    if (log.waiting->empty()) return SQLITE_OK;
    const int code = log.inner->pMethods->xWrite(log.inner, log.waiting->data(), static_cast<int>(log.waiting->size()), log.begin);
    log.waiting->clear();
    return code;
}

/// Runs a call of the inner file after what waits has been written.
template <typename Call>
int after_flush(sqlite3_file* file, Call call) {
    LogFile& log = self(file);
    const int code = flush(log);
    return code == SQLITE_OK ? call(log.inner) : code;
}

int log_close(sqlite3_file* file) {
    LogFile& log = self(file);
    const int flushed = flush(log);
    const int closed = log.inner->pMethods->xClose(log.inner);
    delete log.waiting;
    log.waiting = nullptr;
    return flushed == SQLITE_OK ? closed : flushed;
}

int log_read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
    return after_flush(file, [&](sqlite3_file* inner) { return inner->pMethods->xRead(inner, bytes, size, offset); });
}

int log_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    LogFile& log = self(file);
    const auto length = static_cast<std::size_t>(size);
    const bool adjoins = log.begin + static_cast<sqlite3_int64>(log.waiting->size()) == offset;
    if (!adjoins || log.waiting->size() + length > buffer_bytes) {
        const int code = flush(log);
        if (code != SQLITE_OK) return code;
    }
    if (length > buffer_bytes) return log.inner->pMethods->xWrite(log.inner, bytes, size, offset);
    if (log.waiting->empty()) log.begin = offset;
    const auto* const from = static_cast<const std::uint8_t*>(bytes);
    log.waiting->insert(log.waiting->end(), from, from + length);  // reserved at the opening: allocates nothing
    return SQLITE_OK;
}

int log_truncate(sqlite3_file* file, sqlite3_int64 size) {
    return after_flush(file, [&](sqlite3_file* inner) { return inner->pMethods->xTruncate(inner, size); });
}

int log_sync(sqlite3_file* file, int flags) {
    return after_flush(file, [&](sqlite3_file* inner) { return inner->pMethods->xSync(inner, flags); });
}

int log_size(sqlite3_file* file, sqlite3_int64* size) {
    return after_flush(file, [&](sqlite3_file* inner) { return inner->pMethods->xFileSize(inner, size); });
}

int log_lock(sqlite3_file* file, int level) { return self(file).inner->pMethods->xLock(self(file).inner, level); }
int log_unlock(sqlite3_file* file, int level) { return self(file).inner->pMethods->xUnlock(self(file).inner, level); }
int log_check_reserved_lock(sqlite3_file* file, int* held) {
    return self(file).inner->pMethods->xCheckReservedLock(self(file).inner, held);
}

int log_control(sqlite3_file* file, int operation, void* argument) {
    return after_flush(file, [&](sqlite3_file* inner) { return inner->pMethods->xFileControl(inner, operation, argument); });
}

int log_sector_size(sqlite3_file* file) { return self(file).inner->pMethods->xSectorSize(self(file).inner); }
int log_characteristics(sqlite3_file* file) { return self(file).inner->pMethods->xDeviceCharacteristics(self(file).inner); }

/// Version 1: shared memory and mapped pages belong to the database file, never to the log.
constexpr sqlite3_io_methods log_methods = {1,
                                            log_close,
                                            log_read,
                                            log_write,
                                            log_truncate,
                                            log_sync,
                                            log_size,
                                            log_lock,
                                            log_unlock,
                                            log_check_reserved_lock,
                                            log_control,
                                            log_sector_size,
                                            log_characteristics,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr};

int open_log(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* flags_out) {
    LogFile& log = self(file);
    log.base.pMethods = nullptr;  // SQLite closes a file whose opening failed only if this is set
    log.inner = reinterpret_cast<sqlite3_file*>(&log + 1);
    log.begin = 0;
    const int code = inner_of(vfs)->xOpen(inner_of(vfs), path, log.inner, flags, flags_out);
    if (code != SQLITE_OK) {
        if (log.inner->pMethods != nullptr) log.inner->pMethods->xClose(log.inner);
        return code;
    }
    log.waiting = new (std::nothrow) std::vector<std::uint8_t>();
    GIROMQ_CHECK(log.waiting != nullptr, "there is no memory for the buffer of the write-ahead log");
    log.waiting->reserve(buffer_bytes);
    log.base.pMethods = &log_methods;
    return SQLITE_OK;
}

int open_file(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* flags_out) {
    if ((flags & SQLITE_OPEN_WAL) != 0) return open_log(vfs, path, file, flags, flags_out);
    return inner_of(vfs)->xOpen(inner_of(vfs), path, file, flags, flags_out);
}

int remove_file(sqlite3_vfs* vfs, const char* path, int sync) { return inner_of(vfs)->xDelete(inner_of(vfs), path, sync); }
int access_file(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
    return inner_of(vfs)->xAccess(inner_of(vfs), path, flags, result);
}
int full_path(sqlite3_vfs* vfs, const char* path, int size, char* full) {
    return inner_of(vfs)->xFullPathname(inner_of(vfs), path, size, full);
}
int randomness(sqlite3_vfs* vfs, int size, char* bytes) { return inner_of(vfs)->xRandomness(inner_of(vfs), size, bytes); }
int pause(sqlite3_vfs* vfs, int microseconds) { return inner_of(vfs)->xSleep(inner_of(vfs), microseconds); }
int current_time(sqlite3_vfs* vfs, double* time) { return inner_of(vfs)->xCurrentTime(inner_of(vfs), time); }
int last_error(sqlite3_vfs* vfs, int size, char* text) { return inner_of(vfs)->xGetLastError(inner_of(vfs), size, text); }

}  // namespace

std::unique_ptr<LogVfs> LogVfs::over(const std::string& inner) {
    sqlite3_vfs* const found = sqlite3_vfs_find(inner.empty() ? nullptr : inner.c_str());
    GIROMQ_CHECK(found != nullptr, "the VFS of the settings is not there");
    return std::unique_ptr<LogVfs>(new LogVfs(found));
}

LogVfs::LogVfs(sqlite3_vfs* inner) : vfs_{} {
    // Two stores of one process have one each.
    name_ = "giromq-log-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
    vfs_.iVersion = 1;
    vfs_.szOsFile = static_cast<int>(sizeof(LogFile)) + inner->szOsFile;
    vfs_.mxPathname = inner->mxPathname;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = inner;
    vfs_.xOpen = open_file;
    vfs_.xDelete = remove_file;
    vfs_.xAccess = access_file;
    vfs_.xFullPathname = full_path;
    vfs_.xRandomness = randomness;
    vfs_.xSleep = pause;
    vfs_.xCurrentTime = current_time;
    vfs_.xGetLastError = last_error;
    const int code = sqlite3_vfs_register(&vfs_, 0);
    GIROMQ_CHECK(code == SQLITE_OK, "the VFS of the log could not be registered");
}

LogVfs::~LogVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace giromq::store::sqlite
