#include <limits>

#include "message_codec.hpp"
#include "message_id.hpp"
#include "wire_writer.hpp"

namespace giromq::detail {
namespace {

std::string encode_header(const MessageData& data, std::chrono::milliseconds time_to_live) {
    std::string out;
    WireWriter writer(out);
    writer.section(wire::header);
    const std::size_t mark = writer.begin_list();
    writer.boolean(data.delivery_mode == DeliveryMode::persistent);
    std::uint32_t count = 2;
    writer.ubyte(static_cast<std::uint8_t>(data.priority));
    if (time_to_live.count() > 0) {
        // The field has 32 bits of milliseconds, 49 days; absolute-expiry-time in the properties carries the exact time.
        writer.uint32(static_cast<std::uint32_t>(std::min<std::int64_t>(time_to_live.count(), 0xffffffff)));
        ++count;
    }
    writer.end_list(mark, count);
    return out;
}

std::int8_t message_type(const MessageData& data) {
    switch (data.kind) {
        case BodyKind::text: return 5;
        case BodyKind::bytes: return 3;
        case BodyKind::none: break;
    }
    return data.foreign_type;
}

void write_annotations(WireWriter& writer, const MessageData& data) {
    writer.section(wire::message_annotations);
    const std::size_t mark = writer.begin_map();
    std::uint32_t count = 4;
    writer.symbol("x-opt-jms-msg-type");
    writer.int8(message_type(data));
    writer.symbol("x-opt-jms-dest");
    writer.int8(static_cast<std::int8_t>(data.destination->kind()));
    if (data.reply_to != nullptr) {
        writer.symbol("x-opt-jms-reply-to");
        writer.int8(static_cast<std::int8_t>(data.reply_to->kind()));
        count += 2;
    }
    writer.end_map(mark, count);
}

void write_text_or_null(WireWriter& writer, std::string_view text) { text.empty() ? writer.null() : writer.string(text); }
void write_time_or_null(WireWriter& writer, std::int64_t milliseconds) {
    milliseconds == 0 ? writer.null() : writer.timestamp(milliseconds);
}

void write_properties(WireWriter& writer, const MessageData& data) {
    writer.section(wire::properties);
    const std::size_t mark = writer.begin_list();
    data.message_id.empty() ? writer.null() : write_message_id(writer, data.message_id);
    writer.null();  // user-id: the broker knows who it is; an application cannot vouch for itself
    writer.string(data.destination->name());
    write_text_or_null(writer, data.type);
    data.reply_to == nullptr ? writer.null() : writer.string(data.reply_to->name());
    data.correlation_id.empty() ? writer.null() : write_correlation_id(writer, data.correlation_id);
    data.kind == BodyKind::bytes ? writer.symbol("application/octet-stream") : writer.null();
    writer.null();  // content-encoding
    write_time_or_null(writer, data.expiration);
    write_time_or_null(writer, data.timestamp);
    std::uint32_t count = 10;
    if (!data.group_id.empty() || data.has_group_sequence || !data.reply_to_group_id.empty()) {
        write_text_or_null(writer, data.group_id);
        data.has_group_sequence ? writer.uint32(static_cast<std::uint32_t>(data.group_sequence)) : writer.null();
        write_text_or_null(writer, data.reply_to_group_id);
        count = 13;
    }
    writer.end_list(mark, count);
}

void write_property(WireWriter& writer, const PropertyValue& value) {
    std::visit(
        [&writer]<typename T>(const T& typed) {
            if constexpr (std::is_same_v<T, bool>) {
                writer.boolean(typed);
            } else if constexpr (std::is_same_v<T, std::int8_t>) {
                writer.int8(typed);
            } else if constexpr (std::is_same_v<T, std::int16_t>) {
                writer.int16(typed);
            } else if constexpr (std::is_same_v<T, std::int32_t>) {
                writer.int32(typed);
            } else if constexpr (std::is_same_v<T, std::int64_t>) {
                writer.int64(typed);
            } else if constexpr (std::is_same_v<T, float>) {
                writer.float32(typed);
            } else if constexpr (std::is_same_v<T, double>) {
                writer.float64(typed);
            } else {
                writer.string(typed);
            }
        },
        value);
}

void write_application_properties(WireWriter& writer, const MessageData& data) {
    if (data.properties.empty()) return;
    writer.section(wire::application_properties);
    const std::size_t mark = writer.begin_map();
    for (const auto& [name, value] : data.properties) {
        writer.string(name);
        write_property(writer, value);
    }
    writer.end_map(mark, static_cast<std::uint32_t>(data.properties.size() * 2));
}

void write_body(WireWriter& writer, std::string& out, const MessageData& data) {
    if (data.kind == BodyKind::bytes) {
        writer.section(wire::data);
        writer.binary(data.body);
        return;
    }
    if (!data.foreign_body.empty()) {
        out.append(data.foreign_body);
        return;
    }
    writer.section(wire::amqp_value);
    data.kind == BodyKind::text&& data.has_text ? writer.string(data.body) : writer.null();
}

}  // namespace

EncodedMessage encode_message(const MessageData& data, std::chrono::milliseconds time_to_live) {
    EncodedMessage encoded;
    encoded.header = encode_header(data, time_to_live);
    encoded.rest.reserve(data.body.size() + 256 + data.properties.size() * 48);
    WireWriter writer(encoded.rest);
    write_annotations(writer, data);
    write_properties(writer, data);
    write_application_properties(writer, data);
    write_body(writer, encoded.rest, data);
    return encoded;
}

std::string encode_producer_sequence(std::string_view producer_id) {
    std::string out;
    WireWriter writer(out);
    writer.section(wire::delivery_annotations);
    const std::size_t mark = writer.begin_map();
    writer.symbol("giromq:producer-id");
    writer.string(producer_id);
    writer.symbol("giromq:sequence");
    writer.uint64(std::numeric_limits<std::uint64_t>::max());  // in its longest form, at the end: set_sequence() writes over it
    writer.end_map(mark, 4);
    return out;
}

void set_sequence(std::string& annotations, std::uint64_t sequence) {
    for (std::size_t index = 0; index < sizeof sequence; ++index) {
        annotations[annotations.size() - 1 - index] = static_cast<char>(sequence >> (8 * index));
    }
}

}  // namespace giromq::detail
