#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "giromq/message.hpp"

namespace giromq::detail {

class Receipt;

/// What a received message needs to be acknowledged; implemented by the session.
class Acknowledger {
public:
    virtual ~Acknowledger() = default;
    virtual void acknowledge(const std::shared_ptr<Receipt>& receipt) = 0;
};

enum class BodyKind : std::uint8_t { none, text, bytes };

/// Everything that a Message is, whatever its class.
struct MessageData {
    std::string message_id;
    std::string correlation_id;
    std::string type;
    std::int64_t timestamp = 0;
    std::int64_t expiration = 0;
    std::int64_t delivery_time = 0;
    DestinationPtr destination;
    DestinationPtr reply_to;
    DeliveryMode delivery_mode = default_delivery_mode;
    int priority = default_priority;
    bool redelivered = false;
    std::uint32_t delivery_count = 0;  // JMSXDeliveryCount; 0 for a message that was not received

    // Properties with a field of their own in AMQP.
    std::string user_id;
    std::string group_id;
    std::int32_t group_sequence = 0;
    bool has_group_sequence = false;
    std::string reply_to_group_id;

    std::map<std::string, PropertyValue, std::less<>> properties;
    bool properties_read_only = false;

    BodyKind kind = BodyKind::none;
    bool has_text = false;
    std::string body;  // the text, or the bytes
    std::size_t read_position = 0;
    bool body_read_only = false;
    /// The encoded body sections of a kind that this version has no class for, so that forwarding such a message loses nothing.
    std::string foreign_body;
    std::int8_t foreign_type = 0;  // its x-opt-jms-msg-type

    std::shared_ptr<Acknowledger> acknowledger;
    std::shared_ptr<Receipt> receipt;
};

/// The library's way into a Message.
struct MessageAccess {
    static MessageData& data(Message& message) { return *message.data_; }
    static const MessageData& data(const Message& message) { return *message.data_; }
    /// The object of the class that fits `data.kind`.
    static MessagePtr make(std::unique_ptr<MessageData> data);
};

}  // namespace giromq::detail
