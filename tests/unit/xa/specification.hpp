#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "xa/flags.hpp"

/// Chapter 6 of the X/Open XA specification (C193) and the flags of its chapter 5, written down a second time, as data.
namespace giromq::xa::test {

/// A row of table 6-4: the call, its answer, and the next state for S0 to S5. A blank cell: the call must not be made in that state.
struct BranchRow {
    std::string_view call;
    std::string_view answer;
    std::array<char, 6> next;
};

inline constexpr std::array branch_table{
    //        call        answer    S0   S1   S2   S3   S4   S5
    BranchRow{"start", "ok", {'1', ' ', '1', ' ', ' ', ' '}},        //
    BranchRow{"start", "rb", {' ', ' ', '4', ' ', ' ', ' '}},        //
    BranchRow{"end", "ok", {' ', '2', ' ', ' ', ' ', ' '}},          //
    BranchRow{"end", "rb", {' ', '4', ' ', ' ', ' ', ' '}},          //
    BranchRow{"prepare", "ok", {' ', ' ', '3', ' ', ' ', ' '}},      //
    BranchRow{"prepare", "rdonly", {' ', ' ', '0', ' ', ' ', ' '}},  //
    BranchRow{"prepare", "rb", {' ', ' ', '0', ' ', ' ', ' '}},      //
    BranchRow{"prepare", "rmerr", {' ', ' ', '2', ' ', ' ', ' '}},   //
    BranchRow{"commit1", "ok", {' ', ' ', '0', ' ', ' ', ' '}},      // with TMONEPHASE
    BranchRow{"commit1", "rb", {' ', ' ', '0', ' ', ' ', ' '}},      //
    BranchRow{"commit1", "heur", {' ', ' ', '5', ' ', ' ', '5'}},    //
    BranchRow{"commit2", "ok", {' ', ' ', ' ', '0', ' ', ' '}},      // without
    BranchRow{"commit2", "retry", {' ', ' ', ' ', '3', ' ', ' '}},   //
    BranchRow{"commit2", "heur", {' ', ' ', ' ', '5', ' ', '5'}},    //
    BranchRow{"rollback", "ok", {' ', ' ', '0', '0', '0', ' '}},     //
    BranchRow{"rollback", "rb", {' ', ' ', '0', '0', '0', ' '}},     //
    BranchRow{"rollback", "heur", {' ', ' ', ' ', '5', '5', '5'}},   //
    BranchRow{"forget", "ok", {' ', ' ', ' ', ' ', ' ', '0'}},       //
    BranchRow{"forget", "rmerr", {' ', ' ', ' ', ' ', ' ', '5'}},    //
};

/// The next state, or ' ' where the table is blank.
inline char next_state(std::string_view call, std::string_view answer, char state) {
    for (const auto& row : branch_table) {
        if (row.call == call && row.answer == answer) return row.next[static_cast<std::size_t>(state - '0')];
    }
    return ' ';
}

/// Whether the call may be made in that state at all.
inline bool may_call(std::string_view call, char state) {
    for (const auto& row : branch_table) {
        if (row.call == call && row.next[static_cast<std::size_t>(state - '0')] != ' ') return true;
    }
    return false;
}

/// The sets of flags that a call takes, each in full; every other set is XAER_INVAL, or XAER_ASYNC if TMASYNC is in it.
inline std::vector<Flags> valid_flags(std::string_view call) {
    if (call == "start") {
        return {0, tm::no_wait, tm::join, tm::join | tm::no_wait, tm::resume, tm::resume | tm::no_wait};
    }
    if (call == "end") return {tm::suspend, tm::suspend | tm::migrate, tm::success, tm::fail};
    if (call == "commit") return {0, tm::no_wait, tm::one_phase, tm::one_phase | tm::no_wait};
    return {0};  // prepare, rollback, forget
}

}  // namespace giromq::xa::test
