#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "xa/xid.hpp"

namespace giromq::xa {

/// "131077:0a0b:0c": the format in decimal, gtrid and bqual in lower-case hexadecimal. There is exactly one text for each XID.
std::string to_text(const Xid& xid);

/// Reads that text back. Also accepts upper-case digits, as people paste them; nothing else that to_text() would not write.
std::optional<Xid> xid_from_text(std::string_view text);

/// The transaction manager that uses this formatID, "unknown format" if it is none that is known here. A guess for people: nothing
/// keeps another manager from using the same number.
std::string_view format_name(std::int32_t format_id);

/// For people: "Bitronix, gtrid 'node1' 0000018f…, bqual …". Runs of at least three printable characters are shown as text, in single
/// quotes, everything else in hexadecimal, so that what came from outside can neither forge a line nor a quote.
std::string describe(const Xid& xid);

}  // namespace giromq::xa
