#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of selectors. Those of the text are part of the contract and not configured.
namespace giromq::selector {

/// Of the text, in either form.
inline constexpr std::size_t text_bytes_max = 16 * 1024;
/// Of the tree; a literal alone is 1 deep. Parentheses may be nested as deep.
inline constexpr std::size_t depth_max = 32;
inline constexpr std::size_t nodes_max = 256;
/// Of a pattern of LIKE or MATCHES, of a path, of a pointer.
inline constexpr std::size_t pattern_bytes_max = 1024;
/// States of the automaton of one pattern; counted repetitions multiply.
inline constexpr std::size_t pattern_states_max = 2048;

/// What one evaluation may cost. A step is about a nanosecond to ten: a node, a state of a pattern at one character, 16 bytes of a body.
struct Budget {
    std::uint64_t steps = 100'000;
    std::size_t body_bytes = 256 * 1024;
};

}  // namespace giromq::selector
