#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "amqp/transaction_values.hpp"
#include "amqp/xa_values.hpp"

namespace giromq::amqp {

/// A message to the coordinator: a call of part 4 of AMQP 1.0 or of the extension giromq:xa.
struct ControlMessage {
    enum class Kind : std::uint8_t {
        declare,
        discharge,
        xa,
        invalid_xa,         // a call of XA with a wrong argument; `reason` says which
        unknown_global_id,  // a declare with a global-id of somebody else's
        malformed,
    };
    Kind kind = Kind::malformed;
    TransactionId transaction;  // of discharge
    bool fail = false;
    std::optional<XaRequest> xa;
    std::string reason;
};
ControlMessage read_control_message(std::span<const std::uint8_t> bytes);

}  // namespace giromq::amqp
