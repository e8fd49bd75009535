#include <algorithm>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "session_core.hpp"

// The part of SessionCore that calls listeners: those of messages on the session's own thread, those of asynchronous sends on the
// connection's.
namespace giromq::detail {

// Completion listeners ---------------------------------------------------------------------------------------------------------------

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

// Message listeners ------------------------------------------------------------------------------------------------------------------

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

}  // namespace giromq::detail
