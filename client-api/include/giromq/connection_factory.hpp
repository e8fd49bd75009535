#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "giromq/connection.hpp"
#include "giromq/context.hpp"
#include "giromq/export.hpp"

namespace giromq {

namespace detail {
struct Settings;
}

/// Knows where the broker is and how to log in (JMS 2.0 §6.1.1).
///
/// The URI is `amqp://[user[:password]@]host[:port][?option=value&...]`, or `amqps://` for TLS; the ports are 5672 and 5671. Better
/// than a password in a URI, which ends up in logs and process lists: give it as an argument. Options, with their defaults:
///
///     client-id              none      the JMS client id; made up if it is not given
///     prefetch               1000      messages that the broker sends ahead to each consumer, 0 to 2000; 0: only when receive() asks
///     connect-timeout-ms     10000     for one attempt: name, TCP, TLS, login, open
///     connect.attempts       1         of create_connection(), with the pauses of reconnect; 0 for no limit
///     request-timeout-ms     30000     for answers of the broker other than the outcomes of sends
///     send-timeout-ms        0         for send(); 0 for no limit
///     close-timeout-ms       10000     for the orderly part of close()
///     idle-timeout-ms        60000     the connection is dead when nothing was heard for so long; 0 for no limit
///     xa-pipeline            true      XAResource::end() does not wait for the broker, whose answer comes with that of the next call;
///     false for
///                                      transaction managers that make the next call from another process
///     transaction-ahead-ms   1000      how long a transaction that was begun ahead, together with the last commit, waits for its first
///     work max-message-bytes      134217728 the largest message that is received reconnect              true      connect again when the
///     connection is lost reconnect.delay-ms     100       the first pause; doubled each time, with jitter reconnect.max-delay-ms 10000 the
///     longest pause reconnect.attempts     0         attempts per loss; 0 for no limit reconnect.timeout-ms   0         time per loss; 0
///     for no limit sasl.mechanisms        all       a list of those to use, separated by commas: SCRAM-SHA-256, EXTERNAL, PLAIN, ANONYMOUS
///     tls.ca-file            system    PEM file with the certificates to trust
///     tls.certificate-file   none      PEM file with the client's certificate chain, for EXTERNAL
///     tls.key-file           none      PEM file with its private key
///     tls.verify-peer        true      check the broker's certificate and that it is for this host; false is for tests only
///
/// PLAIN is used only over TLS or to the loopback interface; SCRAM-SHA-256 is preferred where the broker offers it.
/// Threads: create_connection() can be called from any thread.
class GIROMQ_API ConnectionFactory {
public:
    /// Throws JMSException if the URI or an option is not understood.
    explicit ConnectionFactory(std::string_view uri = "amqp://127.0.0.1:5672");
    ConnectionFactory(std::string_view uri, std::string_view user, std::string_view password);
    ~ConnectionFactory();
    ConnectionFactory(const ConnectionFactory& other);
    ConnectionFactory& operator=(const ConnectionFactory& other);

    /// Sets one of the options above.
    void set_option(std::string_view name, std::string_view value);
    void set_client_id(std::string_view id);

    /// The URI without user, password and options.
    std::string uri() const;

    /// Connects and logs in. The connection is stopped: nothing is delivered before Connection::start().
    /// Throws JMSSecurityException (login refused), InvalidClientIDException, or JMSException (not reachable, no AMQP 1.0 broker).
    std::shared_ptr<Connection> create_connection() const;
    std::shared_ptr<Connection> create_connection(std::string_view user, std::string_view password) const;

    /// The simplified interface: a connection with one session. Throws what create_connection() and create_session() throw.
    std::shared_ptr<Context> create_context(AcknowledgeMode mode = AcknowledgeMode::auto_acknowledge) const;
    std::shared_ptr<Context> create_context(std::string_view user, std::string_view password,
                                            AcknowledgeMode mode = AcknowledgeMode::auto_acknowledge) const;

protected:
    const detail::Settings& settings() const { return *settings_; }

private:
    std::unique_ptr<detail::Settings> settings_;
};

}  // namespace giromq
