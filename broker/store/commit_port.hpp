#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/store.hpp"

/// The two doors through which the core reaches the store thread and the reading thread. The simulation implements them over a
/// virtual scheduler; commit_queue.hpp and read_queue.hpp implement them over threads.
namespace giromq::store {

/// What became of a unit: durable, or refused with the reason. There is no third: an outcome in doubt ends the process.
struct UnitResult {
    bool durable = true;
    Error error{errc::stopped};  // meaningful unless durable
    std::vector<PurgeCount> purged;
    /// Unless durable: the unit's operations, untouched, so that they can be taken back and submitted again. Never null then.
    std::vector<Operation>* refused_operations = nullptr;
};

/// A unit of work: operations that become durable together, and what to do then.
struct Unit {
    std::vector<Operation> operations;
    /// True if the unit adds messages. When the disk is full such units are refused, others (acknowledgements) still go through.
    bool grows = false;
    /// About how much it will write; bounds a batch.
    std::uint64_t bytes = 0;
    // The core's counters after this unit was staged.
    Position next_position;
    MessageNumber next_message;
    DestinationId next_destination;
    /// Called once, on the core's executor, in the order of submission.
    UniqueFunction<void(const UnitResult&)> done;
};

class CommitPort {
public:
    virtual ~CommitPort() = default;

    /// Hands a unit to the next group commit. Called on the core's executor only; never blocks. Units become durable in the order in
    /// which they were submitted. A unit whose neighbours in the batch cannot be applied is not harmed by them.
    virtual void submit(Unit unit) = 0;

    /// After a growing unit was refused, for whatever reason, every later growing unit is refused as well, until this is called: so a unit
    /// staged on the assumption that an earlier one succeeded can never become durable without it.
    virtual void resume_growth() = 0;
};

class ReadPort {
public:
    virtual ~ReadPort() = default;

    /// Reads a page on the reading thread; `done` runs on the core's executor.
    virtual void page(DestinationId destination, Position after, PageLimits limits, UniqueFunction<void(Result<Page>)> done) = 0;

    /// Reads one chunk of a large body on the reading thread; `done` runs there, and must only hand over.
    virtual void chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done) = 0;

    /// Reads one message on the reading thread; `done` runs on the core's executor.
    virtual void message(MessageNumber number, UniqueFunction<void(Result<MessagePtr>)> done) = 0;

    /// Reads records of the audit on the reading thread; `done` runs on the core's executor.
    virtual void audit(AuditQuery query, UniqueFunction<void(Result<AuditStretch>)> done) = 0;
};

}  // namespace giromq::store
