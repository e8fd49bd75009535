#include "base/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace giromq {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t index = 0; index < 256; ++index) {
        std::uint32_t value = index;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? 0x82f63b78U : 0U);
        table[index] = value;
    }
    return table;
}

std::uint32_t by_table(const std::uint8_t* data, std::size_t size, std::uint32_t value) {
    static constexpr auto table = make_table();
    for (std::size_t index = 0; index < size; ++index) value = (value >> 8) ^ table[(value ^ data[index]) & 0xffU];
    return value;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(const std::uint8_t* data, std::size_t size, std::uint32_t value) {
    std::uint64_t wide = value;
    while (size >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data, 8);
        wide = _mm_crc32_u64(wide, word);
        data += 8;
        size -= 8;
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    while (size-- > 0) narrow = _mm_crc32_u8(narrow, *data++);
    return narrow;
}
#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t seed) {
    const std::uint32_t value = ~seed;
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return ~by_instruction(bytes.data(), bytes.size(), value);
#endif
    return ~by_table(bytes.data(), bytes.size(), value);
}

}  // namespace giromq
