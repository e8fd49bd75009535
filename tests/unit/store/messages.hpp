#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/message.hpp"

namespace giromq::store::test {

/// A text of at most 4 GiB as AMQP 1.0 encodes it (§1.6.20: str8-utf8 or str32-utf8).
inline void append_text(std::vector<std::uint8_t>& bytes, std::string_view text) {
    if (text.size() < 256) {
        bytes.push_back(0xa1);
        bytes.push_back(static_cast<std::uint8_t>(text.size()));
    } else {
        bytes.push_back(0xb1);
        for (unsigned shift = 32; shift > 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(text.size() >> (shift - 8)));
    }
    bytes.insert(bytes.end(), text.begin(), text.end());
}

/// The bare message (AMQP 1.0 §3.2) with an amqp-value section that holds `text` and, unless `message_id` is empty, a properties section.
inline std::vector<std::uint8_t> bare_text_message(std::string_view text, std::string_view message_id = {}) {
    std::vector<std::uint8_t> bytes;
    if (!message_id.empty()) {
        std::vector<std::uint8_t> fields;
        append_text(fields, message_id.substr(0, 200));
        bytes = {0x00, 0x53, 0x73, 0xc0, static_cast<std::uint8_t>(fields.size() + 1), 1};
        bytes.insert(bytes.end(), fields.begin(), fields.end());
    }
    bytes.insert(bytes.end(), {0x00, 0x53, 0x77});
    append_text(bytes, text);
    return bytes;
}

inline Message text_message(std::string_view text, std::string_view message_id = {}) {
    Message message;
    message.durable = true;
    message.arrived_at = Timestamp{1'700'000'000'000};
    message.bare = SharedBytes::copy_of(bare_text_message(text, message_id));
    return message;
}

/// The text of a message made by text_message() without a message id.
inline std::string text_of(const Message& message) {
    const auto bytes = message.bare.view();
    if (bytes.size() < 5) return "(no text)";
    const std::size_t offset = static_cast<unsigned char>(bytes[3]) == 0xa1 ? 5 : 8;
    return std::string(bytes.substr(offset));
}

}  // namespace giromq::store::test
