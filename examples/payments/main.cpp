#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>

#include "applications.hpp"
#include "bank.hpp"
#include "generator.hpp"
#include "pacs.hpp"
#include "schemas.hpp"
#include "self_test.hpp"
#include "verify.hpp"
#include "xml.hpp"

/// giromq-payments: credit transfers from one bank to another, over durable queues, exactly once.
namespace {

using payments::StateFolder;

struct GenerateOptions {
    StateFolder state;
    std::int64_t count = 3000;
    std::uint64_t seed = 0;
    bool validate = false;
    std::string export_folder;
    bool show = false;
};

void export_document(const std::string& folder, const payments::Bank::Outgoing& payment) {
    const std::filesystem::path file = std::filesystem::path(folder) / (payment.transaction_id + ".xml");
    std::ofstream output(file, std::ios::binary);
    output << payment.document;
    if (!output.flush()) throw std::runtime_error("cannot write " + file.string());
}

/// Goes through every document that was generated.
void check_documents(payments::Bank& bank, const GenerateOptions& options) {
    payments::SchemaParser parser(payments::pacs_008_schema);
    if (!options.export_folder.empty()) std::filesystem::create_directories(options.export_folder);
    std::int64_t last = 0;
    std::int64_t valid = 0;
    for (auto batch = bank.unconfirmed(last, 500); !batch.empty(); batch = bank.unconfirmed(last, 500)) {
        for (const auto& payment : batch) {
            if (options.validate) payments::read_pacs_008(parser, payment.document);
            if (!options.export_folder.empty()) export_document(options.export_folder, payment);
            ++valid;
            last = payment.sequence;
        }
    }
    if (options.validate) std::cout << valid << " messages are valid\n";
    if (!options.export_folder.empty()) std::cout << valid << " messages are in " << options.export_folder << '\n';
}

int run_generate(GenerateOptions options) {
    if (options.seed == 0) options.seed = std::random_device()();
    payments::Generator generator(options.seed, options.count);
    if (options.show) {
        std::cout << payments::write_pacs_008(generator.next());
        return 0;
    }
    std::filesystem::create_directories(options.state.folder);
    if (std::filesystem::exists(options.state.bank())) {
        std::cerr << "error: " << options.state.bank().string() << " exists; give another --state, or remove that folder first\n";
        return 1;
    }
    payments::Ledger ledger(options.state.ledger(), payments::Database::Mode::write);
    ledger.open_accounts(generator.accounts());
    payments::Bank bank(options.state.bank(), payments::Database::Mode::write);
    bank.fill(generator, options.count, options.seed);
    std::cout << "generated " << options.count << " " << payments::pacs_008 << " payments between " << generator.accounts().size()
              << " accounts from seed " << options.seed << '\n';
    if (options.validate || !options.export_folder.empty()) check_documents(bank, options);
    return 0;
}

void add_broker_options(CLI::App& command, payments::BrokerOptions& broker) {
    command.add_option("--uri", broker.uri, "where the broker is")->capture_default_str();
    command.add_option("--user", broker.user, "user name; anonymous if it is not given");
    command.add_option("--password-file", broker.password_file, "file with the password in its first line")
        ->envname("GIROMQ_PASSWORD_FILE");
}

void add_state_option(CLI::App& command, StateFolder& state) {
    command.add_option("--state", state.folder, "folder of the databases")->required();
}

/// The command line: each sub-command leaves what is to be done in `action`.
class CommandLine {
public:
    CommandLine() {
        app_.require_subcommand(1);
        add_generate();
        add_send();
        add_ledger();
        add_status();
        add_large();
        add_reports();
    }

    int run(int argument_count, char** arguments) {
        CLI11_PARSE(app_, argument_count, arguments);
        payments::install_stop_signals();
        const payments::XmlRuntime xml;
        return action_();
    }

private:
    void add_generate() {
        CLI::App* command = app_.add_subcommand("generate", "makes accounts and ISO 20022 pacs.008 payments from a seed");
        command->add_option("--state", generate_.state.folder, "folder of the databases");
        command->add_option("--count", generate_.count, "how many payments")->capture_default_str()->check(CLI::Range(1, 1000000));
        command->add_option("--seed", generate_.seed, "the same seed gives the same payments; 0: a random one")->capture_default_str();
        command->add_flag("--validate", generate_.validate, "check every message against the schema");
        command->add_option("--export", generate_.export_folder, "write every message to a file of this folder, too");
        CLI::Option* show = command->add_flag("--show", generate_.show, "only print the first message");
        command->callback([this, show] {
            if (generate_.state.folder.empty() && show->count() == 0) throw CLI::RequiredError("--state");
            action_ = [this] { return run_generate(generate_); };
        });
    }

    void add_send() {
        CLI::App* command = app_.add_subcommand("send", "sends what the broker has not confirmed yet, in order");
        add_state_option(*command, send_.state);
        add_broker_options(*command, send_.broker);
        command->add_option("--queue", send_.queue, "queue for the payments")->capture_default_str();
        command->add_option("--copy-queue", send_.copy_queue,
                            "queue for a copy of each, where 'large' looks for large ones; none by default");
        command->add_option("--window", send_.window, "payments that may be unconfirmed at a time; 1: each waits")
            ->capture_default_str()
            ->check(CLI::Range(1, 1000));
        command->add_option("--rate", send_.rate, "payments per second; 0: no limit")->capture_default_str()->check(CLI::Range(0, 1000000));
        command->callback([this] { action_ = [this] { return payments::run_send(send_); }; });
    }

    void add_ledger() {
        CLI::App* command = app_.add_subcommand("ledger", "books payments exactly once and answers each with a pacs.002");
        add_state_option(*command, ledger_.state);
        add_broker_options(*command, ledger_.broker);
        command->add_option("--payments-queue", ledger_.payments_queue, "queue of the payments")->capture_default_str();
        command->add_option("--status-queue", ledger_.status_queue, "queue for the answers")->capture_default_str();
        command->add_option("--batch", ledger_.batch, "payments booked by one transaction at most")
            ->capture_default_str()
            ->check(CLI::Range(1, 1000));
        command->add_option("--count", ledger_.count, "end when so many are answered and no more come; 0: run until SIGTERM")
            ->capture_default_str();
        command->add_option("--die-at", ledger_.die_at,
                            "for tests: kill itself at POINT[:N]; received, booked, answered, marked, acknowledged");
        command->callback([this] { action_ = [this] { return payments::run_ledger(ledger_); }; });
    }

    void add_status() {
        CLI::App* command = app_.add_subcommand("status", "records the answers");
        add_state_option(*command, status_.state);
        add_broker_options(*command, status_.broker);
        command->add_option("--queue", status_.queue, "queue of the answers")->capture_default_str();
        command->add_option("--batch", status_.batch, "answers recorded by one transaction at most")
            ->capture_default_str()
            ->check(CLI::Range(1, 1000));
        command->add_option("--count", status_.count, "end when so many are recorded and no more come; 0: run until SIGTERM")
            ->capture_default_str();
        command->callback([this] { action_ = [this] { return payments::run_status(status_); }; });
    }

    void add_large() {
        CLI::App* command = app_.add_subcommand("large", "records large payments, which an XML selector finds by what is in the pacs.008");
        add_state_option(*command, large_.state);
        add_broker_options(*command, large_.broker);
        command->add_option("--queue", large_.queue, "queue with a copy of every payment")->capture_default_str();
        command->add_option("--batch", large_.batch, "payments recorded by one transaction at most")
            ->capture_default_str()
            ->check(CLI::Range(1, 1000));
        command->add_option("--count", large_.count, "end when so many are recorded and no more come; 0: run until SIGTERM")
            ->capture_default_str();
        command->callback([this] { action_ = [this] { return payments::run_large(large_); }; });
    }

    void add_reports() {
        CLI::App* progress = app_.add_subcommand("progress", "prints the counts on one line, for scripts");
        add_state_option(*progress, report_);
        progress->callback([this] {
            action_ = [this] {
                payments::print_progress(report_, std::cout);
                return 0;
            };
        });
        CLI::App* verify =
            app_.add_subcommand("verify", "compares everything; exit code 1 if anything was lost, doubled, reordered or changed");
        add_state_option(*verify, report_);
        verify->add_flag("--large", with_large_, "compare the large payments that were found with those that were generated, too");
        verify->callback([this] { action_ = [this] { return payments::verify(report_, with_large_, std::cout) ? 0 : 1; }; });
        CLI::App* self_test = app_.add_subcommand("self-test", "tests the parts of this program that need no broker");
        self_test->callback([this] { action_ = [] { return payments::self_test(std::cout) ? 0 : 1; }; });
    }

    CLI::App app_{"Sends ISO 20022 payments over a GiroMQ broker and books them exactly once.", "giromq-payments"};
    GenerateOptions generate_;
    payments::SendOptions send_;
    payments::LedgerOptions ledger_;
    payments::StatusOptions status_;
    payments::LargeOptions large_;
    bool with_large_ = false;
    StateFolder report_;
    std::function<int()> action_;
};

}  // namespace

int main(int argument_count, char** arguments) {
    try {
        CommandLine command_line;
        return command_line.run(argument_count, arguments);
    } catch (const giromq::JMSException& failure) {
        std::cerr << "error: " << failure.what() << (failure.error_code().empty() ? "" : " [" + failure.error_code() + "]") << '\n';
    } catch (const std::exception& failure) {
        std::cerr << "error: " << failure.what() << '\n';
    }
    return 1;
}
