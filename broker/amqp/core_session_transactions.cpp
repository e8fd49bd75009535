#include <utility>

#include "amqp/core_session.hpp"

// What a connection's half on the core's executor does for transactions.

namespace giromq::amqp {

void CoreSession::run(command::OpenControl& command) {
    command.link->control_ = core_.open_control(connection_, command.link.get());
    command.link->identity_ = std::move(command.identity);
}

void CoreSession::run(command::Declare& command) {
    const CoreLink& link = *command.link;
    const auto declared = core_.declare(link.control_);
    emit(news::Declared{link.id_, command.delivery, declared ? *declared : TransactionId{},
                        declared ? nullptr : std::make_unique<Error>(declared.error())});
}

void CoreSession::run(command::Discharge& command) {
    if (core_.is_branch_work(connection_, command.transaction)) {
        // Of a transaction with a global-id it only says that the txn-id is no longer in use (§4.5.2), which is xa_end.
        const auto flags = command.fail ? xa::tm::fail : xa::tm::success;
        return core_.xa_end(connection_, command.transaction, flags, answers(command.link->shared_from_this(), command.delivery));
    }
    core_.discharge(
        connection_, command.transaction, command.fail,
        [held = command.link->shared_from_this(), delivery = command.delivery, id = command.transaction](const Result<void>& result) {
            held->session_->emit(news::Discharged{held->id_, delivery, id, result ? nullptr : std::make_unique<Error>(result.error())});
        });
}

void CoreSession::run(command::Enlist& command) {
    CoreLink& link = *command.link;
    core::EnlistCommand enlist;
    enlist.connection = connection_;
    enlist.transaction = command.transaction;
    enlist.consumer = link.consumer_;
    enlist.position = command.position;
    enlist.outcome = std::move(command.outcome);
    enlist.settled = command.is_settled;
    if (command.delivery != nullptr) {
        enlist.done = [held = link.shared_from_this(), delivery = command.delivery](const Result<void>& result) {
            if (result) {
                held->session_->emit(news::Settled{held->id_, delivery, nullptr});
            } else {
                held->session_->emit(news::Returned{held->id_, delivery});
            }
        };
    }
    const auto enlisted = core_.enlist(std::move(enlist));
    if (!enlisted) emit(news::Ended{link.id_, std::make_unique<Error>(enlisted.error())});
}

void CoreSession::run(command::RefuseWork& command) { core_.work_refused(connection_, command.transaction, command.error, false); }

}  // namespace giromq::amqp
