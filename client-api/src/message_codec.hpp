#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "message_data.hpp"

/// JMS messages on the wire (AMQP JMS mapping): the sections of AMQP 1.0 §3.2, encoded and decoded by hand, because this is the path of
/// every message.
namespace giromq::detail {

/// A message as it is sent: the header, and everything from the message annotations on. The delivery annotations, which differ
/// with the broker, go between the two.
struct EncodedMessage {
    std::string header;
    std::string rest;
};

/// `time_to_live` of 0 is none.
EncodedMessage encode_message(const MessageData& data, std::chrono::milliseconds time_to_live);

/// The delivery annotations by which a GiroMQ broker recognises a message that is sent again, without a sequence yet.
std::string encode_producer_sequence(std::string_view producer_id);
/// Puts the sequence into them.
void set_sequence(std::string& annotations, std::uint64_t sequence);

/// A received message, read-only. `destination`: what the consumer consumes from, for a message that does not say where it was sent.
/// Throws MessageFormatException when it is not an AMQP message.
std::unique_ptr<MessageData> decode_message(std::string_view bytes, const DestinationPtr& destination);

}  // namespace giromq::detail
