#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "store/memory/memory_store.hpp"

namespace giromq::store::test {

/// A memory store whose commits wait for the test, and end as the test says.
class ScriptedStore final : public Store {
public:
    /// Decides about a batch: durable means that the memory store is asked.
    using Script = std::function<BatchResult(const Batch&)>;

    Script script = [](const Batch&) { return BatchResult{}; };

    /// The next commits wait until open_gate().
    void close_gate() { set_gate(true); }
    void open_gate() { set_gate(false); }
    /// Waits until a commit is at the closed gate.
    void wait_at_gate() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return at_gate_; });
    }
    /// The number of operations of every batch that was committed, in order.
    std::vector<std::size_t> batch_sizes() const {
        const std::lock_guard lock(mutex_);
        return batch_sizes_;
    }
    Batch last_batch_committed() const {
        const std::lock_guard lock(mutex_);
        return last_;
    }

    Result<Lease> acquire() override { return inner_.acquire(); }
    Result<std::string> instance() override { return inner_.instance(); }
    void commit(const Lease& lease, BatchNumber number, const Batch& batch, UniqueFunction<void(BatchResult)> done) override {
        {
            std::unique_lock lock(mutex_);
            at_gate_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !closed_; });
            at_gate_ = false;
        }
        auto decided = script(batch);
        if (decided.outcome != CommitOutcome::durable) {
            done(std::move(decided));
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            batch_sizes_.push_back(batch.operations.size());
            last_ = batch;
        }
        inner_.commit(lease, number, batch, std::move(done));
    }
    Result<BatchNumber> last_batch() override { return inner_.last_batch(); }
    Result<void> recover(RecoveryVisitor& visitor) override { return inner_.recover(visitor); }
    Result<Page> page(DestinationId destination, Position after, PageLimits limits) override {
        return inner_.page(destination, after, limits);
    }
    Result<SharedBytes> chunk(MessageNumber number, std::uint32_t index) override { return inner_.chunk(number, index); }
    Result<MessagePtr> message(MessageNumber number) override { return inner_.message(number); }
    Result<AuditStretch> audit(const AuditQuery& query) override { return inner_.audit(query); }
    Result<void> start_backup(const std::string& path, UniqueFunction<void(Result<void>)> done) override {
        return inner_.start_backup(path, std::move(done));
    }
    Result<bool> maintain() override {
        const std::lock_guard lock(mutex_);
        return maintenance_;
    }
    Health health() const override { return inner_.health(); }
    Result<void> release(const Lease& lease) override { return inner_.release(lease); }

    void set_maintenance(Result<bool> answer) {
        const std::lock_guard lock(mutex_);
        maintenance_ = std::move(answer);
    }

private:
    void set_gate(bool closed) {
        const std::lock_guard lock(mutex_);
        closed_ = closed;
        changed_.notify_all();
    }

    MemoryStore inner_{make_memory_disk()};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool closed_ = false;
    bool at_gate_ = false;
    std::vector<std::size_t> batch_sizes_;
    Batch last_;
    Result<bool> maintenance_{false};
};

inline BatchResult refusal(errc code, CommitOutcome outcome = CommitOutcome::not_applied) {
    BatchResult result;
    result.outcome = outcome;
    result.error = Error(code, "as the test says");
    return result;
}

}  // namespace giromq::store::test
