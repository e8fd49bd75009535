#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <string_view>

#include "base/utf8.hpp"

namespace giromq::test {

namespace {

bool is_refused(std::string_view text) {
    std::string_view rest = text;
    return !take_code_point(rest).has_value() && rest == text;
}

}  // namespace

class Utf8Test : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(Utf8Test);
    CPPUNIT_TEST(every_code_point_survives_writing_and_reading);
    CPPUNIT_TEST(code_points_are_taken_one_by_one);
    CPPUNIT_TEST(overlong_forms_are_refused);
    CPPUNIT_TEST(surrogates_and_too_large_values_are_refused);
    CPPUNIT_TEST(truncated_and_stray_bytes_are_refused);
    CPPUNIT_TEST_SUITE_END();

    void every_code_point_survives_writing_and_reading() {
        for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
            if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
            std::string text;
            append_code_point(text, code_point);
            std::string_view rest = text;
            CPPUNIT_ASSERT(take_code_point(rest) == code_point);
            CPPUNIT_ASSERT(rest.empty());
            // Every proper beginning of it is incomplete.
            for (std::size_t size = 1; size < text.size(); ++size) CPPUNIT_ASSERT(is_refused(std::string_view(text).substr(0, size)));
        }
    }

    void code_points_are_taken_one_by_one() {
        std::string_view rest = "a\u00e4\u20ac\U0001F4B6";
        CPPUNIT_ASSERT(take_code_point(rest) == U'a');
        CPPUNIT_ASSERT(take_code_point(rest) == U'\u00e4');
        CPPUNIT_ASSERT(take_code_point(rest) == U'\u20ac');
        CPPUNIT_ASSERT(take_code_point(rest) == U'\U0001F4B6');
        CPPUNIT_ASSERT(rest.empty());
        CPPUNIT_ASSERT(!take_code_point(rest).has_value());
    }

    void overlong_forms_are_refused() {
        CPPUNIT_ASSERT(is_refused("\xC0\x80"));
        CPPUNIT_ASSERT(is_refused("\xC1\xBF"));
        CPPUNIT_ASSERT(is_refused("\xE0\x9F\xBF"));
        CPPUNIT_ASSERT(is_refused("\xF0\x8F\xBF\xBF"));
    }

    void surrogates_and_too_large_values_are_refused() {
        CPPUNIT_ASSERT(is_refused("\xED\xA0\x80"));
        CPPUNIT_ASSERT(is_refused("\xED\xBF\xBF"));
        CPPUNIT_ASSERT(is_refused("\xF4\x90\x80\x80"));
        CPPUNIT_ASSERT(is_refused("\xF5\x80\x80\x80"));
        CPPUNIT_ASSERT(is_refused("\xFF"));
    }

    void truncated_and_stray_bytes_are_refused() {
        CPPUNIT_ASSERT(is_refused("\x80"));
        CPPUNIT_ASSERT(is_refused("\xBF\x80"));
        CPPUNIT_ASSERT(is_refused("\xC3"));
        CPPUNIT_ASSERT(is_refused("\xC3z"));
        CPPUNIT_ASSERT(is_refused("\xE2\x82"));
        CPPUNIT_ASSERT(is_refused("\xF0\x9F\x92z"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Utf8Test);

}  // namespace giromq::test
