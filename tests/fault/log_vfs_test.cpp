// The layer that gathers the writes of a transaction to the log (store/sqlite/log_vfs.hpp).
#include "store/sqlite/log_vfs.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <vector>

#include "fault/vfs_shim.hpp"
#include "store/sqlite/connection.hpp"
#include "unit/store/temporary_folder.hpp"

namespace giromq::store::test {
namespace {

using sqlite::Connection;
using sqlite::LogVfs;

/// Notes what is done to the log, and fails writes when told to.
class WatchingVfs final : public VfsShim {
public:
    WatchingVfs() : VfsShim("giromq-watching") {}

    std::vector<int> writes;
    std::string order;  // w, s
    int fail_writes_with = SQLITE_OK;

protected:
    int write(File& file, const void* bytes, int count, sqlite3_int64 offset) override {
        if (!file.path.ends_with("-wal")) return VfsShim::write(file, bytes, count, offset);
        if (fail_writes_with != SQLITE_OK) return fail_writes_with;
        writes.push_back(count);
        order += 'w';
        return VfsShim::write(file, bytes, count, offset);
    }
    int sync(File& file, int flags) override {
        if (file.path.ends_with("-wal")) order += 's';
        return VfsShim::sync(file, flags);
    }
};

class LogVfsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LogVfsTest);
    CPPUNIT_TEST(a_transaction_is_one_write_and_one_sync);
    CPPUNIT_TEST(a_large_transaction_is_written_in_pieces_that_the_system_takes_whole);
    CPPUNIT_TEST(another_connection_sees_every_committed_row);
    CPPUNIT_TEST(what_was_spilled_in_mid_transaction_is_read_back);
    CPPUNIT_TEST(an_error_of_the_delayed_write_fails_the_commit_and_the_next_one_succeeds);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        watching_ = std::make_unique<WatchingVfs>();
        log_vfs_ = LogVfs::over(watching_->name());
        open(writer_);
        run(writer_, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
        run(writer_, "CREATE TABLE item (id INTEGER PRIMARY KEY, bytes BLOB)");
        watching_->writes.clear();
        watching_->order.clear();
    }
    void tearDown() override {
        writer_.close();
        log_vfs_.reset();
        watching_.reset();
    }

    void a_transaction_is_one_write_and_one_sync() {
        run(writer_, "BEGIN; INSERT INTO item VALUES (1, randomblob(10000)); INSERT INTO item VALUES (2, randomblob(9000)); COMMIT");
        CPPUNIT_ASSERT_EQUAL(std::string("ws"), watching_->order);
        CPPUNIT_ASSERT_EQUAL(0, watching_->writes.front() % (4096 + 24));
    }

    void a_large_transaction_is_written_in_pieces_that_the_system_takes_whole() {
        run(writer_, "INSERT INTO item VALUES (1, randomblob(1000000))");
        CPPUNIT_ASSERT(watching_->writes.size() > 5 && watching_->writes.size() < 20);
        // SQLite's VFS for Unix writes the size modulo 128 KiB.
        for (const int size : watching_->writes) CPPUNIT_ASSERT(size > 0 && size < 128 * 1024);
        CPPUNIT_ASSERT_EQUAL('s', watching_->order.back());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1000000}, number(writer_, "SELECT length(bytes) FROM item WHERE id = 1"));
    }

    void another_connection_sees_every_committed_row() {
        Connection reader;
        CPPUNIT_ASSERT(reader.open(path(), SQLITE_OPEN_READONLY, watching_->name()).ok());
        for (int count = 1; count <= 200; ++count) {
            run(writer_, "INSERT INTO item (bytes) VALUES (randomblob(3000))");
            CPPUNIT_ASSERT_EQUAL(std::int64_t{count}, number(reader, "SELECT count(*) FROM item"));
            CPPUNIT_ASSERT_EQUAL(std::int64_t{3000} * count, number(reader, "SELECT sum(length(bytes)) FROM item"));
        }
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, number(reader, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"));
    }

    void what_was_spilled_in_mid_transaction_is_read_back() {
        run(writer_, "PRAGMA cache_size = 10");
        run(writer_,
            "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
            "INSERT INTO item SELECT i, zeroblob(2000) FROM n");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{600000}, number(writer_, "SELECT sum(length(bytes)) FROM item"));
        run(writer_, "UPDATE item SET bytes = zeroblob(2001)");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{600300}, number(writer_, "SELECT sum(length(bytes)) FROM item"));
        run(writer_, "COMMIT");
        CPPUNIT_ASSERT_EQUAL(std::int64_t{600300}, number(writer_, "SELECT sum(length(bytes)) FROM item"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, number(writer_, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"));
    }

    void an_error_of_the_delayed_write_fails_the_commit_and_the_next_one_succeeds() {
        run(writer_, "INSERT INTO item VALUES (1, 'before')");
        for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
            run(writer_, "BEGIN; INSERT INTO item VALUES (2, 'lost')");
            watching_->fail_writes_with = code;
            CPPUNIT_ASSERT_EQUAL(code, writer_.execute("COMMIT"));
            watching_->fail_writes_with = SQLITE_OK;
            if (writer_.in_transaction()) run(writer_, "ROLLBACK");
            CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, number(writer_, "SELECT count(*) FROM item"));
        }
        run(writer_, "INSERT INTO item VALUES (3, 'after')");
        writer_.close();
        open(writer_);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{10}, number(writer_, "SELECT sum(id * id) FROM item"));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, number(writer_, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"));
    }

private:
    std::string path() const { return folder_.path() + "/log_vfs.db"; }
    void open(Connection& connection) const {
        const auto opened = connection.open(path(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, log_vfs_->name());
        CPPUNIT_ASSERT_MESSAGE(opened.ok() ? "" : opened.error().to_string(), opened.ok());
    }
    static void run(Connection& connection, const char* sql) {
        const int code = connection.execute(sql);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(sql) + ": " + sqlite3_errmsg(connection.get()), SQLITE_OK, code);
    }
    static std::int64_t number(Connection& connection, const char* sql) {
        const auto result = connection.query_number(sql);
        CPPUNIT_ASSERT_MESSAGE(result.ok() ? "" : result.error().to_string(), result.ok());
        return *result;
    }

    TemporaryFolder folder_;
    std::unique_ptr<WatchingVfs> watching_;
    std::unique_ptr<LogVfs> log_vfs_;
    Connection writer_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogVfsTest);

}  // namespace
}  // namespace giromq::store::test
