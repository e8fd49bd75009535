#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "config/config.hpp"
#include "config/options.hpp"
#include "config/schema_text.hpp"
#include "config/units.hpp"

namespace giromq::config {
namespace {

std::filesystem::path project() { return GIROMQ_SOURCE_DIR; }

std::string read(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    CPPUNIT_ASSERT_MESSAGE(file.string(), stream.good());
    return {std::istreambuf_iterator<char>(stream), {}};
}

constexpr std::string_view begin_mark = "<!-- options: made from schemas/giromq-config.xsd -->\n";
constexpr std::string_view end_mark = "\n<!-- end of options -->";

/// What is written for people must be what the schema says, and the schema in the program must be the one in the tree.
class DocumentationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DocumentationTest);
    CPPUNIT_TEST(schema_in_the_program_is_the_file_in_the_tree);
    CPPUNIT_TEST(table_in_the_documentation_is_that_of_the_schema);
    CPPUNIT_TEST(every_option_has_documentation_and_a_default_or_is_required);
    CPPUNIT_TEST(every_size_and_duration_has_a_range_that_its_default_is_in);
    CPPUNIT_TEST(minimal_example_is_the_default_with_two_queues);
    CPPUNIT_TEST(production_example_is_valid);
    CPPUNIT_TEST(dev_example_is_the_dev_configuration);
    CPPUNIT_TEST_SUITE_END();

    static Config example(const std::string& name) {
        const auto config = parse_config(read(project() / "schemas" / "examples" / name), name);
        CPPUNIT_ASSERT_MESSAGE(config ? "" : config.error().to_string(), config);
        return *config;
    }

public:
    void schema_in_the_program_is_the_file_in_the_tree() {
        CPPUNIT_ASSERT(read(project() / "schemas" / "giromq-config.xsd") == schema_text());
    }

    void table_in_the_documentation_is_that_of_the_schema() {
        const auto file = project() / "docs" / "configuration.md";
        std::string text = read(file);
        const auto begin = text.find(begin_mark);
        const auto end = text.find(end_mark);
        CPPUNIT_ASSERT(begin != std::string::npos && end != std::string::npos && begin + begin_mark.size() <= end);
        const auto first = begin + begin_mark.size();
        const std::string expected = options_as_markdown();
        if (std::getenv("GIROMQ_UPDATE_DOCS") != nullptr)
            std::ofstream(file, std::ios::binary) << text.replace(first, end - first, expected);
        else
            CPPUNIT_ASSERT_EQUAL_MESSAGE("run this test with GIROMQ_UPDATE_DOCS=1 to renew the table", expected,
                                         text.substr(first, end - first));
    }

    void every_option_has_documentation_and_a_default_or_is_required() {
        CPPUNIT_ASSERT(options().size() >= 60);
        for (const auto& option : options()) {
            const std::string name = option.element + "/@" + option.name;
            CPPUNIT_ASSERT_MESSAGE(name, !option.documentation.empty());
            CPPUNIT_ASSERT_MESSAGE(name, option.is_required + !option.default_value.empty() + !option.default_words.empty() == 1);
            CPPUNIT_ASSERT_MESSAGE(name, !option.type.empty());
            CPPUNIT_ASSERT_MESSAGE(name, option.documentation.find_first_of("|\n") == std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(name, option.type != "number" || !option.maximum.empty());
        }
        CPPUNIT_ASSERT(find_option("amqp", "max-frame")->maximum == "1MiB");
        CPPUNIT_ASSERT(find_option("queues/queue", "max-bytes")->zero == "no limit");
        CPPUNIT_ASSERT(find_option("amqp", "nothing") == nullptr);
    }

    void every_size_and_duration_has_a_range_that_its_default_is_in() {
        int seen = 0;
        for (const auto& option : options()) {
            const std::string name = option.element + "/@" + option.name;
            if (!option.choices.empty() || (option.type != "size" && option.type != "duration")) continue;
            ++seen;
            const auto in_range = [&](auto parse) {
                const auto minimum = parse(option.minimum);
                const auto maximum = parse(option.maximum);
                CPPUNIT_ASSERT_MESSAGE(name, minimum && maximum && *minimum < *maximum);
                if (option.default_value.empty() || (option.default_value == "0" && !option.zero.empty())) return true;
                const auto value = parse(option.default_value);
                return value && *value >= *minimum && *value <= *maximum;
            };
            CPPUNIT_ASSERT_MESSAGE(name, option.type == "size" ? in_range(parse_size) : in_range(parse_duration));
        }
        CPPUNIT_ASSERT(seen >= 15);
    }

    void minimal_example_is_the_default_with_two_queues() {
        const auto config = example("minimal.xml");
        CPPUNIT_ASSERT(config.amqp == default_config().amqp && config.sasl == default_config().sasl &&
                       config.store == default_config().store);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, config.queues.size());
    }

    void production_example_is_valid() {
        const auto config = example("production.xml");
        CPPUNIT_ASSERT(config.http.tls);
        for (const auto& listener : config.amqp.listeners) CPPUNIT_ASSERT(listener.tls || is_loopback(listener.host));
    }

    void dev_example_is_the_dev_configuration() {
        const auto config = example("dev.xml");
        const auto dev = dev_config();
        CPPUNIT_ASSERT(config.broker == dev.broker && config.amqp == dev.amqp && config.tls == dev.tls && config.sasl == dev.sasl);
        CPPUNIT_ASSERT(config.http == dev.http && config.core == dev.core && config.store == dev.store);
        CPPUNIT_ASSERT(config.queue_defaults == dev.queue_defaults && config.queues == dev.queues);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DocumentationTest);

}  // namespace
}  // namespace giromq::config
