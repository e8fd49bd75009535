#include "giromq/selector.hpp"

#include <charconv>
#include <utility>

#include "explain.hpp"
#include "message_view.hpp"
#include "selector/forms.hpp"
#include "selector/selector.hpp"

namespace giromq {
namespace {

/// "LINE:COLUMN: reason" in its parts; every refusal of a selector is written so.
SelectorTextException exception_of(std::string_view detail) {
    std::size_t line = 1;
    std::size_t column = 1;
    const char* const end = detail.data() + detail.size();
    const auto line_end = std::from_chars(detail.data(), end, line).ptr;
    if (line_end == end || *line_end != ':') return {1, 1, std::string(detail)};
    const auto column_end = std::from_chars(line_end + 1, end, column).ptr;
    std::string_view reason(column_end, static_cast<std::size_t>(end - column_end));
    if (reason.starts_with(": ")) reason.remove_prefix(2);
    return {line, column, std::string(reason)};
}

selector::ProgramPtr compile(std::string_view text) {
    if (selector::is_no_selector(text)) {
        throw SelectorTextException(1, 1, "there is no selector here; a consumer without one gets every message");
    }
    auto compiled = selector::compile(text);
    if (compiled) return std::move(compiled).value();
    if (compiled.error().is(selector::errc::unknown_name)) {
        throw SelectorTextException(1, 1, "this names a selector that is stored in the broker; give the text of that one");
    }
    throw exception_of(compiled.error().detail());
}

}  // namespace

SelectorTextException::SelectorTextException(std::size_t line, std::size_t column, const std::string& reason)
    : InvalidSelectorException(std::to_string(line) + ":" + std::to_string(column) + ": " + reason, "amqp:invalid-field"),
      line_(line),
      column_(column),
      reason_(reason) {}
SelectorTextException::~SelectorTextException() = default;

Selector::Selector(std::string_view text) : program_(compile(text)) {}

std::string Selector::sql() const { return selector::print_sql(program_->tree()); }
std::string Selector::explanation() const { return detail::explain(*program_); }
SelectorOutcome Selector::evaluate(const SelectorMessage& message) const {
    const selector::Outcome outcome = program_->evaluate(detail::DescribedMessage(message));
    switch (outcome.truth) {
        case selector::Truth::no: return {SelectorTruth::no, outcome.over_budget};
        case selector::Truth::yes: return {SelectorTruth::yes, outcome.over_budget};
        case selector::Truth::unknown: break;
    }
    return {SelectorTruth::unknown, outcome.over_budget};
}
std::string Selector::xml() const { return selector::print_xml(program_->tree()); }

}  // namespace giromq
