#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "commands.hpp"
#include "giromq/selector.hpp"
#include "message_file.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

constexpr std::string_view white_space = " \t\f\r\n";

/// A selector as it was given: as text on the command line, or in a file.
struct SelectorText {
    std::optional<std::string> text;
    std::string file;

    void add_to(CLI::App& app) {
        auto* const as_text = app.add_option("SELECTOR", text, "The selector: SQL, or XML; see docs/selectors.md");
        app.add_option("--file", file, "A file with the selector instead; '-' for the standard input")->excludes(as_text);
    }
    std::string read() const {
        if (text) return *text;
        if (file.empty()) throw ToolError("Give the selector: as text, or by --file FILE ('-' for the standard input).", exit_usage);
        return read_file(file, exit_usage);
    }
};

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

std::size_t characters_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

/// The bytes before a column, which counts UTF-16 units.
std::size_t bytes_before(std::string_view line, std::size_t column) {
    std::size_t units = 1;
    std::size_t at = 0;
    for (; at < line.size() && (units < column || !begins_character(line[at])); ++at) {
        const auto byte = static_cast<unsigned char>(line[at]);
        if (begins_character(line[at])) units += byte >= 0xF0U ? 2 : 1;
    }
    return at;
}

/// The line of the text, or of a long one what is near, and a mark below the column.
std::string pointed_at(std::string_view text, std::size_t line, std::size_t column) {
    for (; line > 1; --line) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    constexpr std::size_t around = 60;
    const std::size_t at = bytes_before(text, column);
    std::size_t begin = at > around ? at - around : 0;
    while (begin > 0 && !begins_character(text[begin])) --begin;
    std::size_t end = std::min(text.size(), at + around);
    while (end < text.size() && !begins_character(text[end])) ++end;
    const std::string mark(characters_of(text.substr(begin, at - begin)), ' ');
    return "\n    " + printable(text.substr(begin, end - begin)) + "\n    " + mark + '^';
}

/// Positions in XML that SQL carries are of that XML, which nobody sees as lines.
bool is_carried(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(white_space);
    return begin != std::string_view::npos && text.substr(begin).starts_with("JMS_GIROMQ_XML");
}

ToolError refusal(const SelectorTextException& wrong, const std::string& text, int code) {
    const std::string place = "line " + std::to_string(wrong.line()) + ", column " + std::to_string(wrong.column());
    const bool is_known = !is_carried(text);
    return ToolError("The selector is wrong at " + place + (is_known ? "" : " of the XML in it") + ": " + printable(wrong.reason(), "\n") +
                         (is_known ? pointed_at(text, wrong.line(), wrong.column()) : std::string()),
                     code);
}

/// Throws ToolError with a word about what is wrong and where.
Selector read_selector(const SelectorText& given, int code_of_wrong) {
    const std::string text = given.read();
    try {
        return Selector(text);
    } catch (const SelectorTextException& wrong) {
        throw refusal(wrong, text, code_of_wrong);
    }
}

int check(const Common& common, const SelectorText& given) {
    if (!common.json) {
        read_selector(given, exit_failed);
        std::cout << "The selector is right.\n";
        return exit_ok;
    }
    try {
        std::cout << json::serialize(json::object{{"valid", true}, {"sql", Selector(given.read()).sql()}}) << '\n';
        return exit_ok;
    } catch (const SelectorTextException& wrong) {
        std::cout << json::serialize(
                         json::object{{"valid", false}, {"line", wrong.line()}, {"column", wrong.column()}, {"reason", wrong.reason()}})
                  << '\n';
        return exit_failed;
    }
}

bool is_xml(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(white_space);
    return begin != std::string_view::npos && text[begin] == '<';
}

int convert(SelectorText given, std::string form) {
    given.text = given.read();
    const Selector selector = read_selector(given, exit_failed);
    if (form.empty()) form = is_xml(*given.text) ? "sql" : "xml";
    const std::string text = form == "sql" ? selector.sql() : selector.xml();
    std::cout << text << (text.ends_with('\n') ? "" : "\n");
    return exit_ok;
}

int explain(const SelectorText& given) {
    std::cout << printable(read_selector(given, exit_failed).explanation(), "\n");
    return exit_ok;
}

std::string_view name_of(SelectorTruth truth) {
    switch (truth) {
        case SelectorTruth::no: return "FALSE";
        case SelectorTruth::yes: return "TRUE";
        case SelectorTruth::unknown: break;
    }
    return "UNKNOWN";
}

/// As grep: 0 if a message is selected, 1 if none is, 2 if something is wrong.
int test(const Common& common, const SelectorText& given, const std::string& message_file) {
    if (given.file == "-" && message_file == "-")
        throw ToolError("The standard input can be the selector or the messages, not both.", exit_usage);
    const Selector selector = read_selector(given, exit_usage);
    bool is_any_selected = false;
    for_each_described_message(read_file(message_file, exit_usage), [&](const SelectorMessage& message) {
        const SelectorOutcome outcome = selector.evaluate(message);
        is_any_selected = is_any_selected || outcome.truth == SelectorTruth::yes;
        if (common.json) {
            std::cout << json::serialize(json::object{{"truth", name_of(outcome.truth)}, {"overBudget", outcome.is_over_budget}}) << '\n';
        } else {
            std::cout << name_of(outcome.truth) << (outcome.is_over_budget ? " (given up: it would cost too much)" : "") << '\n';
        }
    });
    return is_any_selected ? exit_ok : exit_failed;
}

}  // namespace

void add_selector_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const selector = app.add_subcommand("selector", "Check, convert, explain and test message selectors, without a broker");
    selector->require_subcommand(1)->fallthrough();
    const auto given = std::make_shared<SelectorText>();
    const auto form = std::make_shared<std::string>();

    CLI::App* const check_app = selector->add_subcommand("check", "Says whether a selector is right, and if not, where and why");
    given->add_to(*check_app);
    check_app->fallthrough()->callback([&common, &run, given] { run = [&common, given] { return check(common, *given); }; });

    CLI::App* const convert_app = selector->add_subcommand("convert", "Writes a selector in the other form: SQL or XML");
    given->add_to(*convert_app);
    convert_app->add_option("--to", *form, "The form to write; without it the one that was not given")
        ->check(CLI::IsMember({"sql", "xml"}));
    convert_app->fallthrough()->callback([&run, given, form] { run = [given, form] { return convert(*given, *form); }; });

    CLI::App* const explain_app = selector->add_subcommand("explain", "Shows what each term means, and how the broker evaluates it");
    given->add_to(*explain_app);
    explain_app->fallthrough()->callback([&run, given] { run = [given] { return explain(*given); }; });

    CLI::App* const test_app = selector->add_subcommand("test", "Says what a selector is for a message: TRUE, FALSE or UNKNOWN");
    const auto message_file = std::make_shared<std::string>();
    given->add_to(*test_app);
    test_app
        ->add_option("--message", *message_file,
                     "A file with messages in JSON, as 'giromq browse QUEUE --json' writes them; '-' for the standard input")
        ->required();
    test_app->footer("Exit codes: 0 a message is selected, 1 none is, 2 wrong call, selector or file.");
    test_app->fallthrough()->callback(
        [&common, &run, given, message_file] { run = [&common, given, message_file] { return test(common, *given, *message_file); }; });
}

}  // namespace giromq::tool
