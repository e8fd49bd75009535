#include "amqp/message_output.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "model/amqp_sections.hpp"
#include "model/amqp_writer.hpp"

namespace giromq::amqp {
namespace {

constexpr std::uint8_t default_priority = 4;

/// The keys that are the broker's own; a client cannot forge them.
constexpr std::string_view dead_letter_prefix = "x-opt-giromq-dead-letter-";

void write_header(const core::Delivery& delivery, Timestamp now, std::vector<std::uint8_t>& out) {
    const Message& message = *delivery.message;
    codec::Writer writer(out);
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::header));
    // A list of up to 255 bytes: its size and count are filled in below.
    out.push_back(0xc0);
    const std::size_t size_at = out.size();
    out.resize(size_at + 2);
    std::uint8_t fields = 2;
    writer.boolean(message.durable);
    if (message.priority == default_priority) {
        writer.null();
    } else {
        writer.uint8(message.priority);
    }
    // A dead letter does not expire.
    const bool has_ttl = message.expires_at.is_set() && delivery.dead_letter == nullptr;
    if (has_ttl || delivery.delivery_count > 0) {
        fields = 3;
        if (has_ttl) {
            // Expired between queue and wire: one millisecond is the least that still says so.
            const std::int64_t left = message.expires_at.milliseconds - now.milliseconds;
            writer.uint32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, UINT32_MAX)));
        } else {
            writer.null();
        }
    }
    if (delivery.delivery_count > 0) {
        fields = 5;
        // first-acquirer is only claimed when it is known to be true, and a released message had one before.
        writer.boolean(false);
        writer.uint32(delivery.delivery_count);
    }
    out[size_at] = static_cast<std::uint8_t>(out.size() - size_at - 1);
    out[size_at + 1] = fields;
}

/// The message annotations with the broker's own merged in. A client's value under one of these keys gives way.
void write_annotations(const Message& message, const DeadLetter& dead_letter, std::vector<std::uint8_t>& out) {
    codec::MessageHead head;
    if (codec::read_head(message.annotations.span(), true, head) != codec::HeadStatus::complete) head = {};
    codec::Writer writer(out);
    if (!head.delivery_annotations.is_null()) writer.raw(head.delivery_annotations.encoded);
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::message_annotations));
    const codec::Writer::Compound map = writer.begin_map();
    std::uint32_t count = 0;
    if (!head.message_annotations.is_null()) {
        codec::MapReader reader(head.message_annotations);
        codec::Value key;
        codec::Value value;
        while (reader.read(key, value)) {
            if (key.is_text() && key.text().starts_with(dead_letter_prefix)) continue;
            writer.raw(key.encoded);
            writer.raw(value.encoded);
            count += 2;
        }
    }
    writer.symbol("x-opt-giromq-dead-letter-cause");
    writer.string(dead_letter.cause);
    writer.symbol("x-opt-giromq-dead-letter-description");
    writer.string(codec::to_utf8(dead_letter.description));
    writer.symbol("x-opt-giromq-dead-letter-origin");
    writer.string(dead_letter.origin);
    writer.symbol("x-opt-giromq-dead-letter-delivery-count");
    writer.uint32(dead_letter.delivery_count);
    writer.symbol("x-opt-giromq-dead-letter-time");
    writer.timestamp(dead_letter.time.milliseconds);
    writer.end(map, count + 10);
}

}  // namespace

void write_prefix(const core::Delivery& delivery, Timestamp now, std::vector<std::uint8_t>& out) {
    out.clear();
    write_header(delivery, now, out);
    if (delivery.dead_letter != nullptr) {
        write_annotations(*delivery.message, *delivery.dead_letter, out);
    } else {
        const auto annotations = delivery.message->annotations.span();
        out.insert(out.end(), annotations.begin(), annotations.end());
    }
}

}  // namespace giromq::amqp
