#pragma once

#include <functional>
#include <memory>

#include "giromq/exceptions.hpp"
#include "giromq/export.hpp"
#include "giromq/message.hpp"

namespace giromq {

/// Called with each message of a consumer, serially for all consumers of a session, on the session's own thread. An exception that leaves
/// it makes AUTO and DUPS_OK sessions deliver the message again (the broker counts it as failed).
using MessageListener = std::function<void(const MessagePtr&)>;

/// Told of problems that no call can report: the connection was lost for good, a consumer was ended by the broker, a listener threw.
/// Called serially on a thread of the connection; it may close the connection.
using ExceptionListener = std::function<void(const JMSException&)>;

/// Told how asynchronous sends ended (JMS 2.0 §7.3), exactly once each, in the order of sending within a session, on a thread of the
/// connection. Must not close the producer, session or connection.
class GIROMQ_API CompletionListener {
public:
    virtual ~CompletionListener();
    /// The broker has taken the message over; if it is persistent, it is on the disk. In a transacted session: it will be delivered if the
    /// transaction is committed.
    virtual void on_completion(const MessagePtr& message) = 0;
    /// The broker has refused the message, or (code "giromq:outcome-unknown") nobody knows.
    virtual void on_exception(const MessagePtr& message, const JMSException& exception) = 0;
};

}  // namespace giromq
