#include "xml/escape.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include "xml/parse.hpp"

namespace giromq::xml::test {

class EscapeTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EscapeTest);
    CPPUNIT_TEST(what_is_written_is_read_again);
    CPPUNIT_TEST(plain_text_stays_as_it_is);
    CPPUNIT_TEST_SUITE_END();

    void what_is_written_is_read_again() {
        const std::string text = "a<b> & \"c\" ]]> 'd'\t\r\n e\r";
        const auto document = parse_without_schema("<x y=\"" + escaped(text) + "\">" + escaped(text) + "</x>");
        CPPUNIT_ASSERT_MESSAGE(document ? "" : document.error().to_string(), document.ok());
        CPPUNIT_ASSERT_EQUAL(text, document->text);
        CPPUNIT_ASSERT_EQUAL(text, std::string(document->value("y")));
    }

    void plain_text_stays_as_it_is() { CPPUNIT_ASSERT_EQUAL(std::string("Zürich 8'000"), escaped("Zürich 8'000")); }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EscapeTest);

}  // namespace giromq::xml::test
