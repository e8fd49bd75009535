#pragma once

#include <cstdint>
#include <string>

#include "amqp_client.hpp"
#include "histogram.hpp"

namespace giromq::bench {

struct LoadSettings {
    Address address;
    std::string queue = "bench";
    std::uint32_t queues = 1;  // spread over queue-0, queue-1, … if more than one
    std::uint32_t producers = 1;
    std::uint32_t consumers = 1;
    std::uint32_t unconfirmed = 1;  // per producer; 1: synchronous
    std::uint32_t credit = 500;     // per consumer
    std::size_t message_bytes = 1024;
    bool durable = true;
    bool presettled_send = false;
    bool presettled_receive = false;
    double warm_up_s = 1;
    double duration_s = 5;       // if no count of messages is given
    std::uint64_t messages = 0;  // send so many and, with consumers, end when all were received
    std::uint32_t threads = 1;   // of the load generator
    std::uint32_t keys = 0;      // messages have a property "key", 'k0000' to the last of so many in turn; 0: none
    std::uint32_t links = 1;     // consumers that share a connection
    std::string selector;        // of the consumers; "#" stands for the key of each: the first has 'k0000'
};

struct LoadResult {
    std::uint64_t sent = 0;
    std::uint64_t refused = 0;
    std::uint64_t received = 0;
    double seconds = 0;
    double sent_per_s = 0;
    double received_per_s = 0;
    Latencies send_latency;      // from send to settled
    Latencies delivery_latency;  // from send to received
    std::string error;           // empty if all went well
};

/// Runs the load and measures it after the warm-up.
LoadResult run_load(const LoadSettings& settings);

/// Opens so many connections and keeps them idle for `seconds`. Returns an error, or nothing.
std::string hold_idle_connections(const Address& address, std::uint32_t connections, double seconds);

/// Receives one message; returns the seconds from the call (it keeps trying to connect) until it was there, or a negative number.
double time_to_first_message(const Address& address, const std::string& queue, const std::string& selector, double timeout_s);

/// fdatasync of 4 KiB into a preallocated file of the folder: the p50 in microseconds of `count` rounds, or a negative number.
double fdatasync_floor_us(const std::string& folder, std::uint32_t count);

}  // namespace giromq::bench
