#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::core {

/// Expected refusals of the core. amqp/ maps each to the condition of the AMQP 1.0 specification, admin-web to an HTTP status.
enum class errc {
    not_found = 1,            // no such destination                        amqp:not-found, 404
    already_exists,           // the name is taken                          amqp:illegal-state, 409
    not_allowed,              // e.g. consuming another connection's temporary queue   amqp:not-allowed, 403
    resource_limit,           // a limit of the destination, the disk or the broker is reached   amqp:resource-limit-exceeded, 507
    invalid_name,             // not a valid destination name               amqp:invalid-field, 400
    in_use,                   // the destination has consumers              amqp:illegal-state, 409
    deleted,                  // the destination was deleted                amqp:resource-deleted, 410
    not_ready,                // starting, stopping or failed               amqp:internal-error, 503
    locked,                   // another transaction has it                 amqp:resource-locked, 409
    transaction_unknown,      // no such transaction               amqp:transaction:unknown-id, 404
    transaction_rolled_back,  // or can only be rolled back        amqp:transaction:rollback, 409
    transaction_timeout,      // rolled back: it took too long     amqp:transaction:timeout, 409
    internal,                 // the store refused for another reason       amqp:internal-error, 500
};

}  // namespace giromq::core

template <>
struct giromq::ErrcTraits<giromq::core::errc> {
    static constexpr std::string_view module = "broker";
    static std::string_view text(core::errc code);
};
