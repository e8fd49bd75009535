#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/message.hpp"

/// Reads what the broker wants to know out of the encoded sections, without the engine and without copying the rest.
namespace giromq {

/// The properties section (AMQP 1.0 §3.2.4) as text that people and columns can hold. message-id and correlation-id are rendered
/// as JMS clients see them (OASIS AMQP JMS mapping): strings as they are, others as "ID:AMQP_ULONG:1", "ID:AMQP_UUID:…",
/// "ID:AMQP_BINARY:…". Fields that were absent are empty or not set.
struct MessageProperties {
    std::string message_id;
    std::string user_id;
    std::string to;
    std::string subject;  // JMSType
    std::string reply_to;
    std::string correlation_id;
    std::string content_type;
    Timestamp absolute_expiry_time;
    Timestamp creation_time;
    std::string group_id;  // JMSXGroupID
    std::uint32_t group_sequence = 0;
};

/// The properties of a message the broker holds. A message whose sections do not parse never becomes a Message, so this cannot fail.
MessageProperties read_properties(const Message& message);

/// The string value of a message annotation, or of an application property, by its key; nothing if it is absent or not a string,
/// symbol, integer or UUID (those are rendered as text). Used for `giromq:duplicate-id` and `GIROMQ_DUPLICATE_ID`.
std::optional<std::string> find_annotation(const Message& message, std::string_view key);
std::optional<std::string> find_application_property(const Message& message, std::string_view key);

}  // namespace giromq
