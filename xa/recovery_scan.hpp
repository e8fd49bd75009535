#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "xa/flags.hpp"
#include "xa/return_code.hpp"
#include "xa/xid.hpp"

namespace giromq::xa {

/// A part of the list of branches in doubt, as a resource manager gives it: in order, those behind the asked place.
struct XidPage {
    ReturnCode code = ReturnCode::ok;  // anything else: the list could not be read
    std::vector<Xid> xids;
    bool more = false;
};

/// Asks for a page of at most `limit` XIDs behind `after`.
using XidPages = std::function<XidPage(const std::optional<Xid>& after, std::size_t limit)>;

/// One thread's recovery scan: xa_recover with its flags and its count (C193 §3.6 and chapter 5), on top of pages that know neither. Used
/// by the C switch and by XAResource; the resource manager keeps no cursor.
///
/// A scan gives every branch that is in doubt throughout it exactly once, in the order of the XIDs: the cursor is an XID, not a number, so
/// branches may come and go.
class RecoveryScan {
public:
    static constexpr std::size_t page_xids = 256;

    struct Answer {
        ReturnCode code = ReturnCode::ok;  // unless ok, `xids` is empty and the scan is where it was
        std::vector<Xid> xids;             // fewer than the count: the list is exhausted
    };

    /// At most `count` XIDs from the cursor on. XAER_INVAL for a negative count, `has_room` false (a null pointer) with a count, flags
    /// that xa_recover does not know, or no open scan without TMSTARTRSCAN.
    Answer recover(std::int64_t count, bool has_room, Flags flags, const XidPages& pages);

    bool is_open() const { return open_; }

private:
    bool open_ = false;
    std::optional<Xid> after_;
};

}  // namespace giromq::xa
