#include <algorithm>

#include "connection_core.hpp"
#include "consumer_core.hpp"
#include "context_parts.hpp"
#include "giromq/connection_factory.hpp"
#include "giromq/exceptions.hpp"
#include "giromq/giromq.hpp"
#include "message_data.hpp"
#include "producer_core.hpp"
#include "session_core.hpp"
#include "settings.hpp"
#include "temporary_node.hpp"

// The handles that the application holds: each forwards to the core behind it, and closes it with the last handle.
namespace giromq {
namespace {

/// Runs the close of a destructor, which has nobody to tell about an exception.
template <typename Close>
void quietly(Close close) noexcept {
    try {
        close();
    } catch (const std::exception&) {
        // The broker takes back whatever the object held when the connection ends.
    }
}

void check_name(std::string_view name) {
    const bool has_control = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (name.empty() || name.size() > 255 || has_control) {
        throw InvalidDestinationException("A queue's name has 1 to 255 bytes of UTF-8 and no control characters.");
    }
}

const std::shared_ptr<CompletionListener>& checked(const std::shared_ptr<CompletionListener>& listener) {
    if (listener == nullptr) throw JMSException("An asynchronous send needs a completion listener; the pointer is null.");
    return listener;
}

template <typename Class>
std::shared_ptr<Class> make_message(detail::BodyKind kind) {
    auto data = std::make_unique<detail::MessageData>();
    data->kind = kind;
    return std::make_shared<Class>(std::move(data));
}

}  // namespace

// Destinations

Destination::Destination(DestinationKind kind, std::string name) : kind_(kind), name_(std::move(name)) {}
Destination::~Destination() = default;
std::string Destination::name() const { return name_; }
Queue::Queue(std::string name) : Queue(DestinationKind::queue, std::move(name)) {}
Queue::Queue(DestinationKind kind, std::string name) : Destination(kind, std::move(name)) {}
Queue::~Queue() = default;
TemporaryQueue::TemporaryQueue(std::shared_ptr<detail::TemporaryNode> node)
    : Queue(DestinationKind::temporary_queue, {}), node_(std::move(node)) {}
TemporaryQueue::~TemporaryQueue() = default;
std::string TemporaryQueue::name() const { return node_->name(); }
void TemporaryQueue::delete_queue() { node_->delete_queue(); }

// ConnectionFactory

ConnectionFactory::ConnectionFactory(std::string_view uri) : settings_(std::make_unique<detail::Settings>(detail::parse_uri(uri))) {}
ConnectionFactory::ConnectionFactory(std::string_view uri, std::string_view user, std::string_view password) : ConnectionFactory(uri) {
    settings_->user = user;
    settings_->password = password;
}
ConnectionFactory::~ConnectionFactory() = default;
ConnectionFactory::ConnectionFactory(const ConnectionFactory& other) : settings_(std::make_unique<detail::Settings>(*other.settings_)) {}
ConnectionFactory& ConnectionFactory::operator=(const ConnectionFactory& other) {
    *settings_ = *other.settings_;
    return *this;
}
void ConnectionFactory::set_option(std::string_view name, std::string_view value) { detail::set_option(*settings_, name, value); }
void ConnectionFactory::set_client_id(std::string_view id) { settings_->client_id = id; }
std::string ConnectionFactory::uri() const { return settings_->uri(); }
std::shared_ptr<Connection> ConnectionFactory::create_connection() const {
    return std::make_shared<Connection>(detail::ConnectionCore::connect(*settings_));
}
std::shared_ptr<Connection> ConnectionFactory::create_connection(std::string_view user, std::string_view password) const {
    detail::Settings settings = *settings_;
    settings.user = user;
    settings.password = password;
    return std::make_shared<Connection>(detail::ConnectionCore::connect(std::move(settings)));
}

std::shared_ptr<Context> ConnectionFactory::create_context(AcknowledgeMode mode) const { return detail::make_context(*settings_, mode); }
std::shared_ptr<Context> ConnectionFactory::create_context(std::string_view user, std::string_view password, AcknowledgeMode mode) const {
    detail::Settings settings = *settings_;
    settings.user = user;
    settings.password = password;
    return detail::make_context(std::move(settings), mode);
}

// Connection

Connection::Connection(std::shared_ptr<detail::ConnectionCore> core) : core_(std::move(core)) {}
Connection::~Connection() { core_->dispose(); }
std::shared_ptr<Session> Connection::create_session(AcknowledgeMode mode) { return std::make_shared<Session>(core_->create_session(mode)); }
std::string Connection::client_id() const { return core_->client_id(); }
void Connection::set_client_id(std::string id) { core_->set_client_id(std::move(id)); }
ConnectionMetaData Connection::metadata() const { return core_->metadata(); }
void Connection::set_exception_listener(ExceptionListener listener) { core_->set_exception_listener(std::move(listener)); }
void Connection::set_event_listener(ConnectionEventListener listener) { core_->set_event_listener(std::move(listener)); }
void Connection::start() { core_->start(); }
void Connection::stop() { core_->stop(); }
void Connection::close() { core_->close(); }

// Session

Session::Session(std::shared_ptr<detail::SessionCore> core) : core_(std::move(core)) {}
Session::~Session() { core_->dispose(); }
AcknowledgeMode Session::acknowledge_mode() const { return core_->mode(); }
bool Session::transacted() const { return core_->mode() == AcknowledgeMode::session_transacted; }
std::shared_ptr<Queue> Session::create_queue(std::string_view name) {
    check_name(name);
    return std::make_shared<Queue>(std::string(name));
}
std::shared_ptr<TemporaryQueue> Session::create_temporary_queue() { return core_->create_temporary_queue(); }
std::shared_ptr<MessageProducer> Session::create_producer(const DestinationPtr& destination) {
    return std::make_shared<MessageProducer>(core_->create_producer(destination));
}
std::shared_ptr<MessageConsumer> Session::create_consumer(const DestinationPtr& destination, std::string_view selector) {
    return std::make_shared<MessageConsumer>(core_->create_consumer(destination, selector, false));
}
std::shared_ptr<QueueBrowser> Session::create_browser(const std::shared_ptr<const Queue>& queue, std::string_view selector) {
    return std::make_shared<QueueBrowser>(core_->create_consumer(queue, selector, true), queue);
}
std::shared_ptr<Message> Session::create_message() { return make_message<Message>(detail::BodyKind::none); }
std::shared_ptr<TextMessage> Session::create_text_message() { return make_message<TextMessage>(detail::BodyKind::text); }
std::shared_ptr<TextMessage> Session::create_text_message(std::string text) {
    auto message = create_text_message();
    message->set_text(std::move(text));
    return message;
}
std::shared_ptr<BytesMessage> Session::create_bytes_message() { return make_message<BytesMessage>(detail::BodyKind::bytes); }
std::shared_ptr<BytesMessage> Session::create_bytes_message(std::span<const std::byte> bytes) {
    auto message = create_bytes_message();
    message->set_bytes(bytes);
    return message;
}
void Session::recover() { core_->recover(); }
void Session::commit() { core_->commit(); }
void Session::rollback() { core_->rollback(); }
void Session::close() { core_->close(); }

// MessageProducer

MessageProducer::MessageProducer(std::shared_ptr<detail::ProducerCore> core) : core_(std::move(core)) {}
MessageProducer::~MessageProducer() { core_->dispose(); }
DestinationPtr MessageProducer::destination() const { return core_->destination(); }
DeliveryMode MessageProducer::delivery_mode() const { return core_->defaults.mode; }
void MessageProducer::set_delivery_mode(DeliveryMode mode) { core_->defaults.mode = mode; }
int MessageProducer::priority() const { return core_->defaults.priority; }
void MessageProducer::set_priority(int priority) {
    if (priority < 0 || priority > 9) throw JMSException("A priority is from 0 to 9, not " + std::to_string(priority) + ".");
    core_->defaults.priority = priority;
}
std::chrono::milliseconds MessageProducer::time_to_live() const { return core_->defaults.time_to_live; }
void MessageProducer::set_time_to_live(std::chrono::milliseconds time) {
    if (time.count() < 0) throw JMSException("A time to live is not negative; 0 means that messages never expire.");
    core_->defaults.time_to_live = time;
}
bool MessageProducer::disable_message_id() const { return core_->disable_message_id; }
void MessageProducer::set_disable_message_id(bool disable) { core_->disable_message_id = disable; }
bool MessageProducer::disable_message_timestamp() const { return core_->disable_message_timestamp; }
void MessageProducer::set_disable_message_timestamp(bool disable) { core_->disable_message_timestamp = disable; }
void MessageProducer::send(const MessagePtr& message) { core_->send(nullptr, message, core_->defaults, nullptr); }
void MessageProducer::send(const MessagePtr& message, DeliveryMode mode, int priority, std::chrono::milliseconds time_to_live) {
    core_->send(nullptr, message, {mode, priority, time_to_live}, nullptr);
}
void MessageProducer::send(const DestinationPtr& destination, const MessagePtr& message) {
    core_->send(destination, message, core_->defaults, nullptr);
}
void MessageProducer::send(const DestinationPtr& destination, const MessagePtr& message, DeliveryMode mode, int priority,
                           std::chrono::milliseconds time_to_live) {
    core_->send(destination, message, {mode, priority, time_to_live}, nullptr);
}
void MessageProducer::send(const MessagePtr& message, const std::shared_ptr<CompletionListener>& listener) {
    core_->send(nullptr, message, core_->defaults, checked(listener));
}
void MessageProducer::send(const MessagePtr& message, DeliveryMode mode, int priority, std::chrono::milliseconds time_to_live,
                           const std::shared_ptr<CompletionListener>& listener) {
    core_->send(nullptr, message, {mode, priority, time_to_live}, checked(listener));
}
void MessageProducer::send(const DestinationPtr& destination, const MessagePtr& message,
                           const std::shared_ptr<CompletionListener>& listener) {
    core_->send(destination, message, core_->defaults, checked(listener));
}
void MessageProducer::send(const DestinationPtr& destination, const MessagePtr& message, DeliveryMode mode, int priority,
                           std::chrono::milliseconds time_to_live, const std::shared_ptr<CompletionListener>& listener) {
    core_->send(destination, message, {mode, priority, time_to_live}, checked(listener));
}
void MessageProducer::close() { core_->close(); }

// MessageConsumer

MessageConsumer::MessageConsumer(std::shared_ptr<detail::ConsumerCore> core) : core_(std::move(core)) {}
MessageConsumer::~MessageConsumer() {
    quietly([this] { core_->close(); });
}
MessagePtr MessageConsumer::receive() { return core_->receive(std::chrono::milliseconds(0)); }
MessagePtr MessageConsumer::receive(std::chrono::milliseconds timeout) {
    if (timeout.count() < 0) throw JMSException("A timeout is not negative; 0 means to wait for ever.");
    return core_->receive(timeout);
}
MessagePtr MessageConsumer::receive_no_wait() { return core_->receive(std::nullopt); }
void MessageConsumer::set_message_listener(MessageListener listener) { core_->set_listener(std::move(listener)); }
bool MessageConsumer::has_message_listener() const {
    const std::lock_guard lock(core_->session().connection().mutex());
    return core_->listener() != nullptr;
}
std::string MessageConsumer::message_selector() const { return core_->selector(); }
void MessageConsumer::close() { core_->close(); }

// QueueBrowser

QueueBrowser::QueueBrowser(std::shared_ptr<detail::ConsumerCore> core, std::shared_ptr<const Queue> queue)
    : core_(std::move(core)), queue_(std::move(queue)) {}
QueueBrowser::~QueueBrowser() {
    quietly([this] { core_->close(); });
}
MessagePtr QueueBrowser::next() { return core_->browse_next(); }
std::shared_ptr<const Queue> QueueBrowser::queue() const { return queue_; }
std::string QueueBrowser::message_selector() const { return core_->selector(); }
void QueueBrowser::close() { core_->close(); }

}  // namespace giromq
