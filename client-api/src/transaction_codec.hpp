#pragma once

#include <proton/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "failure.hpp"

/// The types of AMQP 1.0 part 4 on the wire: the bodies of a control link's messages, and the states that carry a transaction's id.
namespace giromq::detail {

/// What the message begins with that declares a transaction.
inline constexpr std::uint8_t declare_code = 0x31;

namespace outcome_code {
inline constexpr std::uint64_t declared = 0x33;
inline constexpr std::uint64_t transactional_state = 0x34;
}  // namespace outcome_code

/// The message that declares a local transaction.
std::string encode_declare();
/// The message that ends the transaction `id`: `fail` rolls it back.
std::string encode_discharge(std::string_view id, bool fail);

/// Sets transactional-state{id} on a delivery that is about to be sent.
void put_in_transaction(pn_delivery_t* delivery, std::string_view id);
/// Sets transactional-state{id, accepted} on a delivery that was received.
void accept_in_transaction(pn_delivery_t* delivery, std::string_view id);

/// The id in the outcome `declared`; empty if it has none.
std::string declared_id(pn_delivery_t* delivery);

/// The outcome of a delivery that was sent, taken out of its transactional-state if it has one. `code`: its descriptor, 0 if there is no
/// outcome; `failure`: the error of `rejected`, in words that begin with `what`.
struct RemoteOutcome {
    std::uint64_t code = 0;
    std::optional<Failure> failure;
};
RemoteOutcome remote_outcome(pn_delivery_t* delivery, const std::string& what);

}  // namespace giromq::detail
