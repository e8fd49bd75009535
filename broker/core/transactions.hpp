#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/context.hpp"
#include "core/core.hpp"
#include "core/queue.hpp"
#include "core/router.hpp"

namespace giromq::core {

/// A message that a transaction will put.
struct TransactionPut {
    DestinationId queue;
    std::shared_ptr<Message> message;
    std::optional<ProducerSequence> sequence;
    std::string duplicate_id;
};

/// An outcome that a transaction will apply.
struct TransactionGet {
    DestinationId queue;
    Position position;
    Outcome outcome;
    bool settled = false;
    UniqueFunction<void(Result<void>)> done;  // of an unsettled one
};

/// What a transaction has to do.
struct TransactionWork {
    std::vector<TransactionPut> puts;
    std::vector<TransactionGet> gets;
    std::uint64_t bytes = 0;  // in memory, of the puts

    std::size_t operations() const { return puts.size() + gets.size(); }
};

/// Work that has been put into a unit.
struct StagedWork {
    struct Put {
        Queue::Placed placed;
        Arrival arrival;
    };

    TransactionId id;
    TransactionWork work;
    std::vector<Put> puts;               // as work.puts
    std::vector<Queue::StagedGet> gets;  // as work.gets
};

/// Local transactions (AMQP 1.0 part 4). Until a transaction is discharged its work lies here: nothing of it is in the store, except
/// chunks of large bodies, and nothing is shown. Its commit is one unit of work, so one transaction of the store, over any queues.
///
/// Threads: the core's executor.
class Transactions {
public:
    Transactions(Context& context, Router& router) : context_(context), router_(router) {}

    ControlId open_control(ConnectionId connection, ControlPort* port);
    /// The transactions that were declared over it are rolled back.
    void close_control(ControlId control);
    void close_connection(ConnectionId connection);
    /// The broker stops: what was got goes back uncounted, since nobody has failed.
    void stop();

    Result<TransactionId> declare(ControlId control);
    void discharge(ConnectionId connection, TransactionId id, bool fail, UniqueFunction<void(Result<void>)> done);

    /// Why the transaction takes no more work, if it does not.
    std::optional<Error> refusal(ConnectionId connection, TransactionId id) const;
    /// The put has been checked by who calls; refused with resource_limit by the limits of transactions.
    Result<void> put(TransactionId id, Queue& queue, TransactionPut put);
    Result<void> enlist(Consumer& consumer, EnlistCommand command);
    /// A put is on its way that will come later than a discharge that is sent now.
    void await_put(ConnectionId connection, TransactionId id);
    void awaited_put_came(TransactionId id);
    /// Work that belongs to the transaction was refused: it can only be rolled back.
    void fail(ConnectionId connection, TransactionId id, const Error& reason);

    /// The queue is being deleted.
    void queue_closes(DestinationId queue, const Error& reason);
    void tick();

    /// While there is one no queue gives anything out; the last one to end dispatches every queue that waited. So what is undone is
    /// undone as a whole, its counts are on their way to the store, and whoever waits is answered, before any of it is shown again.
    class Pause {
    public:
        explicit Pause(Transactions& transactions) : transactions_(transactions) { transactions.context_.hold_dispatching(); }
        ~Pause() { transactions_.dispatch(transactions_.context_.let_dispatching_go()); }
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;

    private:
        Transactions& transactions_;
    };

    // For branches (core/branch_keeper.hpp), whose work is kept in the same way

    TransactionId take_id() { return TransactionId{next_id_++}; }
    /// Why one more put would exceed a limit, if it would.
    std::optional<Error> limit(const TransactionWork& work, const TransactionPut& put) const;
    void add_put(TransactionWork& work, Queue& queue, TransactionPut put);
    /// An outcome for a delivery that the work has already takes the place of the one before.
    static void enlist_again(TransactionWork& work, EnlistCommand command);
    /// Undoes work of which nothing is in the store, and dispatches.
    void roll_back_work(TransactionId id, TransactionWork& work, Queue::Return how);
    std::unique_ptr<StagedWork> stage(TransactionId id, TransactionWork work, tx::UnitOfWork& unit);
    void durable(StagedWork& staged);
    /// What is left: the gets, as they were.
    TransactionWork refused(StagedWork& staged);
    void forget_bytes(std::uint64_t bytes) { bytes_ -= bytes; }
    /// With those that messages move to: what is pending there holds up what is behind it.
    static std::set<DestinationId> queues_of(const StagedWork& staged);
    void dispatch(const std::set<DestinationId>& queues);

    /// Memory of messages that open transactions will put.
    std::uint64_t bytes() const { return bytes_; }
    TransactionCounters counters() const;

    /// Called with the bytes that have begun (or ended, if negative) to be on their way to the store.
    std::function<void(std::int64_t)> on_staged;
    /// The room for producers of a queue may have changed.
    std::function<void(Queue&)> on_room_changed;
    std::function<void(MessageNumber)> on_chunks_dropped;

private:
    struct Transaction {
        TransactionId id;
        ControlId control;
        ConnectionId connection;
        MonotonicTime deadline;
        TransactionWork work;
        std::optional<Error> failed;  // it can only be rolled back
        bool is_over = false;         // and is: only its discharge is still to come
        std::uint32_t awaited = 0;
        UniqueFunction<void(Result<void>)> commit_waits;  // for what is awaited
    };
    struct Control {
        ConnectionId connection;
        ControlPort* port = nullptr;
    };

    Transaction* find(ConnectionId connection, TransactionId id);
    const Transaction* find(ConnectionId connection, TransactionId id) const;
    Transaction take(TransactionId id);
    /// Undoes the work, in a pause: its queues are dispatched when that ends.
    void roll_back(TransactionId id, TransactionWork& work, Queue::Return how, const Error& reason);
    void roll_back_puts(TransactionWork& work, const Error& reason, bool has_room);
    void end(TransactionId id, Queue::Return how);
    void time_out(TransactionId id);
    void end_control(ControlId control, const Error& reason);
    void refuse_beyond_limit(Consumer& consumer, EnlistCommand command, ControlId control);
    std::vector<TransactionId> where(const std::function<bool(const Transaction&)>& matches) const;
    void commit(Transaction transaction, UniqueFunction<void(Result<void>)> done);
    void stage_puts(StagedWork& staged, tx::UnitOfWork& work);
    void committed(StagedWork& staged, UniqueFunction<void(Result<void>)>& done);
    void commit_refused(StagedWork& staged, const store::UnitResult& result, UniqueFunction<void(Result<void>)>& done);
    void settle_duplicates(const TransactionPut& put, const SendResult& answer);
    static std::set<DestinationId> queues_of(const TransactionWork& work);

    Context& context_;
    Router& router_;
    std::unordered_map<TransactionId, Transaction> open_;
    std::unordered_map<ControlId, Control> controls_;
    std::unordered_map<ConnectionId, std::uint32_t> open_of_;
    std::uint64_t next_id_ = 1;
    std::uint64_t bytes_ = 0;
    MonotonicTime look_at_{};  // no deadline is before it
    TransactionCounters counters_;
};

}  // namespace giromq::core
