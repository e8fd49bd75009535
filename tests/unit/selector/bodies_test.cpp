#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "selector/json_pointer.hpp"
#include "selector/selector.hpp"
#include "unit/selector/map_message.hpp"

namespace giromq::selector::test {

using namespace std::string_view_literals;

class BodiesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(BodiesTest);
    CPPUNIT_TEST(paths_lead_into_xml);
    CPPUNIT_TEST(money_in_xml_is_exact);
    CPPUNIT_TEST(the_first_in_document_order_counts);
    CPPUNIT_TEST(pointers_lead_into_json);
    CPPUNIT_TEST(numbers_of_json_are_exact_when_cast);
    CPPUNIT_TEST(bodies_of_another_kind_have_no_values);
    CPPUNIT_TEST(documents_with_entities_are_not_read);
    CPPUNIT_TEST(wrong_json_has_no_values);
    CPPUNIT_TEST(body_is_looked_into_only_if_nothing_else_decides);
    CPPUNIT_TEST(large_and_incomplete_bodies_are_over_budget);
    CPPUNIT_TEST(evaluation_over_its_steps_is_unknown);
    CPPUNIT_TEST(selectors_of_bodies_say_so);
    CPPUNIT_TEST(properties_are_looked_up_once);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::string_view payment = R"(<?xml version="1.0"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf>
<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-21T10:00:00+01:00</CreDtTm><NbOfTxs>2</NbOfTxs></GrpHdr>
<CdtTrfTxInf><IntrBkSttlmAmt Ccy="EUR">10000.10</IntrBkSttlmAmt><IntrBkSttlmDt>2026-11-23</IntrBkSttlmDt>
<Cdtr><Nm>M&amp;M</Nm></Cdtr></CdtTrfTxInf>
<CdtTrfTxInf><IntrBkSttlmAmt Ccy="CHF">5</IntrBkSttlmAmt></CdtTrfTxInf>
</FIToFICstmrCdtTrf></Document>)";
    static constexpr std::string_view order =
        R"({"order":{"id":"A-1","paid":true,"note":null,"amount":10.10,"big":12345678901234567890.12,"count":3,"tiny":1e2,)"
        R"("lines":[{"sku":"x"},{"sku":"\u00e9\ud83d\ude00"}],"a/b":1,"m~n":2,"":4},"dup":1,"dup":2})";

    static char outcome(std::string_view body, std::string_view text, const Budget& budget = {}) {
        MapMessage message;
        message.set_body(body);
        const auto program = compile(text);
        CPPUNIT_ASSERT_MESSAGE(std::string(text) + (program ? "" : program.error().to_string()), program);
        const Outcome result = (*program)->evaluate(message, budget);
        if (result.over_budget) return 'B';
        return result.truth == Truth::yes ? 'T' : result.truth == Truth::no ? 'F' : 'U';
    }
    struct Expectation {
        std::string_view text;
        char expected;
    };
    template <std::size_t count>
    static void check_all(std::string_view body, const Expectation (&cases)[count]) {
        for (const auto& test : cases) CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(test.text), test.expected, outcome(body, test.text));
    }

public:
    void paths_lead_into_xml() {
        check_all(payment, {{"XPATH('Document/FIToFICstmrCdtTrf/GrpHdr/MsgId') = 'M-1'", 'T'},
                            {"XPATH('/Document/FIToFICstmrCdtTrf/GrpHdr/MsgId') = 'M-1'", 'T'},
                            {"XPATH('./Document/*/GrpHdr/MsgId') = 'M-1'", 'T'},
                            {"XPATH('.//MsgId') = 'M-1'", 'T'},
                            {"XPATH('//GrpHdr/MsgId') = 'M-1'", 'T'},
                            {"XPATH('MsgId') IS NULL", 'T'},
                            {"XPATH('FIToFICstmrCdtTrf/GrpHdr/MsgId') IS NULL", 'T'},
                            {"XPATH('Document') IS NULL", 'F'},
                            {"XPATH('.//IntrBkSttlmAmt/@Ccy') = 'EUR'", 'T'},
                            {"XPATH('//@Ccy') IN ('EUR', 'CHF')", 'T'},
                            {"XPATH('.//Nm') = 'M&M'", 'T'},
                            {"XPATH('.//nm') IS NULL", 'T'},
                            {"XPATH('.//*/@Ccy') = 'EUR'", 'T'},
                            {"XPATH('.//IntrBkSttlmAmt/@*') = 'EUR'", 'T'},
                            {"XPATH('.//Q{urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08}MsgId') = 'M-1'", 'T'},
                            {"XPATH('.//Q{urn:other}MsgId') IS NULL", 'T'},
                            {"XPATH('.//Q{}MsgId') IS NULL", 'T'},
                            {"XPATH('.//IntrBkSttlmAmt/@Q{}Ccy') = 'EUR'", 'T'},
                            {"XPATH('.//MsgId') LIKE 'M-_'", 'T'},
                            {"MATCHES(XPATH('.//MsgId'), 'M-\\d')", 'T'},
                            {"XPATH('.//NbOfTxs') = 2", 'F'},
                            {"LONG(XPATH('.//NbOfTxs')) = 2", 'T'},
                            {"TIMESTAMP(XPATH('.//CreDtTm')) = TIMESTAMP '2026-11-21T09:00:00Z'", 'T'},
                            {"TIMESTAMP(XPATH('.//IntrBkSttlmDt')) >= TIMESTAMP '2026-11-23T00:00:00'", 'T'},
                            {"XPATH('.//Missing') = 'x'", 'U'}});
    }

    void money_in_xml_is_exact() {
        check_all(payment, {{"DECIMAL(XPATH('.//IntrBkSttlmAmt')) = DECIMAL '10000.10'", 'T'},
                            {"DECIMAL(XPATH('.//IntrBkSttlmAmt')) > DECIMAL '10000.09'", 'T'},
                            {"DECIMAL(XPATH('.//IntrBkSttlmAmt')) = 10000.1", 'F'},
                            {"DOUBLE(XPATH('.//IntrBkSttlmAmt')) = 10000.1", 'T'},
                            {"DECIMAL(XPATH('.//IntrBkSttlmAmt')) * 3 = DECIMAL '30000.30'", 'T'}});
    }

    void the_first_in_document_order_counts() {
        const std::string_view nested = "<a><a><b>1</b></a><b>2</b><c x='3'><c x='4'/></c></a>";
        check_all(nested, {{"XPATH('.//a/b') = '1'", 'T'},
                           {"XPATH('a/b') = '2'", 'T'},
                           {"XPATH('.//b') = '1'", 'T'},
                           {"XPATH('.//c/c/@x') = '4'", 'T'},
                           {"XPATH('.//c/@x') = '3'", 'T'},
                           {"XPATH('a/a/b') = '1'", 'T'}});
    }

    void pointers_lead_into_json() {
        check_all(order, {{"JSON('/order/id') = 'A-1'", 'T'},
                          {"JSON('/order/id') LIKE 'A\\-_' ESCAPE '!'", 'F'},
                          {"JSON('/order/paid')", 'T'},
                          {"JSON('/order/paid') = TRUE", 'T'},
                          {"JSON('/order/note') IS NULL", 'T'},
                          {"JSON('/order/none') IS NULL", 'T'},
                          {"JSON('/order') IS NULL", 'F'},
                          {"JSON('') IS NULL", 'F'},
                          {"JSON('/order') = 'x'", 'F'},
                          {"JSON('/order/count') = 3", 'T'},
                          {"JSON('/order/count') / 2 = 1", 'T'},
                          {"JSON('/order/count') = '3'", 'F'},
                          {"STRING(JSON('/order/count')) = '3'", 'T'},
                          {"JSON('/order/lines/0/sku') = 'x'", 'T'},
                          {"JSON('/order/lines/1/sku') = '\xC3\xA9\xF0\x9F\x98\x80'", 'T'},
                          {"JSON('/order/lines/2/sku') IS NULL", 'T'},
                          {"JSON('/order/lines/00/sku') IS NULL", 'T'},
                          {"JSON('/order/lines/-') IS NULL", 'T'},
                          {"JSON('/order/a~1b') = 1", 'T'},
                          {"JSON('/order/m~0n') = 2", 'T'},
                          {"JSON('/order/') = 4", 'T'},
                          {"JSON('/dup') = 2", 'T'},
                          {"JSON('/order/id/x') IS NULL", 'T'}});
        CPPUNIT_ASSERT_EQUAL('T', outcome(" 5 ", "JSON('') = 5"));
        CPPUNIT_ASSERT_EQUAL('T', outcome("[[1,2],[3]]", "JSON('/1/0') = 3"));
        CPPUNIT_ASSERT_EQUAL('T', outcome("{\"a\":{\"b\":1},\"a\":2}", "JSON('/a/b') IS NULL"));
    }

    void numbers_of_json_are_exact_when_cast() {
        check_all(order, {{"JSON('/order/amount') = 10.1", 'T'},
                          {"DECIMAL(JSON('/order/amount')) = DECIMAL '10.10'", 'T'},
                          {"DECIMAL(JSON('/order/amount')) = 10.1", 'F'},
                          {"DECIMAL(JSON('/order/big')) = DECIMAL '12345678901234567890.12'", 'T'},
                          {"DOUBLE(JSON('/order/big')) = 12345678901234567890.12", 'T'},
                          {"LONG(JSON('/order/tiny')) = 100", 'T'},
                          {"LONG(JSON('/order/amount')) IS NULL", 'T'},
                          {"STRING(JSON('/order/amount')) = '10.10'", 'T'},
                          {"BOOLEAN(JSON('/order/paid'))", 'T'},
                          {"BOOLEAN(JSON('/order/count')) IS NULL", 'T'}});
    }

    void bodies_of_another_kind_have_no_values() {
        CPPUNIT_ASSERT_EQUAL('U', outcome(order, "XPATH('a') = 'x'"));
        CPPUNIT_ASSERT_EQUAL('T', outcome(order, "XPATH('a') IS NULL"));
        CPPUNIT_ASSERT_EQUAL('U', outcome(payment, "JSON('/a') = 'x'"));
        CPPUNIT_ASSERT_EQUAL('U', outcome("", "XPATH('a') = 'x'"));
        CPPUNIT_ASSERT_EQUAL('U', outcome("", "JSON('') = 'x'"));
        CPPUNIT_ASSERT_EQUAL('U', outcome("<a><b></a>", "XPATH('a') = ''"));
        MapMessage none;
        CPPUNIT_ASSERT((*compile("XPATH('a') = 'x'"))->evaluate(none) == Outcome{});
        CPPUNIT_ASSERT((*compile("JSON('/a') IS NULL"))->evaluate(none).is_selected());
    }

    void documents_with_entities_are_not_read() {
        CPPUNIT_ASSERT_EQUAL('T', outcome("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "XPATH('a') IS NULL"));
        CPPUNIT_ASSERT_EQUAL('T', outcome("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>b</a>", "XPATH('a') IS NULL"));
        std::string deep;
        for (int level = 0; level < 200; ++level) deep += "<a>";
        CPPUNIT_ASSERT_EQUAL('T', outcome(deep, "XPATH('.//b') IS NULL"));
    }

    void wrong_json_has_no_values() {
        const auto pointer = JsonPointer::parse("/a");
        for (const char* const wrong : {"",
                                        " ",
                                        "{",
                                        "}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "01",
                                        "-",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "+1",
                                        "0x1",
                                        "tru",
                                        "nul",
                                        "True",
                                        "\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"\n\"",
                                        "\"\xFF\"",
                                        "1 2",
                                        "{}{}",
                                        "[1]]",
                                        "NaN",
                                        "Infinity",
                                        "// c\n1"}) {
            CPPUNIT_ASSERT_MESSAGE(wrong, !pointer->find(wrong));
        }
        CPPUNIT_ASSERT(!pointer->find(std::string(100, '[') + std::string(100, ']')));
        CPPUNIT_ASSERT(!pointer->find(std::string(100'000, '[')));
        CPPUNIT_ASSERT(pointer->find(std::string(60, '[') + std::string(60, ']'))->kind == JsonValue::Kind::none);
        CPPUNIT_ASSERT(pointer->find("{\"a\" : -0.5e+1 }")->text == "-0.5e+1");
    }

    void body_is_looked_into_only_if_nothing_else_decides() {
        MapMessage message;
        message.set_body(payment);
        message.values["x"] = std::int32_t{1};
        const auto evaluate = [&](std::string_view text) { return (*compile(text))->evaluate(message).truth; };
        CPPUNIT_ASSERT(evaluate("XPATH('.//MsgId') = 'M-1' AND x = 2") == Truth::no);
        CPPUNIT_ASSERT(evaluate("XPATH('.//MsgId') = 'M-1' OR x = 1") == Truth::yes);
        CPPUNIT_ASSERT_EQUAL(0, message.bodies);
        CPPUNIT_ASSERT(evaluate("XPATH('.//MsgId') = 'M-1' AND x = 1 AND XPATH('.//@Ccy') = 'EUR'") == Truth::yes);
        CPPUNIT_ASSERT_EQUAL(1, message.bodies);
    }

    void large_and_incomplete_bodies_are_over_budget() {
        const std::string large = "<a>" + std::string(5000, 'x') + "</a>";
        CPPUNIT_ASSERT_EQUAL('T', outcome(large, "XPATH('a') IS NOT NULL"));
        CPPUNIT_ASSERT_EQUAL('B', outcome(large, "XPATH('a') IS NOT NULL", {.body_bytes = 5000}));
        CPPUNIT_ASSERT_EQUAL('B', outcome(large, "XPATH('a') IS NULL OR TRUE AND XPATH('a') IS NULL", {.body_bytes = 5000}));
        MapMessage message;
        message.content = {Body::State::incomplete, {}};
        const Outcome result = (*compile("JSON('/a') IS NULL"))->evaluate(message);
        CPPUNIT_ASSERT(result.over_budget && result.truth == Truth::unknown);
    }

    void evaluation_over_its_steps_is_unknown() {
        MapMessage message;
        const std::string text(10'000, 'a');
        message.values["x"] = std::string_view(text);
        const auto program = compile("MATCHES(x, '(a|a)*b') OR NOT MATCHES(x, '(a|a)*b')");
        CPPUNIT_ASSERT(((*program)->evaluate(message, {.steps = 1000}) == Outcome{Truth::unknown, true}));
        CPPUNIT_ASSERT(((*program)->evaluate(message, {.steps = 1'000'000}) == Outcome{Truth::yes, false}));
        CPPUNIT_ASSERT(((*compile("x = 'b'"))->evaluate(message, {.steps = 2}) == Outcome{Truth::unknown, true}));
        CPPUNIT_ASSERT_EQUAL('B', outcome(order, "JSON('/order/id') = 'A-1'", {.steps = 10}));
    }

    void selectors_of_bodies_say_so() {
        CPPUNIT_ASSERT((*compile("x = 1 AND NOT (DECIMAL(XPATH('a')) + 1 > 2)"))->looks_into_body());
        CPPUNIT_ASSERT((*compile("JSON('/a')"))->looks_into_body());
        CPPUNIT_ASSERT(!(*compile("x = 'XPATH'"))->looks_into_body());
    }

    void properties_are_looked_up_once() {
        MapMessage message;
        const auto program = *compile("a = 1 OR b = 2 OR a = 3 OR c = 4 OR b = 5");
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, program->properties().size());
        static_cast<void>(program->evaluate(message));
        CPPUNIT_ASSERT_EQUAL(1, message.lookups);
        std::string many = "p0 = 0";
        for (int index = 1; index < 40; ++index) many += " OR p" + std::to_string(index) + " = " + std::to_string(index);
        message.values["p39"] = std::int64_t{39};
        CPPUNIT_ASSERT((*compile(many))->evaluate(message).is_selected());
        CPPUNIT_ASSERT_EQUAL(2, message.lookups);
        static_cast<void>((*compile("JMSPriority = 1 AND TRUE"))->evaluate(message));
        CPPUNIT_ASSERT_EQUAL(2, message.lookups);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BodiesTest);

}  // namespace giromq::selector::test
