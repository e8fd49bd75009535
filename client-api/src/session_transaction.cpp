#include <proton/delivery.h>

#include <algorithm>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "local_transaction.hpp"
#include "session_core.hpp"
#include "transaction_codec.hpp"
#include "xa_codec.hpp"
#include "xa_transaction.hpp"

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
        if (xa_ != nullptr && !xa_->control().offers(xa_capability)) {
            throw JMSException("The broker has no global transactions (giromq:xa).", "amqp:not-implemented");
        }
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
    if (local_ == nullptr) {
        throw TransactionInProgressException(std::string("The transaction manager ends the transactions of this session; it has no ") +
                                             how + "().");
    }
    return *local_;
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

// Branches of a transaction manager ---------------------------------------------------------------------------------------------------

void SessionCore::set_before_work(std::function<void()> hook) {
    const SessionUse use(*this);
    before_work_ = std::move(hook);
}

void SessionCore::begin_work() {
    if (xa_ == nullptr) return;
    const auto is_active = [this] {
        const std::lock_guard lock(connection_->mutex());
        return xa_->is_active();
    };
    if (is_active()) return;
    if (before_work_ != nullptr) before_work_();
    if (is_active()) return;
    throw IllegalStateException(
        "No branch of a global transaction is active in this session; begin a transaction, or use another session.");
}

std::vector<std::shared_ptr<ConsumerCore>> SessionCore::finish_branch_work(std::unique_lock<std::mutex>& lock) {
    if (!wait_for_sends(lock, deadline_after(connection_->settings().request_timeout))) {
        xa_->doom(Failure{FailureKind::resource, "giromq:timeout", "The broker has not taken all messages within the request timeout."});
    }
    doom_if_stale();
    if (xa_->doom()) {
        for (const auto& producer : producers_) producer->withdraw_unsent();
    }
    if (xa_->doom() && !seen_.empty()) {
        give_back(lock, consumers_);
        return {};
    }
    if (seen_.empty() || xa_->id_for_work() == nullptr) return {};
    xa_->has_got = true;
    return accept_in_transaction(*xa_->id_for_work());
}

bool SessionCore::hold_back() {
    if (!try_enter()) return false;  // the application is receiving at this moment
    std::unique_lock lock(connection_->mutex());
    if (closing_.load() || !xa_->has_got) {
        lock.unlock();
        leave();
        return false;
    }
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    const auto consumers = consumers_;
    for (const auto& consumer : consumers) consumer->quiesce(lock, deadline);
    for (const auto& consumer : consumers) consumer->release_waiting();
    return true;
}

void SessionCore::go_on() {
    {
        const std::lock_guard lock(connection_->mutex());
        for (const auto& consumer : consumers_) consumer->resume();
        connection_->pump();
    }
    leave();
}

// Rollback ---------------------------------------------------------------------------------------------------------------------------

void SessionCore::roll_back(std::unique_lock<std::mutex>& lock) {
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    for (const auto& producer : producers_) producer->withdraw_unsent();
    ControlRequestPtr request;
    if (transaction_->is_used() && transaction_->control().state() == LinkCore::State::attached) request = local_->discharge(true);
    connection_->pump();
    const bool answered =
        wait_until(changed_, lock, deadline, [&] { return sends_are_over() && (request == nullptr || request->is_over()); });
    if (!answered) {
        const auto producers = producers_;
        for (const auto& producer : producers) producer->give_up_sends();
    }
    local_->begin_anew();
    if (!seen_.empty()) give_back(lock, consumers_);
}

void SessionCore::rollback() {
    transaction_to_end("rollback");
    const SessionUse use(*this);
    std::unique_lock lock(connection_->mutex());
    roll_back(lock);
}

}  // namespace giromq::detail
