#include "xa_pending_ends.hpp"

#include <mutex>
#include <vector>

#include "session_core.hpp"
#include "xa_resource_core.hpp"

namespace giromq::detail {
namespace {

struct PendingEnd {
    xa::Xid xid;
    std::weak_ptr<SessionCore> session;
    const SessionCore* address;
    std::shared_ptr<XaCall> call;
};

std::mutex mutex;
std::vector<PendingEnd> ends;  // at most one for each session

}  // namespace

void PendingEnds::add(const xa::Xid& xid, const std::shared_ptr<SessionCore>& session, const std::shared_ptr<XaCall>& call) {
    const std::lock_guard lock(mutex);
    std::erase_if(ends, [&](const auto& one) { return one.address == session.get(); });
    ends.push_back({xid, session, session.get(), call});
}

void PendingEnds::remove(const SessionCore& session) {
    const std::lock_guard lock(mutex);
    std::erase_if(ends, [&](const auto& one) { return one.address == &session; });
}

void PendingEnds::wait_for(const xa::Xid& xid, const SessionCore& self) {
    std::vector<PendingEnd> found;
    {
        const std::lock_guard lock(mutex);
        for (const PendingEnd& one : ends) {
            if (one.xid == xid && one.address != &self) found.push_back(one);
        }
    }
    for (const PendingEnd& one : found) {
        const auto session = one.session.lock();
        if (session == nullptr) continue;
        std::unique_lock lock(session->connection().mutex());
        session->connection().pump();
        wait_until(session->changed(), lock, deadline_after(session->connection().settings().request_timeout),
                   [&] { return one.call->request->is_over(); });
    }
}

}  // namespace giromq::detail
