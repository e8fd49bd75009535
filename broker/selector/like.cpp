#include "selector/like.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace giromq::selector {
namespace {

constexpr char32_t any_character = 0xFFFF'FFFF;
/// Plain texts of this length are looked for quickly; longer ones with every comparison counted.
constexpr std::size_t short_bytes = 16;

/// The length of the character at the start of a text that is not empty; 1 for a byte that is not UTF-8.
std::size_t character_bytes(std::string_view text) {
    const std::size_t before = text.size();
    return take_code_point(text) ? before - text.size() : 1;
}

void pay(std::uint64_t& steps, std::uint64_t cost) { steps -= std::min(steps, cost); }

}  // namespace

Result<LikePattern> LikePattern::compile(std::string_view pattern, std::string_view escape) {
    std::optional<char32_t> escape_character;
    if (!escape.empty()) {
        escape_character = take_code_point(escape);
        if (!escape_character || !escape.empty()) return Error(errc::invalid, "ESCAPE has one character");
    }
    LikePattern like;
    like.segments_.emplace_back();
    while (!pattern.empty()) {
        auto character = take_code_point(pattern);
        if (!character) return Error(errc::wrong_encoding, "the pattern is not UTF-8");
        const bool is_escaped = character == escape_character;
        if (is_escaped) {
            character = take_code_point(pattern);
            const bool is_special = character == U'_' || character == U'%' || character == escape_character;
            if (!character || !is_special) return Error(errc::invalid, "behind the escape character comes _, % or itself");
        }
        Segment& segment = like.segments_.back();
        if (!is_escaped && character == U'%') {
            like.segments_.emplace_back();
        } else if (!is_escaped && character == U'_') {
            segment.characters.push_back(any_character);
            segment.is_plain = false;
        } else {
            segment.characters.push_back(*character);
            append_code_point(segment.bytes, *character);
        }
    }
    return like;
}

/// The bytes that the segment takes at the start of the text.
std::optional<std::size_t> LikePattern::match_at(const Segment& segment, std::string_view text, std::uint64_t& steps) {
    if (segment.is_plain) {
        pay(steps, 1 + segment.bytes.size() / short_bytes);
        return text.starts_with(segment.bytes) ? std::optional(segment.bytes.size()) : std::nullopt;
    }
    std::string_view rest = text;
    for (const char32_t wanted : segment.characters) {
        pay(steps, 1);
        if (rest.empty()) return std::nullopt;
        const std::size_t bytes = character_bytes(rest);
        if (wanted != any_character) {
            std::string_view ahead = rest;
            if (take_code_point(ahead) != wanted) return std::nullopt;
        }
        rest.remove_prefix(bytes);
    }
    return text.size() - rest.size();
}

/// The end of the first place where the segment is.
std::optional<std::size_t> LikePattern::find(const Segment& segment, std::string_view text, std::uint64_t& steps) {
    if (segment.is_plain && segment.bytes.size() <= short_bytes) {
        const auto place = text.find(segment.bytes);
        pay(steps, 1 + std::min(place, text.size()));
        return place == std::string_view::npos ? std::nullopt : std::optional(place + segment.bytes.size());
    }
    for (std::size_t begin = 0; begin <= text.size() && steps > 0;) {
        if (const auto taken = match_at(segment, text.substr(begin), steps)) return begin + *taken;
        if (begin == text.size()) break;
        begin += character_bytes(text.substr(begin));
    }
    return std::nullopt;
}

bool LikePattern::match_end(const Segment& segment, std::string_view text, std::uint64_t& steps) {
    if (segment.is_plain) {
        pay(steps, 1 + segment.bytes.size() / short_bytes);
        return text.ends_with(segment.bytes);
    }
    // The segment takes as many characters as it has, wherever it begins.
    std::vector<std::size_t> begins;
    for (std::size_t begin = 0; begin < text.size(); begin += character_bytes(text.substr(begin))) begins.push_back(begin);
    pay(steps, begins.size());
    if (begins.size() < segment.characters.size()) return false;
    const std::size_t first = begins.size() - segment.characters.size();
    return match_at(segment, first == begins.size() ? std::string_view() : text.substr(begins[first]), steps).has_value();
}

std::optional<bool> LikePattern::matches(std::string_view text, std::uint64_t& steps) const {
    const auto result = [&](bool matched) { return steps > 0 ? std::optional(matched) : std::nullopt; };
    const auto begin = match_at(segments_.front(), text, steps);
    if (!begin) return result(false);
    text.remove_prefix(*begin);
    if (segments_.size() == 1) return result(text.empty());
    for (std::size_t index = 1; index + 1 < segments_.size(); ++index) {
        const auto end = find(segments_[index], text, steps);
        if (!end) return result(false);
        text.remove_prefix(*end);
    }
    return result(match_end(segments_.back(), text, steps));
}

}  // namespace giromq::selector
