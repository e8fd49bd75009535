#include "amqp/frame_guard.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "amqp/conditions.hpp"

namespace giromq::amqp {
namespace {

using codec::Kind;
using codec::Value;

constexpr std::size_t header_bytes = 8;
constexpr std::array<std::uint8_t, header_bytes> sasl_header_bytes{'A', 'M', 'Q', 'P', 3, 1, 0, 0};
constexpr std::array<std::uint8_t, header_bytes> amqp_header_bytes{'A', 'M', 'Q', 'P', 0, 1, 0, 0};

constexpr std::uint8_t amqp_frame_type = 0;
constexpr std::uint8_t sasl_frame_type = 1;

/// Descriptors of the performatives (§2.7) and of the SASL frames a client sends (§5.3.3).
enum Performative : std::uint64_t {
    open_code = 0x10,
    begin_code = 0x11,
    attach_code = 0x12,
    flow_code = 0x13,
    transfer_code = 0x14,
    disposition_code = 0x15,
    detach_code = 0x16,
    end_code = 0x17,
    close_code = 0x18,
    sasl_init_code = 0x41,
    sasl_response_code = 0x43,
};

/// The engine treats handles as signed 32-bit numbers and keeps negative ones for itself.
constexpr std::uint64_t handle_max = 0x7fffffff;
/// §2.8.7.
constexpr std::size_t delivery_tag_bytes = 32;

std::uint32_t read_32(const std::uint8_t* bytes) {
    return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U | bytes[3];
}

bool is_handle(const Value& value) { return value.kind == Kind::uint32 && value.bits <= handle_max; }
bool is_true(const Value& value) { return value.kind == Kind::boolean && value.bits == 1; }

}  // namespace

FrameGuard::Step FrameGuard::next(std::span<const std::uint8_t> input) {
    if (phase_ == Phase::closed) return {Verdict::discard, input.size(), {}, {}};
    if (phase_ == Phase::sasl_header || phase_ == Phase::amqp_header) return header(input);
    if (phase_ == Phase::sasl) return frame(input);
    // A run of whole frames is passed in one piece.
    std::size_t passed = 0;
    while (passed < input.size() && phase_ != Phase::closed) {
        Step step = frame(input.subspan(passed));
        if (step.verdict != Verdict::pass) {
            // What is good goes first; the next call finds the rest again. A refusal leaves the state as it was.
            return passed > 0 ? pass(passed) : step;
        }
        passed += step.bytes;
    }
    return passed > 0 ? pass(passed) : Step{Verdict::incomplete, header_bytes, {}, {}};
}

FrameGuard::Step FrameGuard::header(std::span<const std::uint8_t> input) {
    const auto& expected = phase_ == Phase::sasl_header ? sasl_header_bytes : amqp_header_bytes;
    const std::size_t known = std::min(input.size(), header_bytes);
    if (!std::equal(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(known), expected.begin())) {
        return {Verdict::wrong_header, 0, condition::framing_error, "unexpected protocol header"};
    }
    if (input.size() < header_bytes) return {Verdict::incomplete, header_bytes, {}, {}};
    phase_ = phase_ == Phase::sasl_header ? Phase::sasl : Phase::amqp;
    unauthenticated_bytes_ += header_bytes;
    return pass(header_bytes);
}

FrameGuard::Step FrameGuard::frame(std::span<const std::uint8_t> input) {
    if (input.size() < header_bytes) return {Verdict::incomplete, header_bytes, {}, {}};
    const std::uint32_t size = read_32(input.data());
    const std::size_t data_offset = std::size_t{input[4]} * 4;
    const std::uint8_t type = input[5];
    const bool is_sasl = phase_ == Phase::sasl;
    const std::uint64_t bound =
        is_sasl ? limits_.bytes_before_authentication - std::min<std::uint64_t>(unauthenticated_bytes_, limits_.bytes_before_authentication)
                : limits_.max_frame_bytes;
    if (size > bound) {
        if (is_sasl) return refuse(condition::resource_limit_exceeded, "too many bytes before authentication");
        return refuse(condition::framing_error, "a frame of " + std::to_string(size) + " bytes is larger than the advertised maximum of " +
                                                    std::to_string(limits_.max_frame_bytes));
    }
    if (size < header_bytes || data_offset < header_bytes || data_offset > size) {
        return refuse(condition::framing_error, "size and data offset of a frame contradict each other");
    }
    if (type != (is_sasl ? sasl_frame_type : amqp_frame_type)) {
        return refuse(condition::framing_error, "a frame of type " + std::to_string(type) + " is not allowed here");
    }
    if (input.size() < size) return {Verdict::incomplete, size, {}, {}};
    const std::span<const std::uint8_t> body = input.subspan(data_offset, size - data_offset);
    if (is_sasl) return sasl_frame(body, size);
    const auto channel = static_cast<std::uint16_t>(std::uint32_t{input[6]} << 8U | input[7]);
    return amqp_frame(body, channel, size);
}

FrameGuard::Step FrameGuard::sasl_frame(std::span<const std::uint8_t> body, std::size_t bytes) {
    codec::Reader reader(body);
    Value list;
    if (!reader.read(list) || !reader.at_end() || list.kind != Kind::list ||
        codec::check_structure(list, limits_.performative) != codec::Structure::ok) {
        return refuse(condition::framing_error, "a SASL frame does not hold one performative");
    }
    const std::uint64_t code = codec::descriptor_code(list.descriptor);
    if (code != sasl_init_code && code != sasl_response_code)
        return refuse(condition::framing_error, "not a SASL frame that a client sends");
    // The engine loses the memory of the first one.
    if (code == sasl_init_code && std::exchange(sasl_begun_, true)) return refuse(condition::framing_error, "a second SASL init");
    unauthenticated_bytes_ += bytes;
    return pass(bytes);
}

FrameGuard::Step FrameGuard::amqp_frame(std::span<const std::uint8_t> body, std::uint16_t channel, std::size_t bytes) {
    if (body.empty()) return pass(bytes);  // a heartbeat (§2.4.5)
    codec::Reader reader(body);
    Value list;
    if (!reader.read(list) || list.kind != Kind::list) return refuse(condition::decode_error, "a frame does not begin with a performative");
    switch (codec::check_structure(list, limits_.performative)) {
        case codec::Structure::ok: break;
        case codec::Structure::malformed: return refuse(condition::decode_error, "a performative is malformed");
        case codec::Structure::too_deep: return refuse(condition::resource_limit_exceeded, "a performative is nested too deeply");
        case codec::Structure::too_many: return refuse(condition::resource_limit_exceeded, "a performative has too many elements");
    }
    const std::uint64_t code = codec::descriptor_code(list.descriptor);
    if (code != transfer_code && !reader.at_end()) return refuse(condition::decode_error, "bytes after a performative that has no payload");
    return performative(code, list, channel, bytes);
}

FrameGuard::Step FrameGuard::performative(std::uint64_t code, const Value& list, std::uint16_t channel, std::size_t bytes) {
    if (phase_ == Phase::amqp) {
        if (code != open_code) return refuse(condition::not_allowed, "the first frame must be open");
        if (channel != 0) return refuse(condition::not_allowed, "open must come on channel 0");
        phase_ = Phase::opened;
        return pass(bytes);
    }
    if (code == close_code) {
        phase_ = Phase::closed;
        return pass(bytes);
    }
    if (code == begin_code) return begin(list, channel, bytes);
    if (code < attach_code || code > end_code) return refuse(condition::not_allowed, "a performative that is not allowed here");
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return refuse(condition::not_allowed, "no session on channel " + std::to_string(channel));
    ChannelState& state = found->second;
    switch (code) {
        case attach_code: return attach(list, state, bytes);
        case detach_code: return detach(list, state, bytes);
        case transfer_code: return transfer(list, state, bytes);
        case flow_code: return flow(list, state, bytes);
        case end_code:
            links_ -= state.links.size();
            channels_.erase(found);
            return pass(bytes);
        default: return pass(bytes);
    }
}

FrameGuard::Step FrameGuard::begin(const Value& list, std::uint16_t channel, std::size_t bytes) {
    if (channel >= limits_.sessions_max) return refuse(condition::framing_error, "channel above the advertised channel-max");
    std::array<Value, 1> fields;
    codec::read_fields(list, fields);
    // The broker never begins a session, so nothing can answer one.
    if (!fields[0].is_null()) return refuse(condition::invalid_field, "begin answers a session that the broker did not begin");
    if (!channels_.try_emplace(channel).second) return refuse(condition::not_allowed, "channel in use: " + std::to_string(channel));
    return pass(bytes);
}

FrameGuard::Step FrameGuard::attach(const Value& list, ChannelState& state, std::size_t bytes) {
    std::array<Value, 3> fields;
    codec::read_fields(list, fields);
    const auto& [name, handle, role] = fields;
    if (name.kind != Kind::string || !is_handle(handle) || role.kind != Kind::boolean) {
        return refuse(condition::invalid_field, "attach needs a name, a handle below 2^31 and a role");
    }
    // Links over the limit are refused one by one; this bound only ends a flood of attaches that ignores the refusals.
    if (links_ >= std::size_t{limits_.links_max} * 2 + 16)
        return refuse(condition::resource_limit_exceeded, "too many links attached at once");
    const LinkState link{.peer_sends = role.bits == 0, .in_delivery = false};
    if (!state.links.try_emplace(static_cast<std::uint32_t>(handle.bits), link).second) {
        return refuse(condition::session_handle_in_use, "handle in use: " + std::to_string(handle.bits));
    }
    ++links_;
    return pass(bytes);
}

FrameGuard::Step FrameGuard::detach(const Value& list, ChannelState& state, std::size_t bytes) {
    std::array<Value, 1> fields;
    codec::read_fields(list, fields);
    if (!is_handle(fields[0]) || state.links.erase(static_cast<std::uint32_t>(fields[0].bits)) == 0) {
        return refuse(condition::session_unattached_handle, "detach of a handle that is not attached");
    }
    --links_;
    return pass(bytes);
}

FrameGuard::Step FrameGuard::transfer(const Value& list, ChannelState& state, std::size_t bytes) {
    std::array<Value, 10> fields;
    codec::read_fields(list, fields);
    const Value& handle = fields[0];
    const Value& delivery_id = fields[1];
    const Value& delivery_tag = fields[2];
    const auto link = is_handle(handle) ? state.links.find(static_cast<std::uint32_t>(handle.bits)) : state.links.end();
    if (link == state.links.end()) return refuse(condition::session_unattached_handle, "transfer on a handle that is not attached");
    if (!link->second.peer_sends) return refuse(condition::not_allowed, "transfer on a link whose sender is the broker");
    if (!delivery_id.is_null() && delivery_id.kind != Kind::uint32) return refuse(condition::invalid_field, "delivery-id is not a uint");
    if (!delivery_tag.is_null() && (delivery_tag.kind != Kind::binary || delivery_tag.content.size() > delivery_tag_bytes)) {
        return refuse(condition::invalid_field, "delivery-tag is not a binary of up to 32 bytes");
    }
    if (!link->second.in_delivery && (delivery_id.is_null() || delivery_tag.is_null())) {
        return refuse(condition::invalid_field, "the first transfer of a delivery needs delivery-id and delivery-tag");
    }
    link->second.in_delivery = is_true(fields[5]) && !is_true(fields[9]);
    return pass(bytes);
}

FrameGuard::Step FrameGuard::flow(const Value& list, const ChannelState& state, std::size_t bytes) {
    std::array<Value, 5> fields;
    codec::read_fields(list, fields);
    const Value& handle = fields[4];
    if (handle.is_null()) return pass(bytes);
    if (!is_handle(handle) || !state.links.contains(static_cast<std::uint32_t>(handle.bits))) {
        return refuse(condition::session_unattached_handle, "flow for a handle that is not attached");
    }
    return pass(bytes);
}

}  // namespace giromq::amqp
