#include <algorithm>
#include <string>
#include <utility>

#include "base/utf8.hpp"
#include "selector/limits.hpp"
#include "selector/regex.hpp"

namespace giromq::selector {
namespace {

constexpr std::size_t groups_max = 64;
constexpr std::uint32_t repetitions_max = 1000;
constexpr std::uint32_t unbounded = UINT32_MAX;

/// A part of a pattern.
struct Part {
    enum class Kind : std::uint8_t { character, set, any, sequence, choice, repetition };
    Kind kind = Kind::sequence;
    char32_t character = 0;
    std::uint16_t set = 0;
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    std::vector<Part> parts;
};

/// Thrown inside of this file; compile() makes a value of it.
struct Refused {
    errc code;
    std::string sentence;
};

[[noreturn]] void refuse(std::string sentence) { throw Refused{errc::invalid, "the pattern is wrong: " + std::move(sentence)}; }

}  // namespace

/// Reads the pattern into parts and writes the states of the automaton.
class RegexCompiler {
public:
    explicit RegexCompiler(std::string_view pattern) : rest_(pattern) {}

    Regex compile() {
        const Part all = choice();
        if (!rest_.empty()) refuse("there is a ')' too many");
        finish_sets();
        emit(all);
        add({Regex::Action::match, 0, 0, 0, 0});
        return std::move(regex_);
    }

private:
    bool at(char expected) const { return !rest_.empty() && rest_[0] == expected; }
    bool skip(char expected) {
        if (!at(expected)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    char32_t take() {
        const auto code_point = take_code_point(rest_);
        if (!code_point) refuse(rest_.empty() ? "it ends too soon" : "it is not UTF-8");
        return *code_point;
    }

    Part choice() {
        if (++groups_ > groups_max) refuse("parentheses are nested too deeply");
        Part part;
        part.kind = Part::Kind::choice;
        do {
            part.parts.push_back(sequence());
        } while (skip('|'));
        --groups_;
        return part;
    }

    Part sequence() {
        Part part;
        while (!rest_.empty() && !at('|') && !at(')')) part.parts.push_back(quantified(atom()));
        return part;
    }

    Part atom() {
        Part part;
        if (skip('(')) {
            part = choice();
            if (!skip(')')) refuse("a '(' is not closed");
            return part;
        }
        if (skip('[')) return set_part(bracket_set());
        if (skip('.')) {
            part.kind = Part::Kind::any;
            return part;
        }
        if (skip('\\')) return escape_part();
        const char32_t character = take();
        if (character < 128 && std::string_view("?*+{}]").find(static_cast<char>(character)) != std::string_view::npos) {
            refuse(std::string("'") + static_cast<char>(character) + "' stands where a character is expected; behind a \\ it is one");
        }
        return character_part(character);
    }

    static Part character_part(char32_t character) {
        Part part;
        part.kind = Part::Kind::character;
        part.character = character;
        return part;
    }
    Part set_part(CharacterSet set) {
        Part part;
        part.kind = Part::Kind::set;
        part.set = keep(std::move(set));
        return part;
    }
    std::uint16_t keep(CharacterSet set) {
        regex_.sets_.push_back(std::move(set));
        return static_cast<std::uint16_t>(regex_.sets_.size() - 1);
    }

    Part escape_part() {
        CharacterSet set;
        const auto character = escape(set);
        return character ? character_part(*character) : set_part(std::move(set));
    }

    /// What follows a backslash: a character, or else a class, which is added to the set.
    std::optional<char32_t> escape(CharacterSet& set) {
        const char32_t letter = take();
        switch (letter) {
            case 'n': return U'\n';
            case 'r': return U'\r';
            case 't': return U'\t';
            case 'p':
            case 'P': add_categories(set, letter == 'P'); return std::nullopt;
            case 'd': set.categories |= *categories_of("Nd"); return std::nullopt;
            case 'D': set.categories |= ~*categories_of("Nd"); return std::nullopt;
            case 'w': set.categories |= ~non_word(); return std::nullopt;
            case 'W': set.categories |= non_word(); return std::nullopt;
            case 's': add_white_space(set); return std::nullopt;
            case 'i': set.name_start = true; return std::nullopt;
            case 'c': set.name_part = true; return std::nullopt;
            case 'S':
            case 'I':
            case 'C': set.others.push_back(keep(complement(letter))); return std::nullopt;
            default: break;
        }
        const bool is_known = letter < 128 && std::string_view("\\|.-^?*+{}()[]").find(static_cast<char>(letter)) != std::string_view::npos;
        if (!is_known) refuse("there is no such escape behind a \\");
        return letter;
    }

    static Categories non_word() { return *categories_of("P") | *categories_of("Z") | *categories_of("C"); }
    static void add_white_space(CharacterSet& set) {
        for (const char32_t space : {U' ', U'\t', U'\n', U'\r'}) set.ranges.emplace_back(space, space);
    }
    static CharacterSet complement(char32_t letter) {
        CharacterSet set;
        set.negated = true;
        if (letter == 'S') add_white_space(set);
        set.name_start = letter == 'I';
        set.name_part = letter == 'C';
        return set;
    }

    void add_categories(CharacterSet& set, bool others) {
        const auto end = rest_.find('}');
        if (!skip('{') || end == std::string_view::npos) refuse("behind \\p or \\P comes a category in braces");
        const auto name = rest_.substr(0, end - 1);
        const auto categories = categories_of(name);
        if (!categories) refuse("there is no category '" + std::string(name) + "'; names of blocks are not supported");
        set.categories |= others ? ~*categories : *categories;
        rest_.remove_prefix(end);
    }

    /// Behind "[".
    CharacterSet bracket_set() {
        if (++groups_ > groups_max) refuse("brackets are nested too deeply");
        CharacterSet set;
        set.negated = skip('^');
        bool is_first = true;
        while (!skip(']')) {
            if (!is_first && rest_.starts_with("-[")) {
                rest_.remove_prefix(2);
                set.less = keep(bracket_set());
                if (!skip(']')) refuse("behind a set that is taken away comes ']'");
                break;
            }
            add_range(set, is_first);
            is_first = false;
        }
        if (is_first) refuse("[] is empty");
        --groups_;
        return set;
    }

    void add_range(CharacterSet& set, bool is_first) {
        const auto first = range_end(set, is_first);
        if (!first) return;
        const bool is_range = at('-') && !rest_.starts_with("-]") && !rest_.starts_with("-[");
        if (!is_range) {
            set.ranges.emplace_back(*first, *first);
            return;
        }
        skip('-');
        CharacterSet none;
        const auto last = range_end(none, false);
        if (!last || *last < *first) refuse("a range goes from one character to another that is not before it");
        set.ranges.emplace_back(*first, *last);
    }

    /// One character in brackets; nothing if it was a class, which is in the set now.
    std::optional<char32_t> range_end(CharacterSet& set, bool is_first) {
        if (skip('\\')) return escape(set);
        if (at('[')) refuse("a '[' in brackets stands behind a \\");
        if (at('-') && !is_first && !rest_.starts_with("-]")) refuse("a '-' in brackets stands first, last, or behind a \\");
        return take();
    }

    Part quantified(Part part) {
        std::uint32_t least = 0;
        std::uint32_t most = unbounded;
        if (skip('?')) {
            most = 1;
        } else if (skip('+')) {
            least = 1;
        } else if (skip('{')) {
            least = number();
            most = least;
            if (skip(',')) most = at('}') ? unbounded : number();
            if (!skip('}') || most < least) refuse("a number of repetitions is {2}, {2,} or {2,5}");
        } else if (!skip('*')) {
            return part;
        }
        if (at('?') || at('*') || at('+') || at('{')) refuse("something is repeated twice; put it in parentheses");
        Part repetition;
        repetition.kind = Part::Kind::repetition;
        repetition.least = least;
        repetition.most = most;
        repetition.parts.push_back(std::move(part));
        return repetition;
    }

    std::uint32_t number() {
        std::uint32_t value = 0;
        bool is_number = false;
        for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1)) {
            is_number = true;
            value = value * 10 + static_cast<std::uint32_t>(rest_[0] - '0');
            if (value > repetitions_max) refuse("at most " + std::to_string(repetitions_max) + " repetitions can be counted");
        }
        if (!is_number) refuse("a number of repetitions is {2}, {2,} or {2,5}");
        return value;
    }

    /// Others come before those that name them, so one pass does.
    void finish_sets() {
        for (CharacterSet& set : regex_.sets_) {
            set.cost += static_cast<std::uint32_t>(set.ranges.size());
            for (const std::uint16_t other : set.others) set.cost += regex_.sets_[other].cost;
            if (set.less) set.cost += regex_.sets_[*set.less].cost;
            for (char32_t character = 0; character < 128; ++character) {
                const std::uint64_t bit = regex_.contains_slowly(set, character) ? 1 : 0;
                set.ascii[character / 64] |= bit << (character % 64);
            }
        }
    }

    std::uint16_t here() const { return static_cast<std::uint16_t>(regex_.states_.size()); }

    std::uint16_t add(Regex::State state) {
        if (regex_.states_.size() >= pattern_states_max) {
            throw Refused{errc::too_large, "the pattern needs more than " + std::to_string(pattern_states_max) + " states"};
        }
        regex_.states_.push_back(state);
        return static_cast<std::uint16_t>(regex_.states_.size() - 1);
    }

    /// Counted so that repetitions of nothing end, too.
    void emit(const Part& part) {
        if (++emitted_ > 8 * pattern_states_max) throw Refused{errc::too_large, "the pattern repeats too much"};
        const auto next = static_cast<std::uint16_t>(here() + 1);
        switch (part.kind) {
            case Part::Kind::character: add({Regex::Action::character, next, 0, 0, part.character}); break;
            case Part::Kind::set: add({Regex::Action::set, next, 0, part.set, 0}); break;
            case Part::Kind::any: add({Regex::Action::any, next, 0, 0, 0}); break;
            case Part::Kind::sequence:
                for (const Part& inner : part.parts) emit(inner);
                break;
            case Part::Kind::choice: emit_choice(part); break;
            case Part::Kind::repetition: emit_repetition(part); break;
        }
    }

    void emit_choice(const Part& part) {
        std::vector<std::uint16_t> ends;
        for (std::size_t index = 0; index + 1 < part.parts.size(); ++index) {
            const std::uint16_t split = add({Regex::Action::split, static_cast<std::uint16_t>(here() + 1), 0, 0, 0});
            emit(part.parts[index]);
            ends.push_back(add({Regex::Action::jump, 0, 0, 0, 0}));
            regex_.states_[split].other = here();
        }
        emit(part.parts.back());
        for (const std::uint16_t end : ends) regex_.states_[end].next = here();
    }

    void emit_repetition(const Part& part) {
        const Part& inner = part.parts[0];
        for (std::uint32_t count = 0; count < part.least; ++count) emit(inner);
        if (part.most == unbounded) {
            const std::uint16_t split = add({Regex::Action::split, static_cast<std::uint16_t>(here() + 1), 0, 0, 0});
            emit(inner);
            add({Regex::Action::jump, split, 0, 0, 0});
            regex_.states_[split].other = here();
            return;
        }
        std::vector<std::uint16_t> splits;
        for (std::uint32_t count = part.least; count < part.most; ++count) {
            splits.push_back(add({Regex::Action::split, static_cast<std::uint16_t>(here() + 1), 0, 0, 0}));
            emit(inner);
        }
        for (const std::uint16_t split : splits) regex_.states_[split].other = here();
    }

    std::string_view rest_;
    Regex regex_;
    std::size_t groups_ = 0;
    std::size_t emitted_ = 0;
};

Result<Regex> Regex::compile(std::string_view pattern) {
    try {
        return RegexCompiler(pattern).compile();
    } catch (Refused& refused) {
        return Error(refused.code, std::move(refused.sentence));
    }
}

}  // namespace giromq::selector
