#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "giromq/export.hpp"
#include "giromq/listeners.hpp"
#include "giromq/modes.hpp"
#include "giromq/session.hpp"

namespace giromq {

namespace detail {
class ConnectionCore;
}

/// What is at the other end, and what this library is (JMS 2.0 §6.1.6).
struct ConnectionMetaData {
    std::string jms_version = "2.0";
    std::string jms_provider_name;  ///< This library.
    std::string provider_version;
    std::string broker_product;  ///< As the broker names itself: "GiroMQ"; empty if it does not.
    std::string broker_version;
    std::vector<std::string> jmsx_property_names;
};

/// What happened to the connection, for a ConnectionEventListener.
enum class ConnectionEvent { interrupted, resumed };

/// Told when the connection is lost and is being made anew, and when it is there again; `reason` says why. On a thread of the connection.
using ConnectionEventListener = std::function<void(ConnectionEvent event, const std::string& reason)>;

/// A connection to the broker (JMS 2.0 §6.1). Made, stopped, by ConnectionFactory::create_connection().
///
/// Threads: every method can be called from any thread.
/// Lifetime: the last handle closes the connection, its sessions and all that was made from them.
class GIROMQ_API Connection {
public:
    explicit Connection(std::shared_ptr<detail::ConnectionCore> core);  // for the library
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Throws JMSException for session_transacted if the broker has no transactions.
    std::shared_ptr<Session> create_session(AcknowledgeMode mode = AcknowledgeMode::auto_acknowledge);

    std::string client_id() const;
    /// Only before anything else is done with the connection, and once; connects anew with that id. Throws InvalidClientIDException if
    /// another connection has it. Setting it on the factory saves the second connect.
    void set_client_id(std::string id);

    ConnectionMetaData metadata() const;

    void set_exception_listener(ExceptionListener listener);
    void set_event_listener(ConnectionEventListener listener);

    /// Starts, or goes on with, the delivery of messages.
    void start();
    /// Pauses the delivery; waits until running message listeners have returned. Throws IllegalStateException from a listener.
    void stop();
    /// Closes all sessions, waiting for running listeners, for acknowledgements and for the outcomes of asynchronous sends, then the
    /// connection, and until a running exception or event listener has returned unless that one closes. Idempotent; IllegalStateException
    /// from a message or completion listener of the connection.
    void close();

protected:
    std::shared_ptr<detail::ConnectionCore> core_;
};

}  // namespace giromq
