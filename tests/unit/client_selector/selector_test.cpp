#include "giromq/selector.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <string_view>

#include "giromq/selector_builder.hpp"

namespace giromq::test {

/// The library as a program has it: shared, and only what it exports.
class SelectorLibraryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SelectorLibraryTest);
    CPPUNIT_TEST(what_is_wrong_is_told_with_its_place);
    CPPUNIT_TEST(a_wrong_selector_is_caught_as_the_exception_of_jms);
    CPPUNIT_TEST(what_only_the_broker_knows_is_refused);
    CPPUNIT_TEST(each_form_is_converted_to_the_other);
    CPPUNIT_TEST(what_the_builder_makes_is_checked);
    CPPUNIT_TEST(xml_in_sql_is_taken_out);
    CPPUNIT_TEST(the_explanation_has_every_term_and_what_finds_it);
    CPPUNIT_TEST(the_explanation_tells_what_can_never_be_true);
    CPPUNIT_TEST(everything_in_a_message_is_seen);
    CPPUNIT_TEST(properties_keep_their_types);
    CPPUNIT_TEST(what_is_missing_is_unknown);
    CPPUNIT_TEST(what_costs_too_much_is_given_up);
    CPPUNIT_TEST_SUITE_END();

    static void assert_refused(std::string_view text, std::size_t line, std::size_t column, std::string_view part_of_reason) {
        try {
            const Selector selector(text);
            CPPUNIT_FAIL("taken: " + selector.sql());
        } catch (const SelectorTextException& wrong) {
            CPPUNIT_ASSERT_EQUAL(line, wrong.line());
            CPPUNIT_ASSERT_EQUAL(column, wrong.column());
            CPPUNIT_ASSERT_MESSAGE(wrong.reason(), wrong.reason().find(part_of_reason) != std::string::npos);
            CPPUNIT_ASSERT_EQUAL(std::to_string(line) + ":" + std::to_string(column) + ": " + wrong.reason(), std::string(wrong.what()));
        }
    }

    void what_is_wrong_is_told_with_its_place() {
        assert_refused("a = NULL", 1, 5, "NULL cannot be compared");
        assert_refused("a = 1 AND\n  b = NULL", 2, 7, "NULL cannot be compared");
        assert_refused("<selector xmlns=\"urn:giromq:selector:1\">\n  <nonsense/>\n</selector>", 2, 3, "nonsense");
    }

    void a_wrong_selector_is_caught_as_the_exception_of_jms() {
        CPPUNIT_ASSERT_THROW(Selector("a ="), InvalidSelectorException);
        CPPUNIT_ASSERT_THROW(Selector("a ="), JMSException);
    }

    void what_only_the_broker_knows_is_refused() {
        assert_refused("JMS_GIROMQ_SELECTOR = 'largePayments'", 1, 1, "stored in the broker");
        assert_refused(" \n", 1, 1, "there is no selector here");
    }

    void each_form_is_converted_to_the_other() {
        const Selector from_sql("currency = 'EUR' and amount > 1000");
        CPPUNIT_ASSERT_EQUAL(std::string("currency = 'EUR' AND amount > 1000"), from_sql.sql());
        const Selector from_xml(from_sql.xml());
        CPPUNIT_ASSERT_EQUAL(from_sql.sql(), from_xml.sql());
        CPPUNIT_ASSERT_EQUAL(from_sql.xml(), from_xml.xml());
        CPPUNIT_ASSERT(from_sql.xml().find("<property name=\"currency\"/>") != std::string::npos);
    }

    void what_the_builder_makes_is_checked() {
        using Select = SelectorBuilder;
        CPPUNIT_ASSERT_EQUAL(std::string("a = 1"), Selector((Select::property("a") == 1).xml()).sql());
        CPPUNIT_ASSERT_THROW(Selector((Select::property("JMSNonsense") == 1).xml()), InvalidSelectorException);
    }

    void xml_in_sql_is_taken_out() {
        const Selector plain("urgent");
        std::string carried = "JMS_GIROMQ_XML = '" + plain.xml() + "'";
        CPPUNIT_ASSERT_EQUAL(plain.sql(), Selector(carried).sql());
    }

    static void assert_explained(const std::string& sql, const std::string& explanation) {
        CPPUNIT_ASSERT_EQUAL(explanation, Selector(sql).explanation());
    }

    void the_explanation_has_every_term_and_what_finds_it() {
        assert_explained("urgent = TRUE AND currency = 'EUR' AND NOT (kind LIKE 'A%' OR DECIMAL(XPATH('.//Amt')) >= DECIMAL '10.00')",
                         "AND: all of these\n"
                         "  urgent = TRUE\n"
                         "      the property urgent equals the boolean true\n"
                         "  currency = 'EUR'\n"
                         "      the property currency equals the string 'EUR'\n"
                         "      by an index\n"
                         "  NOT: this is false\n"
                         "    OR: one of these or more\n"
                         "      kind LIKE 'A%'\n"
                         "          the property kind is a string that fits, as a whole, a pattern with _ for one character and % for any\n"
                         "      DECIMAL(XPATH('.//Amt')) >= DECIMAL '10.00'\n"
                         "          what is at .//Amt in the XML body (read as decimal) is at least the decimal 10.00\n"
                         "          looks into the body\n"
                         "\n"
                         "In the broker:\n"
                         "  looked at only for messages with currency = 'EUR', which an index finds\n"
                         "  reads the properties urgent, currency, kind\n"
                         "  looks into bodies of up to 256 KiB, on worker threads, after what does not; longer ones are unknown\n");
        assert_explained(
            "JMSPriority > 4",
            "JMSPriority > 4\n"
            "    the header JMSPriority is greater than the long 4\n"
            "\n"
            "In the broker:\n"
            "  looked at for every message: no equality with a string, a long or a boolean must be true, which an index could find\n"
            "  reads no properties\n"
            "  does not look into bodies\n");
    }

    void the_explanation_tells_what_can_never_be_true() {
        const auto is_told = [](const char* sql) { return Selector(sql).explanation().find("NEVER TRUE") != std::string::npos; };
        for (const char* const never : {"XPATH('a') = 5", "XPATH('a') <> 5", "5 < XPATH('a')", "XPATH('a') = TRUE", "XPATH('a') + 1 > 2",
                                        "b = -XPATH('a')", "XPATH('a') BETWEEN 1 AND 2", "XPATH('a') = LONG(b)"})
            CPPUNIT_ASSERT_MESSAGE(never, is_told(never));
        for (const char* const possible : {"XPATH('a') = '5'", "LONG(XPATH('a')) + 1 = 5", "XPATH('a') = b", "XPATH('a') = STRING(b)",
                                           "JSON('/a') = 5", "XPATH('a') LIKE '5%'", "DECIMAL(XPATH('a')) BETWEEN 1 AND 2"})
            CPPUNIT_ASSERT_MESSAGE(possible, !is_told(possible));
    }

    static SelectorMessage payment() {
        SelectorMessage message;
        message.is_persistent = false;
        message.priority = 7;
        message.timestamp_ms = 1'700'000'000'000;
        message.delivery_count = 3;
        message.message_id = "ID:1";
        message.correlation_id = "order-5";
        message.type = "pacs.008";
        message.properties["currency"] = std::string("EUR");
        message.properties["urgent"] = true;
        message.body = "<Document><Amt Ccy=\"EUR\">10000.00</Amt></Document>";
        return message;
    }

    static void assert_truth(SelectorTruth expected, const std::string& sql, const SelectorMessage& message) {
        CPPUNIT_ASSERT_MESSAGE(sql, Selector(sql).evaluate(message).truth == expected);
    }

    void everything_in_a_message_is_seen() {
        for (const char* const sql :
             {"JMSDeliveryMode = 'NON_PERSISTENT'", "JMSPriority = 7", "JMSTimestamp = 1700000000000", "JMSXDeliveryCount = 3",
              "JMSMessageID = 'ID:1'", "JMSCorrelationID = 'order-5'", "JMSType = 'pacs.008'", "currency = 'EUR'", "urgent",
              "XPATH('.//Amt/@Ccy') = 'EUR' AND DECIMAL(XPATH('.//Amt')) >= DECIMAL '10000.00'"}) {
            assert_truth(SelectorTruth::yes, sql, payment());
            assert_truth(SelectorTruth::no, "NOT (" + std::string(sql) + ")", payment());
        }
        SelectorMessage order;
        order.body = R"({"lines": [{"sku": "A1"}]})";
        assert_truth(SelectorTruth::yes, "JSON('/lines/0/sku') = 'A1' AND JMSDeliveryMode = 'PERSISTENT' AND JMSXDeliveryCount = 1", order);
    }

    void properties_keep_their_types() {
        SelectorMessage message;
        message.properties["byte"] = std::int8_t{-1};
        message.properties["short"] = std::int16_t{-300};
        message.properties["int"] = std::int32_t{2'147'483'647};
        message.properties["long"] = std::int64_t{2'147'483'647};
        message.properties["float"] = 0.5F;
        message.properties["double"] = 0.25;
        assert_truth(SelectorTruth::yes, "byte = -1 AND short = -300 AND float = 0.5 AND double = 0.25", message);
        // In 32 bits the sum wraps around, in 64 it does not.
        assert_truth(SelectorTruth::yes, "int + int = -2 AND long + long = 4294967294", message);
    }

    void what_is_missing_is_unknown() {
        for (const char* const sql : {"x = 1", "JMSType = 'a'", "JMSMessageID = 'a'", "JMSCorrelationID = 'a'", "XPATH('a') = 'b'"})
            assert_truth(SelectorTruth::unknown, sql, SelectorMessage{});
        assert_truth(SelectorTruth::yes, "x IS NULL", SelectorMessage{});
    }

    void what_costs_too_much_is_given_up() {
        SelectorMessage message = payment();
        message.body = "<Document>" + std::string(300 * 1024, ' ') + "</Document>";
        const SelectorOutcome outcome = Selector("XPATH('Document') = 'x'").evaluate(message);
        CPPUNIT_ASSERT(outcome.is_over_budget);
        CPPUNIT_ASSERT(outcome.truth == SelectorTruth::unknown);
        CPPUNIT_ASSERT(!Selector("currency = 'EUR'").evaluate(message).is_over_budget);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SelectorLibraryTest);

}  // namespace giromq::test
