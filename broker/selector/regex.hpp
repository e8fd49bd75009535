#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "selector/errc.hpp"
#include "selector/unicode.hpp"

namespace giromq::selector {

/// A set of characters of a regular expression: the union of its parts, negated or not, less another set.
struct CharacterSet {
    std::vector<std::pair<char32_t, char32_t>> ranges;
    Categories categories = 0;
    bool name_start = false;  // \i
    bool name_part = false;   // \c
    std::vector<std::uint16_t> others;
    bool negated = false;
    std::optional<std::uint16_t> less;
    /// Which characters of ASCII are in it, once the set is complete.
    std::array<std::uint64_t, 2> ascii{};
    /// Parts to look at, those of other sets included.
    std::uint32_t cost = 1;
};

/// A regular expression of XML Schema (XSD 1.0 Part 2, Appendix F), without the names of blocks (\p{IsGreek}). It matches the whole text,
/// so ^ and $ are ordinary characters. The text is run through a nondeterministic automaton: time is linear in its length, for every
/// pattern, and so are the steps that are counted. Immutable; any number of threads may match.
class Regex {
public:
    /// The error's detail is a sentence without a position.
    static Result<Regex> compile(std::string_view pattern);

    /// Whether all of the text matches. Takes what it costs from `steps`; nothing, and no steps left, if that is not enough.
    std::optional<bool> matches(std::string_view text, std::uint64_t& steps) const;

private:
    friend class RegexCompiler;

    enum class Action : std::uint8_t { character, set, any, split, jump, match };
    struct State {
        Action action = Action::match;
        std::uint16_t next = 0;
        std::uint16_t other = 0;  // of split
        std::uint16_t set = 0;    // of set
        char32_t character = 0;   // of character
    };
    class Run;

    bool contains(std::uint16_t set, char32_t code_point) const;
    bool contains_slowly(const CharacterSet& set, char32_t code_point) const;

    std::vector<State> states_;
    std::vector<CharacterSet> sets_;
};

}  // namespace giromq::selector
