#pragma once

#include <cstdint>

#include "store/operation.hpp"

namespace giromq::store {

/// What TakeSequence does to the row of its producer.
void take_sequence(PutProducer& row, std::uint64_t sequence);

}  // namespace giromq::store
