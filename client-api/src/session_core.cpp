#include "session_core.hpp"

#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/session.h>

#include <algorithm>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "temporary_node.hpp"

namespace giromq::detail {

SessionCore::SessionCore(std::shared_ptr<ConnectionCore> connection, AcknowledgeMode mode)
    : connection_(std::move(connection)), mode_(mode) {}

SessionCore::~SessionCore() = default;

// One thread at a time ---------------------------------------------------------------------------------------------------------------

bool SessionCore::try_enter() {
    const std::thread::id self = std::this_thread::get_id();
    std::thread::id nobody{};
    if (user_.load() != self && !user_.compare_exchange_strong(nobody, self)) return false;
    ++uses_;
    return true;
}

void SessionCore::enter() {
    if (!try_enter()) {
        throw IllegalStateException(
            "Another thread is using the session at this moment; a session belongs to one thread, so give each thread its own.");
    }
    if (closing_.load()) {
        leave();
        throw IllegalStateException("The session is closed.");
    }
}

void SessionCore::leave() {
    if (--uses_ > 0) return;
    user_.store(std::thread::id{});
    if (!listener_waits_.load()) return;
    const std::lock_guard lock(connection_->mutex());
    changed_.notify_all();
}

void SessionCore::check_open() const {
    if (closing_.load()) throw IllegalStateException("The session is closed.");
    if (failure_) failure_->raise();
    if (connection_->state() == ConnectionCore::State::failed) connection_->failure().raise();
}

// The transport ----------------------------------------------------------------------------------------------------------------------

void SessionCore::attach() {
    if (!connection_->is_open() || engine_session_ != nullptr || failure_) return;
    engine_session_ = pn_session(connection_->engine().connection());
    pn_session_set_context(engine_session_, this);
    pn_session_open(engine_session_);
    attach_links();
    changed_.notify_all();
}

void SessionCore::attach_links() {
    if (engine_session_ == nullptr) return;
    for (const auto& producer : producers_) {
        if (producer->state() == LinkCore::State::detached) producer->attach();
    }
    for (const auto& consumer : consumers_) {
        if (consumer->state() == LinkCore::State::detached && !consumer->is_closed()) consumer->attach();
    }
}

void SessionCore::lose() {
    engine_session_ = nullptr;
    for (const auto& producer : producers_) producer->lose();
    for (const auto& consumer : consumers_) consumer->lose();
    changed_.notify_all();
}

void SessionCore::fail(const Failure& failure) {
    engine_session_ = nullptr;
    for (const auto& producer : producers_) producer->fail(failure);
    for (const auto& consumer : consumers_) consumer->fail(failure);
    changed_.notify_all();
}

void SessionCore::handle_remote_close() {
    pn_session_t* const session = engine_session_;
    if (session == nullptr) return;
    pn_session_set_context(session, nullptr);
    if (!closing_.load()) {
        failure_ = failure_of(pn_session_remote_condition(session), "The broker has ended the session");
        fail(*failure_);
        pn_session_close(session);
        connection_->report(*failure_);
    }
    engine_session_ = nullptr;
}

void SessionCore::connection_started() {
    for (const auto& consumer : consumers_) consumer->top_up();
    changed_.notify_all();
}

void SessionCore::wait_until_attached(std::unique_lock<std::mutex>& lock, LinkCore& link) {
    connection_->pump();
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    const bool answered = wait_until(changed_, lock, deadline, [&] {
        return link.state() == LinkCore::State::attached || link.state() == LinkCore::State::failed || closing_.load() ||
               connection_->state() == ConnectionCore::State::failed;
    });
    if (link.state() == LinkCore::State::attached) return;
    const Failure failure = link.failure();
    const bool refused = link.state() == LinkCore::State::failed;
    link.abandon();
    if (refused) failure.raise();
    check_open();
    if (!answered)
        throw JMSException("The broker did not answer within the request timeout; check the connection to it and try again.",
                           "giromq:timeout");
}

// Producers --------------------------------------------------------------------------------------------------------------------------

std::shared_ptr<ProducerCore> SessionCore::create_producer(const DestinationPtr& destination) {
    const SessionUse use(*this);
    auto producer = std::make_shared<ProducerCore>(shared_from_this(), destination);
    std::unique_lock lock(connection_->mutex());
    check_open();
    if (destination == nullptr && !has_anonymous_relay(lock)) {
        producer->use_routes();
        return producer;
    }
    producers_.push_back(producer);
    producer->attach();
    try {
        wait_until_attached(lock, *producer);
    } catch (...) {
        forget(*producer);
        throw;
    }
    return producer;
}

bool SessionCore::has_anonymous_relay(std::unique_lock<std::mutex>& lock) {
    // While the connection is being made anew, who knows what the broker can do that it will reach?
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    wait_until(changed_, lock, deadline,
               [&] { return connection_->is_open() || closing_.load() || connection_->state() == ConnectionCore::State::failed; });
    check_open();
    if (!connection_->is_open()) throw JMSException("There is no connection to the broker; try again later.", "giromq:timeout");
    return connection_->engine().remote_offers("ANONYMOUS-RELAY");
}

void SessionCore::forget(const ProducerCore& producer) {
    std::erase_if(producers_, [&](const auto& one) { return one.get() == &producer; });
}

void SessionCore::add_completion(const std::shared_ptr<ProducerCore>& producer, const SendEntryPtr& entry) {
    completions_.emplace_back(producer, entry);
}

void SessionCore::tell_completions() {
    while (!completions_.empty() && completions_.front().second->state == SendEntry::State::done) {
        to_tell_.push_back(std::move(completions_.front()));
        completions_.pop_front();
    }
    if (to_tell_.empty() || telling_) return;
    telling_ = true;
    has_to_post_ = true;
    wake();
}

namespace {

/// Calls the listener of a finished asynchronous send. What the listener throws is returned as a sentence.
std::string call_listener(SendEntry& entry) {
    // Released here, without the mutex, because what the application made may call the library when it is destroyed.
    const auto listener = std::move(entry.listener);
    const MessagePtr original = std::move(entry.original);
    try {
        if (!entry.failure) {
            listener->on_completion(original);
            return {};
        }
        try {
            entry.failure->raise();
        } catch (const JMSException& exception) {
            listener->on_exception(original, exception);
        }
    } catch (const std::exception& exception) {
        return std::string("A completion listener threw: ") + exception.what();
    } catch (...) {
        return "A completion listener threw something that is not a std::exception.";
    }
    return {};
}

}  // namespace

void SessionCore::run_completions() {
    std::unique_lock lock(connection_->mutex());
    while (!to_tell_.empty()) {
        std::vector<Completion> batch;
        batch.swap(to_tell_);
        std::vector<std::string> problems;
        lock.unlock();
        for (const auto& [producer, entry] : batch) {
            std::string problem = call_listener(*entry);
            if (!problem.empty()) problems.push_back(std::move(problem));
        }
        lock.lock();
        for (const std::string& problem : problems) connection_->report(Failure{FailureKind::general, "giromq:listener", problem});
        for (const auto& [producer, entry] : batch) producer->completion_told();
        changed_.notify_all();
        lock.unlock();
        batch.clear();
        lock.lock();
    }
    telling_ = false;
}

// Waking -----------------------------------------------------------------------------------------------------------------------------

void SessionCore::wake() {
    if (!connection_->collects_wakes()) {
        prepare_wake();
        return wake_now();
    }
    if (std::exchange(wake_collected_, true)) return;
    connection_->wake_afterwards(shared_from_this());
}

void SessionCore::prepare_wake() {
    wake_collected_ = false;
    if (!std::exchange(has_to_post_, false)) return;
    connection_->callbacks().post([self = shared_from_this()] { self->run_completions(); });
}

void SessionCore::wake_now() { changed_.notify_all(); }

// Consumers --------------------------------------------------------------------------------------------------------------------------

std::shared_ptr<ConsumerCore> SessionCore::create_consumer(const DestinationPtr& destination, std::string_view selector, bool browse) {
    const SessionUse use(*this);
    if (destination == nullptr) throw InvalidDestinationException("A consumer needs a destination; the pointer is null.");
    if (TemporaryNode* const node = node_of(destination); node != nullptr && &node->connection() != connection_.get()) {
        throw InvalidDestinationException("A temporary queue can only be consumed from by the connection that made it.");
    }
    auto consumer = std::make_shared<ConsumerCore>(shared_from_this(), destination, std::string(selector), browse);
    std::unique_lock lock(connection_->mutex());
    check_open();
    // A closed consumer stays while messages that it has delivered can still be acknowledged.
    std::erase_if(consumers_, [](const auto& one) {
        return one->is_closed() && one->state() != LinkCore::State::attached && one->state() != LinkCore::State::closing;
    });
    consumers_.push_back(consumer);
    consumer->attach();
    try {
        wait_until_attached(lock, *consumer);
    } catch (...) {
        forget(*consumer);
        throw;
    }
    connection_->pump_later();  // the first credit
    return consumer;
}

void SessionCore::forget(const ConsumerCore& consumer) {
    std::erase_if(consumers_, [&](const auto& one) { return one.get() == &consumer; });
}

bool SessionCore::has_consumer(const TemporaryNode& node) const {
    return std::any_of(consumers_.begin(), consumers_.end(),
                       [&](const auto& one) { return !one->is_closed() && node_of(one->destination()) == &node; });
}

std::shared_ptr<TemporaryQueue> SessionCore::create_temporary_queue() {
    const SessionUse use(*this);
    const auto node = std::make_shared<TemporaryNode>(connection_);
    std::unique_lock lock(connection_->mutex());
    check_open();
    connection_->add_node(node);
    node->attach();
    connection_->pump();
    const auto deadline = deadline_after(connection_->settings().request_timeout);
    const bool answered = wait_until(node->changed(), lock, deadline, [&] {
        return node->state() == LinkCore::State::attached || node->state() == LinkCore::State::failed;
    });
    if (node->state() != LinkCore::State::attached) {
        const Failure failure =
            answered ? node->failure()
                     : Failure{FailureKind::general, "giromq:timeout", "The broker did not answer within the request timeout."};
        node->abandon();
        connection_->forget_node(*node);
        failure.raise();
    }
    lock.unlock();
    return std::make_shared<TemporaryQueue>(node);
}

// Acknowledgement --------------------------------------------------------------------------------------------------------------------

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
    if (acknowledges_by_itself()) return;
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
    std::unique_lock lock(connection_->mutex());
    check_open();
    if (acknowledges_by_itself()) {
        if (on_listener_thread() && listening_ != nullptr) recover_current_ = true;
        return;
    }
    if (!seen_.empty()) give_back(lock, consumers_);
}

// Listeners --------------------------------------------------------------------------------------------------------------------------

void SessionCore::listeners_changed() {
    listeners_ = static_cast<std::size_t>(
        std::count_if(consumers_.begin(), consumers_.end(), [](const auto& one) { return one->listener() != nullptr; }));
    if (listeners_ > 0 && !listener_thread_.joinable() && !closing_.load()) {
        listener_thread_ = std::thread([self = shared_from_this()] { self->run_listeners(); });
    }
    changed_.notify_all();
}

std::shared_ptr<ConsumerCore> SessionCore::next_to_listen() const {
    std::shared_ptr<ConsumerCore> next;
    if (!connection_->started()) return next;
    for (const auto& consumer : consumers_) {
        if (consumer->is_closed() || consumer->listener() == nullptr || !consumer->has_message()) continue;
        if (next == nullptr || consumer->oldest_arrival() < next->oldest_arrival()) next = consumer;
    }
    return next;
}

void SessionCore::run_listeners() {
    listener_thread_id_ = std::this_thread::get_id();
    std::unique_lock lock(connection_->mutex());
    while (!closing_.load()) {
        if (const auto consumer = next_to_listen()) {
            deliver_to_listener(lock, consumer);
        } else {
            changed_.wait(lock);
        }
    }
    listener_thread_id_ = std::thread::id{};  // the system may give the id to another thread
}

void SessionCore::deliver_to_listener(std::unique_lock<std::mutex>& lock, const std::shared_ptr<ConsumerCore>& consumer) {
    listener_waits_ = true;
    while (!try_enter()) {
        // Another thread is in the middle of a call; its leave() notifies.
        changed_.wait_for(lock, std::chrono::milliseconds(10));
    }
    listener_waits_ = false;
    if (closing_.load() || !connection_->started() || consumer->listener() == nullptr || !consumer->has_message()) {
        lock.unlock();
        leave();
        lock.lock();
        return;
    }
    const auto listener = consumer->listener();
    listening_ = consumer.get();
    recover_current_ = false;
    const std::shared_ptr<Receipt> receipt = consumer->take();
    lock.unlock();

    std::string problem;
    bool failed = false;
    MessagePtr message;
    try {
        message = consumer->decode(receipt);
        receipt->bytes = std::string();
    } catch (const std::exception& exception) {
        problem = exception.what();
    }
    lock.lock();
    const bool usable = message != nullptr && !consumer->is_stale(*receipt);
    if (message == nullptr) consumer->reject(*receipt, problem);
    if (usable) {
        receipt->state = Receipt::State::seen;
        consumer->seen();
        if (!acknowledges_by_itself()) seen_.push_back(receipt);
        lock.unlock();
        try {
            (*listener)(message);
        } catch (const std::exception& exception) {
            failed = true;
            problem = std::string("A message listener threw: ") + exception.what();
        } catch (...) {
            failed = true;
            problem = "A message listener threw something that is not a std::exception";
        }
        lock.lock();
        if (acknowledges_by_itself()) listener_returned(lock, consumer, receipt, failed || recover_current_);
    }
    if (!problem.empty()) connection_->report(Failure{FailureKind::general, failed ? "giromq:listener" : "amqp:decode-error", problem});
    lock.unlock();
    message = nullptr;
    leave();
    lock.lock();
    listening_ = nullptr;
    consumer->top_up();
    next_to_listen() == nullptr ? connection_->pump_later() : connection_->pump_soon();
    changed_.notify_all();
}

/// In an AUTO or DUPS_OK session.
void SessionCore::listener_returned(std::unique_lock<std::mutex>& lock, const std::shared_ptr<ConsumerCore>& consumer,
                                    const std::shared_ptr<Receipt>& receipt, bool again) {
    if (consumer->is_stale(*receipt)) return;
    if (!again) {
        consumer->acknowledged_or_given_back();
        return accept(receipt);
    }
    consumer->quiesce(lock, deadline_after(connection_->settings().request_timeout));
    // If the connection was lost meanwhile the broker has taken everything back, and the consumer may be attached anew already.
    if (!consumer->is_stale(*receipt)) {
        consumer->release_waiting();
        consumer->acknowledged_or_given_back();
        consumer->settle(*receipt, Settlement::failed);
    }
    consumer->resume();
    consumer->finish_close();
}

void SessionCore::wait_for_listener(std::unique_lock<std::mutex>& lock) {
    if (on_listener_thread()) return;
    changed_.wait(lock, [&] { return listening_ == nullptr; });
}

// Closing ----------------------------------------------------------------------------------------------------------------------------

void SessionCore::close() {
    if (on_listener_thread() || connection_->callbacks().is_current()) {
        throw IllegalStateException("A session cannot be closed from a listener of its connection.");
    }
    std::unique_lock lock(connection_->mutex());
    if (closing_.exchange(true)) {
        changed_.wait(lock, [&] { return closed_; });
        return;
    }
    changed_.notify_all();
    if (listener_thread_.joinable()) {
        std::thread thread = std::move(listener_thread_);
        lock.unlock();
        thread.join();
        lock.lock();
    }
    const auto deadline = deadline_after(connection_->settings().close_timeout);
    for (const auto& producer : producers_) producer->mark_closed();
    for (const auto& consumer : consumers_) consumer->mark_closed();
    changed_.notify_all();
    const auto producers = producers_;
    for (const auto& producer : producers) producer->finish_sends(lock, deadline);
    connection_->pump();
    wait_for_confirmations(lock, deadline);
    close_links(lock, deadline);
    closed_ = true;
    changed_.notify_all();
    connection_->forget(*this);
}

void SessionCore::dispose() noexcept {
    try {
        if (!on_listener_thread() && !connection_->callbacks().is_current()) return close();
        // A listener has dropped the last handle: its own thread cannot wait for itself.
        std::thread([self = shared_from_this()] { self->dispose(); }).detach();
    } catch (const std::exception&) {
        // A destructor has nobody to tell; the broker takes everything back when the connection ends.
    }
}

void SessionCore::close_links(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline) {
    for (const auto& consumer : consumers_) consumer->release_waiting();
    for (const auto& receipt : seen_) receipt->consumer->settle(*receipt, Settlement::failed);
    seen_.clear();
    for (const auto& producer : producers_) producer->close_link();
    for (const auto& consumer : consumers_) consumer->close_link();
    connection_->pump();
    const auto closed = [](const auto& link) {
        return link->state() == LinkCore::State::closed || link->state() == LinkCore::State::failed;
    };
    wait_until(changed_, lock, deadline, [&] {
        return std::all_of(producers_.begin(), producers_.end(), closed) && std::all_of(consumers_.begin(), consumers_.end(), closed);
    });
    for (const auto& producer : producers_) producer->abandon();
    for (const auto& consumer : consumers_) consumer->abandon();
    producers_.clear();
    consumers_.clear();
    acknowledging_.clear();
    completions_.clear();
    if (engine_session_ != nullptr) {
        pn_session_set_context(engine_session_, nullptr);
        pn_session_close(engine_session_);
        engine_session_ = nullptr;
        connection_->pump();
    }
}

}  // namespace giromq::detail
