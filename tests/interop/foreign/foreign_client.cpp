// libgiromq against a broker that is not GiroMQ: what AMQP 1.0 defines has to work there, too.
// foreign_client check URI QUEUE   every check over queues whose names begin with QUEUE
// foreign_client send URI QUEUE N  N durable messages, one after the other, over any number of lost connections
// foreign_client drain URI QUEUE   takes what is there and prints it
#include <giromq/giromq.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using giromq::AcknowledgeMode;

constexpr auto patience = 10s;

void check(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

std::string text_of(const giromq::MessagePtr& message) {
    check(message != nullptr, "a message was expected");
    const auto text = std::dynamic_pointer_cast<giromq::TextMessage>(message);
    check(text != nullptr, "a text message was expected");
    return text->text();
}

/// A connection, a session and a queue of a check's own.
struct Rig {
    Rig(const std::string& address, const std::string& name, AcknowledgeMode mode)
        : uri(address),
          connection(giromq::ConnectionFactory(address).create_connection()),
          session(connection->create_session(mode)),
          queue(session->create_queue(name)) {
        connection->start();
    }
    void send(int count) {
        const auto producer = session->create_producer(queue);
        for (int number = 1; number <= count; ++number) producer->send(session->create_text_message(std::to_string(number)));
    }
    std::shared_ptr<giromq::MessageConsumer> consumer() { return session->create_consumer(queue); }

    std::string uri;
    std::shared_ptr<giromq::Connection> connection;
    std::shared_ptr<giromq::Session> session;
    std::shared_ptr<giromq::Queue> queue;
};

void expect(giromq::MessageConsumer& consumer, int from, int to) {
    for (int number = from; number <= to; ++number) {
        const std::string text = text_of(consumer.receive(patience));
        check(text == std::to_string(number), "message " + std::to_string(number) + " was expected, not " + text);
    }
}

void messages_arrive_as_they_were_sent(Rig& rig) {
    const auto producer = rig.session->create_producer(rig.queue);
    const auto text = rig.session->create_text_message("Zahlung über 1,00 €");
    text->set_long_property("cents", 100);
    text->set_boolean_property("urgent", true);
    text->set_double_property("rate", 0.5);
    text->set_string_property("currency", "EUR");
    text->set_jms_correlation_id("correlation");
    text->set_jms_type("payment");
    text->set_jms_reply_to(rig.session->create_queue("answers"));
    producer->send(text, giromq::DeliveryMode::persistent, 7, 10min);
    const std::string large(300'000, 'x');
    producer->send(rig.session->create_bytes_message(std::as_bytes(std::span(large))));

    const auto consumer = rig.consumer();
    const auto received = consumer->receive(patience);
    check(text_of(received) == text->text(), "the text");
    check(received->long_property("cents") == 100 && received->boolean_property("urgent") && received->double_property("rate") == 0.5 &&
              received->string_property("currency") == "EUR",
          "the properties");
    check(received->jms_message_id() == text->jms_message_id(), "the message id");
    check(received->jms_correlation_id() == "correlation" && received->jms_type() == "payment", "the headers");
    check(received->jms_reply_to() != nullptr && received->jms_reply_to()->name() == "answers", "the reply-to");
    check(received->jms_delivery_mode() == giromq::DeliveryMode::persistent && received->jms_priority() == 7, "mode and priority");
    const auto bytes = std::dynamic_pointer_cast<giromq::BytesMessage>(consumer->receive(patience));
    check(bytes != nullptr && bytes->bytes().size() == large.size(), "the bytes");
}

void auto_acknowledge_takes_what_was_received(Rig& rig) {
    rig.send(20);
    const auto consumer = rig.consumer();
    expect(*consumer, 1, 20);
    check(consumer->receive(300ms) == nullptr, "the queue is empty");
    consumer->close();
    const auto again = rig.consumer();
    check(again->receive(300ms) == nullptr, "nothing comes again");
}

void receive_no_wait_finds_what_is_there(Rig& rig) {
    const auto consumer = rig.consumer();
    try {
        for (int round = 0; round < 20; ++round) {
            check(consumer->receive_no_wait() == nullptr, "the queue is empty");
            rig.send(1);
            check(text_of(consumer->receive_no_wait()) == "1", "what was confirmed is found");
        }
    } catch (const giromq::JMSException& exception) {
        check(exception.error_code() == "giromq:timeout", std::string("an unanswered question is told: ") + exception.what());
        std::cout << "  (the broker does not answer whether a queue is empty)\n";
    }
}

void client_acknowledge_takes_all(Rig& rig) {
    rig.send(6);
    const auto consumer = rig.consumer();
    expect(*consumer, 1, 4);
    consumer->receive(patience)->acknowledge();
    expect(*consumer, 6, 6);
}

void individual_acknowledge_takes_one(Rig& rig) {
    rig.send(3);
    const auto consumer = rig.consumer();
    expect(*consumer, 1, 1);
    consumer->receive(patience)->acknowledge();
    expect(*consumer, 3, 3);
}

void recover_delivers_again(Rig& rig) {
    rig.send(4);
    const auto consumer = rig.consumer();
    expect(*consumer, 1, 2);
    rig.session->recover();
    try {
        expect(*consumer, 1, 3);
    } catch (const giromq::JMSException& exception) {
        check(std::string(exception.what()).find("modified") != std::string::npos, exception.what());
        std::cout << "  (the broker ends the session at the outcome `modified`: everything is in the queue again)\n";
        Rig again(rig.uri, rig.queue->name(), AcknowledgeMode::auto_acknowledge);
        return expect(*again.consumer(), 1, 4);
    }
    consumer->receive(patience)->acknowledge();
    check(consumer->receive(300ms) == nullptr, "the queue is empty");
}

void a_listener_gets_everything(Rig& rig) {
    rig.send(50);
    std::atomic<int> got{0};
    const auto consumer = rig.consumer();
    consumer->set_message_listener([&](const giromq::MessagePtr&) {
        ++got;
        got.notify_all();
    });
    for (int seen = got; seen < 50; seen = got) got.wait(seen);
}

void browsing_takes_nothing(Rig& rig) {
    rig.send(3);
    try {
        const auto browser = rig.session->create_browser(rig.queue);
        for (int number = 1; number <= 3; ++number) check(text_of(browser->next()) == std::to_string(number), "the browser shows all");
        check(browser->next() == nullptr, "the browser ends");
    } catch (const giromq::JMSException& exception) {
        const bool clear = exception.error_code() == "amqp:not-implemented" || exception.error_code() == "giromq:timeout";
        check(clear, std::string("what is not supported is told clearly: ") + exception.what());
        std::cout << "  (the broker does not support browsing, or does not say where the queue ends)\n";
    }
    expect(*rig.consumer(), 1, 3);
}

void a_producer_without_destination_reaches_any(Rig& rig) {
    const auto producer = rig.session->create_producer(nullptr);
    const auto other = rig.session->create_queue(rig.queue->name() + "-other");
    for (int number = 1; number <= 10; ++number) {
        producer->send(rig.queue, rig.session->create_text_message(std::to_string(number)));
        producer->send(other, rig.session->create_text_message(std::to_string(number)));
    }
    producer->close();
    expect(*rig.consumer(), 1, 10);
    expect(*rig.session->create_consumer(other), 1, 10);
}

class Counter final : public giromq::CompletionListener {
public:
    void on_completion(const giromq::MessagePtr&) override { ++completed; }
    void on_exception(const giromq::MessagePtr&, const giromq::JMSException&) override { ++failed; }
    std::atomic<int> completed{0};
    std::atomic<int> failed{0};
};

void asynchronous_sends_are_confirmed(Rig& rig) {
    const auto producer = rig.session->create_producer(rig.queue);
    const auto counter = std::make_shared<Counter>();
    for (int number = 1; number <= 2000; ++number) producer->send(rig.session->create_text_message(std::to_string(number)), counter);
    producer->close();
    check(counter->completed == 2000 && counter->failed == 0, "all are confirmed");
    expect(*rig.consumer(), 1, 2000);
}

struct Check {
    const char* name;
    AcknowledgeMode mode;
    void (*run)(Rig&);
    int left;  // messages that are in the queue afterwards; -1: it depends on the broker
};

const std::vector<Check> checks{
    {"messages arrive as they were sent", AcknowledgeMode::auto_acknowledge, messages_arrive_as_they_were_sent, 0},
    {"AUTO_ACKNOWLEDGE takes what was received", AcknowledgeMode::auto_acknowledge, auto_acknowledge_takes_what_was_received, 0},
    {"receive_no_wait() finds what is there", AcknowledgeMode::auto_acknowledge, receive_no_wait_finds_what_is_there, -1},
    {"CLIENT_ACKNOWLEDGE takes all", AcknowledgeMode::client_acknowledge, client_acknowledge_takes_all, 1},
    {"INDIVIDUAL_ACKNOWLEDGE takes one", AcknowledgeMode::individual_acknowledge, individual_acknowledge_takes_one, 2},
    {"recover() delivers again", AcknowledgeMode::client_acknowledge, recover_delivers_again, 0},
    {"a listener gets everything", AcknowledgeMode::auto_acknowledge, a_listener_gets_everything, 0},
    {"browsing takes nothing", AcknowledgeMode::auto_acknowledge, browsing_takes_nothing, 0},
    {"a producer without destination reaches any queue", AcknowledgeMode::auto_acknowledge, a_producer_without_destination_reaches_any, 0},
    {"asynchronous sends are confirmed", AcknowledgeMode::auto_acknowledge, asynchronous_sends_are_confirmed, 0},
};

/// Takes what is left in a queue.
std::vector<std::string> drain(const std::string& uri, const std::string& queue) {
    Rig rig(uri, queue, AcknowledgeMode::auto_acknowledge);
    std::vector<std::string> texts;
    const auto consumer = rig.consumer();
    while (const auto message = consumer->receive(1s)) texts.push_back(text_of(message));
    rig.connection->close();
    return texts;
}

int check_all(const std::string& uri, const std::string& queue) {
    int failed = 0;
    int number = 0;
    for (const Check& one : checks) {
        const std::string name = queue + "-" + std::to_string(++number);
        try {
            {
                Rig rig(uri, name, one.mode);
                one.run(rig);
                rig.connection->close();
            }
            const std::size_t left = drain(uri, name).size();
            check(one.left < 0 || left == static_cast<std::size_t>(one.left),
                  std::to_string(left) + " messages are left, not " + std::to_string(one.left));
            std::cout << "ok: " << one.name << '\n';
        } catch (const std::exception& exception) {
            std::cout << "FAILED: " << one.name << ": " << exception.what() << '\n';
            ++failed;
        }
    }
    return failed == 0 ? 0 : 1;
}

int send(const std::string& uri, const std::string& queue, int count) {
    Rig rig(uri + "&reconnect.delay-ms=50&reconnect.max-delay-ms=500&connect.attempts=0", queue, AcknowledgeMode::auto_acknowledge);
    std::atomic<int> losses{0};
    rig.connection->set_event_listener([&](giromq::ConnectionEvent event, const std::string&) {
        if (event == giromq::ConnectionEvent::interrupted) ++losses;
    });
    const auto producer = rig.session->create_producer(rig.queue);
    for (int number = 1; number <= count; ++number) {
        producer->send(rig.session->create_text_message(std::to_string(number)));
        std::cout << number << std::endl;
    }
    rig.connection->close();
    std::cout << "losses " << losses << std::endl;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        if (arguments.size() == 3 && arguments[0] == "check") return check_all(arguments[1], arguments[2]);
        if (arguments.size() == 4 && arguments[0] == "send") return send(arguments[1], arguments[2], std::stoi(arguments[3]));
        if (arguments.size() == 3 && arguments[0] == "drain") {
            for (const std::string& text : drain(arguments[1], arguments[2])) std::cout << text << '\n';
            return 0;
        }
        std::cerr << "usage: foreign_client check|drain URI QUEUE, foreign_client send URI QUEUE COUNT\n";
        return 2;
    } catch (const std::exception& exception) {
        std::cerr << exception.what() << '\n';
        return 1;
    }
}
