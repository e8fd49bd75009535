#pragma once

#include "config/config.hpp"
#include "main/exit_code.hpp"
#include "main/reload.hpp"

namespace giromq::daemon {

/// Runs the broker until a signal ends it: opens and recovers the store, starts the core, listens, says that it is ready; on SIGTERM
/// or SIGINT gives back and settles what is under way, makes everything durable and leaves the store clean.
/// `dev`: nobody needs to log in from this machine, and no first administrator is made.
/// `read_config` reads the configuration again when somebody wants a reload.
ExitCode run_daemon(const config::Config& config, ReadConfig read_config, bool dev);

}  // namespace giromq::daemon
