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
};

CPPUNIT_TEST_SUITE_REGISTRATION(SelectorLibraryTest);

}  // namespace giromq::test
