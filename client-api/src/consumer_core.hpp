#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "giromq/destination.hpp"
#include "giromq/listeners.hpp"
#include "link_core.hpp"
#include "message_data.hpp"
#include "receipt.hpp"

namespace giromq::detail {

class SessionCore;

/// Outcomes that the library itself decides on (AMQP 1.0 §3.4).
enum class Settlement : std::uint8_t {
    released,  // not seen: back to its place, not counted
    failed,    // seen and to be delivered again: modified with delivery-failed
};

/// A consumer or browser: the credit it grants, and the messages that came ahead.
/// Threads: with the connection's mutex held, unless it says otherwise.
class ConsumerCore final : public LinkCore, public std::enable_shared_from_this<ConsumerCore> {
public:
    ConsumerCore(std::shared_ptr<SessionCore> session, DestinationPtr destination, std::string selector, bool browse);
    ~ConsumerCore() override;

    const DestinationPtr& destination() const { return destination_; }
    const std::string& selector() const { return selector_; }
    SessionCore& session() { return *session_; }

    // For the application's handle, without the mutex.
    /// `limit`: how long to wait, 0 for ever, nothing for not at all.
    /// `wanted`: the body that the message has to have; MessageFormatException if it has another one.
    MessagePtr receive(std::optional<std::chrono::milliseconds> limit, std::optional<BodyKind> wanted = std::nullopt);
    MessagePtr browse_next();
    void set_listener(MessageListener listener);
    void close();

    // For the session.
    bool is_closed() const { return closed_; }
    /// Shared, because a listener may be replaced while it runs.
    const std::shared_ptr<const MessageListener>& listener() const { return listener_; }
    bool has_message() const { return !waiting_.empty(); }
    std::uint64_t oldest_arrival() const { return waiting_.front()->arrival; }
    std::shared_ptr<Receipt> take();
    /// Without the mutex. Throws MessageFormatException.
    MessagePtr decode(const std::shared_ptr<Receipt>& receipt);
    bool is_stale(const Receipt& receipt) const { return receipt.attachment != attachment_; }
    /// The credit the consumer should have, as messages are taken.
    void top_up();
    /// Sends an outcome that needs no confirmation.
    void settle(Receipt& receipt, Settlement settlement);
    void reject(Receipt& receipt, const std::string& why);
    /// Takes back all credit; afterwards nothing more is under way from the broker. False if the link was lost meanwhile.
    bool quiesce(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);
    void release_waiting();
    void resume();
    void accepted() { ++unconfirmed_; }
    void seen() { ++unacknowledged_; }
    void acknowledged_or_given_back() { --unacknowledged_; }
    void confirmed() { --unconfirmed_; }
    /// Ends the link of a closed consumer as soon as nothing that it has delivered can be acknowledged any more.
    void finish_close();
    void mark_closed() { closed_ = true; }

    void on_flow() override;
    void on_delivery(pn_delivery_t* delivery) override;

private:
    pn_link_t* make_link() override;
    bool accepted_by_remote() const override;
    std::optional<Failure> on_attached() override;
    void on_detached(const Failure* failure) override;
    void interpret(Failure& failure) const override;
    void notify() override;
    std::string describe() const override;

    void read(pn_delivery_t* delivery);
    void arrived(pn_delivery_t* delivery);
    void remote_settled(pn_delivery_t* delivery);
    void check_usable() const;
    bool filter_accepted() const;
    void put_filter(pn_terminus_t* source) const;
    MessagePtr hand_over(std::unique_lock<std::mutex>& lock, std::optional<BodyKind> wanted = std::nullopt);
    void take_back(const std::shared_ptr<Receipt>& receipt);
    void wait_for_message(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);
    bool active() const;
    bool can_hand_over() const;
    bool is_over() const;
    bool had_its_time() const;
    bool is_empty(std::unique_lock<std::mutex>& lock, bool must_know);
    void begin_drain();
    void end_drain();
    void end_drain_when_answered();
    std::uint32_t prefetch() const;

    const std::shared_ptr<SessionCore> session_;
    const DestinationPtr destination_;
    const std::string selector_;
    const bool browse_;
    std::uint64_t attachment_ = 0;
    std::deque<std::shared_ptr<Receipt>> waiting_;
    std::uint64_t waiting_bytes_ = 0;
    std::vector<std::shared_ptr<Receipt>> browsed_;  // shown, and to be given back to a broker that has taken them from the queue
    std::string partial_;
    bool draining_ = false;
    bool quiet_ = false;  // no credit until resume()
    bool was_attached_ = false;
    bool offers_modified_ = true;  // the outcome by which a delivery is counted
    bool lost_while_browsing_ = false;
    bool closed_ = false;
    std::uint32_t unacknowledged_ = 0;  // seen by the application and still to be acknowledged by it
    std::uint32_t unconfirmed_ = 0;     // accepted, not yet confirmed
    bool pulling_ = false;              // receive() waits and nothing is prefetched
    std::shared_ptr<const MessageListener> listener_;
};

}  // namespace giromq::detail
