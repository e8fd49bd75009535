#pragma once

#include <cstdint>
#include <string>

#include "amqp_client.hpp"
#include "histogram.hpp"

namespace giromq::bench {

struct TransactionSettings {
    Address address;
    std::string queue = "bench-transactions";  // each session has one of its own, NAME-0, NAME-1, ...
    std::uint32_t sessions = 1;                // each on a connection of its own
    bool receives = false;                     // each transaction receives a message too
    bool is_global = false;                    // branches of global transactions (giromq:xa), in two phases
    std::size_t message_bytes = 1024;
    double warm_up_s = 1;
    double duration_s = 5;
    std::uint32_t threads = 1;
};

struct TransactionResult {
    std::uint64_t committed = 0;
    double seconds = 0;
    double per_s = 0;
    Latencies latency;  // from the first frame of a transaction until its discharge, or the commit of its branch, is accepted
    std::string error;
};

/// Local transactions (AMQP 1.0 part 4), one after the other in each session: send one message, receive one if asked for, commit. The
/// declare of the next one goes with the discharge of the one before. Branches of global transactions: start, send, end and prepare in one
/// go, commit, as a transaction manager with one resource manager that cannot know it is the only one.
TransactionResult run_transactions(const TransactionSettings& settings);

}  // namespace giromq::bench
