#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <utility>

#include "commands.hpp"
#include "rest_client.hpp"
#include "selector_text.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

std::string path_of(const std::string& name) { return "/api/v1/selectors/" + percent_encoded(name); }

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// The selector as the broker has it; a ToolError if it has none of that name.
json::object find_selector(RestClient& rest, const std::string& name) {
    const RestClient::Answer answer = rest.find(path_of(name));
    if (!answer.body.is_object()) throw ToolError("There is no selector '" + name + "'; 'giromq selector list' shows those there are.");
    return answer.body.get_object();
}

int tell(const Common& common, const char* done, const std::string& name) {
    if (common.json) {
        std::cout << json::serialize(json::object{{done, name}}) << '\n';
    } else {
        std::cout << "Selector '" << name << "' " << done << ".\n";
    }
    return exit_ok;
}

int list_selectors(const Common& common) {
    bool head = common.json;
    const auto print_row = [](const std::string& name, const std::string& origin, const std::string& changed_at) {
        std::cout << std::left << std::setw(32) << name << ' ' << std::setw(14) << origin << ' ' << changed_at << '\n';
    };
    RestClient(common).list("/api/v1/selectors", [&](const json::object& selector) {
        if (!std::exchange(head, true)) print_row("NAME", "ORIGIN", "CHANGED");
        if (common.json) {
            std::cout << json::serialize(selector) << '\n';
        } else {
            print_row(printable(text(selector, "name")), printable(text(selector, "origin")), printable(text(selector, "changedAt")));
        }
    });
    if (!head) print_row("NAME", "ORIGIN", "CHANGED");
    return exit_ok;
}

int show_selector(const Common& common, const std::string& name) {
    RestClient rest(common);
    const json::object selector = find_selector(rest, name);
    if (common.json) {
        std::cout << json::serialize(selector) << '\n';
        return exit_ok;
    }
    const std::string shown = printable(text(selector, "text"), "\t\r\n");
    std::cout << shown << (shown.ends_with('\n') ? "" : "\n");
    return exit_ok;
}

int set_selector(const Common& common, const std::string& name, SelectorText given) {
    given.text = given.read();
    read_selector(given, exit_failed);  // so that what is wrong is pointed at
    const json::value body = json::object{{"text", *given.text}};
    const auto answer = RestClient(common).call("PUT", path_of(name), &body);
    return tell(common, answer.status == 201 ? "stored" : "changed", name);
}

int delete_selector(const Common& common, const std::string& name) {
    RestClient rest(common);
    find_selector(rest, name);
    confirm(common, "The selector '" + name + "' will be deleted; consumers that name it from then on are refused.", name);
    rest.call("DELETE", path_of(name));
    return tell(common, "deleted", name);
}

}  // namespace

void add_named_selector_commands(CLI::App& selector, const Common& common, Run& run) {
    const auto name = std::make_shared<std::string>();
    const auto given = std::make_shared<SelectorText>();
    const auto name_help = "The name, as in JMS_GIROMQ_SELECTOR = 'NAME'";

    CLI::App* const list = selector.add_subcommand("list", "Shows the selectors that clients can name (REST)");
    list->fallthrough()->callback([&common, &run] { run = [&common] { return list_selectors(common); }; });

    CLI::App* const show = selector.add_subcommand("show", "Writes the text of a named selector (REST)");
    show->add_option("NAME", *name, name_help)->required();
    show->fallthrough()->callback([&common, &run, name] { run = [&common, name] { return show_selector(common, *name); }; });

    CLI::App* const set = selector.add_subcommand("set", "Stores a selector under a name, or changes it (REST)");
    set->add_option("NAME", *name, name_help)->required();
    given->add_to(*set);
    set->footer("Consumers that are there keep the selector they began with.");
    set->fallthrough()->callback(
        [&common, &run, name, given] { run = [&common, name, given] { return set_selector(common, *name, *given); }; });

    CLI::App* const remove = selector.add_subcommand("delete", "Deletes a named selector (REST)");
    remove->add_option("NAME", *name, name_help)->required();
    remove->fallthrough()->callback([&common, &run, name] { run = [&common, name] { return delete_selector(common, *name); }; });
}

}  // namespace giromq::tool
