// libgiromq's transacted sessions against a broker that runs (transactions_test.py).
// transaction_client check URI            what JMS asks of commit and rollback
// transaction_client fill URI N           N messages into the queue "in"
// transaction_client move URI             takes every message of "in", one a transaction, and puts each into "left" and "right"
// transaction_client hold URI             takes one message, puts one, says "holding" and waits to be killed
// transaction_client drain URI QUEUE      takes what is there and prints it, with the delivery counts
#include <giromq/giromq.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;
using giromq::AcknowledgeMode;

constexpr auto patience = 20s;

void check(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

template <typename Exception, typename Action>
void check_throws(Action action, const std::string& what) {
    try {
        action();
    } catch (const Exception&) {
        return;
    }
    throw std::runtime_error(what);
}

std::string text_of(const giromq::MessagePtr& message) {
    check(message != nullptr, "a message was expected");
    return std::dynamic_pointer_cast<giromq::TextMessage>(message)->text();
}

struct Rig {
    explicit Rig(const std::string& uri, AcknowledgeMode mode = AcknowledgeMode::session_transacted)
        : connection(giromq::ConnectionFactory(uri).create_connection()), session(connection->create_session(mode)) {
        connection->start();
    }
    std::shared_ptr<giromq::MessageProducer> producer(const std::string& name) {
        return session->create_producer(session->create_queue(name));
    }
    std::shared_ptr<giromq::MessageConsumer> consumer(const std::string& name) {
        return session->create_consumer(session->create_queue(name));
    }
    giromq::MessagePtr text(const std::string& value) { return session->create_text_message(value); }

    std::shared_ptr<giromq::Connection> connection;
    std::shared_ptr<giromq::Session> session;
};

bool is_empty(const std::string& uri, const std::string& queue) {
    Rig other(uri, AcknowledgeMode::auto_acknowledge);
    return other.session->create_browser(other.session->create_queue(queue))->next() == nullptr;
}

void check_sends(const std::string& uri) {
    Rig rig(uri);
    const auto one = rig.producer("check.one");
    const auto two = rig.producer("check.two");
    one->send(rig.text("rolled back"));
    two->send(rig.text("rolled back"));
    rig.session->rollback();
    one->send(rig.text("1"));
    two->send(rig.text("2"));
    check(is_empty(uri, "check.one") && is_empty(uri, "check.two"), "a message appeared before the commit");
    rig.session->commit();
    const auto first = rig.consumer("check.one");
    const auto second = rig.consumer("check.two");
    check(text_of(first->receive(patience)) == "1" && text_of(second->receive(patience)) == "2", "the messages of the commit");
    check(first->receive_no_wait() == nullptr && second->receive_no_wait() == nullptr, "a message that was rolled back");
    rig.session->commit();
}

void check_order_and_counts(const std::string& uri) {
    Rig rig(uri);
    const auto producer = rig.producer("check.order");
    for (int number = 1; number <= 20; ++number) producer->send(rig.text(std::to_string(number)));
    rig.session->commit();
    const auto consumer = rig.consumer("check.order");
    for (int round = 1; round <= 3; ++round) {
        for (int number = 1; number <= 10; ++number) {
            const auto message = consumer->receive(patience);
            check(text_of(message) == std::to_string(number), "order after a rollback: " + text_of(message));
            check(message->int_property("JMSXDeliveryCount") == round, "the count of a message that was rolled back");
        }
        round < 3 ? rig.session->rollback() : rig.session->commit();
    }
    for (int number = 11; number <= 20; ++number) {
        const auto message = consumer->receive(patience);
        check(text_of(message) == std::to_string(number) && !message->jms_redelivered(), "what was only sent ahead is not counted");
    }
    rig.session->commit();
    check(consumer->receive_no_wait() == nullptr, "the queue is empty after the commit");
}

void check_close_rolls_back(const std::string& uri) {
    {
        Rig rig(uri);
        rig.producer("check.close")->send(rig.text("1"));
        rig.session->commit();
        check(text_of(rig.consumer("check.close")->receive(patience)) == "1", "the message");
        rig.producer("check.close")->send(rig.text("2"));
    }
    Rig rig(uri);
    const auto consumer = rig.consumer("check.close");
    const auto message = consumer->receive(patience);
    check(text_of(message) == "1" && message->jms_redelivered(), "the message comes again after close()");
    check(consumer->receive_no_wait() == nullptr, "close() has rolled back what was sent");
    rig.session->commit();
}

void check_large(const std::string& uri) {
    Rig rig(uri);
    const auto producer = rig.producer("check.large");
    constexpr int count = 3000;
    for (int number = 0; number < count; ++number) producer->send(rig.text(std::to_string(number)));
    rig.session->commit();
    const auto consumer = rig.consumer("check.large");
    for (int number = 0; number < count; ++number) check(text_of(consumer->receive(patience)) == std::to_string(number), "the order");
    rig.session->commit();
    check(consumer->receive_no_wait() == nullptr, "all were taken");
}

void check_states(const std::string& uri) {
    Rig rig(uri);
    check_throws<giromq::IllegalStateException>([&] { rig.session->recover(); }, "recover() in a transacted session");
    rig.session->commit();
    rig.session->rollback();
}

int check_all(const std::string& uri) {
    check_states(uri);
    check_sends(uri);
    check_order_and_counts(uri);
    check_close_rolls_back(uri);
    check_large(uri);
    return 0;
}

int fill(const std::string& uri, int count) {
    Rig rig(uri);
    const auto producer = rig.producer("in");
    for (int number = 1; number <= count; ++number) producer->send(rig.text(std::to_string(number)));
    rig.session->commit();
    return 0;
}

/// Any number of lost connections; ends when nothing is left.
int move(const std::string& uri) {
    Rig rig(uri);
    const auto consumer = rig.consumer("in");
    const auto left = rig.producer("left");
    const auto right = rig.producer("right");
    for (;;) {
        try {
            const auto message = consumer->receive(3s);
            if (message == nullptr && consumer->receive_no_wait() == nullptr) return 0;
            if (message == nullptr) {
                rig.session->rollback();
                continue;
            }
            left->send(rig.text(text_of(message)));
            right->send(rig.text(text_of(message)));
            rig.session->commit();
            std::cout << "committed " << text_of(message) << std::endl;
        } catch (const giromq::TransactionRolledBackException& exception) {
            std::cout << "rolled back: " << exception.error_code() << std::endl;
        } catch (const giromq::TransactionOutcomeUnknownException& exception) {
            std::cout << "unknown: " << exception.error_code() << std::endl;
        }
    }
}

int hold(const std::string& uri) {
    Rig rig(uri);
    const auto producer = rig.producer("left");
    const auto consumer = rig.consumer("in");
    const auto message = consumer->receive(patience);
    producer->send(rig.text(text_of(message)));
    std::cout << "holding " << text_of(message) << std::endl;
    check(consumer->receive(60s) == nullptr, "nothing else was expected");
    return 1;
}

int drain(const std::string& uri, const std::string& queue) {
    Rig rig(uri, AcknowledgeMode::auto_acknowledge);
    const auto consumer = rig.consumer(queue);
    while (const auto message = consumer->receive_no_wait()) {
        std::cout << text_of(message) << " " << message->int_property("JMSXDeliveryCount") << "\n";
    }
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        check(count >= 3, "transaction_client check|fill|move|hold|drain URI [N|QUEUE]");
        const std::string what = arguments[1];
        const std::string uri = arguments[2];
        if (what == "check") return check_all(uri);
        if (what == "fill") return fill(uri, std::stoi(arguments[3]));
        if (what == "move") return move(uri);
        if (what == "hold") return hold(uri);
        if (what == "drain") return drain(uri, arguments[3]);
        throw std::runtime_error("there is no command " + what);
    } catch (const std::exception& exception) {
        std::cerr << exception.what() << "\n";
        return 1;
    }
}
