#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

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

std::string path_of(const std::string& queue) { return "/api/v1/queues/" + percent_encoded(queue); }

void print_row(const std::string& name, const std::string& messages, const std::string& size, const std::string& delivering,
               const std::string& consumers, const std::string& producers) {
    std::cout << std::left << std::setw(40) << name << std::right << ' ' << std::setw(13) << messages << std::setw(12) << size
              << std::setw(12) << delivering << std::setw(11) << consumers << std::setw(11) << producers << '\n';
}

struct Filter {
    std::string name;
    std::string sort;
    std::string state;

    std::string query() const {
        std::string text;
        const auto add = [&](const char* key, const std::string& value) {
            if (!value.empty()) text += (text.empty() ? "?" : "&") + std::string(key) + "=" + percent_encoded(value);
        };
        add("name", name);
        add("sort", sort);
        add("state", state);
        return text;
    }
};

int list_queues(const Common& common, const Filter& filter) {
    std::uint64_t shown = 0;
    const auto print_head = [&] {
        if (!common.json && shown++ == 0) print_row("NAME", "MESSAGES", "SIZE", "DELIVERING", "CONSUMERS", "PRODUCERS");
    };
    RestClient(common).list("/api/v1/queues" + filter.query(), [&](const json::object& queue) {
        print_head();
        if (common.json) {
            std::cout << json::serialize(queue) << '\n';
            return;
        }
        print_row(text(queue, "name"), grouped(number(queue, "messages")), readable_bytes(number(queue, "bytes")),
                  grouped(number(queue, "delivering")), grouped(number(queue, "consumers")), grouped(number(queue, "producers")));
    });
    print_head();
    return exit_ok;
}

/// The queue as the broker knows it; a ToolError if it does not.
json::object find_queue(RestClient& rest, const std::string& name) {
    const RestClient::Answer answer = rest.find(path_of(name));
    if (!answer.body.is_object()) throw ToolError("There is no queue '" + name + "'; 'giromq queue list' shows those there are.");
    return answer.body.get_object();
}

struct Settings {
    std::optional<std::uint64_t> max_messages;
    std::optional<std::uint64_t> max_bytes;
    std::optional<std::uint32_t> max_deliveries;
    std::optional<std::uint32_t> duplicate_ids_max;
    std::optional<std::uint64_t> duplicate_ids_age_ms;
    std::string overflow;
    std::string dead_letter_queue;
    std::optional<bool> strict;
};

json::object body_of(const Settings& settings) {
    json::object body;
    if (settings.max_messages) body["maxMessages"] = *settings.max_messages;
    if (settings.max_bytes) body["maxBytes"] = *settings.max_bytes;
    if (settings.max_deliveries) body["maxDeliveries"] = *settings.max_deliveries;
    if (settings.duplicate_ids_max) body["duplicateIdsMax"] = *settings.duplicate_ids_max;
    if (settings.duplicate_ids_age_ms) body["duplicateIdsAgeMs"] = *settings.duplicate_ids_age_ms;
    if (!settings.overflow.empty()) body["overflow"] = settings.overflow;
    if (settings.strict) body["strict"] = *settings.strict;
    if (!settings.dead_letter_queue.empty()) body["deadLetterQueue"] = settings.dead_letter_queue;
    return body;
}

int create_queue(const Common& common, const std::string& name, const Settings& settings) {
    const json::value value = body_of(settings);
    const RestClient::Answer answer = RestClient(common).call("PUT", path_of(name), &value);
    if (common.json) {
        std::cout << json::serialize(answer.body) << '\n';
    } else {
        std::cout << (answer.status == 201 ? "Created the queue '" : "There is already such a queue '") << name << "'.\n";
    }
    return exit_ok;
}

int change_queue(const Common& common, const std::string& name, const Settings& settings) {
    const json::value value = body_of(settings);
    if (value.get_object().empty()) throw ToolError("Say what to change; 'giromq queue set --help' shows what there is.", exit_usage);
    RestClient rest(common);
    const auto seen = rest.find(path_of(name));
    if (!seen.body.is_object()) throw ToolError("There is no queue '" + name + "'; 'giromq queue list' shows those there are.");
    const auto answer = rest.call("PATCH", path_of(name), &value, seen.etag);
    if (common.json) {
        std::cout << json::serialize(answer.body) << '\n';
    } else {
        std::cout << "Changed the queue '" << name << "'.\n";
    }
    return exit_ok;
}

/// Both directions unless one is named.
int pause_queue(const Common& common, const std::string& name, bool is_paused, bool only_sending, bool only_receiving) {
    json::object body;
    if (!only_receiving) body["send"] = is_paused;
    if (!only_sending) body["receive"] = is_paused;
    const json::value value = body;
    const auto answer = RestClient(common).call("POST", path_of(name) + "/pause", &value);
    if (common.json) {
        std::cout << json::serialize(answer.body) << '\n';
        return exit_ok;
    }
    const auto& paused = answer.body.at("paused").as_object();
    const auto word = [&](const char* direction) { return paused.at(direction).as_bool() ? "paused" : "running"; };
    std::cout << "Queue '" << name << "': sending is " << word("send") << ", receiving is " << word("receive") << ".\n";
    return exit_ok;
}

int delete_queue(const Common& common, const std::string& name, bool even_if_used) {
    RestClient rest(common);
    const json::object queue = find_queue(rest, name);
    const std::uint64_t messages = number(queue, "messages");
    confirm(common, "The queue '" + name + "' will be deleted with its " + grouped(messages) + " messages.", name);
    rest.call("DELETE", path_of(name) + (even_if_used ? "?evenIfUsed=true" : ""));
    if (common.json) {
        std::cout << json::serialize(json::object{{"deleted", name}, {"messages", messages}}) << '\n';
    } else {
        std::cout << "Deleted the queue '" << name << "'.\n";
    }
    return exit_ok;
}

int purge_queue(const Common& common, const std::string& name) {
    RestClient rest(common);
    const json::object queue = find_queue(rest, name);
    confirm(common, "All " + grouped(number(queue, "messages")) + " messages of the queue '" + name + "' will be removed.", name);
    const RestClient::Answer answer = rest.call("POST", path_of(name) + "/purge");
    const std::uint64_t purged = answer.body.is_object() ? number(answer.body.get_object(), "purged") : 0;
    if (common.json) {
        std::cout << json::serialize(answer.body) << '\n';
    } else {
        std::cout << "Removed " << grouped(purged) << " messages from the queue '" << name << "'.\n";
    }
    return exit_ok;
}

void add_settings(CLI::App& command, const std::shared_ptr<Settings>& settings) {
    command.add_option("--max-messages", settings->max_messages, "Most messages it holds; 0 for no limit");
    command.add_option("--max-bytes", settings->max_bytes, "Most bytes it holds; 0 for no limit");
    command.add_option("--overflow", settings->overflow, "At the limit: refuse sends, or hold producers back")
        ->check(CLI::IsMember({"refuse", "hold"}));
    command.add_option("--max-deliveries", settings->max_deliveries,
                       "Failed deliveries before a message goes to the dead-letter queue; 0 for no limit");
    command.add_option("--dead-letter-queue", settings->dead_letter_queue, "Where those messages go");
    command.add_option("--duplicate-ids-max", settings->duplicate_ids_max, "How many ids given by applications are remembered");
    command.add_option("--duplicate-ids-age-ms", settings->duplicate_ids_age_ms, "For how long, in milliseconds");
    command.add_flag_function(
        "--strict,!--not-strict", [settings](std::int64_t count) { settings->strict = count > 0; },
        "Messages wait while one before them is undecided (docs/strict-queues.md)");
}

void add_pause_command(CLI::App& queue, const Common& common, Run& run, const std::string& verb, const char* help) {
    const auto name = std::make_shared<std::string>();
    const auto only_sending = std::make_shared<bool>(false);
    const auto only_receiving = std::make_shared<bool>(false);
    CLI::App* const command = queue.add_subcommand(verb, help);
    command->add_option("QUEUE", *name, "Its name")->required();
    auto* const sending = command->add_flag("--sending", *only_sending, "Only what is sent to it");
    command->add_flag("--receiving", *only_receiving, "Only what is received from it")->excludes(sending);
    const bool is_paused = verb == "pause";
    command->fallthrough()->callback([&common, &run, name, is_paused, only_sending, only_receiving] {
        run = [&common, name, is_paused, only_sending, only_receiving] {
            return pause_queue(common, *name, is_paused, *only_sending, *only_receiving);
        };
    });
}

}  // namespace

void add_queue_commands(CLI::App& app, const Common& common, Run& run) {
    CLI::App* const queue = app.add_subcommand("queue", "List, create, change, pause, delete and purge queues (REST)");
    queue->require_subcommand(1)->fallthrough();

    CLI::App* const list = queue->add_subcommand("list", "Shows every queue; with --json one object a line");
    const auto filter = std::make_shared<Filter>();
    list->add_option("--name", filter->name, "Only queues whose name holds this text");
    list->add_option("--sort", filter->sort,
                     "name, messages, bytes, consumers, producers, oldestArrivedAt, enqueued, deadLettered; -messages: the deepest first");
    list->add_option("--state", filter->state, "Only those that are paused, or running")->check(CLI::IsMember({"paused", "running"}));
    list->fallthrough()->callback([&common, &run, filter] { run = [&common, filter] { return list_queues(common, *filter); }; });

    const auto name = std::make_shared<std::string>();
    const auto settings = std::make_shared<Settings>();
    CLI::App* const create = queue->add_subcommand("create", "Creates a queue; limits that are not given are the broker's defaults");
    create->add_option("QUEUE", *name, "Its name")->required();
    add_settings(*create, settings);
    create->fallthrough()->callback(
        [&common, &run, name, settings] { run = [&common, name, settings] { return create_queue(common, *name, *settings); }; });

    CLI::App* const set = queue->add_subcommand("set", "Changes settings of a queue; those that are not given stay as they are");
    set->add_option("QUEUE", *name, "Its name")->required();
    add_settings(*set, settings);
    set->fallthrough()->callback(
        [&common, &run, name, settings] { run = [&common, name, settings] { return change_queue(common, *name, *settings); }; });

    add_pause_command(*queue, common, run, "pause", "Pauses sending to a queue and receiving from it, until 'resume'");
    add_pause_command(*queue, common, run, "resume", "Lets a paused queue go on");

    const auto even_if_used = std::make_shared<bool>(false);
    CLI::App* const remove = queue->add_subcommand("delete", "Deletes a queue with its messages");
    remove->add_option("QUEUE", *name, "Its name")->required();
    remove->add_flag("--even-if-used", *even_if_used, "Also if it has consumers, which are ended");
    remove->fallthrough()->callback([&common, &run, name, even_if_used] {
        run = [&common, name, even_if_used] { return delete_queue(common, *name, *even_if_used); };
    });

    CLI::App* const purge = queue->add_subcommand("purge", "Removes the messages of a queue that no consumer holds");
    purge->add_option("QUEUE", *name, "Its name")->required();
    purge->fallthrough()->callback([&common, &run, name] { run = [&common, name] { return purge_queue(common, *name); }; });
}

}  // namespace giromq::tool
