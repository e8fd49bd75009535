#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.hpp"
#include "tx/branch_journal.hpp"
#include "xa/clock.hpp"
#include "xa/registry.hpp"

namespace giromq::tx {

/// The broker's clock for the registry.
class BranchClock final : public xa::Clock {
public:
    explicit BranchClock(const giromq::Clock& clock) : clock_(clock) {}
    xa::WallTime wall_now() const override { return xa::WallTime(std::chrono::milliseconds(clock_.wall_now().milliseconds)); }
    xa::SteadyTime steady_now() const override { return clock_.monotonic_now(); }

private:
    const giromq::Clock& clock_;
};

/// All transaction branches of the broker: the registry, its journal over the store, and what is to be done every second. The core owns
/// one, implements BranchWork and xa::Effects, calls tick(), and Registry::lose() when a control link has gone.
///
/// Threads: the core's executor.
class Branches {
public:
    struct Settings {
        xa::RegistryLimits limits;
        /// A branch that is in doubt for longer is told of in the log, again after each such time. 0: never.
        std::chrono::milliseconds in_doubt_alarm = std::chrono::minutes(10);
    };

    /// All references outlive this.
    Branches(const Settings& settings, const giromq::Clock& clock, BranchWork& work, xa::Effects& effects);
    Branches(const Branches&) = delete;
    Branches& operator=(const Branches&) = delete;

    xa::Registry& registry() { return registry_; }
    const xa::Registry& registry() const { return registry_; }
    BranchJournal& journal() { return journal_; }

    /// May be called as often as the core ticks; it does something about once a second.
    void tick();

    /// How long the oldest branch has been in doubt; 0 if there is none.
    std::chrono::milliseconds oldest_in_doubt_age() const;
    /// Alarms that have been raised.
    std::uint64_t alarms() const { return alarms_; }

private:
    void watch_in_doubt();

    const Settings settings_;
    BranchClock clock_;
    BranchJournal journal_;
    xa::Registry registry_;
    xa::SteadyTime expired_at_{};
    xa::SteadyTime alarm_at_{};  // not again before
    std::uint64_t alarms_ = 0;
};

}  // namespace giromq::tx
