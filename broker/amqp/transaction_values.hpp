#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/ids.hpp"

struct pn_data_t;
struct pn_delivery_t;
struct pn_disposition_t;

/// The types of AMQP 1.0 part 4 (transactions) on the wire. Proton 0.37 has no names for them.
namespace giromq::amqp {

namespace transaction_type {
inline constexpr std::uint64_t declare = 0x31;
inline constexpr std::uint64_t discharge = 0x32;
inline constexpr std::uint64_t declared = 0x33;
inline constexpr std::uint64_t transactional_state = 0x34;
}  // namespace transaction_type

/// A transaction id as the broker gives it: eight bytes, the number big-endian.
std::vector<std::uint8_t> encode_transaction_id(TransactionId id);
/// Anything else is an id that was never given; 0 then, which nobody has.
TransactionId decode_transaction_id(std::span<const std::uint8_t> bytes);

/// What a peer's transactional-state says.
struct TransactionalState {
    TransactionId transaction;
    std::uint64_t outcome = 0;  // its descriptor; 0 for none
    // Of rejected.
    std::string condition;
    std::string description;
    // Of modified.
    bool delivery_failed = false;
    bool undeliverable_here = false;
};
/// Nothing if the peer's state of the delivery is not one, or is malformed.
std::optional<TransactionalState> transactional_state_of(pn_delivery_t* delivery);
/// True if the peer's state is a transactional-state, well-formed or not.
bool is_transactional(pn_delivery_t* delivery);

/// Answers a delivery that belongs to the transaction: it will be accepted if that is committed.
void answer_transactional(pn_delivery_t* delivery, TransactionId transaction);
/// Says of a delivery that is going out that it was acquired in the transaction.
void tell_acquired(pn_delivery_t* delivery, TransactionId transaction);
/// The answer to a declare.
void answer_declared(pn_delivery_t* delivery, TransactionId transaction);

}  // namespace giromq::amqp
