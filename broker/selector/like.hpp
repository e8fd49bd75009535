#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "selector/errc.hpp"

namespace giromq::selector {

/// A pattern of LIKE (JMS 2.0 §3.8.1.1), in which _ is one character, a code point of Unicode, and % any number of them. Immutable.
class LikePattern {
public:
    /// `escape`: one character, or nothing. Behind it only _, % and itself may stand (SQL-92 §8.5). The error's detail is a sentence
    /// without a position.
    static Result<LikePattern> compile(std::string_view pattern, std::string_view escape);

    /// Whether all of the text fits. Takes what it costs from `steps`; nothing, and no steps left, if that is not enough.
    std::optional<bool> matches(std::string_view text, std::uint64_t& steps) const;

private:
    /// What stands between two %.
    struct Segment {
        std::vector<char32_t> characters;
        std::string bytes;     // the same as UTF-8, if there is no _ in it
        bool is_plain = true;  // there is none
    };

    static std::optional<std::size_t> match_at(const Segment& segment, std::string_view text, std::uint64_t& steps);
    static std::optional<std::size_t> find(const Segment& segment, std::string_view text, std::uint64_t& steps);
    static bool match_end(const Segment& segment, std::string_view text, std::uint64_t& steps);

    std::vector<Segment> segments_;  // one more than there are %
};

}  // namespace giromq::selector
