#pragma once

#include <cppunit/extensions/HelperMacros.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "store/sqlite/sqlite_store.hpp"

/// What tests of the SQLite engine do behind its back.
namespace giromq::store::test {

using Lines = std::vector<std::string>;

inline Result<void> check(const std::string& directory) {
    return check_sqlite_store(directory, [](const std::string&) {});
}

inline void expect_sound(const std::string& directory) {
    const auto checked = check(directory);
    CPPUNIT_ASSERT_MESSAGE(checked.ok() ? "" : checked.error().to_string(), checked.ok());
}

/// The rows of a query, columns joined by "|", over a connection of its own.
inline Lines query(const std::string& file, const std::string& sql) {
    sqlite3* connection = nullptr;
    CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_open_v2(file.c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr));
    sqlite3_wal_autocheckpoint(connection, 0);
    Lines lines;
    char* message = nullptr;
    const int code = sqlite3_exec(
        connection, sql.c_str(),
        [](void* out, int columns, char** values, char**) {
            std::string line;
            for (int column = 0; column < columns; ++column) {
                if (column > 0) line += '|';
                line += values[column] == nullptr ? "NULL" : values[column];
            }
            static_cast<Lines*>(out)->push_back(line);
            return 0;
        },
        &lines, &message);
    const std::string text = message == nullptr ? "" : message;
    sqlite3_free(message);
    sqlite3_close(connection);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text, SQLITE_OK, code);
    return lines;
}

}  // namespace giromq::store::test
