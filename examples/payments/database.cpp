#include "database.hpp"

#include <sqlite3.h>

namespace payments {

Database::Database(const std::filesystem::path& file, Mode mode) {
    const bool writes = mode == Mode::write;
    const int flags = (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr) != SQLITE_OK) {
        const std::string reason = handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_);
        sqlite3_close(handle_);
        throw DatabaseError("cannot open " + file.string() + ": " + reason);
    }
    sqlite3_busy_timeout(handle_, 10000);
    try {
        // Only writing connections check-point, and there is one of them for each file: SQLite before 3.51.3 can lose data when two do.
        if (writes) run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    } catch (...) {
        sqlite3_close(handle_);
        throw;
    }
}

Database::~Database() { sqlite3_close(handle_); }

void Database::run(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

void Database::attach(const std::filesystem::path& file, std::string_view name) {
    Statement statement(*this, "ATTACH DATABASE ?1 AS ?2");
    statement.bind(1, "file:" + file.string() + "?mode=ro").bind(2, name).run();
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

void Database::fail(std::string_view what) const {
    throw DatabaseError(std::string(sqlite3_errmsg(handle_)) + " in: " + std::string(what));
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
    if (sqlite3_prepare_v2(database_.handle_, sql, -1, &handle_, nullptr) != SQLITE_OK) database_.fail(sql);
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int parameter, std::int64_t value) {
    if (sqlite3_bind_int64(handle_, parameter, value) != SQLITE_OK) database_.fail(sqlite3_sql(handle_));
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) {
    // SQLite copies the text: SQLITE_TRANSIENT itself is an old-style cast.
    const auto copy = reinterpret_cast<sqlite3_destructor_type>(std::intptr_t{-1});
    if (sqlite3_bind_text(handle_, parameter, value.data(), static_cast<int>(value.size()), copy) != SQLITE_OK) {
        database_.fail(sqlite3_sql(handle_));
    }
    return *this;
}

bool Statement::step() {
    const int result = sqlite3_step(handle_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        const std::string sql = sqlite3_sql(handle_);
        const std::string reason = sqlite3_errmsg(database_.handle_);
        sqlite3_reset(handle_);
        throw DatabaseError(reason + " in: " + sql);
    }
    return result == SQLITE_ROW;
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

void Statement::reset() {
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)));
}

Transaction::~Transaction() {
    if (committed_) return;
    try {
        database_.run("ROLLBACK");
    } catch (const DatabaseError&) {
        // SQLite has rolled back by itself: there is nothing left to undo.
    }
}

std::int64_t query_integer(Database& database, const char* sql) {
    Statement statement(database, sql);
    return statement.step() ? statement.integer(0) : 0;
}

}  // namespace payments
