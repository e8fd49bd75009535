#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "giromq/connection.hpp"
#include "giromq/connection_factory.hpp"
#include "giromq/export.hpp"
#include "giromq/session.hpp"

/// Global transactions: sessions whose transactions a transaction manager begins and ends (JMS 2.0 §8, JTA, X/Open XA).
namespace giromq {

namespace detail {
class XaResourceCore;
}

/// The identifier of a transaction branch (javax.transaction.xa.Xid): binary, and equal only if all of it is.
struct Xid {
    std::int32_t format_id = 0;         ///< -1 is no identifier.
    std::string global_transaction_id;  ///< 1 to 64 bytes.
    std::string branch_qualifier;       ///< 0 to 64 bytes.
    friend bool operator==(const Xid&, const Xid&) = default;
};

/// The flags of XAResource, with the values of the specification; the comments have its names.
struct XAFlags {
    static constexpr std::int64_t no_flags = 0;             ///< TMNOFLAGS
    static constexpr std::int64_t join = 0x00200000;        ///< TMJOIN
    static constexpr std::int64_t end_scan = 0x00800000;    ///< TMENDRSCAN
    static constexpr std::int64_t start_scan = 0x01000000;  ///< TMSTARTRSCAN
    static constexpr std::int64_t suspend = 0x02000000;     ///< TMSUSPEND
    static constexpr std::int64_t success = 0x04000000;     ///< TMSUCCESS
    static constexpr std::int64_t resume = 0x08000000;      ///< TMRESUME
    static constexpr std::int64_t fail = 0x20000000;        ///< TMFAIL
    static constexpr std::int64_t one_phase = 0x40000000;   ///< TMONEPHASE
    static constexpr std::int64_t migrate = 0x00100000;     ///< TMMIGRATE, only with suspend
};

/// The codes of the specification that a call returns or an XAException carries.
struct XACode {
    static constexpr int ok = 0;                  ///< XA_OK
    static constexpr int read_only = 3;           ///< XA_RDONLY
    static constexpr int retry = 4;               ///< XA_RETRY
    static constexpr int heuristic_mixed = 5;     ///< XA_HEURMIX
    static constexpr int heuristic_rollback = 6;  ///< XA_HEURRB
    static constexpr int heuristic_commit = 7;    ///< XA_HEURCOM
    static constexpr int heuristic_hazard = 8;    ///< XA_HEURHAZ
    static constexpr int rollback = 100;          ///< XA_RBROLLBACK; everything from here to 107 means rolled back
    static constexpr int rollback_lost = 101;     ///< XA_RBCOMMFAIL
    static constexpr int rollback_timeout = 106;  ///< XA_RBTIMEOUT
    static constexpr int rollback_last = 107;     ///< XA_RBEND
    static constexpr int rm_error = -3;           ///< XAER_RMERR
    static constexpr int unknown_xid = -4;        ///< XAER_NOTA
    static constexpr int invalid = -5;            ///< XAER_INVAL
    static constexpr int protocol = -6;           ///< XAER_PROTO
    static constexpr int rm_fail = -7;            ///< XAER_RMFAIL
    static constexpr int duplicate_xid = -8;      ///< XAER_DUPID
};

/// What a call of XAResource throws (javax.transaction.xa.XAException). Not a JMSException.
class GIROMQ_API XAException : public std::runtime_error {
public:
    XAException(int code, const std::string& reason);
    XAException(const XAException&) = default;
    XAException& operator=(const XAException&) = default;
    ~XAException() override;
    /// One of XACode.
    int error_code() const noexcept { return code_; }

private:
    int code_;
};

/// The broker as a resource manager, for a transaction manager (javax.transaction.xa.XAResource): one thread of control of XA. Made by
/// XASession::xa_resource().
///
/// Every call throws XAException. A lost connection, a link that the broker has ended, and an answer that does not come within
/// request-timeout-ms are XAER_RMFAIL, always: whether the call was carried out is found out by making it again, when the library has
/// connected again. Branches that are prepared survive all that.
///
/// Threads: any thread; calls are made one after the other. start() and end() not while another thread is in a call of the session.
class GIROMQ_API XAResource {
public:
    explicit XAResource(std::shared_ptr<detail::XaResourceCore> core);  // for the library
    ~XAResource();
    XAResource(const XAResource&) = delete;
    XAResource& operator=(const XAResource&) = delete;

    /// From now on the session works for the branch. `flags`: no_flags for a new one, join, or resume.
    void start(const Xid& xid, std::int64_t flags);
    /// The session works for it no longer. `flags`: success, fail, or suspend, that also with migrate. Throws XA_RB* if the broker has
    /// refused a part of the work. A success need not have been heard by the broker when this returns: what follows from this
    /// process is carried out after it (xa-pipeline=false in the URI for managers that prepare from another process).
    void end(const Xid& xid, std::int64_t flags);
    /// XACode::ok, or read_only if there was nothing to commit: then the branch has ended. XA_RB*: it has been rolled back.
    int prepare(const Xid& xid);
    void commit(const Xid& xid, bool one_phase);
    void rollback(const Xid& xid);
    /// Ends the memory of a decision that an administrator has made about a branch.
    void forget(const Xid& xid);
    /// The branches that are prepared or heuristically completed: all of them with start_scan; no_flags and end_scan go on and end.
    std::vector<Xid> recover(std::int64_t flags);
    /// The same with at most `count` XIDs a call, as xa_recover has it.
    std::vector<Xid> recover(std::int64_t flags, std::size_t count);

    /// Whether both stand for the same store of the same broker. False while it has not said which one it is.
    bool is_same_rm(const XAResource& other) const;
    /// Of branches that are started from now on, and of the active one. 0: the broker's default.
    void set_transaction_timeout(std::chrono::seconds timeout);
    std::chrono::seconds transaction_timeout() const;

private:
    std::shared_ptr<detail::XaResourceCore> core_;
};

/// A session whose work belongs to the branch that its XAResource has started. Without one, sending and receiving throw
/// IllegalStateException; commit() and rollback() throw TransactionInProgressException, because the manager does that. It has no message
/// listeners.
class GIROMQ_API XASession : public Session, public std::enable_shared_from_this<XASession> {
public:
    explicit XASession(std::shared_ptr<detail::SessionCore> core);  // for the library
    ~XASession();

    std::shared_ptr<XAResource> xa_resource() const { return resource_; }
    /// This session as one that cannot reach the resource.
    std::shared_ptr<Session> session() { return shared_from_this(); }
    /// Called before work for which no branch is active: it may start one. For resource managers that register themselves with the
    /// first work (ax_reg). What it throws leaves the call that wanted to work.
    void set_before_work(std::function<void()> hook);

private:
    const std::shared_ptr<XAResource> resource_;
};

/// A connection that makes sessions for a transaction manager, and others.
class GIROMQ_API XAConnection : public Connection {
public:
    using Connection::Connection;
    /// Throws JMSException (amqp:not-implemented) if the broker has no global transactions.
    std::shared_ptr<XASession> create_xa_session();
};

/// A ConnectionFactory for such connections.
class GIROMQ_API XAConnectionFactory : public ConnectionFactory {
public:
    using ConnectionFactory::ConnectionFactory;
    std::shared_ptr<XAConnection> create_xa_connection() const;
    std::shared_ptr<XAConnection> create_xa_connection(std::string_view user, std::string_view password) const;
};

}  // namespace giromq
