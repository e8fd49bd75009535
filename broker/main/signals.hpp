#pragma once

#include <chrono>

namespace giromq::daemon {

/// The signals that end or reload the broker. They are blocked in every thread, and the main thread asks for them.
class Signals {
public:
    enum class Kind { none, stop, reload };

    /// Before any thread is started.
    Signals();

    /// Waits for the next one at most so long.
    Kind wait(std::chrono::milliseconds timeout);

    /// From now on a stop signal ends the process at once, with exit code 1.
    static void stop_at_once_from_now_on();
};

}  // namespace giromq::daemon
