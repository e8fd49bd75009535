// Every call of the engine to the file system fails once, or from then on; whatever happens, the store must tell the truth.
#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "fault/fault_vfs.hpp"
#include "fault/support.hpp"
#include "unit/store/sqlite_tools.hpp"

namespace giromq::store::test {
namespace {

constexpr int batches_before = 12;
constexpr int batches_of_a_run = 14;

class FaultTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FaultTest);
    CPPUNIT_TEST(no_io_error_breaks_a_promise);
    CPPUNIT_TEST(no_lasting_io_error_breaks_a_promise);
    CPPUNIT_TEST(no_moment_of_a_full_disk_breaks_a_promise);
    CPPUNIT_TEST(a_full_disk_refuses_and_recovers_by_itself);
    CPPUNIT_TEST(no_short_write_breaks_a_promise);
    CPPUNIT_TEST(no_lasting_short_write_breaks_a_promise);
    CPPUNIT_TEST(no_failed_fsync_is_tried_again);
    CPPUNIT_TEST(no_fsync_that_finds_the_disk_full_is_tried_again);
    CPPUNIT_TEST(a_store_of_an_older_schema_is_brought_forward_whole_or_not_at_all);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        seed_ = random_seed();
        vfs_ = std::make_unique<FaultVfs>();
        // A store as a killed broker left it, which every run starts from.
        origin_ = std::make_unique<TemporaryFolder>(quick_folder());
        workload_ = std::make_unique<Workload>(seed_);
        auto store = must_open(small_settings(origin_->path() + "/data", vfs_->name()), clock_);
        const auto lease = store->acquire().value();
        for (std::uint64_t number = 1; number <= batches_before; ++number) {
            const auto batch = batch_of(workload_->next_batch(20), *workload_);
            CPPUNIT_ASSERT(commit(*store, lease, number, batch).outcome == CommitOutcome::durable);
        }
    }
    void tearDown() override {
        workload_.reset();
        origin_.reset();
        vfs_.reset();
    }

    void no_io_error_breaks_a_promise() { run_all(FaultVfs::Fault::io_error, false); }
    void no_lasting_io_error_breaks_a_promise() { run_all(FaultVfs::Fault::io_error, true); }
    void no_moment_of_a_full_disk_breaks_a_promise() { run_all(FaultVfs::Fault::disk_full, false); }
    void a_full_disk_refuses_and_recovers_by_itself() { run_all(FaultVfs::Fault::disk_full, true); }
    void no_short_write_breaks_a_promise() { run_all(FaultVfs::Fault::short_write, false); }
    void no_lasting_short_write_breaks_a_promise() { run_all(FaultVfs::Fault::short_write, true); }
    void no_failed_fsync_is_tried_again() { run_all(FaultVfs::Fault::failed_sync, false); }
    void no_fsync_that_finds_the_disk_full_is_tried_again() { run_all(FaultVfs::Fault::full_at_sync, false); }

    void a_store_of_an_older_schema_is_brought_forward_whole_or_not_at_all() {
        for (const auto fault : {FaultVfs::Fault::io_error, FaultVfs::Fault::disk_full, FaultVfs::Fault::failed_sync}) {
            std::uint64_t calls = 1;
            for (std::uint64_t number = 0; number <= calls; number += is_long_run() || number == 0 ? 1 : 1 + workload_->below(7)) {
                const auto wrong = migrate(fault, number, calls);
                CPPUNIT_ASSERT_MESSAGE(about(fault, number, false) + ": " + wrong, wrong.empty());
            }
            CPPUNIT_ASSERT_MESSAGE(about(fault, calls, false) + ": hardly ever reached", calls > 1);
        }
    }

private:
    /// Opens a store of schema 1 while the fault strikes, and then once more. `calls` becomes the number of calls if there is no fault (0).
    std::string migrate(FaultVfs::Fault fault, std::uint64_t number, std::uint64_t& calls) {
        const TemporaryFolder folder(quick_folder());
        const auto settings = small_settings(folder.path(), vfs_->name());
        std::ofstream(folder.path() + "/giromq.db").close();
        std::ostringstream sql;
        sql << std::ifstream(GIROMQ_SOURCE_DIR "/tests/unit/store/schema_1.sql").rdbuf();
        query(folder.path() + "/giromq.db", sql.str());
        const QuietStandardError quiet;
        vfs_->arm(fault, number, false);
        static_cast<void>(open_sqlite_store(settings, clock_));
        vfs_->disarm();
        if (number == 0) calls = vfs_->calls();
        StoreDriver driver(must_open(settings, clock_));
        const auto& destinations = driver.recovered().destinations;
        if (destinations.size() != 2 || destinations[0].messages != 3) return "other destinations";
        if (driver.entries(destinations[0].id).size() != 3) return "other entries";
        const auto branch = driver.prepare(0, 0);
        driver.commit({branch});
        driver.commit({driver.complete(branch.branch, BranchOutcome::committed, 0)});
        return {};
    }

    /// Runs the workload with the fault at every call, or at a sample of them that the seed chooses.
    void run_all(FaultVfs::Fault fault, bool for_good) {
        run(fault, 0, for_good);
        const auto calls = vfs_->calls();
        CPPUNIT_ASSERT_MESSAGE("the fault is never reached", calls > 10);
        std::set<std::uint64_t> numbers;
        if (is_long_run()) {
            for (std::uint64_t number = 1; number <= calls; ++number) numbers.insert(number);
        } else {
            std::mt19937 random(seed_);
            std::uniform_int_distribution<std::uint64_t> any(1, calls);
            while (numbers.size() < std::min<std::uint64_t>(calls, 40)) numbers.insert(any(random));
        }
        for (const auto number : numbers) {
            run(fault, number, for_good);
            CPPUNIT_ASSERT_MESSAGE(about(fault, number, for_good) + ": not reached", vfs_->has_failed());
        }
    }

    std::string about(FaultVfs::Fault fault, std::uint64_t number, bool for_good) const {
        return "GIROMQ_TEST_SEED=" + std::to_string(seed_) + ", " + name_of(fault) + " at call " + std::to_string(number) +
               (for_good ? " and from then on" : "");
    }

    void run(FaultVfs::Fault fault, std::uint64_t number, bool for_good) {
        const TemporaryFolder folder(quick_folder());
        const auto data = folder.path() + "/data";
        std::filesystem::copy(origin_->path() + "/data", data);
        const auto settings = small_settings(data, vfs_->name());
        Expectation expected{.acknowledged = *workload_, .last_batch = batches_before, .in_flight = nullptr};
        std::string wrong;
        {
            const QuietStandardError quiet;
            vfs_->arm(fault, number, for_good);
            wrong = work(settings, fault, expected);
            vfs_->disarm();
            if (wrong.empty()) wrong = verify(settings, clock_, expected);
        }
        CPPUNIT_ASSERT_MESSAGE(about(fault, number, for_good) + ": " + wrong, wrong.empty());
    }

    static bool is_about_space(FaultVfs::Fault fault) {
        return fault == FaultVfs::Fault::disk_full || fault == FaultVfs::Fault::short_write;
    }

    /// One life of a broker over the failing disk. Notes in `expected` what it was told.
    std::string work(const SqliteSettings& settings, FaultVfs::Fault fault, Expectation& expected) {
        auto opened = open_sqlite_store(settings, clock_);
        if (!opened.ok()) return {};
        Store& store = **opened;
        const auto lease = store.acquire();
        // If it fails its transaction may be there or not; either way the next start finds an unclean end.
        if (!lease.ok()) return {};
        expected.acknowledged.restarted(false);
        Recovered recovered;
        if (!store.recover(recovered).ok()) return {};
        for (int round = 0; round < batches_of_a_run; ++round) {
            if (auto wrong = step(store, *lease, fault, expected); !wrong.empty()) return wrong;
            if (!store.health().writable) return refuses_everything(store, *lease, expected);
        }
        if (is_about_space(fault)) {
            if (auto wrong = recover_from_full_disk(store, *lease, expected); !wrong.empty()) return wrong;
        }
        expected.exact_horizons = false;
        const auto released = store.release(*lease);
        if (!released.ok()) return {};
        expected.exact_horizons = expected.clean = true;
        return {};
    }

    std::string step(Store& store, const Lease& lease, FaultVfs::Fault fault, Expectation& expected) {
        Workload next = expected.acknowledged;
        const auto batch = batch_of(next.next_batch(10), next);
        const auto result = commit(store, lease, expected.last_batch + 1, batch);
        if (result.outcome == CommitOutcome::durable) {
            expected.acknowledged = std::move(next);
            ++expected.last_batch;
        } else if (result.outcome == CommitOutcome::in_doubt) {
            if (is_about_space(fault)) return "a full disk left a batch in doubt: " + result.error.to_string();
            if (!result.error.is(errc::in_doubt)) return "in doubt, but the error is " + result.error.to_string();
            if (store.health().writable) return "in doubt, and still writable";
            expected.in_flight = std::make_unique<Workload>(std::move(next));
            return {};
        } else if (is_about_space(fault) && !result.error.is(errc::disk_full)) {
            return "refused for another reason than the full disk: " + result.error.to_string();
        } else if (!is_about_space(fault) && fault != FaultVfs::Fault::io_error) {
            return "a failed fsync was taken for a refusal: " + result.error.to_string();
        }
        if (auto wrong = look(store, expected); !wrong.empty()) return wrong;
        clock_.advance(std::chrono::milliseconds(expected.acknowledged.one_in(4) ? 1100 : 30));
        const auto maintained = store.maintain();
        if (!maintained.ok() && maintained.error().is(errc::in_doubt) == store.health().writable) {
            return "maintenance: " + maintained.error().to_string();
        }
        return {};
    }

    /// Reads a queue: what can be read must be right.
    static std::string look(Store& store, const Expectation& expected) {
        for (const auto& [id, queue] : expected.acknowledged.queues) {
            const auto page = store.page(id, Position{}, {.entries = 5, .bytes = 1u << 20});
            if (!page.ok()) continue;
            auto item = queue.begin();
            for (const auto& entry : page->entries) {
                if (item == queue.end() || entry.key.position != item->first) return "a page shows what is not there";
                if (entry.message != nullptr && test::text_of(*entry.message) != item->second.text) return "a page shows another text";
                ++item;
            }
            if (page->end && item != queue.end()) return "a page ends too early";
        }
        return {};
    }

    /// After a failure that leaves an outcome unknown nothing is written any more.
    static std::string refuses_everything(Store& store, const Lease& lease, const Expectation& expected) {
        const auto result = commit(store, lease, expected.last_batch + 1, Batch{});
        if (result.outcome != CommitOutcome::in_doubt) return "a batch was answered after the failure";
        if (store.last_batch().ok() || store.release(lease).ok() || store.maintain().ok()) return "the store goes on after the failure";
        return {};
    }

    /// Space has returned: the store must find out by itself, and take messages again.
    std::string recover_from_full_disk(Store& store, const Lease& lease, Expectation& expected) {
        vfs_->disarm();
        for (int wait = 0; wait < 3; ++wait) {
            clock_.advance(std::chrono::milliseconds(1000));
            if (!store.maintain().ok()) return "maintenance fails although space has returned";
        }
        if (store.health().disk_full) return "the store believes the disk to be full";
        Workload next = expected.acknowledged;
        const auto batch = batch_of(next.next_batch(10), next);
        const auto result = commit(store, lease, expected.last_batch + 1, batch);
        if (result.outcome != CommitOutcome::durable) return "refused although space has returned: " + result.error.to_string();
        expected.acknowledged = std::move(next);
        ++expected.last_batch;
        return {};
    }

    std::uint32_t seed_ = 0;
    giromq::test::ManualClock clock_;
    std::unique_ptr<FaultVfs> vfs_;
    std::unique_ptr<TemporaryFolder> origin_;
    std::unique_ptr<Workload> workload_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(FaultTest);

}  // namespace
}  // namespace giromq::store::test
