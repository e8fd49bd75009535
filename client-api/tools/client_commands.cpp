#include <boost/json/serialize.hpp>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "rest_table.hpp"

// Connections of clients, and their consumers and producers.

namespace giromq::tool {
namespace json = boost::json;
namespace {

/// What the options say.
struct Choice {
    std::uint64_t id = 0;
    std::uint64_t connection = 0;
    std::string user;
    std::string peer;
    std::string name;
    std::string queue;
    std::string sort;
    std::string reason;
};

/// One of the three lists.
struct Kind {
    const char* word;
    const char* path;
    const char* consequence;
};
constexpr Kind connections{"connection", "/api/v1/connections", "will be closed; its client may come again."};
constexpr Kind consumers{"consumer", "/api/v1/consumers", "will be detached; what it has not settled goes back."};
constexpr Kind producers{"producer", "/api/v1/producers", "will be detached."};

std::vector<Column> consumer_columns() {
    return {{"ID", "id", 8},         {"CONNECTION", "connectionId", 10},       {"USER", "user", 16},           {"QUEUE", "queue", 24},
            {"CREDIT", "credit", 8}, {"UNACKNOWLEDGED", "unacknowledged", 14}, {"DELIVERED", "delivered", 10}, {"SELECTOR", "selector"}};
}

std::vector<Column> producer_columns() {
    return {{"ID", "id", 8},   {"CONNECTION", "connectionId", 10}, {"USER", "user", 16}, {"SENT", "sent", 10}, {"CREDIT", "credit", 8},
            {"QUEUE", "queue"}};
}

std::string query_of(const Choice& choice) {
    std::string query;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
    };
    add("user", choice.user);
    add("peer", choice.peer);
    add("name", choice.name);
    add("queue", choice.queue);
    add("sort", choice.sort);
    if (choice.connection > 0) add("connection", std::to_string(choice.connection));
    return query;
}

std::vector<Column> session_columns() {
    return {{"SESSION", "number", 8},         {"CONSUMERS", "consumers", 10},      {"PRODUCERS", "producers", 10},
            {"TRANSACTIONS", "transactions"}, {"UNSETTLED IN", "unsettledIn", 13}, {"UNSETTLED OUT", "unsettledOut", 13},
            {"NOT READ", "bytesUnread", 10},  {"NOT WRITTEN", "bytesUnwritten"}};
}

int list_connections(const Common& common, const Choice& choice) {
    print_list(common, connections.path + query_of(choice),
               {{"ID", "id", 8},
                {"USER", "user", 16},
                {"PEER", "peer", 24},
                {"TLS", "encrypted", 6},
                {"CONSUMERS", "consumers", 10},
                {"PRODUCERS", "producers", 10},
                {"IN", "messagesIn", 10},
                {"OUT", "messagesOut", 10},
                {"CONTAINER", "containerId"}});
    return exit_ok;
}

int show(const Common& common, const Kind& kind, const Choice& choice) {
    const auto answer = RestClient(common).call("GET", std::string(kind.path) + '/' + std::to_string(choice.id));
    print_fields(common, object_of(answer));
    if (common.json || kind.path != connections.path) return exit_ok;
    std::cout << '\n';
    print_rows(object_of(answer), "sessionList", session_columns());
    for (const auto& [links, columns] : {std::pair(consumers, consumer_columns()), std::pair(producers, producer_columns())}) {
        std::cout << '\n';
        print_list(common, std::string(links.path) + "?connection=" + std::to_string(choice.id), columns);
    }
    return exit_ok;
}

int close(const Common& common, const Kind& kind, const Choice& choice) {
    const auto number = std::to_string(choice.id);
    RestClient rest(common);
    const auto path = std::string(kind.path) + '/' + number;
    if (rest.find(path).status == 404) throw ToolError("There is no " + std::string(kind.word) + ' ' + number + ".");
    confirm(common, "The " + std::string(kind.word) + ' ' + number + ' ' + kind.consequence, number);
    const json::value body = choice.reason.empty() ? json::object{} : json::object{{"reason", choice.reason}};
    rest.call("DELETE", path, &body);
    if (common.json) {
        std::cout << json::serialize(json::object{{"closed", choice.id}}) << '\n';
    } else {
        std::cout << "It was told to end.\n";
    }
    return exit_ok;
}

using Shared = std::shared_ptr<Choice>;

void add_show_and_close(CLI::App& parent, const Common& common, Run& run, const Kind& kind, const Shared& choice) {
    CLI::App* const one = parent.add_subcommand("show", "Shows one of them");
    one->add_option("ID", choice->id, "Its number")->required();
    one->fallthrough()->callback(
        [&common, &run, &kind, choice] { run = [&common, &kind, choice] { return show(common, kind, *choice); }; });

    CLI::App* const end = parent.add_subcommand("close", "Ends one of them; its client is told why");
    end->add_option("ID", choice->id, "Its number")->required();
    end->add_option("--reason", choice->reason, "What the client is told");
    end->fallthrough()->callback(
        [&common, &run, &kind, choice] { run = [&common, &kind, choice] { return close(common, kind, *choice); }; });
}

void add_links(CLI::App& app, const Common& common, Run& run, const Kind& kind, const std::vector<Column>& columns) {
    const auto choice = std::make_shared<Choice>();
    CLI::App* const parent = app.add_subcommand(kind.word, "The " + std::string(kind.word) + "s of clients: list, show, close (REST)");
    parent->require_subcommand(1)->fallthrough();
    CLI::App* const list = parent->add_subcommand("list", "Shows them, with --json one object a line");
    list->add_option("--queue", choice->queue, "Only those of this queue");
    list->add_option("--connection", choice->connection, "Only those of the connection with this number");
    list->fallthrough()->callback([&common, &run, &kind, columns, choice] {
        run = [&common, &kind, columns, choice] {
            print_list(common, kind.path + query_of(*choice), columns);
            return exit_ok;
        };
    });
    add_show_and_close(*parent, common, run, kind, choice);
}

}  // namespace

void add_client_commands(CLI::App& app, const Common& common, Run& run) {
    const auto choice = std::make_shared<Choice>();
    CLI::App* const connection = app.add_subcommand("connection", "Connections of clients: list, show, close (REST)");
    connection->require_subcommand(1)->fallthrough();
    CLI::App* const list = connection->add_subcommand("list", "Shows them, the oldest first; with --json one object a line");
    list->add_option("--of", choice->user, "Only those of this user");
    list->add_option("--peer", choice->peer, "Only those whose address holds this text");
    list->add_option("--container", choice->name, "Only those whose container id holds this text");
    list->add_option("--sort", choice->sort,
                     "By id, messagesIn, messagesOut, consumers or producers; with a hyphen before it the largest first");
    list->fallthrough()->callback([&common, &run, choice] { run = [&common, choice] { return list_connections(common, *choice); }; });
    add_show_and_close(*connection, common, run, connections, choice);
    add_links(app, common, run, consumers, consumer_columns());
    add_links(app, common, run, producers, producer_columns());
}

}  // namespace giromq::tool
