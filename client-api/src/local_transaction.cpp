#include "local_transaction.hpp"

#include <utility>

#include "session_core.hpp"
#include "transaction_codec.hpp"

namespace giromq::detail {
namespace {

Failure lost() {
    return Failure{FailureKind::rolled_back, "giromq:connection-lost", "The connection was lost, and with it the transaction."};
}

}  // namespace

LocalTransaction::LocalTransaction(SessionCore& session) : Transaction(session, {"amqp:local-transactions"}) {}

void LocalTransaction::link_lost(const Failure* failure) {
    if (used_) doom(failure == nullptr ? lost() : *failure);
    id_.clear();
}

// The id -----------------------------------------------------------------------------------------------------------------------------

void LocalTransaction::declare() {
    if (declaring_ != nullptr) return;
    attach();
    declaring_ = control().ask(encode_declare(), "The broker did not begin a transaction");
}

const std::string* LocalTransaction::id_for_work() {
    if (doom_) return nullptr;
    // The broker may end a transaction that takes too long, and the time of one that was begun ahead runs already.
    const auto unused_for = std::chrono::steady_clock::now() - declared_at_;
    if (!id_.empty() && !used_ && was_ahead_ && unused_for > session_.connection().settings().transaction_ahead) {
        control().ask(encode_discharge(std::exchange(id_, {}), true), "The broker did not end an unused transaction");
    }
    if (id_.empty()) {
        work_waits_ = true;
        was_ahead_ = false;
        declare();
        return nullptr;
    }
    used_ = true;
    return &id_;
}

void LocalTransaction::answered(const ControlRequestPtr& request) {
    if (request != declaring_) return;
    declaring_ = nullptr;
    if (request->outcome == outcome_code::declared && !request->id.empty()) {
        id_ = request->id;
        declared_at_ = std::chrono::steady_clock::now();
        session_.transfer_sends();
    } else if (work_waits_ && control().state() == LinkCore::State::detached) {
        declare();  // nothing has been done yet, so that the transaction can begin on the next connection
    } else if (work_waits_) {
        doom(request->failure.value_or(
            Failure{FailureKind::general, "amqp:not-implemented", "The broker did not begin a transaction and gave no reason."}));
    }
}

// The end ----------------------------------------------------------------------------------------------------------------------------

ControlRequestPtr LocalTransaction::discharge(bool fail) {
    const std::string id = std::exchange(id_, {});
    auto request = control().ask(encode_discharge(id, fail), "The broker did not commit it");
    request->id = id;
    begin_anew();
    if (!fail) declare();
    was_ahead_ = !fail;
    return request;
}

bool LocalTransaction::turn_back(ControlRequest& commit) {
    if (commit.state != ControlRequest::State::queued) return false;
    commit.body = encode_discharge(commit.id, true);
    return true;
}

void LocalTransaction::begin_anew() {
    used_ = false;
    work_waits_ = false;
    doom_.reset();
}

}  // namespace giromq::detail
