// A program as a user would write it: with the public headers only. Without arguments it checks what works without a broker; with a
// broker's URI it sends, browses, receives and acknowledges.
#include <giromq/giromq.hpp>
#include <giromq/selector.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

void check(bool condition, const char* what) {
    if (!condition) throw std::runtime_error(std::string("failed: ") + what);
}

void without_a_broker() {
    // An exception of the library is caught by its type, across the border between library and program.
    try {
        giromq::ConnectionFactory("amqp://127.0.0.1:1?connect-timeout-ms=2000").create_connection();
        check(false, "connecting to nobody throws");
    } catch (const giromq::IllegalStateException&) {
        check(false, "it is not an IllegalStateException");
    } catch (const giromq::JMSException& exception) {
        check(exception.error_code() == "giromq:connection-lost", "the error code is known");
    }
}

void about_selectors() {
    const giromq::Selector selector("currency = 'EUR'");
    check(giromq::Selector(selector.xml()).sql() == "currency = 'EUR'", "a selector is converted to XML and back");
    try {
        const giromq::Selector wrong("currency =\n  NULL");
        check(false, "a wrong selector is refused");
    } catch (const giromq::InvalidSelectorException& exception) {
        const auto* const place = dynamic_cast<const giromq::SelectorTextException*>(&exception);
        check(place != nullptr && place->line() == 2 && place->column() == 3, "it is told where a selector is wrong");
    }
}

void with_a_broker(const std::string& uri) {
    const auto connection = giromq::ConnectionFactory(uri).create_connection();
    connection->start();
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto queue = session->create_queue("client-package");
    const auto producer = session->create_producer(queue);
    const auto message = session->create_text_message("pay 1.00 EUR");
    message->set_long_property("cents", 100);
    producer->send(message);

    const auto browsed = session->create_browser(queue)->next();
    check(browsed != nullptr && browsed->jms_message_id() == message->jms_message_id(), "the browser shows the message");

    const auto consumer = session->create_consumer(queue);
    const auto received = std::dynamic_pointer_cast<giromq::TextMessage>(consumer->receive(std::chrono::seconds(10)));
    check(received != nullptr && received->text() == "pay 1.00 EUR" && received->long_property("cents") == 100,
          "the message comes as it was sent");
    received->acknowledge();
    check(consumer->receive_no_wait() == nullptr, "the queue is empty");
    connection->close();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        about_selectors();
        argc > 1 ? with_a_broker(argv[1]) : without_a_broker();
        std::cout << "ok with libgiromq " << giromq::library_version() << '\n';
        return 0;
    } catch (const std::exception& exception) {
        std::cerr << exception.what() << '\n';
        return 1;
    }
}
