#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "giromq/export.hpp"
#include "giromq/listeners.hpp"
#include "giromq/message.hpp"

namespace giromq {

namespace detail {
class ConsumerCore;
}

/// Receives messages of one destination (JMS 2.0 §8). Made by Session::create_consumer(), used by the session's thread; the last handle
/// closes it. Messages come only while the connection is started.
class GIROMQ_API MessageConsumer {
public:
    explicit MessageConsumer(std::shared_ptr<detail::ConsumerCore> core);  // for the library
    ~MessageConsumer();
    MessageConsumer(const MessageConsumer&) = delete;
    MessageConsumer& operator=(const MessageConsumer&) = delete;

    /// Waits for the next message. Null if the consumer, session or connection is closed meanwhile.
    MessagePtr receive();
    /// Waits at most so long, 0 meaning for ever; null if nothing came.
    MessagePtr receive(std::chrono::milliseconds timeout);
    /// The next message, or null if the broker says that at this moment it has none for this consumer: it is asked (by a drain), so that
    /// null is never wrong. Throws JMSException if the broker does not answer within the request timeout.
    MessagePtr receive_no_wait();

    /// From now on each message is given to the listener; an empty one ends that. Set it before Connection::start(), or from the listener.
    void set_message_listener(MessageListener listener);
    bool has_message_listener() const;

    std::string message_selector() const;

    /// Messages that were sent here and not yet received go back to the broker with their delivery count unchanged. Received ones that
    /// are not acknowledged can still be (CLIENT, INDIVIDUAL). Waits for the confirmation of acknowledgements; from another thread it also
    /// waits for a running listener. Idempotent.
    void close();

private:
    std::shared_ptr<detail::ConsumerCore> core_;
};

}  // namespace giromq
