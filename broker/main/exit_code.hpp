#pragma once

namespace giromq::daemon {

/// What giromqd tells its caller; documented in --help and in README.md.
enum class ExitCode : int {
    ok = 0,
    failed = 1,        // something else; the log says what
    usage = 2,         // wrong options, or a wrong configuration
    store_locked = 3,  // another broker uses the data directory
    store_failed = 4,  // the store cannot be opened, is damaged, or failed while in use
};

}  // namespace giromq::daemon
