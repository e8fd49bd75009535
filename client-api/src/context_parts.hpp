#pragma once

#include <memory>

#include "giromq/context.hpp"
#include "settings.hpp"

namespace giromq::detail {

class ConnectionCore;
class SessionCore;

/// What a Context and its producers share. Of the context's thread.
struct ContextParts {
    ContextParts(std::shared_ptr<Connection> connection_of, std::shared_ptr<ConnectionCore> core_of, AcknowledgeMode mode);

    /// Throws IllegalStateException if the context is closed.
    Connection& open_connection() const;
    /// The session's producer for any destination, made when it is first needed.
    MessageProducer& open_producer();

    std::shared_ptr<Connection> connection;  // one handle for each context; null when it is closed
    const std::shared_ptr<ConnectionCore> connection_core;
    const std::shared_ptr<SessionCore> session_core;
    const std::shared_ptr<Session> session;
    std::shared_ptr<MessageProducer> producer;
    bool auto_start = true;
};

std::shared_ptr<Context> make_context(Settings settings, AcknowledgeMode mode);

}  // namespace giromq::detail
