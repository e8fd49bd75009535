#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "load.hpp"

namespace {

using namespace giromq::bench;

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

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "giromq-bench: load and latency over AMQP 1.0, against GiroMQ or any other AMQP 1.0 broker.\n"
        "Exit codes: 0 done, 1 the load failed, 2 wrong usage."};
    app.set_version_flag("--version", GIROMQ_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    LoadSettings settings;
    std::string url = "amqp://127.0.0.1:5672";
    std::string password_file;
    bool json = false;
    bool non_persistent = false;
    app.add_option("--url", url, "Where the broker is: amqp://[user@]host:port")->capture_default_str();
    app.add_option("--password-file", password_file, "File whose first line is the password of the user in --url");
    app.add_flag("--json", json, "One line of JSON instead of a table");

    auto* const load = app.add_subcommand("load", "Producers and consumers at full speed");
    load->add_option("--queue", settings.queue, "Name of the queue")->capture_default_str();
    load->add_option("--queues", settings.queues, "Spread over so many queues NAME-0, NAME-1, ...")->capture_default_str();
    load->add_option("--producers", settings.producers)->capture_default_str();
    load->add_option("--consumers", settings.consumers)->capture_default_str();
    load->add_option("--unconfirmed", settings.unconfirmed, "Unconfirmed messages per producer; 1 is synchronous")->capture_default_str();
    load->add_option("--credit", settings.credit, "Link credit per consumer")->capture_default_str();
    load->add_option("--bytes", settings.message_bytes, "Bytes of a message's body")
        ->check(CLI::Range(8, 100 << 20))
        ->capture_default_str();
    load->add_option("--messages", settings.messages, "Send so many and stop; 0: by time")->capture_default_str();
    load->add_option("--seconds", settings.duration_s)->capture_default_str();
    load->add_option("--warm-up", settings.warm_up_s, "Seconds before measuring")->capture_default_str();
    load->add_option("--threads", settings.threads, "Threads of the load generator")->capture_default_str();
    load->add_flag("--non-persistent", non_persistent, "durable=false");
    load->add_flag("--presettled-send", settings.presettled_send, "At most once: do not wait for settlements");
    load->add_flag("--presettled-receive", settings.presettled_receive, "At most once: deliveries are settled by the broker");

    std::uint32_t connections = 1000;
    double idle_s = 10;
    auto* const idle = app.add_subcommand("idle", "Open connections and do nothing");
    idle->add_option("--connections", connections)->capture_default_str();
    idle->add_option("--seconds", idle_s)->capture_default_str();

    double timeout_s = 60;
    auto* const first = app.add_subcommand("first", "Seconds until the first message of a queue is received, connecting again and again");
    first->add_option("--queue", settings.queue)->capture_default_str();
    first->add_option("--timeout", timeout_s)->capture_default_str();

    std::string folder = ".";
    std::uint32_t rounds = 5000;
    auto* const floor = app.add_subcommand("floor", "fdatasync of 4 KiB into a preallocated file: what one durable step costs at least");
    floor->add_option("--folder", folder)->capture_default_str();
    floor->add_option("--rounds", rounds)->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 2;
    }
    settings.durable = !non_persistent;
    if (!parse_url(url, settings.address)) {
        std::cerr << "giromq-bench: '" << url << "' is not of the form amqp://[user@]host:port\n";
        return 2;
    }
    if (!password_file.empty()) {
        std::ifstream file(password_file);
        if (!std::getline(file, settings.address.password)) {
            std::cerr << "giromq-bench: cannot read a password from " << password_file << '\n';
            return 2;
        }
    }
    if (load->parsed()) {
        auto result = run_load(settings);
        if (!result.error.empty()) {
            std::cerr << "giromq-bench: " << result.error << '\n';
            return 1;
        }
        print_load(result, json);
    } else if (idle->parsed()) {
        if (const auto error = hold_idle_connections(settings.address, connections, idle_s); !error.empty()) {
            std::cerr << "giromq-bench: " << error << '\n';
            return 1;
        }
    } else if (first->parsed()) {
        const double seconds = time_to_first_message(settings.address, settings.queue, timeout_s);
        if (seconds < 0) {
            std::cerr << "giromq-bench: no message within " << timeout_s << " s\n";
            return 1;
        }
        std::printf(json ? "{\"seconds\":%.4f}\n" : "%.4f s until the first message\n", seconds);
    } else if (floor->parsed()) {
        const double p50 = fdatasync_floor_us(folder, rounds);
        if (p50 < 0) {
            std::cerr << "giromq-bench: cannot write to " << folder << '\n';
            return 1;
        }
        std::printf(json ? "{\"fdatasync_p50_us\":%.1f}\n" : "fdatasync of 4 KiB, p50: %.1f us\n", p50);
    }
    return 0;
}
