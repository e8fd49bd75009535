#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control_link.hpp"
#include "giromq/xa.hpp"
#include "session_core.hpp"
#include "xa/recovery_scan.hpp"
#include "xa_transaction.hpp"

namespace giromq::detail {

/// A call on its way, and what it answered.
struct XaCall {
    ControlRequestPtr request;
    xa::ReturnCode code = xa::ReturnCode::er_rm_error;
    xa::XidPage page;
};

/// Behind XAResource: the calls of XA over the session's control link. Threads: any, one call after the other.
class XaResourceCore {
public:
    explicit XaResourceCore(std::shared_ptr<SessionCore> session) : session_(std::move(session)) {}
    ~XaResourceCore();
    XaResourceCore(const XaResourceCore&) = delete;
    XaResourceCore& operator=(const XaResourceCore&) = delete;

    void start(const Xid& xid, std::int64_t flags);
    void end(const Xid& xid, std::int64_t flags);
    int prepare(const Xid& xid);
    void commit(const Xid& xid, bool one_phase);
    void rollback(const Xid& xid);
    void forget(const Xid& xid);
    std::vector<Xid> recover(std::int64_t flags, std::int64_t count);
    bool is_same_rm(const XaResourceCore& other) const;
    void set_timeout(std::chrono::milliseconds timeout);
    std::chrono::milliseconds timeout() const;

private:
    using CallPtr = std::shared_ptr<XaCall>;

    XaTransaction& transaction() { return *session_->xa_transaction(); }
    /// Throws XAER_RMFAIL if there is no link.
    CallPtr ask(std::string body);
    /// Throws XAER_RMFAIL if there is no answer, else the code if it is none of the two.
    int wait(std::unique_lock<std::mutex>& lock, const CallPtr& call, xa::ReturnCode other = xa::ReturnCode::ok);
    int resolve(const xa::Xid& xid, std::string body, xa::ReturnCode other = xa::ReturnCode::ok);
    void end_active(std::unique_lock<std::mutex>& lock, xa::Flags flags);
    void end_suspended(std::unique_lock<std::mutex>& lock, const xa::Xid& xid, xa::Flags flags);
    xa::XidPage page(const std::optional<xa::Xid>& after, std::size_t limit);
    void end_is_over();

    const std::shared_ptr<SessionCore> session_;
    mutable std::mutex calls_;
    xa::RecoveryScan scan_;
    std::chrono::milliseconds timeout_{0};
    std::optional<xa::Xid> ending_;  // told to end, and not heard yet
};

}  // namespace giromq::detail
