#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <utility>

#include "commands.hpp"
#include "rest_client.hpp"
#include "rest_table.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

std::string path_of(const std::string& user) { return "/api/v1/users/" + percent_encoded(user); }

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// The role of a user; empty if there is no such user.
std::string role_of(RestClient& rest, const std::string& name) {
    std::string role;
    rest.list("/api/v1/users", [&](const json::object& user) {
        if (text(user, "name") == name) role = text(user, "role");
    });
    return role;
}

void put_user(RestClient& rest, const std::string& name, const std::string& role, std::string password) {
    const json::value body = json::object{{"role", role}, {"password", std::move(password)}};
    rest.call("PUT", path_of(name), &body);
}

int tell(const Common& common, const char* done, const std::string& name) {
    if (common.json) {
        std::cout << json::serialize(json::object{{done, name}}) << '\n';
    } else {
        std::cout << "User '" << name << "' " << done << ".\n";
    }
    return exit_ok;
}

int list_users(const Common& common) {
    bool head = common.json;
    const auto print_row = [](const std::string& name, const std::string& role) {
        std::cout << std::left << std::setw(32) << name << ' ' << role << '\n';
    };
    RestClient(common).list("/api/v1/users", [&](const json::object& user) {
        if (!std::exchange(head, true)) print_row("NAME", "ROLE");
        if (common.json) {
            std::cout << json::serialize(user) << '\n';
        } else {
            print_row(printable(text(user, "name")), printable(text(user, "role")));
        }
    });
    if (!head) print_row("NAME", "ROLE");
    return exit_ok;
}

int add_user(const Common& common, const std::string& name, const std::string& role, const std::string& new_password_file) {
    RestClient rest(common);
    if (!role_of(rest, name).empty()) throw ToolError("There is a user '" + name + "' already; 'giromq user passwd' changes the password.");
    put_user(rest, name, role, new_password(new_password_file, name));
    return tell(common, "added", name);
}

/// The first line of a file.
std::string token_in(const std::string& file) {
    const std::string text = read_file(file, exit_usage);
    return text.substr(0, text.find_first_of("\r\n"));
}

/// Who has the token of a new broker is nobody yet, and becomes its administrator.
int add_first_administrator(const Common& common, const std::string& name, const std::string& role, const std::string& token_file,
                            const std::string& new_password_file) {
    if (role != "administrator") throw ToolError("The token makes an administrator: give --role administrator.", exit_usage);
    RestClient rest(common);
    const json::value body =
        json::object{{"token", token_in(token_file)}, {"user", name}, {"password", new_password(new_password_file, name)}};
    rest.call("POST", "/api/v1/session", &body);
    return tell(common, "added", name);
}

int change_password(const Common& common, const std::string& name, const std::string& new_password_file) {
    RestClient rest(common);
    const std::string role = role_of(rest, name);
    if (role.empty()) throw ToolError("There is no user '" + name + "'; 'giromq user list' shows those there are.");
    put_user(rest, name, role, new_password(new_password_file, name));
    return tell(common, "changed", name);
}

/// Whoever it is; the broker checks the password of now again, in the body.
int change_own_password(const Common& common, const std::string& new_password_file) {
    if (common.user.empty()) throw ToolError("Say by --user whose password it is.", exit_usage);
    const std::string current = password_of(common);
    RestClient rest(common, current);
    const json::value body = json::object{{"current", current}, {"new", new_password(new_password_file, common.user)}};
    rest.call("PUT", "/api/v1/session/password", &body);
    return tell(common, "changed", common.user);
}

int change_role(const Common& common, const std::string& name, const std::string& role) {
    const json::value body = json::object{{"role", role}};
    RestClient(common).call("PUT", path_of(name), &body);
    return tell(common, "changed", name);
}

/// What each role may do everywhere.
int list_roles(const Common& common) {
    const auto answer = RestClient(common).call("GET", "/api/v1/roles");
    for (const auto& role : object_of(answer).at("items").as_array()) {
        if (common.json) {
            std::cout << json::serialize(role) << '\n';
        } else {
            std::cout << std::left << std::setw(16) << field_text(role.as_object(), "name") << field_text(role.as_object(), "mayDo")
                      << '\n';
        }
    }
    return exit_ok;
}

int remove_user(const Common& common, const std::string& name) {
    RestClient rest(common);
    if (role_of(rest, name).empty()) throw ToolError("There is no user '" + name + "'; 'giromq user list' shows those there are.");
    confirm(common, "The user '" + name + "' will be removed.", name);
    rest.call("DELETE", path_of(name));
    return tell(common, "removed", name);
}

}  // namespace

void add_user_commands(CLI::App& app, const Common& common, Run& run) {
    const auto file = std::make_shared<std::string>();
    const auto file_help = "File with the new password in its first line; without it the password is asked for";

    CLI::App* const password = app.add_subcommand("password", "Changes the password of the user that logs in (REST)");
    password->add_option("--new-password-file", *file, file_help);
    password->fallthrough()->callback([&common, &run, file] { run = [&common, file] { return change_own_password(common, *file); }; });

    CLI::App* const user = app.add_subcommand("user", "List, add and remove users, change passwords (REST)");
    user->require_subcommand(1)->fallthrough();
    const auto name = std::make_shared<std::string>();
    const auto role = std::make_shared<std::string>("application");

    CLI::App* const list = user->add_subcommand("list", "Shows every user with the role");
    list->fallthrough()->callback([&common, &run] { run = [&common] { return list_users(common); }; });

    CLI::App* const add = user->add_subcommand("add", "Adds a user");
    add->add_option("NAME", *name, "The user's name")->required();
    add->add_option("--role", *role, "What the user may do")
        ->check(CLI::IsMember({"administrator", "operator", "auditor", "application"}))
        ->capture_default_str();
    add->add_option("--new-password-file", *file, file_help);
    const auto token = std::make_shared<std::string>();
    add->add_option("--token-file", *token, "The file first-login-token of a new broker, which lets one make its first administrator");
    add->fallthrough()->callback([&common, &run, name, role, file, token] {
        run = [&common, name, role, file, token] {
            return token->empty() ? add_user(common, *name, *role, *file) : add_first_administrator(common, *name, *role, *token, *file);
        };
    });

    CLI::App* const passwd = user->add_subcommand("passwd", "Changes a user's password");
    passwd->add_option("NAME", *name, "The user's name")->required();
    passwd->add_option("--new-password-file", *file, file_help);
    passwd->fallthrough()->callback(
        [&common, &run, name, file] { run = [&common, name, file] { return change_password(common, *name, *file); }; });

    CLI::App* const change = user->add_subcommand("role", "Changes a user's role; the password stays");
    change->add_option("NAME", *name, "The user's name")->required();
    change->add_option("ROLE", *role, "What the user may do")
        ->required()
        ->check(CLI::IsMember({"administrator", "operator", "auditor", "application"}));
    change->fallthrough()->callback(
        [&common, &run, name, role] { run = [&common, name, role] { return change_role(common, *name, *role); }; });

    CLI::App* const roles = user->add_subcommand("roles", "Shows what each role may do");
    roles->fallthrough()->callback([&common, &run] { run = [&common] { return list_roles(common); }; });

    CLI::App* const remove = user->add_subcommand("remove", "Removes a user");
    remove->add_option("NAME", *name, "The user's name")->required();
    remove->fallthrough()->callback([&common, &run, name] { run = [&common, name] { return remove_user(common, *name); }; });
}

}  // namespace giromq::tool
