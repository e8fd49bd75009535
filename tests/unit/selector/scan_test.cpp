#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <random>
#include <string>

#include "unit/selector/scan_agreement.hpp"

namespace giromq::selector::test {

class ScanTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ScanTest);
    CPPUNIT_TEST(usual_documents_are_decided_quickly);
    CPPUNIT_TEST(unusual_and_wrong_documents_are_left_to_the_parser);
    CPPUNIT_TEST(scan_agrees_with_the_parser_on_random_documents);
    CPPUNIT_TEST_SUITE_END();

    static bool decides(std::string_view document) { return scan_xml(document, XmlPath::parse("a").value()).has_value(); }

public:
    void usual_documents_are_decided_quickly() {
        for (const char* const usual :
             {"<a/>", "<a></a>", "<a>x</a>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\n  <b/>\n</a>\n",
              "<?xml version=\"1.0\"?><a/>", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?><a/>",
              "<a xmlns='urn:x' b=\"1\"><c d='2'/></a>", "<p:a xmlns:p='urn:p'><p:b p:c='1'/></p:a>", "<a>&amp;&lt;&gt;&quot;&apos;</a>",
              "<a b='&amp;'/>", "<!-- x --><a><!-- y --></a><!-- z -->", "<a>Z\xC3\xBCrich \xE2\x82\xAC</a>", "<a b = '1' ></a >",
              "<a xmlns=''/>", "<a>]]</a>", "<a b='>'/>"}) {
            CPPUNIT_ASSERT_MESSAGE(usual, decides(usual));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(usual, std::string(), scan_disagreement(usual));
        }
    }

    void unusual_and_wrong_documents_are_left_to_the_parser() {
        for (const char* const other : {"",
                                        "x",
                                        "<a>",
                                        "<a></b>",
                                        "<a></a",
                                        "<a/><b/>",
                                        "<a/>x",
                                        "x<a/>",
                                        "<a b/>",
                                        "<a b=1/>",
                                        "<a b='1'c='2'/>",
                                        "<a b='1' b='2'/>",
                                        "<a b='<'/>",
                                        "<a>&x;</a>",
                                        "<a>&#65;</a>",
                                        "<a>&amp</a>",
                                        "<a><![CDATA[x]]></a>",
                                        "<a>]]></a>",
                                        "<!DOCTYPE a><a/>",
                                        "<?pi x?><a/>",
                                        "<a><?pi x?></a>",
                                        "<p:a/>",
                                        "<a p:b='1'/>",
                                        "<a xmlns:p=''/>",
                                        "<a xmlns:p='urn:p' xmlns:q='urn:p' p:b='1' q:b='2'/>",
                                        "<a xmlns:xml='urn:x'/>",
                                        "<a xmlns:xmlns='urn:x'/>",
                                        "<a xml:lang='de'/>",
                                        "<a>\r</a>",
                                        "<a b='\n'/>",
                                        "<a>\x01</a>",
                                        "<a>\xFF</a>",
                                        "<a>\xEF\xBF\xBE</a>",
                                        "<\xC3\xA9/>",
                                        "< a/>",
                                        "<a / >",
                                        "<1/>",
                                        "<:a/>",
                                        "<a:/>",
                                        "<a:b:c/>",
                                        "<!-- -- --><a/>",
                                        "<!-- --->",
                                        "<?xml version=\"1.1\"?><a/>",
                                        " <?xml version=\"1.0\"?><a/>",
                                        "<?xml version=\"1.0\" encoding=\"latin1\"?><a/>",
                                        "<a xmlns='urn:a' xmlns='urn:b'/>"}) {
            CPPUNIT_ASSERT_MESSAGE(other, !decides(other));
        }
        std::string deep;
        for (int level = 0; level < 65; ++level) deep = "<a>" + deep + "</a>";
        CPPUNIT_ASSERT(!decides(deep));
    }

    void scan_agrees_with_the_parser_on_random_documents() {
        const char* const given = std::getenv("GIROMQ_TEST_SEED");
        const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
        std::mt19937_64 random(seed);
        static const std::string parts[] = {"<a>",
                                            "</a>",
                                            "<b>",
                                            "</b>",
                                            "<a x='1'>",
                                            "<b x='2' y=\"&lt;3\"/>",
                                            "<c/>",
                                            "<p:b xmlns:p='urn:n' p:x='4'>",
                                            "</p:b>",
                                            "text",
                                            " ",
                                            "\n",
                                            "&amp;",
                                            "<!-- c -->",
                                            "<a xmlns='urn:n'>",
                                            "<b xmlns=''>",
                                            "&#65;",
                                            "]]>",
                                            "<![CDATA[d]]>",
                                            "\xC3\xA9",
                                            "<c Ccy='EUR'>1</c>",
                                            "<c xsi:y='5' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'/>"};
        int decided = 0;
        for (int round = std::getenv("GIROMQ_TEST_LONG") != nullptr ? 50'000 : 1500; round > 0; --round) {
            std::string document;
            std::string ends;
            // Mostly well-formed: an opening part brings its end.
            for (auto count = random() % 9; count > 0; --count) {
                const std::string& part = parts[random() % std::size(parts)];
                const bool opens = part[0] == '<' && part[1] != '/' && part[1] != '!' && part[part.size() - 2] != '/' &&
                                   part.find("</") == std::string::npos;
                if (part.starts_with("</") && random() % 8 != 0) continue;
                document += part;
                if (opens && random() % 2 == 0)
                    document += "t</" + part.substr(1, part.find_first_of(" >") - 1) + ">";
                else if (opens)
                    ends = "</" + part.substr(1, part.find_first_of(" >") - 1) + ">" + ends;
            }
            document = "<a>" + document + ends + "</a>";
            decided += decides(document) ? 1 : 0;
            CPPUNIT_ASSERT_EQUAL_MESSAGE("seed " + std::to_string(seed) + ": " + document, std::string(), scan_disagreement(document));
        }
        CPPUNIT_ASSERT(decided > 100);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ScanTest);

}  // namespace giromq::selector::test
