#include <csignal>
#include <exception>
#include <iostream>

#include "commands.hpp"
#include "profiles.hpp"

namespace giromq::tool {
namespace {

void add_common_options(CLI::App& app, Common& common) {
    app.add_option("--profile", common.profile, "A broker by name, from the file profiles; its options go before those of the environment")
        ->envname("GIROMQ_PROFILE");
    app.add_option("--url", common.url, "The broker's AMQP address: amqp://host:port or amqps://host:port")
        ->envname("GIROMQ_URL")
        ->capture_default_str();
    app.add_option("--http", common.http, "The broker's REST address")->envname("GIROMQ_HTTP")->capture_default_str();
    app.add_option("--user", common.user, "Who to log in as; without it nobody logs in")->envname("GIROMQ_USER");
    app.add_option("--password-file", common.password_file,
                   "File with the user's password in its first line; without it the password is asked for")
        ->envname("GIROMQ_PASSWORD_FILE");
    app.add_option("--tls-ca-file", common.tls.ca, "PEM file with the certificates to trust, instead of the system's")
        ->envname("GIROMQ_TLS_CA_FILE");
    app.add_option("--tls-certificate-file", common.tls.certificate,
                   "PEM file with a client certificate, by which the broker may know who you are")
        ->envname("GIROMQ_TLS_CERTIFICATE_FILE");
    app.add_option("--tls-key-file", common.tls.key, "PEM file with its private key, if that is not in the same file")
        ->envname("GIROMQ_TLS_KEY_FILE");
    app.add_flag("--json", common.json, "Output for scripts: JSON, one object a line");
    app.add_flag("--yes", common.yes, "Do not ask before something is destroyed");
    app.set_version_flag("--version", std::string("giromq ") + GIROMQ_VERSION);
    app.footer(
        "Exit codes: 0 done, 1 failed, 2 wrong call, 3 nothing received, 4 it differs (config diff). The options above can stand before or "
        "after a command.");
}

int run(int argc, char** argv) {
    CLI::App app("giromq: messages, queues, selectors, users and transactions of a GiroMQ broker", "giromq");
    Common common;
    Run command;
    const auto profile = chosen_profile(argc, argv);
    if (profile) enter_profile(*profile);
    add_common_options(app, common);
    app.require_subcommand(1);
    add_message_commands(app, common, command);
    add_stored_message_commands(app, common, command);
    add_queue_commands(app, common, command);
    add_selector_commands(app, common, command);
    add_user_commands(app, common, command);
    add_permission_commands(app, common, command);
    add_audit_commands(app, common, command);
    add_transaction_commands(app, common, command);
    add_configuration_commands(app, common, command);
    add_client_commands(app, common, command);
    add_broker_commands(app, common, command);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        app.exit(error);
        return exit_usage;
    }
    // It was looked for before the options were understood, so what only looks like it is found out here.
    if (common.profile != profile.value_or("")) throw ToolError("Give --profile before the command.", exit_usage);
    return command();
}

}  // namespace

int run_and_report(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const ToolError& error) {
        std::cerr << "giromq: " << error.what() << '\n';
        return error.code();
    } catch (const std::exception& error) {
        std::cerr << "giromq: " << error.what() << '\n';
        return exit_failed;
    }
}

}  // namespace giromq::tool

int main(int argc, char** argv) {
    // A reader that went away shows as a failed write, which leaves unprinted messages in the queue.
    std::signal(SIGPIPE, SIG_IGN);
    return giromq::tool::run_and_report(argc, argv);
}
