#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "base/log.hpp"

namespace giromq::test {

namespace {

/// What `body` writes to standard error.
template <typename Body>
std::string captured(Body body) {
    std::FILE* const file = std::tmpfile();
    CPPUNIT_ASSERT(file != nullptr);
    std::fflush(stderr);
    const int saved = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    body();
    std::fflush(stderr);
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    std::rewind(file);
    std::string text;
    for (int character = std::fgetc(file); character != EOF; character = std::fgetc(file)) text += static_cast<char>(character);
    std::fclose(file);
    return text;
}

std::size_t lines_of(std::string_view text) {
    std::size_t count = 0;
    for (const char character : text) count += character == '\n' ? 1 : 0;
    return count;
}

}  // namespace

class LogTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LogTest);
    CPPUNIT_TEST(a_line_is_time_level_event_and_fields);
    CPPUNIT_TEST(a_value_cannot_forge_a_line);
    CPPUNIT_TEST(a_value_cannot_forge_a_field);
    CPPUNIT_TEST(control_characters_are_escaped);
    CPPUNIT_TEST(an_empty_value_is_visible);
    CPPUNIT_TEST(format_braces_are_only_text);
    CPPUNIT_TEST(a_level_below_the_set_one_is_not_written);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { log::set_level(log::Level::info); }
    // What tests/support/main.cpp sets for every test.
    void tearDown() override { log::set_level(log::Level::error); }

private:
    void a_line_is_time_level_event_and_fields() {
        const std::string text = captured([] {
            log::warning("queue_full", {{"queue", "payments.in"}, {"messages", 12}, {"refused", true}});
        });
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, lines_of(text));
        CPPUNIT_ASSERT(text.find(" warning queue_full queue=payments.in messages=12 refused=true\n") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("20"), text.substr(0, 2));
        CPPUNIT_ASSERT_EQUAL('T', text[10]);
    }

    void a_value_cannot_forge_a_line() {
        const std::string text = captured([] { log::info("login", {{"user", "eve\n2027-01-01T00:00:00 info login user=root"}}); });
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, lines_of(text));
        CPPUNIT_ASSERT(text.find("user=\"eve\\n2027-01-01T00:00:00 info login user=root\"\n") != std::string::npos);
    }

    void a_value_cannot_forge_a_field() {
        const std::string text = captured([] { log::info("login", {{"user", "eve role=\"administrator\""}, {"path", "a\\b"}}); });
        CPPUNIT_ASSERT(text.find("user=\"eve role=\\\"administrator\\\"\" path=\"a\\\\b\"\n") != std::string::npos);
    }

    void control_characters_are_escaped() {
        const std::string text = captured([] { log::info("name", {{"value", std::string("a\r\x1b[2J\t\x7f\0z", 9)}}); });
        CPPUNIT_ASSERT(text.find("value=\"a\\x0d\\x1b[2J\\x09\\x7f") != std::string::npos);
        for (const char character : text) {
            const auto code = static_cast<unsigned char>(character);
            CPPUNIT_ASSERT(character == '\n' || (code >= ' ' && code != 0x7f));
        }
    }

    void an_empty_value_is_visible() {
        const std::string text = captured([] { log::info("name", {{"value", ""}}); });
        CPPUNIT_ASSERT(text.find(" name value=\"\"\n") != std::string::npos);
    }

    void format_braces_are_only_text() {
        const std::string text = captured([] { log::info("name", {{"value", "{} {0} %s"}}); });
        CPPUNIT_ASSERT(text.find("value=\"{} {0} %s\"\n") != std::string::npos);
    }

    void a_level_below_the_set_one_is_not_written() {
        CPPUNIT_ASSERT(!log::enabled(log::Level::debug));
        CPPUNIT_ASSERT(log::enabled(log::Level::error));
        const std::string text = captured([] {
            log::debug("hidden");
            log::error("shown");
        });
        CPPUNIT_ASSERT_EQUAL(std::string::npos, text.find("hidden"));
        CPPUNIT_ASSERT(text.find(" error shown\n") != std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogTest);

}  // namespace giromq::test
