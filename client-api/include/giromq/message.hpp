#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "giromq/destination.hpp"
#include "giromq/export.hpp"
#include "giromq/modes.hpp"

namespace giromq {

namespace detail {
struct MessageData;
struct MessageAccess;
}  // namespace detail

/// The value of a property: exactly the types that JMS allows (§3.5.2): boolean, byte, short, int, long, float, double, String.
using PropertyValue = std::variant<bool, std::int8_t, std::int16_t, std::int32_t, std::int64_t, float, double, std::string>;

/// A message without a body, and the base of those with one (JMS 2.0 §3).
///
/// Threads: a message is used by one thread at a time, as its session.
/// Errors: setters throw MessageNotWriteableException on a received message until clear_properties() or clear_body() was called; getters of
/// properties throw MessageFormatException for a conversion that the table of JMS 2.0 §3.5.4 does not allow, and for a missing number.
class GIROMQ_API Message {
public:
    explicit Message(std::unique_ptr<detail::MessageData> data);  // for the library: applications use Session::create_message()
    virtual ~Message();
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    // Headers (JMS 2.0 §3.4). Those marked "by send" are set by MessageProducer::send(); what the application set is overwritten.

    /// By send: "ID:...", unique; empty if there is none.
    const std::string& jms_message_id() const noexcept;
    void set_jms_message_id(std::string id);
    /// By send: when it was sent, in milliseconds since 1970; 0 if that was disabled.
    std::int64_t jms_timestamp() const noexcept;
    void set_jms_timestamp(std::int64_t milliseconds) noexcept;
    /// The message that this one answers, or any text of the application; empty for none.
    const std::string& jms_correlation_id() const noexcept;
    void set_jms_correlation_id(std::string id);
    /// Where an answer should go; null for none.
    const DestinationPtr& jms_reply_to() const noexcept;
    void set_jms_reply_to(DestinationPtr destination) noexcept;
    /// By send.
    const DestinationPtr& jms_destination() const noexcept;
    void set_jms_destination(DestinationPtr destination) noexcept;
    /// By send.
    DeliveryMode jms_delivery_mode() const noexcept;
    void set_jms_delivery_mode(DeliveryMode mode) noexcept;
    /// True if it may have been delivered before; property JMSXDeliveryCount says how often.
    bool jms_redelivered() const noexcept;
    void set_jms_redelivered(bool redelivered) noexcept;
    /// A word of the application for the kind of message; empty for none.
    const std::string& jms_type() const noexcept;
    void set_jms_type(std::string type);
    /// By send: when it expires, in milliseconds since 1970; 0 for never.
    std::int64_t jms_expiration() const noexcept;
    void set_jms_expiration(std::int64_t milliseconds) noexcept;
    /// By send: 0 to 9.
    int jms_priority() const noexcept;
    void set_jms_priority(int priority) noexcept;
    /// By send: the earliest time of delivery, in milliseconds since 1970; the time of sending if it was not delayed.
    std::int64_t jms_delivery_time() const noexcept;
    void set_jms_delivery_time(std::int64_t milliseconds) noexcept;

    // Properties (§3.5). Names are Java identifiers other than the words of the selector language.

    bool property_exists(std::string_view name) const;
    std::vector<std::string> property_names() const;
    void clear_properties();

    bool boolean_property(std::string_view name) const;
    std::int8_t byte_property(std::string_view name) const;
    std::int16_t short_property(std::string_view name) const;
    std::int32_t int_property(std::string_view name) const;
    std::int64_t long_property(std::string_view name) const;
    float float_property(std::string_view name) const;
    double double_property(std::string_view name) const;
    /// Nothing if there is no such property.
    std::optional<std::string> string_property(std::string_view name) const;
    std::optional<PropertyValue> object_property(std::string_view name) const;

    void set_boolean_property(std::string_view name, bool value);
    void set_byte_property(std::string_view name, std::int8_t value);
    void set_short_property(std::string_view name, std::int16_t value);
    void set_int_property(std::string_view name, std::int32_t value);
    void set_long_property(std::string_view name, std::int64_t value);
    void set_float_property(std::string_view name, float value);
    void set_double_property(std::string_view name, double value);
    void set_string_property(std::string_view name, std::string value);
    void set_object_property(std::string_view name, PropertyValue value);

    /// Makes the body empty and writeable; headers and properties stay.
    virtual void clear_body();

    /// CLIENT_ACKNOWLEDGE: acknowledges everything that the session has received; INDIVIDUAL_ACKNOWLEDGE: this message. Returns when the
    /// broker has confirmed it, that is, when the removal is on its disk. In the other modes it does nothing.
    /// Throws JMSException with the code "giromq:stale-message" if since the message was received the connection was made anew or the
    /// session recovered: nothing has been acknowledged then. The broker delivers the message again, and in CLIENT_ACKNOWLEDGE everything
    /// else that the session has received, so that work that is taken back now is offered whole. With the code "giromq:outcome-unknown"
    /// the connection was lost while the broker was confirming: the message may come again.
    void acknowledge() const;

protected:
    std::unique_ptr<detail::MessageData> data_;

private:
    friend struct detail::MessageAccess;
};

/// A message whose body is text (§3.10); on the wire an amqp-value with a string.
class GIROMQ_API TextMessage final : public Message {
public:
    using Message::Message;
    ~TextMessage() override;

    /// The text in UTF-8; empty also if there is none.
    const std::string& text() const noexcept;
    bool has_text() const noexcept;
    void set_text(std::string text);
    void clear_body() override;
};

/// A message whose body is bytes (§3.12); on the wire data sections. write_...() appends; reset() turns from writing to reading; a received
/// one is read. Numbers are written in network byte order, as java.io.DataOutputStream does.
class GIROMQ_API BytesMessage final : public Message {
public:
    using Message::Message;
    ~BytesMessage() override;

    /// The length of the body in bytes, readable while reading.
    std::int64_t body_length() const;

    bool read_boolean();
    std::int8_t read_byte();
    std::uint8_t read_unsigned_byte();
    std::int16_t read_short();
    std::uint16_t read_unsigned_short();
    char16_t read_char();
    std::int32_t read_int();
    std::int64_t read_long();
    float read_float();
    double read_double();
    /// A string written by write_utf(), in UTF-8.
    std::string read_utf();
    /// Reads up to `buffer.size()` bytes; returns how many, or -1 at the end.
    std::int64_t read_bytes(std::span<std::byte> buffer);

    void write_boolean(bool value);
    void write_byte(std::int8_t value);
    void write_short(std::int16_t value);
    void write_char(char16_t value);
    void write_int(std::int32_t value);
    void write_long(std::int64_t value);
    void write_float(float value);
    void write_double(double value);
    /// At most 65,535 bytes, as Java's modified UTF-8 with a length of two bytes before it.
    void write_utf(std::string_view value);
    void write_bytes(std::span<const std::byte> value);

    /// The whole body at once, whether it is being read or written; valid until the message is changed.
    std::span<const std::byte> bytes() const noexcept;
    /// Replaces the whole body.
    void set_bytes(std::span<const std::byte> value);

    /// Makes the body read-only and starts reading at its first byte.
    void reset();
    void clear_body() override;
};

using MessagePtr = std::shared_ptr<Message>;

}  // namespace giromq
