#include <cppunit/extensions/HelperMacros.h>

#include <limits>
#include <random>
#include <set>
#include <string>
#include <unordered_set>

#include "xa/xid.hpp"
#include "xa/xid_text.hpp"

namespace giromq::xa::test {
namespace {

std::string bytes(std::size_t count, char value = 'x') { return std::string(count, value); }

}  // namespace

class XidTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(XidTest);
    CPPUNIT_TEST(a_gtrid_has_1_to_64_bytes);
    CPPUNIT_TEST(a_bqual_has_0_to_64_bytes);
    CPPUNIT_TEST(the_null_xid_is_never_made);
    CPPUNIT_TEST(fields_of_the_c_structure_are_bounded_before_they_are_read);
    CPPUNIT_TEST(bytes_are_binary_and_kept_whole);
    CPPUNIT_TEST(equality_looks_at_every_part_and_at_the_lengths);
    CPPUNIT_TEST(order_is_by_format_then_gtrid_then_bqual);
    CPPUNIT_TEST(the_hash_tells_apart_where_the_gtrid_ends);
    CPPUNIT_TEST(every_xid_survives_the_round_trip_through_text);
    CPPUNIT_TEST(text_that_would_not_be_written_is_not_read);
    CPPUNIT_TEST(formats_are_named_by_their_manager);
    CPPUNIT_TEST(the_description_shows_text_as_text_and_the_rest_in_hexadecimal);
    CPPUNIT_TEST_SUITE_END();

    void a_gtrid_has_1_to_64_bytes() {
        CPPUNIT_ASSERT(!Xid::make(1, "", "b"));
        CPPUNIT_ASSERT(Xid::make(1, "g", "b"));
        CPPUNIT_ASSERT(Xid::make(1, bytes(64), "b"));
        CPPUNIT_ASSERT(!Xid::make(1, bytes(65), "b"));
    }

    void a_bqual_has_0_to_64_bytes() {
        CPPUNIT_ASSERT(Xid::make(1, "g", ""));
        CPPUNIT_ASSERT(Xid::make(1, bytes(64), bytes(64)));
        CPPUNIT_ASSERT(!Xid::make(1, "g", bytes(65)));
    }

    void the_null_xid_is_never_made() {
        CPPUNIT_ASSERT(!Xid::make(-1, "g", "b"));
        CPPUNIT_ASSERT(Xid::make(0, "g", "b"));
        CPPUNIT_ASSERT(Xid::make(std::numeric_limits<std::int32_t>::min(), "g", "b"));
        CPPUNIT_ASSERT(Xid::make(std::numeric_limits<std::int32_t>::max(), "g", "b"));
    }

    void fields_of_the_c_structure_are_bounded_before_they_are_read() {
        const std::string data = bytes(60, 'g') + bytes(68, 'b');
        const auto xid = Xid::from_fields(7, 60, 4, data.data());
        CPPUNIT_ASSERT(xid);
        CPPUNIT_ASSERT(*xid == *Xid::make(7, bytes(60, 'g'), "bbbb"));
        constexpr auto huge = std::numeric_limits<std::int64_t>::max();
        for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{65}, huge, -huge}) {
            CPPUNIT_ASSERT(!Xid::from_fields(7, length, 4, data.data()));
        }
        for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{65}, huge, -huge}) {
            CPPUNIT_ASSERT(!Xid::from_fields(7, 4, length, data.data()));
        }
        CPPUNIT_ASSERT(!Xid::from_fields(std::int64_t{1} << 32, 4, 4, data.data()));
        CPPUNIT_ASSERT(!Xid::from_fields(-1, 4, 4, data.data()));
        CPPUNIT_ASSERT(!Xid::from_fields(7, 4, 4, nullptr));
    }

    void bytes_are_binary_and_kept_whole() {
        const std::string gtrid("\0\xFF\0", 3);
        const std::string bqual("\0", 1);
        const auto xid = Xid::make(5, gtrid, bqual);
        CPPUNIT_ASSERT_EQUAL(gtrid, std::string(xid->gtrid()));
        CPPUNIT_ASSERT_EQUAL(bqual, std::string(xid->bqual()));
        CPPUNIT_ASSERT_EQUAL(gtrid + bqual, std::string(xid->data()));
    }

    void equality_looks_at_every_part_and_at_the_lengths() {
        const auto xid = *Xid::make(1, "ab", "c");
        CPPUNIT_ASSERT(xid == *Xid::make(1, "ab", "c"));
        CPPUNIT_ASSERT(xid != *Xid::make(2, "ab", "c"));
        CPPUNIT_ASSERT(xid != *Xid::make(1, "a", "bc"));
        CPPUNIT_ASSERT(xid != *Xid::make(1, "abc", ""));
        CPPUNIT_ASSERT(xid != *Xid::make(1, "ab", std::string_view("c\0", 2)));
    }

    void order_is_by_format_then_gtrid_then_bqual() {
        const std::vector<Xid> ordered{*Xid::make(-2, "z", "z"),  *Xid::make(1, "a", ""),  *Xid::make(1, "a", "\x01"),
                                       *Xid::make(1, "a", "a"),   *Xid::make(1, "ab", ""), *Xid::make(1, "\x7F", ""),
                                       *Xid::make(1, "\x80", ""), *Xid::make(2, "a", "")};
        for (std::size_t left = 0; left < ordered.size(); ++left) {
            for (std::size_t right = 0; right < ordered.size(); ++right) {
                CPPUNIT_ASSERT_EQUAL(left < right, ordered[left] < ordered[right]);
                CPPUNIT_ASSERT_EQUAL(left == right, ordered[left] == ordered[right]);
            }
        }
    }

    void the_hash_tells_apart_where_the_gtrid_ends() {
        const std::hash<Xid> hash;
        CPPUNIT_ASSERT(hash(*Xid::make(1, "ab", "c")) != hash(*Xid::make(1, "a", "bc")));
        CPPUNIT_ASSERT(hash(*Xid::make(1, "ab", "c")) != hash(*Xid::make(2, "ab", "c")));
        CPPUNIT_ASSERT_EQUAL(hash(*Xid::make(1, "ab", "c")), hash(*Xid::make(1, "ab", "c")));
    }

    void every_xid_survives_the_round_trip_through_text() {
        std::mt19937 random(42);
        const auto random_bytes = [&random](std::size_t count) {
            std::string text;
            while (text.size() < count) text += static_cast<char>(random());
            return text;
        };
        std::set<std::string> texts;
        for (std::size_t gtrid = 1; gtrid <= 64; ++gtrid) {
            for (std::size_t bqual = 0; bqual <= 64; ++bqual) {
                auto format = static_cast<std::int32_t>(random());
                if (format == Xid::null_format) format = 0;
                const Xid xid = *Xid::make(format, random_bytes(gtrid), random_bytes(bqual));
                const auto back = xid_from_text(to_text(xid));
                CPPUNIT_ASSERT(back);
                CPPUNIT_ASSERT(*back == xid);
                texts.insert(to_text(xid));
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{64 * 65}, texts.size());
        CPPUNIT_ASSERT_EQUAL(std::string("131077:0aff:"), to_text(*Xid::make(131077, "\x0A\xFF", "")));
    }

    void text_that_would_not_be_written_is_not_read() {
        CPPUNIT_ASSERT(xid_from_text("131077:0AFF:"));  // pasted in capitals
        for (const std::string text :
             {"",         ":",      "::",     "1",     "1:aa",    "1:aa:bb:", "1:aa:bb ",         " 1:aa:bb", "+1:aa:bb", "01:aa:bb",
              "-0:aa:bb", "1:a:bb", "1:aa:b", "1::bb", "1:ag:bb", "-1:aa:bb", "2147483648:aa:bb", "x:aa:bb",  "1:0x:bb",  ":aa:bb"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !xid_from_text(text));
        }
        CPPUNIT_ASSERT(!xid_from_text("1:" + bytes(130, 'a') + ":"));
        CPPUNIT_ASSERT(!xid_from_text(bytes(100'000, '1')));
    }

    void formats_are_named_by_their_manager() {
        CPPUNIT_ASSERT_EQUAL(std::string_view("Narayana (JBoss, WildFly)"), format_name(131077));
        CPPUNIT_ASSERT_EQUAL(std::string_view("Atomikos"), format_name(1096044365));
        CPPUNIT_ASSERT_EQUAL(std::string_view("Bitronix"), format_name(1114926712));
        CPPUNIT_ASSERT_EQUAL(std::string_view("LIXA"), format_name(1279875137));
        CPPUNIT_ASSERT_EQUAL(std::string_view("OSI CCR"), format_name(0));
        CPPUNIT_ASSERT_EQUAL(std::string_view("unknown format"), format_name(12345));
    }

    void the_description_shows_text_as_text_and_the_rest_in_hexadecimal() {
        CPPUNIT_ASSERT_EQUAL(std::string("Bitronix, gtrid 'node1' 000001, bqual none"),
                             describe(*Xid::make(1114926712, std::string_view("node1\0\0\x01", 8), "")));
        CPPUNIT_ASSERT_EQUAL(std::string("unknown format, gtrid 00 'abc' ff, bqual 6162"),
                             describe(*Xid::make(99, std::string_view("\0abc\xFF", 5), "ab")));
        const std::string forged = describe(*Xid::make(99, "a\nb'c\x1B[2J", "\x7F"));
        CPPUNIT_ASSERT_EQUAL(std::string("unknown format, gtrid 610a6227631b '[2J', bqual 7f"), forged);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(XidTest);

}  // namespace giromq::xa::test
