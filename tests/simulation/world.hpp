#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/core.hpp"
#include "selector/program_cache.hpp"
#include "simulation/model.hpp"
#include "simulation/random.hpp"
#include "store/memory/memory_store.hpp"
#include "support/fake_store.hpp"
#include "support/fake_work.hpp"
#include "support/manual_clock.hpp"

namespace giromq::simulation {

class World;

/// A consumer or browser of the simulated network.
class SimConsumer final : public core::ConsumerPort {
public:
    SimConsumer(World& world, ConsumerKey key, ConnectionId connection) : world_(world), key_(key), connection_(connection) {}

    void deliver(core::Delivery delivery) override;
    bool has_room() const override { return room; }
    void drained() override;
    void ended(const Error& reason) override;

    ConsumerKey key() const { return key_; }
    ConnectionId connection() const { return connection_; }

    ConsumerId id;
    bool has_ended = false;
    bool room = true;  // the network takes what it is given
    std::vector<std::pair<Tag, Position>> held;

private:
    World& world_;
    ConsumerKey key_;
    ConnectionId connection_;
};

/// A producer: it keeps to its credit unless it is told otherwise.
class SimProducer final : public core::ProducerPort {
public:
    void window(std::uint32_t messages) override { room = messages; }
    void ended(const Error&) override { has_ended = true; }

    ProducerId id;
    ConnectionId connection;
    DestinationId queue;
    std::uint32_t room = 0;
    bool has_ended = false;
};

/// A control link, which nothing ends here.
class SimControl final : public core::ControlPort {
public:
    void ended(const Error&) override { has_ended = true; }
    bool has_ended = false;
};

/// One run: a real core over a store in memory, a scheduler that decides in which order everything happens, random clients, crashes
/// and faults, and the model that watches. Everything comes from the seed.
class World {
public:
    World(std::uint64_t seed, std::uint64_t steps);
    ~World();

    /// Runs it. The answer is what was wrong, or empty.
    std::string run();

    /// What it did, for the curious.
    std::string summary() const;

private:
    friend class SimConsumer;

    struct Sent {
        Tag tag = 0;
        DestinationId queue;
        bool persistent = true;
        Timestamp expires_at;
        std::size_t padding = 0;
        std::uint32_t chunks = 0;
        std::optional<core::ProducerSequence> sequence;
        std::string duplicate_id;
    };

    struct Purge {
        std::vector<Tag> tags;
        std::pair<std::uint64_t, std::uint64_t> bounds{0, 0};  // the least and the most that it may count
        bool alone = true;
        bool answered = false;
    };

    void note(const std::string& event);

    // The store and time (world.cpp)
    void step();
    void store_step();
    void fault_step();
    void pass(std::chrono::milliseconds time);
    void heal();
    void rest();
    void check();
    std::string windows() const;
    void finish();
    void drain_queue(DestinationId queue);

    // Life and death (world_restart.cpp)
    void open(bool clean, bool first);
    void crash();
    void restart();
    void forget_clients();
    std::vector<store::StoredEntry> contents(DestinationId queue) const;

    // Clients (world_clients.cpp)
    void client_step();
    void rare_client_step();
    void send();
    void send_again();
    Sent something_new(DestinationId queue);
    std::shared_ptr<Message> message_of(
        const Sent& what, const std::function<void(const Result<void>&)>& stored = [](const Result<void>&) {});
    void remember(const Sent& what);
    void send(const Sent& what, ProducerId producer);
    void open_consumer();
    void open_producer();
    void flow();
    void flow(SimConsumer& consumer);
    void resume(SimConsumer& consumer);
    void give_room_to_all();
    void check_producers();
    void settle_one();
    void settle(SimConsumer& consumer, std::size_t index, const Outcome& outcome);
    void close_consumer();
    void close_connection();
    void create_queue();
    void create_temporary_queue();
    void delete_queue();
    void purge_queue();
    void purged(DestinationId id, Purge& purge, const Result<std::uint64_t>& result);
    void queue_is_there(DestinationId id, const DestinationSettings& settings, bool temporary);
    DestinationSettings random_settings(const std::string& name);
    std::optional<DestinationId> any_queue(bool with_dead_letters);
    SimConsumer* any_consumer();
    SimConsumer& connect(DestinationId queue, core::ConsumerMode mode, bool presettled, ConnectionId connection,
                         Selects selects = Selects::all);
    void run_all();

    // Transactions (world_transactions.cpp)
    struct Get {
        Tag tag = 0;
        Position position;
        ConsumerKey by = 0;
        Outcome outcome;
        bool settled = true;
    };
    struct Transaction {
        TransactionId id;
        ConnectionId connection;
        MonotonicTime deadline;
        std::vector<Sent> puts;
        std::vector<Get> gets;
        std::uint32_t uploads = 0;  // large messages that are coming
        bool failed = false;        // it can only be rolled back
        bool over = false;          // and is
    };
    void transaction_step();
    void declare();
    void put(Transaction& transaction);
    void put(TransactionId id, ConnectionId connection, const Sent& what, std::shared_ptr<Message> message);
    void uploaded(TransactionId id, ConnectionId connection, const Sent& what, std::shared_ptr<Message> message, bool refused);
    void enlist(Transaction& transaction);
    void discharge(std::size_t index, bool fail);
    void discharged(const std::shared_ptr<Transaction>& transaction, const Result<void>& result);
    void close_control();
    void roll_back(Transaction& transaction);
    /// The transactions of a connection that is going.
    void end_transactions(ConnectionId connection);
    void time_out_transactions();
    void fail_transactions(DestinationId queue);
    void rolled_back_are_back();
    void check_commits_in_doubt();
    /// One that a consumer holds, with an outcome by chance.
    Get take_get(SimConsumer& consumer, std::size_t index);
    core::EnlistCommand command_of(const Get& get, const SimConsumer& consumer, TransactionId id, ConnectionId connection);
    /// The transaction is over already: what is settled goes back, counted; the rest is the consumer's still.
    void return_at_once(SimConsumer& consumer, const Get& get);
    std::size_t transaction_puts() const;
    /// Room that is kept in the queue for what open transactions will put.
    std::uint64_t kept_room(DestinationId queue) const;
    /// Outcomes that are answered when their transaction is discharged.
    std::uint64_t unanswered_in_transactions() const;

    // Branches (world_branches.cpp, world_completion.cpp)
    enum class Stage : std::uint8_t { open, preparing, prepared, completing, decided };
    /// An association of a branch with a connection; not set if that has gone and it migrates.
    struct Tie {
        TransactionId id;
        ConnectionId connection;
        bool is_suspended = false;
        bool migrates = false;
        std::uint32_t uploads = 0;  // large messages that are coming
    };
    struct Branch {
        explicit Branch(std::uint64_t given) : number(given), xid(*xa::Xid::make(1, "branch-" + std::to_string(given), "")) {}

        std::uint64_t number;
        xa::Xid xid;
        Stage stage = Stage::open;
        Transaction work;  // `over`: it is rolled back
        std::vector<Tie> ties;
        std::map<Tag, DeadLetter> reasons;  // of what it has rejected, as of its prepare
        bool may_be_doomed = false;         // there is a reason to roll it back
        bool is_told = false;               // its manager has heard XA_RB*
        bool is_resolved = false;           // and has rolled it back; somebody is active in it still
        bool commits = false;               // of one that is completing
        bool is_one_phase = false;
        bool is_heuristic = false;
        bool is_applied = false;  // the model knows the outcome
        bool was_committed = false;
        bool is_forgetting = false;
    };
    using BranchPtr = std::shared_ptr<Branch>;
    void branch_step();
    ControlId control_of(ConnectionId connection);
    bool is_busy(ConnectionId connection) const;
    std::optional<ConnectionId> free_connection();
    void start_branch();
    static Tie* active_tie(Branch& branch);
    void put(const BranchPtr& branch);
    void put(const BranchPtr& branch, const Tie& tie, const Sent& what, std::shared_ptr<Message> message);
    void put_when_uploaded(const BranchPtr& branch, Tie& tie, const Sent& what);
    void enlist(Branch& branch);
    void tie_step(const BranchPtr& branch);
    void check_association(const Branch& branch, xa::ReturnCode code, const char* call);
    void join(Branch& branch);
    void resume(Branch& branch, Tie& tie);
    void end_tie(const BranchPtr& branch, const Tie& tie, xa::Flags flags);
    void doom(Branch& branch);
    void expire_if_due(Branch& branch);
    void sync(Branch& branch);
    void sync_branches();
    void lose_ties(ConnectionId connection);
    void forget(const BranchPtr& branch);
    void find_out_about(Tag tag);
    void find_out_about_those_before(Tag shown, ConsumerKey to);
    bool has_ended_in_the_store(const Branch& branch, DestinationId queue);
    void find_out_about_rollbacks();
    void find_out_about_commits(Tag shown, ConsumerKey to);
    std::uint64_t branch_puts(std::optional<DestinationId> queue) const;
    void branches_may_lose(DestinationId queue);
    void complete_step(const BranchPtr& branch);
    ControlId any_control(const Branch& branch);
    void call(const BranchPtr& branch, core::XaCall::Kind kind, xa::Flags flags, std::function<void(xa::ReturnCode)> answered);
    void complete_open(const BranchPtr& branch);
    void roll_back_open(const BranchPtr& branch);
    bool is_stored_get(Tag tag) const;
    void prepare(const BranchPtr& branch);
    void begin_commit(Branch& branch);
    void begin_rollback(Branch& branch);
    void apply(Branch& branch, bool committed);
    void take_end_back(Branch& branch);
    void commit_one_phase(const BranchPtr& branch);
    void complete_prepared(const BranchPtr& branch, bool commits, bool by_decision);
    void ended(const BranchPtr& branch);
    void call_again(const BranchPtr& branch);
    void forget_decided(const BranchPtr& branch);
    void finish_branches();
    void recover_branches();
    void recover_completing(const BranchPtr& branch, const xa::Branch* known);
    void drop(const BranchPtr& branch);
    void lock_again(const std::map<DestinationId, std::vector<store::StoredEntry>>& stored);

    // Administrators (world_changes.cpp)
    struct Hand;
    using HandPtr = std::shared_ptr<Hand>;
    void hand_step();
    void open_hand();
    void ask_for(const HandPtr& hand, Position position, Tag tag);
    core::Change expected_change(core::ChangeCommand::Kind kind, Tag tag, std::optional<DestinationId>& target) const;
    void change(const HandPtr& hand);
    void apply(Hand& hand, bool durable);
    void let_go(const HandPtr& hand);
    void let_all_go();
    void find_out_about_changes(DestinationId queue, Tag shown, bool to_consumer);

    // From consumers
    void delivered(SimConsumer& consumer, core::Delivery delivery);
    void ended(ConsumerKey key);

    std::uint64_t seed_;
    std::uint64_t steps_;
    Random random_;
    bool verbose_ = false;
    core::CoreSettings settings_;
    std::size_t padding_most_ = 0;
    std::uint32_t page_entries_max_ = 1;
    std::uint64_t crash_chance_ = 0;  // per 10,000 steps, as the ones that follow
    std::uint64_t fault_chance_ = 0;
    std::uint64_t expiry_percent_ = 0;
    std::uint64_t queues_most_ = 1;
    std::uint64_t send_weight_ = 1;  // 1 to 5
    std::uint64_t burst_most_ = 1;
    std::uint64_t client_percent_ = 45;
    std::uint64_t selector_percent_ = 0;
    std::uint64_t transaction_percent_ = 0;
    std::uint64_t strict_percent_ = 0;
    std::uint64_t branch_percent_ = 0;  // of transactions
    std::uint64_t change_percent_ = 0;

    test::ManualClock clock_;
    std::shared_ptr<store::MemoryDisk> disk_ = store::make_memory_disk();
    std::unique_ptr<store::MemoryStore> store_;
    store::Lease lease_;
    std::unique_ptr<test::FakeStore> doors_;
    test::FakeWork workers_;
    selector::ProgramCache programs_;
    std::unique_ptr<core::Core> core_;
    Model model_;

    std::map<ConsumerKey, std::unique_ptr<SimConsumer>> consumers_;
    std::vector<std::unique_ptr<SimProducer>> producers_;
    std::vector<ConnectionId> connections_;
    std::vector<Transaction> transactions_;              // that are open
    std::vector<std::shared_ptr<Transaction>> commits_;  // that are under way
    std::vector<BranchPtr> branches_;
    std::vector<HandPtr> hands_;
    std::map<ConnectionId, ControlId> controls_;
    std::optional<ConnectionId> closing_;    // its consumers take nothing back any more
    std::optional<DestinationId> deleting_;  // what its consumers are given back goes with it
    std::map<DestinationId, ConnectionId> temporary_;
    std::map<std::string, DestinationSettings> creating_;
    std::map<DestinationId, std::vector<std::shared_ptr<Purge>>> purges_;
    std::vector<Sent> sent_;
    std::map<std::string, std::uint64_t> sequences_;
    std::uint64_t run_ = 0;  // of the core: callbacks of an earlier one mean nothing
    std::uint64_t unanswered_ = 0;
    std::uint64_t held_most_ = 0;
    std::uint64_t faults_ever_ = 0;
    Tag next_tag_ = 1;
    ConsumerKey next_key_ = 1;
    std::uint64_t next_connection_ = 1;
    std::uint64_t next_queue_ = 1;
    std::uint64_t next_branch_ = 1;
    std::uint64_t crashes_ = 0;
    std::uint64_t restarts_ = 0;
    std::uint64_t committed_ = 0;
    std::uint64_t rolled_back_ = 0;
    std::uint64_t prepared_ever_ = 0;
    std::uint64_t changed_ever_ = 0;
    std::uint64_t next_hand_ = 1;
    SimControl control_port_;
};

}  // namespace giromq::simulation
