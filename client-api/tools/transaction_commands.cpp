#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "rest_client.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

std::uint64_t number(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? printable(value->get_string()) : std::string();
}

std::string path_of(const std::string& xid) { return "/api/v1/transactions/" + percent_encoded(xid); }

/// "3 d 4 h", "5 min 6 s": the two largest units.
std::string readable_age(std::uint64_t milliseconds) {
    const std::uint64_t seconds = milliseconds / 1000;
    const auto two = [](std::uint64_t most, const char* unit, std::uint64_t rest, const char* smaller) {
        return std::to_string(most) + ' ' + unit + ' ' + std::to_string(rest) + ' ' + smaller;
    };
    if (seconds >= 86400) return two(seconds / 86400, "d", seconds % 86400 / 3600, "h");
    if (seconds >= 3600) return two(seconds / 3600, "h", seconds % 3600 / 60, "min");
    if (seconds >= 60) return two(seconds / 60, "min", seconds % 60, "s");
    return std::to_string(seconds) + " s";
}

/// Longer than any column: so the XID, which commands want, has a line of its own.
void print_branch(const json::object& branch) {
    std::cout << text(branch, "xid") << '\n'
              << "    " << text(branch, "description") << '\n'
              << "    " << text(branch, "state") << ", " << readable_age(number(branch, "ageMs")) << " old, of user '"
              << text(branch, "owner") << "': " << grouped(number(branch, "puts")) << " puts (" << readable_bytes(number(branch, "bytes"))
              << "), " << grouped(number(branch, "gets")) << " gets\n";
    const json::value* const destinations = branch.if_contains("destinations");
    if (destinations != nullptr && destinations->is_array()) {
        for (const auto& item : destinations->get_array()) {
            if (!item.is_object()) continue;
            const auto& destination = item.get_object();
            std::cout << "    " << text(destination, "name") << ": " << grouped(number(destination, "puts")) << " puts, "
                      << grouped(number(destination, "gets")) << " gets\n";
        }
    }
    if (!text(branch, "decidedBy").empty()) {
        std::cout << "    decided by '" << text(branch, "decidedBy") << "' at " << text(branch, "decidedAt") << ": "
                  << text(branch, "reason") << '\n';
    }
}

int list_branches(const Common& common) {
    std::uint64_t shown = 0;
    RestClient(common).list("/api/v1/transactions", [&](const json::object& branch) {
        ++shown;
        if (common.json) {
            std::cout << json::serialize(branch) << '\n';
        } else {
            print_branch(branch);
        }
    });
    if (!common.json && shown == 0) std::cout << "No transaction is in doubt.\n";
    return exit_ok;
}

json::object find_branch(RestClient& rest, const std::string& xid) {
    const RestClient::Answer answer = rest.find(path_of(xid));
    if (!answer.body.is_object()) throw ToolError("No transaction " + xid + " is in doubt; 'giromq xa list' shows those that are.");
    return answer.body.get_object();
}

int show_branch(const Common& common, const std::string& xid) {
    RestClient rest(common);
    const json::object branch = find_branch(rest, xid);
    if (common.json) {
        std::cout << json::serialize(branch) << '\n';
    } else {
        print_branch(branch);
    }
    rest.list(path_of(xid) + "/messages", [&](const json::object& message) {
        if (common.json) {
            std::cout << json::serialize(message) << '\n';
            return;
        }
        std::cout << "    " << text(message, "work") << ' ' << std::left << std::setw(30) << text(message, "destination") << ' '
                  << std::setw(40) << text(message, "messageId") << ' ' << text(message, "arrivedAt") << ' '
                  << readable_bytes(number(message, "bytes")) << '\n';
    });
    return exit_ok;
}

/// A decision: what it is called on the way, what it does, and what is said when it is done.
struct Verb {
    const char* path;
    const char* warning;
    const char* done;
};

constexpr Verb commit_verb{"commit", "will be committed here, whatever its transaction manager does elsewhere.", "Committed"};
constexpr Verb rollback_verb{"rollback", "will be rolled back here, whatever its transaction manager does elsewhere.", "Rolled back"};
constexpr Verb forget_verb{"forget", "will be forgotten; its transaction manager will not hear of the decision.", "Forgot"};

int decide(const Common& common, const Verb& verb, const std::string& xid, const std::string& reason) {
    RestClient rest(common);
    const json::object branch = find_branch(rest, xid);
    if (!common.json && !common.yes) print_branch(branch);
    confirm(common, "The transaction " + text(branch, "xid") + ' ' + verb.warning, text(branch, "xid"));
    const json::value body = json::object{{"reason", reason}};
    rest.call("POST", path_of(xid) + '/' + verb.path, &body);
    if (common.json) {
        std::cout << json::serialize(json::object{{"xid", text(branch, "xid")}, {"done", verb.path}}) << '\n';
    } else {
        std::cout << verb.done << " the transaction " << text(branch, "xid") << ".\n";
    }
    return exit_ok;
}

}  // namespace

void add_transaction_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const xa = app.add_subcommand("xa", "Transactions in doubt: list, show, and decide on them (REST)");
    xa->require_subcommand(1)->fallthrough();

    CLI::App* const list = xa->add_subcommand("list", "Shows every transaction branch in doubt; with --json one object a line");
    list->fallthrough()->callback([&common, &run] { run = [&common] { return list_branches(common); }; });

    const auto xid = std::make_shared<std::string>();
    CLI::App* const show = xa->add_subcommand("show", "Shows one with its messages");
    show->add_option("XID", *xid, "As 'giromq xa list' shows it")->required();
    show->fallthrough()->callback([&common, &run, xid] { run = [&common, xid] { return show_branch(common, *xid); }; });

    const auto reason = std::make_shared<std::string>();
    const auto add_decision = [&](const char* name, const char* help, const Verb& verb) {
        CLI::App* const command = xa->add_subcommand(name, help);
        command->add_option("XID", *xid, "As 'giromq xa list' shows it")->required();
        command->add_option("--reason", *reason, "Why; goes into the audit")->required();
        command->fallthrough()->callback(
            [&common, &run, &verb, xid, reason] { run = [&common, &verb, xid, reason] { return decide(common, verb, *xid, *reason); }; });
    };
    add_decision("commit", "Commits a prepared branch in place of its transaction manager (a heuristic decision)", commit_verb);
    add_decision("rollback", "Rolls a prepared branch back in place of its transaction manager (a heuristic decision)", rollback_verb);
    add_decision("forget", "Forgets a branch that was decided on, if its transaction manager never will", forget_verb);
}

}  // namespace giromq::tool
