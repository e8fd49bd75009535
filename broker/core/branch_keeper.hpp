#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/queue.hpp"
#include "core/transactions.hpp"
#include "tx/branches.hpp"

namespace giromq::core {

/// Transaction branches (XA) in the core: it keeps what each branch has put and got, and does with it what the registry of branches decides
/// (xa/registry.hpp). A branch that is not prepared is kept like a local transaction, in memory only; a prepared one is in the store, its
/// puts invisible, its gets locked, and is found there again at start.
///
/// Threads: the core's executor.
class BranchKeeper final : public tx::BranchWork, public xa::Effects {
public:
    BranchKeeper(Context& context, Router& router, Transactions& transactions);

    // Calls of transaction managers. A control link is a thread of control, and its calls are carried out in order.

    /// `id` is for work in the branch on this connection, if the answer is XA_OK.
    xa::ReturnCode start(ConnectionId connection, ControlId control, const xa::Xid& xid, xa::Flags flags, xa::StartOptions options,
                         TransactionId& id);
    /// Carries out the call when those before it on the control link have been.
    void in_turn(ControlId control, UniqueFunction<void()> call);
    void end(ConnectionId connection, TransactionId id, xa::Flags flags, XaDone done);
    void complete(ControlId control, XaCall call, XaDone done);
    void resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, XaDone done);
    void close_control(ControlId control);
    void close_connection(ConnectionId connection);
    void queue_closes(DestinationId queue);
    void stop();
    void tick();
    xa::ReturnCode set_timeout(const xa::Xid& xid, std::chrono::milliseconds timeout) {
        return branches_.registry().set_timeout(xid, timeout);
    }
    const xa::Registry& registry() const { return branches_.registry(); }
    std::uint64_t alarms() const { return branches_.alarms(); }
    std::vector<BranchMessage> messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit) const;

    // Work, under the id that start() gave

    bool knows(ConnectionId connection, TransactionId id) const;
    /// What holds the branch's entries and ids of duplicates.
    TransactionId owner(TransactionId id) const;
    std::optional<Error> refusal(TransactionId id) const;
    Result<void> put(TransactionId id, Queue& queue, TransactionPut put);
    Result<void> enlist(Consumer& consumer, EnlistCommand command);
    void await_put(TransactionId id);
    void awaited_put_came(TransactionId id);
    /// The branch can only be rolled back.
    void fail(TransactionId id);

    // What the store holds at start

    void restore(const store::StoredBranch& branch);
    void restore(const store::PreparePut& put);
    void restore(const store::PrepareGet& get);
    void restore(const store::PutTombstone& tombstone) { branches_.journal().restore(tombstone); }
    /// That was all.
    void recovered() { restored_ = {}; }

    // tx::BranchWork
    Position take_positions(std::uint64_t count) override;
    void commit(tx::UnitOfWork work) override;
    void stage_prepare(const xa::Xid& xid, BranchId branch, tx::UnitOfWork& work) override;
    void stage_one_phase(const xa::Xid& xid, tx::UnitOfWork& work) override;
    std::uint64_t stored_puts(const xa::Xid& xid) const override;
    void stage_completion(const xa::Xid& xid, xa::Outcome outcome, Position first, tx::UnitOfWork& work) override;
    void settled(const xa::Record& record, xa::Durability durability) override;

    // xa::Effects
    void answer(xa::CallId call, xa::ReturnCode code) override;
    void discard(const xa::Xid& xid) override;

private:
    /// A put that is in the store.
    struct PreparedPut {
        DestinationId queue;
        Arrival arrival;
        bool is_known = true;  // its message is in memory; found at start, only the store has it
        bool is_moved = false;
        std::optional<ProducerSequence> sequence;
        std::string duplicate_id;
        Queue::Placed placed;
    };
    struct Branch {
        TransactionId owner;
        TransactionWork work;  // of a prepared one, what is not in the store
        std::vector<PreparedPut> puts;
        std::vector<Queue::PreparedGet> gets;
        TransactionWork rest;                   // becomes `work` when the prepare is durable
        std::unique_ptr<StagedWork> under_way;  // with a commit
        bool is_prepared = false;
        std::vector<TransactionId> associations;  // those that may still be there

        bool is_idle() const { return !is_prepared && under_way == nullptr && work.operations() == 0 && puts.empty() && gets.empty(); }
    };
    struct Association {
        ConnectionId connection;
        ControlId control;
        xa::Xid xid;
        std::uint32_t awaited = 0;
        UniqueFunction<void()> end_waits;  // for what is awaited
    };
    struct Control {
        ConnectionId connection;
        std::unordered_set<TransactionId> associations;
        bool is_blocked = false;
        std::deque<UniqueFunction<void()>> waiting;
    };

    Branch& branch(const xa::Xid& xid) { return known_.at(xid); }
    void unblock(ControlId control);
    void forget_association(TransactionId id);
    void forget_migrated(const xa::Xid& xid, Branch& known);
    void let_memory_go();
    xa::CallId expect(XaDone done);
    void prepare_put(const TransactionPut& put, BranchId id, Branch& branch, tx::UnitOfWork& work);
    bool prepare_get(const TransactionGet& get, BranchId id, Branch& branch, tx::UnitOfWork& work);
    void prepared(Branch& branch, bool durable);
    void completed(const xa::Xid& xid, bool committed);
    void settle_duplicates(const PreparedPut& put, bool committed);

    Context& context_;
    Router& router_;
    Transactions& transactions_;
    std::unordered_map<xa::Xid, Branch> known_;
    std::unordered_map<TransactionId, Association> associations_;
    std::unordered_map<ControlId, Control> controls_;
    std::unordered_map<std::uint64_t, XaDone> calls_;
    std::unordered_map<BranchId, Branch*> restored_;  // while the store is being read
    std::uint64_t next_call_ = 1;
    MonotonicTime memory_looked_at_{};
    tx::Branches branches_;
};

}  // namespace giromq::core
