#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "store/commit_port.hpp"
#include "store/store.hpp"

namespace giromq::test {

/// The core's two doors to the store, with the test as the scheduler: units wait until write() commits them as one batch, and their
/// completions wait until complete() runs them; pages wait until snapshot() reads them and deliver_page() hands them over. So a test
/// decides every interleaving that the real threads could produce. Batches, refusals and the block on growing units are as in
/// store/commit_queue.hpp. What the store refuses for any reason but a full disk is a broken invariant of the core, and throws.
class FakeStore final : public store::CommitPort, public store::ReadPort {
public:
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    FakeStore(store::Store& engine, store::Lease lease) : engine_(engine), lease_(lease), last_batch_(engine.last_batch().value()) {}

    // Faults; each stays until it is set back.
    bool disk_full = false;   // growing units are refused
    bool refuse_all = false;  // every unit is refused, as on a disk without even the reserve
    bool reads_fail = false;  // pages end in an I/O error
    std::uint32_t page_entries_max = std::numeric_limits<std::uint32_t>::max();  // pages are cut after so many entries

    // What happened.
    std::uint64_t growth_resumed = 0;
    std::uint64_t batches = 0;
    std::uint64_t pages_asked = 0;

    void submit(store::Unit unit) override { waiting_.push_back(std::move(unit)); }

    void resume_growth() override {
        const bool in_flight = std::any_of(waiting_.begin(), waiting_.end(), [](const auto& unit) { return unit.grows; }) ||
                               std::any_of(written_.begin(), written_.end(), [](const auto& done) { return done.unit.grows; });
        if (in_flight) throw std::logic_error("resume_growth was called while a growing unit was in flight");
        growth_blocked_ = false;
        ++growth_resumed;
    }

    void page(DestinationId destination, Position after, store::PageLimits limits,
              UniqueFunction<void(Result<store::Page>)> done) override {
        ++pages_asked;
        asked_.push_back(Read{destination, after, limits, std::move(done), std::nullopt});
    }

    void chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done) override {
        done(engine_.chunk(number, index));
    }

    void message(MessageNumber number, UniqueFunction<void(Result<MessagePtr>)> done) override { done(engine_.message(number)); }
    void audit(AuditQuery query, UniqueFunction<void(Result<AuditStretch>)> done) override { done(engine_.audit(query)); }

    /// Units that no batch has taken yet.
    const std::deque<store::Unit>& waiting() const { return waiting_; }
    /// Units committed or refused, whose completions have not run.
    std::size_t written() const { return written_.size(); }
    std::size_t asked() const { return asked_.size(); }
    std::size_t read() const { return read_.size(); }
    bool idle() const { return waiting_.empty() && written_.empty() && asked_.empty() && read_.empty(); }

    /// COMMIT returns for the first `units` waiting units, as one batch; the core does not know yet.
    void write(std::size_t units = all) {
        std::vector<store::Unit> batch;
        while (!waiting_.empty() && batch.size() < units) {
            batch.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
        }
        if (batch.empty()) return;
        const bool grows = std::any_of(batch.begin(), batch.end(), [](const auto& unit) { return unit.grows; });
        if (refuse_all || (disk_full && grows)) growth_blocked_ = growth_blocked_ || grows;
        std::vector<bool> refused;
        for (const auto& unit : batch) refused.push_back(refuse_all || (growth_blocked_ && unit.grows));
        commit(batch, refused);
    }

    /// The core learns the outcome of the oldest written unit.
    bool complete() {
        if (written_.empty()) return false;
        Done next = std::move(written_.front());
        written_.pop_front();
        if (!next.result.durable) next.result.refused_operations = &next.unit.operations;
        next.unit.done(next.result);
        return true;
    }

    /// The oldest page that was asked for is read now; the core does not have it yet.
    bool snapshot() {
        if (asked_.empty()) return false;
        Read next = std::move(asked_.front());
        asked_.pop_front();
        next.limits.entries = std::min(next.limits.entries, page_entries_max);
        next.page = reads_fail ? Result<store::Page>(Error(store::errc::io_error, "asked for by the test"))
                               : engine_.page(next.destination, next.after, next.limits);
        read_.push_back(std::move(next));
        return true;
    }

    /// The core gets the oldest page that was read.
    bool deliver_page() {
        if (read_.empty()) return false;
        Read next = std::move(read_.front());
        read_.pop_front();
        next.done(std::move(*next.page));
        return true;
    }

    /// COMMIT and completions for everything that waits now.
    void commit_waiting() {
        write();
        while (complete()) {
        }
    }

    /// One page, read and handed over at once.
    void answer_page() {
        snapshot();
        deliver_page();
    }

    /// Everything, also what follows from it, until nothing is under way.
    void run() {
        for (int rounds = 0; !idle(); ++rounds) {
            if (rounds > 100000) throw std::logic_error("the core never comes to rest");
            commit_waiting();
            answer_page();
        }
    }

private:
    struct Read {
        DestinationId destination;
        Position after;
        store::PageLimits limits;
        UniqueFunction<void(Result<store::Page>)> done;
        std::optional<Result<store::Page>> page;
    };
    struct Done {
        store::Unit unit;
        store::UnitResult result;
    };

    void commit(std::vector<store::Unit>& units, const std::vector<bool>& refused) {
        store::Batch batch;
        for (std::size_t index = 0; index < units.size(); ++index) {
            if (refused[index]) continue;
            for (const auto& operation : units[index].operations) batch.operations.push_back(operation);
            batch.next_position = units[index].next_position;
            batch.next_message = units[index].next_message;
            batch.next_destination = units[index].next_destination;
        }
        store::BatchResult result;
        if (std::find(refused.begin(), refused.end(), false) != refused.end()) {
            ++batches;
            const BatchNumber number{last_batch_.value + 1};
            engine_.commit(lease_, number, batch, [&result](store::BatchResult answer) { result = std::move(answer); });
            if (result.outcome != store::CommitOutcome::durable) {
                throw std::logic_error("the store could not apply a batch of the core: " + result.error.to_string());
            }
            last_batch_ = number;
        }
        auto purged = result.purged.begin();
        for (std::size_t index = 0; index < units.size(); ++index) {
            Done done{std::move(units[index]), {}};
            done.result.durable = !refused[index];
            done.result.error = Error(store::errc::disk_full, "asked for by the test");
            if (!refused[index]) {
                for (const auto& operation : done.unit.operations) {
                    if (std::holds_alternative<store::PurgeEntries>(operation)) done.result.purged.push_back(*purged++);
                }
            }
            written_.push_back(std::move(done));
        }
    }

    store::Store& engine_;
    store::Lease lease_;
    BatchNumber last_batch_;
    bool growth_blocked_ = false;
    std::deque<store::Unit> waiting_;
    std::deque<Done> written_;
    std::deque<Read> asked_;
    std::deque<Read> read_;
};

}  // namespace giromq::test
