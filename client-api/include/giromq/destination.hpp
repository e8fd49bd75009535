#pragma once

#include <memory>
#include <string>

#include "giromq/export.hpp"

namespace giromq {

namespace detail {
struct TemporaryNode;
}

/// What a destination is (AMQP JMS mapping, x-opt-jms-dest); the numbers are those on the wire.
enum class DestinationKind { queue = 0, topic = 1, temporary_queue = 2, temporary_topic = 3 };

/// Where messages are sent to and received from (JMS 2.0 §4.2). A value that can be shared between threads and sessions.
class GIROMQ_API Destination {
public:
    Destination(DestinationKind kind, std::string name);
    virtual ~Destination();
    Destination(const Destination&) = delete;
    Destination& operator=(const Destination&) = delete;

    DestinationKind kind() const noexcept { return kind_; }
    /// The name at the broker: the AMQP address.
    virtual std::string name() const;

private:
    DestinationKind kind_;
    std::string name_;
};

/// A queue: each message goes to one consumer.
class GIROMQ_API Queue : public Destination {
public:
    explicit Queue(std::string name);
    ~Queue() override;

    std::string queue_name() const { return name(); }

protected:
    Queue(DestinationKind kind, std::string name);
};

/// A queue that lives as long as its connection, made by Session::create_temporary_queue() and consumed from by the same connection only;
/// others send to it when they find it in JMSReplyTo. When the connection had to be made anew the broker has dropped the old queue: a new
/// one is made in its place, under another name, and answers to messages that were sent with the old name are lost with it.
class GIROMQ_API TemporaryQueue final : public Queue {
public:
    /// For the library: applications use Session::create_temporary_queue().
    explicit TemporaryQueue(std::shared_ptr<detail::TemporaryNode> node);
    ~TemporaryQueue() override;

    std::string name() const override;

    /// Deletes the queue and its messages. Throws IllegalStateException while a consumer of it is open.
    void delete_queue();

    /// For the library.
    const std::shared_ptr<detail::TemporaryNode>& node() const noexcept { return node_; }

private:
    std::shared_ptr<detail::TemporaryNode> node_;
};

using DestinationPtr = std::shared_ptr<const Destination>;

}  // namespace giromq
