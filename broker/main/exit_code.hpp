#pragma once

#include "base/result.hpp"

namespace giromq::daemon {

/// What giromqd tells its caller; documented in --help and in docs/operations/running.md.
enum class ExitCode : int {
    ok = 0,
    failed = 1,        // something else; the log says what
    usage = 2,         // wrong options, or a wrong configuration
    store_locked = 3,  // another broker uses the data directory
    store_failed = 4,  // the store cannot be opened, is damaged, or failed while in use
};

ExitCode exit_code_of(const Error& error);

/// Writes the error to standard error, for whoever has started the program, and gives its exit code.
ExitCode report(const Error& error);

}  // namespace giromq::daemon
