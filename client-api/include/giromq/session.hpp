#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "giromq/destination.hpp"
#include "giromq/export.hpp"
#include "giromq/message.hpp"
#include "giromq/message_consumer.hpp"
#include "giromq/message_producer.hpp"
#include "giromq/modes.hpp"
#include "giromq/queue_browser.hpp"

namespace giromq {

namespace detail {
class SessionCore;
}

/// A single-threaded context for producing and consuming (JMS 2.0 §6.2). Made by Connection::create_session().
///
/// Threads: one thread at a time uses a session and everything made from it; a second one gets IllegalStateException. Once a listener
/// is set, that thread is the session's own. Only close() may be called from any thread.
/// Lifetime: the last handle closes the session with its producers, consumers and browsers.
class GIROMQ_API Session {
public:
    explicit Session(std::shared_ptr<detail::SessionCore> core);  // for the library
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    AcknowledgeMode acknowledge_mode() const;
    bool transacted() const;

    /// A name, not yet a queue at the broker. 1 to 255 bytes of UTF-8 without control characters.
    std::shared_ptr<Queue> create_queue(std::string_view name);
    std::shared_ptr<TemporaryQueue> create_temporary_queue();

    /// `destination` null: every send names its own. Throws InvalidDestinationException, JMSSecurityException.
    std::shared_ptr<MessageProducer> create_producer(const DestinationPtr& destination);
    /// `selector` empty: every message. Throws InvalidDestinationException, InvalidSelectorException, JMSSecurityException.
    std::shared_ptr<MessageConsumer> create_consumer(const DestinationPtr& destination, std::string_view selector = {});
    std::shared_ptr<QueueBrowser> create_browser(const std::shared_ptr<const Queue>& queue, std::string_view selector = {});

    std::shared_ptr<Message> create_message();
    /// A text message without text.
    std::shared_ptr<TextMessage> create_text_message();
    std::shared_ptr<TextMessage> create_text_message(std::string text);
    std::shared_ptr<BytesMessage> create_bytes_message();
    std::shared_ptr<BytesMessage> create_bytes_message(std::span<const std::byte> bytes);

    /// Everything received and not acknowledged is delivered again, marked as redelivered, the oldest first (§6.2.11). Throws
    /// IllegalStateException in a transacted session.
    void recover();

    /// Commits everything that was sent and received in the session since it was made or since the last commit or rollback: all of it or
    /// nothing (§6.2.7). Returns when the broker has it on its disk and completion listeners have been told. Throws
    /// TransactionRolledBackException if it was rolled back instead: the connection was lost meanwhile, the broker has refused a message,
    /// or its time was over; TransactionOutcomeUnknownException if the connection was lost while the commit itself was on its way. In both
    /// cases the next transaction has begun. IllegalStateException in a session that is not transacted, and from a completion listener.
    void commit();
    /// Nothing that was sent in the transaction is delivered; what was received is delivered again, counted as a failed delivery, the
    /// oldest first. Throws IllegalStateException as commit() does.
    void rollback();

    /// Closes producers, consumers and browsers as their own close() does, rolls back an open transaction, and gives back what was not
    /// acknowledged. From another thread it waits for a running listener; from the session's own listener it throws
    /// IllegalStateException. Idempotent.
    void close();

protected:
    std::shared_ptr<detail::SessionCore> core_;
};

}  // namespace giromq
