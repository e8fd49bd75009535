#include "store/sequence_window.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace giromq::store {
namespace {

constexpr std::uint64_t window = limits::producer_sequence_window;

std::uint8_t& byte_of(PutProducer& row, std::uint64_t sequence) { return row.window[(sequence % window) / 8]; }
std::uint8_t mask_of(std::uint64_t sequence) { return static_cast<std::uint8_t>(1U << (sequence % 8)); }

}  // namespace

void take_sequence(PutProducer& row, std::uint64_t sequence) {
    row.window.resize(window / 8);
    // What the ring has passed counts as seen.
    if (row.high_water >= sequence && row.high_water - sequence >= window) return;
    if (sequence > row.high_water) {
        if (sequence - row.high_water >= window) std::fill(row.window.begin(), row.window.end(), std::uint8_t{0});
        const auto first = std::max(row.high_water + 1, sequence < window ? 1 : sequence - window + 1);
        for (auto passed = first; passed < sequence; ++passed) byte_of(row, passed) &= static_cast<std::uint8_t>(~mask_of(passed));
        row.high_water = sequence;
    }
    byte_of(row, sequence) |= mask_of(sequence);
}

}  // namespace giromq::store
