#pragma once

#include <chrono>
#include <giromq/giromq.hpp>
#include <giromq/xa.hpp>
#include <memory>
#include <string>
#include <vector>

namespace xa_transfer {

/// Orders and receipts in the broker, and its half of a global transaction. Every call throws what libgiromq throws.
class Messages {
public:
    /// `name` is the client id: the broker lets nobody else in under it, so what a dead process has sent is done before this returns.
    /// A branch that a worker has ended and not prepared outlives its connection, and is rolled back after `branch_timeout`.
    Messages(const std::string& uri, const std::string& name, std::chrono::seconds branch_timeout);

    // Work, between start() and end() of a branch

    /// Null if none came.
    giromq::MessagePtr next_order(std::chrono::milliseconds patience) { return orders_->receive(patience); }
    void send_receipt(const std::string& text) { receipts_->send(session_->create_text_message(text)); }
    /// Passes on, as it is, what nobody can carry out.
    void refuse(const giromq::MessagePtr& order) { refused_->send(order); }

    void start(const giromq::Xid& xid) { resource_->start(xid, giromq::XAFlags::no_flags); }
    void end(const giromq::Xid& xid) { resource_->end(xid, giromq::XAFlags::success); }
    /// False if there was nothing to commit: then the branch has ended.
    bool prepare(const giromq::Xid& xid) { return resource_->prepare(xid) == giromq::XACode::ok; }
    /// Both return when the branch has ended so, now or before. An administrator who has decided otherwise is told on standard error.
    void commit(const giromq::Xid& xid);
    void roll_back(const giromq::Xid& xid);
    std::vector<giromq::Xid> in_doubt() { return resource_->recover(giromq::XAFlags::start_scan | giromq::XAFlags::end_scan); }

private:
    void forget_decision(const giromq::Xid& xid, int code, int wanted);

    std::shared_ptr<giromq::XAConnection> connection_;
    std::shared_ptr<giromq::XASession> session_;
    std::shared_ptr<giromq::XAResource> resource_;
    std::shared_ptr<giromq::MessageConsumer> orders_;
    std::shared_ptr<giromq::MessageProducer> receipts_;
    std::shared_ptr<giromq::MessageProducer> refused_;
};

inline constexpr const char* orders_queue = "transfers.in";
inline constexpr const char* receipts_queue = "transfers.out";
inline constexpr const char* refused_queue = "transfers.refused";

}  // namespace xa_transfer
