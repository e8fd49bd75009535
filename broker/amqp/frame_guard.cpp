#include "amqp/frame_guard.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "amqp/conditions.hpp"
#include "model/amqp_sections.hpp"
#include "model/amqp_writer.hpp"

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
/// §4.5.5.
constexpr std::size_t transaction_id_bytes_max = 32;
/// A link's name, addresses, properties and filters are kept as long as the link lives, so they are bounded by less than a frame is.
constexpr std::size_t attach_bytes = 64 * 1024;

std::uint32_t read_32(const std::uint8_t* bytes) {
    return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U | bytes[3];
}

bool is_handle(const Value& value) { return value.kind == Kind::uint32 && value.bits <= handle_max; }
bool is_true(const Value& value) { return value.kind == Kind::boolean && value.bits == 1; }

/// A frame as the peer would send it (§2.3.1).
template <typename Fill>
std::vector<std::uint8_t> frame_of(std::uint16_t channel, Performative code, std::uint32_t fields, Fill fill) {
    std::vector<std::uint8_t> frame{0,
                                    0,
                                    0,
                                    0,
                                    header_bytes / 4,
                                    amqp_frame_type,
                                    static_cast<std::uint8_t>(channel >> 8U),
                                    static_cast<std::uint8_t>(channel & 0xffU)};
    codec::Writer writer(frame);
    writer.descriptor(code);
    const codec::Writer::Compound list = writer.begin_list();
    fill(writer);
    writer.end(list, fields);
    frame[3] = static_cast<std::uint8_t>(frame.size());
    return frame;
}

}  // namespace

FrameGuard::Step FrameGuard::next(std::span<const std::uint8_t> input) {
    if (phase_ == Phase::closed) return discard(input.size());
    if (phase_ == Phase::sasl_header || phase_ == Phase::amqp_header) return header(input);
    if (phase_ == Phase::sasl) return frame(input);
    // A run of whole frames is passed in one piece.
    std::size_t passed = 0;
    while (passed < input.size() && phase_ != Phase::closed) {
        in_run_ = passed > 0;
        Step step = frame(input.subspan(passed));
        // What is good goes first; the next call finds the rest again. Only what is passed, or is the first, changes the state.
        if (step.verdict != Verdict::pass) return passed > 0 ? pass(passed) : step;
        if (step.attach) return step;
        passed += step.bytes;
    }
    return passed > 0 ? pass(passed) : incomplete(header_bytes);
}

FrameGuard::Step FrameGuard::header(std::span<const std::uint8_t> input) {
    constexpr std::size_t protocol_id = 4;
    const bool skips_sasl = limits_.may_skip_sasl && input.size() > protocol_id && input[protocol_id] == amqp_header_bytes[protocol_id];
    const bool wants_sasl = phase_ == Phase::sasl_header && !skips_sasl;
    const auto& expected = wants_sasl ? sasl_header_bytes : amqp_header_bytes;
    const std::size_t known = std::min(input.size(), header_bytes);
    if (!std::equal(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(known), expected.begin())) {
        return {Verdict::wrong_header, 0, condition::framing_error, "unexpected protocol header", {}, {}};
    }
    if (input.size() < header_bytes) return incomplete(header_bytes);
    phase_ = wants_sasl ? Phase::sasl : Phase::amqp;
    unauthenticated_bytes_ += header_bytes;
    return pass(header_bytes);
}

FrameGuard::Step FrameGuard::frame(std::span<const std::uint8_t> input) {
    if (input.size() < header_bytes) return incomplete(header_bytes);
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
    if (input.size() < size) return incomplete(size);
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
    if (in_run_ && stands_alone(code, channel)) return incomplete(0);
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
        case attach_code: return attach(list, channel, state, bytes);
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
    std::array<Value, 3> fields;
    codec::read_fields(list, fields);
    // The broker never begins a session, so nothing can answer one.
    if (!fields[0].is_null()) return refuse(condition::invalid_field, "begin answers a session that the broker did not begin");
    const auto [begun, is_new] = channels_.try_emplace(channel);
    if (!is_new) return refuse(condition::not_allowed, "channel in use: " + std::to_string(channel));
    begun->second.incoming_window = static_cast<std::uint32_t>(fields[2].bits);
    return pass(bytes);
}

bool FrameGuard::stands_alone(std::uint64_t code, std::uint16_t channel) const {
    if (code == attach_code || code == end_code) return true;
    if (code != detach_code && code != flow_code) return false;
    const auto found = channels_.find(channel);
    return found != channels_.end() && found->second.stolen > 0;
}

FrameGuard::Step FrameGuard::attach(const Value& list, std::uint16_t channel, ChannelState& state, std::size_t bytes) {
    std::array<Value, 3> fields;
    codec::read_fields(list, fields);
    const auto& [name, handle, role] = fields;
    if (name.kind != Kind::string || !is_handle(handle) || role.kind != Kind::boolean) {
        return refuse(condition::invalid_field, "attach needs a name, a handle below 2^31 and a role");
    }
    if (bytes > attach_bytes) {
        return refuse(condition::resource_limit_exceeded, "an attach has at most " + std::to_string(attach_bytes) + " bytes");
    }
    // Links over the limit are refused one by one; this bound only ends a flood of attaches that ignores the refusals.
    if (links_ >= std::size_t{limits_.links_max} * 2 + 16)
        return refuse(condition::resource_limit_exceeded, "too many links attached at once");
    const auto number = static_cast<std::uint32_t>(handle.bits);
    const auto [attached, is_new] = state.links.try_emplace(number);
    if (!is_new) return refuse(condition::session_handle_in_use, "handle in use: " + std::to_string(number));
    ++links_;
    LinkState& link = attached->second;
    link.peer_sends = role.bits == 0;
    link.key = (link.peer_sends ? 's' : 'r') + std::string(name.text());
    Step step = pass(bytes);
    step.attach = WireLink{channel, number};
    const auto [named, is_free] = state.names.try_emplace(link.key, number);
    if (!is_free) {
        step.stolen = WireLink{channel, std::exchange(named->second, number)};
        state.links[step.stolen->handle].is_stolen = true;
        ++state.stolen;
    }
    return step;
}

FrameGuard::Step FrameGuard::detach(const Value& list, ChannelState& state, std::size_t bytes) {
    std::array<Value, 1> fields;
    codec::read_fields(list, fields);
    const auto link = is_handle(fields[0]) ? state.links.find(static_cast<std::uint32_t>(fields[0].bits)) : state.links.end();
    if (link == state.links.end()) return refuse(condition::session_unattached_handle, "detach of a handle that is not attached");
    const bool was_stolen = link->second.is_stolen;
    if (was_stolen) {
        --state.stolen;
    } else {
        state.names.erase(link->second.key);
    }
    state.links.erase(link);
    --links_;
    return was_stolen ? discard(bytes) : pass(bytes);
}

FrameGuard::Step FrameGuard::transfer(const Value& list, ChannelState& state, std::size_t bytes) {
    std::array<Value, 10> fields;
    codec::read_fields(list, fields);
    const Value& handle = fields[0];
    const Value& delivery_id = fields[1];
    const Value& delivery_tag = fields[2];
    const auto link = is_handle(handle) ? state.links.find(static_cast<std::uint32_t>(handle.bits)) : state.links.end();
    if (link == state.links.end() || link->second.is_stolen) {
        return refuse(condition::session_unattached_handle, "transfer on a handle that is not attached");
    }
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

FrameGuard::Step FrameGuard::flow(const Value& list, ChannelState& state, std::size_t bytes) {
    std::array<Value, 11> fields;
    codec::read_fields(list, fields);
    const Value& handle = fields[4];
    const auto number = static_cast<std::uint32_t>(handle.bits);
    const auto link = is_handle(handle) ? state.links.find(number) : state.links.end();
    if (!handle.is_null() && link == state.links.end()) {
        return refuse(condition::session_unattached_handle, "flow for a handle that is not attached");
    }
    if (link != state.links.end() && link->second.is_stolen) return discard(bytes);
    const auto number_of = [](const Value& value) { return static_cast<std::uint32_t>(value.bits); };
    const auto if_there = [&](const Value& value) { return value.is_null() ? std::nullopt : std::optional(number_of(value)); };
    state.next_incoming_id = if_there(fields[0]);
    state.incoming_window = number_of(fields[1]);
    if (link != state.links.end()) {
        link->second.delivery_count = if_there(fields[5]);
        link->second.credit = number_of(fields[6]);
        if (is_true(fields[8])) ++link->second.drains;
        if (fields[10].kind == codec::Kind::map) note_acquisition(fields[10], link->second.acquisition);
    }
    return pass(bytes);
}

/// A flow without properties leaves things as they are.
void FrameGuard::note_acquisition(const Value& properties, Acquisition& acquisition) {
    ++acquisition.number;
    acquisition.transaction.clear();
    const auto named = codec::find_in_map(properties, "txn-id");
    if (!named || named->is_null()) return;
    // What is no id of a transaction is kept as one that nobody has.
    const bool is_id = named->kind == codec::Kind::binary && named->content.size() <= transaction_id_bytes_max && !named->content.empty();
    if (is_id) acquisition.transaction.assign(named->content.begin(), named->content.end());
    if (!is_id) acquisition.transaction.assign(1, 0);
}

// What is said in the peer's place

const FrameGuard::LinkState* FrameGuard::find(WireLink link) const {
    const auto channel = channels_.find(link.channel);
    if (channel == channels_.end()) return nullptr;
    const auto found = channel->second.links.find(link.handle);
    return found == channel->second.links.end() ? nullptr : &found->second;
}

std::uint64_t FrameGuard::drains(WireLink link) const {
    const LinkState* const found = find(link);
    return found == nullptr ? 0 : found->drains;
}

FrameGuard::Acquisition FrameGuard::acquisition(WireLink link) const {
    const LinkState* const found = find(link);
    return found == nullptr ? Acquisition{} : found->acquisition;
}

std::vector<std::uint8_t> FrameGuard::repeat_flow(WireLink link, std::uint32_t more_credit) const {
    const LinkState* const found = find(link);
    if (found == nullptr || found->drains == 0) return {};
    const ChannelState& session = channels_.find(link.channel)->second;
    return frame_of(link.channel, flow_code, 9, [&](codec::Writer& writer) {
        const auto number_or_null = [&writer](const std::optional<std::uint32_t>& value) {
            if (value) {
                writer.uint32(*value);
            } else {
                writer.null();
            }
        };
        number_or_null(session.next_incoming_id);
        writer.uint32(session.incoming_window);
        // The engine does not look at the peer's outgoing half.
        writer.uint32(0);
        writer.uint32(0);
        writer.uint32(link.handle);
        number_or_null(found->delivery_count);
        writer.uint32(found->credit + more_credit);
        writer.null();
        writer.boolean(true);
    });
}

std::vector<std::uint8_t> FrameGuard::detach_frame(WireLink link) {
    return frame_of(link.channel, detach_code, 1, [&link](codec::Writer& writer) { writer.uint32(link.handle); });
}

std::span<const std::uint8_t> FrameGuard::heartbeat() {
    static constexpr std::array<std::uint8_t, header_bytes> frame{0, 0, 0, header_bytes, 2, amqp_frame_type, 0, 0};
    return frame;
}

}  // namespace giromq::amqp
