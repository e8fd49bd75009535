#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "commands.hpp"
#include "message_file.hpp"
#include "selector_text.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

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
    CLI::App* const selector =
        app.add_subcommand("selector", "Check, convert, explain and test message selectors; those that the broker stores");
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

    add_named_selector_commands(*selector, common, run);
}

}  // namespace giromq::tool
