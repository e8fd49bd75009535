#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "xa/constants.h"

namespace giromq::xa {

/// What an XA call answers, with the numbers of the specification (C193 §4.5). The integer is what travels on the wire.
enum class ReturnCode : std::int32_t {
#define GIROMQ_XA_ENTRY(name, standard, value, text) name = (value),
    GIROMQ_XA_RETURN_CODES(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
};

/// The code of a number that came from outside; nothing if the specification has no such code.
std::optional<ReturnCode> return_code_of(std::int64_t value);

/// The specification's name, such as "XA_RBTIMEOUT".
std::string_view name_of(ReturnCode code);

/// What it means here, for a person, without a full stop.
std::string_view text_of(ReturnCode code);

/// XA_RBBASE to XA_RBEND: the branch is rolled back, or can only be rolled back.
constexpr bool is_rollback(ReturnCode code) {
    const auto value = static_cast<std::int32_t>(code);
    return value >= GIROMQ_XA_ROLLBACK_CODE_FIRST && value <= GIROMQ_XA_ROLLBACK_CODE_LAST;
}

/// XA_HEURMIX, XA_HEURRB, XA_HEURCOM or XA_HEURHAZ.
constexpr bool is_heuristic(ReturnCode code) {
    return code == ReturnCode::heuristic_mixed || code == ReturnCode::heuristic_rollback || code == ReturnCode::heuristic_commit ||
           code == ReturnCode::heuristic_hazard;
}

}  // namespace giromq::xa
