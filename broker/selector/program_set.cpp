#include "selector/program_set.hpp"

#include <algorithm>
#include <utility>

#include "selector/conjuncts.hpp"

namespace giromq::selector {
namespace {

bool is_whole_selector(const Node& root, const EqualityConjunct& conjunct) {
    return root.op == Op::equal && (&root.children[0] == conjunct.reference || &root.children[1] == conjunct.reference);
}

}  // namespace

ProgramSet::ProgramSet(std::vector<ProgramPtr> programs) : programs_(std::move(programs)) {
    for (std::uint32_t program = 0; program < programs_.size(); ++program) {
        looks_into_bodies_ = looks_into_bodies_ || programs_[program]->looks_into_body();
        if (!add_to_index(program)) unindexed_.push_back(program);
    }
}

ProgramSet::Index& ProgramSet::index_of(const Node& reference) {
    if (reference.op == Op::header) {
        const auto found = std::find_if(header_indexes_.begin(), header_indexes_.end(),
                                        [&](const Index& index) { return index.header == reference.header; });
        if (found != header_indexes_.end()) return *found;
        header_indexes_.emplace_back().header = reference.header;
        return header_indexes_.back();
    }
    const auto found = std::find(names_.begin(), names_.end(), std::string_view(reference.text));
    if (found != names_.end()) return indexes_[static_cast<std::size_t>(found - names_.begin())];
    names_.emplace_back(reference.text);
    return indexes_.emplace_back();
}

bool ProgramSet::add_to_index(std::uint32_t program) {
    const Node& root = programs_[program]->tree();
    const auto conjuncts = equality_conjuncts(root);
    const EqualityConjunct* const conjunct = most_telling(conjuncts);
    if (conjunct == nullptr) return false;
    Index& index = index_of(*conjunct->reference);
    const Candidate candidate{program, is_whole_selector(root, *conjunct)};
    const Literal& literal = conjunct->literal->literal;
    if (const auto* const text = std::get_if<std::string>(&literal)) {
        index.strings[*text].push_back(candidate);
    } else if (const auto* const number = std::get_if<std::int64_t>(&literal)) {
        index.longs[*number].push_back(candidate);
        index.all_longs.push_back(candidate);
    } else if (const auto* const truth = std::get_if<bool>(&literal)) {
        index.booleans[*truth ? 1 : 0].push_back(candidate);
    } else {
        return false;
    }
    return true;
}

void ProgramSet::judge(const MessageView& message, Verdict& verdict) const {
    if (!names_.empty()) {
        // Few properties are compared for being equal, whatever the number of selectors.
        constexpr std::size_t usual = 8;
        Value few[usual];
        std::vector<Value> many;
        if (names_.size() > usual) many.resize(names_.size());
        const std::span<Value> values = many.empty() ? std::span(few, names_.size()) : std::span(many);
        message.properties(names_, values);
        for (std::size_t which = 0; which < values.size(); ++which) look_up(indexes_[which], values[which], message, verdict);
    }
    for (const Index& index : header_indexes_) look_up(index, message.header(index.header), message, verdict);
    for (const auto program : unindexed_) evaluate(program, message, verdict);
}

void ProgramSet::look_up(const Index& index, const Value& value, const MessageView& message, Verdict& verdict) const {
    switch (kind_of(value)) {
        case Kind::string:
            if (const auto found = index.strings.find(std::get<std::string_view>(value)); found != index.strings.end()) {
                evaluate(found->second, true, message, verdict);
            }
            return;
        case Kind::int32:
        case Kind::int64: {
            const auto number = kind_of(value) == Kind::int32 ? std::int64_t{std::get<std::int32_t>(value)} : std::get<std::int64_t>(value);
            if (const auto found = index.longs.find(number); found != index.longs.end()) evaluate(found->second, true, message, verdict);
            return;
        }
        case Kind::float32:
        case Kind::float64:
        case Kind::decimal:
        case Kind::date_time:  // as milliseconds
            evaluate(index.all_longs, false, message, verdict);
            return;
        case Kind::boolean: evaluate(index.booleans[std::get<bool>(value) ? 1 : 0], true, message, verdict); return;
        default: return;
    }
}

void ProgramSet::evaluate(const Candidates& candidates, bool exact, const MessageView& message, Verdict& verdict) const {
    for (const Candidate& candidate : candidates) {
        if (exact && candidate.is_all) {
            verdict.selected.push_back(candidate.program);
        } else {
            evaluate(candidate.program, message, verdict);
        }
    }
}

void ProgramSet::evaluate(std::uint32_t program, const MessageView& message, Verdict& verdict) const {
    const Outcome outcome = programs_[program]->evaluate(message);
    if (outcome.is_selected()) verdict.selected.push_back(program);
    if (outcome.over_budget) verdict.over_budget.push_back(program);
}

}  // namespace giromq::selector
