#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"
#include "main/exit_code.hpp"
#include "model/user.hpp"

namespace giromq::daemon {

/// The command line of giromqd.
struct Options {
    enum class Command : std::uint8_t { run, check_config, check_store, backup, restore, add_user };

    Command command = Command::run;
    bool dev = false;
    bool allow_failpoints = false;
    std::string config_file;  // empty: the built-in defaults
    std::string data;         // empty: as configured
    std::string amqp;
    std::string http;
    std::string log_level;
    std::string file;  // of --backup and --restore
    std::string user;
    Role role = Role::application;
    std::string password_file;
};

/// Reads the command line. If the program has nothing more to do (--help, --version, wrong use), prints what there is to say and
/// gives the exit code.
struct ParsedOptions {
    Options options;
    std::optional<ExitCode> exit;
};
ParsedOptions parse_options(int argc, char** argv);

/// The configuration that the options ask for: the file, or the built-in defaults, changed by the other options, and checked.
Result<config::Config> configuration_of(const Options& options);

}  // namespace giromq::daemon
