#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "rest_client.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

constexpr const char* permissions_path = "/api/v1/permissions";
const std::vector<std::string> grantable{"send", "receive", "browse", "read-body", "create", "move", "delete", "purge", "resolve-xa"};

/// What the options of the commands say.
struct Grant {
    std::string user;
    std::string role;
    std::string pattern;
    std::vector<std::string> actions;
};

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string grantee_text(const json::object& permission) {
    const json::value* const grantee = permission.if_contains("grantee");
    if (grantee == nullptr || !grantee->is_object()) return {};
    return text(grantee->get_object(), "kind") + ' ' + text(grantee->get_object(), "name");
}

std::string actions_text(const json::object& permission) {
    std::string words;
    const json::value* const actions = permission.if_contains("actions");
    if (actions == nullptr || !actions->is_array()) return words;
    for (const auto& action : actions->get_array()) {
        if (action.is_string()) words += (words.empty() ? "" : ",") + std::string(action.get_string());
    }
    return words;
}

int list_permissions(const Common& common) {
    bool head = common.json;
    const auto print_row = [](const std::string& id, const std::string& grantee, const std::string& pattern, const std::string& actions) {
        std::cout << std::left << std::setw(14) << id << ' ' << std::setw(24) << grantee << ' ' << std::setw(24) << pattern << ' '
                  << actions << '\n';
    };
    RestClient(common).list(permissions_path, [&](const json::object& permission) {
        if (!std::exchange(head, true)) print_row("ID", "GRANTEE", "PATTERN", "ACTIONS");
        if (common.json) {
            std::cout << json::serialize(permission) << '\n';
        } else {
            print_row(text(permission, "id"), printable(grantee_text(permission)), printable(text(permission, "pattern")),
                      actions_text(permission));
        }
    });
    if (!head) print_row("ID", "GRANTEE", "PATTERN", "ACTIONS");
    return exit_ok;
}

int grant(const Common& common, const Grant& asked) {
    if (asked.user.empty() == asked.role.empty()) throw ToolError("Either --to-user or --to-role says whom to grant it to.");
    json::array actions;
    for (const auto& action : asked.actions) actions.emplace_back(action);
    const json::object grantee{{"kind", asked.role.empty() ? "user" : "role"}, {"name", asked.role.empty() ? asked.user : asked.role}};
    const json::value body = json::object{{"grantee", grantee}, {"pattern", asked.pattern}, {"actions", std::move(actions)}};
    const auto answer = RestClient(common).call("POST", permissions_path, &body);
    if (common.json) {
        std::cout << json::serialize(answer.body) << '\n';
    } else {
        std::cout << "Permission " << text(answer.body.get_object(), "id") << " granted.\n";
    }
    return exit_ok;
}

int revoke(const Common& common, const std::string& id) {
    confirm(common, "The permission " + id + " will be revoked, and links that need it detached.", id);
    RestClient(common).call("DELETE", std::string(permissions_path) + '/' + percent_encoded(id));
    if (common.json) {
        std::cout << json::serialize(json::object{{"revoked", id}}) << '\n';
    } else {
        std::cout << "Permission " << id << " revoked.\n";
    }
    return exit_ok;
}

/// Exit code 0 if it is allowed, 3 if not: for scripts.
int check(const Common& common, const std::string& user, const std::string& action, const std::string& destination) {
    const auto answer = RestClient(common).call("GET", std::string(permissions_path) + "/check?user=" + percent_encoded(user) + "&action=" +
                                                           percent_encoded(action) + "&destination=" + percent_encoded(destination));
    const json::object& decision = answer.body.as_object();
    const bool allowed = decision.at("allowed").as_bool();
    if (common.json) {
        std::cout << json::serialize(decision) << '\n';
    } else {
        std::cout << (allowed ? "Yes: " : "No: ") << printable(text(decision, "because")) << '\n';
    }
    return allowed ? exit_ok : exit_nothing_received;
}

}  // namespace

void add_permission_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const permission = app.add_subcommand("permission", "List, grant, revoke and check permissions (REST)");
    permission->require_subcommand(1)->fallthrough();
    const auto asked = std::make_shared<Grant>();
    const auto name = std::make_shared<std::string>();
    const auto action = std::make_shared<std::string>();

    CLI::App* const list = permission->add_subcommand("list", "Shows every permission");
    list->fallthrough()->callback([&common, &run] { run = [&common] { return list_permissions(common); }; });

    CLI::App* const add = permission->add_subcommand("grant", "Lets a user, or everybody of a role, do something to some destinations");
    add->add_option("PATTERN", asked->pattern, "Words with dots between them; '*' is any one word, '#' any number")->required();
    add->add_option("ACTION", asked->actions, "What is allowed")->required()->check(CLI::IsMember(grantable));
    add->add_option("--to-user", asked->user, "The user");
    add->add_option("--to-role", asked->role, "The role")->check(CLI::IsMember({"application", "operator"}));
    add->fallthrough()->callback([&common, &run, asked] { run = [&common, asked] { return grant(common, *asked); }; });

    CLI::App* const remove = permission->add_subcommand("revoke", "Takes a permission back; what it does not allow any more ends at once");
    remove->add_option("ID", *name, "The permission's number")->required();
    remove->fallthrough()->callback([&common, &run, name] { run = [&common, name] { return revoke(common, *name); }; });

    CLI::App* const may = permission->add_subcommand("check", "Says whether a user may do something, and why");
    may->add_option("NAME", *name, "The user")->required();
    may->add_option("ACTION", *action, "What is to be done")->required()->check(CLI::IsMember(grantable));
    may->add_option("DESTINATION", asked->pattern, "The destination")->required();
    may->fallthrough()->callback([&common, &run, name, action, asked] {
        run = [&common, name, action, asked] { return check(common, *name, *action, asked->pattern); };
    });
}

}  // namespace giromq::tool
