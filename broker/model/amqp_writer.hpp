#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace giromq::codec {

/// Appends AMQP 1.0 encoded values (part 1) to a buffer, each in its shortest form; compounds in the 32-bit form, whose size is filled
/// in when they end.
class Writer {
public:
    explicit Writer(std::vector<std::uint8_t>& out) : out_(out) {}

    void null() { out_.push_back(0x40); }
    void boolean(bool value) { out_.push_back(value ? 0x41 : 0x42); }
    void uint8(std::uint8_t value);
    void uint32(std::uint32_t value);
    void uint64(std::uint64_t value);
    void int64(std::int64_t value);
    void timestamp(std::int64_t milliseconds);
    void binary(std::span<const std::uint8_t> bytes);
    void string(std::string_view text) { variable(0xa1, text); }
    void symbol(std::string_view text) { variable(0xa3, text); }
    /// A value that is encoded already.
    void raw(std::span<const std::uint8_t> encoded) { out_.insert(out_.end(), encoded.begin(), encoded.end()); }

    /// The value written next is described by this numeric code.
    void descriptor(std::uint64_t code);

    /// A compound that is being written: between begin and end come its elements.
    struct Compound {
        std::size_t size_at = 0;
    };
    Compound begin_list() { return begin(0xd0); }
    Compound begin_map() { return begin(0xd1); }
    /// `count`: elements of a list, keys plus values of a map.
    void end(Compound compound, std::uint32_t count);

private:
    Compound begin(std::uint8_t code);
    void variable(std::uint8_t short_code, std::string_view bytes);
    void big_endian(std::uint64_t value, std::size_t width);

    std::vector<std::uint8_t>& out_;
};

}  // namespace giromq::codec
