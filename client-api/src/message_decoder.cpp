#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "giromq/exceptions.hpp"
#include "message_codec.hpp"
#include "message_id.hpp"
#include "wire_reader.hpp"
#include "wire_writer.hpp"

namespace giromq::detail {
namespace {

[[noreturn]] void malformed(const char* section) {
    throw MessageFormatException(std::string("The ") + section + " of the message are not what AMQP 1.0 says, so it was not delivered.",
                                 "amqp:decode-error");
}

/// What the sections say, before it is known which class of message it becomes.
struct Decoded {
    MessageData& data;
    std::string to;
    std::string reply_to;
    std::string content_type;
    int message_type = -1;  // x-opt-jms-msg-type
    int destination_kind = -1;
    int reply_to_kind = -1;
    std::uint32_t time_to_live_ms = 0;
};

void read_header(const WireValue& section, Decoded& decoded) {
    if (section.kind != WireKind::list) malformed("header fields");
    WireReader reader(section.bytes);
    decoded.data.delivery_mode = DeliveryMode::non_persistent;
    for (std::uint32_t index = 0; index < section.count; ++index) {
        const WireValue value = reader.next();
        if (value.kind == WireKind::null) continue;
        if (index == 0 && value.bits != 0) decoded.data.delivery_mode = DeliveryMode::persistent;
        if (index == 1) decoded.data.priority = static_cast<int>(std::min<std::uint64_t>(value.bits, 9));
        if (index == 2) decoded.time_to_live_ms = static_cast<std::uint32_t>(value.bits);
        if (index == 4) {
            decoded.data.redelivered = value.bits > 0;
            decoded.data.delivery_count =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(value.bits, std::numeric_limits<std::int32_t>::max() - 1)) + 1;
        }
    }
}

void read_annotations(const WireValue& section, Decoded& decoded) {
    if (section.kind != WireKind::map || section.count % 2 != 0) malformed("message annotations");
    WireReader reader(section.bytes);
    for (std::uint32_t index = 0; index < section.count; index += 2) {
        const WireValue key = reader.next();
        const WireValue value = reader.next();
        if (key.bytes == "x-opt-jms-msg-type") decoded.message_type = static_cast<int>(value.bits);
        if (key.bytes == "x-opt-jms-dest") decoded.destination_kind = static_cast<int>(value.bits);
        if (key.bytes == "x-opt-jms-reply-to") decoded.reply_to_kind = static_cast<int>(value.bits);
        if (key.bytes == "x-opt-delivery-time") decoded.data.delivery_time = value.as_signed();
        // What a GiroMQ broker says about a message in a dead-letter queue is shown as properties (JMS_vendor_name, JMS 2.0 §3.5.9).
        constexpr std::string_view dead_letter = "x-opt-giromq-dead-letter-";
        if (key.bytes.starts_with(dead_letter)) {
            std::string name = "JMS_GIROMQ_DEAD_LETTER_";
            for (const char c : key.bytes.substr(dead_letter.size()))
                name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
            if (value.is_text()) {
                decoded.data.properties.insert_or_assign(std::move(name), std::string(value.bytes));
            } else {
                decoded.data.properties.insert_or_assign(std::move(name), value.as_signed());
            }
        }
    }
}

void read_properties(const WireValue& section, Decoded& decoded) {
    if (section.kind != WireKind::list) malformed("properties");
    WireReader reader(section.bytes);
    MessageData& data = decoded.data;
    for (std::uint32_t index = 0; index < section.count; ++index) {
        const WireValue value = reader.next();
        if (value.kind == WireKind::null) continue;
        switch (index) {
            case 0: data.message_id = message_id_text(value); break;
            case 1: data.user_id = value.bytes; break;
            case 2: decoded.to = value.bytes; break;
            case 3: data.type = value.bytes; break;
            case 4: decoded.reply_to = value.bytes; break;
            case 5: data.correlation_id = correlation_id_text(value); break;
            case 6: decoded.content_type = value.bytes; break;
            case 8: data.expiration = value.as_signed(); break;
            case 9: data.timestamp = value.as_signed(); break;
            case 10: data.group_id = value.bytes; break;
            case 11:
                data.group_sequence = static_cast<std::int32_t>(static_cast<std::uint32_t>(value.bits));
                data.has_group_sequence = true;
                break;
            case 12: data.reply_to_group_id = value.bytes; break;
            default: break;
        }
    }
}

/// AMQP has more types than JMS: each becomes the smallest JMS type that holds all its values; what has none is left out.
std::optional<PropertyValue> property_value(const WireValue& value) {
    switch (value.kind) {
        case WireKind::boolean: return PropertyValue(value.bits != 0);
        case WireKind::byte: return PropertyValue(static_cast<std::int8_t>(value.bits));
        case WireKind::ubyte:
        case WireKind::int16: return PropertyValue(static_cast<std::int16_t>(value.bits));
        case WireKind::ushort:
        case WireKind::int32: return PropertyValue(static_cast<std::int32_t>(value.bits));
        case WireKind::uint:
        case WireKind::int64:
        case WireKind::ulong:
        case WireKind::timestamp: return PropertyValue(value.as_signed());
        case WireKind::float32: return PropertyValue(std::bit_cast<float>(static_cast<std::uint32_t>(value.bits)));
        case WireKind::float64: return PropertyValue(std::bit_cast<double>(value.bits));
        case WireKind::string:
        case WireKind::symbol: return PropertyValue(std::string(value.bytes));
        default: return std::nullopt;
    }
}

void read_application_properties(const WireValue& section, Decoded& decoded) {
    if (section.kind != WireKind::map || section.count % 2 != 0) malformed("application properties");
    WireReader reader(section.bytes);
    for (std::uint32_t index = 0; index < section.count; index += 2) {
        const WireValue key = reader.next();
        const WireValue value = reader.next();
        if (!key.is_text()) malformed("application properties");
        if (std::optional<PropertyValue> converted = property_value(value))
            decoded.data.properties.insert_or_assign(std::string(key.bytes), *std::move(converted));
    }
}

void keep_foreign_body(std::string_view encoded, Decoded& decoded) {
    decoded.data.foreign_body.append(encoded);
    if (decoded.message_type >= 0 && decoded.message_type <= 5) decoded.data.foreign_type = static_cast<std::int8_t>(decoded.message_type);
}

void read_body(const WireValue& section, std::string_view encoded, Decoded& decoded) {
    MessageData& data = decoded.data;
    if (section.descriptor == wire::data) {
        if (section.kind != WireKind::binary) malformed("data");
        const bool text = decoded.content_type.starts_with("text/") || decoded.content_type == "application/xml" ||
                          decoded.content_type == "application/json";
        data.kind = text ? BodyKind::text : BodyKind::bytes;
        data.has_text = text;
        data.body.append(section.bytes);  // a body may come in several data sections
    } else if (section.descriptor == wire::amqp_value) {
        if (section.kind == WireKind::string) {
            data.kind = BodyKind::text;
            data.has_text = true;
            data.body = section.bytes;
        } else if (section.kind == WireKind::binary) {
            data.kind = BodyKind::bytes;
            data.body = section.bytes;
        } else if (section.kind == WireKind::null) {
            data.kind = decoded.message_type == 5 ? BodyKind::text : decoded.message_type == 3 ? BodyKind::bytes : BodyKind::none;
        } else {
            keep_foreign_body(encoded, decoded);
        }
    } else {
        keep_foreign_body(encoded, decoded);
    }
}

/// A temporary queue as those see it who answer to it: it is a Queue, and can be sent to, but not deleted.
class ForeignTemporaryQueue final : public Queue {
public:
    explicit ForeignTemporaryQueue(std::string name) : Queue(DestinationKind::temporary_queue, std::move(name)) {}
};

DestinationPtr destination_of(const std::string& name, int kind) {
    switch (kind) {
        case 1: return std::make_shared<Destination>(DestinationKind::topic, name);
        case 2: return std::make_shared<ForeignTemporaryQueue>(name);
        case 3: return std::make_shared<Destination>(DestinationKind::temporary_topic, name);
        default: return std::make_shared<Queue>(name);
    }
}

std::int64_t wall_now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::unique_ptr<MessageData> decode_message(std::string_view bytes, const DestinationPtr& destination) {
    auto data = std::make_unique<MessageData>();
    Decoded decoded{*data, {}, {}, {}};
    data->delivery_mode = DeliveryMode::non_persistent;  // the default of AMQP, when there is no header
    data->delivery_count = 1;
    WireReader reader(bytes);
    while (!reader.at_end()) {
        const std::string_view before = reader.rest();
        const WireValue section = reader.next();
        if (!section.described) malformed("sections");
        switch (section.descriptor) {
            case wire::header: read_header(section, decoded); break;
            case wire::message_annotations: read_annotations(section, decoded); break;
            case wire::properties: read_properties(section, decoded); break;
            case wire::application_properties: read_application_properties(section, decoded); break;
            case wire::data:
            case wire::amqp_value:
            case wire::amqp_sequence: read_body(section, before.substr(0, before.size() - reader.rest().size()), decoded); break;
            default: break;  // delivery annotations and footer concern nobody here
        }
    }
    const bool same = destination != nullptr && (decoded.to.empty() || decoded.to == destination->name());
    data->destination = same || decoded.to.empty() ? destination : destination_of(decoded.to, decoded.destination_kind);
    if (!decoded.reply_to.empty()) data->reply_to = destination_of(decoded.reply_to, decoded.reply_to_kind);
    // What a sender without JMS has left out is derived: from the time to live, which counts from the arrival, and from the time of
    // sending.
    if (data->expiration == 0 && decoded.time_to_live_ms != 0) data->expiration = wall_now_ms() + decoded.time_to_live_ms;
    if (data->delivery_time == 0) data->delivery_time = data->timestamp;
    data->properties_read_only = true;
    data->body_read_only = true;
    return data;
}

}  // namespace giromq::detail
