#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/errc.hpp"

/// Thin owners of SQLite's handles. Inside the engine the outcome of a step is SQLite's own code, because what must follow from an
/// error depends on exactly which one it was; it becomes an Error at the edge of the engine (error_of).
namespace giromq::store::sqlite {

/// A prepared statement. Bound text and blobs must stay alive until run() or reset(). Threads: that of its connection.
class Statement {
public:
    Statement() = default;

    /// Compiles `sql`, one statement. Returns SQLite's code.
    int prepare(sqlite3* connection, std::string_view sql);

    Statement& bind(int index, std::int64_t number);
    Statement& bind(int index, std::uint64_t number) { return bind(index, static_cast<std::int64_t>(number)); }
    Statement& bind(int index, std::uint32_t number) { return bind(index, static_cast<std::int64_t>(number)); }
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, std::span<const std::uint8_t> blob);
    Statement& bind_null(int index);
    /// NULL in place of an empty text, or of the number 0.
    Statement& bind_unless_empty(int index, std::string_view text);
    Statement& bind_unless_zero(int index, std::int64_t number);

    /// One step: SQLITE_ROW, SQLITE_DONE, or an error. The caller resets.
    int step() { return sqlite3_step(handle_.get()); }
    void reset();
    /// Runs a statement that returns no rows, and resets it: SQLITE_OK, or an error.
    int run();

    std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
    std::uint64_t unsigned_number(int column) const { return static_cast<std::uint64_t>(number(column)); }
    std::uint32_t number32(int column) const { return static_cast<std::uint32_t>(number(column)); }
    std::string text(int column) const;
    /// Valid until the next step or reset.
    std::span<const std::uint8_t> blob(int column) const;
    bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

private:
    struct Finalise {
        void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
    };
    std::unique_ptr<sqlite3_stmt, Finalise> handle_;
};

/// Resets a statement when it goes out of scope, so that no read transaction outlives its function.
class ResetGuard {
public:
    explicit ResetGuard(Statement& statement) : statement_(statement) {}
    ~ResetGuard() { statement_.reset(); }
    ResetGuard(const ResetGuard&) = delete;
    ResetGuard& operator=(const ResetGuard&) = delete;

private:
    Statement& statement_;
};

/// A connection. Used by one thread at a time (opened without SQLite's own mutex).
class Connection {
public:
    Connection() = default;

    /// `flags` as for sqlite3_open_v2. `vfs` may be empty.
    Result<void> open(const std::string& path, int flags, const std::string& vfs);
    void close() { handle_.reset(); }

    sqlite3* get() const { return handle_.get(); }

    /// Runs statements without results. Returns SQLite's code.
    int execute(const char* sql) { return sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr); }
    /// The same with an Error that says what was being done.
    Result<void> execute(const char* sql, std::string_view doing);
    /// The number that a query returns in its first row and column.
    Result<std::int64_t> query_number(std::string_view sql);

    /// True while a transaction is open.
    bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
    std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }

private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, Close> handle_;
};

/// True if `code` says that an fsync failed: nothing that the kernel says about the file can be believed any more.
bool is_failed_sync(int code);

/// True if `code`, just returned by `connection`, means that there is no space left (or no quota).
bool is_disk_full(sqlite3* connection, int code);

/// The Error for `code`, just returned by `connection`, while `doing` something ("writing a batch").
Error error_of(sqlite3* connection, int code, std::string_view doing);

}  // namespace giromq::store::sqlite
