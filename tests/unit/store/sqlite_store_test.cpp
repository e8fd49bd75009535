// What only the SQLite engine has: files, the log, checks, backups.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "unit/store/engines.hpp"
#include "unit/store/sqlite_tools.hpp"
#include "unit/store/store_driver.hpp"

namespace giromq::store::test {
namespace {

class SqliteStoreTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SqliteStoreTest);
    CPPUNIT_TEST(a_second_broker_is_refused_and_told_who_is_first);
    CPPUNIT_TEST(a_file_of_somebody_else_is_refused_and_left_alone);
    CPPUNIT_TEST(a_log_without_its_store_is_refused);
    CPPUNIT_TEST(a_folder_may_be_named_with_slashes_at_its_end);
    CPPUNIT_TEST(the_index_of_the_log_has_room_for_all_of_it);
    CPPUNIT_TEST(a_clean_end_leaves_a_short_log);
    CPPUNIT_TEST(a_newer_schema_is_refused);
    CPPUNIT_TEST(the_folder_and_its_files_are_private);
    CPPUNIT_TEST(an_interrupted_creation_leaves_no_trace);
    CPPUNIT_TEST(the_log_is_grown_and_keeps_its_content);
    CPPUNIT_TEST(the_log_stays_within_its_bound_while_pages_are_read);
    CPPUNIT_TEST(a_log_that_another_program_has_held_is_short_again);
    CPPUNIT_TEST(an_idle_store_copies_its_log);
    CPPUNIT_TEST(an_auditor_can_read_the_view);
    CPPUNIT_TEST(the_check_passes_over_everything_there_is);
    CPPUNIT_TEST(the_check_finds_damaged_bytes_and_wrong_counters);
    CPPUNIT_TEST(the_check_finds_a_torn_page);
    CPPUNIT_TEST(a_damaged_fact_is_found_like_a_damaged_byte);
    CPPUNIT_TEST(a_page_that_cannot_be_read_is_quarantined);
    CPPUNIT_TEST(an_entry_that_names_another_message_is_quarantined_alone);
    CPPUNIT_TEST(a_delivery_count_that_was_changed_behind_the_store_is_found);
    CPPUNIT_TEST(entries_that_end_too_early_are_reported);
    CPPUNIT_TEST(a_running_store_is_backed_up_consistently);
    CPPUNIT_TEST(a_backup_never_overwrites);
    CPPUNIT_TEST(a_backup_does_not_touch_the_file_of_the_store);
    CPPUNIT_TEST(a_backup_that_cannot_be_written_leaves_nothing);
    CPPUNIT_TEST(a_stopped_store_is_backed_up_and_restored);
    CPPUNIT_TEST(a_restore_needs_an_empty_folder_and_a_backup);
    CPPUNIT_TEST(large_bodies_are_removed_in_the_background);
    CPPUNIT_TEST(many_stale_volatile_entries_are_removed_in_slices);
    CPPUNIT_TEST(stale_volatile_entries_go_although_broker_after_broker_is_killed);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        engine_ = std::make_unique<SqliteEngine>();
        open();
    }
    void tearDown() override {
        driver_.reset();
        engine_.reset();
    }

    void a_second_broker_is_refused_and_told_who_is_first() {
        const auto second = open_sqlite_store(engine_->settings, engine_->clock);
        CPPUNIT_ASSERT(!second.ok() && second.error().is(errc::locked_by_other));
        CPPUNIT_ASSERT(second.error().detail().find("process " + std::to_string(::getpid())) != std::string::npos);
        CPPUNIT_ASSERT(check(data()).error().is(errc::locked_by_other));
        driver_.reset();
        open();
    }

    void a_file_of_somebody_else_is_refused_and_left_alone() {
        for (const auto* const content : {"", "just a text", "SQLite format 3"}) {
            SqliteEngine other;
            std::filesystem::create_directories(other.settings.directory);
            const auto path = other.settings.directory + "/giromq.db";
            std::ofstream(path) << content;
            const auto opened = open_sqlite_store(other.settings, other.clock);
            CPPUNIT_ASSERT(!opened.ok() && opened.error().is(errc::not_a_store));
            std::ifstream file(path);
            const std::string now((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
            CPPUNIT_ASSERT_EQUAL(std::string(content), now);
            CPPUNIT_ASSERT(!std::filesystem::exists(path + "-wal"));
        }
        SqliteEngine foreign;
        std::filesystem::create_directories(foreign.settings.directory);
        sqlite3* connection = nullptr;
        sqlite3_open((foreign.settings.directory + "/giromq.db").c_str(), &connection);
        sqlite3_exec(connection, "CREATE TABLE somebody(else_s)", nullptr, nullptr, nullptr);
        sqlite3_close(connection);
        CPPUNIT_ASSERT(open_sqlite_store(foreign.settings, foreign.clock).error().is(errc::not_a_store));
    }

    void a_log_without_its_store_is_refused() {
        driver_->create("payments");
        driver_.reset();
        std::filesystem::remove(database());
        CPPUNIT_ASSERT(open_sqlite_store(engine_->settings, engine_->clock).error().is(errc::not_a_store));
        CPPUNIT_ASSERT(!std::filesystem::exists(database()));
    }

    void a_folder_may_be_named_with_slashes_at_its_end() {
        SqliteEngine other;
        other.settings.directory += "//";
        { StoreDriver(other.open()).create("payments"); }
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, StoreDriver(other.open()).recovered().destinations.size());
    }

    /// It grows while a commit is already in the log: that must not fail on a full disk.
    void the_index_of_the_log_has_room_for_all_of_it() {
        const auto frames = 2 * engine_->settings.wal_bytes / engine_->settings.page_bytes;
        CPPUNIT_ASSERT(std::filesystem::file_size(database() + "-shm") >= 8 * frames);
        const auto shm = std::filesystem::file_size(database() + "-shm");
        const auto queue = driver_->create("payments");
        for (int index = 0; index < 500; ++index) driver_->commit(driver_->send(queue, std::string(3000, 'x')));
        CPPUNIT_ASSERT_EQUAL(shm, std::filesystem::file_size(database() + "-shm"));
    }

    /// Frames that are copied already would hide newer pages of the file, if one of them went bad before the next start.
    void a_clean_end_leaves_a_short_log() {
        const auto queue = driver_->create("payments");
        for (int index = 0; index < 20; ++index) driver_->commit(driver_->send(queue, std::to_string(index)));
        driver_->release();
        driver_.reset();
        // Any frame but the last one's transaction: it is not of the log any more.
        std::fstream file(log(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(32 + 5 * (24 + static_cast<std::int64_t>(engine_->settings.page_bytes)) + 100);
        file << "damage";
        file.close();
        open();
        CPPUNIT_ASSERT_EQUAL(std::size_t{20}, driver_->entries(queue).size());
        driver_.reset();
        expect_sound(data());
    }

    void a_newer_schema_is_refused() {
        driver_.reset();
        query(database(), "PRAGMA user_version = 4711");
        const auto opened = open_sqlite_store(engine_->settings, engine_->clock);
        CPPUNIT_ASSERT(opened.error().is(errc::newer_schema));
        CPPUNIT_ASSERT(check(data()).error().is(errc::newer_schema));
    }

    void the_folder_and_its_files_are_private() {
        struct stat information {};
        CPPUNIT_ASSERT_EQUAL(0, ::stat(data().c_str(), &information));
        CPPUNIT_ASSERT_EQUAL(mode_t{0700}, static_cast<mode_t>(information.st_mode & 0777U));
        for (const auto& entry : std::filesystem::directory_iterator(data())) {
            CPPUNIT_ASSERT_EQUAL(0, ::stat(entry.path().c_str(), &information));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(entry.path(), mode_t{0600}, static_cast<mode_t>(information.st_mode & 0777U));
        }
    }

    void an_interrupted_creation_leaves_no_trace() {
        SqliteEngine other;
        std::filesystem::create_directories(other.settings.directory);
        std::ofstream(other.settings.directory + "/giromq.db.new") << "half a file";
        std::ofstream(other.settings.directory + "/giromq.db.new-journal") << "half a journal";
        StoreDriver driver(other.open());
        driver.create("payments");
        CPPUNIT_ASSERT(!std::filesystem::exists(other.settings.directory + "/giromq.db.new"));
        CPPUNIT_ASSERT(!std::filesystem::exists(other.settings.directory + "/giromq.db.new-journal"));
    }

    void the_log_is_grown_and_keeps_its_content() {
        CPPUNIT_ASSERT(std::filesystem::file_size(log()) >= engine_->settings.wal_bytes);
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "only in the log"));
        driver_.reset();
        // A log that was cut is grown behind what is there, never over it.
        engine_->settings.wal_bytes *= 3;
        open();
        CPPUNIT_ASSERT(std::filesystem::file_size(log()) >= engine_->settings.wal_bytes);
        CPPUNIT_ASSERT_EQUAL(Texts({"only in the log"}), texts_of(driver_->entries(queue)));
        driver_->release();
        driver_.reset();
        CPPUNIT_ASSERT(std::filesystem::file_size(log()) >= engine_->settings.wal_bytes);
        open();
        CPPUNIT_ASSERT_EQUAL(Texts({"only in the log"}), texts_of(driver_->entries(queue)));
    }

    void the_log_stays_within_its_bound_while_pages_are_read() {
        const auto queue = driver_->create("payments");
        std::vector<Operation> batch;
        for (int index = 0; index < 200; ++index) batch += driver_->send(queue, std::string(2000, 'x'));
        driver_->commit(std::move(batch));
        std::atomic<bool> stop{false};
        std::atomic<int> failures{0};
        std::thread reader([&] {
            while (!stop) {
                if (!driver_->store().page(queue, Position{}, {}).ok()) ++failures;
            }
        });
        for (int round = 0; round < 100; ++round) {
            std::vector<Operation> more;
            for (int index = 0; index < 30; ++index) more += driver_->send(queue, std::string(2000, 'y'));
            driver_->commit(std::move(more));
            CPPUNIT_ASSERT(driver_->store().maintain().ok());
        }
        stop = true;
        reader.join();
        CPPUNIT_ASSERT_EQUAL(0, failures.load());
        CPPUNIT_ASSERT_EQUAL(std::uintmax_t{engine_->settings.wal_bytes}, std::filesystem::file_size(log()));
        refresh_health();
        CPPUNIT_ASSERT(driver_->store().health().checkpoints > 10);
    }

    void a_log_that_another_program_has_held_is_short_again() {
        const auto queue = driver_->create("payments");
        const auto bound = 2 * engine_->settings.wal_bytes;
        sqlite3* auditor = nullptr;
        CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_open_v2(database().c_str(), &auditor, SQLITE_OPEN_READONLY, nullptr));
        CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_exec(auditor, "BEGIN; SELECT count(*) FROM message", nullptr, nullptr, nullptr));
        // Nobody waits for it.
        std::size_t sent = 0;
        for (; std::filesystem::file_size(log()) <= bound; ++sent) {
            CPPUNIT_ASSERT(sent < 2000);
            driver_->commit(driver_->send(queue, std::string(8000, 'x')));
            engine_->clock.advance(std::chrono::milliseconds(150));
            CPPUNIT_ASSERT(driver_->store().maintain().ok());
        }
        sqlite3_close(auditor);
        engine_->clock.advance(std::chrono::milliseconds(150));
        driver_->maintain_all();
        driver_->commit(driver_->send(queue, "the log begins anew"));
        CPPUNIT_ASSERT(std::filesystem::file_size(log()) <= bound);
        CPPUNIT_ASSERT_EQUAL(sent + 1, driver_->entries(queue).size());
    }

    void an_idle_store_copies_its_log() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        CPPUNIT_ASSERT(driver_->store().maintain().ok());
        refresh_health();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, driver_->store().health().checkpoints);
        engine_->clock.advance(std::chrono::milliseconds(2000));
        driver_->maintain_all();
        refresh_health();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, driver_->store().health().checkpoints);
        driver_->commit(driver_->send(queue, "two"));
        engine_->clock.advance(std::chrono::milliseconds(2000));
        driver_->maintain_all();
        refresh_health();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, driver_->store().health().checkpoints);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, driver_->store().health().checkpoint_nanoseconds.count());
    }

    void an_auditor_can_read_the_view() {
        const auto queue = driver_->create("payments");
        auto message = std::make_shared<Message>(text_message("text", "ID:4711"));
        message->number = MessageNumber{driver_->next_message++};
        auto put = put_entry({.destination = queue, .position = Position{driver_->next_position++}}, message->number, message->size());
        driver_->commit({PutMessage{message}, put});
        driver_->commit(driver_->send(queue, "volatile", true));
        const auto rows = query(database(), "SELECT destination, position, message_id, is_volatile, arrived, expires FROM queue_message");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rows.size());
        CPPUNIT_ASSERT_EQUAL(std::string("payments|1|ID:4711|0|2023-11-14T22:13:20.000Z|NULL"), rows[0]);
        CPPUNIT_ASSERT_EQUAL(std::string("payments|2|NULL|1|2023-11-14T22:13:20.000Z|NULL"), rows[1]);
    }

    void the_check_passes_over_everything_there_is() {
        fill();
        driver_.reset();
        expect_sound(data());
        open();
        driver_->maintain_all();
        driver_->release();
        driver_.reset();
        expect_sound(data());
    }

    void the_check_finds_damaged_bytes_and_wrong_counters() {
        fill();
        const auto queue = driver_->recovered().next_destination;  // the first queue that fill() made
        engine_->damage(driver_->entries(queue).front().number);
        driver_.reset();
        query(database(), "UPDATE destination SET messages = messages + 1 WHERE name = 'payments'");
        const auto checked = check(data());
        CPPUNIT_ASSERT(!checked.ok() && checked.error().is(errc::damaged));
        CPPUNIT_ASSERT_MESSAGE(checked.error().detail(), checked.error().detail().find("2 findings") == 0);
        CPPUNIT_ASSERT(checked.error().detail().find("checksum") != std::string::npos);
        CPPUNIT_ASSERT(checked.error().detail().find("destination payments counts") != std::string::npos);
    }

    void the_check_finds_a_torn_page() {
        fill();
        driver_->release();
        driver_.reset();
        overwrite_page_of("entry");
        const auto checked = check(data());
        CPPUNIT_ASSERT(!checked.ok() && checked.error().is(errc::damaged));
    }

    void a_damaged_fact_is_found_like_a_damaged_byte() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        query(database(), "UPDATE message SET expires_at = 1");
        const auto entries = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(Texts({"(damaged)"}), texts_of(entries));
    }

    void a_page_that_cannot_be_read_is_quarantined() {
        const auto queue = driver_->create("payments");
        std::vector<Operation> batch;
        for (int index = 0; index < 5; ++index) batch += driver_->send(queue, std::string(1500, static_cast<char>('a' + index)));
        driver_->commit(std::move(batch));
        driver_->release();
        driver_.reset();
        overwrite_page_of("message");
        open();
        // Some of the messages cannot be read; each is reported, moved out of the way, and the others are delivered.
        auto entries = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, entries.size());
        std::size_t damaged = 0;
        for (const auto& entry : entries) {
            if (entry.message != nullptr) continue;
            ++damaged;
            driver_->commit({QuarantineEntry{.key = entry.key,
                                             .number = entry.number,
                                             .message_bytes = entry.message_bytes,
                                             .is_volatile = false,
                                             .reason = entry.damage,
                                             .time = Timestamp{1}}});
        }
        CPPUNIT_ASSERT(damaged > 0);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5} - damaged, driver_->entries(queue).size());
        CPPUNIT_ASSERT_EQUAL(damaged, query(database(), "SELECT * FROM quarantine").size());
    }

    void an_entry_that_names_another_message_is_quarantined_alone() {
        const auto queue = driver_->create("payments");
        for (const auto* const text : {"one", "two", "three"}) driver_->commit(driver_->send(queue, text));
        const auto entries = driver_->entries(queue);
        query(database(), "UPDATE entry SET message = " + std::to_string(entries[0].number.value) +
                              " WHERE position = " + std::to_string(entries[1].key.position.value));
        const auto damaged = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "(damaged)", "three"}), texts_of(damaged));
        CPPUNIT_ASSERT(check_finds("its checksum does not match"));
        driver_->commit({QuarantineEntry{.key = damaged[1].key,
                                         .number = damaged[1].number,
                                         .message_bytes = damaged[1].message_bytes,
                                         .is_volatile = false,
                                         .reason = damaged[1].damage,
                                         .time = Timestamp{1}}});
        // The message that it named is another entry's, which is delivered and goes as ever.
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "three"}), texts_of(driver_->entries(queue)));
        driver_->commit({StoreDriver::removal_of(entries[0])});
        CPPUNIT_ASSERT_EQUAL(Lines({"1"}), query(database(), "SELECT count(*) FROM quarantine"));
    }

    void a_delivery_count_that_was_changed_behind_the_store_is_found() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        driver_->commit(driver_->send(queue, "volatile", true));
        for (const auto& entry : driver_->entries(queue)) driver_->commit({SetDeliveryCount{entry.key, 3}});
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "volatile"}), texts_of(driver_->entries(queue)));
        query(database(), "UPDATE entry SET delivery_count = 4; UPDATE volatile_entry SET delivery_count = 4");
        CPPUNIT_ASSERT_EQUAL(Texts({"(damaged)", "(damaged)"}), texts_of(driver_->entries(queue)));
    }

    /// As if a key in the middle had become one of another destination.
    void entries_that_end_too_early_are_reported() {
        driver_->create("other");
        const auto queue = driver_->create("payments");
        std::vector<Operation> batch;
        for (int index = 0; index < 3; ++index) batch += driver_->send(queue, std::to_string(index));
        driver_->commit(std::move(batch));
        driver_->release();
        driver_.reset();
        // The row of the second entry: destination 2, priority 4, position 2, message 2, 6 bytes. Its destination becomes 3.
        std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
        std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        const auto page = content.find("\x02\x04\x02\x02\x06");
        CPPUNIT_ASSERT(page != std::string::npos);
        file.clear();
        file.seekp(static_cast<std::streamoff>(page));
        file << '\x03';
        file.close();
        std::filesystem::remove(log());
        open();
        const auto read = driver_->store().page(queue, Position{}, {});
        CPPUNIT_ASSERT_MESSAGE(std::to_string(page) + " of " + std::to_string(content.size()),
                               !read.ok() && read.error().is(errc::damaged));
    }

    void a_running_store_is_backed_up_consistently() {
        fill();
        const auto queue = driver_->create("busy");
        const auto file = engine_->folder.path() + "/backup.db";
        bool finished = false;
        const auto started = driver_->store().start_backup(file, [&](Result<void> result) {
            CPPUNIT_ASSERT_MESSAGE(result.ok() ? "" : result.error().to_string(), result.ok());
            finished = true;
        });
        CPPUNIT_ASSERT(started.ok());
        CPPUNIT_ASSERT(driver_->store().start_backup(file + "2", [](Result<void>) {}).error().is(errc::invalid_argument));
        for (int round = 0; round < 10000; ++round) {
            if (finished) break;
            driver_->commit(driver_->send(queue, std::string(3000, 'x')));
            CPPUNIT_ASSERT(driver_->store().maintain().ok());
        }
        CPPUNIT_ASSERT(finished);
        driver_->commit(driver_->send(queue, "after the backup"));
        SqliteEngine restored;
        const auto done = restore_sqlite_store(file, restored.settings.directory);
        CPPUNIT_ASSERT_MESSAGE(done.ok() ? "" : done.error().to_string(), done.ok());
        expect_sound(restored.settings.directory);
        StoreDriver driver(restored.open());
        const auto now = driver_->entries(queue);
        const auto then = driver.entries(queue);
        CPPUNIT_ASSERT(!then.empty() && then.size() < now.size());
        for (std::size_t index = 0; index < then.size(); ++index) CPPUNIT_ASSERT(then[index].key == now[index].key);
        // A number that was given before the backup is not given again.
        CPPUNIT_ASSERT(driver.next_position > then.back().key.position.value);
        const auto instance = "SELECT instance FROM broker";
        CPPUNIT_ASSERT(query(database(), instance) != query(restored.settings.directory + "/giromq.db", instance));
    }

    void a_backup_never_overwrites() {
        const auto file = engine_->folder.path() + "/backup.db";
        std::ofstream(file) << "precious";
        CPPUNIT_ASSERT(driver_->store().start_backup(file, [](Result<void>) {}).error().is(errc::invalid_argument));
        driver_.reset();
        CPPUNIT_ASSERT(backup_sqlite_store(data(), file, [](const std::string&) {}).error().is(errc::invalid_argument));
        CPPUNIT_ASSERT_EQUAL(std::uintmax_t{8}, std::filesystem::file_size(file));
    }

    /// Opening and closing it would drop SQLite's locks, which keep other programs from the log.
    void a_backup_does_not_touch_the_file_of_the_store() {
        driver_->create("payments");
        for (const auto& file : {database(), database() + "-shm"}) {
            CPPUNIT_ASSERT(is_locked(file));
            CPPUNIT_ASSERT(driver_->store().start_backup(file, [](Result<void>) {}).error().is(errc::invalid_argument));
            CPPUNIT_ASSERT(is_locked(file));
        }
    }

    void a_backup_that_cannot_be_written_leaves_nothing() {
        fill();
        CPPUNIT_ASSERT(!driver_->store().start_backup(engine_->folder.path() + "/no/such/folder/backup.db", [](Result<void>) {}).ok());
        // A file that stands where the temporary one goes is replaced, a folder is not.
        const auto file = engine_->folder.path() + "/backup.db";
        std::filesystem::create_directory(file + ".partial");
        CPPUNIT_ASSERT(!driver_->store().start_backup(file, [](Result<void>) {}).ok());
        std::filesystem::remove(file + ".partial");
        bool finished = false;
        CPPUNIT_ASSERT(driver_->store().start_backup(file, [&](Result<void> result) { finished = result.ok(); }).ok());
        driver_->maintain_all();
        CPPUNIT_ASSERT(finished && std::filesystem::exists(file) && !std::filesystem::exists(file + ".partial"));
    }

    void a_stopped_store_is_backed_up_and_restored() {
        fill();
        const auto queue = driver_->recovered().next_destination;
        auto lasting = driver_->entries(queue);
        std::erase_if(lasting, [](const StoredEntry& entry) { return entry.is_volatile; });
        const auto texts = texts_of(lasting);
        driver_.reset();
        const auto file = engine_->folder.path() + "/a name with % and ?.db";
        std::string last;
        const auto made = backup_sqlite_store(data(), file, [&](const std::string& text) { last = text; });
        CPPUNIT_ASSERT_MESSAGE(made.ok() ? "" : made.error().to_string(), made.ok());
        CPPUNIT_ASSERT_EQUAL(std::string("copied 100 %"), last);
        CPPUNIT_ASSERT(!std::filesystem::exists(file + ".partial"));
        SqliteEngine restored;
        CPPUNIT_ASSERT(restore_sqlite_store(file, restored.settings.directory).ok());
        expect_sound(restored.settings.directory);
        StoreDriver driver(restored.open());
        CPPUNIT_ASSERT(texts == texts_of(driver.entries(queue)));
        CPPUNIT_ASSERT_EQUAL(driver_count(driver), std::size_t{2});
    }

    void a_restore_needs_an_empty_folder_and_a_backup() {
        driver_.reset();
        const auto file = engine_->folder.path() + "/backup.db";
        CPPUNIT_ASSERT(backup_sqlite_store(data(), file, [](const std::string&) {}).ok());
        CPPUNIT_ASSERT(restore_sqlite_store(file, data()).error().is(errc::invalid_argument));
        CPPUNIT_ASSERT(restore_sqlite_store(file + ".not", engine_->folder.path() + "/new").error().is(errc::not_a_store));
        const auto other = engine_->folder.path() + "/other";
        std::filesystem::create_directory(other);
        std::filesystem::copy_file(log(), other + "/giromq.db-wal");
        CPPUNIT_ASSERT(restore_sqlite_store(file, other).error().is(errc::invalid_argument));
        CPPUNIT_ASSERT(std::filesystem::exists(other + "/giromq.db-wal"));
        CPPUNIT_ASSERT(check(engine_->folder.path() + "/nowhere").error().is(errc::io_error));
        open();
    }

    void large_bodies_are_removed_in_the_background() {
        const auto queue = driver_->create("payments");
        auto message = std::make_shared<Message>(text_message("head"));
        message->number = MessageNumber{driver_->next_message++};
        message->chunk_count = 40;
        const auto bytes = SharedBytes::copy_of(std::string(chunk_bytes, 'x'));
        for (std::uint32_t index = 0; index < message->chunk_count; ++index) {
            driver_->commit({PutChunk{message->number, index, bytes}});
            message->chunked_bytes += bytes.size();
        }
        auto put = put_entry({.destination = queue, .position = Position{driver_->next_position++}}, message->number, message->size());
        driver_->commit({PutMessage{message}, put});
        driver_->commit({StoreDriver::removal_of(driver_->entries(queue).front())});
        CPPUNIT_ASSERT_EQUAL(Lines({"40"}), query(database(), "SELECT count(*) FROM chunk"));
        CPPUNIT_ASSERT(driver_->store().maintain().ok());
        driver_->maintain_all();
        CPPUNIT_ASSERT_EQUAL(Lines({"0"}), query(database(), "SELECT count(*) FROM chunk"));
    }

    void many_stale_volatile_entries_are_removed_in_slices() {
        const auto queue = driver_->create("payments");
        std::vector<Operation> batch;
        for (int index = 0; index < 1000; ++index) batch += driver_->send(queue, "x", true);
        batch += driver_->send(queue, "stays");
        driver_->commit(std::move(batch));
        driver_.reset();
        open();
        CPPUNIT_ASSERT_EQUAL(Texts({"stays"}), texts_of(driver_->entries(queue)));
        CPPUNIT_ASSERT_EQUAL(Lines({"1001"}), query(database(), "SELECT count(*) FROM message"));
        driver_->commit(driver_->send(queue, "new", true));
        driver_->maintain_all();
        CPPUNIT_ASSERT_EQUAL(Lines({"2"}), query(database(), "SELECT count(*) FROM message"));
        CPPUNIT_ASSERT_EQUAL(Texts({"stays", "new"}), texts_of(driver_->entries(queue)));
    }

    void stale_volatile_entries_go_although_broker_after_broker_is_killed() {
        const auto queue = driver_->create("payments");
        for (int life = 0; life < 8; ++life) {
            std::vector<Operation> batch;
            for (int index = 0; index < 5000; ++index) batch += driver_->send(queue, std::string(100, 'x'), true);
            batch += driver_->send(queue, "stays");
            driver_->commit(std::move(batch));
            // A few slices, with work between them, and then the next one is killed.
            for (int slice = 0; slice < 5; ++slice) {
                CPPUNIT_ASSERT(driver_->store().maintain().ok());
                driver_->commit(driver_->send(queue, "stays too"));
            }
            driver_.reset();
            open();
            CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(6 * (life + 1)), driver_->entries(queue).size());
        }
        CPPUNIT_ASSERT(std::stoi(query(database(), "SELECT count(*) FROM volatile_entry").at(0)) > 20000);
        driver_->maintain_all();
        CPPUNIT_ASSERT_EQUAL(Lines({"0|48"}), query(database(), "SELECT (SELECT count(*) FROM volatile_entry), count(*) FROM message"));
        driver_.reset();
        expect_sound(data());
    }

private:
    void open() { driver_ = std::make_unique<StoreDriver>(engine_->open()); }
    const std::string& data() const { return engine_->settings.directory; }
    std::string database() const { return data() + "/giromq.db"; }
    std::string log() const { return data() + "/giromq.db-wal"; }

    /// The check, over a copy of the running store.
    bool check_finds(const std::string& sentence) const {
        const TemporaryFolder copy;
        for (const auto* const name : {"/giromq.db", "/giromq.db-wal"}) std::filesystem::copy_file(data() + name, copy.path() + name);
        const auto checked = check(copy.path());
        return !checked.ok() && checked.error().detail().find(sentence) != std::string::npos;
    }

    /// True if another process finds a lock of this one on the file.
    static bool is_locked(const std::string& file) {
        const pid_t child = ::fork();
        if (child == 0) {
            const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
            struct flock lock {};
            lock.l_type = F_WRLCK;
            lock.l_whence = SEEK_SET;
            const bool asked = descriptor >= 0 && ::fcntl(descriptor, F_GETLK, &lock) == 0;
            ::_exit(asked && lock.l_type != F_UNLCK ? 1 : 0);
        }
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        return WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }

    void refresh_health() {
        engine_->clock.advance(std::chrono::milliseconds(600));
        CPPUNIT_ASSERT(driver_->store().maintain().ok());
        engine_->clock.advance(std::chrono::milliseconds(600));
        CPPUNIT_ASSERT(driver_->store().maintain().ok());
    }

    static std::size_t driver_count(const StoreDriver& driver) { return driver.recovered().destinations.size(); }

    /// Something of everything.
    void fill() {
        const auto queue = driver_->create("payments");
        const auto dead_letters = driver_->create("DLQ");
        std::vector<Operation> batch;
        for (int index = 0; index < 300; ++index) batch += driver_->send(queue, "message " + std::to_string(index), index % 10 == 0);
        driver_->commit(std::move(batch));
        const MessageNumber upload{driver_->next_message++};
        driver_->commit({PutChunk{upload, 0, SharedBytes::copy_of(std::string(9000, 'x'))}, PutUser{}});
        PutProducer producer;
        producer.producer = "p";
        producer.window.resize(128);
        driver_->commit({producer, PutDuplicateId{queue, Position{1}, "id", Timestamp{1}}, SetHorizon{queue, Position{400}}});
        const auto entry = driver_->entries(queue)[5];
        auto reason = std::make_shared<DeadLetter>();
        reason->cause = "rejected";
        auto put =
            put_entry({.destination = dead_letters, .position = Position{driver_->next_position++}}, entry.number, entry.message_bytes);
        put.dead_letter = reason;
        driver_->commit({StoreDriver::removal_of(entry, false), put});
        const auto bad = driver_->entries(queue)[7];
        driver_->commit({QuarantineEntry{.key = bad.key,
                                         .number = bad.number,
                                         .message_bytes = bad.message_bytes,
                                         .is_volatile = bad.is_volatile,
                                         .reason = "a test",
                                         .time = Timestamp{1}}});
    }

    /// Overwrites the first leaf page of a table with a byte that no page begins with. The store is stopped and its log copied.
    void overwrite_page_of(const std::string& table) {
        const auto pages =
            query(database(), "SELECT pageno FROM dbstat WHERE name = '" + table + "' AND pagetype = 'leaf' ORDER BY pageno");
        CPPUNIT_ASSERT(!pages.empty());
        std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp((std::stoll(pages.back()) - 1) * static_cast<std::int64_t>(engine_->settings.page_bytes));
        file << std::string(engine_->settings.page_bytes, '\xee');
        file.close();
        // What the log still holds of it would hide the damage.
        std::filesystem::remove(log());
        std::filesystem::remove(database() + "-shm");
    }

    std::unique_ptr<SqliteEngine> engine_;
    std::unique_ptr<StoreDriver> driver_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqliteStoreTest);

}  // namespace
}  // namespace giromq::store::test
