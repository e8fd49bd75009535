#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "model/dead_letter.hpp"
#include "model/ids.hpp"
#include "model/message.hpp"

namespace giromq::core {

/// Where an entry stands. `pending`: its COMMIT has not returned, nobody may see it. `available`: may be delivered. `locked`: delivered to
/// a consumer that has not settled it. `enlisted`: its outcome is part of an open transaction. `leaving`: its removal is staged; it is not
/// shown again, and not forgotten before COMMIT returned. `gone`: removed; the slot is swept later.
enum class EntryState : std::uint8_t { pending, available, locked, enlisted, leaving, gone };

/// A message's place in a queue, in memory.
struct Entry {
    Position position;
    MessagePtr message;
    DeadLetterPtr dead_letter;
    ConsumerId holder;                 // while locked or enlisted
    TransactionId transaction;         // while enlisted, and leaving with it
    std::uint64_t delivery_order = 0;  // of the holder's deliveries; to find the oldest
    std::uint32_t failed_deliveries = 0;
    EntryState state = EntryState::available;
    bool perhaps_delivered = false;   // a crash or a torn connection: shown as redelivered, never counted towards dead-lettering
    bool stored = true;               // has rows in the store
    bool is_volatile = false;         // its rows are gone after the next start
    bool is_in_doubt = false;         // its branch is prepared: it is nobody's until that is decided
    bool parked = false;              // the message is without its bytes: they have to be read from the store before it is shown
    std::vector<ConsumerId> not_for;  // modified{undeliverable-here}

    /// A dead letter is there for a person to look at, however late that is.
    bool may_expire() const { return dead_letter == nullptr && message->expires_at.is_set(); }
    bool is_expired(Timestamp now) const { return may_expire() && message->is_expired(now); }

    /// header.delivery-count for the next delivery.
    std::uint32_t delivery_count() const { return failed_deliveries + (perhaps_delivered ? 1U : 0U); }
};

/// The part of a queue that is in memory, in order of position. Entries are appended at the tail and leave anywhere; a slot that is
/// `gone` is swept when it reaches the front, or when there are many. Indexes are valid until the next sweep.
class Window {
public:
    bool empty() const { return entries_.size() == gone_; }
    /// Entries that are not gone.
    std::size_t size() const { return entries_.size() - gone_; }
    /// Memory of their messages.
    std::uint64_t bytes() const { return bytes_; }

    std::size_t slots() const { return entries_.size(); }
    Entry& at(std::size_t index) { return entries_[index]; }
    const Entry& at(std::size_t index) const { return entries_[index]; }

    /// The index of the first slot at or behind `position`; slots() if there is none.
    std::size_t lower_bound(Position position) const;
    /// The entry at exactly this position that is not gone; null if there is none.
    Entry* find(Position position);
    /// The first entry behind `position` that has no rows in the store; nothing if there is none.
    std::optional<Position> in_memory_only_behind(Position position) const;

    void append(Entry entry);
    /// Merges entries (ascending) into the window by position; those already there win.
    void merge(std::vector<Entry> entries);
    /// Gives the entry its message in another form.
    void replace(Entry& entry, MessagePtr message);
    /// Takes the entry out; its slot stays until a sweep.
    void remove(Entry& entry);
    /// Takes the last entry out and its slot too.
    void pop_back();
    /// The last entry that is not gone; null if the window is empty.
    Entry* back();

    /// Sweeps gone slots from the front, and all of them when they are the greater part. Returns how many slots before `index` (a cursor
    /// of the caller) went away, so that it can be moved.
    std::size_t sweep(std::size_t index);

private:
    std::deque<Entry> entries_;
    std::size_t gone_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace giromq::core
