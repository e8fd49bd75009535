#include "main/options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <utility>

namespace giromq::daemon {
namespace {

constexpr const char* footer =
    "\nWithout --config and --dev the built-in defaults hold: data in /var/lib/giromq, AMQP 1.0 on 127.0.0.1:5672, health and REST on\n"
    "127.0.0.1:8161. Without an administrator a start writes a one-time token to make the first one, and says in which file it is.\n"
    "\nExit codes:\n"
    "  0  ok\n"
    "  1  failed; the log says why\n"
    "  2  wrong use, or a wrong configuration\n"
    "  3  another broker uses the data directory\n"
    "  4  the store failed: it cannot be opened, is damaged, or the disk failed\n"
    "\nPromise: a confirmed persistent message is not lost, and its consumption is committed at most once, provided that the disk keeps\n"
    "what fsync reported. Until then it may be delivered again, marked as redelivered. Under XA the effect of each transaction\n"
    "is committed exactly once in all its resource managers, provided that nobody decides a branch by hand (giromq xa).\n"
    "\nSignals: SIGTERM and SIGINT stop it in order (a second one at once), SIGHUP reads the configuration and the certificates again.\n";

const std::map<std::string, log::Level>& log_levels() {
    static const std::map<std::string, log::Level> levels{{"trace", log::Level::trace},
                                                          {"debug", log::Level::debug},
                                                          {"info", log::Level::info},
                                                          {"warning", log::Level::warning},
                                                          {"error", log::Level::error}};
    return levels;
}

/// An option whose value may not be empty: `--config "$FILE"` with FILE unset must not run with the built-in defaults.
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& value, const std::string& description) {
    const auto fault = [](const std::string& text) { return text.empty() ? std::string("an empty value") : std::string(); };
    return app.add_option(name, value, description)->check(fault);
}

/// The options of the program itself.
void add_options(CLI::App& app, Options& options, bool& check_config, bool& check_store, std::string& backup, std::string& restore) {
    auto* const config = add_text(app, "--config", options.config_file, "Configuration file (XML, schemas/giromq-config.xsd)");
    add_text(app, "--data", options.data, "Data directory: the store, and nothing else")->type_name("DIR");
    add_text(app, "--amqp", options.amqp, "AMQP 1.0 without TLS here, in place of the configured plain listeners; port 0: any free one")
        ->type_name("HOST:PORT");
    add_text(app, "--http", options.http, "Health, metrics and REST here; port 0: any free one")->type_name("HOST:PORT");
    app.add_flag("--dev", options.dev,
                 "For development, without a configuration file: this machine only, no login needed, queues are created on first use, data "
                 "in ./giromq-data")
        ->excludes(config);
    app.add_flag("--allow-failpoints", options.allow_failpoints,
                 "For tests: obey GIROMQ_FAILPOINT=NAME[:NTH], and die there. Without this the broker does not start while it is set");
    add_text(app, "--log-level", options.log_level, "trace, debug, info, warning or error")->type_name("LEVEL");
    config->type_name("FILE");
    auto* const one = app.add_option_group("Instead of running");
    one->require_option(0, 1);
    one->add_flag("--check-config", check_config, "Check the configuration and the files that it names");
    one->add_flag("--check", check_store, "Check the store: its structure, every checksum, every reference (no broker may run)");
    add_text(*one, "--backup", backup, "Copy the store into a new file (while a broker runs: POST /api/v1/backup)")->type_name("FILE");
    add_text(*one, "--restore", restore, "Make a store of a backup, in an empty data directory")->type_name("FILE");
}

CLI::App* add_user_command(CLI::App& app, Options& options, std::string& role) {
    auto* const user = app.add_subcommand("user", "Users, while no broker runs (otherwise: giromq user)");
    user->require_subcommand(1);
    auto* const add = user->add_subcommand("add", "Add a user, or give one a new role and password");
    add_text(*add, "NAME", options.user, "The user")->required();
    add_text(*add, "--role", role, "administrator, operator, auditor or application")->default_val("application");
    add_text(*add, "--password-file", options.password_file, "The first line of this file is the password")->required();
    return add;
}

ExitCode wrong_use(const std::string& sentence) {
    std::cerr << sentence << " (giromqd --help)\n";
    return ExitCode::usage;
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
    ParsedOptions parsed;
    auto& options = parsed.options;
    CLI::App app("GiroMQ: a transactional message broker. AMQP 1.0, durable FIFO queues, one fsync for many messages.", "giromqd");
    app.footer(footer);
    app.set_version_flag("--version", "giromqd " GIROMQ_VERSION);
    bool check_config = false;
    bool check_store = false;
    std::string backup;
    std::string restore;
    std::string role;
    add_options(app, options, check_config, check_store, backup, restore);
    const auto* const add_user = add_user_command(app, options, role);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool asked = error.get_exit_code() == 0;
        app.exit(error, std::cout, std::cerr);
        parsed.exit = asked ? ExitCode::ok : ExitCode::usage;
        return parsed;
    }
    if (!options.log_level.empty() && log_levels().find(options.log_level) == log_levels().end()) {
        parsed.exit = wrong_use("--log-level: there is no level '" + options.log_level + "'");
    }
    if (check_config) options.command = Options::Command::check_config;
    if (check_store) options.command = Options::Command::check_store;
    if (!backup.empty()) options.command = Options::Command::backup;
    if (!restore.empty()) options.command = Options::Command::restore;
    options.file = backup.empty() ? restore : backup;
    if (add_user->parsed()) {
        options.command = Options::Command::add_user;
        const auto named = role_named(role);
        if (!named) parsed.exit = wrong_use("--role: there is no role '" + role + "'");
        options.role = named.value_or(Role::application);
    }
    return parsed;
}

Result<config::Config> configuration_of(const Options& options) {
    auto loaded = options.dev                   ? Result<config::Config>(config::dev_config())
                  : options.config_file.empty() ? Result<config::Config>(config::default_config())
                                                : config::load_config(options.config_file);
    if (!loaded) return loaded;
    auto& config = *loaded;
    if (!options.data.empty()) config.broker.data_directory = options.data;
    if (!options.log_level.empty()) config.broker.log_level = log_levels().at(options.log_level);
    if (!options.amqp.empty()) {
        const auto endpoint = config::parse_endpoint(options.amqp);
        if (!endpoint) return Error(config::errc::invalid, "--amqp: " + endpoint.error().detail());
        auto& listeners = config.amqp.listeners;
        const auto is_plain = [](const config::ListenerConfig& listener) { return !listener.tls; };
        listeners.erase(std::remove_if(listeners.begin(), listeners.end(), is_plain), listeners.end());
        config::ListenerConfig listener;
        listener.host = endpoint->host;
        listener.port = endpoint->port;
        listeners.insert(listeners.begin(), std::move(listener));
    }
    if (!options.http.empty()) {
        const auto endpoint = config::parse_endpoint(options.http);
        if (!endpoint) return Error(config::errc::invalid, "--http: " + endpoint.error().detail());
        config.http.enabled = true;
        config.http.host = endpoint->host;
        config.http.port = endpoint->port;
    }
    if (options.dev && !config::is_loopback(config.http.host)) {
        return Error(config::errc::not_allowed, "--http: with --dev nobody logs in, so only this machine may connect; use 127.0.0.1");
    }
    if (auto checked = config::check(config); !checked) return checked.error();
    return loaded;
}

}  // namespace giromq::daemon
