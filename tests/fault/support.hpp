#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "store/sqlite/sqlite_store.hpp"
#include "support/manual_clock.hpp"
#include "unit/store/random_seed.hpp"
#include "unit/store/temporary_folder.hpp"
#include "unit/store/workload.hpp"

namespace giromq::store::test {

/// Where thousands of small stores are quickly made: in memory if there is such a file system, and TMPDIR says nothing else.
inline std::string quick_folder() {
    const bool is_there = std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK) == 0;
    return is_there ? "/dev/shm" : std::string();
}

/// Keeps the log lines of thousands of expected failures off the terminal. GIROMQ_TEST_VERBOSE=1 shows them.
class QuietStandardError {
public:
    QuietStandardError() {
        if (std::getenv("GIROMQ_TEST_VERBOSE") != nullptr) return;
        std::fflush(stderr);
        kept_ = ::dup(STDERR_FILENO);
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDERR_FILENO);
        ::close(nowhere);
    }
    ~QuietStandardError() {
        if (kept_ < 0) return;
        std::fflush(stderr);
        ::dup2(kept_, STDERR_FILENO);
        ::close(kept_);
    }
    QuietStandardError(const QuietStandardError&) = delete;
    QuietStandardError& operator=(const QuietStandardError&) = delete;

private:
    int kept_ = -1;
};

/// Small files, so that the log wraps and is copied within a few batches.
inline SqliteSettings small_settings(const std::string& directory, const std::string& vfs = {}) {
    SqliteSettings settings;
    settings.directory = directory;
    settings.page_bytes = 1024;
    settings.wal_bytes = 128u << 10;
    settings.checkpoint_bytes = 48u << 10;
    settings.reserve_bytes = 64u << 10;
    settings.vfs = vfs;
    return settings;
}

inline std::unique_ptr<Store> must_open(const SqliteSettings& settings, const Clock& clock) {
    auto store = open_sqlite_store(settings, clock);
    if (!store.ok()) CPPUNIT_FAIL(store.error().to_string());
    return std::move(store).value();
}

/// The counters of a batch, from the workload that made it.
inline Batch batch_of(std::vector<Operation> operations, const Workload& workload) {
    Batch batch;
    batch.operations = std::move(operations);
    batch.next_position = Position{workload.next_position};
    batch.next_message = MessageNumber{workload.next_message};
    batch.next_destination = DestinationId{workload.next_destination};
    return batch;
}

inline BatchResult commit(Store& store, const Lease& lease, std::uint64_t number, const Batch& batch) {
    BatchResult result;
    store.commit(lease, BatchNumber{number}, batch, [&](BatchResult answer) { result = std::move(answer); });
    return result;
}

/// What a store may hold after a failure: one of the states, by the number of its last batch.
struct Expectation {
    Workload acknowledged;
    std::uint64_t last_batch = 0;
    std::unique_ptr<Workload> in_flight;  // batch last_batch + 1, which may be there or not
    bool exact_horizons = true;
    bool clean = false;
};

/// Opens the store with `settings` and compares. Empty if it is as it must be, otherwise what is wrong.
inline std::string verify(const SqliteSettings& settings, const Clock& clock, const Expectation& expected) {
    auto opened = open_sqlite_store(settings, clock);
    if (!opened.ok()) return "not opened: " + opened.error().to_string();
    const auto last = (*opened)->last_batch();
    if (!last.ok()) return "no last batch: " + last.error().to_string();
    const bool has_next = expected.in_flight != nullptr && last->value == expected.last_batch + 1;
    if (!has_next && last->value != expected.last_batch) {
        return "the last batch is " + std::to_string(last->value) + ", acknowledged was " + std::to_string(expected.last_batch);
    }
    Workload workload = has_next ? *expected.in_flight : expected.acknowledged;
    workload.restarted(expected.clean);
    {
        StoreDriver driver(std::move(opened).value());
        if (auto found = difference_at_start(driver.recovered(), workload, expected.exact_horizons); !found.empty()) return found;
        if (auto found = difference(driver, workload, 7); !found.empty()) return found;
        driver.maintain_all();
        if (auto found = difference(driver, workload, 100); !found.empty()) return "after maintenance: " + found;
        driver.next_position = std::max(driver.next_position, workload.next_position);
        driver.next_message = std::max(driver.next_message, workload.next_message);
        driver.next_destination = std::max(driver.next_destination, workload.next_destination);
        driver.commit(driver.send(driver.create("afterwards"), "works again"));
    }
    const auto checked = check_sqlite_store(settings.directory, [](const std::string&) {});
    return checked.ok() ? std::string() : "check: " + checked.error().to_string();
}

}  // namespace giromq::store::test
