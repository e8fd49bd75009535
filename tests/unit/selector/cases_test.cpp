#include <cppunit/extensions/HelperMacros.h>

#include <limits>
#include <string>

#include "selector/forms.hpp"
#include "selector/selector.hpp"
#include "unit/selector/cases.hpp"
#include "unit/selector/map_message.hpp"

namespace giromq::selector::test {

using namespace std::string_view_literals;

/// Every case is evaluated as it is written, and again after it went through XML and back.
class CasesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CasesTest);
    CPPUNIT_TEST(literals_identifiers_and_white_space_are_those_of_java);
    CPPUNIT_TEST(comparisons_are_as_jms_says);
    CPPUNIT_TEST(arithmetic_is_that_of_java);
    CPPUNIT_TEST(between_in_like_and_is_null_are_as_jms_says);
    CPPUNIT_TEST(logic_has_three_values);
    CPPUNIT_TEST(extensions_are_as_documented);
    CPPUNIT_TEST(wrong_selectors_are_refused_with_a_place);
    CPPUNIT_TEST_SUITE_END();

    static MapMessage message() {
        MapMessage message;
        auto& values = message.values;
        values = {{"name", "James"sv},
                  {"quote", "it's"sv},
                  {"empty", ""sv},
                  {"umlaut", "Z\xC3\xBCrich"sv},
                  {"digits", "2"sv},
                  {"country", "UK"sv},
                  {"phone", "12993"sv},
                  {"word", "lose"sv},
                  {"under_text", "_foo"sv},
                  {"percent", "100%"sv},
                  {"star", "a.*b(c"sv},
                  {"lines", "a\nb"sv},
                  {"color", "blue"sv},
                  {"price_text", "10.10"sv},
                  {"padded", " 42 "sv},
                  {"true_text", "true"sv},
                  {"when_text", "2026-11-21"sv},
                  {"span_text", "PT30M"sv},
                  {"bic", "COBADEFF"sv}};
        values["rank"] = std::int32_t{123};
        values["version"] = std::int64_t{2};
        values["weight"] = std::int32_t{3000};
        values["one_int"] = std::int32_t{1};
        values["one_long"] = std::int64_t{1};
        values["minus_one"] = std::int32_t{-1};
        values["most_int"] = std::numeric_limits<std::int32_t>::max();
        values["least_int"] = std::numeric_limits<std::int32_t>::min();
        values["most"] = std::numeric_limits<std::int64_t>::max();
        values["least"] = std::numeric_limits<std::int64_t>::min();
        values["ratio"] = 1.5;
        values["half_float"] = 0.5F;
        values["tenth_float"] = 0.1F;
        values["tenth_double"] = 0.1;
        values["big_float"] = 16777216.0F;
        values["big_double"] = 9007199254740992.0;
        values["nan"] = std::numeric_limits<double>::quiet_NaN();
        values["infinity"] = std::numeric_limits<double>::infinity();
        values["flag"] = true;
        values["off"] = false;
        values["bytes"] = Other{};
        values["null_value"] = Null{};
        values["JMS_VENDOR_flag"] = true;
        values["JMSXGroupID"] = "g"sv;
        values["JMSXDeliveryCount"] = std::int32_t{1};
        const std::pair<const char*, int> numbered[] = {{"_under", 1},          {"$dollar", 2},  {"a1$_b", 3},   {"stra\303\237e", 4},
                                                        {"\xE2\x82\xACuro", 5}, {"nullable", 6}, {"android", 7}, {"inside", 8},
                                                        {"notary", 9},          {"x-opt", 10},   {"and", 11}};
        for (const auto& [name, number] : numbered) values[name] = std::int32_t{number};
        message.headers = {{Header::type, "car"sv},
                           {Header::priority, std::int32_t{7}},
                           {Header::message_id, "ID:1"sv},
                           {Header::timestamp, std::int64_t{1'700'000'000'000}},
                           {Header::delivery_mode, "PERSISTENT"sv}};
        return message;
    }

    static char letter(Truth truth) { return truth == Truth::yes ? 'T' : truth == Truth::no ? 'F' : 'U'; }

    static char outcome(const MapMessage& message, std::string_view text, std::string& reason) {
        const auto program = compile(text);
        if (!program) {
            reason = program.error().to_string();
            return '!';
        }
        return letter((*program)->evaluate(message).truth);
    }

    static void run(const std::vector<Case>& cases) {
        const MapMessage with = message();
        std::string failures;
        for (const Case& test : cases) {
            std::string reason;
            const char actual = outcome(with, test.text, reason);
            std::string through_xml;
            if (actual != '!') through_xml = print_xml(parse(test.text).value());
            const char again = actual == '!' ? '!' : outcome(with, through_xml, reason);
            if (actual == test.expected && again == actual) continue;
            failures += "\n[" + std::string(test.section) + "] " + std::string(test.text) + ": expected " + test.expected + ", was " +
                        actual + ", through XML " + again + " " + reason;
        }
        CPPUNIT_ASSERT_MESSAGE(failures, failures.empty());
    }

public:
    void literals_identifiers_and_white_space_are_those_of_java() { run(lexical_cases); }
    void comparisons_are_as_jms_says() { run(comparison_cases); }
    void arithmetic_is_that_of_java() { run(arithmetic_cases); }
    void between_in_like_and_is_null_are_as_jms_says() { run(test_cases); }
    void logic_has_three_values() { run(logic_cases); }
    void extensions_are_as_documented() { run(extension_cases); }

    void wrong_selectors_are_refused_with_a_place() {
        run(refused_cases);
        for (const Case& test : refused_cases) {
            if (test.expected != '!') continue;
            const std::string detail = compile(test.text).error().detail();
            CPPUNIT_ASSERT_MESSAGE(detail, detail.find(": ") > detail.find(':') && detail[0] >= '1' && detail[0] <= '9');
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CasesTest);

}  // namespace giromq::selector::test
