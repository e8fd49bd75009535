#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "core/errc.hpp"
#include "core/ports.hpp"
#include "model/destination.hpp"
#include "model/outcome.hpp"
#include "model/permission.hpp"
#include "model/user.hpp"
#include "selector/selector.hpp"
#include "store/commit_port.hpp"
#include "store/store.hpp"
#include "xa/registry.hpp"

/// The serial core: it owns every destination, every lock and every count, and is a deterministic function of the commands it is
/// given and the clock. It never blocks, never touches the disk and never parses a body.
///
/// Threads: every method, and every callback, runs on the core's executor. Callbacks may run before the method returns.
/// Errors: expected refusals are values of core::errc.
namespace giromq::core {

struct CoreSettings {
    /// Budget for messages in windows, and for messages received but not yet durable.
    std::uint64_t memory_bytes = 64u << 20;
    /// The most that one queue keeps in memory while others need the budget too.
    std::uint64_t queue_window_bytes = 2u << 20;
    std::uint32_t queue_window_messages = 4096;
    /// Unsettled messages that one producer may have under way.
    std::uint32_t producer_window = 1000;
    /// Unsettled deliveries that one consumer may have, whatever credit it grants. One that drains (a JMS receive without waiting) is never
    /// told that there is nothing because of this limit: it may have ten times as many, and is ended with resource_limit beyond that.
    std::uint32_t consumer_unsettled_max = 20000;
    /// Create a queue when a link names one that does not exist.
    bool create_queues = false;
    std::uint32_t destinations_max = 100000;
    /// Producers whose sequence numbers are remembered; the one unused for longest is forgotten first.
    std::uint32_t producers_max = 10000;
    // Local transactions. Bytes are those of messages in memory; bodies over `chunk_bytes` are in the store meanwhile.
    std::chrono::milliseconds transaction_timeout{300'000};
    std::uint64_t transaction_bytes = 64u << 20;
    std::uint32_t transaction_operations = 10000;
    std::uint32_t transactions_max = 1000;  // open, of one connection
    std::uint32_t branches_max = 100'000;   // of one user
    /// A branch that is in doubt for longer is told of in the log, again after each such time. 0: never.
    std::chrono::milliseconds in_doubt_alarm{300'000};
    /// The defaults of queues created on first use, and of those whose creator says nothing else.
    DestinationSettings queue_defaults;
};

/// A producer's identity for duplicate detection without ids of the application: libgiromq sends both with every message
/// (delivery annotations `giromq:producer-id`, `giromq:sequence`). Sequences start at 1; at most 1024 may be under way.
struct ProducerSequence {
    std::string producer;  // 1 to 64 bytes, chosen at random by the client
    std::uint64_t sequence = 0;
};

struct SendCommand {
    ProducerId producer;
    /// Where to; for a producer attached to a destination that destination.
    DestinationId destination;
    std::shared_ptr<Message> message;  // `number` is filled in by the core
    std::optional<ProducerSequence> sequence;
    std::string duplicate_id;  // given by the application; empty for none; at most 256 bytes
    /// Set for a send that belongs to a transaction of `connection`. Its answer comes at once, and holds if the transaction is committed.
    TransactionId transaction;
    ConnectionId connection;
    bool was_awaited = false;  // it was announced with await_put()
    UniqueFunction<void(const SendResult&)> done;
};

/// How a consumer takes messages.
enum class ConsumerMode : std::uint8_t {
    acquire,  // locks each message until it is settled
    browse,   // looks at the messages there are, then at later ones, and locks nothing
};

struct ConsumerCommand {
    ConnectionId connection;
    DestinationId destination;
    ConsumerMode mode = ConsumerMode::acquire;
    /// Deliveries are settled by sending (at-most-once): removed without waiting for a settlement. Only a message with chunks has to be
    /// settled by the port, when it has sent the last of them.
    bool presettled = false;
    /// Only messages that it selects are for this consumer; null: all are. Consumers with the same program share its work.
    selector::ProgramPtr selector = nullptr;
    ConsumerPort* port = nullptr;  // valid until close_consumer() or ended()
    /// For an administrator who moves messages, and shows them to nobody: not counted as a consumer, nor what it takes as delivered.
    bool is_administrative = false;
    /// What its client calls the link; for administrators.
    std::string name = {};
    /// Nothing behind this position is for this consumer. Not set: everything is. Only for administrative ones.
    Position through = {};
};

/// The outcome of a delivery that becomes part of a transaction.
struct EnlistCommand {
    ConnectionId connection;
    TransactionId transaction;
    ConsumerId consumer;
    Position position;
    Outcome outcome;
    /// The consumer has settled the delivery, so a rollback returns it, counted as failed. One that is not settled stays the consumer's
    /// after a rollback (AMQP 1.0 §4.4.2).
    bool settled = false;
    /// Of one that is not settled: the outcome is durable, or an error: the transaction was rolled back.
    UniqueFunction<void(Result<void>)> done;
};

/// A stretch of a queue as an administrator sees it: nothing is locked or counted. Messages that are not visible yet, or are on their way
/// out, are not shown.
struct LookedAt {
    enum class State : std::uint8_t { available, delivering, prepared, damaged };
    store::StoredEntry stored;  // `message` is null if it is damaged
    std::uint32_t delivery_count = 0;
    State state = State::available;
};
struct Stretch {
    std::vector<LookedAt> items;
    std::uint64_t looked = 0;  // at how many messages, those included that the selector does not select
    Position through;          // where to go on
    bool is_end = false;       // there is nothing behind that, now
};
struct LookCommand {
    DestinationId queue;
    Position after;
    std::uint32_t entries_max = 256;  // of a stretch; more than one may be needed to find anything
    selector::ProgramPtr selector = nullptr;
    UniqueFunction<void(Result<Stretch>)> done;
};

/// What became of a message that an administrator wants to change.
enum class Change : std::uint8_t {
    done,
    not_found,       // there is none at this position, any more
    locked,          // a consumer or a transaction has it
    expired,         // it would be gone at once where it is to go
    no_origin,       // it is no dead letter, or its origin is no more
    resource_limit,  // the queue it is to go to is full
    damaged,
    not_permitted,  // to its origin
};

/// Changes of messages that an administrative consumer holds. All are one unit: durable together, or none of them is done.
struct ChangeCommand {
    enum class Kind : std::uint8_t {
        move,    // to `target`, with its expiry and what it says as a dead letter
        retry,   // to the origin of each dead letter, which it is no longer
        remove,  // for good
    };
    struct Answer {
        std::vector<Change> changes;   // one for each position
        std::optional<Error> refused;  // the store did not take the unit: nothing is done, and the messages are in their place
    };
    Kind kind = Kind::remove;
    ConsumerId holder;
    std::vector<Position> positions;  // ascending
    DestinationId target;
    /// Of a retry: whether a message may go to this origin. Empty: to any.
    std::function<bool(const std::string& origin)> may_go_to = {};
    UniqueFunction<void(Answer)> done;  // after COMMIT
};

/// A call of a transaction manager that completes a branch (X/Open XA, C193).
struct XaCall {
    enum class Kind : std::uint8_t { prepare, commit, rollback, forget };
    Kind kind = Kind::prepare;
    xa::Xid xid;
    xa::Flags flags = xa::tm::no_flags;
    xa::Decision decision = {};  // of an administrator who forgets
};
using XaDone = UniqueFunction<void(xa::ReturnCode)>;

/// A message that a branch in doubt has put or got.
struct BranchMessage {
    bool is_put = false;
    DestinationId destination;
    MessageNumber number;
    std::uint64_t bytes = 0;
};

/// Transactions since start; `open` ones are there now.
struct TransactionCounters {
    std::uint64_t open = 0;
    std::uint64_t declared = 0;
    std::uint64_t committed = 0;
    std::uint64_t rolled_back = 0;
    std::uint64_t timed_out = 0;
};

/// Why a consumer goes: `orderly` gives its unsettled deliveries back with their count unchanged; `lost` (a torn connection) raises the
/// count of the oldest and marks the others as perhaps delivered.
enum class CloseReason : std::uint8_t { orderly, lost };

struct QueueView {
    DestinationId id;
    DestinationSettings settings;
    Timestamp created_at;
    std::uint64_t messages = 0;  // all that are in the queue, locked ones included
    std::uint64_t bytes = 0;
    std::optional<Timestamp> oldest_arrived_at;  // the head came to the broker then; nothing if empty, or not yet read after a start
    std::uint64_t delivering = 0;                // locked by consumers
    std::uint64_t window_messages = 0;           // in memory
    std::uint32_t consumers = 0;
    std::uint32_t producers = 0;
    std::uint64_t enqueued = 0;  // since start, as all the counters that follow
    std::uint64_t delivered = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t expired = 0;
    std::uint64_t dead_lettered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t selectors_over_budget = 0;  // evaluations that were given up, and count as unknown
    std::uint32_t selectors = 0;              // different ones of the consumers that are there now
};

/// A consumer or browser, or a producer, as administrators see it.
struct ConsumerView {
    ConsumerId id;
    ConnectionId connection;
    std::string name;  // of its link
    std::string queue;
    bool is_browser = false;
    selector::ProgramPtr selector;  // null: every message is for it
    std::uint64_t credit = 0;       // that is left
    std::uint64_t unsettled = 0;
    std::uint64_t delivered = 0;
    std::uint64_t acknowledged = 0;  // without those of branches
    Timestamp since;
};
struct ProducerView {
    ProducerId id;
    ConnectionId connection;
    std::string name;
    std::string queue;  // empty: the anonymous relay
    std::uint64_t sent = 0;
    std::uint64_t window = 0;  // messages that it may have under way
    Timestamp since;
};
/// In order of id, from the first behind `after`.
struct LinkQuery {
    std::string queue;        // empty: of any
    ConnectionId connection;  // not set: of any
    std::uint64_t after = 0;
    std::size_t limit = 100;
};

/// Which queues to list, and in which order; those that are the same in it by name.
struct QueueQuery {
    enum class Order : std::uint8_t { name, messages, bytes, consumers, producers, oldest_arrived_at, enqueued, dead_lettered };
    std::string name_part;  // without regard to upper and lower case in ASCII; empty: every name
    std::optional<DestinationOrigin> origin;
    std::optional<bool> is_paused;
    Order order = Order::name;
    bool is_descending = false;
    /// Behind this one: its value in the order, and its name. Empty name: from the first.
    std::uint64_t after_value = 0;
    std::string after_name;
    std::size_t limit = 100;
};
struct QueueList {
    std::vector<QueueView> items;
    bool more = false;
    std::uint64_t last_value = 0;  // of the last item, for `after_value`
};

/// A dead-letter queue that is not empty.
struct DeadLetterView {
    std::string queue;
    std::uint64_t messages = 0;
};

struct CoreView {
    static constexpr std::size_t dead_letters_max = 100;

    std::uint64_t queues = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;                   // of those messages
    std::vector<DeadLetterView> dead_letters;  // in order of name; the first ones, if there are more than that
    std::uint64_t consumers = 0;
    std::uint64_t producers = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t enqueued = 0;
    std::uint64_t delivered = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t expired = 0;
    std::uint64_t dead_lettered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t selectors_over_budget = 0;
    bool disk_full = false;
    TransactionCounters transactions;
    std::uint64_t in_doubt_alarms = 0;  // raised since start
};

class Core {
public:
    /// `workers` judges messages by selectors where that takes longer; null: that is done in place, which only tests should.
    Core(const Clock& clock, store::CommitPort& commits, store::ReadPort& reads, CoreSettings settings, WorkPort* workers = nullptr);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// To be given to Store::recover() before any other call.
    store::RecoveryVisitor& recovery();
    /// After recovery: creates or updates the configured queues and the dead-letter queue, resumes unfinished deletions, and calls
    /// `done` when that is durable.
    void start(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<void>)> done);

    /// The same while the broker runs, as far as queues go: those of the list are made, or get these settings and the origin `configured`,
    /// in one unit; none is deleted, and what is paused stays so. The answer is how many have changed. Refused, all are as before: with
    /// invalid_name, resource_limit or not_ready (one of them is being changed or deleted; try again).
    void configure_queues(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<std::size_t>)> done);

    /// Time has passed: expiry, forgetting of old ids, space on the disk again. Called about every 100 ms.
    void tick();

    /// Ends every consumer and producer, returns what they hold, refuses new work, and calls `done` when everything is durable.
    void stop(UniqueFunction<void()> done);

    // Destinations

    /// The destination of that name; created if it is not there and `create_queues` (settings) allows. `may_create` is the caller's right.
    void open_destination(std::string_view name, bool may_create, UniqueFunction<void(Result<DestinationId>)> done);
    std::optional<DestinationId> find_destination(std::string_view name) const;
    void create_queue(DestinationSettings settings, UniqueFunction<void(Result<DestinationId>)> done);
    /// A queue that only `connection` may consume from; gone with close_connection or delete. Its name starts with "temp-".
    Result<DestinationId> create_temporary_queue(ConnectionId connection);
    /// Refused with in_use if it has consumers and not `even_if_used`. The messages go with it.
    void delete_queue(DestinationId queue, bool even_if_used, UniqueFunction<void(Result<void>)> done);
    /// Removes the messages that are in the queue now and not locked; the answer is their number.
    void purge_queue(DestinationId queue, UniqueFunction<void(Result<std::uint64_t>)> done);
    Result<QueueView> view_queue(DestinationId queue) const;
    /// Queues in order of name, from the first after `after`.
    std::vector<QueueView> list_queues(std::string_view after, std::size_t limit) const;
    QueueList list_queues(const QueueQuery& query) const;
    /// Replaces the settings of a queue but its name, kind and origin. `done` runs when that is durable; refused, they are as before.
    void change_queue(DestinationId queue, DestinationSettings settings, UniqueFunction<void(Result<void>)> done);
    CoreView view() const;
    std::string name_of(DestinationId destination) const;

    // Producers

    /// `destination` not set: the anonymous relay. The answer's window is told through `port` at once.
    /// `name`: what its client calls the link; for administrators.
    Result<ProducerId> open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port, std::string name = {});
    void close_producer(ProducerId producer);
    void send(SendCommand command);

    /// A large body, in pieces, before its message: the number to put into Message::number, then chunks of `chunk_bytes` (the last one
    /// may be shorter). `done` runs when the chunk is durable. They end with send(), whatever its answer, or with drop_chunks().
    MessageNumber begin_chunks();
    void append_chunk(MessageNumber number, std::uint32_t index, SharedBytes bytes, UniqueFunction<void(Result<void>)> done);
    /// The message will not come (the upload was aborted, the link is gone): its chunks are removed in the background.
    void drop_chunks(MessageNumber number);
    /// Reads a chunk for a consumer; `done` runs on the reading thread.
    void read_chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done);

    // Consumers

    Result<ConsumerId> open_consumer(ConsumerCommand command);
    void close_consumer(ConsumerId consumer, CloseReason reason);

    /// Link credit (AMQP 1.0 §2.6.7) as an absolute number: the consumer may receive until it has been given `delivery_limit` deliveries
    /// since it was opened. With `drain` the core answers drained() as soon as nothing more can be delivered.
    void flow(ConsumerId consumer, std::uint64_t delivery_limit, bool drain);

    /// The consumer's port has room again.
    void resume(ConsumerId consumer);

    /// The consumer's outcome for the delivery at `position`. `done` (may be empty) runs when the outcome is durable; for an outcome that
    /// changes nothing durable, at once. An unknown position (settled twice) is ignored and answered with success.
    void settle(ConsumerId consumer, Position position, Outcome outcome, UniqueFunction<void(Result<void>)> done);

    // Administration of links (core_links.cpp)

    std::vector<ConsumerView> list_consumers(const LinkQuery& query) const;
    std::vector<ProducerView> list_producers(const LinkQuery& query) const;
    /// Its port is told the reason; unsettled deliveries go back as they were. Refused with not_found.
    Result<void> end_consumer(ConsumerId consumer, const Error& reason);
    Result<void> end_producer(ProducerId producer, const Error& reason);

    // Administration of messages (queue_look.cpp, queue_change.cpp)

    /// The next stretch of a queue.
    void look(LookCommand command);
    /// The position that the newest message can have: what comes later is behind it.
    Position newest_position() const;
    /// Locks messages for an administrative consumer, whatever its credit. `positions` ascend, at most 1,000; `done` gets for each
    /// whether it is held (Change::done) or why not.
    void hold(ConsumerId holder, std::vector<Position> positions, UniqueFunction<void(std::vector<Change>)> done);
    /// What is not done is given back to its place, and not given to this holder again.
    void change(ChangeCommand command);

    // Transactions (AMQP 1.0 part 4)

    /// A control link: transactions that are declared over it are rolled back when it closes.
    ControlId open_control(ConnectionId connection, ControlPort* port);
    void close_control(ControlId control);
    /// Refused with resource_limit if the connection has too many open.
    Result<TransactionId> declare(ControlId control);
    /// Ends a transaction: with `fail` it is rolled back, which always succeeds; else everything in it becomes durable and visible
    /// together, and `done` runs then, or it is rolled back and refused with transaction_rolled_back or transaction_timeout. An id that is
    /// not open on this connection is refused with transaction_unknown.
    void discharge(ConnectionId connection, TransactionId transaction, bool fail, UniqueFunction<void(Result<void>)> done);
    /// Refused with transaction_unknown; then `done` has run with the error. If the delivery is part of another transaction the control
    /// link of that is ended (§4.4.2); if the transaction has its maximum of operations its own is, with resource_limit. An outcome for
    /// a delivery that the transaction has already takes the place of the one before, and its `done` is not called.
    Result<void> enlist(EnlistCommand command);
    /// A send of the transaction waits for something (its chunks, its queue): a discharge that comes now is carried out after it. Ends
    /// with a send that `was_awaited`, or with work_refused().
    void await_put(ConnectionId connection, TransactionId transaction);
    /// A send or an outcome of the transaction was refused before it came here: the transaction can only be rolled back.
    void work_refused(ConnectionId connection, TransactionId transaction, const Error& reason, bool was_awaited);

    // Transaction branches (X/Open XA), docs/protocol-xa.md. A control link is a thread of control; its calls are carried out in order.

    /// xa_start: `id` names the association in sends and outcomes on this connection, if the answer is XA_OK.
    xa::ReturnCode xa_start(ConnectionId connection, ControlId control, const xa::Xid& xid, xa::Flags flags, xa::StartOptions options,
                            TransactionId& id);
    /// Whether the id names an association of this connection with a branch; else it is a local transaction's, or nobody's.
    bool is_branch_work(ConnectionId connection, TransactionId id) const;
    /// Carries out a call when those before it on this control link have been: an xa_end may wait for messages.
    void in_turn(ControlId control, UniqueFunction<void()> call);
    /// xa_end of the association.
    void xa_end(ConnectionId connection, TransactionId id, xa::Flags flags, XaDone done);
    /// xa_prepare, xa_commit, xa_rollback and xa_forget: `done` runs when what they changed is durable.
    void xa_complete(ControlId control, XaCall call, XaDone done);
    /// Restarts the timeout of a branch that is not prepared. XAER_PROTO once xa_prepare has been called.
    xa::ReturnCode xa_set_timeout(const xa::Xid& xid, std::chrono::milliseconds timeout);
    /// An administrator's decision on a branch in doubt; durable, with its line in the audit, when `done` runs with XA_OK.
    void xa_resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, XaDone done);
    /// An administrator forgets in place of the manager; with a line in the audit.
    void xa_forget(const xa::Xid& xid, xa::Decision decision, XaDone done);
    /// For xa_recover, and for administrators.
    const xa::Registry& branches() const;
    /// What a prepared branch has put, then what it has got, each in order, from the one with the number `first`, counted from 0.
    std::vector<BranchMessage> branch_messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit) const;

    /// The connection is gone: its transactions are rolled back, its consumers and producers closed, its temporary queues deleted.
    void close_connection(ConnectionId connection, CloseReason reason);

    // Users, permissions and named selectors, which the core only takes to the store. Refusals: not_ready while it stops; those of the
    // store.

    const std::vector<User>& recovered_users() const;
    void put_user(User user, UniqueFunction<void(Result<void>)> done);
    void remove_user(std::string name, UniqueFunction<void(Result<void>)> done);
    const std::vector<Permission>& recovered_permissions() const;
    void put_permission(Permission permission, UniqueFunction<void(Result<void>)> done);
    void remove_permission(std::uint64_t id, UniqueFunction<void(Result<void>)> done);
    /// These steps, in this order, in one unit: all of them hold after a crash, or none.
    using SecurityStep = std::variant<store::PutUser, store::RemoveUser, store::PutPermission, store::RemovePermission, store::PutAudit>;
    void change_security(std::vector<SecurityStep> steps, UniqueFunction<void(Result<void>)> done);
    /// The unit of work that `command` commits before it returns carries this line of the audit, so that both become durable or neither; a
    /// command that is refused leaves none. False if nothing was committed.
    bool audited(AuditEntry entry, UniqueFunction<void()> command);
    /// Records that the query asks for, the newest first, of the next audit_look_max.
    void read_audit(AuditQuery query, UniqueFunction<void(Result<AuditStretch>)> done) const;
    /// A line of the audit by itself. `done` may be null.
    void put_audit(AuditEntry entry, UniqueFunction<void(Result<void>)> done);
    const std::vector<NamedSelector>& recovered_selectors() const;
    void put_selector(NamedSelector selector, UniqueFunction<void(Result<void>)> done);
    void remove_selector(std::string name, UniqueFunction<void(Result<void>)> done);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace giromq::core
