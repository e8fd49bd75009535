#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include "coordinator.hpp"
#include "self_test.hpp"

/// giromq-xa-transfer: orders come as messages, money moves in PostgreSQL, receipts go as messages: all of it in one global transaction
/// each.
namespace {

using namespace std::chrono_literals;
using xa_transfer::Coordinator;
using xa_transfer::Ledger;
using xa_transfer::Messages;
using xa_transfer::Transfer;

volatile std::sig_atomic_t stop_wanted = 0;

void on_stop_signal(int) { stop_wanted = 1; }

struct Options {
    std::string uri = "amqp://127.0.0.1:5672";
    std::string database;
    std::string state = ".";
    std::string name = "a";
    std::string die_at;
    std::int64_t count = 0;
    std::int64_t first = 1;
    int accounts = 10;
    std::int64_t balance = 1'000'000;
    std::uint64_t seed = 1;
    int roll_back_one_in = 0;
    int branch_timeout = 10;
};

int run_setup(const Options& options) {
    Ledger ledger(options.database);
    ledger.create(options.accounts, options.balance);
    std::cout << options.accounts << " accounts with " << options.balance << " each\n";
    return 0;
}

/// Each order has an id, and the broker takes each id once: what is sent again after a failure is not there twice.
int run_send(const Options& options) {
    std::mt19937_64 random(options.seed);
    giromq::ConnectionFactory factory(options.uri);
    factory.set_option("connect.attempts", "0");
    const auto connection = factory.create_connection();
    const auto session = connection->create_session();
    const auto producer = session->create_producer(session->create_queue(xa_transfer::orders_queue));
    std::uniform_int_distribution<int> account(1, options.accounts);
    std::uniform_int_distribution<std::int64_t> amount(1, options.balance / 2);
    for (std::int64_t number = options.first; number < options.first + options.count; ++number) {
        const int debtor = account(random);
        const int creditor = debtor % options.accounts + 1;
        const Transfer transfer{"T" + std::to_string(number), "A" + std::to_string(debtor), "A" + std::to_string(creditor), amount(random)};
        const auto message = session->create_text_message(text_of(transfer));
        message->set_string_property("GIROMQ_DUPLICATE_ID", transfer.id);
        producer->send(message);
    }
    connection->close();
    std::cout << "sent " << options.count << " orders\n";
    return 0;
}

/// Carries out one order. False if none came.
bool transfer_one(Coordinator& coordinator, Messages& messages, Ledger& ledger, bool change_mind) {
    coordinator.begin(messages, ledger);
    const auto order = messages.next_order(500ms);
    if (order == nullptr || change_mind) {
        coordinator.roll_back(messages, ledger);
        return order != nullptr;
    }
    const auto text = std::dynamic_pointer_cast<giromq::TextMessage>(order);
    const auto transfer = text == nullptr ? std::nullopt : xa_transfer::parse_transfer(text->text());
    if (transfer) {
        const auto booking = ledger.book(*transfer);
        messages.send_receipt(transfer->id + (booking == Ledger::Booking::booked ? " booked" : " refused"));
    } else {
        messages.refuse(order);
    }
    coordinator.commit(messages, ledger);
    return true;
}

/// Works until it is told to stop, or until so many transfers are in the ledger as were asked for.
void work(Coordinator& coordinator, const Options& options, std::mt19937& random) {
    Ledger ledger(options.database);
    ledger.claim(coordinator.name());
    Messages messages(options.uri, coordinator.name(), std::chrono::seconds(options.branch_timeout));
    coordinator.recover(messages, ledger);
    while (stop_wanted == 0) {
        const bool change_mind = options.roll_back_one_in > 0 && random() % static_cast<unsigned>(options.roll_back_one_in) == 0;
        if (transfer_one(coordinator, messages, ledger, change_mind)) continue;
        if (options.count > 0 && ledger.transfers() >= options.count) return;
    }
}

int run_worker(const Options& options) {
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::filesystem::create_directories(options.state);
    Coordinator coordinator(options.state, options.name, options.die_at);
    std::mt19937 random(std::random_device{}());
    while (stop_wanted == 0) {
        try {
            work(coordinator, options, random);
            return 0;
        } catch (const std::system_error&) {
            throw;  // the decision log: it is not known what is on the disk, so the process begins again
        } catch (const std::exception& exception) {
            std::cerr << options.name << ": begins again: " << exception.what() << '\n';
            std::this_thread::sleep_for(200ms);
        }
    }
    return 0;
}

/// Compares money and messages, from outside. Prints every difference.
class Verification {
public:
    int run(const Options& options) {
        Ledger ledger(options.database);
        if (const auto wrong = ledger.check_balances(); !wrong.empty()) differs(wrong);
        for (const auto& gid : ledger.prepared("")) differs("in doubt in PostgreSQL: " + gid);
        for (const auto& id : ledger.booked_ids()) --receipts_[id];
        look_into_the_broker(options);
        for (const auto& [id, surplus] : receipts_) {
            if (surplus < 0) differs("transfer " + id + " has no receipt");
            if (surplus > 0) differs("receipt " + id + " is there " + std::to_string(surplus) + " times too often");
        }
        const auto transfers = ledger.transfers();
        if (options.count > 0 && transfers != options.count) {
            differs("there are " + std::to_string(transfers) + " transfers, and " + std::to_string(options.count) + " were ordered");
        }
        std::cout << transfers << " transfers, " << differences_ << " differences\n";
        return differences_ == 0 ? 0 : 1;
    }

private:
    void differs(const std::string& what) {
        ++differences_;
        std::cout << "DIFFERS: " << what << '\n';
    }

    void look_into_the_broker(const Options& options) {
        const auto connection = giromq::XAConnectionFactory(options.uri).create_xa_connection();
        const auto manager = connection->create_xa_session();
        for (const auto& xid : manager->xa_resource()->recover(giromq::XAFlags::start_scan | giromq::XAFlags::end_scan)) {
            differs("in doubt in the broker: " + xid.global_transaction_id);
        }
        const auto session = connection->create_session();
        connection->start();
        const auto receipts = session->create_browser(session->create_queue(xa_transfer::receipts_queue));
        while (const auto message = receipts->next()) {
            const auto text = std::dynamic_pointer_cast<giromq::TextMessage>(message)->text();
            ++receipts_[text.substr(0, text.find(' '))];
        }
        const auto orders = session->create_browser(session->create_queue(xa_transfer::orders_queue));
        while (const auto message = orders->next()) {
            differs("an order is left: " + std::dynamic_pointer_cast<giromq::TextMessage>(message)->text());
        }
    }

    std::map<std::string, std::int64_t> receipts_;
    int differences_ = 0;
};

}  // namespace

int main(int argument_count, char** arguments) {
    Options options;
    int (*action)(const Options&) = nullptr;
    CLI::App app("Orders, money and receipts in one global transaction each: GiroMQ and PostgreSQL", "giromq-xa-transfer");
    app.require_subcommand(1)->fallthrough();
    app.add_option("--uri", options.uri, "the broker")->capture_default_str();
    app.add_option("--database", options.database, "connection string of PostgreSQL (libpq)");
    app.add_option("--count", options.count, "how many transfers there are in all")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
    app.add_option("--accounts", options.accounts, "how many accounts there are")->capture_default_str()->check(CLI::Range(2, 1'000'000));
    app.add_option("--balance", options.balance, "what each has at the beginning")
        ->capture_default_str()
        ->check(CLI::Range(2, 1'000'000'000));
    const auto add = [&](const char* name, const char* help, int (*what)(const Options&)) {
        CLI::App* const command = app.add_subcommand(name, help);
        command->fallthrough()->callback([&action, what] { action = what; });
        return command;
    };
    add("setup", "makes the ledger", run_setup);
    CLI::App* const send = add("send", "sends --count orders, each with an id that the broker takes once", run_send);
    send->add_option("--seed", options.seed, "the same seed gives the same orders")->capture_default_str();
    send->add_option("--first", options.first, "the number of the first")->capture_default_str();
    CLI::App* const run = add("run", "carries out orders until there are --count transfers, or until SIGTERM", run_worker);
    run->add_option("--state", options.state, "folder of the decision logs")->capture_default_str();
    run->add_option("--name", options.name, "the worker's own name")->capture_default_str();
    run->add_option("--die-at", options.die_at,
                    "POINT[:N], for tests: started, worked, ended, one-prepared, prepared, decided, one-committed, committed");
    run->add_option("--branch-timeout", options.branch_timeout,
                    "seconds after which the broker gives up a branch that its worker has left unprepared")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600));
    run->add_option("--roll-back-one-in", options.roll_back_one_in, "rolls so many back first, by chance");
    add("verify", "compares money and messages; exit code 1 if they differ", [](const Options& all) { return Verification().run(all); });
    add("self-test", "tests the parts that need neither broker nor database", [](const Options&) { return xa_transfer::run_self_test(); });
    CLI11_PARSE(app, argument_count, arguments);
    try {
        return action(options);
    } catch (const std::exception& exception) {
        std::cerr << "giromq-xa-transfer: " << exception.what() << '\n';
        return 1;
    }
}
