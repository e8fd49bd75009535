#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "giromq/connection.hpp"
#include "giromq/export.hpp"
#include "giromq/listeners.hpp"
#include "giromq/message.hpp"
#include "giromq/message_consumer.hpp"
#include "giromq/message_producer.hpp"
#include "giromq/modes.hpp"
#include "giromq/queue_browser.hpp"
#include "giromq/session.hpp"

/// The simplified interface of JMS 2.0 (§2.8, chapters 5 to 8): Context, Producer and Consumer are JMSContext, JMSProducer and JMSConsumer.
/// They are thin: the same connections, sessions, guarantees and exceptions as with the classic interface.
namespace giromq {

namespace detail {
struct ContextParts;
}

/// Sends messages with the options and properties that were set on it (JMSProducer). Made by Context::create_producer(); costs next to
/// nothing. The setters return the producer, so that calls can be chained. Of the context's thread.
class GIROMQ_API Producer {
public:
    explicit Producer(std::shared_ptr<detail::ContextParts> parts);  // for the library
    ~Producer();

    /// Sends and returns when the broker has taken the message over, or at once if set_async() has named a listener. Properties and headers
    /// that were set here replace those of the message. Throws as MessageProducer::send() does, and MessageNotWriteableException if
    /// properties are to be set in a message that was received.
    Producer& send(const DestinationPtr& destination, const MessagePtr& message);
    Producer& send(const DestinationPtr& destination, std::string_view text);
    Producer& send(const DestinationPtr& destination, std::span<const std::byte> bytes);

    Producer& set_delivery_mode(DeliveryMode mode);
    /// 0 (lowest) to 9.
    Producer& set_priority(int priority);
    /// 0: messages never expire.
    Producer& set_time_to_live(std::chrono::milliseconds time);
    Producer& set_disable_message_id(bool disable);
    Producer& set_disable_message_timestamp(bool disable);
    /// Null: send() waits.
    Producer& set_async(std::shared_ptr<CompletionListener> listener);

    Producer& set_property(std::string_view name, PropertyValue value);
    template <std::convertible_to<std::string_view> Text>
    Producer& set_property(std::string_view name, const Text& value) {
        return set_property(name, PropertyValue(std::string(std::string_view(value))));
    }
    Producer& clear_properties();
    bool property_exists(std::string_view name) const;

    /// Headers of every message sent; empty or null: the message's own stays.
    Producer& set_jms_correlation_id(std::string id);
    Producer& set_jms_type(std::string type);
    Producer& set_jms_reply_to(DestinationPtr destination);

    DeliveryMode delivery_mode() const;
    int priority() const;
    std::chrono::milliseconds time_to_live() const;

private:
    std::shared_ptr<detail::ContextParts> parts_;
    DeliveryMode delivery_mode_ = default_delivery_mode;
    int priority_ = default_priority;
    std::chrono::milliseconds time_to_live_{0};
    bool disable_message_id_ = false;
    bool disable_message_timestamp_ = false;
    std::shared_ptr<CompletionListener> listener_;
    std::shared_ptr<Message> template_;  // holds the properties and headers that were set
};

/// Receives messages of one destination (JMSConsumer). Made by Context::create_consumer(); the last handle closes it. Of the context's
/// thread, or of the session's own when it has a listener.
class GIROMQ_API Consumer {
public:
    explicit Consumer(std::shared_ptr<detail::ConsumerCore> core);  // for the library
    ~Consumer();
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    // As those of MessageConsumer.
    MessagePtr receive();
    MessagePtr receive(std::chrono::milliseconds timeout);
    MessagePtr receive_no_wait();

    /// Receives a message and returns its body: std::string of a TextMessage, std::vector<std::byte> of a BytesMessage; nothing where the
    /// method without "body" returns null. Throws MessageFormatException if the message has another body: in an AUTO or DUPS_OK context it
    /// has then not been received and is the next one again, in the other modes it has been received and can be acknowledged.
    template <typename Body>
    std::optional<Body> receive_body() {
        return body<Body>(std::chrono::milliseconds(0));
    }
    template <typename Body>
    std::optional<Body> receive_body(std::chrono::milliseconds timeout) {
        return body<Body>(timeout);
    }
    template <typename Body>
    std::optional<Body> receive_body_no_wait() {
        return body<Body>(std::nullopt);
    }

    void set_message_listener(MessageListener listener);
    bool has_message_listener() const;
    std::string message_selector() const;
    void close();

private:
    template <typename Body>
    std::optional<Body> body(std::optional<std::chrono::milliseconds> limit) {
        constexpr bool is_text = std::is_same_v<Body, std::string>;
        static_assert(is_text || std::is_same_v<Body, std::vector<std::byte>>, "a body is a std::string or a std::vector<std::byte>");
        if constexpr (is_text) {
            return text_body(limit);
        } else {
            return bytes_body(limit);
        }
    }
    std::optional<std::string> text_body(std::optional<std::chrono::milliseconds> limit);
    std::optional<std::vector<std::byte>> bytes_body(std::optional<std::chrono::milliseconds> limit);

    MessageConsumer consumer_;
    std::shared_ptr<detail::ConsumerCore> core_;
};

/// A connection and a session in one (JMSContext). Made by ConnectionFactory::create_context(). Unlike a Connection it starts by itself
/// when the first consumer is made.
///
/// Threads: as a Session: one thread at a time uses a context and what was made from it.
/// Lifetime: the last handle closes the context; the connection is closed with the last of the contexts on it.
class GIROMQ_API Context {
public:
    explicit Context(std::shared_ptr<detail::ContextParts> parts);  // for the library
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// Another session on the same connection, for another thread or mode; throws as Connection::create_session() does.
    std::shared_ptr<Context> create_context(AcknowledgeMode mode);

    std::shared_ptr<Producer> create_producer();
    /// `selector` empty: every message.
    std::shared_ptr<Consumer> create_consumer(const DestinationPtr& destination, std::string_view selector = {});
    std::shared_ptr<QueueBrowser> create_browser(const std::shared_ptr<const Queue>& queue, std::string_view selector = {});

    std::shared_ptr<Queue> create_queue(std::string_view name);
    std::shared_ptr<TemporaryQueue> create_temporary_queue();
    std::shared_ptr<Message> create_message();
    std::shared_ptr<TextMessage> create_text_message();
    std::shared_ptr<TextMessage> create_text_message(std::string text);
    std::shared_ptr<BytesMessage> create_bytes_message();
    std::shared_ptr<BytesMessage> create_bytes_message(std::span<const std::byte> bytes);

    AcknowledgeMode acknowledge_mode() const;
    bool transacted() const;
    /// CLIENT_ACKNOWLEDGE: acknowledges everything that the context has received, as Message::acknowledge() does. In the automatic modes it
    /// does nothing; in INDIVIDUAL_ACKNOWLEDGE it throws IllegalStateException, because no message is named.
    /// In a transacted context it does nothing.
    void acknowledge();
    void recover();

    // As those of Session.
    void commit();
    void rollback();

    /// Whether create_consumer() starts the connection; true at first.
    bool auto_start() const;
    void set_auto_start(bool start);
    void start();
    void stop();

    /// Given by the connection factory; empty if it was not.
    std::string client_id() const;
    ConnectionMetaData metadata() const;
    void set_exception_listener(ExceptionListener listener);

    /// Closes the session, and the connection if no other context uses it. Idempotent; IllegalStateException from a listener of the
    /// context.
    void close();

private:
    std::shared_ptr<detail::ContextParts> parts_;
};

}  // namespace giromq
