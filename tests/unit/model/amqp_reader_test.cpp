#include "model/amqp_reader.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <cstdlib>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "model/amqp_writer.hpp"

namespace giromq::test {

using codec::Kind;
using codec::ReadStatus;
using codec::Structure;
using codec::Value;
using Bytes = std::vector<std::uint8_t>;

class AmqpReaderTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpReaderTest);
    CPPUNIT_TEST(fixed_width_values_are_read);
    CPPUNIT_TEST(signed_values_keep_their_sign);
    CPPUNIT_TEST(variable_width_values_point_into_the_bytes);
    CPPUNIT_TEST(what_is_written_is_read_again);
    CPPUNIT_TEST(every_truncation_is_reported_as_such);
    CPPUNIT_TEST(malformed_constructors_are_refused);
    CPPUNIT_TEST(described_values_keep_their_descriptor);
    CPPUNIT_TEST(arrays_share_a_constructor);
    CPPUNIT_TEST(fields_that_are_not_there_are_null);
    CPPUNIT_TEST(structure_is_checked_to_the_leaves);
    CPPUNIT_TEST(sizes_and_counts_must_agree);
    CPPUNIT_TEST(section_descriptors_may_be_symbols);
    CPPUNIT_TEST(random_bytes_are_read_within_bounds);
    CPPUNIT_TEST_SUITE_END();

    static Value read(const Bytes& bytes) {
        codec::Reader reader(bytes);
        Value value;
        CPPUNIT_ASSERT(reader.next(value) == ReadStatus::ok);
        CPPUNIT_ASSERT(reader.at_end());
        CPPUNIT_ASSERT_EQUAL(bytes.size(), value.encoded.size());
        return value;
    }
    static void assert_number(const Bytes& bytes, Kind kind, std::uint64_t bits) {
        const Value value = read(bytes);
        CPPUNIT_ASSERT(value.kind == kind);
        CPPUNIT_ASSERT_EQUAL(bits, value.bits);
    }

    void fixed_width_values_are_read() {
        CPPUNIT_ASSERT(read({0x40}).is_null());
        assert_number({0x41}, Kind::boolean, 1);
        assert_number({0x42}, Kind::boolean, 0);
        assert_number({0x56, 1}, Kind::boolean, 1);
        assert_number({0x56, 0}, Kind::boolean, 0);
        assert_number({0x50, 200}, Kind::uint8, 200);
        assert_number({0x60, 1, 2}, Kind::uint16, 0x102);
        assert_number({0x43}, Kind::uint32, 0);
        assert_number({0x52, 9}, Kind::uint32, 9);
        assert_number({0x70, 1, 2, 3, 4}, Kind::uint32, 0x1020304);
        assert_number({0x44}, Kind::uint64, 0);
        assert_number({0x53, 0x70}, Kind::uint64, 0x70);
        assert_number({0x80, 1, 2, 3, 4, 5, 6, 7, 8}, Kind::uint64, 0x102030405060708ULL);
        assert_number({0x83, 0, 0, 0, 0, 0, 0, 0, 1}, Kind::timestamp, 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t{16}, read({0x98, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}).content.size());
        CPPUNIT_ASSERT(read({0x45}).kind == Kind::list);
    }

    void signed_values_keep_their_sign() {
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-1}, read({0x51, 0xff}).as_signed());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-2}, read({0x61, 0xff, 0xfe}).as_signed());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-128}, read({0x54, 0x80}).as_signed());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{127}, read({0x55, 0x7f}).as_signed());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-2147483648LL}, read({0x71, 0x80, 0, 0, 0}).as_signed());
        CPPUNIT_ASSERT_EQUAL(std::numeric_limits<std::int64_t>::min(), read({0x81, 0x80, 0, 0, 0, 0, 0, 0, 0}).as_signed());
    }

    void variable_width_values_point_into_the_bytes() {
        const Bytes bytes{0xa1, 2, 'h', 'i'};
        const Value value = read(bytes);
        CPPUNIT_ASSERT(value.is_text("hi"));
        CPPUNIT_ASSERT(value.content.data() == bytes.data() + 2);
        CPPUNIT_ASSERT(read({0xb3, 0, 0, 0, 1, 'x'}).is_text("x"));
        CPPUNIT_ASSERT(!read({0xa0, 1, 'x'}).is_text("x"));
    }

    void what_is_written_is_read_again() {
        Bytes out;
        codec::Writer writer(out);
        const auto list = writer.begin_list();
        for (const std::uint64_t number : {0ULL, 1ULL, 255ULL, 256ULL, 0xffffffffULL, ~0ULL}) writer.uint64(number);
        for (const std::uint32_t number : {0U, 1U, 255U, 256U, ~0U}) writer.uint32(number);
        for (const std::int64_t number :
             {std::int64_t{0}, std::int64_t{-1}, std::int64_t{-129}, std::numeric_limits<std::int64_t>::min()}) {
            writer.int64(number);
        }
        writer.string(std::string(255, 'a'));
        writer.string(std::string(256, 'b'));
        writer.symbol("s");
        writer.timestamp(-5);
        writer.uint8(7);
        writer.boolean(true);
        writer.null();
        const auto map = writer.begin_map();
        writer.symbol("k");
        writer.string("v");
        writer.end(map, 2);
        writer.end(list, 23);

        const Value value = read(out);
        CPPUNIT_ASSERT(codec::check_structure(value, {}) == Structure::ok);
        std::array<Value, 23> fields;
        CPPUNIT_ASSERT_EQUAL(std::size_t{23}, codec::read_fields(value, fields));
        CPPUNIT_ASSERT_EQUAL(~std::uint64_t{0}, fields[5].bits);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0xffffffffU}, fields[10].bits);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-129}, fields[13].as_signed());
        CPPUNIT_ASSERT_EQUAL(std::numeric_limits<std::int64_t>::min(), fields[14].as_signed());
        CPPUNIT_ASSERT_EQUAL(std::size_t{255}, fields[15].content.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{256}, fields[16].content.size());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-5}, fields[18].as_signed());
        CPPUNIT_ASSERT(fields[22].kind == Kind::map && fields[22].count == 2);
    }

    void every_truncation_is_reported_as_such() {
        const std::vector<Bytes> all{{0x70, 1, 2, 3, 4},
                                     {0xa1, 3, 'a', 'b', 'c'},
                                     {0xb0, 0, 0, 0, 2, 1, 2},
                                     {0xc0, 3, 1, 0x50, 1},
                                     {0xd1, 0, 0, 0, 6, 0, 0, 0, 2, 0x41, 0x42},
                                     {0x00, 0x53, 0x70, 0xc0, 1, 0},
                                     {0x00, 0xa3, 1, 'x', 0x00, 0x53, 1, 0x41}};
        for (const Bytes& whole : all) {
            for (std::size_t size = 0; size < whole.size(); ++size) {
                codec::Reader reader{std::span<const std::uint8_t>(whole).first(size)};
                Value value;
                CPPUNIT_ASSERT(reader.next(value) == ReadStatus::truncated);
                CPPUNIT_ASSERT_EQUAL(size, reader.rest().size());
            }
            read(whole);
        }
    }

    void malformed_constructors_are_refused() {
        for (const Bytes& bytes : std::vector<Bytes>{{0x01},
                                                     {0x39},
                                                     {0xff, 0, 0},
                                                     {0x56, 2},
                                                     {0xc0, 0},
                                                     {0xd0, 0, 0, 0, 3, 0, 0, 0},
                                                     {0xc1, 4, 3, 0x40, 0x40, 0x40},
                                                     {0, 0, 0, 0, 0, 0, 0, 0}}) {
            codec::Reader reader(bytes);
            Value value;
            CPPUNIT_ASSERT(reader.next(value) == ReadStatus::malformed);
        }
    }

    void described_values_keep_their_descriptor() {
        const Bytes bytes{0x00, 0x80, 0, 0, 0x46, 0x8c, 0, 0, 0, 4, 0xa1, 1, 'x'};
        const Value value = read(bytes);
        CPPUNIT_ASSERT(value.is_described());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x0000468c00000004ULL}, codec::descriptor_code(value.descriptor));
        CPPUNIT_ASSERT(value.is_text("x"));
    }

    void arrays_share_a_constructor() {
        const Bytes symbols{0xe0, 7, 2, 0xa3, 1, 'a', 2, 'b', 'c'};
        const Value value = read(symbols);
        codec::ArrayReader reader(value);
        Value element;
        CPPUNIT_ASSERT(reader.read(element) && element.is_text("a"));
        CPPUNIT_ASSERT(reader.read(element) && element.is_text("bc"));
        CPPUNIT_ASSERT(!reader.read(element) && reader.ok());
        const Bytes numbers{0xe0, 7, 2, 0x00, 0x53, 9, 0x50, 1, 2};
        const Value described = read(numbers);
        codec::ArrayReader second(described);
        CPPUNIT_ASSERT(second.read(element) && element.bits == 1);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{9}, codec::descriptor_code(element.descriptor));
        const Bytes short_of_elements{0xe0, 3, 5, 0x50, 1};
        const Value bad = read(short_of_elements);
        codec::ArrayReader third(bad);
        while (third.read(element)) {
        }
        CPPUNIT_ASSERT(!third.ok());
    }

    void fields_that_are_not_there_are_null() {
        const Bytes bytes{0xc0, 3, 2, 0x41, 0x40};
        const Value list = read(bytes);
        std::array<Value, 4> fields;
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, codec::read_fields(list, fields));
        CPPUNIT_ASSERT(fields[0].kind == Kind::boolean && fields[1].is_null() && fields[2].is_null() && fields[3].is_null());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, codec::read_fields(Value{}, fields));
    }

    static Bytes nested(std::size_t depth) {
        Bytes bytes{0x45};
        for (std::size_t level = 0; level < depth; ++level) {
            Bytes outer;
            codec::Writer writer(outer);
            const auto list = writer.begin_list();
            writer.raw(bytes);
            writer.end(list, 1);
            bytes = outer;
        }
        return bytes;
    }

    void structure_is_checked_to_the_leaves() {
        CPPUNIT_ASSERT(codec::check_structure(read(nested(16)), {.depth = 16, .elements = 100}) == Structure::ok);
        CPPUNIT_ASSERT(codec::check_structure(read(nested(17)), {.depth = 16, .elements = 100}) == Structure::too_deep);
        CPPUNIT_ASSERT(codec::check_structure(read(nested(10)), {.depth = 16, .elements = 5}) == Structure::too_many);
        CPPUNIT_ASSERT(codec::check_structure(read({0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40}), {}) == Structure::too_many);
        CPPUNIT_ASSERT(codec::check_structure(read({0xc0, 4, 1, 0xa1, 9, 'x'}), {}) == Structure::malformed);
    }

    void sizes_and_counts_must_agree() {
        CPPUNIT_ASSERT(codec::check_structure(read({0xc0, 3, 1, 0x41, 0x41}), {}) == Structure::malformed);
        CPPUNIT_ASSERT(codec::check_structure(read({0xc0, 3, 3, 0x41, 0x41}), {}) == Structure::malformed);
        CPPUNIT_ASSERT(codec::check_structure(read({0xc0, 3, 2, 0x41, 0x41}), {}) == Structure::ok);
        CPPUNIT_ASSERT(codec::check_structure(read({0xe0, 4, 1, 0x50, 1, 2}), {}) == Structure::malformed);
    }

    void section_descriptors_may_be_symbols() {
        Bytes out;
        codec::Writer writer(out);
        writer.symbol("amqp:message-annotations:map");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x72}, codec::descriptor_code(out));
        out.clear();
        writer.symbol("amqp:something-else");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, codec::descriptor_code(out));
    }

    void random_bytes_are_read_within_bounds() {
        const char* const given = std::getenv("GIROMQ_TEST_SEED");
        const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
        std::mt19937 random(seed);
        for (int round = 0; round < 20000; ++round) {
            Bytes bytes(random() % 64);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
            codec::Reader reader(bytes);
            Value value;
            while (reader.read(value)) {
                const bool inside =
                    value.encoded.data() >= bytes.data() && value.encoded.data() + value.encoded.size() <= bytes.data() + bytes.size();
                CPPUNIT_ASSERT_MESSAGE("GIROMQ_TEST_SEED=" + std::to_string(seed), inside);
                static_cast<void>(codec::check_structure(value, {}));
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpReaderTest);

}  // namespace giromq::test
