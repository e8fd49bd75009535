#pragma once

#include <cstdint>
#include <string>

#include "xa/constants.h"
#include "xa/return_code.hpp"

namespace giromq::xa {

/// The `flags` argument of an XA call (C193 §4.4): a set of the bits in `tm`.
using Flags = std::uint32_t;

/// The flags of calls, under the names of constants.h: tm::join is TMJOIN.
namespace tm {
inline constexpr Flags no_flags = 0;
#define GIROMQ_XA_ENTRY(name, standard, value, text) inline constexpr Flags name = (value);
GIROMQ_XA_CALL_FLAGS(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
}  // namespace tm

/// The flags of a resource manager's switch.
namespace switch_flag {
#define GIROMQ_XA_ENTRY(name, standard, value, text) inline constexpr std::int64_t name = (value);
GIROMQ_XA_SWITCH_FLAGS(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
}  // namespace switch_flag

/// The flags in a C `long` or a Java `int`. TMASYNC is positive in a 64-bit long and negative in a 32-bit int; both are understood.
/// A value of more than 32 bits gives a set that every call refuses with XAER_INVAL.
Flags flags_of(std::int64_t value);

/// "TMJOIN|TMNOWAIT", for logs; unknown bits in hexadecimal.
std::string to_text(Flags flags);

/// Whether the flags fit the call: XA_OK, XAER_ASYNC (TMASYNC is set, and this resource manager does not set TMUSEASYNC), or
/// XAER_INVAL. Each implements the flags of the call's page in chapter 5 of the specification.
ReturnCode check_start_flags(Flags flags);
/// Exactly one of TMSUSPEND, TMSUCCESS and TMFAIL; TMMIGRATE only beside TMSUSPEND.
ReturnCode check_end_flags(Flags flags);
ReturnCode check_commit_flags(Flags flags);
/// For xa_prepare, xa_rollback and xa_forget, which know TMASYNC only.
ReturnCode check_plain_flags(Flags flags);
/// xa_recover is never asynchronous: TMASYNC is an invalid flag there.
ReturnCode check_recover_flags(Flags flags);

}  // namespace giromq::xa
