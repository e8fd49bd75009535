#include "model/message_properties.hpp"

#include <array>

#include "model/amqp_sections.hpp"

namespace giromq {
namespace {

using codec::Kind;
using codec::MessageHead;
using codec::Value;

/// The fields of the properties list (§3.2.4), by position.
enum PropertyField : std::size_t {
    message_id,
    user_id,
    to,
    subject,
    reply_to,
    correlation_id,
    content_type,
    content_encoding,
    absolute_expiry_time,
    creation_time,
    group_id,
    group_sequence,
    reply_to_group_id,
    property_fields,
};

std::string text_of(const Value& value) { return value.is_text() ? codec::to_utf8(value.text()) : std::string(); }

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 0x0fU];
    }
    return text;
}

/// A message-id or correlation-id as a JMS client sees it (AMQP JMS mapping: ids that are not strings carry their type).
std::string render_id(const Value& value) {
    if (value.is_text()) return codec::to_utf8(value.text());
    if (value.is_unsigned()) return "ID:AMQP_ULONG:" + std::to_string(value.bits);
    if (value.kind == Kind::uuid) return "ID:AMQP_UUID:" + codec::render_uuid(value.content);
    if (value.kind == Kind::binary) return "ID:AMQP_BINARY:" + hexadecimal(value.content);
    return {};
}

Timestamp timestamp_of(const Value& value) { return value.kind == Kind::timestamp ? Timestamp{value.as_signed()} : Timestamp{}; }

/// The head of a stored message: annotations and bare message are apart there, and both were checked when the message arrived.
MessageHead head_of(std::span<const std::uint8_t> bytes) {
    MessageHead head;
    if (codec::read_head(bytes, true, head) != codec::HeadStatus::complete) return MessageHead{};
    return head;
}

std::optional<std::string> rendered(const Value& map, std::string_view key) {
    const std::optional<Value> value = codec::find_in_map(map, key);
    return value ? codec::render(*value) : std::nullopt;
}

}  // namespace

MessageProperties read_properties(const Message& message) {
    const MessageHead head = head_of(message.bare.span());
    std::array<Value, property_fields> fields;
    codec::read_fields(head.properties, fields);
    MessageProperties properties;
    properties.message_id = render_id(fields[message_id]);
    if (fields[user_id].kind == Kind::binary || fields[user_id].is_text()) properties.user_id = codec::to_utf8(fields[user_id].text());
    properties.to = text_of(fields[to]);
    properties.subject = text_of(fields[subject]);
    properties.reply_to = text_of(fields[reply_to]);
    properties.correlation_id = render_id(fields[correlation_id]);
    properties.content_type = text_of(fields[content_type]);
    properties.absolute_expiry_time = timestamp_of(fields[absolute_expiry_time]);
    properties.creation_time = timestamp_of(fields[creation_time]);
    properties.group_id = text_of(fields[group_id]);
    if (fields[group_sequence].is_unsigned()) properties.group_sequence = static_cast<std::uint32_t>(fields[group_sequence].bits);
    return properties;
}

std::optional<std::string> find_annotation(const Message& message, std::string_view key) {
    return rendered(head_of(message.annotations.span()).message_annotations, key);
}

std::optional<std::string> find_application_property(const Message& message, std::string_view key) {
    return rendered(head_of(message.bare.span()).application_properties, key);
}

}  // namespace giromq
