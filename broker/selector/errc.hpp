#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::selector {

/// Why a selector is refused. Every error's detail begins with "LINE:COLUMN: ", both counted from 1, columns in UTF-16 units as editors
/// count them.
enum class errc {
    too_large = 1,   // more bytes, nodes, nesting, or a longer pattern than limits.hpp allows
    wrong_encoding,  // not UTF-8, or with characters that XML 1.0 does not allow
    syntax,          // not the grammar of JMS 2.0 §3.8.1.1 with our extensions; or not XML, or not as the schema says
    invalid,         // the grammar is right, and the meaning is not: operands of a wrong type, an unknown name, a bad literal
    unknown_name,    // a selector that is stored in the broker was named, and there is none of that name
};

}  // namespace giromq::selector

template <>
struct giromq::ErrcTraits<giromq::selector::errc> {
    static constexpr std::string_view module = "selector";
    static std::string_view text(giromq::selector::errc code);
};
