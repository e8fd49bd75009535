#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "xml/parse.hpp"

namespace giromq::xml {
namespace {

const std::string schema_text = R"xsd(<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" xmlns="urn:t" elementFormDefault="qualified">
  <xs:element name="list">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="item" minOccurs="0" maxOccurs="unbounded">
          <xs:complexType>
            <xs:attribute name="port" type="xs:unsignedShort"/>
            <xs:attribute name="size" default="64KiB">
              <xs:simpleType>
                <xs:restriction base="xs:token"><xs:pattern value="[0-9]+(B|KiB|MiB)"/></xs:restriction>
              </xs:simpleType>
            </xs:attribute>
          </xs:complexType>
        </xs:element>
        <xs:element name="note" type="xs:string" minOccurs="0"/>
        <xs:element ref="list" minOccurs="0"/>
      </xs:sequence>
    </xs:complexType>
  </xs:element>
</xs:schema>)xsd";

const Schema& schema() {
    static const Schema compiled = Schema::compile(schema_text).value();
    return compiled;
}

std::string list_of(const std::string& content) { return "<list xmlns='urn:t'>" + content + "</list>"; }

class ParseTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ParseTest);
    CPPUNIT_TEST(valid_document_becomes_a_plain_tree);
    CPPUNIT_TEST(defaults_of_the_schema_are_filled_in);
    CPPUNIT_TEST(positions_are_where_tags_and_attributes_begin);
    CPPUNIT_TEST(columns_count_as_editors_count_them);
    CPPUNIT_TEST(text_keeps_its_characters_and_loses_its_markup);
    CPPUNIT_TEST(predefined_entities_and_character_references_are_resolved);
    CPPUNIT_TEST(wrong_value_is_reported_at_its_attribute);
    CPPUNIT_TEST(unknown_element_and_unknown_attribute_are_refused);
    CPPUNIT_TEST(other_root_or_namespace_is_refused);
    CPPUNIT_TEST(malformed_documents_are_refused);
    CPPUNIT_TEST(every_document_type_declaration_is_refused);
    CPPUNIT_TEST(billion_laughs_are_refused_before_anything_is_expanded);
    CPPUNIT_TEST(external_entity_does_not_open_its_file);
    CPPUNIT_TEST(schema_named_by_the_document_is_not_loaded);
    CPPUNIT_TEST(other_encodings_are_refused);
    CPPUNIT_TEST(bytes_are_limited);
    CPPUNIT_TEST(depth_is_limited);
    CPPUNIT_TEST(elements_are_limited);
    CPPUNIT_TEST(attributes_are_limited);
    CPPUNIT_TEST(lengths_of_values_names_and_texts_are_limited);
    CPPUNIT_TEST(limits_are_inclusive);
    CPPUNIT_TEST(brackets_and_quotes_where_they_mean_nothing_confuse_nobody);
    CPPUNIT_TEST(documents_are_parsed_without_a_schema_with_the_same_limits);
    CPPUNIT_TEST(bad_schemas_are_refused);
    CPPUNIT_TEST(schema_cannot_include_another);
    CPPUNIT_TEST(schema_is_shared_by_threads);
    CPPUNIT_TEST_SUITE_END();

    static void assert_refused(errc code, const std::string& text, const std::string& place = {}, const Limits& limits = {}) {
        const auto parsed = parse(text, schema(), limits);
        const auto shown = text.substr(0, 120);
        CPPUNIT_ASSERT_MESSAGE(shown, !parsed);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(shown + " -> " + parsed.error().to_string(), Error(code).code().message(),
                                     parsed.error().code().message());
        if (!place.empty()) CPPUNIT_ASSERT_EQUAL(place + ": ", parsed.error().detail().substr(0, place.size() + 2));
    }

    static void assert_parsed(const std::string& text, const Limits& limits = {}) {
        const auto parsed = parse(text, schema(), limits);
        CPPUNIT_ASSERT_MESSAGE(parsed ? "" : parsed.error().to_string(), parsed);
    }

    static std::string nested(std::size_t depth) {
        std::string text;
        for (std::size_t level = 0; level < depth; ++level) text += level == 0 ? "<list xmlns='urn:t'>" : "<list>";
        for (std::size_t level = 0; level < depth; ++level) text += "</list>";
        return text;
    }

    static std::string repeated(const std::string& part, std::size_t count) {
        std::string text;
        for (std::size_t index = 0; index < count; ++index) text += part;
        return text;
    }

public:
    void valid_document_becomes_a_plain_tree() {
        const auto root = parse("<t:list xmlns:t='urn:t'><t:item port='80'/><t:item/><t:note>hello</t:note></t:list>", schema()).value();
        CPPUNIT_ASSERT_EQUAL(std::string("list"), root.name);
        CPPUNIT_ASSERT_EQUAL(std::string("urn:t"), root.namespace_uri);
        CPPUNIT_ASSERT(root.attributes.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, root.children.size());
        CPPUNIT_ASSERT_EQUAL(std::string("80"), std::string(root.child("item")->value("port")));
        CPPUNIT_ASSERT(root.children[1].attribute("port") == nullptr);
        CPPUNIT_ASSERT_EQUAL(std::string("none"), std::string(root.children[1].value("port", "none")));
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), root.child("note")->text);
        CPPUNIT_ASSERT(root.child("nothing") == nullptr);
    }

    void defaults_of_the_schema_are_filled_in() {
        const auto root = parse(list_of("<item/><item size='1B'/>"), schema()).value();
        CPPUNIT_ASSERT_EQUAL(std::string("64KiB"), std::string(root.children[0].value("size")));
        CPPUNIT_ASSERT_EQUAL(std::string("1B"), std::string(root.children[1].value("size")));
    }

    void positions_are_where_tags_and_attributes_begin() {
        const auto root =
            parse("<?xml version='1.0'?>\r\n<!-- a\n b -->\n<list xmlns='urn:t'>\n  <item\n\tport='1'  size='1B' />\r<item/></list>",
                  schema())
                .value();
        CPPUNIT_ASSERT(root.position == (Position{4, 1}));
        CPPUNIT_ASSERT(root.children[0].position == (Position{5, 3}));
        CPPUNIT_ASSERT(root.children[0].attribute("port")->position == (Position{6, 2}));
        CPPUNIT_ASSERT(root.children[0].attribute("size")->position == (Position{6, 12}));
        CPPUNIT_ASSERT(root.children[1].position == (Position{7, 1}));
    }

    void columns_count_as_editors_count_them() {
        // Two bytes, one unit; four bytes, two units.
        const auto root = parse("<list xmlns='urn:t'><!--\xC3\xA9\xF0\x9F\x92\xB6--><item/></list>", schema()).value();
        CPPUNIT_ASSERT(root.children[0].position == (Position{1, 31}));
        assert_refused(errc::invalid, "<list xmlns='urn:t'><!--\xC3\xA9\xF0\x9F\x92\xB6--><item port='x'/></list>", "1:37");
    }

    void text_keeps_its_characters_and_loses_its_markup() {
        const auto root = parse(list_of("<note>a<!-- b -->\xF0\x9F\x92\xB6<![CDATA[<c>]]></note>"), schema()).value();
        CPPUNIT_ASSERT_EQUAL(std::string("a\xF0\x9F\x92\xB6<c>"), root.child("note")->text);
    }

    void predefined_entities_and_character_references_are_resolved() {
        const auto root = parse(list_of("<note>" + repeated("&lt;&amp;&#65;&#x1F4B6;", 150) + "</note>"), schema()).value();
        CPPUNIT_ASSERT_EQUAL(repeated("<&A\xF0\x9F\x92\xB6", 150), root.child("note")->text);
    }

    void wrong_value_is_reported_at_its_attribute() {
        assert_refused(errc::invalid, list_of("\n<item size='1B'\n  port='70000'/>"), "3:3");
        assert_refused(errc::invalid, list_of("\n<item size='64 MB'/>"), "2:7");
        assert_refused(errc::invalid, list_of("\n<item port='1' extra='2'/>"), "2:16");
    }

    void unknown_element_and_unknown_attribute_are_refused() {
        assert_refused(errc::invalid, list_of("<thing/>"));
        assert_refused(errc::invalid, list_of("<item color='red'/>"));
        assert_refused(errc::invalid, list_of("<note/><item/>"));
        assert_refused(errc::invalid, list_of("stray text"));
    }

    void other_root_or_namespace_is_refused() {
        assert_refused(errc::invalid, "<list/>", "1:1");
        assert_refused(errc::invalid, "<list xmlns='urn:other'/>", "1:1");
        assert_refused(errc::invalid, "<item xmlns='urn:t'/>", "1:1");
        assert_refused(errc::invalid, "<list xmlns='urn:t' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='other'/>");
        assert_refused(errc::invalid, "<list xmlns='urn:t' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='true'/>");
    }

    void malformed_documents_are_refused() {
        for (const char* text : {"",
                                 "   ",
                                 "text",
                                 "<",
                                 "<list",
                                 "<list xmlns='urn:t'",
                                 "<list xmlns='urn:t'>",
                                 "<list xmlns='urn:t'></lost>",
                                 "<list xmlns='urn:t'/><list xmlns='urn:t'/>",
                                 "<list xmlns='urn:t'/>text",
                                 "<list xmlns=urn:t/>",
                                 "<list xmlns='urn:t' xmlns='urn:t'/>",
                                 "<list xmlns='urn:t'>&undeclared;</list>",
                                 "<list xmlns='urn:t'>&#0;</list>",
                                 "<list xmlns='urn:t'>&#x110000;</list>",
                                 "<list xmlns='urn:t'>\x01</list>",
                                 "<list xmlns='urn:t'><!-- </list>",
                                 "<list xmlns='urn:t'><![CDATA[ </list>",
                                 "<list xmlns='urn:t'><? </list>",
                                 "</list>",
                                 "<?xml version='1.1'?><list xmlns='urn:t'/>",
                                 "<?xml encoding='UTF-8'?><list xmlns='urn:t'/>",
                                 "<?xml version='1.0' <list xmlns='urn:t'/>",
                                 "<x:list/>"}) {
            assert_refused(errc::malformed, text);
        }
    }

    void every_document_type_declaration_is_refused() {
        assert_refused(errc::doctype_refused, "<!DOCTYPE list><list xmlns='urn:t'/>", "1:1");
        assert_refused(errc::doctype_refused,
                       "<?xml version='1.0'?>\n<!-- x --><?pi?>\n  <!DOCTYPE list [<!ENTITY a 'b'>]><list xmlns='urn:t'/>", "3:3");
        assert_refused(errc::doctype_refused, "<!DOCTYPE list SYSTEM 'http://127.0.0.1:1/x.dtd'><list xmlns='urn:t'/>");
        assert_refused(errc::doctype_refused, list_of("<!DOCTYPE list>"));
    }

    void billion_laughs_are_refused_before_anything_is_expanded() {
        std::string text = "<!DOCTYPE list [<!ENTITY l0 'lol'>";
        for (int level = 1; level < 10; ++level) {
            text += "<!ENTITY l" + std::to_string(level) + " '" + repeated("&l" + std::to_string(level - 1) + ";", 10) + "'>";
        }
        assert_refused(errc::doctype_refused, text + "]><list xmlns='urn:t'><note>&l9;</note></list>", "1:1");
    }

    void external_entity_does_not_open_its_file() {
        assert_refused(errc::doctype_refused, "<!DOCTYPE list [<!ENTITY f SYSTEM 'file:///etc/hostname'>]>" + list_of("<note>&f;</note>"));
        assert_refused(errc::doctype_refused, "<!DOCTYPE list [<!ENTITY % p SYSTEM 'file:///etc/hostname'>%p;]>" + list_of(""));
    }

    void schema_named_by_the_document_is_not_loaded() {
        const auto file = std::filesystem::temp_directory_path() / ("giromq-xml-test-" + std::to_string(::getpid()) + ".xsd");
        std::ofstream(file)
            << "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:u'><xs:element name='list'/></xs:schema>";
        const std::string hint = " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='urn:u " + file.string() + "'";
        assert_refused(errc::invalid, "<list xmlns='urn:u'" + hint + "/>");
        assert_parsed("<list xmlns='urn:t'" + hint + "/>");
        CPPUNIT_ASSERT(parse("<list xmlns='urn:t'" + hint + "/>", schema())->attributes.empty());
        std::filesystem::remove(file);
    }

    void other_encodings_are_refused() {
        assert_refused(errc::wrong_encoding, "<?xml version='1.0' encoding='ISO-8859-1'?><list xmlns='urn:t'/>");
        assert_refused(errc::wrong_encoding, "<?xml version='1.0' encoding='UTF-16'?><list xmlns='urn:t'/>");
        assert_refused(errc::wrong_encoding, list_of("\n<note>caf\xE9</note>"), "2:10");
        assert_refused(errc::wrong_encoding, list_of("<note>\xC0\xBC</note>"));
        assert_refused(errc::wrong_encoding, std::string("\xFF\xFE<\0l\0", 6), "1:1");
        assert_refused(errc::malformed, std::string("<list xmlns='urn:t'/>\0<list/>", 29), "1:22");
        assert_refused(errc::malformed, std::string("<\0l\0i\0s\0t\0/\0>\0", 14));
        assert_parsed("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8' standalone='yes'?><list xmlns='urn:t'/>");
    }

    void bytes_are_limited() {
        const std::string ten_megabytes = "<list xmlns='urn:t'>" + std::string(10u << 20, ' ') + "</list>";
        assert_refused(errc::too_large, ten_megabytes, "1:1");
        assert_parsed("<list xmlns='urn:t'>" + std::string(100000, ' ') + "</list>");
    }

    void depth_is_limited() {
        assert_refused(errc::too_deep, nested(17));
        Limits wide;
        wide.bytes = 20u << 20;
        assert_refused(errc::too_deep, nested(500000), {}, wide);
        assert_refused(errc::too_deep, repeated("<list>", 20));
    }

    void elements_are_limited() { assert_refused(errc::too_large, list_of(repeated("<item/>", 20000))); }

    void attributes_are_limited() {
        std::string attributes;
        for (int index = 0; index < 65; ++index) attributes += " a" + std::to_string(index) + "='1'";
        assert_refused(errc::too_large, list_of("<item" + attributes + "/>"), "1:21");
    }

    void lengths_of_values_names_and_texts_are_limited() {
        const std::string long_text(4097, 'x');
        assert_refused(errc::too_large, list_of("<item size='" + long_text + "'/>"));
        assert_refused(errc::too_large, list_of("<item " + long_text + "='1'/>"));
        assert_refused(errc::too_large, list_of("<" + long_text + "/>"));
        assert_refused(errc::too_large, list_of("<note>" + long_text + "</note>"));
        assert_refused(errc::too_large, list_of("<note><![CDATA[" + long_text + "]]></note>"));
        assert_refused(errc::too_large, list_of("<note>" + repeated("xxxx<!-- -->", 1025) + "</note>"));
    }

    void limits_are_inclusive() {
        const std::string document = list_of("<item port='8'/><item/>");
        const Limits exact{.bytes = document.size(), .depth = 2, .elements = 3, .attributes_per_element = 1, .value_bytes = 5};
        assert_parsed(document, exact);
        for (const auto change : {0, 1, 2, 3, 4}) {
            Limits less = exact;
            if (change == 0) --less.bytes;
            if (change == 1) --less.depth;
            if (change == 2) --less.elements;
            if (change == 3) --less.attributes_per_element;
            if (change == 4) --less.value_bytes;
            assert_refused(change == 1 ? errc::too_deep : errc::too_large, document, {}, less);
        }
    }

    void brackets_and_quotes_where_they_mean_nothing_confuse_nobody() {
        const auto root =
            parse(list_of("<!-- <item> ' \" <!DOCTYPE --><?pi <item>?><note><![CDATA[<!DOCTYPE ' <item>]]>&quot;'></note>"), schema())
                .value();
        CPPUNIT_ASSERT_EQUAL(std::string("<!DOCTYPE ' <item>\"'>"), root.child("note")->text);
        const auto tree = parse_without_schema("<a b='&quot;>' c=\"'/>\"><d/></a>").value();
        CPPUNIT_ASSERT_EQUAL(std::string("\">"), std::string(tree.value("b")));
        CPPUNIT_ASSERT(tree.children[0].position == (Position{1, 24}));
    }

    void documents_are_parsed_without_a_schema_with_the_same_limits() {
        const auto root = parse_without_schema("<a xmlns:p='urn:p' p:b='1' b='2'><p:c>text</p:c></a>").value();
        CPPUNIT_ASSERT_EQUAL(std::string("2"), std::string(root.value("b")));
        CPPUNIT_ASSERT_EQUAL(std::string("urn:p"), root.attributes[0].namespace_uri);
        CPPUNIT_ASSERT_EQUAL(std::string("urn:p"), root.children[0].namespace_uri);
        CPPUNIT_ASSERT(parse_without_schema("<!DOCTYPE a><a/>").error().is(errc::doctype_refused));
        CPPUNIT_ASSERT(parse_without_schema("<a b='1' b='2'/>").error().is(errc::malformed));
        CPPUNIT_ASSERT(parse_without_schema(repeated("<a>", 100)).error().is(errc::too_deep));
    }

    void bad_schemas_are_refused() {
        for (const char* text : {"", "garbage", "<a/>",
                                 "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='a' type='none'/></xs:schema>",
                                 "<!DOCTYPE a [<!ENTITY x 'y'>]><xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>"}) {
            const auto compiled = Schema::compile(text);
            CPPUNIT_ASSERT_MESSAGE(text, !compiled && compiled.error().is(errc::bad_schema));
        }
    }

    void schema_cannot_include_another() {
        const auto file = std::filesystem::temp_directory_path() / ("giromq-xml-test-include-" + std::to_string(::getpid()) + ".xsd");
        std::ofstream(file) << "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:x'/>";
        const auto compiled =
            Schema::compile("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:import namespace='urn:x' schemaLocation='" +
                            file.string() + "'/></xs:schema>");
        CPPUNIT_ASSERT(!compiled && compiled.error().is(errc::bad_schema));
        std::filesystem::remove(file);
    }

    void schema_is_shared_by_threads() {
        const std::string good = list_of(repeated("<item port='80'/>", 50));
        const std::string bad = list_of("<item port='x'/>");
        const Schema shared = schema();
        std::atomic<int> right = 0;
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int round = 0; round < 50; ++round) {
                    const auto parsed = parse(good, shared);
                    right += parsed && parsed->children.size() == 50 ? 1 : 0;
                    right += parse(bad, shared) ? 0 : 1;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        CPPUNIT_ASSERT_EQUAL(400, right.load());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ParseTest);

}  // namespace
}  // namespace giromq::xml
