#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "common.hpp"

namespace giromq::tool {

/// Adds its commands to the program; the one that was given sets `run`, which returns the exit code.
using Run = std::function<int()>;
void add_message_commands(CLI::App& app, const Common& common, Run& run);
/// `giromq message` and `giromq operation`: an administrator's work on messages, over REST.
void add_stored_message_commands(CLI::App& app, const Common& common, Run& run);
void add_queue_commands(CLI::App& app, const Common& common, Run& run);
void add_selector_commands(CLI::App& app, const Common& common, Run& run);
/// Those of `giromq selector` that are about selectors in the broker.
void add_named_selector_commands(CLI::App& selector, const Common& common, Run& run);
void add_user_commands(CLI::App& app, const Common& common, Run& run);
void add_permission_commands(CLI::App& app, const Common& common, Run& run);
void add_audit_commands(CLI::App& app, const Common& common, Run& run);
void add_configuration_commands(CLI::App& app, const Common& common, Run& run);
/// `giromq connection`, `consumer` and `producer`.
void add_client_commands(CLI::App& app, const Common& common, Run& run);
/// `giromq status`, `alarms`, `certificates`, `history` and `backup`.
void add_broker_commands(CLI::App& app, const Common& common, Run& run);
void add_transaction_commands(CLI::App& app, const Common& common, Run& run);

}  // namespace giromq::tool
