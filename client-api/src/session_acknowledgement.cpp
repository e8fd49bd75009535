#include <proton/delivery.h>

#include <algorithm>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "session_core.hpp"

// The part of SessionCore that deals with what the application has received: acknowledging it, or giving it back.
namespace giromq::detail {

void SessionCore::accept(const std::shared_ptr<Receipt>& receipt) {
    if (receipt->consumer->is_stale(*receipt)) return;
    if (receipt->delivery == nullptr) {
        receipt->state = Receipt::State::done;  // the broker settled it when it sent it
        return;
    }
    pn_delivery_update(receipt->delivery, PN_ACCEPTED);
    if (connection_->is_giromq()) {
        receipt->state = Receipt::State::acknowledging;
        receipt->consumer->accepted();
        acknowledging_.push_back(receipt);
        return;
    }
    // Other brokers need not confirm what a receiver of the mode `first` has accepted (AMQP 1.0 §2.8.3).
    pn_delivery_set_context(receipt->delivery, nullptr);
    pn_delivery_settle(receipt->delivery);
    receipt->delivery = nullptr;
    receipt->state = Receipt::State::done;
    receipt->consumer->finish_close();
}

void SessionCore::add_seen(const std::shared_ptr<Receipt>& receipt) {
    if (acknowledges_by_itself()) return accept(receipt);
    receipt->state = Receipt::State::seen;
    receipt->consumer->seen();
    seen_.push_back(receipt);
}

void SessionCore::confirmed() {
    while (!acknowledging_.empty()) {
        const Receipt& oldest = *acknowledging_.front();
        if (oldest.state != Receipt::State::done && !oldest.consumer->is_stale(oldest)) break;
        acknowledging_.pop_front();
    }
    if (confirmation_waiters_ > 0) wake();
}

bool SessionCore::wait_for_confirmations(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    return wait_for_confirmation(lock, deadline, [&] { return acknowledging_.empty(); });
}

namespace {

[[noreturn]] void throw_stale() {
    throw JMSException(
        "Nothing was acknowledged, because since the message was received the connection was lost or the session recovered; the broker "
        "delivers again everything that was not acknowledged.",
        "giromq:stale-message");
}

[[noreturn]] void throw_unconfirmed(const char* why) {
    throw JMSException(
        std::string("Whether the acknowledgement arrived is not known, because ") + why + "; the broker may deliver the message again.",
        "giromq:outcome-unknown");
}

}  // namespace

void SessionCore::acknowledge(const std::shared_ptr<Receipt>& receipt) {
    const SessionUse use(*this);
    std::unique_lock lock(connection_->mutex());
    mode_ == AcknowledgeMode::individual_acknowledge ? acknowledge_one(lock, receipt) : acknowledge_all(lock, receipt.get());
}

void SessionCore::acknowledge() {
    if (acknowledges_by_itself() || transaction_ != nullptr) return;
    if (mode_ == AcknowledgeMode::individual_acknowledge) {
        throw IllegalStateException("In INDIVIDUAL_ACKNOWLEDGE each message is acknowledged by its own acknowledge().");
    }
    const SessionUse use(*this);
    std::unique_lock lock(connection_->mutex());
    acknowledge_all(lock, nullptr);
}

void SessionCore::check_not_stale(const Receipt& receipt) {
    if (receipt.state == Receipt::State::given_back) throw_stale();
    if (!receipt.consumer->is_stale(receipt)) return;
    if (receipt.state == Receipt::State::seen) throw_stale();
    if (receipt.state == Receipt::State::acknowledging) throw_unconfirmed("the connection was lost");
}

void SessionCore::acknowledge_one(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Receipt>& receipt) {
    if (receipt->state == Receipt::State::seen) std::erase(seen_, receipt);
    check_not_stale(*receipt);
    if (receipt->state != Receipt::State::seen) return;
    receipt->consumer->acknowledged_or_given_back();
    accept(receipt);
    wait_for_these(lock, {receipt});
}

void SessionCore::acknowledge_all(std::unique_lock<std::mutex>& lock, const Receipt* asked) {
    if (std::any_of(seen_.begin(), seen_.end(), [](const auto& one) { return one->consumer->is_stale(*one); })) {
        // All or nothing: an application that takes back its own work now must not lose what has arrived since the loss by a later
        // acknowledgement, so that is given back, too.
        give_back(lock, consumers_);
        throw_stale();
    }
    if (asked != nullptr) check_not_stale(*asked);
    const std::vector<std::shared_ptr<Receipt>> batch(seen_.begin(), seen_.end());
    seen_.clear();
    for (const auto& receipt : batch) {
        receipt->consumer->acknowledged_or_given_back();
        accept(receipt);
    }
    wait_for_these(lock, batch);
}

void SessionCore::wait_for_these(std::unique_lock<std::mutex>& lock, const std::vector<std::shared_ptr<Receipt>>& receipts) {
    connection_->pump();
    auto next = receipts.begin();
    bool lost = false;
    const bool answered = wait_for_confirmation(lock, deadline_after(connection_->settings().request_timeout), [&] {
        while (next != receipts.end() && (*next)->state == Receipt::State::done) ++next;
        lost = next != receipts.end() && (*next)->consumer->is_stale(**next);
        return lost || next == receipts.end();
    });
    if (lost) throw_unconfirmed("the connection was lost");
    if (!answered) throw_unconfirmed("the broker has not confirmed it within the request timeout");
}

/// Everything that the consumers hold goes back, what was seen counted as failed; then they go on, with the oldest message.
void SessionCore::give_back(std::unique_lock<std::mutex>& lock, std::vector<std::shared_ptr<ConsumerCore>> consumers) {
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    for (const auto& consumer : consumers) consumer->quiesce(lock, deadline);
    for (const auto& consumer : consumers) consumer->release_waiting();
    for (const auto& receipt : seen_) {
        if (!receipt->consumer->is_stale(*receipt)) {
            receipt->consumer->acknowledged_or_given_back();
            receipt->consumer->settle(*receipt, Settlement::failed);
        }
        receipt->state = Receipt::State::given_back;
    }
    seen_.clear();
    for (const auto& consumer : consumers) {
        consumer->resume();
        consumer->finish_close();
    }
    connection_->pump();
}

void SessionCore::recover() {
    const SessionUse use(*this);
    if (transaction_ != nullptr) throw IllegalStateException("A transacted session does not recover; rollback() gives its messages back.");
    std::unique_lock lock(connection_->mutex());
    check_open();
    if (acknowledges_by_itself()) {
        if (on_listener_thread() && listening_ != nullptr) recover_current_ = true;
        return;
    }
    if (!seen_.empty()) give_back(lock, consumers_);
}

}  // namespace giromq::detail
