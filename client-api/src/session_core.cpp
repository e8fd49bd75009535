#include "session_core.hpp"

#include <proton/session.h>

#include <algorithm>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "local_transaction.hpp"
#include "temporary_node.hpp"
#include "xa_transaction.hpp"

namespace giromq::detail {

SessionCore::SessionCore(std::shared_ptr<ConnectionCore> connection, AcknowledgeMode mode, bool global)
    : connection_(std::move(connection)), mode_(mode) {
    if (global) {
        auto transaction = std::make_unique<XaTransaction>(*this);
        xa_ = transaction.get();
        transaction_ = std::move(transaction);
    } else if (mode == AcknowledgeMode::session_transacted) {
        auto transaction = std::make_unique<LocalTransaction>(*this);
        local_ = transaction.get();
        transaction_ = std::move(transaction);
    }
}

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
    if (transaction_ != nullptr) transaction_->attach();
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
    if (transaction_ != nullptr) transaction_->control().lose();
    changed_.notify_all();
}

void SessionCore::fail(const Failure& failure) {
    engine_session_ = nullptr;
    for (const auto& producer : producers_) producer->fail(failure);
    for (const auto& consumer : consumers_) consumer->fail(failure);
    if (transaction_ != nullptr) transaction_->control().fail(failure);
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
    wait_until(changed_, lock, deadline, [&] { return !committing_; });
    for (const auto& producer : producers_) producer->mark_closed();
    for (const auto& consumer : consumers_) consumer->mark_closed();
    changed_.notify_all();
    const auto producers = producers_;
    if (transaction_ != nullptr) {
        for (const auto& producer : producers) producer->withdraw_unsent();
        if (local_ != nullptr && local_->is_used() && local_->control().state() == LinkCore::State::attached) local_->discharge(true);
    }
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
    if (transaction_ != nullptr) transaction_->control().close_link();
    connection_->pump();
    const auto closed = [](const auto& link) {
        return link->state() == LinkCore::State::closed || link->state() == LinkCore::State::failed;
    };
    wait_until(changed_, lock, deadline, [&] {
        return std::all_of(producers_.begin(), producers_.end(), closed) && std::all_of(consumers_.begin(), consumers_.end(), closed);
    });
    for (const auto& producer : producers_) producer->abandon();
    for (const auto& consumer : consumers_) consumer->abandon();
    if (transaction_ != nullptr) transaction_->control().abandon();
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
