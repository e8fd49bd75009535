#include "selector/regex.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace giromq::selector {

bool Regex::contains_slowly(const CharacterSet& set, char32_t code_point) const {
    const auto in_range = [&](const auto& range) { return code_point >= range.first && code_point <= range.second; };
    bool found = std::any_of(set.ranges.begin(), set.ranges.end(), in_range);
    found = found || (set.categories != 0 && (set.categories & category_of(code_point)) != 0);
    found = found || (set.name_start && is_xml_name_start(code_point)) || (set.name_part && is_xml_name_part(code_point));
    found = found || std::any_of(set.others.begin(), set.others.end(), [&](std::uint16_t other) { return contains(other, code_point); });
    if (set.negated) found = !found;
    return found && !(set.less && contains(*set.less, code_point));
}

bool Regex::contains(std::uint16_t set, char32_t code_point) const {
    const CharacterSet& wanted = sets_[set];
    if (code_point < 128) return (wanted.ascii[code_point / 64] >> (code_point % 64) & 1U) != 0;
    return contains_slowly(wanted, code_point);
}

/// The states in which the automaton is at one character, each at most once, and those for the next.
class Regex::Run {
public:
    Run(const Regex& regex, std::uint64_t& steps) : regex_(regex), steps_(steps), seen_(regex.states_.size(), 0) {
        current_.reserve(regex.states_.size());
        following_.reserve(regex.states_.size());
    }

    std::optional<bool> over(std::string_view text) {
        enter(0);
        while (true) {
            std::swap(current_, following_);
            following_.clear();
            if (steps_ == 0) return std::nullopt;
            if (text.empty() || current_.empty()) break;
            const auto code_point = take_code_point(text);
            if (!code_point) text.remove_prefix(1);
            ++round_;
            for (const std::uint16_t place : current_) step(place, code_point.value_or(0xFFFD));
        }
        if (!text.empty()) return false;
        return std::any_of(current_.begin(), current_.end(),
                           [&](std::uint16_t place) { return regex_.states_[place].action == Action::match; });
    }

private:
    void pay(std::uint64_t cost) { steps_ -= std::min(steps_, cost); }

    void step(std::uint16_t place, char32_t code_point) {
        const State& state = regex_.states_[place];
        pay(state.action == Action::set && code_point >= 128 ? regex_.sets_[state.set].cost : 1);
        const bool takes_it = (state.action == Action::character && state.character == code_point) ||
                              (state.action == Action::any && code_point != '\n' && code_point != '\r') ||
                              (state.action == Action::set && regex_.contains(state.set, code_point));
        if (takes_it) enter(state.next);
    }

    /// Enters a state, and all that it leads to without a character.
    void enter(std::uint16_t first) {
        waiting_.push_back(first);
        while (!waiting_.empty()) {
            const std::uint16_t place = waiting_.back();
            waiting_.pop_back();
            if (seen_[place] == round_) continue;
            seen_[place] = round_;
            pay(1);
            const State& state = regex_.states_[place];
            if (state.action == Action::split) {
                waiting_.push_back(state.next);
                waiting_.push_back(state.other);
            } else if (state.action == Action::jump) {
                waiting_.push_back(state.next);
            } else {
                following_.push_back(place);
            }
        }
    }

    const Regex& regex_;
    std::uint64_t& steps_;
    std::vector<std::uint32_t> seen_;
    std::uint32_t round_ = 1;
    std::vector<std::uint16_t> current_;
    std::vector<std::uint16_t> following_;
    std::vector<std::uint16_t> waiting_;
};

std::optional<bool> Regex::matches(std::string_view text, std::uint64_t& steps) const { return Run(*this, steps).over(text); }

}  // namespace giromq::selector
