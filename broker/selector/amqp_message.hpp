#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/amqp_reader.hpp"
#include "model/message.hpp"
#include "model/message_properties.hpp"
#include "selector/message_view.hpp"

namespace giromq::selector {

/// A stored message as a selector sees it: headers and properties of the JMS mapping of AMQP 1.0, read from the encoded bytes where they
/// lie. Nothing is decoded that is not asked for. The message must outlive it.
class AmqpMessage final : public MessageView {
public:
    /// `delivery_count`: deliveries with this one, for JMSXDeliveryCount; 1 for the first.
    explicit AmqpMessage(const Message& message, std::uint32_t delivery_count = 1);

    Value header(Header header) const override;
    void properties(std::span<const std::string_view> names, std::span<Value> values) const override;
    Body body() const override;

private:
    codec::Value property_field(std::size_t field) const;
    const MessageProperties& rendered() const;
    Value id(std::size_t field, const std::string MessageProperties::*text) const;
    Value defined_property(std::string_view name, Value given) const;

    const Message& message_;
    std::uint32_t delivery_count_;
    codec::Value properties_;
    codec::Value application_properties_;
    std::span<const std::uint8_t> sections_behind_;  // from the body on
    mutable std::optional<MessageProperties> rendered_;
    mutable std::optional<std::string> joined_;
};

}  // namespace giromq::selector
