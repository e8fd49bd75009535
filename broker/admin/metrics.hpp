#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/broker_admin.hpp"

namespace giromq::admin {

/// What the process itself uses, as /proc tells; 0 where it does not.
struct ProcessUse {
    std::uint64_t resident_bytes = 0;
    double processor_seconds = 0;
    std::uint64_t open_files = 0;
};
ProcessUse process_use();

/// The text format 0.0.4 of Prometheus.
std::string metrics_text(const Overview& overview, const ProcessUse& process);
/// `now` is what ages are counted to.
std::string queue_metrics_text(const std::vector<core::QueueView>& queues, Timestamp now);

}  // namespace giromq::admin
