#pragma once

#include <proton/types.h>

#include <string>
#include <string_view>

/// Texts as Proton's functions take and give them.
namespace giromq::detail {

/// The bytes of `text`, which must stay as long as they are used.
inline pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }

inline std::string string_of(pn_bytes_t bytes) { return bytes.start == nullptr ? std::string() : std::string(bytes.start, bytes.size); }

}  // namespace giromq::detail
