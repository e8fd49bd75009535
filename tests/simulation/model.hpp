#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/core.hpp"
#include "model/destination.hpp"
#include "simulation/messages.hpp"
#include "store/store.hpp"

/// The reference: what a queue is, said as plainly as possible. It knows nothing of windows, pages, units or horizons; it is told what
/// the clients do and what the core does to them, and says what is wrong.
namespace giromq::simulation {

using Tag = std::uint64_t;          // of a message: unique over the whole run, and its body
using ConsumerKey = std::uint64_t;  // of a consumer or browser: unique over the whole run

/// Holds what is part of an open transaction.
inline constexpr ConsumerKey transaction_holder = ~ConsumerKey{0};

enum class Presence : std::uint8_t {
    absent,   // never accepted, or refused
    pending,  // sent, or on its way into a dead-letter queue; no answer yet
    present,  // accepted
    leaving,  // its removal was asked for, and is not confirmed: never to be delivered again by this core
    gone,     // its removal was confirmed: never to be delivered again
};

/// Whether a delivery has to be marked as perhaps delivered before.
enum class Mark : std::uint8_t { no, maybe, yes };

struct ModelMessage {
    Tag tag = 0;
    bool persistent = true;
    bool large = false;
    std::size_t padding = 0;
    Timestamp expires_at;
    DestinationId home;
    std::uint64_t order = 0;  // of its command; what is smaller is before it
    Presence presence = Presence::absent;
    ConsumerKey holder = 0;
    ConsumerKey taken_by = 0;  // while there is a holder: to whom it was delivered; 0 once a branch that has it is prepared
    std::uint64_t delivery_order = 0;
    std::uint32_t failures = 0;
    std::uint32_t failures_durable = 0;  // at least so many survive a crash
    Mark mark = Mark::no;
    bool delivered = false;          // to anybody, out of this home
    bool marked_for_ever = false;    // delivered before a crash, or out when the broker stopped
    bool maybe_marked = false;       // in the store at a crash, or before something that was out when the broker stopped
    bool between = false;            // its holder is being closed
    bool came_back = false;          // from a consumer: then a selector judges it again, and others may overtake it meanwhile
    bool overtaken = false;          // while it was pending
    bool maybe_known = false;        // it is not there, but duplicate detection may remember it
    bool confirmed = false;          // it is durable, and the core knows
    bool maybe_purged = false;       // it was not confirmed when a purge came: it may go on, or be gone
    bool with_queue = false;         // it is leaving because its queue is
    std::uint32_t stored_times = 0;  // answers that said it was stored, since it was last known not to be
    std::set<ConsumerKey> barred;
    std::optional<DeadLetter> dead_letter;
    std::optional<DestinationId> moving_from;
    std::shared_ptr<const ModelMessage> before_move;

    bool expired(Timestamp now) const { return !dead_letter && expires_at.is_set() && expires_at <= now; }
};

struct ModelConsumer {
    ConsumerKey key = 0;
    DestinationId queue;
    bool browser = false;
    bool presettled = false;
    Selects selects = Selects::all;
    std::uint64_t limit = 0;
    std::uint64_t delivered = 0;
    std::uint32_t unsettled = 0;
    std::uint32_t returned = 0;  // by transactions that were rolled back: of several at once in any order with deliveries
    bool draining = false;
    std::uint64_t last_order = 0;  // a browser goes only forward
    std::set<Tag> shown;
    std::set<Tag> excused;  // locked, or on the move, at some time since the browser looked
};

struct ModelQueue {
    DestinationId id;
    DestinationSettings settings;
    bool temporary = false;
    bool deleting = false;
    std::map<std::uint64_t, Tag> order;  // of everything that was ever put into it and is not known to be gone
};

class Model {
public:
    // Queues
    void queue_created(DestinationId id, DestinationSettings settings, bool temporary);
    void queue_deleting(DestinationId id);
    void queue_deleted(DestinationId id);

    // Commands of clients, just before the core gets them
    /// True if it is the first send of this message, or the first after it was refused or lost: the one that counts.
    bool send(Tag tag, DestinationId queue, bool persistent, bool large, Timestamp expires_at);
    void accept(Tag tag);
    void release(Tag tag);
    void modify(Tag tag, bool failed, bool undeliverable_here);
    void reject(Tag tag, const std::string& description);
    void closing(const std::vector<ConsumerKey>& consumers, bool lost);
    void closed(const std::vector<ConsumerKey>& consumers);
    /// An outcome for it became part of a transaction.
    void enlist(Tag tag);
    /// It is part of a branch that is prepared, and no consumer's any more.
    void prepared(Tag tag);
    /// Why it would be a dead letter, if this outcome were committed now; nothing if it would not be one.
    std::optional<DeadLetter> reason_of(Tag tag, const Outcome& outcome) const;
    /// The transaction is being committed; what it was before is kept, since the commit may be refused.
    void commit_get(TransactionId transaction, Tag tag, const Outcome& outcome);
    void get_committed(TransactionId transaction, Tag tag, const Outcome& outcome, ConsumerKey by);
    void get_refused(TransactionId transaction, Tag tag);
    /// The rollback of its prepared branch is under way.
    void roll_back_get(TransactionId transaction, Tag tag);
    void get_rolled_back(TransactionId transaction, Tag tag);

    /// An administrator holds it, as a consumer would.
    void hold(Tag tag, ConsumerKey holder);
    void let_go(Tag tag, ConsumerKey holder);
    /// It leaves, or moves to `target` with the reasons for which it is dead, or without; what it was is kept, since that may be refused.
    /// The answer is the order that it has from then on.
    std::uint64_t change(TransactionId change, Tag tag, std::optional<DestinationId> target, bool stays_dead);
    void change_ended(TransactionId change, Tag tag, std::uint64_t order, bool durable);

    /// The transaction is rolled back. `holder`: the consumer that has it again; 0 if it goes back, counted.
    void return_get(Tag tag, ConsumerKey holder);
    /// The broker stops: it goes back uncounted.
    void stop_get(Tag tag);
    /// The broker is told to stop; its consumers are closed next.
    void stopping();
    /// The least and the most that the purge may count.
    std::pair<std::uint64_t, std::uint64_t> purge(DestinationId queue, std::vector<Tag>& purged);

    // What the core does
    void answered(Tag tag, bool original, bool accepted, bool duplicate);
    void removal_confirmed(Tag tag);
    void move_confirmed(Tag tag);
    void failure_confirmed(Tag tag, std::uint32_t failures);
    void purged(const std::vector<Tag>& tags);
    void delivered(ConsumerKey consumer, Tag tag, const core::Delivery& delivery);
    void drained(ConsumerKey consumer);

    // Restart: what is in the store, queue by queue, in order
    void restarted(bool clean, const std::vector<store::StoredDestination>& destinations,
                   const std::map<DestinationId, std::vector<store::StoredEntry>>& contents);

    /// Nothing is under way: everything that can be delivered was.
    void check_at_rest(const std::map<DestinationId, core::QueueView>& views);
    void check_locks(DestinationId queue, std::uint64_t delivering);

    std::string describe(const ModelMessage& message) const;
    void fail(const std::string& what) {
        if (failure.empty()) failure = what;
    }

    std::string failure;  // the first thing that was wrong
    Timestamp now;
    DestinationId dead_letter_queue;
    std::uint32_t unsettled_max = 0;
    bool refusals_seen = false;  // since the last start: counts may be less durable, moves may be late
    std::map<Tag, ModelMessage> messages;
    std::map<DestinationId, ModelQueue> queues;
    std::map<ConsumerKey, ModelConsumer> consumers;
    // A message may be in several: a page shows a dead letter as soon as it is durable, and who gets it may commit before the move is
    // answered.
    std::map<std::pair<TransactionId, Tag>, ModelMessage> before_commit;
    std::uint64_t first_deliveries = 0;
    std::uint64_t redeliveries = 0;
    std::uint64_t moves = 0;

private:
    bool selects(const ModelMessage& message, const ModelConsumer& consumer) const;
    bool deliverable(const ModelMessage& message, const ModelConsumer& consumer) const;
    std::uint64_t limit_of(const ModelConsumer& consumer) const;
    void check_order(const ModelMessage& message, const ModelConsumer& consumer);
    void check_count(ModelMessage& message, const core::Delivery& delivery);
    void check_dead_letter(const ModelMessage& message, const core::Delivery& delivery);
    void shown(ModelConsumer& browser, ModelMessage& message);
    void give_back(ModelMessage& message);
    void fail_delivery(ModelMessage& message);
    void move(ModelMessage& message, std::string cause, std::string description);
    void move_to(ModelMessage& message, DestinationId target, std::optional<DeadLetter> dead_letter);
    DeadLetter dead_letter_of(const ModelMessage& message, std::string cause, std::string description) const;
    void remove(ModelMessage& message, Presence presence);
    void excuse(const ModelMessage& message);
    void after_restart(ModelMessage& message, bool clean, const store::StoredEntry* found);
    bool must_be_stored(const ModelMessage& message, bool clean) const;
    std::string name_of(DestinationId id) const;
    static std::string failed_text(std::uint32_t failures) { return "delivered " + std::to_string(failures) + " times without success"; }

    std::uint64_t next_order_ = 1;
};

}  // namespace giromq::simulation
