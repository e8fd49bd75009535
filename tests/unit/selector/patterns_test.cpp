#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "selector/like.hpp"
#include "selector/regex.hpp"

namespace giromq::selector::test {
namespace {

struct RegexCase {
    std::string_view pattern;
    std::string_view text;
    bool expected;
};

constexpr RegexCase regex_cases[] = {{"abc", "abc", true},
                                     {"abc", "abcd", false},
                                     {"abc", "xabc", false},
                                     {"", "", true},
                                     {"", "a", false},
                                     {"a|b", "b", true},
                                     {"a|", "", true},
                                     {"|a", "a", true},
                                     {"()", "", true},
                                     {"(a|b)*c", "ababc", true},
                                     {"a?", "aa", false},
                                     {"a+", "", false},
                                     {"a{2}", "aa", true},
                                     {"a{2}", "aaa", false},
                                     {"a{2,}", "aaaa", true},
                                     {"a{2,3}", "aaaa", false},
                                     {"a{0}", "", true},
                                     {"a{0,0}b", "b", true},
                                     {"(ab){2,3}", "ababab", true},
                                     {"(a*)*", "aaa", true},
                                     {"(a*)+b", "b", true},
                                     {"(|a)+", "aa", true},
                                     {".", "\n", false},
                                     {".", "\r", false},
                                     {".", "\xF0\x9F\x98\x80", true},
                                     {"[a-c]", "b", true},
                                     {"[^a-c]", "b", false},
                                     {"[^a-c]", "\xC3\xA9", true},
                                     {"[a-z-[aeiou]]", "e", false},
                                     {"[a-z-[aeiou]]", "d", true},
                                     {"[^a-z-[0-9]]", "5", false},
                                     {"[^a-z-[0-9]]", "A", true},
                                     {"[a-z-[b-y-[m]]]", "m", true},
                                     {"[a-z-[b-y-[m]]]", "n", false},
                                     {"[-a]", "-", true},
                                     {"[a-]", "-", true},
                                     {"[\\-\\]\\[\\^]", "]", true},
                                     {"[a^]", "^", true},
                                     {"[.]", ".", true},
                                     {"[.]", "a", false},
                                     {"[\\d-[5]]", "4", true},
                                     {"[\\d-[5]]", "5", false},
                                     {"[\\S]", " ", false},
                                     {"[^\\S]", " ", true},
                                     {"[\xC3\xA0-\xC3\xBF]", "\xC3\xA9", true},
                                     {"\\.\\*\\?\\+\\(\\)\\{\\}\\[\\]\\|\\\\\\-\\^", ".*?+(){}[]|\\-^", true},
                                     {"^a$", "a", false},
                                     {"^a$", "^a$", true},
                                     {"\\n\\r\\t", "\n\r\t", true},
                                     {"\\s", "\t", true},
                                     {"\\s", "\xC2\xA0", false},
                                     {"\\S", "\xC2\xA0", true},
                                     {"\\d", "7", true},
                                     {"\\d", "\xD9\xA3", true},
                                     {"\\D", "\xD9\xA3", false},
                                     {"\\w", "_", false},
                                     {"\\w", "\xC3\xA9", true},
                                     {"\\w", "-", false},
                                     {"\\w", "+", true},
                                     {"\\W", "-", true},
                                     {"\\i\\c*", "a-1", true},
                                     {"\\i\\c*", "1a", false},
                                     {"\\I", "1", true},
                                     {"\\C", " ", true},
                                     {"\\p{Lu}", "A", true},
                                     {"\\p{Lu}", "a", false},
                                     {"\\P{Lu}", "a", true},
                                     {"\\p{L}", "\xC3\xA9", true},
                                     {"\\p{Sc}", "\xE2\x82\xAC", true},
                                     {"\\p{N}+", "1\xC2\xBD", true},
                                     {"[\\p{Lu}\\p{Nd}]+", "A1", true},
                                     {"[^\\p{L}]", "1", true},
                                     {"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}", "DE89370400440532013000", true}};

}  // namespace

class PatternsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PatternsTest);
    CPPUNIT_TEST(regular_expressions_are_those_of_xml_schema);
    CPPUNIT_TEST(wrong_regular_expressions_are_refused);
    CPPUNIT_TEST(patterns_that_explode_elsewhere_take_linear_time);
    CPPUNIT_TEST(steps_of_a_regular_expression_are_limited);
    CPPUNIT_TEST(like_counts_characters_not_bytes);
    CPPUNIT_TEST(like_finds_long_texts_between_percents);
    CPPUNIT_TEST(steps_of_like_are_limited);
    CPPUNIT_TEST(text_that_is_not_utf8_does_no_harm);
    CPPUNIT_TEST_SUITE_END();

    static bool matches(std::string_view pattern, std::string_view text) {
        const auto regex = Regex::compile(pattern);
        CPPUNIT_ASSERT_MESSAGE(std::string(pattern) + (regex ? "" : " " + regex.error().detail()), regex);
        std::uint64_t steps = 1'000'000;
        return regex->matches(text, steps).value();
    }
    static bool like(std::string_view pattern, std::string_view text, std::string_view escape = {}) {
        std::uint64_t steps = 1'000'000;
        return LikePattern::compile(pattern, escape)->matches(text, steps).value();
    }

public:
    void regular_expressions_are_those_of_xml_schema() {
        for (const auto& test : regex_cases) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(test.pattern) + " on " + std::string(test.text), test.expected,
                                         matches(test.pattern, test.text));
        }
    }

    void wrong_regular_expressions_are_refused() {
        for (const char* const wrong :
             {"(",    ")",     "(a",      "a)",      "[",      "[]",     "[^]",        "[a",     "a]",    "]",       "*",
              "+a",   "?",     "a**",     "a+?",     "a{",     "a{}",    "a{,2}",      "a{3,2}", "a{2",   "a{1001}", "{2}",
              "}",    "\\",    "\\x",     "\\$",     "\\1",    "\\b",    "\\p",        "\\p{",   "\\p{}", "\\p{X}",  "\\p{IsGreek}",
              "\\pL", "[z-a]", "[a-\\d]", "[a-z-0]", "[a[b]]", "[a-[b]", "[a-z-[b]c]", "(?:a)",  "\xFF",  "a\xFF"}) {
            CPPUNIT_ASSERT_MESSAGE(wrong, !Regex::compile(wrong));
        }
        CPPUNIT_ASSERT(!Regex::compile(std::string(100, '(') + std::string(100, ')')));
    }

    void patterns_that_explode_elsewhere_take_linear_time() {
        const std::string text = std::string(200, 'a') + "!";
        for (const char* const pattern : {"(a+)+", "(a|a)*", "(a*)*", "(a|aa)+", "(.*a){20}", "(((a*)*)*)*"}) {
            const auto regex = Regex::compile(pattern);
            std::uint64_t steps = 100'000;
            CPPUNIT_ASSERT_MESSAGE(pattern, regex->matches(text, steps) == false);
        }
    }

    void steps_of_a_regular_expression_are_limited() {
        const auto regex = Regex::compile("(.*a){20}");
        std::uint64_t steps = 100;
        CPPUNIT_ASSERT(!regex->matches(std::string(1000, 'a'), steps));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, steps);
        steps = 100'000;
        CPPUNIT_ASSERT(regex->matches("aaaaaaaaaaaaaaaaaaaaaaaa", steps) == true);
        CPPUNIT_ASSERT(steps > 0 && steps < 100'000);
    }

    void like_counts_characters_not_bytes() {
        CPPUNIT_ASSERT(like("_", "\xE2\x82\xAC"));
        CPPUNIT_ASSERT(!like("__", "\xE2\x82\xAC"));
        CPPUNIT_ASSERT(!like("%__", "\xE2\x82\xAC"));
        CPPUNIT_ASSERT(!like("__%", "\xE2\x82\xAC"));
        CPPUNIT_ASSERT(like("%_\xE2\x82\xAC_%", "a\xE2\x82\xACz"));
        CPPUNIT_ASSERT(like("\xE2\x82\xAC%", "\xE2\x82\xAC"));
        CPPUNIT_ASSERT(!like("\xE2\x82\xAC__", "x%", "\xE2\x82\xAC"));
        CPPUNIT_ASSERT(like("\xE2\x82\xAC__", "_x", "\xE2\x82\xAC"));
    }

    void like_finds_long_texts_between_percents() {
        const std::string part = "the quick brown fox jumps";
        CPPUNIT_ASSERT(like("%" + part + "%", "xx" + part + "yy"));
        CPPUNIT_ASSERT(like("%" + part + "%" + part, part + part));
        CPPUNIT_ASSERT(!like("%" + part + "%" + part, part));
        CPPUNIT_ASSERT(!like("%" + part + "%" + part + "%", part + part.substr(1)));
        CPPUNIT_ASSERT(like("a%a", "aa"));
        CPPUNIT_ASSERT(!like("a%a", "a"));
        CPPUNIT_ASSERT(like("%a_c%d", "abcaacd"));
        CPPUNIT_ASSERT(!like("%a_c%d", "abdaacx"));
    }

    void steps_of_like_are_limited() {
        const auto pattern = LikePattern::compile("%" + std::string(500, 'a') + "b%", "");
        std::uint64_t steps = 1000;
        CPPUNIT_ASSERT(!pattern->matches(std::string(60'000, 'a'), steps));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, steps);
    }

    void text_that_is_not_utf8_does_no_harm() {
        CPPUNIT_ASSERT(like("a_b",
                            "a\xFF"
                            "b"));
        CPPUNIT_ASSERT(like("%b",
                            "\xC3\xC3"
                            "b"));
        CPPUNIT_ASSERT(!like("\xC3\xA9", "\xC3"));
        CPPUNIT_ASSERT(matches("a.b",
                               "a\xFF"
                               "b"));
        CPPUNIT_ASSERT(matches(".*", "\xE2\x82"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PatternsTest);

}  // namespace giromq::selector::test
