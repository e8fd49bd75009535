#pragma once

#include <compare>
#include <cstdint>
#include <functional>

/// Distinct types for the numbers that name things, so that one cannot be passed for another.
namespace giromq {

template <typename Tag>
struct Id {
    std::uint64_t value = 0;

    constexpr bool is_set() const { return value != 0; }
    friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

/// A destination (queue, later topic). Durable; never used again after the destination is deleted. 0 is "none".
using DestinationId = Id<struct DestinationTag>;
/// A message, given by the broker when the message arrives; the key of its row. Increases, never used twice for what became durable.
using MessageNumber = Id<struct MessageTag>;
/// The place of an entry in its destination. Given when the entry is staged for commit, from one counter for the whole broker, so
/// that commit order is queue order. 0 is before every entry.
using Position = Id<struct PositionTag>;
/// A transaction branch that has been prepared. Given when the branch is staged, from the counter of positions, so never twice.
using BranchId = Id<struct BranchTag>;
/// The number of a batch, one more than the batch before it; kept inside the batch.
using BatchNumber = Id<struct BatchTag>;
/// Counts the times a broker took over the store; a batch with an old epoch is refused.
using Epoch = Id<struct EpochTag>;
/// An open connection of a client, unique while the broker runs.
using ConnectionId = Id<struct ConnectionTag>;
/// A consumer or browser attached to a destination, unique while the broker runs.
using ConsumerId = Id<struct ConsumerTag>;
/// A producer attached to the broker, unique while the broker runs.
using ProducerId = Id<struct ProducerTag>;
/// A transaction that a client has declared, unique while the broker runs.
using TransactionId = Id<struct TransactionTag>;
/// A control link, over which a client declares and discharges transactions, unique while the broker runs.
using ControlId = Id<struct ControlTag>;

}  // namespace giromq

template <typename Tag>
struct std::hash<giromq::Id<Tag>> {
    std::size_t operator()(const giromq::Id<Tag>& id) const noexcept { return std::hash<std::uint64_t>{}(id.value); }
};
