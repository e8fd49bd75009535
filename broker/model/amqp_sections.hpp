#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/amqp_reader.hpp"

/// The sections of an encoded message (AMQP 1.0 §3.2), found without copying.
namespace giromq::codec {

/// The numeric descriptors of §3.2, in the order in which sections must come.
enum class Section : std::uint64_t {
    header = 0x70,
    delivery_annotations = 0x71,
    message_annotations = 0x72,
    properties = 0x73,
    application_properties = 0x74,
    data = 0x75,
    amqp_sequence = 0x76,
    amqp_value = 0x77,
    footer = 0x78,
};

/// Everything before the body. The values are those of the sections (a list or a map, is_null() if the section was absent) and point
/// into the bytes that were read.
struct MessageHead {
    Value header;
    Value delivery_annotations;
    Value message_annotations;
    Value properties;
    Value application_properties;
    /// Where the bare message begins: the first byte after header and annotations.
    std::size_t bare_offset = 0;
    /// Where the body begins, or the end of the bytes if the message has none.
    std::size_t body_offset = 0;
};

/// `incomplete`: more bytes are needed. `too_large`: the head is larger than limits::message_head_bytes.
enum class HeadStatus : std::uint8_t { complete, incomplete, malformed, too_large };

/// Reads the head of a message. `is_whole`: no bytes will follow these. Maps and lists of the head are walked to their leaves, so that
/// later readers need not fear them.
HeadStatus read_head(std::span<const std::uint8_t> bytes, bool is_whole, MessageHead& head);

/// Checks body and footer (§3.2.6 to §3.2.9) as they come, in pieces of any size: kinds, order, and that the last section ends with
/// the last byte. It does not look into them.
class BodyCheck {
public:
    /// False if what has come so far cannot be a body.
    bool consume(std::span<const std::uint8_t> bytes);
    /// True if the body may end here.
    bool is_complete() const { return skip_ == 0 && pending_size_ == 0; }

private:
    ReadStatus begin_section(std::span<const std::uint8_t> bytes, std::size_t& head_bytes);

    /// Enough for the descriptors and the size of any sensible section.
    std::array<std::uint8_t, 64> pending_{};
    std::size_t pending_size_ = 0;
    std::uint64_t skip_ = 0;
    std::uint64_t last_section_ = 0;
};

/// The value under a symbol or string key of a map; nothing if it is absent or `map` is null.
std::optional<Value> find_in_map(const Value& map, std::string_view key);

/// A value as people read it: text as it is (bytes that are not UTF-8 replaced), integers in decimal, UUIDs in their usual form;
/// nothing for other kinds.
std::optional<std::string> render(const Value& value);

/// The text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string to_utf8(std::string_view text);

/// A UUID (§1.6.18) in its usual form.
std::string render_uuid(std::span<const std::uint8_t> bytes);

}  // namespace giromq::codec
