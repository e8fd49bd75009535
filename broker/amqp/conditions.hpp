#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// The error conditions of AMQP 1.0 (§2.8.15 to §2.8.18) that this broker answers with, and how refusals inside map to them.
namespace giromq::amqp::condition {

inline constexpr std::string_view internal_error = "amqp:internal-error";
inline constexpr std::string_view not_found = "amqp:not-found";
inline constexpr std::string_view unauthorized_access = "amqp:unauthorized-access";
inline constexpr std::string_view decode_error = "amqp:decode-error";
inline constexpr std::string_view resource_limit_exceeded = "amqp:resource-limit-exceeded";
inline constexpr std::string_view not_allowed = "amqp:not-allowed";
inline constexpr std::string_view invalid_field = "amqp:invalid-field";
inline constexpr std::string_view not_implemented = "amqp:not-implemented";
inline constexpr std::string_view resource_deleted = "amqp:resource-deleted";
inline constexpr std::string_view illegal_state = "amqp:illegal-state";
inline constexpr std::string_view connection_forced = "amqp:connection:forced";
inline constexpr std::string_view framing_error = "amqp:connection:framing-error";
inline constexpr std::string_view session_handle_in_use = "amqp:session:handle-in-use";
inline constexpr std::string_view session_unattached_handle = "amqp:session:unattached-handle";
inline constexpr std::string_view link_detach_forced = "amqp:link:detach-forced";
inline constexpr std::string_view link_stolen = "amqp:link:stolen";
inline constexpr std::string_view link_transfer_limit_exceeded = "amqp:link:transfer-limit-exceeded";
inline constexpr std::string_view resource_locked = "amqp:resource-locked";
/// Of transactions (part 4, §4.5.9).
inline constexpr std::string_view transaction_unknown_id = "amqp:transaction:unknown-id";
inline constexpr std::string_view transaction_rollback = "amqp:transaction:rollback";
inline constexpr std::string_view transaction_timeout = "amqp:transaction:timeout";
inline constexpr std::string_view link_message_size_exceeded = "amqp:link:message-size-exceeded";
/// Of the extension giromq:xa (docs/protocol-xa.md).
inline constexpr std::string_view duplicate_xid = "giromq:duplicate-xid";
inline constexpr std::string_view heuristic = "giromq:heuristic";
inline constexpr std::string_view retry = "giromq:retry";

}  // namespace giromq::amqp::condition

namespace giromq::amqp {

/// A condition with the sentence that goes with it, ready for an error frame or a rejected outcome.
struct Refusal {
    std::string condition;
    std::string description;
};

/// How a refusal of the core or of security/ is told to the peer.
Refusal refusal_of(const Error& error);

}  // namespace giromq::amqp
