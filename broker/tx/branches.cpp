#include "tx/branches.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace giromq::tx {
namespace {

constexpr std::chrono::milliseconds expire_period{1000};

}  // namespace

Branches::Branches(const Settings& settings, const giromq::Clock& clock, BranchWork& work, xa::Effects& effects)
    : settings_(settings), clock_(clock), journal_(work), registry_(settings.limits, clock_, journal_, effects) {
    journal_.attach(registry_);
}

void Branches::tick() {
    const auto now = clock_.steady_now();
    if (now - expired_at_ < expire_period) return;
    expired_at_ = now;
    registry_.expire();
    watch_in_doubt();
}

std::chrono::milliseconds Branches::oldest_in_doubt_age() const {
    const auto oldest = registry_.oldest_in_doubt();
    if (!oldest) return std::chrono::milliseconds(0);
    // The time of day may have been set back.
    return std::max(clock_.wall_now() - *oldest, std::chrono::milliseconds(0));
}

void Branches::watch_in_doubt() {
    const auto age = oldest_in_doubt_age();
    const auto now = clock_.steady_now();
    if (settings_.in_doubt_alarm.count() <= 0 || age < settings_.in_doubt_alarm || now < alarm_at_) return;
    alarm_at_ = now + settings_.in_doubt_alarm;
    ++alarms_;
    log::error("transactions_in_doubt", {{"count", registry_.branches_in_doubt()},
                                         {"oldest_seconds", age.count() / 1000},
                                         {"effect", "their messages are locked"},
                                         {"do", "start their transaction manager; giromq xa list shows them"}});
}

}  // namespace giromq::tx
