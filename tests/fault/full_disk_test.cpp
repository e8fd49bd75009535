// A disk that is really full: a small file system in memory.
#include <cppunit/extensions/HelperMacros.h>
#include <sqlite3.h>
#include <sys/mount.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>

#include "fault/support.hpp"

namespace giromq::store::test {
namespace {

class FullDiskTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FullDiskTest);
    CPPUNIT_TEST(acknowledging_goes_on_when_the_disk_is_full_and_sending_when_there_is_room);
    CPPUNIT_TEST(a_broker_starts_on_a_full_disk);
    CPPUNIT_TEST(what_is_prepared_can_be_completed_on_a_full_disk);
    CPPUNIT_TEST(acknowledging_needs_no_room_behind_the_end_of_the_file);
    CPPUNIT_TEST(free_pages_take_messages_again_while_others_fill_the_disk);
    CPPUNIT_TEST(the_reserve_comes_back_as_a_file_when_there_is_room_on_the_disk);
    CPPUNIT_TEST(a_backup_that_fills_the_disk_fails_and_harms_nothing);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        folder_ = std::make_unique<TemporaryFolder>();
        disk_ = folder_->path() + "/disk";
        std::filesystem::create_directory(disk_);
        is_mounted_ = ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=40m,mode=0700") == 0;
        if (!is_mounted_) std::cerr << " (skipped: no file system may be mounted here: " << std::strerror(errno) << ")";
    }
    void tearDown() override {
        if (is_mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
        folder_.reset();
    }

    void acknowledging_goes_on_when_the_disk_is_full_and_sending_when_there_is_room() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        put_ballast();
        {
            StoreDriver driver(must_open(settings(), clock_));
            const auto queue = driver.create("payments");
            const auto sent = fill(driver, queue);
            CPPUNIT_ASSERT(sent > 100);
            CPPUNIT_ASSERT(driver.store().health().disk_full && driver.store().health().writable);
            // Everything that was accepted is consumed and acknowledged, one by one, with no room on the disk but what the store kept.
            take_all_space();
            consume(driver, queue, sent / 2);
            CPPUNIT_ASSERT(driver.try_commit(driver.send(queue, std::string(4000, 'x'))).error.is(errc::disk_full));
            give_space_back();
            clock_.advance(std::chrono::milliseconds(1000));
            driver.maintain_all();
            CPPUNIT_ASSERT(!driver.store().health().disk_full);
            driver.commit(driver.send(queue, "after the full disk"));
            CPPUNIT_ASSERT_EQUAL(sent - sent / 2 + 1, driver.entries(queue).size());
        }
        const auto checked = check_sqlite_store(settings().directory, [](const std::string&) {});
        CPPUNIT_ASSERT_MESSAGE(checked.ok() ? "" : checked.error().to_string(), checked.ok());
    }

    void a_broker_starts_on_a_full_disk() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        DestinationId queue;
        std::size_t sent = 0;
        {
            StoreDriver driver(must_open(settings(), clock_));
            queue = driver.create("payments");
            sent = fill(driver, queue);
        }
        take_all_space();
        StoreDriver driver(must_open(settings(), clock_));
        CPPUNIT_ASSERT_EQUAL(sent, driver.entries(queue).size());
        consume(driver, queue, sent);
        CPPUNIT_ASSERT(driver.entries(queue).empty());
    }

    void what_is_prepared_can_be_completed_on_a_full_disk() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        constexpr std::uint32_t puts = 50;
        {
            StoreDriver driver(must_open(settings(), clock_));
            const auto queue = driver.create("payments");
            const auto other = driver.create("other");
            std::vector<BranchId> branches;
            for (int index = 0; index < 40; ++index) {
                driver.commit(driver.send(other, "got"));
                const auto branch = driver.prepare(puts, 1);
                std::vector<Operation> batch{branch};
                for (std::uint32_t put = 0; put < puts; ++put) batch += driver.prepare_put(branch.branch, put, other, "put");
                batch.emplace_back(StoreDriver::prepare_get(branch.branch, driver.entries(other).back()));
                driver.commit(std::move(batch));
                branches.push_back(branch.branch);
            }
            fill(driver, queue);
            take_all_space();
            const auto late = driver.prepare(1, 0);
            std::vector<Operation> batch{late};
            batch += driver.prepare_put(late.branch, 0, other, "late");
            CPPUNIT_ASSERT(driver.try_commit(std::move(batch)).error.is(errc::disk_full));
            std::size_t committed = 0;
            for (std::size_t index = 0; index < branches.size(); ++index) {
                const auto outcome = index % 4 == 3 ? BranchOutcome::rolled_back : BranchOutcome::committed;
                driver.commit({driver.complete(branches[index], outcome, puts)});
                committed += outcome == BranchOutcome::committed ? 1 : 0;
            }
            CPPUNIT_ASSERT(driver.store().health().disk_full);
            CPPUNIT_ASSERT_EQUAL(committed * puts + branches.size() - committed, driver.entries(other).size());
        }
        const auto checked = check_sqlite_store(settings().directory, [](const std::string&) {});
        CPPUNIT_ASSERT_MESSAGE(checked.ok() ? "" : checked.error().to_string(), checked.ok());
    }

    /// As after a restore: no reserve, and a file that ends with its last page.
    void acknowledging_needs_no_room_behind_the_end_of_the_file() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        DestinationId queue;
        std::size_t sent = 0;
        {
            StoreDriver driver(must_open(settings(), clock_));
            queue = driver.create("payments");
            sent = fill(driver, queue);
            driver.release();
        }
        std::filesystem::remove(reserve());
        std::filesystem::resize_file(database(), pages_of(database()) * settings().page_bytes);
        take_all_space();
        StoreDriver driver(must_open(settings(), clock_));
        CPPUNIT_ASSERT(driver.store().health().disk_full);
        consume(driver, queue, sent);
        CPPUNIT_ASSERT(driver.entries(queue).empty());
    }

    void free_pages_take_messages_again_while_others_fill_the_disk() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        {
            StoreDriver driver(must_open(settings(), clock_));
            const auto queue = driver.create("payments");
            const auto sent = fill(driver, queue);
            take_all_space();
            consume(driver, queue, sent / 10);
            // A checkpoint has cut off what the last attempt to extend the file had left.
            take_all_space();
            wait(driver);
            CPPUNIT_ASSERT(driver.store().health().disk_full);
            consume(driver, queue, sent - 1 - sent / 10);
            wait(driver);
            CPPUNIT_ASSERT(!driver.store().health().disk_full);
            CPPUNIT_ASSERT(!std::filesystem::exists(reserve()));
            // They are used, but for what acknowledging may need.
            const auto again = fill(driver, queue);
            CPPUNIT_ASSERT_MESSAGE(std::to_string(again) + " after " + std::to_string(sent), again > sent / 3 && again < sent);
            CPPUNIT_ASSERT(driver.store().health().disk_full);
            CPPUNIT_ASSERT(free_pages_of(database()) * settings().page_bytes > settings().reserve_bytes / 2);
            consume(driver, queue, again + 1);
            CPPUNIT_ASSERT(driver.entries(queue).empty());
        }
        const auto checked = check_sqlite_store(settings().directory, [](const std::string&) {});
        CPPUNIT_ASSERT_MESSAGE(checked.ok() ? "" : checked.error().to_string(), checked.ok());
    }

    void the_reserve_comes_back_as_a_file_when_there_is_room_on_the_disk() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        put_ballast();
        StoreDriver driver(must_open(settings(), clock_));
        const auto queue = driver.create("payments");
        CPPUNIT_ASSERT_EQUAL(std::uintmax_t{settings().reserve_bytes}, std::filesystem::file_size(reserve()));
        const auto sent = fill(driver, queue);
        CPPUNIT_ASSERT(!std::filesystem::exists(reserve()));
        take_all_space();
        // Neither room on the disk nor in the file: it stays full however often it is asked.
        for (int index = 0; index < 5; ++index) wait(driver);
        CPPUNIT_ASSERT(driver.store().health().disk_full && !std::filesystem::exists(reserve()));
        give_space_back();
        wait(driver);
        CPPUNIT_ASSERT(!driver.store().health().disk_full);
        CPPUNIT_ASSERT_EQUAL(std::uintmax_t{settings().reserve_bytes}, std::filesystem::file_size(reserve()));
        driver.commit(driver.send(queue, "again"));
        CPPUNIT_ASSERT_EQUAL(sent + 1, driver.entries(queue).size());
    }

    void a_backup_that_fills_the_disk_fails_and_harms_nothing() {
        if (!is_mounted_) return;
        const QuietStandardError quiet;
        put_ballast();
        StoreDriver driver(must_open(settings(), clock_));
        const auto queue = driver.create("payments");
        for (int index = 0; index < 2500; ++index) driver.commit(driver.send(queue, std::string(4000, 'x')));
        const auto file = disk_ + "/backup.db";
        std::optional<Result<void>> answer;
        CPPUNIT_ASSERT(driver.store().start_backup(file, [&](Result<void> result) { answer = std::move(result); }).ok());
        // Commits go on meanwhile; what they change is carried over into the copy, as long as there is room for it.
        std::size_t taken = 0;
        for (; !answer && taken < 2000; ++taken) {
            driver.commit({StoreDriver::removal_of(driver.page(queue, {}, {.entries = 1, .bytes = 1}).entries.front())});
            CPPUNIT_ASSERT(driver.store().maintain().ok());
        }
        CPPUNIT_ASSERT(answer && !answer->ok());
        CPPUNIT_ASSERT_MESSAGE(answer->error().to_string(), answer->error().is(errc::disk_full));
        CPPUNIT_ASSERT(!std::filesystem::exists(file) && !std::filesystem::exists(file + ".partial"));
        wait(driver);
        CPPUNIT_ASSERT(!driver.store().health().disk_full);
        driver.commit(driver.send(queue, "after the backup"));
        CPPUNIT_ASSERT_EQUAL(2500 - taken + 1, driver.entries(queue).size());
    }

private:
    std::string database() const { return settings().directory + "/giromq.db"; }
    std::string reserve() const { return settings().directory + "/giromq.reserve"; }

    void wait(StoreDriver& driver) {
        clock_.advance(std::chrono::milliseconds(1000));
        driver.maintain_all();
    }

    static std::uint64_t number_of(const std::string& file, const char* sql) {
        sqlite3* connection = nullptr;
        CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_open_v2(file.c_str(), &connection, SQLITE_OPEN_READONLY, nullptr));
        std::uint64_t number = 0;
        sqlite3_exec(
            connection, sql,
            [](void* out, int, char** values, char**) {
                *static_cast<std::uint64_t*>(out) = std::strtoull(values[0], nullptr, 10);
                return 0;
            },
            &number, nullptr);
        sqlite3_close(connection);
        return number;
    }
    static std::uint64_t pages_of(const std::string& file) { return number_of(file, "PRAGMA page_count"); }
    static std::uint64_t free_pages_of(const std::string& file) { return number_of(file, "PRAGMA freelist_count"); }

    SqliteSettings settings() const {
        SqliteSettings settings;
        settings.directory = disk_ + "/data";
        settings.wal_bytes = 4u << 20;
        settings.checkpoint_bytes = 1u << 20;
        settings.reserve_bytes = 1u << 20;
        return settings;
    }

    /// Sends until the disk is full; the number of messages accepted.
    static std::size_t fill(StoreDriver& driver, DestinationId queue) {
        for (std::size_t sent = 0;; ++sent) {
            CPPUNIT_ASSERT_MESSAGE("the disk does not become full", sent < 100000);
            const auto result = driver.try_commit(driver.send(queue, std::string(4000, 'x')));
            if (result.outcome == CommitOutcome::durable) {
                CPPUNIT_ASSERT(driver.store().maintain().ok());
                continue;
            }
            CPPUNIT_ASSERT_MESSAGE(result.error.to_string(), result.outcome == CommitOutcome::not_applied);
            CPPUNIT_ASSERT_MESSAGE(result.error.to_string(), result.error.is(errc::disk_full));
            return sent;
        }
    }

    static void consume(StoreDriver& driver, DestinationId queue, std::size_t count) {
        const auto entries = driver.entries(queue);
        CPPUNIT_ASSERT(entries.size() >= count);
        for (std::size_t index = 0; index < count; ++index) {
            driver.commit({SetDeliveryCount{entries[index].key, 1}});
            driver.commit({StoreDriver::removal_of(entries[index])});
            CPPUNIT_ASSERT(driver.store().maintain().ok());
        }
    }

    void put_ballast() { write_until(disk_ + "/ballast", 16u << 20); }
    /// Somebody else takes every byte that is left.
    void take_all_space() { write_until(disk_ + "/greedy", 1u << 30); }
    void give_space_back() {
        std::filesystem::remove(disk_ + "/ballast");
        std::filesystem::remove(disk_ + "/greedy");
    }
    static void write_until(const std::string& path, std::size_t bytes) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CPPUNIT_ASSERT(file >= 0);
        const std::string block(4096, 'b');
        for (std::size_t written = 0; written < bytes; written += block.size()) {
            if (::write(file, block.data(), block.size()) < static_cast<ssize_t>(block.size())) break;
        }
        ::close(file);
    }

    giromq::test::ManualClock clock_;
    std::unique_ptr<TemporaryFolder> folder_;
    std::string disk_;
    bool is_mounted_ = false;
};

CPPUNIT_TEST_SUITE_REGISTRATION(FullDiskTest);

}  // namespace
}  // namespace giromq::store::test
