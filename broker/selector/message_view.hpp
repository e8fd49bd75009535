#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "selector/value.hpp"

namespace giromq::selector {

/// The six headers that a selector may refer to (JMS 2.0 §3.8.1.1).
enum class Header : std::uint8_t { delivery_mode, priority, message_id, timestamp, correlation_id, type };

/// The bytes of a body, as far as they can be looked into.
struct Body {
    enum class State : std::uint8_t {
        absent,      // there is none, or it is not text or bytes
        present,     // `bytes` is all of it
        incomplete,  // it is longer than what is at hand
    };
    State state = State::absent;
    std::string_view bytes;
};

/// A message as a selector sees it. Text in values, names and body stay valid as long as the view. A view belongs to one thread at a
/// time.
class MessageView {
public:
    virtual ~MessageView() = default;

    /// JMSDeliveryMode is 'PERSISTENT' or 'NON_PERSISTENT' (§3.8.1.3), JMSPriority an int, JMSTimestamp a long, the others text or Null.
    virtual Value header(Header header) const = 0;

    /// Sets values[i] to the property names[i] with the type it was set with; leaves it as it is (Null) if there is none. All at once, so
    /// that encoded properties are read once.
    virtual void properties(std::span<const std::string_view> names, std::span<Value> values) const = 0;

    virtual Body body() const = 0;
};

}  // namespace giromq::selector
