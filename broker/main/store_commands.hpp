#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "main/exit_code.hpp"
#include "main/options.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace giromq::daemon {

store::SqliteSettings sqlite_settings(const config::Config& config);

/// --check, --backup, --restore and `user add`: work on the store while no broker runs. Progress goes to standard error, the result to
/// standard output.
ExitCode run_store_command(const Options& options, const config::Config& config);

}  // namespace giromq::daemon
