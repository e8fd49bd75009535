#include "store/commit_queue.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <semaphore>
#include <utility>
#include <vector>

#include "base/busy_wait.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "base/log_limiter.hpp"

namespace giromq::store {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Between two slices of background work while commits are waiting, so that it takes at most a fifth of the time.
constexpr std::chrono::milliseconds maintenance_gap{20};
/// With nothing to do the engine is still asked now and then: space may have returned to the disk.
constexpr std::chrono::milliseconds idle_wake{500};

/// A unit that was taken out of the queue, and what became of it.
struct Taken {
    explicit Taken(Unit the_unit) : unit(std::move(the_unit)) {}

    Unit unit;
    UnitResult result;
};
using TakenUnits = std::vector<Taken>;

void refuse(Taken& taken, const Error& error) {
    taken.result.durable = false;
    taken.result.error = error;
    taken.result.refused_operations = &taken.unit.operations;
}

/// One task for the core: every completion of a batch, in the order of submission.
void complete(Executor& core, std::shared_ptr<TakenUnits> units) {
    core.execute([units = std::move(units)] {
        for (Taken& taken : *units) taken.unit.done(taken.result);
    });
}

/// An error after which no batch will ever be applied again by this process.
bool ends_the_store(const BatchResult& result) {
    return result.outcome == CommitOutcome::in_doubt ||
           (result.outcome == CommitOutcome::not_applied && (result.error.is(errc::lost_lease) || result.error.is(errc::in_doubt)));
}

}  // namespace

struct CommitQueue::Impl {
    struct StoreTask {
        std::uint64_t after_unit;  // runs when so many units have been dealt with
        UniqueFunction<void(Store&)> run;
    };

    Impl(Store& the_store, Lease the_lease, BatchNumber last_batch, Executor& the_core, UniqueFunction<void(const Error&)> the_on_fatal,
         Limits the_limits)
        : store(the_store),
          lease(the_lease),
          batch_number(last_batch),
          core(the_core),
          on_fatal(std::move(the_on_fatal)),
          limits(the_limits),
          busy_wait(the_limits.busy_wait) {}

    void run();
    bool wait_for_work();
    bool has_work() const { return !waiting.empty() || !tasks.empty() || stopping; }
    void sleep_until_work(std::unique_lock<std::mutex>& lock);
    void take_units();
    void run_due_tasks();
    void maintain_if_due();
    bool maintain();
    void commit_units();
    void commit_range(std::size_t first, std::size_t last, bool without_growth);
    BatchResult commit_once(const std::vector<Taken*>& units);
    void refuse_growth(std::size_t first, std::size_t last, const Error& error);
    void fail(const Error& error);
    void count(std::uint64_t nanoseconds, std::uint64_t units, std::uint64_t bytes);

    Store& store;
    const Lease lease;
    BatchNumber batch_number;
    Executor& core;
    UniqueFunction<void(const Error&)> on_fatal;
    const Limits limits;
    BusyWait busy_wait;

    // Shared with the submitting threads.
    mutable std::mutex mutex;
    std::condition_variable wake;
    std::deque<Unit> waiting;
    std::deque<StoreTask> tasks;
    std::uint64_t submitted = 0;
    bool sleeping = false;
    std::atomic<bool> has_news{false};  // something was submitted since the thread looked last
    bool stopping = false;
    bool failed = false;
    bool resume_growth = false;  // asked for, and not yet seen by the thread
    Statistics statistics;

    // The store thread's own.
    std::shared_ptr<TakenUnits> batch;
    std::uint64_t dealt_with = 0;
    bool more_maintenance = true;
    SteadyClock::time_point maintained_at{};
    std::vector<std::vector<Operation>> finished;  // durable operations, not yet let go
    std::optional<Error> growth_refused;           // why growing units are refused now
    log::Limiter growth_refusals_logged;
    log::Limiter refusals_logged;
    std::vector<Unit> abandoned;  // after a failure; their completions never run

    std::thread thread;
};

bool CommitQueue::Impl::wait_for_work() {
    std::unique_lock lock(mutex);
    while (!has_work()) {
        if (!more_maintenance) {
            sleep_until_work(lock);
            continue;
        }
        lock.unlock();
        if (!maintain()) return false;
        lock.lock();
    }
    take_units();
    return !batch->empty() || !tasks.empty() || !stopping;
}

/// Or until the engine is to be asked again. The mutex is held before and after.
void CommitQueue::Impl::sleep_until_work(std::unique_lock<std::mutex>& lock) {
    const auto idle_since = SteadyClock::now();
    has_news = false;
    lock.unlock();
    busy_wait.look([this] { return has_news.load(std::memory_order_relaxed); });
    lock.lock();
    if (!has_work()) {
        sleeping = true;
        if (!wake.wait_for(lock, idle_wake, [this] { return has_work(); })) more_maintenance = true;
        sleeping = false;
    }
    busy_wait.idled(SteadyClock::now() - idle_since);
}

/// The mutex is held.
void CommitQueue::Impl::take_units() {
    if (std::exchange(resume_growth, false)) growth_refused.reset();
    batch = std::make_shared<TakenUnits>();
    batch->reserve(std::min<std::size_t>(waiting.size(), limits.units));
    std::uint64_t bytes = 0;
    // A task runs between the units submitted before it and those after it.
    const auto barrier = tasks.empty() ? submitted : tasks.front().after_unit;
    while (!waiting.empty() && batch->size() < limits.units && dealt_with + batch->size() < barrier) {
        bytes += waiting.front().bytes;
        if (!batch->empty() && bytes > limits.bytes) break;
        batch->emplace_back(std::move(waiting.front()));
        waiting.pop_front();
    }
}

void CommitQueue::Impl::run() {
    while (wait_for_work()) {
        if (!batch->empty()) commit_units();
        if (!failed) run_due_tasks();
        if (!failed) maintain_if_due();
        if (failed) return;
    }
}

void CommitQueue::Impl::run_due_tasks() {
    while (true) {
        UniqueFunction<void(Store&)> task;
        {
            const std::lock_guard lock(mutex);
            if (tasks.empty() || tasks.front().after_unit > dealt_with) return;
            task = std::move(tasks.front().run);
            tasks.pop_front();
        }
        task(store);
        more_maintenance = true;
    }
}

bool CommitQueue::Impl::maintain() {
    const auto more = store.maintain();
    maintained_at = SteadyClock::now();
    if (more.ok()) {
        more_maintenance = *more;
        return true;
    }
    more_maintenance = false;
    if (more.error().is(errc::in_doubt) || more.error().is(errc::lost_lease)) {
        fail(more.error());
        return false;
    }
    log::warning("store_maintenance_failed", {{"error", more.error().to_string()}});
    return true;
}

void CommitQueue::Impl::maintain_if_due() {
    more_maintenance = true;
    if (SteadyClock::now() - maintained_at >= maintenance_gap) maintain();
}

void CommitQueue::Impl::commit_units() {
    const auto taken = batch;
    commit_range(0, taken->size(), false);
    dealt_with += taken->size();
    if (failed) {
        for (Taken& unit : *taken) abandoned.push_back(std::move(unit.unit));
        return;
    }
    std::uint64_t refused = 0;
    for (Taken& unit : *taken) {
        if (unit.result.durable) {
            finished.push_back(std::move(unit.unit.operations));
        } else {
            ++refused;
        }
    }
    if (refused > 0) {
        const std::lock_guard lock(mutex);
        statistics.refused_units += refused;
    }
    batch.reset();
    complete(core, taken);
    // The messages of durable units are let go here, after the answer, rather than on the core, which has better things to do.
    finished.clear();
}

void CommitQueue::Impl::refuse_growth(std::size_t first, std::size_t last, const Error& error) {
    for (auto index = first; index < last; ++index) {
        if ((*batch)[index].unit.grows) refuse((*batch)[index], error);
    }
}

/// Commits the units [first, last) and notes their results. Units that fail together are tried in halves, so that the one at fault
/// is refused alone; after a growing unit was refused, the growing ones behind it are refused too.
void CommitQueue::Impl::commit_range(std::size_t first, std::size_t last, bool without_growth) {
    if (growth_refused) {
        refuse_growth(first, last, *growth_refused);
        without_growth = true;
    }
    std::vector<Taken*> units;
    units.reserve(last - first);
    for (auto index = first; index < last; ++index) {
        if (!without_growth || !(*batch)[index].unit.grows) units.push_back(&(*batch)[index]);
    }
    if (units.empty()) return;
    const auto result = commit_once(units);
    if (result.outcome == CommitOutcome::durable) return;
    if (ends_the_store(result)) {
        fail(result.error);
        return;
    }
    const bool has_growth = std::any_of(units.begin(), units.end(), [](const Taken* taken) { return taken->unit.grows; });
    if (result.error.is(errc::disk_full) && has_growth) {
        if (const auto left_out = growth_refusals_logged.pass(SteadyClock::now())) {
            log::warning("growing_units_refused", {{"error", result.error.to_string()}, {"left_out", *left_out}});
        }
        growth_refused = result.error;
        commit_range(first, last, true);
        return;
    }
    if (units.size() == 1) {
        if (const auto left_out = refusals_logged.pass(SteadyClock::now())) {
            log::warning("unit_refused", {{"error", result.error.to_string()}, {"left_out", *left_out}});
        }
        if (units.front()->unit.grows) growth_refused = result.error;
        refuse(*units.front(), result.error);
        return;
    }
    const auto middle = first + (last - first) / 2;
    commit_range(first, middle, without_growth);
    if (!failed) commit_range(middle, last, without_growth);
}

BatchResult CommitQueue::Impl::commit_once(const std::vector<Taken*>& units) {
    Batch merged;
    std::vector<std::size_t> counts;
    counts.reserve(units.size());
    std::uint64_t bytes = 0;
    std::size_t operations = 0;
    for (const Taken* const taken : units) operations += taken->unit.operations.size();
    merged.operations.reserve(operations);
    for (Taken* const taken : units) {
        Unit& unit = taken->unit;
        counts.push_back(unit.operations.size());
        std::move(unit.operations.begin(), unit.operations.end(), std::back_inserter(merged.operations));
        bytes += unit.bytes;
    }
    // The counters are those of the newest unit of the whole batch, refused ones included: a number is never given twice.
    for (const Taken& taken : *batch) {
        merged.next_position = std::max(merged.next_position, taken.unit.next_position);
        merged.next_message = std::max(merged.next_message, taken.unit.next_message);
        merged.next_destination = std::max(merged.next_destination, taken.unit.next_destination);
    }
    const BatchNumber number{batch_number.value + 1};
    BatchResult result;
    std::binary_semaphore answered(0);
    const auto begun = SteadyClock::now();
    store.commit(lease, number, merged, [&](BatchResult answer) {
        result = std::move(answer);
        answered.release();
    });
    answered.acquire();
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - begun).count();
    const bool durable = result.outcome == CommitOutcome::durable;
    if (durable) {
        batch_number = number;
        count(static_cast<std::uint64_t>(nanoseconds), units.size(), bytes);
    }
    std::size_t next_purged = 0;
    auto next = merged.operations.begin();
    for (std::size_t index = 0; index < units.size(); ++index) {
        Taken& taken = *units[index];
        for (std::size_t operation = 0; operation < counts[index]; ++operation, ++next) {
            if (!durable) {
                // A refused unit gets its operations back, to be submitted again.
                taken.unit.operations[operation] = std::move(*next);
            } else if (std::holds_alternative<PurgeEntries>(*next)) {
                taken.result.purged.push_back(result.purged.at(next_purged++));
            }
        }
    }
    if (durable) finished.push_back(std::move(merged.operations));
    return result;
}

void CommitQueue::Impl::count(std::uint64_t nanoseconds, std::uint64_t units, std::uint64_t bytes) {
    const std::lock_guard lock(mutex);
    ++statistics.batches;
    statistics.units += units;
    statistics.bytes += bytes;
    statistics.commit_nanoseconds.add(nanoseconds);
    statistics.batch_units.add(units);
}

void CommitQueue::Impl::fail(const Error& error) {
    {
        const std::lock_guard lock(mutex);
        failed = true;
    }
    log::error("store_failed", {{"error", error.to_string()}, {"effect", "nothing is acknowledged any more"}});
    if (on_fatal) on_fatal(error);
}

CommitQueue::CommitQueue(Store& store, Lease lease, BatchNumber last_batch, Executor& core, UniqueFunction<void(const Error&)> on_fatal,
                         Limits limits)
    : impl_(std::make_unique<Impl>(store, lease, last_batch, core, std::move(on_fatal), limits)) {
    GIROMQ_CHECK(limits.units > 0, "a batch holds at least one unit");
    impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

CommitQueue::~CommitQueue() { stop(); }

void CommitQueue::submit(Unit unit) {
    std::unique_lock lock(impl_->mutex);
    if (impl_->stopping && !impl_->failed) {
        lock.unlock();
        auto refused = std::make_shared<TakenUnits>();
        refused->emplace_back(std::move(unit));
        refuse(refused->front(), Error(errc::stopped));
        complete(impl_->core, std::move(refused));
        return;
    }
    // After a failure it is only kept: neither success nor refusal may be told, and the process is about to end.
    impl_->waiting.push_back(std::move(unit));
    ++impl_->submitted;
    impl_->has_news = true;
    const bool must_wake = std::exchange(impl_->sleeping, false);
    lock.unlock();
    if (must_wake) impl_->wake.notify_one();
}

void CommitQueue::resume_growth() {
    const std::lock_guard lock(impl_->mutex);
    impl_->resume_growth = true;
}

void CommitQueue::run_on_store_thread(UniqueFunction<void(Store&)> task) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->tasks.push_back(Impl::StoreTask{impl_->submitted, std::move(task)});
        impl_->has_news = true;
    }
    impl_->wake.notify_one();
}

void CommitQueue::stop() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
        impl_->has_news = true;
    }
    impl_->wake.notify_one();
    if (impl_->thread.joinable()) impl_->thread.join();
}

CommitQueue::Statistics CommitQueue::statistics() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->statistics;
}

}  // namespace giromq::store
