#pragma once

#include <chrono>
#include <memory>

#include "giromq/destination.hpp"
#include "giromq/export.hpp"
#include "giromq/listeners.hpp"
#include "giromq/message.hpp"
#include "giromq/modes.hpp"

namespace giromq {

namespace detail {
class ProducerCore;
}

/// Sends messages (JMS 2.0 §7). Made by Session::create_producer(), used by the session's thread; the last handle closes it.
///
/// A send that returned is in the broker, a persistent one on its disk. If the connection is lost meanwhile, the library connects again
/// and sends whatever was not confirmed once more, in the same order; a GiroMQ broker recognises what it has already and stores
/// it once. Other AMQP 1.0 brokers may store it twice then. Non-persistent messages are not sent a second time: a send whose
/// outcome was lost with the connection throws JMSException with the code "giromq:outcome-unknown". In a transacted session nothing is sent
/// a second time: a lost connection rolls the transaction back.
class GIROMQ_API MessageProducer {
public:
    explicit MessageProducer(std::shared_ptr<detail::ProducerCore> core);  // for the library
    ~MessageProducer();
    MessageProducer(const MessageProducer&) = delete;
    MessageProducer& operator=(const MessageProducer&) = delete;

    /// Null for a producer without a destination of its own.
    DestinationPtr destination() const;

    // What send() uses when it is not told otherwise.
    DeliveryMode delivery_mode() const;
    void set_delivery_mode(DeliveryMode mode);
    int priority() const;
    /// 0 (lowest) to 9.
    void set_priority(int priority);
    std::chrono::milliseconds time_to_live() const;
    /// 0: the message never expires.
    void set_time_to_live(std::chrono::milliseconds time);
    bool disable_message_id() const;
    void set_disable_message_id(bool disable);
    bool disable_message_timestamp() const;
    void set_disable_message_timestamp(bool disable);

    /// Sends to the producer's destination and returns when the broker has taken the message over; in a transacted session at once, and
    /// Session::commit() says if the broker has refused it.
    /// Throws ResourceAllocationException (queue full, message too large), InvalidDestinationException, JMSSecurityException, or
    /// JMSException; a message that was refused may be sent again.
    void send(const MessagePtr& message);
    void send(const MessagePtr& message, DeliveryMode mode, int priority, std::chrono::milliseconds time_to_live);
    /// For a producer without a destination of its own.
    void send(const DestinationPtr& destination, const MessagePtr& message);
    void send(const DestinationPtr& destination, const MessagePtr& message, DeliveryMode mode, int priority,
              std::chrono::milliseconds time_to_live);

    /// Returns at once, or when fewer than 1,000 sends of this producer are unconfirmed; the listener is told the outcome. The message may
    /// be changed and sent again as soon as send() has returned: it has been encoded.
    void send(const MessagePtr& message, const std::shared_ptr<CompletionListener>& listener);
    void send(const MessagePtr& message, DeliveryMode mode, int priority, std::chrono::milliseconds time_to_live,
              const std::shared_ptr<CompletionListener>& listener);
    void send(const DestinationPtr& destination, const MessagePtr& message, const std::shared_ptr<CompletionListener>& listener);
    void send(const DestinationPtr& destination, const MessagePtr& message, DeliveryMode mode, int priority,
              std::chrono::milliseconds time_to_live, const std::shared_ptr<CompletionListener>& listener);

    /// Waits for the outcomes of all asynchronous sends, then closes. Idempotent.
    void close();

private:
    std::shared_ptr<detail::ProducerCore> core_;
};

}  // namespace giromq
