#include "unit/store/engines.hpp"

#include <sqlite3.h>

namespace giromq::store::test {

void SqliteEngine::damage(MessageNumber number) {
    sqlite3* connection = nullptr;
    const auto path = settings.directory + "/giromq.db";
    CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_open_v2(path.c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr));
    sqlite3_wal_autocheckpoint(connection, 0);
    // The last byte of the bare message becomes another one of the same length; the checksum stays.
    const auto sql =
        "UPDATE message SET bare = CAST(substr(bare, 1, length(bare) - 1) || x'21' AS BLOB) WHERE number = " + std::to_string(number.value);
    CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr));
    CPPUNIT_ASSERT_EQUAL(1, sqlite3_changes(connection));
    sqlite3_close(connection);
}

}  // namespace giromq::store::test
