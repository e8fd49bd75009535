#pragma once

#include <sched.h>

#include <chrono>

namespace giromq {

/// Whether a thread that has run out of work looks for more for a while before it sleeps.
///
/// To sleep and be woken takes 20 to 60 µs where the processor has to be woken, too, and does so several times in each commit that a
/// client waits for. So it is worth looking on while work keeps coming within `longest`. Work that comes more rarely finds the thread
/// asleep, and an idle broker costs nothing (docs/adr/0015-threads-look-before-they-sleep.md).
///
/// Threads: one.
class BusyWait {
public:
    using Duration = std::chrono::nanoseconds;

    /// Zero: never.
    explicit BusyWait(Duration longest) : longest_(longest) {}

    bool is_worth_it() const { return worth_it_; }
    /// There is work again, after so long a time without.
    void idled(Duration time) { worth_it_ = time < longest_; }

    /// Asks `has_work` again and again until it says yes (true), or it has taken too long, or is not worth it. Whoever has something to
    /// do on this processor goes first.
    template <typename HasWork>
    bool look(HasWork has_work) const {
        if (!worth_it_) return false;
        const auto until = std::chrono::steady_clock::now() + longest_;
        while (!has_work()) {
            if (std::chrono::steady_clock::now() >= until) return false;
            sched_yield();
        }
        return true;
    }

private:
    Duration longest_;
    bool worth_it_ = false;
};

}  // namespace giromq
