#include "wire_reader.hpp"

#include <array>

#include "giromq/exceptions.hpp"

namespace giromq::detail {
namespace {

[[noreturn]] void malformed() {
    throw MessageFormatException("The message is not well-formed AMQP 1.0, so it was not delivered.", "amqp:decode-error");
}

constexpr int depth_max = 4;  // of descriptors that are described themselves, which nothing sends

/// How the bytes after a type code are laid out (AMQP 1.0 §1.2).
enum class Shape : std::uint8_t {
    unknown,
    empty,      // the code says it all
    truth,      // as empty, and the value is true
    number,     // `size` bytes, big-endian
    signed_,    // as number, with its sign
    bytes,      // `size` bytes as they are
    variable,   // a length of `size` bytes, then so many
    composite,  // a length and a count of `size` bytes each, then the elements
};

struct Encoding {
    WireKind kind = WireKind::null;
    Shape shape = Shape::unknown;
    std::uint8_t size = 0;
};

constexpr std::array<Encoding, 256> make_encodings() {
    std::array<Encoding, 256> all{};
    all[0x40] = {WireKind::null, Shape::empty, 0};
    all[0x41] = {WireKind::boolean, Shape::truth, 0};
    all[0x42] = {WireKind::boolean, Shape::empty, 0};
    all[0x56] = {WireKind::boolean, Shape::number, 1};
    all[0x50] = {WireKind::ubyte, Shape::number, 1};
    all[0x60] = {WireKind::ushort, Shape::number, 2};
    all[0x43] = {WireKind::uint, Shape::empty, 0};
    all[0x52] = {WireKind::uint, Shape::number, 1};
    all[0x70] = {WireKind::uint, Shape::number, 4};
    all[0x44] = {WireKind::ulong, Shape::empty, 0};
    all[0x53] = {WireKind::ulong, Shape::number, 1};
    all[0x80] = {WireKind::ulong, Shape::number, 8};
    all[0x51] = {WireKind::byte, Shape::signed_, 1};
    all[0x61] = {WireKind::int16, Shape::signed_, 2};
    all[0x54] = {WireKind::int32, Shape::signed_, 1};
    all[0x71] = {WireKind::int32, Shape::signed_, 4};
    all[0x55] = {WireKind::int64, Shape::signed_, 1};
    all[0x81] = {WireKind::int64, Shape::signed_, 8};
    all[0x72] = {WireKind::float32, Shape::number, 4};
    all[0x82] = {WireKind::float64, Shape::number, 8};
    all[0x73] = {WireKind::character, Shape::number, 4};
    all[0x83] = {WireKind::timestamp, Shape::number, 8};
    all[0x98] = {WireKind::uuid, Shape::bytes, 16};
    all[0xa0] = {WireKind::binary, Shape::variable, 1};
    all[0xb0] = {WireKind::binary, Shape::variable, 4};
    all[0xa1] = {WireKind::string, Shape::variable, 1};
    all[0xb1] = {WireKind::string, Shape::variable, 4};
    all[0xa3] = {WireKind::symbol, Shape::variable, 1};
    all[0xb3] = {WireKind::symbol, Shape::variable, 4};
    all[0x45] = {WireKind::list, Shape::empty, 0};
    all[0xc0] = {WireKind::list, Shape::composite, 1};
    all[0xd0] = {WireKind::list, Shape::composite, 4};
    all[0xc1] = {WireKind::map, Shape::composite, 1};
    all[0xd1] = {WireKind::map, Shape::composite, 4};
    all[0x74] = {WireKind::other, Shape::bytes, 4};
    all[0x84] = {WireKind::other, Shape::bytes, 8};
    all[0x94] = {WireKind::other, Shape::bytes, 16};
    all[0xe0] = {WireKind::other, Shape::composite, 1};
    all[0xf0] = {WireKind::other, Shape::composite, 4};
    return all;
}

constexpr std::array<Encoding, 256> encodings = make_encodings();

std::uint64_t sign_extended(std::uint64_t bits, std::size_t size) {
    const auto unused = static_cast<unsigned>(64 - size * 8);
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused);
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
    const Encoding encoding = encodings[code];
    value.kind = encoding.kind;
    switch (encoding.shape) {
        case Shape::empty: break;
        case Shape::truth: value.bits = 1; break;
        case Shape::number: value.bits = unsigned_number(encoding.size); break;
        case Shape::signed_: value.bits = sign_extended(unsigned_number(encoding.size), encoding.size); break;
        case Shape::bytes: value.bytes = take(encoding.size); break;
        case Shape::variable: value.bytes = take(unsigned_number(encoding.size)); break;
        case Shape::composite: read_composite(value, encoding.size); break;
        case Shape::unknown: malformed();
    }
    return value;
}

void WireReader::read_composite(WireValue& value, std::size_t size) {
    WireReader inside(take(unsigned_number(size)));
    value.count = static_cast<std::uint32_t>(inside.unsigned_number(size));
    value.bytes = inside.rest_;
    // Every element takes at least a byte, but not those of an array, which share their type code.
    if (value.kind != WireKind::other && value.count > value.bytes.size()) malformed();
}

}  // namespace giromq::detail
