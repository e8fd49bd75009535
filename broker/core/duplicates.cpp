#include "core/duplicates.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/check.hpp"

namespace giromq::core {

// The ring is stored as its bytes; other byte orders would have to turn them.
static_assert(std::endian::native == std::endian::little);

Novelty ProducerSequences::novelty(std::uint64_t sequence) const {
    if (sequence > high_water_) return Novelty::fresh;
    // First of all: the ring may have passed one that is still under way.
    if (under_way_.contains(sequence)) return Novelty::under_way;
    return high_water_ - sequence >= window || bit(sequence) ? Novelty::known : Novelty::fresh;
}

void ProducerSequences::set_bit(std::uint64_t sequence, bool seen) {
    const auto mask = std::uint64_t{1} << (sequence % 64);
    auto& word = bits_[(sequence % window) / 64];
    word = seen ? (word | mask) : (word & ~mask);
}

void ProducerSequences::stage(std::uint64_t sequence) {
    if (sequence > high_water_) {
        // The ring moves on: the places of the sequences in between now stand for sequences not seen.
        if (sequence - high_water_ >= window) {
            bits_.fill(0);
        } else {
            for (auto passed = high_water_ + 1; passed < sequence; ++passed) set_bit(passed, false);
        }
        high_water_ = sequence;
    }
    // A prepared branch may hold one that the ring has passed; its place stands for a later one.
    if (high_water_ - sequence < window) set_bit(sequence, true);
    under_way_.try_emplace(sequence);
}

void ProducerSequences::hold(std::uint64_t sequence, TransactionId transaction) {
    stage(sequence);
    held_.emplace(sequence, transaction);
}

TransactionId ProducerSequences::holder(std::uint64_t sequence) const {
    const auto found = held_.find(sequence);
    return found == held_.end() ? TransactionId{} : found->second;
}

void ProducerSequences::wait(std::uint64_t sequence, SendDone done) { under_way_.at(sequence).push_back(std::move(done)); }

void ProducerSequences::settle(std::uint64_t sequence, const SendResult& result) {
    auto node = under_way_.extract(sequence);
    held_.erase(sequence);
    GIROMQ_CHECK(!node.empty(), "a sequence was settled that was not staged");
    // A refused sequence was not seen: the producer may send it again. If the ring has passed it, it can no longer come back.
    if (!result.accepted && high_water_ - sequence < window) set_bit(sequence, false);
    SendResult same = result;
    same.duplicate = result.accepted;
    for (auto& done : node.mapped()) done(same);
}

store::PutProducer ProducerSequences::row(std::string_view producer, Timestamp now) const {
    store::PutProducer row;
    row.producer = producer;
    row.high_water = high_water_;
    row.window.resize(window / 8);
    auto bits = bits_;
    for (const auto& [sequence, transaction] : held_) {
        if (high_water_ - sequence < window) bits[(sequence % window) / 64] &= ~(std::uint64_t{1} << (sequence % 64));
    }
    std::memcpy(row.window.data(), bits.data(), row.window.size());
    row.last_used = now;
    return row;
}

void ProducerSequences::recover(const store::PutProducer& row) {
    high_water_ = row.high_water;
    bits_.fill(0);
    std::memcpy(bits_.data(), row.window.data(), std::min<std::size_t>(row.window.size(), window / 8));
    last_used = row.last_used;
}

ProducerSequences& Producers::of(const std::string& producer, Timestamp now) {
    if (const auto found = index_.find(producer); found != index_.end()) {
        by_use_.splice(by_use_.begin(), by_use_, found->second);
    } else {
        by_use_.emplace_front().producer = producer;
        index_.emplace(by_use_.front().producer, by_use_.begin());
        forget_oldest();
    }
    by_use_.front().sequences.last_used = now;
    return by_use_.front().sequences;
}

void Producers::forget_oldest() {
    // A producer with sends under way is in use, whatever the order says; nor is the newest one forgotten.
    for (auto last = std::prev(by_use_.end()); by_use_.size() > producers_max_ && last != by_use_.begin();) {
        const auto oldest = last--;
        if (!oldest->sequences.idle()) continue;
        forgotten_.push_back(oldest->producer);
        index_.erase(oldest->producer);
        by_use_.erase(oldest);
    }
}

ProducerSequences* Producers::find(const std::string& producer) {
    const auto found = index_.find(producer);
    return found == index_.end() ? nullptr : &found->second->sequences;
}

void Producers::recover(const store::PutProducer& row) { of(row.producer, row.last_used).recover(row); }

Novelty DuplicateIds::novelty(const std::string& id) const {
    const auto found = known_.find(id);
    if (found == known_.end()) return Novelty::fresh;
    return found->second.durable ? Novelty::known : Novelty::under_way;
}

void DuplicateIds::stage(const std::string& id, Position position, Timestamp now) {
    known_.emplace(id, Known{.position = position, .durable = false, .holder = {}, .waiting = {}});
    order_.push_back(Taken{id, position, now});
}

void DuplicateIds::hold(const std::string& id, TransactionId transaction) {
    known_.emplace(id, Known{.position = {}, .durable = false, .holder = transaction, .waiting = {}});
}

void DuplicateIds::take_over(const std::string& id, Position position, Timestamp now) {
    Known& known = known_.at(id);
    known.position = position;
    known.holder = {};
    order_.push_back(Taken{id, position, now});
}

TransactionId DuplicateIds::holder(const std::string& id) const {
    const auto found = known_.find(id);
    return found == known_.end() ? TransactionId{} : found->second.holder;
}

void DuplicateIds::wait(const std::string& id, SendDone done) { known_.at(id).waiting.push_back(std::move(done)); }

void DuplicateIds::settle(const std::string& id, const SendResult& result) {
    const auto found = known_.find(id);
    if (found == known_.end()) return;
    auto waiting = std::exchange(found->second.waiting, {});
    if (result.accepted) {
        found->second.durable = true;
    } else {
        // Its place in the order stays; trim() passes over ids that are no longer known.
        known_.erase(found);
    }
    SendResult same = result;
    same.duplicate = result.accepted;
    for (auto& done : waiting) done(same);
}

void DuplicateIds::recover(std::string id, Position position, Timestamp time) {
    known_.insert_or_assign(id, Known{.position = position, .durable = true, .holder = {}, .waiting = {}});
    order_.push_back(Taken{std::move(id), position, time});
}

std::optional<Position> DuplicateIds::trim(std::uint32_t ids_max, Timestamp oldest) {
    std::optional<Position> before;
    while (!order_.empty() && (order_.size() > ids_max || order_.front().time < oldest)) {
        const auto found = known_.find(order_.front().id);
        // An id that was refused and sent again has a later place in the order.
        if (found != known_.end() && found->second.position == order_.front().position) {
            if (!found->second.durable) break;
            known_.erase(found);
        }
        before = Position{order_.front().position.value + 1};
        order_.pop_front();
    }
    return before;
}

}  // namespace giromq::core
