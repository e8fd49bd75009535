#pragma once

#include <memory>
#include <optional>
#include <string>

#include "amqp/conditions.hpp"
#include "amqp/core_session.hpp"
#include "model/amqp_sections.hpp"

namespace giromq::amqp {

/// What an encoded message says to the broker.
struct Intake {
    std::shared_ptr<Message> message;
    std::optional<core::ProducerSequence> sequence;
    std::string duplicate_id;
    /// properties.to, for the anonymous relay.
    std::string to;
    /// x-opt-jms-dest says that `to` is a topic.
    bool to_topic = false;
    std::optional<std::uint32_t> ttl_ms;
    Timestamp absolute_expiry_time;

    /// Sets the times that count from the arrival of the last byte.
    void arrived(Timestamp now);
};

/// Builds a message out of its encoded sections, sharing their memory. `head` must be what read_head() found in `bytes`; of a large
/// message `bytes` may be only the leading part. The refusal says what is wrong with annotations that are for the broker.
Result<Intake> take_in(const SharedBytes& bytes, const codec::MessageHead& head);

}  // namespace giromq::amqp
