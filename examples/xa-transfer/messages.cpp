#include "messages.hpp"

#include <iostream>

namespace xa_transfer {

using giromq::XACode;
using giromq::XAException;

Messages::Messages(const std::string& uri, const std::string& name, std::chrono::seconds branch_timeout) {
    giromq::XAConnectionFactory factory(uri);
    factory.set_client_id("xa-transfer-" + name);
    // A connection that is lost is not mended: the coordinator begins again, with recovery.
    factory.set_option("reconnect", "false");
    // Few messages wait here, so that those of a worker that dies are soon with another one.
    factory.set_option("prefetch", "5");
    connection_ = factory.create_xa_connection();
    session_ = connection_->create_xa_session();
    resource_ = session_->xa_resource();
    resource_->set_transaction_timeout(branch_timeout);
    orders_ = session_->create_consumer(session_->create_queue(orders_queue));
    receipts_ = session_->create_producer(session_->create_queue(receipts_queue));
    refused_ = session_->create_producer(session_->create_queue(refused_queue));
    connection_->start();
}

void Messages::commit(const giromq::Xid& xid) {
    try {
        resource_->commit(xid, false);
    } catch (const XAException& exception) {
        const int code = exception.error_code();
        // It was committed so long ago that the broker does not remember it.
        if (code == XACode::unknown_xid) return;
        if (code < XACode::heuristic_mixed || code > XACode::heuristic_hazard) throw;
        forget_decision(xid, code, XACode::heuristic_commit);
    }
}

void Messages::roll_back(const giromq::Xid& xid) {
    try {
        resource_->rollback(xid);
    } catch (const XAException& exception) {
        const int code = exception.error_code();
        if (code == XACode::unknown_xid || (code >= XACode::rollback && code <= XACode::rollback_last)) return;
        if (code < XACode::heuristic_mixed || code > XACode::heuristic_hazard) throw;
        forget_decision(xid, code, XACode::heuristic_rollback);
    }
}

void Messages::forget_decision(const giromq::Xid& xid, int code, int wanted) {
    if (code != wanted) {
        std::cerr << "MIXED: an administrator has decided otherwise about " << xid.global_transaction_id << " (XA code " << code
                  << "); the ledger and the queues differ, and somebody must put that right\n";
    }
    resource_->forget(xid);
}

}  // namespace xa_transfer
