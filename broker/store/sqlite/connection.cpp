#include "store/sqlite/connection.hpp"

#include <cerrno>
#include <cstring>

#include "base/check.hpp"

namespace giromq::store::sqlite {

int Statement::prepare(sqlite3* connection, std::string_view sql) {
    sqlite3_stmt* handle = nullptr;
    const int code = sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    handle_.reset(handle);
    return code;
}

// Binding fails only for an index that is not there, a value over SQLite's limits (1 GB; messages are bounded far below), or without
// memory: none of them leaves anything to go on with.
Statement& Statement::bind(int index, std::int64_t number) {
    const int code = sqlite3_bind_int64(handle_.get(), index, number);
    GIROMQ_CHECK(code == SQLITE_OK, "a number could not be bound");
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    // A null pointer would bind NULL.
    const char* const data = text.empty() ? "" : text.data();
    const int code = sqlite3_bind_text64(handle_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
    GIROMQ_CHECK(code == SQLITE_OK, "a text could not be bound");
    return *this;
}

Statement& Statement::bind(int index, std::span<const std::uint8_t> blob) {
    const int code = blob.empty() ? sqlite3_bind_zeroblob(handle_.get(), index, 0)
                                  : sqlite3_bind_blob64(handle_.get(), index, blob.data(), blob.size(), SQLITE_STATIC);
    GIROMQ_CHECK(code == SQLITE_OK, "a blob could not be bound");
    return *this;
}

Statement& Statement::bind_null(int index) {
    const int code = sqlite3_bind_null(handle_.get(), index);
    GIROMQ_CHECK(code == SQLITE_OK, "NULL could not be bound");
    return *this;
}

Statement& Statement::bind_unless_empty(int index, std::string_view text) { return text.empty() ? bind_null(index) : bind(index, text); }

Statement& Statement::bind_unless_zero(int index, std::int64_t number) { return number == 0 ? bind_null(index) : bind(index, number); }

void Statement::reset() {
    // The code of the last step comes back once more, and has been dealt with.
    static_cast<void>(sqlite3_reset(handle_.get()));
}

int Statement::run() {
    const int code = sqlite3_step(handle_.get());
    reset();
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

std::string Statement::text(int column) const {
    const auto* const data = sqlite3_column_text(handle_.get(), column);
    if (data == nullptr) return {};
    return std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

std::span<const std::uint8_t> Statement::blob(int column) const {
    const auto* const data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
    return {data, data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

Result<void> Connection::open(const std::string& path, int flags, const std::string& vfs) {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs.empty() ? nullptr : vfs.c_str());
    handle_.reset(handle);
    if (code == SQLITE_OK) return {};
    Error error = error_of(handle, code, "opening " + path);
    handle_.reset();
    return error;
}

Result<void> Connection::execute(const char* sql, std::string_view doing) {
    const int code = execute(sql);
    if (code == SQLITE_OK) return {};
    return error_of(get(), code, doing);
}

Result<std::int64_t> Connection::query_number(std::string_view sql) {
    Statement statement;
    int code = statement.prepare(get(), sql);
    if (code == SQLITE_OK) code = statement.step();
    if (code == SQLITE_ROW) return statement.number(0);
    if (code == SQLITE_DONE) return Error(errc::damaged, "no row: " + std::string(sql));
    return error_of(get(), code, sql);
}

bool is_failed_sync(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

bool is_disk_full(sqlite3* connection, int code) {
    // An fsync that fails for want of space is a failed fsync all the same.
    if (is_failed_sync(code)) return false;
    if ((code & 0xff) == SQLITE_FULL) return true;
    if ((code & 0xff) != SQLITE_IOERR) return false;
    const int number = sqlite3_system_errno(connection);
    return number == ENOSPC || number == EDQUOT;
}

Error error_of(sqlite3* connection, int code, std::string_view doing) {
    std::string detail(doing);
    detail += ": ";
    detail += connection != nullptr && sqlite3_extended_errcode(connection) == code ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
    detail += " (SQLite " + std::to_string(code);
    const int number = connection != nullptr ? sqlite3_system_errno(connection) : 0;
    if (number != 0 && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN)) {
        detail += ", " + std::string(std::strerror(number));  // NOLINT(concurrency-mt-unsafe): glibc's is safe for known numbers
    }
    detail += ")";
    if (connection != nullptr && is_disk_full(connection, code)) return Error(errc::disk_full, detail);
    switch (code & 0xff) {
        case SQLITE_NOTADB: return Error(errc::not_a_store, detail);
        case SQLITE_CORRUPT: return Error(errc::damaged, detail);
        default: return Error(errc::io_error, detail);
    }
}

}  // namespace giromq::store::sqlite
