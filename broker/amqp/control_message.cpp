#include "amqp/control_message.hpp"

#include <array>
#include <utility>

#include "model/amqp_sections.hpp"

namespace giromq::amqp {
namespace {

using codec::Kind;
using codec::Value;

/// The composite type in the only section, an amqp-value.
std::optional<Value> composite_in(std::span<const std::uint8_t> bytes) {
    codec::MessageHead head;
    if (codec::read_head(bytes, true, head) != codec::HeadStatus::complete) return std::nullopt;
    codec::Reader sections(bytes.subspan(head.body_offset));
    Value body;
    if (!sections.read(body) || !sections.at_end()) return std::nullopt;
    if (codec::descriptor_code(body.descriptor) != static_cast<std::uint64_t>(codec::Section::amqp_value)) return std::nullopt;
    // The section is a described value whose own value is described again.
    codec::Reader inner(body.encoded.subspan(1 + body.descriptor.size()));
    Value value;
    if (!inner.read(value) || !value.is_described() || value.kind != Kind::list) return std::nullopt;
    if (codec::check_structure(value, {}) != codec::Structure::ok) return std::nullopt;
    return value;
}

std::uint64_t control_code(const Value& call) {
    codec::Reader reader(call.descriptor);
    Value descriptor;
    if (!reader.read(descriptor)) return 0;
    if (descriptor.kind == Kind::uint64) return descriptor.bits;
    if (descriptor.is_text("amqp:declare:list")) return transaction_type::declare;
    if (descriptor.is_text("amqp:discharge:list")) return transaction_type::discharge;
    return 0;
}

ControlMessage of_xa(ReadXaRequest read, ControlMessage::Kind otherwise) {
    ControlMessage message;
    message.kind = read.request ? ControlMessage::Kind::xa : read.is_invalid ? ControlMessage::Kind::invalid_xa : otherwise;
    message.xa = std::move(read.request);
    message.reason = std::move(read.reason);
    return message;
}

ControlMessage read_declare(const Value& call) {
    std::array<Value, 1> fields;
    codec::read_fields(call, fields);
    if (!fields[0].is_null()) return of_xa(read_xa_start(fields[0]), ControlMessage::Kind::unknown_global_id);
    ControlMessage message;
    message.kind = ControlMessage::Kind::declare;
    return message;
}

/// A `fail` that is no boolean is not taken for false: that would commit.
ControlMessage read_discharge(const Value& call) {
    std::array<Value, 2> fields;
    codec::read_fields(call, fields);
    ControlMessage message;
    if (fields[0].kind != Kind::binary || (!fields[1].is_null() && fields[1].kind != Kind::boolean)) return message;
    message.kind = ControlMessage::Kind::discharge;
    message.transaction = decode_transaction_id(fields[0].content);
    message.fail = fields[1].kind == Kind::boolean && fields[1].bits == 1;
    return message;
}

}  // namespace

ControlMessage read_control_message(std::span<const std::uint8_t> bytes) {
    const auto call = composite_in(bytes);
    if (!call) return {};
    switch (control_code(*call)) {
        case transaction_type::declare: return read_declare(*call);
        case transaction_type::discharge: return read_discharge(*call);
        default: return of_xa(read_xa_call(*call), ControlMessage::Kind::malformed);
    }
}

}  // namespace giromq::amqp
