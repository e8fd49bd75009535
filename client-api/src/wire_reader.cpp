#include "wire_reader.hpp"

#include "giromq/exceptions.hpp"

namespace giromq::detail {
namespace {

[[noreturn]] void malformed() {
    throw MessageFormatException("The message is not well-formed AMQP 1.0, so it was not delivered.", "amqp:decode-error");
}

constexpr int depth_max = 4;  // of descriptors that are described themselves, which nothing sends

template <typename Signed, typename Unsigned>
std::uint64_t sign_extended(std::uint64_t bits) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<Signed>(static_cast<Unsigned>(bits))));
}

}  // namespace

std::string_view WireReader::take(std::uint64_t size) {
    if (size > rest_.size()) malformed();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
}

std::uint64_t WireReader::unsigned_number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
}

WireValue WireReader::next() { return next(0); }

WireValue WireReader::next(int depth) {
    const auto code = static_cast<std::uint8_t>(take(1).front());
    WireValue value;
    if (code == 0x00) {
        if (depth >= depth_max) malformed();
        const WireValue descriptor = next(depth + 1);
        value = next(depth + 1);
        value.described = true;
        value.descriptor = descriptor.kind == WireKind::ulong ? descriptor.bits : 0;
        return value;
    }
    const auto fixed = [&](WireKind kind, std::size_t size) {
        value.kind = kind;
        value.bits = unsigned_number(size);
    };
    const auto variable = [&](WireKind kind, std::size_t size_bytes) {
        value.kind = kind;
        value.bytes = take(unsigned_number(size_bytes));
    };
    const auto composite = [&](WireKind kind, std::size_t size_bytes) {
        WireReader inside(take(unsigned_number(size_bytes)));
        value.kind = kind;
        value.count = static_cast<std::uint32_t>(inside.unsigned_number(size_bytes));
        value.bytes = inside.rest_;
        // Every element takes at least a byte, but not those of an array, which share their type code.
        if (kind != WireKind::other && value.count > value.bytes.size()) malformed();
    };
    switch (code) {
        case 0x40: value.kind = WireKind::null; break;
        case 0x41:
            value.kind = WireKind::boolean;
            value.bits = 1;
            break;
        case 0x42: value.kind = WireKind::boolean; break;
        case 0x56: fixed(WireKind::boolean, 1); break;
        case 0x50: fixed(WireKind::ubyte, 1); break;
        case 0x60: fixed(WireKind::ushort, 2); break;
        case 0x43: value.kind = WireKind::uint; break;
        case 0x52: fixed(WireKind::uint, 1); break;
        case 0x70: fixed(WireKind::uint, 4); break;
        case 0x44: value.kind = WireKind::ulong; break;
        case 0x53: fixed(WireKind::ulong, 1); break;
        case 0x80: fixed(WireKind::ulong, 8); break;
        case 0x51:
            fixed(WireKind::byte, 1);
            value.bits = sign_extended<std::int8_t, std::uint8_t>(value.bits);
            break;
        case 0x61:
            fixed(WireKind::int16, 2);
            value.bits = sign_extended<std::int16_t, std::uint16_t>(value.bits);
            break;
        case 0x54:
            fixed(WireKind::int32, 1);
            value.bits = sign_extended<std::int8_t, std::uint8_t>(value.bits);
            break;
        case 0x71:
            fixed(WireKind::int32, 4);
            value.bits = sign_extended<std::int32_t, std::uint32_t>(value.bits);
            break;
        case 0x55:
            fixed(WireKind::int64, 1);
            value.bits = sign_extended<std::int8_t, std::uint8_t>(value.bits);
            break;
        case 0x81: fixed(WireKind::int64, 8); break;
        case 0x72: fixed(WireKind::float32, 4); break;
        case 0x82: fixed(WireKind::float64, 8); break;
        case 0x73: fixed(WireKind::character, 4); break;
        case 0x83: fixed(WireKind::timestamp, 8); break;
        case 0x98:
            value.kind = WireKind::uuid;
            value.bytes = take(16);
            break;
        case 0xa0: variable(WireKind::binary, 1); break;
        case 0xb0: variable(WireKind::binary, 4); break;
        case 0xa1: variable(WireKind::string, 1); break;
        case 0xb1: variable(WireKind::string, 4); break;
        case 0xa3: variable(WireKind::symbol, 1); break;
        case 0xb3: variable(WireKind::symbol, 4); break;
        case 0x45: value.kind = WireKind::list; break;
        case 0xc0: composite(WireKind::list, 1); break;
        case 0xd0: composite(WireKind::list, 4); break;
        case 0xc1: composite(WireKind::map, 1); break;
        case 0xd1: composite(WireKind::map, 4); break;
        case 0x74: fixed(WireKind::other, 4); break;
        case 0x84: fixed(WireKind::other, 8); break;
        case 0x94:
            value.kind = WireKind::other;
            take(16);
            break;
        case 0xe0: composite(WireKind::other, 1); break;
        case 0xf0: composite(WireKind::other, 4); break;
        default: malformed();
    }
    return value;
}

}  // namespace giromq::detail
