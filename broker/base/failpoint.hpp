#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// Places in the code where a test lets the process die, as a power failure would: SIGKILL, with no destructor, no flush and no answer.
/// GIROMQ_FAILPOINT=name[:nth] chooses one; giromqd obeys it only with --allow-failpoints. A place that was not chosen costs one test
/// of a flag.
namespace giromq::failpoint {

/// Every name. A change of users or permissions, and what becomes of a branch (prepare, commit in two phases, rollback, commit in one
/// phase, an administrator's decision, forget) has three places: `arrived` is before BEGIN, `written` when all rows are written and COMMIT
/// was not called, `durable` when COMMIT has returned and nobody has heard of it. `recovery.branch` is passed with each branch that is
/// found at start, `checkpoint.begun` and `checkpoint.done` are before and after the log is copied into the file.
inline constexpr std::array<std::string_view, 24> names{
    "prepare.arrived",   "prepare.written",   "prepare.durable",    // xa_prepare
    "commit.arrived",    "commit.written",    "commit.durable",     // xa_commit of a prepared branch
    "rollback.arrived",  "rollback.written",  "rollback.durable",   // xa_rollback of a prepared branch
    "one-phase.arrived", "one-phase.written", "one-phase.durable",  // xa_commit(TMONEPHASE)
    "heuristic.arrived", "heuristic.written", "heuristic.durable",  // an administrator's decision
    "forget.arrived",    "forget.written",    "forget.durable",     // xa_forget
    "security.arrived",  "security.written",  "security.durable",   // a user or a permission
    "recovery.branch",   "checkpoint.begun",  "checkpoint.done",
};

/// name[:nth], with a name of `names` and nth from 1 to 1,000,000,000 (default 1).
struct Choice {
    std::string_view name;  // of `names`
    std::uint32_t nth = 1;
};
std::optional<Choice> parse(std::string_view text);

/// Chooses the place where the process dies, the nth time that it is reached. Before any thread is started that could reach one.
void arm(Choice choice);

namespace detail {
extern bool is_armed;
void reach(std::string_view what, std::string_view moment);
}  // namespace detail

/// Whether any place is chosen: to be asked before work that only serves to find the name.
inline bool is_armed() { return detail::is_armed; }

/// The place `what`.`moment`, which is one of `names`. Any thread.
inline void reach(std::string_view what, std::string_view moment) {
    if (detail::is_armed) [[unlikely]]
        detail::reach(what, moment);
}

}  // namespace giromq::failpoint
