#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

/// A thin shell over SQLite: what fails throws.
namespace payments {

class DatabaseError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One connection, used by one thread. A writing one has write-ahead log and synchronous=FULL: when a Transaction is committed, it is on
/// disk.
class Database {
public:
    enum class Mode { read, write };

    Database(const std::filesystem::path& file, Mode mode);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// One or several statements without parameters.
    void run(const char* sql);
    /// Attaches another file read-only, as `name`.
    void attach(const std::filesystem::path& file, std::string_view name);
    /// Rows that the last statement changed.
    std::int64_t changes() const;

private:
    friend class Statement;
    [[noreturn]] void fail(std::string_view what) const;

    sqlite3* handle_ = nullptr;
};

/// A prepared statement. Parameters count from 1, columns from 0.
class Statement {
public:
    Statement(Database& database, const char* sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view value);

    /// True if there is a row.
    bool step();
    /// Runs it to its end and makes it ready for other parameters.
    void run();
    void reset();

    std::int64_t integer(int column) const;
    std::string text(int column) const;

private:
    Database& database_;
    sqlite3_stmt* handle_ = nullptr;
};

/// BEGIN IMMEDIATE; rolled back unless committed.
class Transaction {
public:
    explicit Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit() {
        database_.run("COMMIT");
        committed_ = true;
    }

private:
    Database& database_;
    bool committed_ = false;
};

/// The single integer that a query gives.
std::int64_t query_integer(Database& database, const char* sql);

}  // namespace payments
