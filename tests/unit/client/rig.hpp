#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <functional>
#include <memory>
#include <string>

#include "giromq/giromq.hpp"
#include "message_codec.hpp"
#include "test_broker.hpp"

namespace giromq::test {

/// A text message as another client would have sent it: what TestBroker::put() takes.
inline std::string encoded_text(const std::string& text) {
    detail::MessageData data;
    data.kind = detail::BodyKind::text;
    data.has_text = true;
    data.body = text;
    data.message_id = "ID:" + text;
    data.destination = std::make_shared<Queue>("q");
    return detail::encode_message(data, std::chrono::milliseconds(0)).rest;
}

/// The text of a message as the broker holds it.
inline std::string decoded_text(const std::string& bytes) { return detail::decode_message(bytes, std::make_shared<Queue>("q"))->body; }

inline std::string text_of(const MessagePtr& message) {
    CPPUNIT_ASSERT_MESSAGE("a message was expected", message != nullptr);
    return dynamic_cast<const TextMessage&>(*message).text();
}

/// A broker, a started connection to it, a session and the queue "q".
struct Rig {
    explicit Rig(AcknowledgeMode mode = AcknowledgeMode::auto_acknowledge, const std::string& options = {},
                 TestBroker::Options broker_options = {})
        : broker(std::move(broker_options)), connection(ConnectionFactory(broker.uri(options)).create_connection()) {
        connection->start();
        session = connection->create_session(mode);
        queue = session->create_queue("q");
    }

    std::shared_ptr<MessageProducer> producer() { return session->create_producer(queue); }
    std::shared_ptr<MessageConsumer> consumer() { return session->create_consumer(queue); }
    MessagePtr text(const std::string& value) { return session->create_text_message(value); }
    void put(int count, int from = 1) {
        for (int index = 0; index < count; ++index) broker.put("q", encoded_text(std::to_string(from + index)));
    }

    TestBroker broker;
    std::shared_ptr<Connection> connection;
    std::shared_ptr<Session> session;
    std::shared_ptr<Queue> queue;
};

/// Runs `action`, which must throw `Exception`, and returns it.
template <typename Exception>
Exception thrown(const std::function<void()>& action) {
    try {
        action();
    } catch (const Exception& exception) {
        return exception;
    }
    CPPUNIT_FAIL("an exception was expected");
    throw std::logic_error("not reached");
}

}  // namespace giromq::test
