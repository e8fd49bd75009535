#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "core/core.hpp"
#include "store/operation.hpp"

/// Duplicate detection (DESIGN §3): sequences of producers, and ids given by applications. A send is remembered when it is staged and
/// forgotten again when it is refused; a second send that comes while the first is under way waits for the first one's outcome.
namespace giromq::core {

using SendDone = UniqueFunction<void(const SendResult&)>;

/// What a send is, compared with the ones before it.
enum class Novelty : std::uint8_t {
    fresh,      // not seen: stage it
    under_way,  // the first one is staged: wait for its outcome
    known,      // the first one is durable: accept without storing
};

/// The sequences seen from one producer: exactly, for the last 1,024; everything before them counts as seen.
class ProducerSequences {
public:
    Novelty novelty(std::uint64_t sequence) const;
    void stage(std::uint64_t sequence);
    /// Staged by a transaction: no row has it before take_over(), since until then nothing of it is durable.
    void hold(std::uint64_t sequence, TransactionId transaction);
    /// The transaction is being committed: rows have it from here on.
    void take_over(std::uint64_t sequence) { held_.erase(sequence); }
    /// Which transaction holds it, if one does.
    TransactionId holder(std::uint64_t sequence) const;
    void wait(std::uint64_t sequence, SendDone done);
    /// The outcome of a staged sequence; answers those that wait.
    void settle(std::uint64_t sequence, const SendResult& result);

    store::PutProducer row(std::string_view producer, Timestamp now) const;
    void recover(const store::PutProducer& row);
    bool idle() const { return under_way_.empty(); }
    Timestamp last_used;

private:
    static constexpr std::uint64_t window = limits::producer_sequence_window;

    bool bit(std::uint64_t sequence) const { return (bits_[(sequence % window) / 64] >> (sequence % 64) & 1U) != 0; }
    void set_bit(std::uint64_t sequence, bool seen);

    std::uint64_t high_water_ = 0;
    std::array<std::uint64_t, window / 64> bits_{};  // a ring: the bit of a sequence is at sequence modulo the window
    std::map<std::uint64_t, std::vector<SendDone>> under_way_;
    std::map<std::uint64_t, TransactionId> held_;
};

/// All producers that are remembered; the one unused for longest is forgotten when there are too many.
class Producers {
public:
    explicit Producers(std::size_t producers_max) : producers_max_(producers_max) {}

    ProducerSequences& of(const std::string& producer, Timestamp now);
    ProducerSequences* find(const std::string& producer);
    void recover(const store::PutProducer& row);
    /// Producers to forget in the store too, since the last call.
    std::vector<std::string> take_forgotten() { return std::exchange(forgotten_, {}); }

private:
    struct Node {
        std::string producer;
        ProducerSequences sequences;
    };

    void forget_oldest();

    std::size_t producers_max_;
    std::list<Node> by_use_;  // most recently used first
    std::unordered_map<std::string_view, std::list<Node>::iterator> index_;
    std::vector<std::string> forgotten_;
};

/// The ids that applications gave to messages of one destination: the last so many, for so long.
class DuplicateIds {
public:
    Novelty novelty(const std::string& id) const;
    void stage(const std::string& id, Position position, Timestamp now);
    /// Taken by a transaction; it gets its place with take_over(), when the transaction is committed.
    void hold(const std::string& id, TransactionId transaction);
    void take_over(const std::string& id, Position position, Timestamp now);
    /// Which transaction holds it, if one does.
    TransactionId holder(const std::string& id) const;
    void wait(const std::string& id, SendDone done);
    void settle(const std::string& id, const SendResult& result);
    void recover(std::string id, Position position, Timestamp time);

    /// Forgets what is too old or too much. Returns the position before which the store can forget too, if anything went.
    std::optional<Position> trim(std::uint32_t ids_max, Timestamp oldest);
    bool empty() const { return order_.empty(); }

private:
    struct Known {
        Position position;
        bool durable = false;
        TransactionId holder;
        std::vector<SendDone> waiting;
    };
    struct Taken {
        std::string id;
        Position position;
        Timestamp time;
    };

    std::deque<Taken> order_;
    std::unordered_map<std::string, Known> known_;
};

}  // namespace giromq::core
