#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "core/ports.hpp"

namespace giromq::amqp {

/// Writes what goes before the bare message of a delivery: a header of the broker's making (AMQP 1.0 §3.2.1) and the annotations as they
/// were received, with why it was dead-lettered added if it was. `out` is cleared first.
void write_prefix(const core::Delivery& delivery, Timestamp now, std::vector<std::uint8_t>& out);

}  // namespace giromq::amqp
