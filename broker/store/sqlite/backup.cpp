#include "store/sqlite/backup.hpp"

#include <future>
#include <utility>

#include "store/sqlite/data_directory.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/write_ahead_log.hpp"

namespace giromq::store {
namespace sqlite {
namespace {

constexpr int pages_at_once = 64;

/// `path` as a URI for sqlite3_open_v2 (https://www.sqlite.org/uri.html): whatever could mean something else is escaped.
std::string uri_of(const std::string& path) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string uri = "file:";
    for (const char letter : path) {
        if (plain.find(letter) != std::string_view::npos) {
            uri += letter;
            continue;
        }
        const auto byte = static_cast<unsigned char>(letter);
        uri += '%';
        uri += digits[byte >> 4U];
        uri += digits[byte & 0x0fU];
    }
    return uri;
}

}  // namespace

Result<std::unique_ptr<BackupJob>> BackupJob::begin(Connection& source, const std::string& file, const std::string& vfs) {
    // Not opened to look what it is: it may be the store's own file, and closing that would drop SQLite's locks on it.
    if (exists(file)) return Error(errc::invalid_argument, "the file " + file + " exists already; a backup overwrites nothing");
    std::unique_ptr<BackupJob> job(new BackupJob(file));
    remove_file(job->partial());  // of a backup that was interrupted
    if (auto created = create_private_file(job->partial()); !created.ok()) return created.error();
    if (auto opened = job->target_.open(job->partial(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs); !opened.ok()) {
        return opened.error();
    }
    // The copy is worth nothing before it is complete, so it needs no journal; it is synced as a whole at the end.
    if (auto set = job->target_.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;", "preparing the backup"); !set.ok()) {
        return set.error();
    }
    job->handle_.reset(sqlite3_backup_init(job->target_.get(), "main", source.get(), "main"));
    if (job->handle_ == nullptr) return error_of(job->target_.get(), sqlite3_extended_errcode(job->target_.get()), "beginning a backup");
    return job;
}

BackupJob::~BackupJob() {
    if (syncing_.valid()) syncing_.wait();
    handle_.reset();
    target_.close();
    remove_file(partial());
}

Result<bool> BackupJob::step(const Clock& clock, std::chrono::milliseconds time) {
    if (is_syncing()) return wait_for_sync(time);
    const auto deadline = clock.monotonic_now() + time;
    int code = SQLITE_OK;
    do {
        code = sqlite3_backup_step(handle_.get(), pages_at_once);
    } while (code == SQLITE_OK && clock.monotonic_now() < deadline);
    if (code == SQLITE_OK) return false;
    if (code != SQLITE_DONE) return error_of(target_.get(), code, "writing the backup " + file_);
    if (auto begun = begin_sync(); !begun.ok()) return begun.error();
    return wait_for_sync(time);
}

/// To sync a large file takes seconds, which commits must not wait for: a thread of its own does.
Result<void> BackupJob::begin_sync() {
    const int code = sqlite3_backup_finish(handle_.release());
    if (code != SQLITE_OK) return error_of(target_.get(), code, "finishing the backup " + file_);
    target_.close();
    syncing_ = std::async(std::launch::async, [from = partial(), to = file_]() -> Result<void> {
        if (auto synced = sync_file(from); !synced.ok()) return synced;
        return rename_durably(from, to);
    });
    return {};
}

Result<bool> BackupJob::wait_for_sync(std::chrono::milliseconds time) {
    if (syncing_.wait_for(time) != std::future_status::ready) return false;
    if (auto synced = syncing_.get(); !synced.ok()) return synced.error();
    return true;
}

int BackupJob::percent() const {
    const int total = handle_ == nullptr ? 0 : sqlite3_backup_pagecount(handle_.get());
    if (total <= 0) return handle_ == nullptr ? 100 : 0;
    return static_cast<int>(100 - std::int64_t{100} * sqlite3_backup_remaining(handle_.get()) / total);
}

}  // namespace sqlite

Result<void> backup_sqlite_store(const std::string& directory, const std::string& file, UniqueFunction<void(const std::string&)> progress) {
    using namespace sqlite;
    auto locked = DataDirectory::lock(directory, false);
    if (!locked.ok()) return locked.error();
    const auto kind = kind_of_file(locked->database());
    if (!kind.ok()) return kind.error();
    if (*kind != FileKind::store) return Error(errc::not_a_store, locked->database());
    if (auto checked = check_log(locked->log()); !checked.ok()) return checked;
    Connection source;
    if (auto opened = source.open(locked->database(), SQLITE_OPEN_READONLY, {}); !opened.ok()) return opened;
    auto job = BackupJob::begin(source, file, {});
    if (!job.ok()) return job.error();
    const SystemClock clock;
    while (true) {
        const auto done = (*job)->step(clock, std::chrono::milliseconds(500));
        if (!done.ok()) return done.error();
        progress("copied " + std::to_string((*job)->percent()) + " %");
        if (*done) return {};
    }
}

Result<void> restore_sqlite_store(const std::string& file, const std::string& directory) {
    using namespace sqlite;
    const auto kind_of_backup = kind_of_file(file);
    if (!kind_of_backup.ok()) return kind_of_backup.error();
    if (*kind_of_backup != FileKind::store) return Error(errc::not_a_store, file + " is not a backup of a GiroMQ store");
    auto locked = DataDirectory::lock(directory, true);
    if (!locked.ok()) return locked.error();
    const auto kind = kind_of_file(locked->database());
    if (!kind.ok()) return kind.error();
    if (*kind != FileKind::absent) {
        return Error(errc::invalid_argument, "there is a store in " + directory + " already; restore into an empty folder");
    }
    const auto orphan = has_log(locked->log());
    if (!orphan.ok()) return orphan.error();
    if (*orphan) return Error(errc::invalid_argument, locked->log() + " is the log of another store; restore into an empty folder");
    // What an interrupted restore may have left.
    for (const auto* const suffix : {"", "-wal", "-shm", "-journal"}) remove_file(locked->new_database() + suffix);
    remove_file(locked->log());
    remove_file(locked->database() + "-shm");
    Connection source;
    // A backup is one file that nobody writes: SQLite need not, and must not, put anything beside it.
    if (auto opened = source.open(uri_of(file) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, {}); !opened.ok()) {
        return opened;
    }
    auto job = BackupJob::begin(source, locked->new_database(), {});
    if (!job.ok()) return job.error();
    const SystemClock clock;
    for (bool finished = false; !finished;) {
        const auto done = (*job)->step(clock, std::chrono::milliseconds(500));
        if (!done.ok()) return done.error();
        finished = *done;
    }
    job->reset();
    Connection restored;
    if (auto opened = restored.open(locked->new_database(), SQLITE_OPEN_READWRITE, {}); !opened.ok()) return opened;
    if (auto set = restored.execute("PRAGMA synchronous = FULL", "setting synchronous"); !set.ok()) return set;
    if (auto migrated = migrate(restored); !migrated.ok()) return migrated;
    if (auto named = rename_instance(restored); !named.ok()) return named;
    if (auto emptied = restored.execute("PRAGMA wal_checkpoint(TRUNCATE)", "finishing the restore"); !emptied.ok()) return emptied;
    restored.close();
    if (size_of_file(locked->new_database() + "-wal") != 0) return Error(errc::io_error, "the restored store was left unfinished");
    if (auto synced = sync_file(locked->new_database()); !synced.ok()) return synced;
    return rename_durably(locked->new_database(), locked->database());
}

}  // namespace giromq::store
