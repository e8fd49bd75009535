#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/log_limiter.hpp"
#include "core/core.hpp"
#include "model/ids.hpp"
#include "store/commit_port.hpp"
#include "tx/unit_of_work.hpp"

namespace giromq::core {

/// What every part of the core shares: the clock, the door to the store, the counters of positions and numbers, and the memory budget.
class Context {
public:
    Context(const Clock& the_clock, store::CommitPort& commits, store::ReadPort& the_reads, CoreSettings the_settings,
            WorkPort* the_workers = nullptr)
        : clock(the_clock), reads(the_reads), settings(std::move(the_settings)), workers(the_workers), commits_(commits) {}

    const Clock& clock;
    store::ReadPort& reads;
    const CoreSettings settings;
    WorkPort* const workers;

    void recover_counters(Position position, MessageNumber message, DestinationId destination);
    Position take_position() { return Position{next_position_.value++}; }
    MessageNumber take_message_number() { return MessageNumber{next_message_.value++}; }
    DestinationId take_destination_id() { return DestinationId{next_destination_.value++}; }
    Position next_position() const { return next_position_; }

    /// Hands the unit to the next group commit. Effects run when it is durable or refused.
    void commit(tx::UnitOfWork work);
    /// The same for a unit that must succeed in the end (acknowledgements, removals): if it is refused it is tried again at each tick,
    /// and its effects run only when it is durable. Its operations must stay valid however much later they are applied.
    void commit_until_durable(tx::UnitOfWork work);

    /// What is committed while `command` runs has this line of the audit in its first unit; a command that commits nothing leaves none,
    /// and then this is false.
    bool audited(AuditEntry entry, UniqueFunction<void()> command);
    /// Puts the line into this unit, for a command whose first one is not the one that counts.
    void take_audit(tx::UnitOfWork& work);

    /// True while growing units are refused: after one was, for a second.
    bool growth_blocked() const { return growth_blocked_; }
    bool disk_full() const { return disk_full_; }
    void tick();
    /// True if nothing waits to be tried again.
    bool idle_of_retries() const { return retries_.empty(); }
    bool idle() const { return in_flight_ == 0 && retries_.empty(); }
    /// Called once, when nothing is under way any more.
    std::function<void()> on_idle;

    // Who undoes something in several steps holds dispatching meanwhile: a message that is back must not go out again before its count is
    // on its way to the store, nor before who gave it back has been answered.
    void hold_dispatching() { ++dispatching_held_; }
    /// True if the queue has to wait; it is among those that are let go later.
    bool dispatches_later(DestinationId queue);
    /// The queues that waited; none as long as somebody else holds them.
    std::set<DestinationId> let_dispatching_go();

    // Memory of windows, over all queues.
    std::uint64_t memory_bytes = 0;
    // What the pages that are being read may bring.
    std::uint64_t reading_bytes = 0;
    bool memory_is_scarce() const { return memory_bytes > settings.memory_bytes / 4 * 3; }
    // Messages staged and not yet durable.
    std::uint64_t staged_bytes = 0;

private:
    void submit(std::unique_ptr<tx::UnitOfWork> work, bool until_durable);
    void finished(std::unique_ptr<tx::UnitOfWork> work, bool until_durable, const store::UnitResult& result);
    void refused(const tx::UnitOfWork& work, const Error& error);

    store::CommitPort& commits_;
    Position next_position_{1};
    MessageNumber next_message_{1};
    DestinationId next_destination_{1};
    std::uint64_t in_flight_ = 0;
    std::optional<AuditEntry> audit_;
    std::uint64_t growing_in_flight_ = 0;
    bool growth_blocked_ = false;
    bool disk_full_ = false;
    MonotonicTime growth_again_at_{};
    std::deque<std::unique_ptr<tx::UnitOfWork>> retries_;
    log::Limiter refusals_logged_;  // each of the retries is refused at each tick, as long as nothing can be written
    std::uint32_t dispatching_held_ = 0;
    std::set<DestinationId> to_dispatch_;
};

}  // namespace giromq::core
