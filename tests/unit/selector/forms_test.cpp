#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "selector/forms.hpp"
#include "selector/selector.hpp"
#include "unit/selector/map_message.hpp"

namespace giromq::selector::test {

using namespace std::string_view_literals;

class FormsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FormsTest);
    CPPUNIT_TEST(sql_and_xml_of_the_examples_are_the_same);
    CPPUNIT_TEST(sql_is_printed_with_the_parentheses_it_needs);
    CPPUNIT_TEST(xml_is_printed_an_element_to_a_line);
    CPPUNIT_TEST(xml_of_the_wrong_kind_is_refused_by_the_schema);
    CPPUNIT_TEST(document_types_and_entities_are_refused);
    CPPUNIT_TEST(errors_say_line_and_column);
    CPPUNIT_TEST(text_size_is_limited);
    CPPUNIT_TEST(depth_is_limited);
    CPPUNIT_TEST(nodes_are_limited);
    CPPUNIT_TEST(patterns_are_limited);
    CPPUNIT_TEST(characters_that_xml_cannot_hold_are_refused);
    CPPUNIT_TEST(xml_is_recognised_by_its_first_character);
    CPPUNIT_TEST(xml_is_carried_in_sql);
    CPPUNIT_TEST(stored_selectors_are_named_in_sql);
    CPPUNIT_TEST(empty_text_is_no_selector);
    CPPUNIT_TEST_SUITE_END();

    static std::string document(const std::string& content) { return "<selector xmlns='urn:giromq:selector:1'>" + content + "</selector>"; }
    static void assert_twins(const std::string& xml, const std::string& sql) {
        const auto from_xml = parse_xml(document(xml));
        CPPUNIT_ASSERT_MESSAGE(from_xml ? "" : from_xml.error().to_string(), from_xml);
        const auto from_sql = parse_sql(sql);
        CPPUNIT_ASSERT_MESSAGE(from_sql ? "" : from_sql.error().to_string(), from_sql);
        CPPUNIT_ASSERT_MESSAGE(sql, *from_xml == *from_sql);
        CPPUNIT_ASSERT_EQUAL(sql, print_sql(*from_xml));
        CPPUNIT_ASSERT(parse_xml(print_xml(*from_sql)).value() == *from_xml);
    }
    static void assert_reprinted(const std::string& sql, const std::string& expected) {
        const auto tree = parse_sql(sql);
        CPPUNIT_ASSERT_MESSAGE(sql, tree);
        CPPUNIT_ASSERT_EQUAL(expected, print_sql(*tree));
        CPPUNIT_ASSERT_MESSAGE(expected, parse_sql(expected).value() == *tree);
    }
    static void assert_refused(errc code, const std::string& text, const std::string& beginning = {}) {
        const auto parsed = parse(text);
        const std::string shown = text.substr(0, 200);
        CPPUNIT_ASSERT_MESSAGE(shown, !parsed);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(shown + " -> " + parsed.error().to_string(), Error(code).code().message(),
                                     parsed.error().code().message());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(shown, beginning, parsed.error().detail().substr(0, beginning.size()));
    }
    static std::string repeated(const std::string& part, std::size_t count) {
        std::string text;
        for (std::size_t index = 0; index < count; ++index) text += part;
        return text;
    }

public:
    void sql_and_xml_of_the_examples_are_the_same() {
        assert_twins(
            "<and><eq><header name='type'/><string v='car'/></eq><eq><property name='color'/><string v='blue'/></eq>"
            "<gt><property name='weight'/><long v='2500'/></gt></and>",
            "JMSType = 'car' AND color = 'blue' AND weight > 2500");
        assert_twins(
            "<and><ge><mul><property name='price' as='decimal'/><property name='qty'/></mul><decimal v='10000.00'/></ge>"
            "<in><property name='ccy'/><string v='EUR'/><string v='CHF'/></in>"
            "<lt><header name='timestamp'/><dateTime v='2026-12-31T23:59:59Z'/></lt>"
            "<not><isNull><property name='trader'/></isNull></not></and>",
            "DECIMAL(price) * qty >= DECIMAL '10000.00' AND ccy IN ('EUR', 'CHF') AND "
            "JMSTimestamp < TIMESTAMP '2026-12-31T23:59:59Z' AND trader IS NOT NULL");
        assert_twins(
            "<or><matches pattern='[A-Z]{4}DE[A-Z0-9]{2}'><property name='bic'/></matches>"
            "<gt><body path='Doc/Amt/@value' as='decimal'/><decimal v='0.10'/></gt>"
            "<like pattern='A\\_%' escape='\\'><body pointer='/order/id'/></like></or>",
            "MATCHES(bic, '[A-Z]{4}DE[A-Z0-9]{2}') OR DECIMAL(XPATH('Doc/Amt/@value')) > DECIMAL '0.10' OR "
            "JSON('/order/id') LIKE 'A\\_%' ESCAPE '\\'");
        assert_twins("<between><header name='priority'/><long v=' 5 '/><double v='9'/></between>", "JMSPriority BETWEEN 5 AND 9.0");
        assert_twins("<eq><header name='messageID'/><header name='correlationID'/></eq>", "JMSMessageID = JMSCorrelationID");
        assert_twins("<ne><header name='messageId'/><header name='correlationId'/></ne>", "JMSMessageID <> JMSCorrelationID");
        assert_twins("<isTrue><boolean v='1'/></isTrue>", "TRUE");
        assert_twins("<isTrue><property name='a' as='boolean'/></isTrue>", "BOOLEAN(a)");
        assert_twins(
            "<le><neg><property name='a'/></neg><pos><div><long v='1'/><sub><long v='-2'/><add><long v='3'/><long v='4'/></add>"
            "</sub></div></pos></le>",
            "-a <= +(1 / (-2 - (3 + 4)))");
        assert_twins("<eq><property name='d' as='duration'/><duration v='P1DT12H'/></eq>", "DURATION(d) = DURATION 'P1DT12H'");
        assert_twins("<eq><property name='x-y'/><string v='&lt;&amp;&quot;&apos;&#10;'/></eq>", "PROPERTY('x-y') = '<&\"''\n'");
    }

    void sql_is_printed_with_the_parentheses_it_needs() {
        assert_reprinted("((a = 1)) and ((b = 2))", "a = 1 AND b = 2");
        assert_reprinted("(a = 1 AND b = 2) AND c = 3", "(a = 1 AND b = 2) AND c = 3");
        assert_reprinted("a = 1 AND (b = 2 OR c = 3)", "a = 1 AND (b = 2 OR c = 3)");
        assert_reprinted("(a = 1 AND b = 2) OR c = 3", "a = 1 AND b = 2 OR c = 3");
        assert_reprinted("not a = 1", "NOT (a = 1)");
        assert_reprinted("NOT (NOT flag)", "NOT NOT flag");
        assert_reprinted("NOT (a IS NULL)", "a IS NOT NULL");
        assert_reprinted("NOT a IN ('x')", "a NOT IN ('x')");
        assert_reprinted("a NOT LIKE 'x' ESCAPE '!'", "a NOT LIKE 'x' ESCAPE '!'");
        assert_reprinted("a NOT BETWEEN 1 AND 2", "a < 1 OR a > 2");
        assert_reprinted("(a + b) + c = a + (b + c)", "a + b + c = a + (b + c)");
        assert_reprinted("(a * b) / c = a * (b / c)", "a * b / c = a * (b / c)");
        assert_reprinted("(a + b) * c = 1", "(a + b) * c = 1");
        assert_reprinted("a - -1 = - -a", "a - -1 = -(-a)");
        assert_reprinted("-(1) = +(1)", "-(1) = +(1)");
        assert_reprinted("-a * b = 0x10", "-a * b = 16");
        assert_reprinted("a = 1e3 and b = .5", "a = 1000.0 AND b = 0.5");
        assert_reprinted("a = TIMESTAMP '2026-01-01T00:00:00+01:00'", "a = TIMESTAMP '2025-12-31T23:00:00Z'");
        assert_reprinted("PROPERTY('plain') = PROPERTY('or')", "plain = PROPERTY('or')");
    }

    void xml_is_printed_an_element_to_a_line() {
        CPPUNIT_ASSERT_EQUAL(std::string("<selector xmlns=\"urn:giromq:selector:1\">\n"
                                         "  <and>\n"
                                         "    <eq>\n"
                                         "      <property name=\"a\" as=\"decimal\"/>\n"
                                         "      <decimal v=\"1.00\"/>\n"
                                         "    </eq>\n"
                                         "    <like pattern=\"a&#9;&amp;&lt;%\" escape=\"!\">\n"
                                         "      <header name=\"type\"/>\n"
                                         "    </like>\n"
                                         "  </and>\n"
                                         "</selector>\n"),
                             print_xml(parse_sql("DECIMAL(a) = DECIMAL '1.00' AND JMSType LIKE 'a\t&<%' ESCAPE '!'").value()));
    }

    void xml_of_the_wrong_kind_is_refused_by_the_schema() {
        const std::string good = "<eq><long v='1'/><long v='1'/></eq>";
        CPPUNIT_ASSERT(parse_xml(document(good)));
        const std::string bad[] = {"",
                                   good + good,
                                   "<long v='1'/>",
                                   "<and><decimal v='1'/></and>",
                                   "<and>" + good + "</and>",
                                   "<not>" + good + good + "</not>",
                                   "<eq><long v='1'/></eq>",
                                   "<eq>" + good + good + "</eq>",
                                   "<add><long v='1'/><long v='1'/></add>",
                                   "<predicate/>",
                                   "<eq><long v='1.5'/><long v='1'/></eq>",
                                   "<eq><long v='9223372036854775808'/><long v='1'/></eq>",
                                   "<eq><long/><long v='1'/></eq>",
                                   "<eq><double v='x'/><long v='1'/></eq>",
                                   "<eq><boolean v='TRUE'/><long v='1'/></eq>",
                                   "<eq><dateTime v='2026-01-01'/><long v='1'/></eq>",
                                   "<eq><duration v='P'/><long v='1'/></eq>",
                                   "<isNull><long v='1'/></isNull>",
                                   "<in><property name='a'/></in>",
                                   "<in><property name='a'/><long v='1'/></in>",
                                   "<in><string v='a'/><string v='a'/></in>",
                                   "<like><property name='a'/></like>",
                                   "<like pattern='a' escape=''><property name='a'/></like>",
                                   "<like pattern='a' escape='xyz'><property name='a'/></like>",
                                   "<isTrue><string v='a'/></isTrue>",
                                   "<isNull><header name='destination'/></isNull>",
                                   "<isNull><property name=''/></isNull>",
                                   "<isNull><property name='a' as='int'/></isNull>",
                                   "<isNull><body/></isNull>",
                                   "<isNull><body path='a' pointer='/a'/></isNull>",
                                   "<xor>" + good + good + "</xor>",
                                   "text" + good};
        for (const std::string& content : bad) assert_refused(errc::syntax, document(content));
        assert_refused(errc::syntax, "<selector><eq/></selector>");
        assert_refused(errc::syntax, "<eq xmlns='urn:giromq:selector:1'><long v='1'/><long v='1'/></eq>");
        assert_refused(errc::syntax, "<selector");
        assert_refused(errc::invalid, document("<eq><double v='INF'/><long v='1'/></eq>"), "1:53: ");
        assert_refused(errc::invalid, document("<eq><double v='1e400'/><long v='1'/></eq>"));
        assert_refused(errc::invalid, document("<lt><property name='a'/><string v='b'/></lt>"));
        assert_refused(errc::invalid, document("<isNull><property name='JMSType'/></isNull>"));
        assert_refused(errc::invalid, document("<like pattern='a' escape='xy'><property name='a'/></like>"));
    }

    void document_types_and_entities_are_refused() {
        assert_refused(errc::syntax, "<!DOCTYPE selector [<!ENTITY a 'b'>]>" + document("<isTrue><boolean v='true'/></isTrue>"));
        assert_refused(errc::syntax, document("<isTrue><property name='&a;'/></isTrue>"));
        assert_refused(errc::wrong_encoding, document("<isTrue><property name='\xFF'/></isTrue>"));
    }

    void errors_say_line_and_column() {
        assert_refused(errc::syntax, "rank = ", "1:8: ");
        assert_refused(errc::syntax, "rank = 1 AND\n  name = \"x\"", "2:10: ");
        assert_refused(errc::syntax, "\xC3\xA4 = 'x\xF0\x9F\x98\x80' ?", "1:11: ");
        assert_refused(errc::syntax, "a = 1\r\nAND\r\n b = 'x", "3:6: ");
        assert_refused(errc::invalid, "rank > 1 AND name > 'a'", "1:21: ");
        assert_refused(errc::invalid, "a = 1 AND JMSReplyTo = 'q'", "1:11: ");
        assert_refused(errc::syntax, "<selector xmlns='urn:giromq:selector:1'>\n  <eq>\n    <long v='x'/>\n  </eq>\n</selector>", "3:11: ");
        assert_refused(errc::invalid,
                       "<selector xmlns='urn:giromq:selector:1'>\n  <matches pattern='['><property name='a'/></matches></selector>",
                       "2:3: ");
        const auto error = parse("a = NULL").error();
        CPPUNIT_ASSERT_EQUAL(std::string("1:5: NULL cannot be compared; write IS NULL or IS NOT NULL"), error.detail());
    }

    void text_size_is_limited() {
        const std::string padding(text_bytes_max - 5, ' ');
        CPPUNIT_ASSERT(parse("a = 1" + padding));
        assert_refused(errc::too_large, "a = 1 " + padding, "1:1: ");
        const std::string xml = document("<isTrue><boolean v='true'/></isTrue>");
        CPPUNIT_ASSERT(parse(xml + std::string(text_bytes_max - xml.size(), ' ')));
        assert_refused(errc::too_large, xml + std::string(text_bytes_max - xml.size() + 1, ' '));
    }

    void depth_is_limited() {
        // x is two deep: isTrue and the property.
        CPPUNIT_ASSERT(parse(repeated("NOT ", depth_max - 2) + "x"));
        assert_refused(errc::too_large, repeated("NOT ", depth_max - 1) + "x");
        CPPUNIT_ASSERT(parse(repeated("(", 2 * depth_max) + "x" + repeated(")", 2 * depth_max)));
        assert_refused(errc::too_large, repeated("(", 2 * depth_max + 1) + "x" + repeated(")", 2 * depth_max + 1));
        assert_refused(errc::too_large, repeated("(", 10000));
        assert_refused(errc::too_large, repeated("- ", 8000) + "x = 1");
        assert_refused(errc::too_large, repeated("NOT ", 4000) + "x");
        assert_refused(errc::too_large, "x = 1" + repeated(" + 1", 40));
        const auto nested = [](std::size_t depth) {
            return document(repeated("<not>", depth) + "<isTrue><property name='x'/></isTrue>" + repeated("</not>", depth));
        };
        CPPUNIT_ASSERT(parse(nested(depth_max - 2)));
        assert_refused(errc::too_large, nested(depth_max - 1));
    }

    void nodes_are_limited() {
        // OR and a list of comparisons, three nodes each.
        CPPUNIT_ASSERT(parse("x = 1" + repeated(" OR x = 1", 84)));
        assert_refused(errc::too_large, "x = 1" + repeated(" OR x = 1", 85));
        assert_refused(errc::too_large, "x = 1" + repeated(" OR x=1", 2000));
        CPPUNIT_ASSERT(parse("x IN ('a'" + repeated(",'a'", 253) + ")"));
        assert_refused(errc::too_large, "x IN ('a'" + repeated(",'a'", 254) + ")");
        CPPUNIT_ASSERT(parse(document("<in><property name='x'/>" + repeated("<string v='a'/>", 254) + "</in>")));
        assert_refused(errc::too_large, document("<in><property name='x'/>" + repeated("<string v='a'/>", 255) + "</in>"));
        assert_refused(errc::too_large, "x" + repeated(" + x", 2000) + " = 1");
    }

    void patterns_are_limited() {
        CPPUNIT_ASSERT(parse("a LIKE '" + std::string(pattern_bytes_max, 'x') + "'"));
        assert_refused(errc::too_large, "a LIKE '" + std::string(pattern_bytes_max + 1, 'x') + "'");
        CPPUNIT_ASSERT(parse("MATCHES(a, '" + std::string(pattern_bytes_max, 'x') + "')"));
        assert_refused(errc::too_large, "MATCHES(a, '" + std::string(pattern_bytes_max + 1, 'x') + "')");
        assert_refused(errc::too_large, "XPATH('" + std::string(pattern_bytes_max + 1, 'x') + "') IS NULL");
        assert_refused(errc::too_large, "MATCHES(a, '(a{100}){100}')");
        assert_refused(errc::too_large, "MATCHES(a, '((((){1000}){1000}){1000}){1000}')");
    }

    void characters_that_xml_cannot_hold_are_refused() {
        assert_refused(errc::wrong_encoding, "a = '\x01'", "1:6: ");
        assert_refused(errc::wrong_encoding, "a = '\xFF'", "1:6: ");
        assert_refused(errc::wrong_encoding, "\xFF = 1", "1:1: ");
        assert_refused(errc::wrong_encoding, "a = '\xED\xA0\x80'");
        assert_refused(errc::wrong_encoding, "a = '\xEF\xBF\xBE'");
        assert_refused(errc::wrong_encoding, std::string("a = '\0'", 7));
        CPPUNIT_ASSERT(parse("a = '\t\r\n'"));
    }

    void xml_is_recognised_by_its_first_character() {
        const std::string xml = document("<isTrue><property name='x'/></isTrue>");
        const Node tree = parse_sql("x").value();
        CPPUNIT_ASSERT(parse(xml).value() == tree);
        CPPUNIT_ASSERT(parse("\xEF\xBB\xBF" + xml).value() == tree);
        CPPUNIT_ASSERT(parse("<?xml version='1.0' encoding='UTF-8'?>\n<!-- why -->\n" + xml).value() == tree);
        CPPUNIT_ASSERT(parse(" \n" + xml).value() == tree);
        CPPUNIT_ASSERT(parse("x").value() == tree);
    }

    void xml_is_carried_in_sql() {
        const std::string xml = "<selector xmlns=\"urn:giromq:selector:1\"><eq><property name=\"x\"/><string v=\"it''s\"/></eq></selector>";
        CPPUNIT_ASSERT(parse("JMS_GIROMQ_XML = '" + xml + "'").value() == parse_sql("x = 'it''s'").value());
        CPPUNIT_ASSERT(parse("  JMS_GIROMQ_XML='" + xml + "'\n").value() == parse_sql("x = 'it''s'").value());
        assert_refused(errc::syntax, "JMS_GIROMQ_XML = 'x'");
        assert_refused(errc::invalid, "JMS_GIROMQ_XML <> '" + xml + "'");
        assert_refused(errc::invalid, "JMS_GIROMQ_XML IS NULL");
        assert_refused(errc::invalid, "PROPERTY('JMS_GIROMQ_XML') IS NULL");
    }

    void stored_selectors_are_named_in_sql() {
        const NamedSelectors stored = [](std::string_view name) -> std::optional<std::string> {
            if (name == "large") return "amount > 100";
            if (name == "xml") return document("<isTrue><property name='x'/></isTrue>");
            if (name == "loop") return "JMS_GIROMQ_SELECTOR = 'loop'";
            return std::nullopt;
        };
        CPPUNIT_ASSERT(parse("JMS_GIROMQ_SELECTOR = 'large'", stored).value() == parse_sql("amount > 100").value());
        CPPUNIT_ASSERT(parse("JMS_GIROMQ_SELECTOR = 'xml'", stored).value() == parse_sql("x").value());
        CPPUNIT_ASSERT(parse("JMS_GIROMQ_SELECTOR = 'none'", stored).error().is(errc::unknown_name));
        CPPUNIT_ASSERT(parse("JMS_GIROMQ_SELECTOR = 'large'").error().is(errc::unknown_name));
        CPPUNIT_ASSERT(parse("JMS_GIROMQ_SELECTOR = 'loop'", stored).error().is(errc::invalid));
    }

    void empty_text_is_no_selector() {
        CPPUNIT_ASSERT(is_no_selector(""));
        CPPUNIT_ASSERT(is_no_selector(" \t\n"));
        CPPUNIT_ASSERT(!is_no_selector("x"));
        assert_refused(errc::syntax, "", "1:1: ");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FormsTest);

}  // namespace giromq::selector::test
