#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace giromq::detail {

/// Section descriptors (AMQP 1.0 §3.2) and the type codes (§1.6) that this library writes or looks at.
namespace wire {
inline constexpr std::uint8_t header = 0x70;
inline constexpr std::uint8_t delivery_annotations = 0x71;
inline constexpr std::uint8_t message_annotations = 0x72;
inline constexpr std::uint8_t properties = 0x73;
inline constexpr std::uint8_t application_properties = 0x74;
inline constexpr std::uint8_t data = 0x75;
inline constexpr std::uint8_t amqp_sequence = 0x76;
inline constexpr std::uint8_t amqp_value = 0x77;
inline constexpr std::uint8_t footer = 0x78;
}  // namespace wire

/// Appends AMQP 1.0 values to a string, big-endian, in the shortest encoding that costs no second pass.
class WireWriter {
public:
    explicit WireWriter(std::string& out) : out_(out) {}

    void null() { byte(0x40); }
    void boolean(bool value) { byte(value ? 0x41 : 0x42); }
    void ubyte(std::uint8_t value) { coded(0x50, value); }
    void int8(std::int8_t value) { coded(0x51, static_cast<std::uint8_t>(value)); }
    void int16(std::int16_t value) { coded(0x61, static_cast<std::uint16_t>(value)); }
    void int32(std::int32_t value) { coded(0x71, static_cast<std::uint32_t>(value)); }
    void int64(std::int64_t value) { coded(0x81, static_cast<std::uint64_t>(value)); }
    void uint32(std::uint32_t value) {
        value == 0 ? byte(0x43) : value < 256 ? coded(0x52, static_cast<std::uint8_t>(value)) : coded(0x70, value);
    }
    void uint64(std::uint64_t value) {
        value == 0 ? byte(0x44) : value < 256 ? coded(0x53, static_cast<std::uint8_t>(value)) : coded(0x80, value);
    }
    void float32(float value) { coded(0x72, std::bit_cast<std::uint32_t>(value)); }
    void float64(double value) { coded(0x82, std::bit_cast<std::uint64_t>(value)); }
    void timestamp(std::int64_t milliseconds) { coded(0x83, static_cast<std::uint64_t>(milliseconds)); }
    void uuid(std::string_view sixteen_bytes) {
        byte(0x98);
        out_.append(sixteen_bytes);
    }
    void binary(std::string_view value) { variable(0xa0, 0xb0, value); }
    void string(std::string_view value) { variable(0xa1, 0xb1, value); }
    void symbol(std::string_view value) { variable(0xa3, 0xb3, value); }

    /// The descriptor of a section: a smallulong.
    void section(std::uint8_t descriptor) {
        byte(0x00);
        byte(0x53);
        byte(descriptor);
    }

    /// Begins a list32 or map32; returns what end_...() needs to fill in its size.
    std::size_t begin_list() { return begin(0xd0); }
    std::size_t begin_map() { return begin(0xd1); }
    /// `count`: the elements written since; for a map keys and values both count.
    void end_list(std::size_t mark, std::uint32_t count) { end(mark, count); }
    void end_map(std::size_t mark, std::uint32_t count) { end(mark, count); }

private:
    void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }

    template <typename Unsigned>
    void coded(std::uint8_t code, Unsigned value) {
        char bytes[1 + sizeof(Unsigned)];
        bytes[0] = static_cast<char>(code);
        for (std::size_t index = 0; index < sizeof(Unsigned); ++index) {
            bytes[1 + index] = static_cast<char>(value >> (8 * (sizeof(Unsigned) - 1 - index)));
        }
        out_.append(bytes, sizeof bytes);
    }

    void variable(std::uint8_t small, std::uint8_t large, std::string_view value) {
        if (value.size() < 256) {
            coded(small, static_cast<std::uint8_t>(value.size()));
        } else {
            coded(large, static_cast<std::uint32_t>(value.size()));
        }
        out_.append(value);
    }

    std::size_t begin(std::uint8_t code) {
        coded(code, std::uint32_t{0});
        out_.append(4, '\0');
        return out_.size();
    }

    void patch(std::size_t at, std::uint32_t value) {
        for (std::size_t index = 0; index < 4; ++index) out_[at + index] = static_cast<char>(value >> (8 * (3 - index)));
    }

    void end(std::size_t mark, std::uint32_t count) {
        patch(mark - 8, static_cast<std::uint32_t>(out_.size() - mark + 4));
        patch(mark - 4, count);
    }

    std::string& out_;
};

}  // namespace giromq::detail
