#pragma once

#include "base/unique_function.hpp"

namespace giromq {

/// Where work runs. An executor is serial: it runs one task at a time, in the order in which they were given to it, and every
/// object of the broker belongs to exactly one of them (the core, or one connection). Implemented by net/ over Asio strands and by
/// the simulation over a plain queue.
///
/// Threads: execute() may be called from any thread and never blocks. It may run the task before it returns if the executor is idle
/// and the calling thread is allowed to run it (a wake-up saved); a task given from inside the executor runs after the current one.
class Executor {
public:
    virtual ~Executor() = default;

    virtual void execute(Task task) = 0;

    /// True if the caller runs inside a task of this executor. For assertions.
    virtual bool is_current() const = 0;
};

}  // namespace giromq
