#include "xa/flags.hpp"

#include <bit>
#include <cstdio>
#include <limits>
#include <string_view>

namespace giromq::xa {
namespace {

/// A bit that the specification gives to no flag.
constexpr Flags unknown_flag = 0x00000008;

ReturnCode check(Flags flags, Flags known) {
    if ((flags & tm::async) != 0) return ReturnCode::er_async;
    return (flags & ~known) == 0 ? ReturnCode::ok : ReturnCode::er_inval;
}

}  // namespace

Flags flags_of(std::int64_t value) {
    if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::uint32_t>::max()) return unknown_flag;
    return static_cast<Flags>(value);
}

std::string to_text(Flags flags) {
    if (flags == tm::no_flags) return "TMNOFLAGS";
    std::string text;
    const auto append = [&text](std::string_view name) {
        if (!text.empty()) text += '|';
        text += name;
    };
#define GIROMQ_XA_ENTRY(name, standard, value, meaning) \
    if ((flags & tm::name) != 0) {                      \
        append(#standard);                              \
        flags &= ~tm::name;                             \
    }
    GIROMQ_XA_CALL_FLAGS(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
    if (flags != 0) {
        char rest[16];
        std::snprintf(rest, sizeof rest, "0x%08x", static_cast<unsigned>(flags));
        append(rest);
    }
    return text;
}

ReturnCode check_start_flags(Flags flags) {
    const ReturnCode code = check(flags, tm::join | tm::resume | tm::no_wait);
    if (code != ReturnCode::ok) return code;
    const bool both = (flags & tm::join) != 0 && (flags & tm::resume) != 0;
    return both ? ReturnCode::er_inval : ReturnCode::ok;
}

ReturnCode check_end_flags(Flags flags) {
    const ReturnCode code = check(flags, tm::suspend | tm::migrate | tm::success | tm::fail);
    if (code != ReturnCode::ok) return code;
    if (std::popcount(flags & (tm::suspend | tm::success | tm::fail)) != 1) return ReturnCode::er_inval;
    const bool migrates_what_is_not_suspended = (flags & tm::migrate) != 0 && (flags & tm::suspend) == 0;
    return migrates_what_is_not_suspended ? ReturnCode::er_inval : ReturnCode::ok;
}

ReturnCode check_commit_flags(Flags flags) { return check(flags, tm::no_wait | tm::one_phase); }

ReturnCode check_plain_flags(Flags flags) { return check(flags, tm::no_flags); }

ReturnCode check_recover_flags(Flags flags) {
    return (flags & ~(tm::start_scan | tm::end_scan)) == 0 ? ReturnCode::ok : ReturnCode::er_inval;
}

}  // namespace giromq::xa
