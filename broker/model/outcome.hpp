#pragma once

#include <cstdint>
#include <string>
#include <variant>

/// The terminal outcomes of a delivery (AMQP 1.0 §3.4).
namespace giromq {

/// §3.4.2: the consumer has taken over the message.
struct Accepted {};
/// §3.4.3: the message is invalid and unprocessable; it goes to the dead-letter queue with this condition.
struct Rejected {
    std::string condition;
    std::string description;
};
/// §3.4.4: not (and will not be) acted upon; back to its place, the delivery count not raised.
struct Released {};
/// §3.4.5: back to its place; `delivery_failed` raises the delivery count, `undeliverable_here` keeps it from this consumer.
struct Modified {
    bool delivery_failed = false;
    bool undeliverable_here = false;
};

using Outcome = std::variant<Accepted, Rejected, Released, Modified>;

}  // namespace giromq
