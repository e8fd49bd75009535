// The power fails at any write: what was acknowledged is there, what was not is there whole or not at all.
#include <cppunit/extensions/HelperMacros.h>

#include "fault/power_loss_vfs.hpp"
#include "fault/support.hpp"

namespace giromq::store::test {
namespace {

class PowerLossTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PowerLossTest);
    CPPUNIT_TEST(every_crash_image_holds_what_was_acknowledged);
    CPPUNIT_TEST(a_store_is_made_whole_or_not_at_all);
    CPPUNIT_TEST(the_shim_loses_what_was_not_synced);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { vfs_ = std::make_unique<PowerLossVfs>(); }
    void tearDown() override { vfs_.reset(); }

    void every_crash_image_holds_what_was_acknowledged() {
        const auto seed = random_seed();
        dice_.seed(seed);
        const auto seed_text = "GIROMQ_TEST_SEED=" + std::to_string(seed);
        const TemporaryFolder folder(quick_folder());
        const auto settings = small_settings(folder.path() + "/data", vfs_->name());
        expected_ = std::make_unique<Expectation>(Expectation{.acknowledged = Workload(seed), .last_batch = 0, .in_flight = nullptr});
        expected_->exact_horizons = false;
        {
            const QuietStandardError quiet;
            live(settings);
        }
        vfs_->on_change = nullptr;
        CPPUNIT_ASSERT_MESSAGE(seed_text + ": " + wrong_, wrong_.empty());
        CPPUNIT_ASSERT_MESSAGE("too few images: " + std::to_string(images_), images_ > 50);
    }

    void a_store_is_made_whole_or_not_at_all() {
        dice_.seed(random_seed());
        const TemporaryFolder folder(quick_folder());
        const auto settings = small_settings(folder.path() + "/data", vfs_->name());
        vfs_->on_change = [&] {
            for (const auto loss : {PowerLossVfs::Loss::some_sectors, PowerLossVfs::Loss::everything, PowerLossVfs::Loss::nothing}) {
                const TemporaryFolder image(quick_folder());
                vfs_->make_image(settings.directory, image.path(), loss, dice_);
                ++images_;
                // Whatever lies there, the next start makes a store of it that is sound and empty.
                const auto opened = open_sqlite_store(small_settings(image.path()), image_clock_);
                if (!opened.ok() && wrong_.empty()) wrong_ = "image " + std::to_string(images_) + ": " + opened.error().to_string();
                if (opened.ok() && (*opened)->last_batch().value().value != 0) wrong_ = "a new store has batches";
            }
        };
        {
            const QuietStandardError quiet;
            const auto store = must_open(settings, clock_);
            vfs_->on_change = nullptr;
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, store->last_batch().value().value);
        }
        CPPUNIT_ASSERT_MESSAGE(wrong_, wrong_.empty());
        CPPUNIT_ASSERT_MESSAGE("too few images: " + std::to_string(images_), images_ > 100);
    }

    /// A store that never syncs must fail this test: so the shim does lose writes.
    void the_shim_loses_what_was_not_synced() {
        const TemporaryFolder folder(quick_folder());
        const auto path = folder.path() + "/file.db";
        sqlite3* connection = nullptr;
        CPPUNIT_ASSERT_EQUAL(SQLITE_OK,
                             sqlite3_open_v2(path.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs_->name().c_str()));
        const auto run = [&](const char* sql) {
            CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_exec(connection, sql, nullptr, nullptr, nullptr));
        };
        run("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(x); INSERT INTO t VALUES "
            "(1)");
        run("PRAGMA synchronous = OFF; INSERT INTO t VALUES (2)");
        CPPUNIT_ASSERT_EQUAL(1, rows_after(folder.path(), PowerLossVfs::Loss::everything));
        CPPUNIT_ASSERT_EQUAL(2, rows_after(folder.path(), PowerLossVfs::Loss::nothing));
        sqlite3_close(connection);
    }

private:
    int rows_after(const std::string& folder, PowerLossVfs::Loss loss) {
        const TemporaryFolder image(quick_folder());
        vfs_->make_image(folder, image.path(), loss, dice_);
        sqlite3* connection = nullptr;
        CPPUNIT_ASSERT_EQUAL(SQLITE_OK, sqlite3_open((image.path() + "/file.db").c_str(), &connection));
        int rows = -1;
        sqlite3_exec(
            connection, "SELECT count(*) FROM t",
            [](void* out, int, char** values, char**) {
                *static_cast<int*>(out) = std::atoi(values[0]);
                return 0;
            },
            &rows, nullptr);
        sqlite3_close(connection);
        return rows;
    }

    /// A few lives of a broker, the first one from an empty folder; all but one end without a release.
    void live(const SqliteSettings& settings) {
        for (int life = 0; life < 4 && wrong_.empty(); ++life) {
            auto store = must_open(settings, clock_);
            // The first start makes the file under another name; from here on every write is one of the store.
            vfs_->on_change = [this, &settings] { power_fails(settings.directory); };
            if (life > 0) expected_->acknowledged.restarted(expected_->clean);
            expected_->clean = expected_->exact_horizons = false;
            const auto lease = store->acquire();
            CPPUNIT_ASSERT(lease.ok());
            expected_->exact_horizons = true;
            for (int round = 0; round < 12 && wrong_.empty(); ++round) commit_one(*store, *lease);
            if (life != 1) continue;
            expected_->exact_horizons = false;
            CPPUNIT_ASSERT(store->release(*lease).ok());
            expected_->clean = true;
        }
    }

    void commit_one(Store& store, const Lease& lease) {
        expected_->in_flight = std::make_unique<Workload>(expected_->acknowledged);
        auto& next = *expected_->in_flight;
        const auto batch = batch_of(next.next_batch(12), next);
        const auto result = commit(store, lease, expected_->last_batch + 1, batch);
        CPPUNIT_ASSERT_MESSAGE(result.error.to_string(), result.outcome == CommitOutcome::durable);
        expected_->acknowledged = *expected_->in_flight;
        expected_->in_flight.reset();
        ++expected_->last_batch;
        clock_.advance(std::chrono::milliseconds(expected_->acknowledged.one_in(5) ? 1100 : 30));
        CPPUNIT_ASSERT(store.maintain().ok());
    }

    /// Makes an image of this moment, and starts a broker over it.
    void power_fails(const std::string& directory) {
        if (!wrong_.empty() || (!is_long_run() && std::uniform_int_distribution<int>(0, 7)(dice_) != 0)) return;
        // verify() writes too, but through another VFS.
        for (const auto loss : {PowerLossVfs::Loss::some_sectors, PowerLossVfs::Loss::everything, PowerLossVfs::Loss::nothing}) {
            if (!is_long_run() && loss != PowerLossVfs::Loss::some_sectors && std::uniform_int_distribution<int>(0, 4)(dice_) != 0)
                continue;
            const TemporaryFolder image(quick_folder());
            vfs_->make_image(directory, image.path(), loss, dice_);
            ++images_;
            wrong_ = verify(small_settings(image.path()), image_clock_, *expected_);
            if (wrong_.empty()) continue;
            wrong_ = "image " + std::to_string(images_) + ": " + wrong_;
            return;
        }
    }

    std::mt19937 dice_;
    giromq::test::ManualClock clock_;
    giromq::test::ManualClock image_clock_;
    std::unique_ptr<PowerLossVfs> vfs_;
    std::unique_ptr<Expectation> expected_;
    std::string wrong_;
    std::uint64_t images_ = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(PowerLossTest);

}  // namespace
}  // namespace giromq::store::test
