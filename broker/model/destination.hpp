#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "model/ids.hpp"

namespace giromq {

enum class DestinationKind : std::uint8_t { queue = 0, topic = 1 };

/// Who made a destination, and so how long it lives: `temporary` ones end with their connection and are never in the store.
enum class DestinationOrigin : std::uint8_t { configured = 0, administrator = 1, automatic = 2, temporary = 3 };

/// What happens to producers when a destination is at its limit: `refuse` rejects with amqp:resource-limit-exceeded, `hold` grants
/// no credit until there is room (a send over the anonymous relay, which has no credit of its own per destination, is refused).
/// `refuse` is exact. Credit that was given cannot be taken back, so `hold` may go beyond the limit: producers share out half of the
/// room that is left, again and again, so it is by half of the limit at the worst, plus one message for each producer (for a limit in
/// bytes: if messages are about as large as those before them).
enum class OverflowPolicy : std::uint8_t { refuse = 0, hold = 1 };

/// The settings of a queue. Every number has the range that schemas/giromq-config.xsd gives.
struct DestinationSettings {
    std::string name;  // 1 to 255 bytes of UTF-8 without control characters
    DestinationKind kind = DestinationKind::queue;
    DestinationOrigin origin = DestinationOrigin::administrator;
    std::uint32_t max_deliveries = 10;      // 0: no limit; counts failed deliveries, never crash marks
    std::string dead_letter_queue = "DLQ";  // where rejected and undeliverable messages go
    std::uint64_t max_messages = 0;         // 0: no limit
    std::uint64_t max_bytes = 0;            // 0: no limit
    OverflowPolicy overflow = OverflowPolicy::refuse;
    std::uint32_t duplicate_ids_max = 20000;  // ids given by applications that are remembered
    std::chrono::milliseconds duplicate_ids_age{600000};
    bool strict = false;  // nothing is given out past a message that somebody else has and has not decided about
    // An administrator's, whatever the configuration says.
    bool is_sending_paused = false;
    bool is_receiving_paused = false;

    friend bool operator==(const DestinationSettings&, const DestinationSettings&) = default;
};

}  // namespace giromq
