#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/context.hpp"
#include "core/duplicates.hpp"
#include "core/holders.hpp"
#include "core/sift.hpp"
#include "core/window.hpp"

namespace giromq::core {

class Queue;
class Selection;
struct SelectorGroup;

/// A consumer or browser, as its queue sees it.
struct Consumer {
    ConsumerId id;
    ConnectionId connection;
    Queue* queue = nullptr;
    ConsumerPort* port = nullptr;
    ConsumerMode mode = ConsumerMode::acquire;
    bool presettled = false;
    bool drain = false;
    bool ready = false;  // in the queue's list of consumers that can be given something
    std::uint64_t delivery_limit = 0;
    std::uint64_t delivered = 0;
    std::uint32_t unsettled = 0;
    std::uint64_t turn = 0;  // the lower, the longer it has been ready
    bool is_administrative = false;
    std::string name;
    Timestamp since;
    std::uint64_t acknowledged = 0;
    Position through;  // set: nothing behind it is for this consumer

    selector::ProgramPtr selector;   // null: every message is for it
    SelectorGroup* group = nullptr;  // of the consumers with the same selector

    // For browsers: how far they have looked, and what was read for them and not yet delivered.
    Position looked_at;
    std::deque<store::StoredEntry> read_ahead;
    bool reading = false;
    Position sifted_through;  // with a selector: what is read ahead is all that it selects up to here

    std::uint64_t credit() const { return delivery_limit > delivered ? delivery_limit - delivered : 0; }
    bool is_for(const Entry& entry) const {
        return (!through.is_set() || entry.position <= through) &&
               (entry.not_for.empty() || std::find(entry.not_for.begin(), entry.not_for.end(), id) == entry.not_for.end());
    }
};

struct Producer {
    ProducerId id;
    ConnectionId connection;
    Queue* queue = nullptr;  // null for the anonymous relay
    ProducerPort* port = nullptr;
    std::uint32_t window = 0;  // as last told
    bool has_sent = false;
    std::uint64_t sent = 0;
    std::string name;
    Timestamp since;
};

/// Counts since start.
struct QueueCounters {
    std::uint64_t enqueued = 0;
    std::uint64_t delivered = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t expired = 0;
    std::uint64_t dead_lettered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t selectors_over_budget = 0;
};

/// What a queue asks of the router that owns it.
class QueueHost {
public:
    virtual ~QueueHost() = default;
    /// The dead-letter queue of that name; made within `work` if it does not exist. Null if there can be none.
    virtual Queue* dead_letter_queue(const std::string& name, tx::UnitOfWork& work) = 0;
    /// The room for producers may have changed.
    virtual void room_changed(Queue& queue) = 0;
    /// Ends a consumer, which gives its unsettled deliveries back.
    virtual void end_consumer(ConsumerId consumer, const Error& reason) = 0;
    /// The queue by id, or null: effects run after a COMMIT, when the queue may be gone.
    virtual Queue* find(DestinationId id) = 0;
    /// The queue of that name, or null.
    virtual Queue* find_name(std::string_view name) = 0;
};

/// A message on its way into a queue: staged, not yet durable.
struct Arrival {
    MessagePtr message;
    DeadLetterPtr dead_letter;
    bool keeps = true;    // persistent messages keep over a restart, in a queue that does
    bool parked = false;  // without its bytes, see Entry
};

/// What is needed to settle, move and count a message. Its size stays what it was.
MessagePtr without_bytes(const Message& message);
/// The same of a persistent message that only the store has.
MessagePtr facts_of(MessageNumber number, std::uint64_t bytes);

/// One queue: strict FIFO by position, competing consumers in turn, a bounded window of it in memory and the rest in the store.
///
/// What is in the window: if `reaches_tail_`, every entry there is; otherwise every entry up to `covered_through_`, and what
/// is behind it is read from the store page by page when consumers need it (queue_paging.cpp). Entries whose COMMIT has not returned are no
/// exception: those behind the window wait in `outside_` until it reaches them, so that nothing behind one is ever shown before it.
class Queue {
public:
    Queue(DestinationId id, DestinationSettings settings, Timestamp created_at, Context& context, QueueHost& host);
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// As found in the store at start.
    void recover(const store::StoredDestination& stored);
    /// The row of the queue is in the store. Until then every unit that puts an entry into the queue brings the row with it, as the unit
    /// that was meant to create it may be refused.
    void row_is_durable() { has_row_ = true; }
    bool has_row() const { return has_row_ || is_temporary(); }
    store::PutDestination row() const { return {id_, settings_, created_at_}; }
    /// Nobody uses it and nothing is in it or on its way into it.
    bool unused() const;

    // Arrival (queue.cpp)

    /// Refusal by the queue's limits, if any.
    std::optional<Error> refusal(std::uint64_t bytes) const;
    /// What each of its producers may have under way, so that all of them together come to the limits and not far beyond; 0 if there is no
    /// room. Half of the room is shared out at a time, since what was given as credit cannot be taken back.
    std::uint32_t producer_share() const;
    /// Room enough to give credit again to producers that were held back: not at once for every message that leaves.
    bool has_room_again() const;
    /// Gives the arrival its position and stages what must be stored; the entry is pending until commit_arrival or refuse_arrival.
    /// Returns the position, and whether anything was staged (nothing was: the entry is in memory only, and already there).
    struct Placed {
        Position position;
        bool staged = false;
        bool in_memory_only = false;
        Position horizon;  // set if the unit also extends the delivery horizon
    };
    /// `with_commit`: what would be in memory only waits for the COMMIT of the unit too, since it is shown with the rest of it or never.
    enum class Showing : std::uint8_t { at_once, with_commit };
    Placed place(const Arrival& arrival, tx::UnitOfWork& work, bool message_is_stored, Showing showing = Showing::at_once);
    void commit_arrival(const Placed& placed, const Arrival& arrival);
    void refuse_arrival(const Placed& placed, const Arrival& arrival);

    // Delivery (queue_dispatch.cpp)

    void attach(Consumer& consumer);
    void detach(Consumer& consumer, CloseReason reason);
    void flow(Consumer& consumer, std::uint64_t delivery_limit, bool drain);
    /// The consumer may be able to take more.
    void resume(Consumer& consumer);
    /// Takes the consumer's credit away: it is about to be closed, and must not be given what others of its connection return.
    void silence(Consumer& consumer);
    /// Before a stop: what is with consumers, or may have been with one before, will be told so when the queue is found again.
    void mark_for_restart();
    void dispatch();

    // Transactions (queue_transaction.cpp)

    /// Room for a message that an open transaction will put here.
    void reserve(std::uint64_t bytes);
    void unreserve(std::uint64_t bytes);
    /// The outcome of the delivery becomes part of the transaction. False if the consumer does not hold it.
    bool enlist(Consumer& consumer, Position position, TransactionId transaction);
    /// Which transaction has the entry, if one does.
    TransactionId holder_of(Position position);

    /// What the outcome of a transaction's get has put into its unit.
    struct StagedGet {
        enum class Kind : std::uint8_t { gone, removal, move, giving_back };
        Kind kind = Kind::gone;
        Position position;
        std::uint64_t bytes = 0;
        std::uint32_t failed_deliveries = 0;
        bool undeliverable_here = false;
        DestinationId target;  // of a move
        Placed placed;
        Arrival arrival;
    };
    StagedGet stage_get(Position position, TransactionId transaction, const Outcome& outcome, tx::UnitOfWork& work);
    /// The COMMIT of the unit has returned.
    void get_is_durable(const StagedGet& get);
    /// The unit was refused: the entry is enlisted again.
    void get_is_refused(const StagedGet& get);
    /// The transaction is rolled back. `failed`: the delivery counts as failed; `unsettled`: it is the consumer's again, if that is
    /// there; `unchanged`: it goes back to its place as it was.
    enum class Return : std::uint8_t { failed, unsettled, unchanged };
    void return_get(Position position, TransactionId transaction, Return how);

    // Prepared branches (queue_branch.cpp)

    /// A got entry whose branch is prepared.
    struct PreparedGet {
        DestinationId queue;
        Position position;
        MessageNumber number;
        std::uint64_t bytes = 0;
        store::GetOutcome outcome = store::GetOutcome::removed;
        std::uint32_t delivery_count = 0;     // after a commit that returns it
        std::uint32_t failed_deliveries = 0;  // before the branch
        ConsumerId not_for;
        DestinationId target;  // of one that moves to a dead-letter queue
        Arrival arrival;
        bool dies = false;  // by the rollback of its branch, which is under way: it has failed too often then
        Placed placed;      // of one that dies
    };
    /// What the prepare of its branch stores of an enlisted entry; nothing if it is locked in memory only.
    std::optional<PreparedGet> prepare_get(Position position, TransactionId owner, const Outcome& outcome, tx::UnitOfWork& work);
    void get_is_prepared(Position position, TransactionId owner);
    /// From the prepare on it is no consumer's any more, in the store or in memory only.
    void belongs_to_branch(Position position);
    /// As found at start.
    void restore_prepared(Position position, TransactionId owner);
    /// The commit of its branch is under way.
    void branch_get_leaves(const PreparedGet& get);
    /// The rollback is. What has failed too often by it goes to the dead-letter queue in the same unit, so that nothing can come between.
    void stage_branch_rollback(PreparedGet& get, tx::UnitOfWork& work);
    void branch_get_ended(const PreparedGet& get, bool committed);
    Placed place_dead_branch_get(const Arrival& arrival, bool is_known, tx::UnitOfWork& work);
    /// A put of a branch that is committed takes its place; its rows are the store's affair. Unless `is_known` its message is only there.
    Placed place_branch_put(Position position, const Arrival& arrival, bool is_known, tx::UnitOfWork& work);
    /// Around the time in which a branch that is prepared, or being prepared, has work here: the queue cannot be deleted then.
    void branch_work_begins() { ++branch_work_; }
    void branch_work_ends() { --branch_work_; }
    bool has_branch_work() const { return branch_work_ > 0; }
    bool is_prepared(Position position) const { return prepared_.contains(position); }

    // Outcomes (queue_outcome.cpp)

    void settle(Consumer& consumer, Position position, Outcome outcome, UniqueFunction<void(Result<void>)> done);
    void expire(Timestamp now);

    // Administration (queue_admin.cpp, queue_look.cpp, queue_change.cpp)

    void look(LookCommand command);
    void hold(Consumer& holder, std::vector<Position> positions, UniqueFunction<void(std::vector<Change>)> done);
    /// `target`: of a move, not this queue.
    void change(Consumer& holder, ChangeCommand command, Queue* target);
    void purge(UniqueFunction<void(Result<std::uint64_t>)> done);
    /// Asks the store for the head if nobody knows how old it is, as after a start; true if it did.
    bool look_at_head();
    /// Takes no more part: its consumers and producers were ended before, its memory is given back.
    void close();
    /// Removes every message of a closed queue in steps, and calls `emptied` when nothing of it is left but its row. Waits for what is
    /// under way in it, so that a removal that was refused is not tried again when its entry, or the queue, is gone.
    void empty(UniqueFunction<void()> emptied);
    /// Gives memory back where nobody is waiting for it.
    void shrink();
    ~Queue();
    void update(DestinationSettings settings);

    QueueView view() const;
    std::uint64_t order_value(const QueueQuery& query) const;
    DestinationId id() const { return id_; }
    const DestinationSettings& settings() const { return settings_; }
    Timestamp created_at() const { return created_at_; }
    bool is_temporary() const { return settings_.origin == DestinationOrigin::temporary; }
    bool closing() const { return closing_; }
    ConnectionId owner;  // of a temporary queue
    std::uint64_t messages() const { return messages_; }
    std::uint64_t bytes() const { return bytes_; }
    std::size_t consumer_count() const { return consumers_.size(); }
    const QueueCounters& counters() const { return counters_; }
    DuplicateIds duplicate_ids;
    std::uint32_t producer_count = 0;
    bool is_changing = false;      // its settings are on their way to the store
    std::uint32_t told_share = 0;  // what producers were last told of producer_share()
    void count_duplicate() { ++counters_.duplicates; }

private:
    friend class Selection;

    // queue_dispatch.cpp
    void make_ready(Consumer& consumer);
    Consumer* next_consumer(const Entry& entry);
    void deliver(Entry& entry, Consumer& consumer);
    std::vector<Entry*> held_by(ConsumerId consumer);
    bool horizon_allows(const Entry& entry);
    void extend_horizon();
    void stage_horizon(Position horizon);
    bool may_hold_more(const Consumer& consumer) const;
    bool can_take(const Consumer& consumer) const;
    void answer_drains();
    void end_overfull();
    void rewind(Position position);
    bool nothing_more(const Consumer& consumer) const;
    bool nothing_within_bounds(const Consumer& consumer) const;
    bool nothing_available_behind(std::size_t index) const { return nothing_available(index, window_.slots()); }
    bool nothing_available(std::size_t index, std::size_t end) const;

    // queue_strict.cpp
    /// Nothing from there on is for the consumer now: somebody else has that entry. Nothing if the queue is not strict.
    std::optional<Position> limit_of(const Consumer& consumer) const;
    bool may_have(const Consumer& consumer, Position position) const;
    /// Whoever could be given the entry has to wait for what is before it.
    bool is_held_up(Position position) const;
    void is_out(Position position, ConsumerId holder);
    void is_decided(Position position);

    // queue_browse.cpp
    enum class Look : std::uint8_t { shown, blocked, end };
    void look_further(Consumer& browser);
    Look show_from_window(Consumer& browser);
    bool sees_everything(const Consumer& browser, Look look) const;
    void finish_drain(Consumer& browser);
    void forget_read_ahead();
    bool show_read_ahead(Consumer& browser);
    void show(Consumer& browser, Delivery delivery);
    void read_for(Consumer& browser);
    void read_for_browser(ConsumerId id, std::uint64_t generation, Result<store::Page> page);
    void browsers_look();

    // queue_browse_selected.cpp
    void look_for_selected(Consumer& browser);
    bool sift_window(Consumer& browser);
    void sift(Consumer& browser, std::vector<store::StoredEntry> entries, Position through);
    void sifted(ConsumerId id, std::uint64_t generation, Sift& sift);
    void count_over_budget(const selector::Program& program, const Message& message);

    // queue_paging.cpp
    bool retains(const Message& message) const;
    std::uint64_t window_budget() const;
    bool wants_page() const;
    bool wants_page_to_expire() const;
    void read_page();
    void page_read(std::uint64_t generation, Result<store::Page> page);
    void merge_page(store::Page page);
    Position room_through(const std::vector<Entry>& page, Position last);
    void bring_in(std::vector<Entry> entries, Position through);
    std::optional<Entry> entry_of(store::StoredEntry stored);
    bool can_be_read_again(const Entry& entry) const;
    void quarantine(const store::StoredEntry& stored);

    // queue_parking.cpp
    void park(Entry& entry);
    void fetch(Position position);
    void fetched(Result<store::Page> page);
    void park_again();

    // queue_outcome.cpp
    // `done` is taken by an outcome that has to wait for a COMMIT; one that is left has only to be called.
    using Done = UniqueFunction<void(Result<void>)>;
    void give_back(Entry& entry);
    void fail_delivery(Entry& entry, Done& done);
    void fail_oldest(const std::vector<Entry*>& held);
    void store_count(const Entry& entry, Done& done);
    store::SetDeliveryCount count_of(const Entry& entry) const;
    void keep_from(Entry& entry, ConsumerId consumer);
    static std::string text_of(const Rejected& rejected);
    static std::string failed_text(std::uint32_t failed_deliveries);
    void remove(Entry& entry, Done& done);
    bool dead_letter(Entry& entry, std::string cause, std::string description, Done& done);
    Queue* dead_letter_target(tx::UnitOfWork& work);
    Arrival dead_letter_of(const Entry& entry, const Queue& target, std::string cause, std::string description);
    DeadLetterPtr reason_of(MessageNumber number, const Queue& target, std::string cause, std::string description, std::uint32_t count);
    void stage_move(Entry& entry, Queue& target, std::string cause, std::string description, tx::UnitOfWork& work, StagedGet& get);
    void stage_failure(Entry& entry, tx::UnitOfWork& work, StagedGet& get);
    void moved(const StagedGet& get, bool durable);
    void recall(Position position);
    void recalled(Position position, Result<store::Page> page);
    void recall_again();
    void move_to(Queue& target, Entry& entry, const Arrival& arrival, tx::UnitOfWork work, Done& done);
    void drop_expired(Entry& entry);
    void expire_window(Timestamp now);
    store::RemoveEntry removal_of(const Entry& entry, bool last_reference) const;
    void removed(Position position, std::uint64_t bytes);
    void left(Position position, std::uint64_t bytes);
    void gone_ahead(Position position);
    void tell_room();
    void unlock(Entry& entry);
    void leaves_with_branch(Position position);
    bool has_failed_too_often(std::uint32_t failed_deliveries) const {
        return settings_.max_deliveries != 0 && failed_deliveries >= settings_.max_deliveries;
    }
    /// Around a unit that is tried until it is durable and names entries of this queue.
    void unit_begins() { ++units_under_way_; }
    void unit_ends();

    // queue_admin.cpp
    void purge_step(Position through, std::vector<Position> kept, std::uint64_t sum, UniqueFunction<void(Result<std::uint64_t>)> done);
    void purge_ends(std::uint64_t sum, UniqueFunction<void(Result<std::uint64_t>)> done);
    const Entry* head() const;
    std::optional<Timestamp> oldest_arrived_at() const;
    void head_read(Position after, const Result<store::Page>& page);

    // queue_look.cpp
    struct Looking;
    void look_on(std::shared_ptr<Looking> looking);
    bool look_at_window(Looking& looking);
    void look_into_store(std::shared_ptr<Looking> looking);
    void take_looked_at(Looking& looking, store::Page page);
    std::optional<LookedAt::State> shown_state(Position position);
    void sift_looked_at(std::shared_ptr<Looking> looking);

    // queue_change.cpp
    struct Holding;
    struct Changing;
    void hold_on(std::shared_ptr<Holding> holding);
    std::optional<Change> hold_in_memory(Consumer& holder, Position position);
    Change hold_stored(Consumer& holder, store::StoredEntry stored);
    void hold_from_page(std::shared_ptr<Holding> holding, std::uint64_t generation, Result<store::Page> page);
    void lock_for(Consumer& holder, Entry& entry);
    Change stage_change(Entry& entry, const ChangeCommand& command, Queue* target, tx::UnitOfWork& work, Changing& changing);
    Queue* origin_of(const Entry& entry, const ChangeCommand& command, Change& refusal);
    void change_ended(Changing& changing, const store::UnitResult& result);
    void change_is_refused(const StagedGet& get);

    /// Tells the common budget what the window holds now.
    void account_memory();
    void take_out(Entry& entry);
    /// In the window, or ahead of it with a consumer that selected it; null if it is in neither.
    Entry* find_entry(Position position);
    void replace_message(Entry& entry, MessagePtr message);
    /// As a page of the store would show it.
    store::StoredEntry as_stored(const Entry& entry) const;
    /// Nothing is being read any more that could show what is gone.
    void forget_gone_ahead();
    bool is_gone_ahead(Position position) const;
    Selection& selection();
    /// True if the window, and not only the store, tells what is at this position.
    bool is_covered(Position position) const { return reaches_tail_ || position <= covered_through_; }
    Entry make_entry(Position position, const Arrival& arrival) const;
    /// Over a restart, wherever it moves. What a prepared branch has put is kept from then on, whatever its message says.
    static bool keeps(const Entry& entry) { return entry.message->durable || !entry.is_volatile; }
    void stage_horizon_with(Placed& placed, tx::UnitOfWork& work);
    void keep_aside(Entry entry);

    const DestinationId id_;
    DestinationSettings settings_;
    const Timestamp created_at_;
    Context& context_;
    QueueHost& host_;

    Window window_;
    bool reaches_tail_ = true;
    Position covered_through_;
    std::size_t scan_ = 0;             // slots before it hold nothing available
    std::optional<Position> skipped_;  // the first available entry before scan_, which no ready consumer could have
    bool dispatching_ = false;
    std::uint64_t accounted_bytes_ = 0;

    // Paging: what becomes durable while a page is read is kept aside, so that the window can reach the tail again although the snapshot
    // of the page may not have it.
    bool page_under_way_ = false;
    bool fetch_under_way_ = false;
    std::vector<Position> fetched_;  // by the last fetch
    std::uint64_t page_generation_ = 0;
    std::map<Position, Entry> outside_;  // pending entries behind the window
    std::vector<Entry> arrived_meanwhile_;
    bool meanwhile_overflowed_ = false;
    std::uint64_t meanwhile_bytes_ = 0;
    std::uint32_t purges_under_way_ = 0;
    std::vector<Position> quarantining_;  // entries on their way into quarantine

    /// What the store has first behind `after`; worth something while the window is empty and ends there.
    struct StoredHead {
        Position after;
        std::optional<Timestamp> arrived_at;  // nothing if the message is damaged
    };
    std::optional<StoredHead> stored_head_;
    bool head_under_way_ = false;

    // Delivery horizon.
    Position crash_horizon_;
    Position horizon_durable_;
    Position horizon_staged_;

    // Durable messages and those in memory only; and what is staged on top.
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t pending_messages_ = 0;
    std::uint64_t pending_bytes_ = 0;
    std::uint64_t locked_ = 0;
    std::uint64_t leaving_ = 0;
    Position completed_through_;  // the highest position that producers, or whoever moved it here, have been told of
    Position durable_through_;    // the highest that is visible: a page may show what is durable before its completion comes
    bool may_expire_ = false;
    bool has_expired_ = false;  // something has

    std::unordered_map<ConsumerId, Consumer*> consumers_;
    std::deque<Consumer*> ready_;
    std::vector<Consumer*> draining_;
    std::vector<ConsumerId> overfull_;  // to be ended after dispatching
    std::vector<Consumer*> browsers_;
    std::uint64_t turns_ = 0;
    std::uint32_t administrators_ = 0;       // among the consumers
    std::uint32_t administrator_reads_ = 0;  // pages that are being read for them
    std::unique_ptr<Selection> selection_;   // once there was a consumer with a selector

    Holders holders_;  // of a strict queue
    QueueCounters counters_;
    std::map<Position, TransactionId> prepared_;  // got by prepared branches, in memory or not
    std::uint64_t branch_work_ = 0;
    std::set<Position> recalling_;  // given back by branches, and on their way from the store
    std::vector<Position> recall_again_;
    bool has_row_ = false;
    bool closing_ = false;
    std::uint64_t units_under_way_ = 0;
    UniqueFunction<void()> emptied_;  // set while empty() waits for them
};

}  // namespace giromq::core
