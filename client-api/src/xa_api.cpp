#include <limits>

#include "connection_core.hpp"
#include "giromq/exceptions.hpp"
#include "giromq/xa.hpp"
#include "session_core.hpp"
#include "xa_resource_core.hpp"

// The handles of global transactions: each forwards to the core behind it.
namespace giromq {

XAException::XAException(int code, const std::string& reason) : std::runtime_error(reason), code_(code) {}
XAException::~XAException() = default;

// XAResource

XAResource::XAResource(std::shared_ptr<detail::XaResourceCore> core) : core_(std::move(core)) {}
XAResource::~XAResource() = default;
void XAResource::start(const Xid& xid, std::int64_t flags) { core_->start(xid, flags); }
void XAResource::end(const Xid& xid, std::int64_t flags) { core_->end(xid, flags); }
int XAResource::prepare(const Xid& xid) { return core_->prepare(xid); }
void XAResource::commit(const Xid& xid, bool one_phase) { core_->commit(xid, one_phase); }
void XAResource::rollback(const Xid& xid) { core_->rollback(xid); }
void XAResource::forget(const Xid& xid) { core_->forget(xid); }
std::vector<Xid> XAResource::recover(std::int64_t flags) { return core_->recover(flags, std::numeric_limits<std::int32_t>::max()); }
std::vector<Xid> XAResource::recover(std::int64_t flags, std::size_t count) {
    return core_->recover(flags, static_cast<std::int64_t>(count));
}
bool XAResource::is_same_rm(const XAResource& other) const { return core_->is_same_rm(*other.core_); }
void XAResource::set_transaction_timeout(std::chrono::seconds timeout) { core_->set_timeout(timeout); }
std::chrono::seconds XAResource::transaction_timeout() const { return std::chrono::duration_cast<std::chrono::seconds>(core_->timeout()); }

// XASession

XASession::XASession(std::shared_ptr<detail::SessionCore> core)
    : Session(core), resource_(std::make_shared<XAResource>(std::make_shared<detail::XaResourceCore>(core))) {}
XASession::~XASession() = default;
void XASession::set_before_work(std::function<void()> hook) { core_->set_before_work(std::move(hook)); }

// XAConnection and its factory

std::shared_ptr<XASession> XAConnection::create_xa_session() { return std::make_shared<XASession>(core_->create_xa_session()); }

std::shared_ptr<XAConnection> XAConnectionFactory::create_xa_connection() const {
    return std::make_shared<XAConnection>(detail::ConnectionCore::connect(settings()));
}
std::shared_ptr<XAConnection> XAConnectionFactory::create_xa_connection(std::string_view user, std::string_view password) const {
    detail::Settings copy = settings();
    copy.user = user;
    copy.password = password;
    return std::make_shared<XAConnection>(detail::ConnectionCore::connect(std::move(copy)));
}

}  // namespace giromq
