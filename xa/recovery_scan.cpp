#include "xa/recovery_scan.hpp"

#include <algorithm>
#include <utility>

namespace giromq::xa {

RecoveryScan::Answer RecoveryScan::recover(std::int64_t count, bool has_room, Flags flags, const XidPages& pages) {
    const bool starts = (flags & tm::start_scan) != 0;
    if (check_recover_flags(flags) != ReturnCode::ok || count < 0 || (count > 0 && !has_room) || (!open_ && !starts)) {
        return {.code = ReturnCode::er_inval, .xids = {}};
    }
    std::optional<Xid> after = starts ? std::nullopt : after_;
    Answer answer;
    for (bool more = true; more && std::cmp_less(answer.xids.size(), count);) {
        const auto missing = static_cast<std::uint64_t>(count) - answer.xids.size();
        const XidPage page = pages(after, static_cast<std::size_t>(std::min<std::uint64_t>(missing, page_xids)));
        if (page.code != ReturnCode::ok) return {.code = page.code, .xids = {}};
        answer.xids.insert(answer.xids.end(), page.xids.begin(), page.xids.end());
        if (!page.xids.empty()) after = page.xids.back();
        more = page.more && !page.xids.empty();
    }
    open_ = (flags & tm::end_scan) == 0;
    after_ = after;
    return answer;
}

}  // namespace giromq::xa
