#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace payments {

/// A random sequence that is the same for the same seed on every machine and with every standard library (SplitMix64), which the
/// distributions of <random> do not promise. Not for secrets.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30u)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27u)) * 0x94d049bb133111ebu;
        return mixed ^ (mixed >> 31u);
    }

    /// From 0 to `bound` - 1. The bias of the remainder is far below what an example notices.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

    template <typename T>
    const T& pick(std::span<const T> choices) {
        return choices[static_cast<std::size_t>(below(choices.size()))];
    }

    std::string digits(std::size_t count) { return characters("0123456789", count); }
    std::string characters(std::string_view alphabet, std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += alphabet[static_cast<std::size_t>(below(alphabet.size()))];
        return text;
    }

private:
    std::uint64_t state_;
};

}  // namespace payments
