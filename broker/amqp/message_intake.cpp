#include "amqp/message_intake.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/limits.hpp"
#include "model/amqp_writer.hpp"

namespace giromq::amqp {
namespace {

using codec::Kind;
using codec::MessageHead;
using codec::Value;

constexpr std::string_view producer_id_key = "giromq:producer-id";
constexpr std::string_view sequence_key = "giromq:sequence";
constexpr std::string_view duplicate_id_key = "giromq:duplicate-id";
constexpr std::string_view duplicate_id_property = "GIROMQ_DUPLICATE_ID";
constexpr std::string_view delivery_time_key = "x-opt-delivery-time";
constexpr std::string_view jms_destination_key = "x-opt-jms-dest";

bool is_for_the_broker(const Value& key) { return key.is_text(producer_id_key) || key.is_text(sequence_key); }

Error invalid(std::string sentence) { return Error(core::errc::invalid_name, std::move(sentence)); }

void read_header(const Value& header, Intake& intake) {
    if (header.is_null()) return;
    std::array<Value, 3> fields;
    codec::read_fields(header, fields);
    const auto& [durable, priority, ttl] = fields;
    intake.message->durable = durable.kind == Kind::boolean && durable.bits == 1;
    if (priority.kind == Kind::uint8) intake.message->priority = static_cast<std::uint8_t>(priority.bits);
    // Zero is none, as in JMS: a message that has expired before it came would be of no use to anybody.
    if (ttl.kind == Kind::uint32 && ttl.bits != 0) intake.ttl_ms = static_cast<std::uint32_t>(ttl.bits);
}

Result<void> read_sequence(const Value& delivery_annotations, Intake& intake, bool& found) {
    const std::optional<Value> producer = codec::find_in_map(delivery_annotations, producer_id_key);
    const std::optional<Value> sequence = codec::find_in_map(delivery_annotations, sequence_key);
    found = producer || sequence;
    if (!found) return {};
    const bool good_producer = producer && (producer->is_text() || producer->kind == Kind::binary) && !producer->content.empty() &&
                               producer->content.size() <= limits::producer_name_bytes;
    const bool good_sequence = sequence && sequence->is_unsigned() && sequence->bits != 0;
    if (!good_producer || !good_sequence) {
        return invalid("giromq:producer-id is a string or binary of 1 to 64 bytes, and comes with giromq:sequence, a ulong from 1");
    }
    intake.sequence = core::ProducerSequence{std::string(producer->text()), sequence->bits};
    return {};
}

/// The duplicate id as text. Only text and numbers can be one.
Result<std::string> duplicate_id_of(const MessageHead& head) {
    std::optional<Value> value = codec::find_in_map(head.message_annotations, duplicate_id_key);
    if (!value) value = codec::find_in_map(head.application_properties, duplicate_id_property);
    if (!value || value->is_null()) return std::string();
    std::optional<std::string> text = codec::render(*value);
    if (!text || text->empty() || text->size() > limits::duplicate_id_bytes) {
        return invalid("a duplicate id is a string, symbol, integer or UUID of 1 to 256 bytes");
    }
    return std::move(*text);
}

void read_properties(const Value& properties, Intake& intake) {
    if (properties.is_null()) return;
    std::array<Value, 9> fields;
    codec::read_fields(properties, fields);
    const Value& to = fields[2];
    const Value& absolute_expiry_time = fields[8];
    if (to.kind == Kind::string) intake.to = to.text();
    if (absolute_expiry_time.kind == Kind::timestamp && absolute_expiry_time.as_signed() > 0) {
        intake.absolute_expiry_time = Timestamp{absolute_expiry_time.as_signed()};
    }
}

void read_message_annotations(const Value& annotations, Intake& intake) {
    if (annotations.is_null()) return;
    if (const auto due = codec::find_in_map(annotations, delivery_time_key);
        due && (due->kind == Kind::timestamp || due->is_signed() || due->is_unsigned()) && due->as_signed() > 0) {
        intake.message->due_at = Timestamp{due->as_signed()};
    }
    // 0 queue, 1 topic, 2 temporary queue, 3 temporary topic (AMQP JMS mapping).
    if (const auto kind = codec::find_in_map(annotations, jms_destination_key); kind && kind->is_signed()) {
        intake.to_topic = kind->bits == 1 || kind->bits == 3;
    }
}

/// The annotations without those that are for the broker. The others are copied to the byte.
SharedBytes strip(const MessageHead& head) {
    std::vector<std::uint8_t> kept;
    codec::Writer writer(kept);
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::delivery_annotations));
    const codec::Writer::Compound map = writer.begin_map();
    codec::MapReader reader(head.delivery_annotations);
    Value key;
    Value value;
    std::uint32_t count = 0;
    while (reader.read(key, value)) {
        if (is_for_the_broker(key)) continue;
        writer.raw(key.encoded);
        writer.raw(value.encoded);
        count += 2;
    }
    writer.end(map, count);
    if (count == 0) kept.clear();
    if (!head.message_annotations.is_null()) writer.raw(head.message_annotations.encoded);
    return SharedBytes::copy_of(kept);
}

/// The annotations as they came. They are neighbours in the message, so one slice holds both.
SharedBytes annotations_of(const SharedBytes& bytes, const MessageHead& head) {
    const bool has_delivery = !head.delivery_annotations.is_null();
    if (!has_delivery && head.message_annotations.is_null()) return {};
    const Value& first = has_delivery ? head.delivery_annotations : head.message_annotations;
    const auto offset = static_cast<std::size_t>(first.encoded.data() - bytes.data());
    return bytes.slice(offset, head.bare_offset - offset);
}

}  // namespace

void Intake::arrived(Timestamp now) {
    message->arrived_at = now;
    message->expires_at = absolute_expiry_time;
    if (!ttl_ms) return;
    const Timestamp by_ttl{now.milliseconds + *ttl_ms};
    if (!message->expires_at.is_set() || by_ttl < message->expires_at) message->expires_at = by_ttl;
}

Result<Intake> take_in(const SharedBytes& bytes, const MessageHead& head) {
    Intake intake;
    intake.message = std::make_shared<Message>();
    read_header(head.header, intake);
    read_properties(head.properties, intake);
    read_message_annotations(head.message_annotations, intake);
    bool has_sequence = false;
    if (const Result<void> read = read_sequence(head.delivery_annotations, intake, has_sequence); !read) return read.error();
    Result<std::string> duplicate_id = duplicate_id_of(head);
    if (!duplicate_id) return duplicate_id.error();
    intake.duplicate_id = std::move(duplicate_id).value();
    intake.message->annotations = has_sequence ? strip(head) : annotations_of(bytes, head);
    intake.message->bare = bytes.slice(head.bare_offset, bytes.size() - head.bare_offset);
    return intake;
}

}  // namespace giromq::amqp
