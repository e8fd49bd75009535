#include "model/amqp_writer.hpp"

#include "base/check.hpp"

namespace giromq::codec {

void Writer::big_endian(std::uint64_t value, std::size_t width) {
    for (std::size_t index = width; index-- > 0;) out_.push_back(static_cast<std::uint8_t>(value >> (8 * index)));
}

void Writer::uint8(std::uint8_t value) {
    out_.push_back(0x50);
    out_.push_back(value);
}

void Writer::uint32(std::uint32_t value) {
    if (value == 0) {
        out_.push_back(0x43);
    } else if (value <= 0xff) {
        out_.push_back(0x52);
        big_endian(value, 1);
    } else {
        out_.push_back(0x70);
        big_endian(value, 4);
    }
}

void Writer::uint64(std::uint64_t value) {
    if (value == 0) {
        out_.push_back(0x44);
    } else if (value <= 0xff) {
        out_.push_back(0x53);
        big_endian(value, 1);
    } else {
        out_.push_back(0x80);
        big_endian(value, 8);
    }
}

void Writer::int64(std::int64_t value) {
    const bool is_small = value >= -128 && value <= 127;
    out_.push_back(is_small ? 0x55 : 0x81);
    big_endian(static_cast<std::uint64_t>(value), is_small ? 1 : 8);
}

void Writer::timestamp(std::int64_t milliseconds) {
    out_.push_back(0x83);
    big_endian(static_cast<std::uint64_t>(milliseconds), 8);
}

void Writer::binary(std::span<const std::uint8_t> bytes) { variable(0xa0, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }

void Writer::variable(std::uint8_t short_code, std::string_view bytes) {
    GIROMQ_CHECK(bytes.size() <= UINT32_MAX, "a value too large for AMQP");
    const bool is_small = bytes.size() <= 0xff;
    // The 32-bit constructors are the 8-bit ones plus 0x10 (§1.6.19 to §1.6.21).
    out_.push_back(static_cast<std::uint8_t>(is_small ? short_code : short_code + 0x10));
    big_endian(bytes.size(), is_small ? 1 : 4);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void Writer::descriptor(std::uint64_t code) {
    out_.push_back(0x00);
    uint64(code);
}

Writer::Compound Writer::begin(std::uint8_t code) {
    out_.push_back(code);
    const Compound compound{out_.size()};
    out_.resize(out_.size() + 8);
    return compound;
}

void Writer::end(Compound compound, std::uint32_t count) {
    const std::size_t size = out_.size() - compound.size_at - 4;
    GIROMQ_CHECK(size <= UINT32_MAX, "a compound too large for AMQP");
    for (std::size_t index = 0; index < 4; ++index) {
        const unsigned shift = static_cast<unsigned>(8 * (3 - index));
        out_[compound.size_at + index] = static_cast<std::uint8_t>(size >> shift);
        out_[compound.size_at + 4 + index] = static_cast<std::uint8_t>(count >> shift);
    }
}

}  // namespace giromq::codec
