#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"

namespace giromq {

/// Why an entry is in a dead-letter queue. Kept beside the entry, shown to administrators, and sent to the consumer of the dead-letter
/// queue as message annotations x-opt-giromq-dead-letter-{cause,description,origin,delivery-count,time}. An entry that has one does not
/// expire.
struct DeadLetter {
    std::string cause;        // "rejected", "max-deliveries", "undeliverable"
    std::string description;  // the consumer's error condition and description, or the broker's sentence; at most 1 KiB
    std::string origin;       // name of the destination it came from
    std::uint32_t delivery_count = 0;
    Timestamp time;
};

using DeadLetterPtr = std::shared_ptr<const DeadLetter>;

}  // namespace giromq
