#include "giromq/context.hpp"

#include "connection_core.hpp"
#include "consumer_core.hpp"
#include "context_parts.hpp"
#include "giromq/connection_factory.hpp"
#include "giromq/exceptions.hpp"
#include "message_data.hpp"
#include "session_core.hpp"

namespace giromq {

namespace detail {

ContextParts::ContextParts(std::shared_ptr<Connection> connection_of, std::shared_ptr<ConnectionCore> core_of, AcknowledgeMode mode)
    : connection(std::move(connection_of)),
      connection_core(std::move(core_of)),
      session_core(connection_core->create_session(mode)),
      session(std::make_shared<Session>(session_core)) {}

Connection& ContextParts::open_connection() const {
    if (connection == nullptr) throw IllegalStateException("The context is closed.");
    return *connection;
}

MessageProducer& ContextParts::open_producer() {
    open_connection();
    if (producer == nullptr) producer = session->create_producer(nullptr);
    return *producer;
}

std::shared_ptr<Context> make_context(Settings settings, AcknowledgeMode mode) {
    auto core = ConnectionCore::connect(std::move(settings));
    auto connection = std::make_shared<Connection>(core);
    return std::make_shared<Context>(std::make_shared<ContextParts>(std::move(connection), std::move(core), mode));
}

}  // namespace detail

namespace {

std::optional<std::chrono::milliseconds> checked(std::optional<std::chrono::milliseconds> limit) {
    if (limit && limit->count() < 0) throw JMSException("A timeout is not negative; 0 means to wait for ever.");
    return limit;
}

}  // namespace

// Producer

Producer::Producer(std::shared_ptr<detail::ContextParts> parts) : parts_(std::move(parts)), template_(parts_->session->create_message()) {}
Producer::~Producer() = default;

Producer& Producer::send(const DestinationPtr& destination, const MessagePtr& message) {
    MessageProducer& producer = parts_->open_producer();
    if (message == nullptr) throw MessageFormatException("There is no message to send: the pointer is null.");
    for (const std::string& name : template_->property_names()) message->set_object_property(name, *template_->object_property(name));
    if (!template_->jms_correlation_id().empty()) message->set_jms_correlation_id(template_->jms_correlation_id());
    if (!template_->jms_type().empty()) message->set_jms_type(template_->jms_type());
    if (template_->jms_reply_to() != nullptr) message->set_jms_reply_to(template_->jms_reply_to());
    producer.set_disable_message_id(disable_message_id_);
    producer.set_disable_message_timestamp(disable_message_timestamp_);
    if (listener_ != nullptr) {
        producer.send(destination, message, delivery_mode_, priority_, time_to_live_, listener_);
    } else {
        producer.send(destination, message, delivery_mode_, priority_, time_to_live_);
    }
    return *this;
}
Producer& Producer::send(const DestinationPtr& destination, std::string_view text) {
    return send(destination, parts_->session->create_text_message(std::string(text)));
}
Producer& Producer::send(const DestinationPtr& destination, std::span<const std::byte> bytes) {
    return send(destination, parts_->session->create_bytes_message(bytes));
}

Producer& Producer::set_delivery_mode(DeliveryMode mode) {
    delivery_mode_ = mode;
    return *this;
}
Producer& Producer::set_priority(int priority) {
    if (priority < 0 || priority > 9) throw JMSException("A priority is from 0 to 9, not " + std::to_string(priority) + ".");
    priority_ = priority;
    return *this;
}
Producer& Producer::set_time_to_live(std::chrono::milliseconds time) {
    if (time.count() < 0) throw JMSException("A time to live is not negative; 0 means that messages never expire.");
    time_to_live_ = time;
    return *this;
}
Producer& Producer::set_disable_message_id(bool disable) {
    disable_message_id_ = disable;
    return *this;
}
Producer& Producer::set_disable_message_timestamp(bool disable) {
    disable_message_timestamp_ = disable;
    return *this;
}
Producer& Producer::set_async(std::shared_ptr<CompletionListener> listener) {
    listener_ = std::move(listener);
    return *this;
}
Producer& Producer::set_property(std::string_view name, PropertyValue value) {
    template_->set_object_property(name, std::move(value));
    return *this;
}
Producer& Producer::clear_properties() {
    template_->clear_properties();
    return *this;
}
bool Producer::property_exists(std::string_view name) const { return template_->property_exists(name); }
Producer& Producer::set_jms_correlation_id(std::string id) {
    template_->set_jms_correlation_id(std::move(id));
    return *this;
}
Producer& Producer::set_jms_type(std::string type) {
    template_->set_jms_type(std::move(type));
    return *this;
}
Producer& Producer::set_jms_reply_to(DestinationPtr destination) {
    template_->set_jms_reply_to(std::move(destination));
    return *this;
}
DeliveryMode Producer::delivery_mode() const { return delivery_mode_; }
int Producer::priority() const { return priority_; }
std::chrono::milliseconds Producer::time_to_live() const { return time_to_live_; }

// Consumer

Consumer::Consumer(std::shared_ptr<detail::ConsumerCore> core) : consumer_(core), core_(std::move(core)) {}
Consumer::~Consumer() = default;
MessagePtr Consumer::receive() { return consumer_.receive(); }
MessagePtr Consumer::receive(std::chrono::milliseconds timeout) { return consumer_.receive(timeout); }
MessagePtr Consumer::receive_no_wait() { return consumer_.receive_no_wait(); }
void Consumer::set_message_listener(MessageListener listener) { consumer_.set_message_listener(std::move(listener)); }
bool Consumer::has_message_listener() const { return consumer_.has_message_listener(); }
std::string Consumer::message_selector() const { return consumer_.message_selector(); }
void Consumer::close() { consumer_.close(); }

std::optional<std::string> Consumer::text_body(std::optional<std::chrono::milliseconds> limit) {
    const MessagePtr message = core_->receive(checked(limit), detail::BodyKind::text);
    if (message == nullptr) return std::nullopt;
    return std::move(detail::MessageAccess::data(*message).body);
}

std::optional<std::vector<std::byte>> Consumer::bytes_body(std::optional<std::chrono::milliseconds> limit) {
    const MessagePtr message = core_->receive(checked(limit), detail::BodyKind::bytes);
    if (message == nullptr) return std::nullopt;
    const auto bytes = std::as_bytes(std::span(detail::MessageAccess::data(*message).body));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
}

// Context

Context::Context(std::shared_ptr<detail::ContextParts> parts) : parts_(std::move(parts)) {}

Context::~Context() {
    // Each of these closes as its own last handle does, also when a listener drops the context.
    parts_->producer.reset();
    parts_->session_core->dispose();
    parts_->connection.reset();
}

std::shared_ptr<Context> Context::create_context(AcknowledgeMode mode) {
    parts_->open_connection();
    auto parts = std::make_shared<detail::ContextParts>(parts_->connection, parts_->connection_core, mode);
    parts->auto_start = parts_->auto_start;
    return std::make_shared<Context>(std::move(parts));
}

std::shared_ptr<Producer> Context::create_producer() {
    parts_->open_connection();
    return std::make_shared<Producer>(parts_);
}

std::shared_ptr<Consumer> Context::create_consumer(const DestinationPtr& destination, std::string_view selector) {
    Connection& connection = parts_->open_connection();
    auto consumer = std::make_shared<Consumer>(parts_->session_core->create_consumer(destination, selector, false));
    if (parts_->auto_start) connection.start();
    return consumer;
}

std::shared_ptr<QueueBrowser> Context::create_browser(const std::shared_ptr<const Queue>& queue, std::string_view selector) {
    return parts_->session->create_browser(queue, selector);
}
std::shared_ptr<Queue> Context::create_queue(std::string_view name) { return parts_->session->create_queue(name); }
std::shared_ptr<TemporaryQueue> Context::create_temporary_queue() { return parts_->session->create_temporary_queue(); }
std::shared_ptr<Message> Context::create_message() { return parts_->session->create_message(); }
std::shared_ptr<TextMessage> Context::create_text_message() { return parts_->session->create_text_message(); }
std::shared_ptr<TextMessage> Context::create_text_message(std::string text) {
    return parts_->session->create_text_message(std::move(text));
}
std::shared_ptr<BytesMessage> Context::create_bytes_message() { return parts_->session->create_bytes_message(); }
std::shared_ptr<BytesMessage> Context::create_bytes_message(std::span<const std::byte> bytes) {
    return parts_->session->create_bytes_message(bytes);
}
AcknowledgeMode Context::acknowledge_mode() const { return parts_->session->acknowledge_mode(); }
bool Context::transacted() const { return parts_->session->transacted(); }
void Context::acknowledge() {
    parts_->open_connection();
    parts_->session_core->acknowledge();
}
void Context::recover() { parts_->session->recover(); }
void Context::commit() { parts_->session->commit(); }
void Context::rollback() { parts_->session->rollback(); }
bool Context::auto_start() const { return parts_->auto_start; }
void Context::set_auto_start(bool start) { parts_->auto_start = start; }
void Context::start() { parts_->open_connection().start(); }
void Context::stop() { parts_->open_connection().stop(); }
std::string Context::client_id() const { return parts_->open_connection().client_id(); }
ConnectionMetaData Context::metadata() const { return parts_->open_connection().metadata(); }
void Context::set_exception_listener(ExceptionListener listener) { parts_->open_connection().set_exception_listener(std::move(listener)); }

void Context::close() {
    parts_->session->close();
    parts_->producer.reset();
    parts_->connection.reset();
}

}  // namespace giromq
