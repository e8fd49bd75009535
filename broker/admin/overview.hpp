#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/alarms.hpp"
#include "admin/ports.hpp"
#include "admin/readiness.hpp"
#include "base/clock.hpp"
#include "core/core.hpp"
#include "security/login_throttle.hpp"

namespace giromq::admin {

/// Logins over one protocol since the start.
struct LoginCount {
    std::string protocol;
    security::LoginThrottle::Counters counters;
};

/// How long the group commits of the last minute took, in microseconds, as exactly as the ranges of the histogram tell.
struct CommitTimes {
    std::uint64_t commits = 0;
    std::uint64_t p50_us = 0;
    std::uint64_t p99_us = 0;
    std::uint64_t max_us = 0;  // not more than this
};

/// The broker as a whole.
struct Overview {
    BrokerState state = BrokerState::starting;
    std::string reason;
    std::string version;
    std::string name;
    Timestamp started_at;
    Timestamp now;
    core::CoreView core;
    std::uint64_t connections = 0;
    std::uint64_t connections_accepted = 0;
    store::Health store;
    store::CommitQueue::Statistics commits;
    std::vector<LoginCount> logins;
    TransactionCounts transactions;
    CommitTimes last_minute;
    std::vector<Alarm> alarms;
    std::vector<CertificateView> certificates;
};

}  // namespace giromq::admin
