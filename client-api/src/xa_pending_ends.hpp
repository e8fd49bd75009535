#pragma once

#include <memory>

#include "xa/xid.hpp"

namespace giromq::detail {

class SessionCore;
struct XaCall;

/// The ends of associations in this process that the broker may not have heard yet. A call about the branch that comes over another
/// link could overtake them, and waits first. Threads: any, without a connection's mutex, except for add() and remove().
class PendingEnds {
public:
    static void add(const xa::Xid& xid, const std::shared_ptr<SessionCore>& session, const std::shared_ptr<XaCall>& call);
    static void remove(const SessionCore& session);
    /// Waits for those of other sessions than `self`.
    static void wait_for(const xa::Xid& xid, const SessionCore& self);
};

}  // namespace giromq::detail
