#pragma once

#include <cstdint>
#include <string_view>

#include "model/message.hpp"

/// What the messages of the simulation look like, and what selectors ask of them. A message has the colour of its number.
namespace giromq::simulation {

/// none: a consumer of everything. Those of bodies say nothing of large messages, whose bodies are not looked into.
enum class Selects : std::uint8_t { all, one_colour, two_colours, not_a_colour, one_body, not_a_body };
inline constexpr std::uint64_t selectors_count = 6;

SharedBytes bytes_of(std::uint64_t tag);
std::uint64_t tag_of(const Message& message);

/// Empty for `all`.
std::string_view text_of(Selects selects);
/// What the selector should say, found out in another way.
bool should_select(Selects selects, std::uint64_t tag, bool large);
inline bool is_of_bodies(Selects selects) { return selects >= Selects::one_body; }

}  // namespace giromq::simulation
