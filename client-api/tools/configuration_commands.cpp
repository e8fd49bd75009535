#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "rest_table.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

struct Options {
    std::string file;
    bool prune = false;
    bool dry_run = false;
};

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

RestClient::Payload document(const Options& options) { return {"application/xml", read_file(options.file)}; }

json::array changes_of(const json::object& answer) {
    const json::value* const changes = answer.if_contains("changes");
    return changes != nullptr && changes->is_array() ? changes->get_array() : json::array();
}

/// What differs, as "max-messages 0 -> 100".
std::string difference(const json::object& change) {
    const auto* const after = change.at("after").if_object();
    const auto* const before = change.at("before").if_object();
    if (after == nullptr || before == nullptr) return {};
    std::string line;
    for (const auto& [name, value] : *after) {
        const std::string key(name);
        line += (line.empty() ? "" : ", ") + key;
        // The text of a selector is long.
        if (key != "text") line += " " + text(*before, key.c_str()) + " -> " + text(*after, key.c_str());
    }
    return line;
}

void print(const json::array& changes) {
    for (const auto& each : changes) {
        const auto& change = each.as_object();
        const auto* const problem = change.at("problem").if_object();
        std::cout << std::left << std::setw(8) << printable(text(change, "kind")) << std::setw(11) << printable(text(change, "object"))
                  << std::setw(9) << printable(text(change, "outcome")) << std::setw(32) << printable(text(change, "name")) << ' '
                  << printable(problem == nullptr ? difference(change) : text(*problem, "detail")) << '\n';
    }
}

/// The password that a document refers to. The broker opens nothing that a document names, so it is looked for here.
std::string password_at(const std::string& reference, const std::string& user) {
    if (reference.starts_with("file:")) return new_password(reference.substr(5), user);
    const std::string name = reference.starts_with("env:") ? reference.substr(4) : std::string();
    const char* const value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value != nullptr && *value != '\0') return value;
    throw ToolError("The password of '" + printable(user) + "' is not at '" + printable(reference) + "'; nothing was changed.");
}

/// Makes the users that are not there and of which the document says where the password is; returns how many. All passwords are read before
/// the first user is made.
std::size_t add_users(RestClient& rest, const json::array& changes) {
    std::vector<std::pair<std::string, json::value>> users;
    for (const auto& each : changes) {
        const auto& change = each.as_object();
        const auto* const after = change.at("after").if_object();
        if (text(change, "kind") != "create" || text(change, "object") != "user" || after == nullptr) continue;
        const auto reference = text(*after, "password");
        if (reference.empty()) continue;
        const auto name = text(change, "name");
        users.emplace_back(name, json::object{{"role", text(*after, "role")}, {"password", password_at(reference, name)}});
    }
    for (const auto& [name, user] : users) rest.call("PUT", "/api/v1/users/" + percent_encoded(name), &user);
    return users.size();
}

int export_configuration(const Common& common) {
    std::cout << RestClient(common).call("GET", "/api/v1/configuration/export").text;
    return exit_ok;
}

int diff_configuration(const Common& common, const Options& options) {
    const std::string query = options.prune ? "?prune=true" : "";
    const auto answer = RestClient(common).call("POST", "/api/v1/configuration/diff" + query, document(options));
    const json::array changes = changes_of(object_of(answer));
    if (common.json) {
        std::cout << answer.text << '\n';
    } else if (changes.empty()) {
        std::cout << "The broker is as the document says.\n";
    } else {
        print(changes);
    }
    return changes.empty() ? exit_ok : exit_differs;
}

int apply_configuration(const Common& common, const Options& options) {
    if (options.prune && !options.dry_run) {
        confirm(common, "What the lists of the document do not name will be deleted, unless it is in use.", "prune");
    }
    const std::string query = std::string(options.prune ? "?prune=true" : "?prune=false") + (options.dry_run ? "&dryRun=true" : "");
    const auto wanted = document(options);
    RestClient rest(common);
    std::size_t users = 0;
    if (!options.dry_run) {
        const auto planned = rest.call("POST", "/api/v1/configuration/diff", wanted);
        users = add_users(rest, changes_of(object_of(planned)));
    }
    const auto answer = rest.call("POST", "/api/v1/configuration/apply" + query, wanted);
    const json::object& result = object_of(answer);
    const json::array changes = changes_of(result);
    if (common.json) {
        std::cout << answer.text << '\n';
    } else {
        if (users > 0) std::cout << users << (users == 1 ? " user" : " users") << " added.\n";
        print(changes);
        std::cout << result.at("done").to_number<std::uint64_t>() << " of " << changes.size() << " changes made.\n";
    }
    const json::object* const failed = result.at("failed").if_object();
    if (failed == nullptr || options.dry_run) return exit_ok;
    throw ToolError("Not everything was done: " + printable(text(*failed, "detail")) + ". Correct that and apply the document again.");
}

int reload_configuration(const Common& common) {
    const auto answer = RestClient(common).call("POST", "/api/v1/configuration/reload");
    if (common.json) {
        std::cout << json::serialize(answer.body) << '\n';
        return exit_ok;
    }
    const auto applied = field_text(object_of(answer), "applied");
    const auto waits = field_text(object_of(answer), "needsRestart");
    std::cout << "Changed now: " << (applied.empty() ? "nothing" : applied)
              << ". Waits for the next start: " << (waits.empty() ? "nothing" : waits) << ".\n";
    return exit_ok;
}

}  // namespace

void add_configuration_commands(CLI::App& app, const Common& common, Run& run) {
    const auto options = std::make_shared<Options>();
    CLI::App* const config = app.add_subcommand(
        "config", "What the broker has, as one XML document: export, diff, apply; its configuration file: reload (REST)");
    config->require_subcommand(1)->fallthrough();

    CLI::App* const reload = config->add_subcommand("reload", "Lets the broker read its configuration file again");
    reload->fallthrough()->callback([&common, &run] { run = [&common] { return reload_configuration(common); }; });

    CLI::App* const write = config->add_subcommand("export", "Writes queues, selectors, users and permissions, without secrets");
    write->fallthrough()->callback([&common, &run] { run = [&common] { return export_configuration(common); }; });

    const auto add_document = [options](CLI::App& command) {
        command.add_option("FILE", options->file, "The document; - is the standard input")->required();
        command.add_flag("--prune", options->prune, "Also delete what the lists of the document do not name, except what is in use");
    };
    CLI::App* const diff = config->add_subcommand("diff", "Shows what applying a document would change; ends with 4 if it would");
    add_document(*diff);
    diff->fallthrough()->callback([&common, &run, options] { run = [&common, options] { return diff_configuration(common, *options); }; });

    CLI::App* const apply = config->add_subcommand("apply", "Makes the broker as a document says; again, it changes nothing");
    add_document(*apply);
    apply->add_flag("--dry-run", options->dry_run, "Only show what would be done");
    apply->fallthrough()->callback(
        [&common, &run, options] { run = [&common, options] { return apply_configuration(common, *options); }; });
}

}  // namespace giromq::tool
