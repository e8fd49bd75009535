#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "selector/message_view.hpp"
#include "selector/selector.hpp"

namespace giromq::selector {

/// Many selectors that judge the same messages. Those that need an equality (`currency = 'EUR'`) are found by the value that the message
/// has there, and only they are evaluated: a thousand of them cost little more than one. Immutable; any number of threads may use it.
class ProgramSet {
public:
    /// Each program is known by its index in the list.
    explicit ProgramSet(std::vector<ProgramPtr> programs);
    ProgramSet(const ProgramSet&) = delete;
    ProgramSet& operator=(const ProgramSet&) = delete;

    struct Verdict {
        std::vector<std::uint32_t> selected;     // the programs that select the message, in no order
        std::vector<std::uint32_t> over_budget;  // those that gave up
        void clear() {
            selected.clear();
            over_budget.clear();
        }
    };

    /// Adds to `verdict` what the programs say of the message.
    void judge(const MessageView& message, Verdict& verdict) const;

    std::size_t size() const { return programs_.size(); }
    /// Some of them look into bodies, so the core must not evaluate them.
    bool looks_into_bodies() const { return looks_into_bodies_; }

private:
    /// A program behind an equality. `is_all`: the equality is the whole selector, so that nothing is left to evaluate.
    struct Candidate {
        std::uint32_t program = 0;
        bool is_all = false;
    };
    using Candidates = std::vector<Candidate>;

    /// The programs that need a certain value of one property or header. Text refers to the trees of the programs.
    struct Index {
        Header header = Header::priority;
        std::unordered_map<std::string_view, Candidates> strings;
        std::unordered_map<std::int64_t, Candidates> longs;
        Candidates booleans[2];
        Candidates all_longs;  // for floats, doubles and decimals, which may equal a long
    };

    bool add_to_index(std::uint32_t program);
    Index& index_of(const Node& reference);
    void look_up(const Index& index, const Value& value, const MessageView& message, Verdict& verdict) const;
    void evaluate(const Candidates& candidates, bool exact, const MessageView& message, Verdict& verdict) const;
    void evaluate(std::uint32_t program, const MessageView& message, Verdict& verdict) const;

    std::vector<ProgramPtr> programs_;
    std::vector<std::string_view> names_;  // of the properties that indexes_ are of
    std::vector<Index> indexes_;
    std::vector<Index> header_indexes_;
    std::vector<std::uint32_t> unindexed_;
    bool looks_into_bodies_ = false;
};

}  // namespace giromq::selector
