#pragma once

#include <proton/delivery.h>

#include <cstdint>

#include "model/ids.hpp"

namespace giromq::amqp {

/// What the context pointer of a delivery to a consumer carries: the position that names it to the core, and whether the core is asked
/// already. Zero once it is settled.
struct DeliveryMark {
    Position position;
    bool is_asked = false;

    void* pack() const { return reinterpret_cast<void*>(position.value << 1U | (is_asked ? 1U : 0U)); }
    static DeliveryMark of(pn_delivery_t* delivery) {
        const auto packed = reinterpret_cast<std::uintptr_t>(pn_delivery_get_context(delivery));
        return {Position{packed >> 1U}, (packed & 1U) != 0};
    }
};

/// Whether the state is an outcome (AMQP 1.0 §3.4).
constexpr bool is_outcome(std::uint64_t state) { return state >= PN_ACCEPTED && state <= PN_MODIFIED; }

}  // namespace giromq::amqp
