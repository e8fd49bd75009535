#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/shared_bytes.hpp"
#include "model/ids.hpp"

namespace giromq {

/// A message as the broker keeps it: the facts it needs itself, and the bytes as they came. Immutable once it has been handed to
/// the core, and shared between queue, store and connections.
///
/// On the wire (AMQP 1.0 §3.2) a message is: header, delivery-annotations, message-annotations, then the bare message (properties,
/// application-properties, body) and the footer. The broker rewrites only the header; everything else is kept to the byte.
struct Message {
    MessageNumber number;

    // From the header (§3.2.1).
    bool durable = false;
    std::uint8_t priority = 4;

    /// When the broker received the last byte.
    Timestamp arrived_at;
    /// The earlier of arrival + header.ttl and properties.absolute-expiry-time; not set if neither was given.
    Timestamp expires_at;
    /// x-opt-delivery-time: not before this time is it delivered. Kept for scheduled delivery.
    Timestamp due_at;

    /// The encoded delivery-annotations and message-annotations sections as received; often empty.
    SharedBytes annotations;
    /// The encoded sections from properties to footer as received. For a message with chunks only the leading part of them, which
    /// holds properties and application-properties whole and the beginning of the body.
    SharedBytes bare;

    /// Bodies over `chunk_bytes` are stored as chunk rows in batches before the message row; `bare` followed by the chunks 0 to
    /// chunk_count - 1 is the bare message. Zero chunks: `bare` is everything.
    std::uint32_t chunk_count = 0;
    std::uint64_t chunked_bytes = 0;

    /// Size on the wire without the header: what limits, budgets and counters count.
    std::uint64_t size() const { return annotations.size() + bare.size() + chunked_bytes; }
    /// Memory that the message holds while it is in a window.
    std::uint64_t memory() const { return annotations.size() + bare.size() + sizeof(Message); }
    bool is_expired(Timestamp now) const { return expires_at.is_set() && expires_at <= now; }

    /// The checksum over annotations and bare (crc32c), as stored beside them. Every chunk row carries its own.
    std::uint32_t checksum() const;
};

using MessagePtr = std::shared_ptr<const Message>;

/// Chunk size of large bodies, and the largest part of a message that is kept inline.
inline constexpr std::uint32_t chunk_bytes = 256 * 1024;

}  // namespace giromq
