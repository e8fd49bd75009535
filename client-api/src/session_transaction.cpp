#include <proton/delivery.h>

#include <algorithm>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "session_core.hpp"
#include "transaction_codec.hpp"

// The part of SessionCore that ends local transactions.
//
// What the application has received is accepted when it commits, right before the discharge: until then a rollback gives it back as
// recover() does. What it sends goes out at once, and the discharge follows when the broker has taken all of it, because a broker may
// commit the rest of a transaction of which it has refused a message.
namespace giromq::detail {

namespace {

[[noreturn]] void throw_rolled_back(const Failure& why) {
    throw TransactionRolledBackException("The transaction was rolled back and not committed. " + why.reason, why.code);
}

[[noreturn]] void throw_outcome_unknown(const std::string& why) {
    throw TransactionOutcomeUnknownException("Whether the transaction was committed is not known, because " + why +
                                                 " Either all of it was done or nothing; look for its effects before doing it again.",
                                             "giromq:outcome-unknown");
}

}  // namespace

void SessionCore::wait_for_coordinator(std::unique_lock<std::mutex>& lock) {
    if (transaction_ == nullptr) return;
    try {
        wait_until_attached(lock, transaction_->control());
    } catch (...) {
        lock.unlock();
        close();
        throw;
    }
}

void SessionCore::transfer_sends() {
    for (const auto& producer : producers_) producer->transfer();
}

LocalTransaction& SessionCore::transaction_to_end(const char* how) {
    if (transaction_ == nullptr)
        throw IllegalStateException(std::string("The session is not transacted, so there is nothing to ") + how + ".");
    if (connection_->callbacks().is_current()) {
        throw IllegalStateException("A completion listener cannot end the transaction whose sends it is told of.");
    }
    return *transaction_;
}

// Waiting ----------------------------------------------------------------------------------------------------------------------------

bool SessionCore::sends_are_over() const {
    return std::all_of(producers_.begin(), producers_.end(), [](const auto& one) { return one->sends_are_over(); });
}

bool SessionCore::wait_for_sends(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    if (sends_are_over()) return true;
    connection_->pump();
    return wait_until(changed_, lock, deadline, [&] { return sends_are_over() || transaction_->doom(); });
}

void SessionCore::wait_for_transaction_id(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    if (transaction_->id_for_work() != nullptr) return;
    connection_->pump();
    const bool there = wait_until(changed_, lock, deadline, [&] { return transaction_->doom() || transaction_->id_for_work() != nullptr; });
    if (!there)
        transaction_->doom(Failure{FailureKind::general, "giromq:timeout", "The broker did not begin it within the request timeout."});
}

/// What was received before the connection was lost is in no transaction any more: the broker delivers it again.
void SessionCore::doom_if_stale() {
    if (std::none_of(seen_.begin(), seen_.end(), [](const auto& one) { return one->consumer->is_stale(*one); })) return;
    transaction_->doom(Failure{FailureKind::rolled_back, "giromq:connection-lost",
                               "Since its messages were received the connection was lost, or the broker has ended their consumer."});
}

// Commit -----------------------------------------------------------------------------------------------------------------------------

std::vector<std::shared_ptr<ConsumerCore>> SessionCore::accept_in_transaction(const std::string& id) {
    std::vector<std::shared_ptr<ConsumerCore>> consumers;
    for (const auto& receipt : seen_) {
        receipt->consumer->acknowledged_or_given_back();
        receipt->state = Receipt::State::done;
        if (std::find(consumers.begin(), consumers.end(), receipt->consumer) == consumers.end()) consumers.push_back(receipt->consumer);
        if (receipt->delivery == nullptr) continue;
        detail::accept_in_transaction(receipt->delivery, id);
        pn_delivery_set_context(receipt->delivery, nullptr);
        pn_delivery_settle(receipt->delivery);
        receipt->delivery = nullptr;
    }
    seen_.clear();
    return consumers;
}

void SessionCore::commit() {
    LocalTransaction& transaction = transaction_to_end("commit");
    const SessionUse use(*this);
    std::unique_lock lock(connection_->mutex());
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    if (!wait_for_sends(lock, deadline)) {
        transaction.doom(
            Failure{FailureKind::resource, "giromq:timeout", "The broker has not taken all messages within the request timeout."});
    }
    doom_if_stale();
    if (!transaction.doom()) {
        if (!transaction.is_used() && seen_.empty()) return check_open();
        wait_for_transaction_id(lock, deadline);
        doom_if_stale();  // the wait has let others in
    }
    if (const std::optional<Failure> doom = transaction.doom()) {
        roll_back(lock);
        throw_rolled_back(*doom);
    }
    const auto consumers = accept_in_transaction(*transaction.id_for_work());
    const ControlRequestPtr request = transaction.discharge(false);
    const bool sent = wait_for_commit(lock, request);
    for (const auto& consumer : consumers) consumer->finish_close();
    if (!sent)
        throw_rolled_back(
            Failure{FailureKind::resource, "giromq:timeout", "The broker has not let it be sent within the request timeout."});
    if (request->state == ControlRequest::State::unknown) throw_outcome_unknown("the connection was lost before the broker had answered.");
    if (request->state == ControlRequest::State::sent) throw_outcome_unknown("the broker has not answered within the request timeout.");
    if (request->outcome != PN_ACCEPTED) {
        throw_rolled_back(request->failure.value_or(Failure{FailureKind::general, "", "The broker gave no reason."}));
    }
}

bool SessionCore::wait_for_commit(std::unique_lock<std::mutex>& lock, const ControlRequestPtr& request) {
    committing_ = true;
    connection_->pump();
    // A commit writes to the disk, so it has the whole time for itself.
    wait_until(changed_, lock, deadline_after(connection_->settings().request_timeout), [&] { return request->is_over(); });
    committing_ = false;
    changed_.notify_all();
    return !LocalTransaction::turn_back(*request);
}

// Rollback ---------------------------------------------------------------------------------------------------------------------------

void SessionCore::roll_back(std::unique_lock<std::mutex>& lock) {
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    for (const auto& producer : producers_) producer->withdraw_unsent();
    ControlRequestPtr request;
    if (transaction_->is_used() && transaction_->control().state() == LinkCore::State::attached) request = transaction_->discharge(true);
    connection_->pump();
    const bool answered =
        wait_until(changed_, lock, deadline, [&] { return sends_are_over() && (request == nullptr || request->is_over()); });
    if (!answered) {
        const auto producers = producers_;
        for (const auto& producer : producers) producer->give_up_sends();
    }
    transaction_->begin_anew();
    if (!seen_.empty()) give_back(lock, consumers_);
}

void SessionCore::rollback() {
    transaction_to_end("roll back");
    const SessionUse use(*this);
    std::unique_lock lock(connection_->mutex());
    roll_back(lock);
}

}  // namespace giromq::detail
