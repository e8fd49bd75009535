#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "selector/forms.hpp"
#include "selector/selector.hpp"
#include "unit/selector/map_message.hpp"

namespace giromq::selector::test {

/// docs/selectors-for-payments.md: its selectors are right, in both forms, and select what the page says.
class PageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PageTest);
    CPPUNIT_TEST(both_forms_of_every_selector_are_the_same);
    CPPUNIT_TEST(every_selector_selects_what_the_page_says);
    CPPUNIT_TEST(every_message_is_selected_by_some_and_not_by_others);
    CPPUNIT_TEST_SUITE_END();

    struct Block {
        std::string language;
        std::string text;
    };
    struct Example {
        std::string sql;
        std::string xml;
        std::vector<std::string> selects;
    };
    struct Page {
        std::vector<Example> examples;
        std::map<std::string, MapMessage> messages;
        std::deque<std::string> texts;  // which the messages refer to
    };

    /// "A, C" or "none".
    static std::vector<std::string> names_of(std::string_view list) {
        std::vector<std::string> names;
        if (list == "none") return names;
        for (;;) {
            const auto comma = list.find(", ");
            names.emplace_back(list.substr(0, comma));
            if (comma == std::string_view::npos) return names;
            list.remove_prefix(comma + 2);
        }
    }

    static Value value_of(std::string_view text, Page& page) {
        if (text.starts_with('\'')) return std::string_view(page.texts.emplace_back(text.substr(1, text.size() - 2)));
        std::int64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        CPPUNIT_ASSERT_MESSAGE(std::string(text), read.ptr == text.data() + text.size());
        return number;
    }

    /// Lines of NAME = VALUE.
    static void add_properties(const std::string& lines, MapMessage& message, Page& page) {
        std::istringstream input(lines);
        for (std::string line; std::getline(input, line);) {
            const auto equals = line.find(" = ");
            CPPUNIT_ASSERT_MESSAGE(line, equals != std::string::npos);
            const auto name = line.substr(0, equals);
            const auto value = value_of(std::string_view(line).substr(equals + 3), page);
            if (name == "JMSType") {
                message.headers[Header::type] = value;
            } else {
                message.values[name] = value;
            }
        }
    }

    static Page read() {
        std::ifstream file(GIROMQ_SOURCE_DIR "/docs/selectors-for-payments.md");
        CPPUNIT_ASSERT(file.good());
        Page page;
        std::vector<Block> blocks;
        std::string message;
        bool is_in_block = false;
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("```")) {
                is_in_block = !is_in_block;
                if (is_in_block) {
                    blocks.push_back({line.substr(3), {}});
                } else if (!message.empty() && blocks.back().language == "properties") {
                    add_properties(blocks.back().text, page.messages[message], page);
                } else if (!message.empty()) {
                    page.messages[message].set_body(page.texts.emplace_back(blocks.back().text));
                }
            } else if (is_in_block) {
                blocks.back().text += line + '\n';
            } else if (line.starts_with("### ")) {
                message = line.substr(4, line.find(':') - 4);
                page.messages[message].values["JMSXDeliveryCount"] = std::int32_t{1};
            } else if (line.starts_with("Selects ")) {
                CPPUNIT_ASSERT_EQUAL_MESSAGE(line, std::size_t{2}, blocks.size());
                CPPUNIT_ASSERT(blocks[0].language == "sql" && blocks[1].language == "xml" && line.ends_with('.'));
                page.examples.push_back({blocks[0].text, blocks[1].text, names_of(line.substr(8, line.size() - 9))});
                blocks.clear();
            }
        }
        CPPUNIT_ASSERT(!is_in_block);
        return page;
    }

    void both_forms_of_every_selector_are_the_same() {
        const auto page = read();
        CPPUNIT_ASSERT(page.examples.size() >= 15);
        for (const auto& example : page.examples) {
            const auto sql = parse(example.sql);
            const auto xml = parse(example.xml);
            CPPUNIT_ASSERT_MESSAGE(example.sql + (sql ? "" : sql.error().to_string()), sql.ok());
            CPPUNIT_ASSERT_MESSAGE(example.xml + (xml ? "" : xml.error().to_string()), xml.ok());
            CPPUNIT_ASSERT_EQUAL(print_sql(*sql), print_sql(*xml));
            CPPUNIT_ASSERT_EQUAL(print_xml(*sql), print_xml(*xml));
        }
    }

    void every_selector_selects_what_the_page_says() {
        const auto page = read();
        for (const auto& example : page.examples) {
            for (const auto& text : {example.sql, example.xml}) {
                const auto program = compile(text);
                CPPUNIT_ASSERT_MESSAGE(text, program.ok());
                std::vector<std::string> selected;
                for (const auto& [name, message] : page.messages) {
                    const auto outcome = (*program)->evaluate(message);
                    CPPUNIT_ASSERT_MESSAGE(text, !outcome.over_budget);
                    if (outcome.is_selected()) selected.push_back(name);
                }
                CPPUNIT_ASSERT_MESSAGE(text, example.selects == selected);
            }
        }
    }

    void every_message_is_selected_by_some_and_not_by_others() {
        const auto page = read();
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, page.messages.size());
        for (const auto& [name, message] : page.messages) {
            const auto selects = [&name = name](const Example& example) {
                return std::find(example.selects.begin(), example.selects.end(), name) != example.selects.end();
            };
            const auto times = std::count_if(page.examples.begin(), page.examples.end(), selects);
            CPPUNIT_ASSERT_MESSAGE(name, times > 0 && static_cast<std::size_t>(times) < page.examples.size());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PageTest);

}  // namespace giromq::selector::test
