#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "giromq/destination.hpp"
#include "giromq/listeners.hpp"
#include "giromq/message.hpp"
#include "link_core.hpp"
#include "message_codec.hpp"
#include "producer_routes.hpp"

namespace giromq::detail {

class Transaction;
class SessionCore;

/// One send until its outcome is known.
struct SendEntry {
    enum class State : std::uint8_t { queued, transferred, done };

    std::uint64_t sequence = 0;
    EncodedMessage message;
    bool durable = true;
    State state = State::queued;
    bool ever_transferred = false;
    pn_delivery_t* delivery = nullptr;
    std::optional<Failure> failure;  // set when it is done and was not accepted
    /// Of an asynchronous send.
    MessagePtr original;
    std::shared_ptr<CompletionListener> listener;
    std::size_t size() const { return message.header.size() + message.rest.size(); }
};

using SendEntryPtr = std::shared_ptr<SendEntry>;

/// How one send differs from the producer's defaults.
struct SendOptions {
    DeliveryMode mode = default_delivery_mode;
    int priority = default_priority;
    std::chrono::milliseconds time_to_live{0};
};

/// A producer: the list of sends that are not confirmed, in order, which is what is sent again on a new transport.
class ProducerCore final : public LinkCore, public std::enable_shared_from_this<ProducerCore> {
public:
    /// `destination` null: the anonymous relay.
    ProducerCore(std::shared_ptr<SessionCore> session, DestinationPtr destination);
    ~ProducerCore() override;

    /// For a producer without a destination, before it is attached: the broker has no anonymous relay.
    void use_routes() { routes_ = std::make_unique<ProducerRoutes>(*session_); }

    const DestinationPtr& destination() const { return destination_; }
    SessionCore& session() { return *session_; }

    /// `destination` null: the producer's own. Without a listener it waits for the outcome.
    void send(const DestinationPtr& destination, const MessagePtr& message, const SendOptions& options,
              const std::shared_ptr<CompletionListener>& listener);
    void close();
    /// close() without an exception, on another thread if this one is a completion listener's.
    void dispose() noexcept;
    /// The part of close() that waits for outcomes; what has none at the deadline fails. With the mutex held.
    void finish_sends(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);
    /// With the mutex held.
    bool is_closed() const { return closed_; }
    void mark_closed() { closed_ = true; }
    // In a transacted session, with the mutex held.
    /// Nothing waits for an outcome, and the completion listeners have been told.
    bool sends_are_over() const { return unconfirmed_.empty() && untold_ == 0; }
    /// The transaction is being rolled back: what has not been sent need not be any more.
    void withdraw_unsent();
    /// No outcome is waited for any longer.
    void give_up_sends();
    /// Sends as much as there is credit for.
    void transfer();
    /// A completion listener has returned. With the mutex held.
    void completion_told();

    // The application's defaults; of the session's thread.
    SendOptions defaults;
    bool disable_message_id = false;
    bool disable_message_timestamp = false;

    void on_flow() override;
    void on_delivery(pn_delivery_t* delivery) override;

private:
    pn_link_t* make_link() override;
    bool accepted_by_remote() const override;
    void on_detached(const Failure* failure) override;
    void notify() override;
    std::string describe() const override;

    void send_by_route(const DestinationPtr& destination, const MessagePtr& message, const SendOptions& options,
                       const std::shared_ptr<CompletionListener>& listener);
    void send_in_transaction(Transaction& transaction, SendEntry& entry);
    void prepare(MessageData& data, const DestinationPtr& destination, const SendOptions& options);
    DestinationPtr target_of(const DestinationPtr& destination) const;
    void check_usable() const;
    bool has_room(std::size_t bytes) const;
    void wait_for_room(std::unique_lock<std::mutex>& lock, std::size_t bytes, const std::optional<SteadyTime>& deadline);
    void wait_for_outcome(std::unique_lock<std::mutex>& lock, const SendEntryPtr& entry, const std::optional<SteadyTime>& deadline);
    [[noreturn]] void give_up(const SendEntryPtr& entry);
    Failure not_sent() const;
    void transfer(SendEntry& entry, const std::string* transaction_id);
    void detach_from_transaction(const Failure* failure);
    bool is_doomed() const;
    void complete(SendEntry& entry, std::optional<Failure> failure);
    void drop_completed();
    /// `unsent`: for what has never left; about the rest nobody knows, `unknown_because`.
    void fail_all(const Failure& unsent, const std::string& unknown_because);

    const std::shared_ptr<SessionCore> session_;
    const DestinationPtr destination_;
    const std::string producer_id_;
    std::string annotations_;     // encoded, with the sequence of the last transfer
    std::uint64_t messages_ = 0;  // for message ids
    std::uint64_t next_sequence_ = 1;
    std::deque<SendEntryPtr> unconfirmed_;
    std::size_t next_transfer_ = 0;  // index into unconfirmed_
    std::size_t untold_ = 0;         // outcomes that completion listeners have not been told yet
    bool closed_ = false;
    std::unique_ptr<ProducerRoutes> routes_;  // instead of a link of its own
};

/// 32 hexadecimal digits that nobody else has.
std::string random_name();

}  // namespace giromq::detail
