#include <cppunit/extensions/HelperMacros.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/crc32c.hpp"

namespace giromq::test {

namespace {

std::uint32_t of(std::string_view text) { return crc32c({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}); }

/// The definition of RFC 3720, bit by bit.
std::uint32_t by_definition(std::span<const std::uint8_t> bytes) {
    std::uint32_t value = 0xffffffffU;
    for (const std::uint8_t byte : bytes) {
        value ^= byte;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? (value >> 1) ^ 0x82f63b78U : value >> 1;
    }
    return ~value;
}

std::vector<std::uint8_t> pattern(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    std::uint32_t state = 12345;
    for (auto& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

}  // namespace

class Crc32cTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(Crc32cTest);
    CPPUNIT_TEST(the_vectors_of_rfc_3720_are_met);
    CPPUNIT_TEST(the_check_value_of_the_algorithm_is_met);
    CPPUNIT_TEST(every_length_and_alignment_agrees_with_the_definition);
    CPPUNIT_TEST(a_checksum_can_be_computed_in_pieces);
    CPPUNIT_TEST(every_single_flipped_bit_is_noticed);
    CPPUNIT_TEST_SUITE_END();

    void the_vectors_of_rfc_3720_are_met() {
        std::vector<std::uint8_t> bytes(32, 0);
        CPPUNIT_ASSERT_EQUAL(0x8a9136aaU, crc32c(bytes));
        bytes.assign(32, 0xff);
        CPPUNIT_ASSERT_EQUAL(0x62a8ab43U, crc32c(bytes));
        for (std::size_t index = 0; index < 32; ++index) bytes[index] = static_cast<std::uint8_t>(index);
        CPPUNIT_ASSERT_EQUAL(0x46dd794eU, crc32c(bytes));
        for (std::size_t index = 0; index < 32; ++index) bytes[index] = static_cast<std::uint8_t>(31 - index);
        CPPUNIT_ASSERT_EQUAL(0x113fdb5cU, crc32c(bytes));
    }

    void the_check_value_of_the_algorithm_is_met() {
        CPPUNIT_ASSERT_EQUAL(0xe3069283U, of("123456789"));
        CPPUNIT_ASSERT_EQUAL(0U, of(""));
    }

    void every_length_and_alignment_agrees_with_the_definition() {
        const auto bytes = pattern(80);
        for (std::size_t start = 0; start < 9; ++start) {
            for (std::size_t size = 0; start + size <= bytes.size(); ++size) {
                const std::span<const std::uint8_t> part(bytes.data() + start, size);
                CPPUNIT_ASSERT_EQUAL(by_definition(part), crc32c(part));
            }
        }
    }

    void a_checksum_can_be_computed_in_pieces() {
        const auto bytes = pattern(100);
        const std::span<const std::uint8_t> whole(bytes);
        for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
            CPPUNIT_ASSERT_EQUAL(crc32c(whole), crc32c(whole.subspan(cut), crc32c(whole.first(cut))));
        }
    }

    void every_single_flipped_bit_is_noticed() {
        auto bytes = pattern(64);
        const std::uint32_t right = crc32c(bytes);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
            CPPUNIT_ASSERT(crc32c(bytes) != right);
            bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Crc32cTest);

}  // namespace giromq::test
