#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "base/executor.hpp"
#include "base/histogram.hpp"
#include "store/commit_port.hpp"

namespace giromq::store {

/// Group commit without a timer: one thread owns the store; it takes everything that was submitted while the last commit ran, up to
/// the limits, and commits it as one batch. Completions go to the core's executor, one task per batch, in order.
///
/// When a batch is not applied because the disk is full, its units are committed again without the growing ones, which are refused,
/// as are all growing units until resume_growth(). When a batch is in doubt, nothing is acknowledged any more: `on_fatal` is called
/// once (it logs and ends the process), and no completion ever runs.
class CommitQueue final : public CommitPort {
public:
    struct Limits {
        std::uint32_t units = 4096;
        std::uint64_t bytes = 4 * 1024 * 1024;
        std::chrono::nanoseconds busy_wait{};  // how long the thread may look for work before it sleeps (base/busy_wait.hpp)
    };
    // The ranges of the histograms.
    static constexpr std::array<std::uint64_t, 13> commit_time_bounds{
        100'000,    250'000,    500'000,     1'000'000,   2'500'000,   5'000'000,     10'000'000,
        25'000'000, 50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000,
    };
    static constexpr std::array<std::uint64_t, 9> batch_unit_bounds{1, 2, 4, 8, 16, 64, 256, 1024, 4096};
    struct Statistics {
        std::uint64_t batches = 0;
        std::uint64_t units = 0;
        std::uint64_t bytes = 0;
        std::uint64_t refused_units = 0;
        Histogram commit_nanoseconds{commit_time_bounds};  // of each batch, from its begin until it was durable
        Histogram batch_units{batch_unit_bounds};          // how many units shared a batch
    };

    /// `store` has been acquired with `lease` and recovered; the first batch is one after store.last_batch(). All references outlive this.
    CommitQueue(Store& store, Lease lease, BatchNumber last_batch, Executor& core, UniqueFunction<void(const Error&)> on_fatal,
                Limits limits);
    ~CommitQueue() override;

    void submit(Unit unit) override;
    void resume_growth() override;

    /// Runs a task on the store thread between two batches (start_backup, release). For main and admin.
    void run_on_store_thread(UniqueFunction<void(Store&)> task);

    /// Commits what was submitted, then ends the thread. Called once, not from the core's executor.
    void stop();

    Statistics statistics() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// One thread that reads pages and chunks in the order asked for.
class ReadQueue final : public ReadPort {
public:
    ReadQueue(Store& store, Executor& core);
    ~ReadQueue() override;

    void page(DestinationId destination, Position after, PageLimits limits, UniqueFunction<void(Result<Page>)> done) override;
    void chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done) override;
    void message(MessageNumber number, UniqueFunction<void(Result<MessagePtr>)> done) override;
    void audit(AuditQuery query, UniqueFunction<void(Result<AuditStretch>)> done) override;

    /// Ends the thread; questions not yet answered are answered with errc::stopped.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace giromq::store
