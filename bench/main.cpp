#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "load.hpp"
#include "selector_rates.hpp"
#include "transactions.hpp"

namespace giromq::bench {
namespace {

/// What the command line says.
struct Arguments {
    LoadSettings settings;
    TransactionSettings transactions;
    std::string url = "amqp://127.0.0.1:5672";
    std::string password_file;
    bool json = false;
    bool non_persistent = false;
    std::uint32_t connections = 1000;
    double idle_s = 10;
    double timeout_s = 60;
    std::string folder = ".";
    std::uint32_t rounds = 5000;
};

void print_load(LoadResult& result, bool json) {
    const auto p50 = result.send_latency.quantile_us(0.5);
    const auto p99 = result.send_latency.quantile_us(0.99);
    const auto p999 = result.send_latency.quantile_us(0.999);
    const auto delivery_p50 = result.delivery_latency.quantile_us(0.5);
    const auto delivery_p99 = result.delivery_latency.quantile_us(0.99);
    if (json) {
        std::printf(
            "{\"sent\":%llu,\"received\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"sent_per_s\":%.0f,\"received_per_s\":%.0f,"
            "\"send_p50_us\":%.1f,\"send_p99_us\":%.1f,\"send_p999_us\":%.1f,\"delivery_p50_us\":%.1f,\"delivery_p99_us\":%.1f}\n",
            static_cast<unsigned long long>(result.sent), static_cast<unsigned long long>(result.received),
            static_cast<unsigned long long>(result.refused), result.seconds, result.sent_per_s, result.received_per_s, p50, p99, p999,
            delivery_p50, delivery_p99);
        return;
    }
    std::printf("%-28s %12llu   %10.0f /s\n", "sent and settled", static_cast<unsigned long long>(result.sent), result.sent_per_s);
    std::printf("%-28s %12llu   %10.0f /s\n", "received", static_cast<unsigned long long>(result.received), result.received_per_s);
    std::printf("%-28s %12llu\n", "refused", static_cast<unsigned long long>(result.refused));
    std::printf("%-28s %12.1f us  p99 %.1f us  p99.9 %.1f us\n", "send until settled, p50", p50, p99, p999);
    std::printf("%-28s %12.1f us  p99 %.1f us\n", "send until received, p50", delivery_p50, delivery_p99);
}

bool parse_url(std::string url, Address& address) {
    if (url.starts_with("amqp://")) url.erase(0, 7);
    if (const auto at = url.rfind('@'); at != std::string::npos) {
        address.user = url.substr(0, at);
        url.erase(0, at + 1);
    }
    const auto colon = url.rfind(':');
    address.host = url.substr(0, colon);
    if (colon != std::string::npos) address.port = url.substr(colon + 1);
    return !address.host.empty();
}

CLI::App* add_load(CLI::App& app, Arguments& arguments) {
    auto& settings = arguments.settings;
    auto* const load = app.add_subcommand("load", "Producers and consumers at full speed");
    load->add_option("--queue", settings.queue, "Name of the queue")->capture_default_str();
    load->add_option("--queues", settings.queues, "Spread over so many queues NAME-0, NAME-1, ...")->capture_default_str();
    load->add_option("--producers", settings.producers)->capture_default_str();
    load->add_option("--consumers", settings.consumers)->capture_default_str();
    load->add_option("--unconfirmed", settings.unconfirmed, "Unconfirmed messages per producer; 1 is synchronous")->capture_default_str();
    load->add_option("--consumers-per-connection", settings.links, "Links of one session")->capture_default_str();
    load->add_option("--credit", settings.credit, "Link credit per consumer")->capture_default_str();
    load->add_option("--bytes", settings.message_bytes, "Bytes of a message's body")
        ->check(CLI::Range(8, 100 << 20))
        ->capture_default_str();
    load->add_option("--messages", settings.messages, "Send so many and stop; 0: by time")->capture_default_str();
    load->add_option("--seconds", settings.duration_s)->capture_default_str();
    load->add_option("--warm-up", settings.warm_up_s, "Seconds before measuring")->capture_default_str();
    load->add_option("--threads", settings.threads, "Threads of the load generator")->capture_default_str();
    load->add_option("--keys", settings.keys, "Messages have a property key, 'k0000' and so on, of so many values in turn");
    load->add_option("--selector", settings.selector, "Of the consumers; # stands for the key of each, k0000 for the first");
    load->add_flag("--non-persistent", arguments.non_persistent, "durable=false");
    load->add_flag("--presettled-send", settings.presettled_send, "At most once: do not wait for settlements");
    load->add_flag("--presettled-receive", settings.presettled_receive, "At most once: deliveries are settled by the broker");
    return load;
}

CLI::App* add_transactions(CLI::App& app, Arguments& arguments) {
    auto& settings = arguments.transactions;
    auto* const command = app.add_subcommand("transactions", "Transactions: send one message, receive one if asked for, commit");
    command->add_option("--queue", settings.queue, "Each session has a queue of its own, NAME-0, NAME-1, ...")->capture_default_str();
    command->add_option("--sessions", settings.sessions, "Each on a connection of its own")->capture_default_str();
    command->add_flag("--receive", settings.receives, "Receive a message in each transaction too");
    command->add_flag("--xa", settings.is_global, "Branches of global transactions, in two phases: start, send, end and prepare, commit");
    command->add_option("--bytes", settings.message_bytes, "Bytes of a message's body")
        ->check(CLI::Range(8, 200 * 1024))
        ->capture_default_str();
    command->add_option("--seconds", settings.duration_s)->capture_default_str();
    command->add_option("--warm-up", settings.warm_up_s, "Seconds before measuring")->capture_default_str();
    command->add_option("--threads", settings.threads, "Threads of the load generator")->capture_default_str();
    return command;
}

int failed(const std::string& reason) {
    std::cerr << "giromq-bench: " << reason << '\n';
    return 1;
}

int run_load_command(const Arguments& arguments) {
    auto result = run_load(arguments.settings);
    if (!result.error.empty()) return failed(result.error);
    print_load(result, arguments.json);
    return 0;
}

int run_transactions_command(Arguments& arguments) {
    arguments.transactions.address = arguments.settings.address;
    auto result = run_transactions(arguments.transactions);
    if (!result.error.empty()) return failed(result.error);
    const auto committed = static_cast<unsigned long long>(result.committed);
    const auto p50 = result.latency.quantile_us(0.5);
    const auto p99 = result.latency.quantile_us(0.99);
    std::printf(arguments.json ? "{\"committed\":%llu,\"per_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n"
                               : "committed %llu, %.0f /s, p50 %.1f us, p99 %.1f us\n",
                committed, result.per_s, p50, p99);
    return 0;
}

int run_idle_command(const Arguments& arguments) {
    const auto error = hold_idle_connections(arguments.settings.address, arguments.connections, arguments.idle_s);
    return error.empty() ? 0 : failed(error);
}

int run_first_command(const Arguments& arguments) {
    const double seconds =
        time_to_first_message(arguments.settings.address, arguments.settings.queue, arguments.settings.selector, arguments.timeout_s);
    if (seconds < 0) return failed("no message within " + std::to_string(arguments.timeout_s) + " s");
    std::printf(arguments.json ? "{\"seconds\":%.4f}\n" : "%.4f s until the first message\n", seconds);
    return 0;
}

int run_selectors_command(const Arguments& arguments) {
    const auto rates = selector_rates();
    std::printf(arguments.json ? "{\"properties_per_s\":%.0f,\"xml_per_s\":%.0f}\n"
                               : "five properties: %.0f/s, one path of a 2 KiB XML body: %.0f/s\n",
                rates.properties_per_s, rates.xml_per_s);
    return 0;
}

int run_floor_command(const Arguments& arguments) {
    const double p50 = fdatasync_floor_us(arguments.folder, arguments.rounds);
    if (p50 < 0) return failed("cannot write to " + arguments.folder);
    std::printf(arguments.json ? "{\"fdatasync_p50_us\":%.1f}\n" : "fdatasync of 4 KiB, p50: %.1f us\n", p50);
    return 0;
}

/// What the options mean together; an empty text, or what is wrong with them.
std::string complete(Arguments& arguments) {
    auto& settings = arguments.settings;
    settings.durable = !arguments.non_persistent;
    if (!parse_url(arguments.url, settings.address)) return "'" + arguments.url + "' is not of the form amqp://[user@]host:port";
    if (arguments.password_file.empty()) return {};
    std::ifstream file(arguments.password_file);
    return std::getline(file, settings.address.password) ? std::string() : "cannot read a password from " + arguments.password_file;
}

int run(int argc, char** argv) {
    CLI::App app{
        "giromq-bench: load and latency over AMQP 1.0, against GiroMQ or any other AMQP 1.0 broker.\n"
        "Exit codes: 0 done, 1 the load failed, 2 wrong usage."};
    app.set_version_flag("--version", GIROMQ_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    Arguments arguments;
    app.add_option("--url", arguments.url, "Where the broker is: amqp://[user@]host:port")->capture_default_str();
    app.add_option("--password-file", arguments.password_file, "File whose first line is the password of the user in --url");
    app.add_flag("--json", arguments.json, "One line of JSON instead of a table");
    auto* const load = add_load(app, arguments);
    auto* const transactions = add_transactions(app, arguments);
    auto* const idle = app.add_subcommand("idle", "Open connections and do nothing");
    idle->add_option("--connections", arguments.connections)->capture_default_str();
    idle->add_option("--seconds", arguments.idle_s)->capture_default_str();
    auto* const first = app.add_subcommand("first", "Seconds until the first message of a queue is received, connecting again and again");
    first->add_option("--queue", arguments.settings.queue)->capture_default_str();
    first->add_option("--selector", arguments.settings.selector);
    first->add_option("--timeout", arguments.timeout_s)->capture_default_str();
    auto* const selectors = app.add_subcommand("selectors", "Evaluations of selectors in a second, on one processor, without a broker");
    auto* const floor = app.add_subcommand("floor", "fdatasync of 4 KiB into a preallocated file: what one durable step costs at least");
    floor->add_option("--folder", arguments.folder)->capture_default_str();
    floor->add_option("--rounds", arguments.rounds)->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (const auto wrong = complete(arguments); !wrong.empty()) {
        failed(wrong);
        return 2;
    }
    if (load->parsed()) return run_load_command(arguments);
    if (transactions->parsed()) return run_transactions_command(arguments);
    if (idle->parsed()) return run_idle_command(arguments);
    if (selectors->parsed()) return run_selectors_command(arguments);
    if (first->parsed()) return run_first_command(arguments);
    return run_floor_command(arguments);
}

}  // namespace
}  // namespace giromq::bench

int main(int argc, char** argv) { return giromq::bench::run(argc, argv); }
