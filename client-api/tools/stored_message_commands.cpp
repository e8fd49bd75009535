#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "commands.hpp"
#include "progress.hpp"
#include "rest_client.hpp"

// Messages as they lie in queues, over REST: `giromq message` and `giromq operation`. Nothing here takes a message as a consumer does.

namespace giromq::tool {
namespace json = boost::json;
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(200);

/// Which messages, and what to do with them.
struct Choice {
    std::string queue;
    std::string to;
    std::vector<std::string> ids;
    std::string selector;
    bool all = false;
    bool dry_run = false;
    bool no_wait = false;
    std::uint64_t limit = 0;
};

std::uint64_t number(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

std::string text(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? printable(value->get_string()) : std::string();
}

const json::object& object_of(const RestClient::Answer& answer) {
    if (const auto* const object = answer.body.if_object()) return *object;
    throw ToolError("The answer is not what a GiroMQ broker answers; check --http.");
}

std::string path_of(const std::string& queue) { return "/api/v1/queues/" + percent_encoded(queue) + "/messages"; }

void print_row(const std::string& id, const std::string& arrived, const std::string& state, const std::string& type,
               const std::string& size, const std::string& deliveries, const std::string& message_id) {
    std::cout << std::left << std::setw(12) << id << ' ' << std::setw(24) << arrived << ' ' << std::setw(10) << state << ' ' << std::setw(7)
              << type << std::right << std::setw(10) << size << std::setw(6) << deliveries << "  " << message_id << '\n';
}

void print_summary(const json::object& message) {
    print_row(text(message, "id"), text(message, "arrivedAt"), text(message, "state"), text(message, "type"),
              readable_bytes(number(message, "bytes")), grouped(number(message, "deliveryCount")), text(message, "messageId"));
    const auto* const dead_letter = message.if_contains("deadLetter");
    if (dead_letter == nullptr || !dead_letter->is_object()) return;
    const auto& reason = dead_letter->get_object();
    std::cout << "             dead letter of '" << text(reason, "origin") << "': " << text(reason, "reason") << ", "
              << text(reason, "description") << '\n';
}

/// One page after another, since a search may find nothing for a long time.
int list_messages(const Common& common, const Choice& choice) {
    RestClient rest(common);
    const auto wanted = choice.limit == 0 ? 100 : choice.limit;
    std::uint64_t shown = 0;
    std::string cursor;
    do {
        auto path = path_of(choice.queue) + "?limit=" + std::to_string(std::min<std::uint64_t>(wanted - shown, 1000));
        if (!choice.selector.empty()) path += "&selector=" + percent_encoded(choice.selector);
        if (!cursor.empty()) path += "&cursor=" + cursor;
        const auto answer = rest.call("GET", path);
        const auto& page = object_of(answer);
        for (const auto& item : page.at("items").as_array()) {
            if (common.json) {
                std::cout << json::serialize(item) << '\n';
            } else {
                if (shown == 0) print_row("ID", "ARRIVED", "STATE", "TYPE", "SIZE", "TRIES", "MESSAGE ID");
                print_summary(item.as_object());
            }
            ++shown;
        }
        cursor = text(page, "nextCursor");
    } while (!cursor.empty() && shown < wanted);
    if (!common.json && !cursor.empty()) std::cout << "There are more; --limit says how many are shown.\n";
    if (!common.json && shown == 0) std::cout << "There is no such message.\n";
    return shown == 0 ? exit_nothing_received : exit_ok;
}

/// Every message with its body, a line each, in parts as the broker gives them.
int export_messages(const Common& common, const Choice& choice) {
    RestClient rest(common);
    std::uint64_t left = choice.limit == 0 ? std::numeric_limits<std::uint64_t>::max() : choice.limit;
    auto path = path_of(choice.queue) + "/export?limit=" + std::to_string(std::min<std::uint64_t>(left, 1000));
    if (!choice.selector.empty()) path += "&selector=" + percent_encoded(choice.selector);
    bool is_any = false;
    while (!path.empty() && left > 0) {
        const auto answer = rest.call("GET", path);
        for (std::string_view rest_of_part = answer.text; !rest_of_part.empty() && left > 0; --left) {
            const auto end = rest_of_part.find('\n');
            std::cout << rest_of_part.substr(0, end) << '\n';
            rest_of_part.remove_prefix(end == std::string_view::npos ? rest_of_part.size() : end + 1);
            is_any = true;
        }
        if (!std::cout.flush()) throw ToolError("The output cannot be written; not every message is in it.");
        path = answer.next;
    }
    return is_any ? exit_ok : exit_nothing_received;
}

int show_message(const Common& common, const std::string& queue, const std::string& id) {
    const auto answer = RestClient(common).call("GET", path_of(queue) + "/" + percent_encoded(id));
    const auto& message = object_of(answer);
    if (common.json) {
        std::cout << json::serialize(message) << '\n';
        return exit_ok;
    }
    for (const auto& field : message) {
        if (field.key() == "properties" || field.key() == "annotations" || field.key() == "body" || field.value().is_null()) continue;
        const auto value = field.value().is_string() ? std::string(field.value().get_string()) : json::serialize(field.value());
        std::cout << std::left << std::setw(18) << printable(std::string_view(field.key())) << printable(value) << '\n';
    }
    for (const auto* const list : {"properties", "annotations"}) {
        for (const auto& item : message.at(list).as_array()) {
            const auto& value = item.at("value");
            std::cout << (list[0] == 'p' ? "property    " : "annotation  ") << text(item.as_object(), "name") << " = "
                      << printable(value.is_string() ? std::string(value.get_string()) : json::serialize(value)) << " ("
                      << text(item.as_object(), "type") << ")\n";
        }
    }
    if (const auto* const body = message.at("body").if_object()) {
        const bool is_text = text(*body, "encoding") == "text";
        const auto* const content = body->if_contains(is_text ? "text" : "base64");
        std::cout << "\n" << (content == nullptr ? std::string() : printable(content->as_string(), "\n\t")) << '\n';
        if (body->at("truncated").as_bool()) std::cout << "(of " << readable_bytes(number(*body, "bytes")) << ")\n";
    }
    return exit_ok;
}

/// The bytes as they are: into a file that is for its owner only, or, as for a pipe, to the standard output.
int save_body(const Common& common, const std::string& queue, const std::string& id, const std::string& file) {
    const bool is_output = file.empty() || file == "-";
    if (is_output && ::isatty(STDOUT_FILENO) != 0) throw ToolError("A body can be anything; give a file for it by --output.", exit_usage);
    const auto answer = RestClient(common).call("GET", path_of(queue) + "/" + percent_encoded(id) + "/body");
    if (is_output) {
        if (!(std::cout << answer.text).flush()) throw ToolError("The output cannot be written.");
        return exit_ok;
    }
    write_private_file(file, answer.text);
    if (common.json) {
        std::cout << json::serialize(json::object{{"file", file}, {"bytes", answer.text.size()}}) << '\n';
    } else {
        std::cout << readable_bytes(answer.text.size()) << " are in " << printable(file) << ".\n";
    }
    return exit_ok;
}

void print_operation(const json::object& operation) {
    std::cout << std::left << std::setw(6) << text(operation, "id") << std::setw(8) << text(operation, "kind") << std::setw(11)
              << text(operation, "state") << std::right << std::setw(14) << grouped(number(operation, "done")) << "  "
              << text(operation, "queue");
    if (!text(operation, "to").empty()) std::cout << " -> " << text(operation, "to");
    std::cout << ", by " << text(operation, "by");
    if (number(operation, "skipped") > 0) std::cout << ", " << grouped(number(operation, "skipped")) << " left in their place";
    if (!text(operation, "error").empty()) std::cout << ": " << text(operation, "error");
    std::cout << '\n';
}

/// Until it has ended; the exit code says how.
int wait_for(const Common& common, RestClient& rest, json::object operation) {
    const auto path = "/api/v1/operations/" + text(operation, "id");
    Progress progress(text(operation, "kind"), number(operation, "matched"));
    while (text(operation, "state") == "running") {
        progress.update(number(operation, "done"));
        std::this_thread::sleep_for(poll_interval);
        operation = object_of(rest.call("GET", path));
    }
    progress.finish();
    if (common.json) {
        std::cout << json::serialize(operation) << '\n';
    } else {
        print_operation(operation);
    }
    return text(operation, "state") == "done" ? exit_ok : exit_failed;
}

json::object body_of(const Choice& choice, bool dry_run) {
    json::object body;
    if (!choice.to.empty()) body["to"] = choice.to;
    if (!choice.ids.empty()) body["ids"] = json::array(choice.ids.begin(), choice.ids.end());
    if (!choice.selector.empty()) body["selector"] = choice.selector;
    if (choice.all) body["all"] = true;
    if (choice.limit > 0) body["limit"] = choice.limit;
    if (dry_run) body["dryRun"] = true;
    return body;
}

int report_named(const Common& common, const json::object& outcome) {
    const auto& failed = outcome.at("failed").as_array();
    if (common.json) {
        std::cout << json::serialize(outcome) << '\n';
    } else {
        std::cout << "Done: " << grouped(number(outcome, "done")) << " messages.\n";
        for (const auto& item : failed) {
            std::cout << "Not done: " << text(item.as_object(), "id") << " (" << text(item.as_object(), "code") << ")\n";
        }
    }
    return failed.empty() ? exit_ok : exit_failed;
}

/// Says how many it will be before it asks.
void confirm_change(const Common& common, RestClient& rest, const Choice& choice, const std::string& verb) {
    if (common.yes) return;
    if (!choice.ids.empty()) {
        return confirm(common, "Will " + verb + " " + std::to_string(choice.ids.size()) + " messages of '" + choice.queue + "'.",
                       choice.queue);
    }
    const json::value count_of = body_of(choice, true);
    const auto answer = rest.call("POST", path_of(choice.queue) + "/" + verb, &count_of);
    const auto& count = object_of(answer);
    const bool is_all = count.at("complete").as_bool();
    confirm(common,
            "Will " + verb + (is_all ? " " : " at least ") + grouped(number(count, "matched")) + " messages (" +
                readable_bytes(number(count, "bytes")) + ") of '" + choice.queue + "'.",
            choice.queue);
}

int change_messages(const Common& common, const Choice& choice, const std::string& verb) {
    const int ways = (choice.ids.empty() ? 0 : 1) + (choice.selector.empty() ? 0 : 1) + (choice.all ? 1 : 0);
    if (ways != 1) throw ToolError("Say which messages: their ids, or --selector, or --all.", exit_usage);
    RestClient rest(common);
    if (!choice.dry_run && verb != "copy") confirm_change(common, rest, choice, verb);
    const json::value body = body_of(choice, choice.dry_run);
    const auto answer = rest.call("POST", path_of(choice.queue) + "/" + verb, &body);
    const auto& object = object_of(answer);
    if (choice.dry_run) {
        if (common.json) {
            std::cout << json::serialize(object) << '\n';
        } else {
            std::cout << (object.at("complete").as_bool() ? "" : "At least ") << grouped(number(object, "matched")) << " messages ("
                      << readable_bytes(number(object, "bytes")) << ") match.\n";
        }
        return exit_ok;
    }
    if (answer.status != 202) return report_named(common, object);
    if (!choice.no_wait) return wait_for(common, rest, object);
    if (common.json) {
        std::cout << json::serialize(object) << '\n';
    } else {
        std::cout << "Operation " << text(object, "id") << " has begun; 'giromq operation show' says how far it is.\n";
    }
    return exit_ok;
}

void add_change_command(CLI::App& message, const Common& common, Run& run, const std::string& verb, const char* help) {
    const auto choice = std::make_shared<Choice>();
    CLI::App* const command = message.add_subcommand(verb, help);
    command->add_option("QUEUE", choice->queue, "Where they are")->required();
    if (verb == "move" || verb == "copy") command->add_option("--to", choice->to, "The queue they go to")->required();
    command->add_option("ID", choice->ids, "Their ids, as 'giromq message list' shows them");
    command->add_option("--selector", choice->selector, "Those that it selects; SQL or XML");
    command->add_flag("--all", choice->all, "All that are there now");
    command->add_option("--limit", choice->limit, "No more than so many");
    command->add_flag("--dry-run", choice->dry_run, "Only say how many it would be");
    command->add_flag("--no-wait", choice->no_wait, "Do not wait for the end of it");
    command->fallthrough()->callback(
        [&common, &run, choice, verb] { run = [&common, choice, verb] { return change_messages(common, *choice, verb); }; });
}

int list_operations(const Common& common) {
    std::uint64_t shown = 0;
    RestClient(common).list("/api/v1/operations", [&](const json::object& operation) {
        ++shown;
        if (common.json) {
            std::cout << json::serialize(operation) << '\n';
        } else {
            print_operation(operation);
        }
    });
    if (!common.json && shown == 0) std::cout << "There is no operation.\n";
    return exit_ok;
}

int show_operation(const Common& common, const std::string& id, bool is_cancelled) {
    RestClient rest(common);
    const auto path = "/api/v1/operations/" + percent_encoded(id);
    if (!is_cancelled) return wait_for(common, rest, object_of(rest.call("GET", path)));
    const auto operation = object_of(rest.call("DELETE", path));
    if (common.json) {
        std::cout << json::serialize(operation) << '\n';
    } else {
        print_operation(operation);
    }
    return exit_ok;
}

void add_operation_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const operation = app.add_subcommand("operation", "Work on many messages: list, follow, cancel (REST)");
    operation->require_subcommand(1)->fallthrough();
    CLI::App* const list = operation->add_subcommand("list", "Shows the latest, newest first");
    list->fallthrough()->callback([&common, &run] { run = [&common] { return list_operations(common); }; });
    const auto id = std::make_shared<std::string>();
    CLI::App* const show = operation->add_subcommand("show", "Follows one to its end; exit code 1 if it failed or was cancelled");
    show->add_option("ID", *id, "Its number")->required();
    show->fallthrough()->callback([&common, &run, id] { run = [&common, id] { return show_operation(common, *id, false); }; });
    CLI::App* const cancel = operation->add_subcommand("cancel", "Stops one; what it has done stays done");
    cancel->add_option("ID", *id, "Its number")->required();
    cancel->fallthrough()->callback([&common, &run, id] { run = [&common, id] { return show_operation(common, *id, true); }; });
}

}  // namespace

void add_stored_message_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const message = app.add_subcommand("message", "Look at messages in queues, export, move, copy, retry and delete them (REST)");
    message->require_subcommand(1)->fallthrough();

    const auto choice = std::make_shared<Choice>();
    CLI::App* const list = message->add_subcommand("list", "Shows messages without disturbing their queue; exit code 3 if there is none");
    list->add_option("QUEUE", choice->queue, "Where they are")->required();
    list->add_option("--selector", choice->selector, "Only those that it selects; SQL or XML");
    list->add_option("--limit", choice->limit, "So many at most; 100 if nothing is said");
    list->fallthrough()->callback([&common, &run, choice] { run = [&common, choice] { return list_messages(common, *choice); }; });

    CLI::App* const lines = message->add_subcommand("export", "Writes messages with their bodies, a JSON object a line; takes none away");
    lines->add_option("QUEUE", choice->queue, "Where they are")->required();
    lines->add_option("--selector", choice->selector, "Only those that it selects; SQL or XML");
    lines->add_option("--limit", choice->limit, "So many at most; all if nothing is said");
    lines->fallthrough()->callback([&common, &run, choice] { run = [&common, choice] { return export_messages(common, *choice); }; });

    const auto id = std::make_shared<std::string>();
    CLI::App* const show = message->add_subcommand("show", "Shows one with its properties and its body");
    show->add_option("QUEUE", choice->queue, "Where it is")->required();
    show->add_option("ID", *id, "Its id, as 'giromq message list' shows it")->required();
    show->fallthrough()->callback(
        [&common, &run, choice, id] { run = [&common, choice, id] { return show_message(common, choice->queue, *id); }; });

    const auto file = std::make_shared<std::string>();
    CLI::App* const body = message->add_subcommand("body", "Saves the body of one, byte by byte");
    body->add_option("QUEUE", choice->queue, "Where it is")->required();
    body->add_option("ID", *id, "Its id, as 'giromq message list' shows it")->required();
    body->add_option("-o,--output", *file, "The file that it goes into, for you only; without it the standard output");
    body->fallthrough()->callback(
        [&common, &run, choice, id, file] { run = [&common, choice, id, file] { return save_body(common, choice->queue, *id, *file); }; });

    add_change_command(*message, common, run, "move", "Moves messages to another queue, each in one step");
    add_change_command(*message, common, run, "copy", "Copies messages to another queue");
    add_change_command(*message, common, run, "retry", "Gives dead letters back to the queues they came from");
    add_change_command(*message, common, run, "delete", "Deletes messages for good");
    add_operation_commands(app, common, run);
}

}  // namespace giromq::tool
