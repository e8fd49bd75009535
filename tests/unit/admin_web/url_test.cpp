#include "admin-web/url.hpp"

#include <cppunit/extensions/HelperMacros.h>

namespace giromq::test {

using admin_web::decode_cursor;
using admin_web::encode_cursor;
using admin_web::parse_target;
using admin_web::percent_encode;

class UrlTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UrlTest);
    CPPUNIT_TEST(a_path_is_split_before_it_is_decoded);
    CPPUNIT_TEST(a_query_is_taken_apart);
    CPPUNIT_TEST(a_value_may_have_several_lines);
    CPPUNIT_TEST(what_is_not_well_formed_is_refused);
    CPPUNIT_TEST(paths_that_climb_are_refused);
    CPPUNIT_TEST(a_cursor_leads_back_to_its_name);
    CPPUNIT_TEST(encoded_names_are_decoded_to_themselves);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_path_is_split_before_it_is_decoded() {
        const auto target = parse_target("/api/v1/queues/a%2Fb%20c");
        CPPUNIT_ASSERT(target.has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, target->segments.size());
        CPPUNIT_ASSERT_EQUAL(std::string("a/b c"), target->segments[3]);
        CPPUNIT_ASSERT(parse_target("/")->segments.empty());
    }

    void a_query_is_taken_apart() {
        const auto target = parse_target("/q?limit=5&cursor=%41&verbose");
        CPPUNIT_ASSERT(target.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("5"), target->parameter("limit").value());
        CPPUNIT_ASSERT_EQUAL(std::string("A"), target->parameter("cursor").value());
        CPPUNIT_ASSERT_EQUAL(std::string(), target->parameter("verbose").value());
        CPPUNIT_ASSERT(!target->parameter("other"));
    }

    void a_value_may_have_several_lines() {
        const auto target = parse_target("/q?selector=%3Ca%3E%0D%0A%09%3C/a%3E");
        CPPUNIT_ASSERT(target.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("<a>\r\n\t</a>"), target->parameter("selector").value());
    }

    void what_is_not_well_formed_is_refused() {
        for (const auto* text : {"",
                                 "a",
                                 "*",
                                 "http://other/a",
                                 "/a//b",
                                 "/a/",
                                 "/%",
                                 "/%4",
                                 "/%G0",
                                 "/%00",
                                 "/%0a",
                                 "/%FF",
                                 "/%C0%AF",
                                 "/a#b",
                                 "/a?x=1&x=2",
                                 "/a?x=%",
                                 "/a?x=%00",
                                 "/a?x=%1B",
                                 "/a?x=%7F",
                                 "/a?x%0A=1",
                                 "/1/2/3/4/5/6/7/8/9",
                                 "/a?1&2&3&4&5&6&7&8&9"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !parse_target(text));
        }
        CPPUNIT_ASSERT(!parse_target("/" + std::string(9000, 'a')));
    }

    void paths_that_climb_are_refused() {
        for (const auto* text : {"/..", "/a/../b", "/./a", "/a/.."}) CPPUNIT_ASSERT_MESSAGE(text, !parse_target(text));
    }

    void a_cursor_leads_back_to_its_name() {
        for (const std::string name : {"a", "orders/eu 1", "käse", "50%"}) {
            CPPUNIT_ASSERT_EQUAL(name, decode_cursor(encode_cursor(name)).value());
        }
        for (const auto* cursor : {"", "4", "4G", "zz", "0A", "FF"}) CPPUNIT_ASSERT_MESSAGE(cursor, !decode_cursor(cursor));
    }

    void encoded_names_are_decoded_to_themselves() {
        for (const std::string name : {"payments.in", "a/b", "?x=1&y#z", "100 %", "über"}) {
            const auto target = parse_target("/" + percent_encode(name));
            CPPUNIT_ASSERT(target.has_value());
            CPPUNIT_ASSERT_EQUAL(name, target->segments.at(0));
        }
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(UrlTest);

}  // namespace giromq::test
