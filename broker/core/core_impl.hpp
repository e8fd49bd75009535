#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/branch_keeper.hpp"
#include "core/context.hpp"
#include "core/core.hpp"
#include "core/queue.hpp"
#include "core/recovery.hpp"
#include "core/router.hpp"
#include "core/transactions.hpp"

namespace giromq::core {

inline Error stopping_error() { return Error(errc::not_ready, "the broker is stopping"); }

/// What is behind core.hpp: producers and their sends (core_send.cpp), consumers, connections and time (core_impl.cpp).
class Core::Impl {
public:
    Impl(const Clock& clock, store::CommitPort& commits, store::ReadPort& reads, CoreSettings settings, WorkPort* workers)
        : context(clock, commits, reads, std::move(settings), workers),
          router(context),
          transactions(context, router),
          branches(context, router, transactions),
          recovery(context, router, branches) {
        router.on_room_changed = [this](Queue& queue) { tell_windows(queue); };
        router.on_end_consumer = [this](ConsumerId id, const Error& reason) { end_consumer(id, reason); };
        router.on_closing = [this](Queue& queue, const Error& reason) {
            transactions.queue_closes(queue.id(), reason);
            branches.queue_closes(queue.id());
            end_all_of(queue, reason);
        };
        transactions.on_room_changed = [this](Queue& queue) { tell_windows(queue); };
        transactions.on_chunks_dropped = [this](MessageNumber number) { drop_chunks(number); };
        transactions.on_staged = [this](std::int64_t bytes) {
            context.staged_bytes += static_cast<std::uint64_t>(bytes);
            hold_back_if_short();
        };
    }

    void send(SendCommand command);
    Result<void> enlist(EnlistCommand command);
    void fail_transaction(ConnectionId connection, TransactionId id, const Error& reason);
    void awaited_put_came(ConnectionId connection, TransactionId id);
    void drop_chunks(MessageNumber number);
    void append_chunk(store::PutChunk chunk, UniqueFunction<void(Result<void>)> done);
    void tick();
    void stop(UniqueFunction<void()> done);
    Result<ProducerId> open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port, std::string name);
    void close_producer(ProducerId id);
    Result<ConsumerId> open_consumer(const ConsumerCommand& command);
    void close_consumer(ConsumerId id, CloseReason reason);
    void end_consumer(ConsumerId id, const Error& reason);
    void close_connection(ConnectionId connection, CloseReason reason);
    CoreView view() const;

    Consumer* consumer(ConsumerId id) {
        const auto found = consumers.find(id);
        return found == consumers.end() ? nullptr : found->second.get();
    }

    /// Commits an operation on a user or a named selector.
    void commit_record(store::Operation operation, UniqueFunction<void(Result<void>)> done);
    /// Several of them in one unit.
    void commit_records(std::vector<store::Operation> operations, UniqueFunction<void(Result<void>)> done);

    Context context;
    Router router;
    Transactions transactions;
    BranchKeeper branches;
    Recovery recovery;
    std::unordered_map<ConsumerId, std::unique_ptr<Consumer>> consumers;
    std::unordered_map<ProducerId, std::unique_ptr<Producer>> producers;
    bool stopping = false;

private:
    /// A send whose unit is under way.
    struct PendingSend {
        DestinationId queue;
        Queue::Placed placed;
        Arrival arrival;
        std::optional<ProducerSequence> sequence;
        std::string duplicate_id;
        SendDone done;
    };

    std::optional<Error> invalid(const SendCommand& command, const Queue* queue) const;
    std::optional<Error> refusal_of(const SendCommand& command, const Queue& queue) const;
    bool is_duplicate(SendCommand& command, Queue& queue);
    void put(SendCommand command, Queue* queue);
    Result<bool> is_duplicate_put(const SendCommand& command, Queue& queue, TransactionId owner);
    std::optional<Error> take_put(SendCommand& command, Queue& queue, TransactionId owner);
    bool is_in_branch(const SendCommand& command) const { return branches.knows(command.connection, command.transaction); }
    void after_send(ProducerId producer, Queue& queue);
    void settled(PendingSend& pending, const store::UnitResult& result);
    void tell_windows(Queue& queue);
    void tell_window(Producer& producer);
    std::uint32_t window_of(const Producer& producer) const;
    void end_all_of(Queue& queue, const Error& reason);
    void hold_back_if_short();

    std::uint64_t next_id_ = 1;
    bool held_back_ = false;  // every producer waits: too much is staged
    MonotonicTime housekeeping_at_{};
};

}  // namespace giromq::core
