#include <poll.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <giromq/giromq.hpp>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// A producer or consumer of the storm over libgiromq. It says on its standard output what it does and sees, each line beginning with the
/// time of the monotonic clock in nanoseconds; it ends when its standard input is closed.
namespace {

using namespace std::chrono_literals;

struct Options {
    std::string uri;
    std::string queue;
    std::string name;
    std::int64_t rate = 0;  // messages per second; 0: no limit
};

/// Writes whole lines, from several threads.
void say(const std::string& text) {
    static std::mutex mutex;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::lock_guard lock(mutex);
    std::cout << std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() << ' ' << text << std::endl;
}

bool input_is_closed() {
    pollfd descriptor{STDIN_FILENO, POLLIN, 0};
    return poll(&descriptor, 1, 0) > 0;
}

/// The same bytes as body_of() of workload.py.
std::string body_of(const std::string& producer, std::int64_t sequence, std::int64_t size) {
    const std::string seed = producer + "/" + std::to_string(sequence) + ";";
    std::string body;
    while (static_cast<std::int64_t>(body.size()) < size) body += seed;
    body.resize(static_cast<std::size_t>(size));
    return body;
}

std::shared_ptr<giromq::Connection> connect(const Options& options) {
    giromq::ConnectionFactory factory(options.uri);
    factory.set_option("connect.attempts", "0");
    factory.set_option("reconnect.delay-ms", "20");
    factory.set_option("reconnect.max-delay-ms", "200");
    factory.set_option("prefetch", "100");
    return factory.create_connection();
}

class Outcomes : public giromq::CompletionListener {
public:
    void on_completion(const giromq::MessagePtr& message) override {
        say("confirmed " + std::to_string(message->long_property("sequence")));
    }
    void on_exception(const giromq::MessagePtr& message, const giromq::JMSException& exception) override {
        say("refused " + std::to_string(message->long_property("sequence")) + " " + exception.what());
    }
};

void send(const Options& options, bool asynchronous) {
    const auto connection = connect(options);
    const auto session = connection->create_session();
    const auto producer = session->create_producer(session->create_queue(options.queue));
    const auto outcomes = std::make_shared<Outcomes>();
    constexpr std::int64_t sizes[] = {0, 10, 100, 1000, 1000, 4000, 20000};
    const auto started = std::chrono::steady_clock::now();
    for (std::int64_t sequence = 1; !input_is_closed(); ++sequence) {
        const std::int64_t size = sequence % 500 == 0 ? 1 << 20 : sizes[sequence % 7];
        const auto message = session->create_bytes_message();
        const std::string body = body_of(options.name, sequence, size);
        message->write_bytes(std::as_bytes(std::span(body)));
        message->set_string_property("producer", options.name);
        message->set_long_property("sequence", sequence);
        message->set_long_property("size", size);
        say("sent " + std::to_string(sequence));
        if (asynchronous) {
            producer->send(message, outcomes);
        } else {
            producer->send(message);
            say("confirmed " + std::to_string(sequence));
        }
        if (options.rate > 0) std::this_thread::sleep_until(started + std::chrono::microseconds(1'000'000 * sequence / options.rate));
    }
    connection->close();
}

std::string received_line(const giromq::MessagePtr& message, std::string& key) {
    const std::string producer = message->string_property("producer").value_or("?");
    const std::int64_t sequence = message->long_property("sequence");
    key = producer + " " + std::to_string(sequence);
    const auto bytes = std::dynamic_pointer_cast<giromq::BytesMessage>(message);
    const std::string expected = body_of(producer, sequence, message->long_property("size"));
    const bool intact = bytes && std::equal(bytes->bytes().begin(), bytes->bytes().end(), std::as_bytes(std::span(expected)).begin(),
                                            std::as_bytes(std::span(expected)).end());
    const int count = message->int_property("JMSXDeliveryCount") - 1;
    return "received " + key + " " + std::to_string(count) + (intact ? " intact" : " changed");
}

void receive(const Options& options) {
    const auto connection = connect(options);
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto consumer = session->create_consumer(session->create_queue(options.queue));
    connection->start();
    std::vector<std::string> received;
    giromq::MessagePtr last;
    for (;;) {
        const auto message = consumer->receive(received.empty() ? 200ms : 1ms);
        if (message) {
            std::string key;
            say(received_line(message, key));
            received.push_back(std::move(key));
            last = message;
        }
        if (!received.empty() && (!message || received.size() >= 20)) {
            try {
                last->acknowledge();
                for (const std::string& key : received) say("settled " + key);
            } catch (const giromq::JMSException& failure) {
                if (failure.error_code() != "giromq:stale-message" && failure.error_code() != "giromq:outcome-unknown") throw;
            }
            received.clear();
        }
        if (!message && input_is_closed()) break;
    }
    connection->close();
}

}  // namespace

int main(int argument_count, char** arguments) {
    CLI::App app{"A client of the storm over libgiromq."};
    Options options;
    std::string role;
    app.add_option("role", role, "send, send-async or receive")->required()->check(CLI::IsMember({"send", "send-async", "receive"}));
    app.add_option("--uri", options.uri)->required();
    app.add_option("--queue", options.queue)->required();
    app.add_option("--name", options.name)->required();
    app.add_option("--rate", options.rate);
    CLI11_PARSE(app, argument_count, arguments);
    try {
        if (role == "receive") {
            receive(options);
        } else {
            send(options, role == "send-async");
        }
    } catch (const giromq::JMSException& failure) {
        std::cerr << options.name << ": " << failure.what() << " [" << failure.error_code() << "]\n";
        return 1;
    }
    return 0;
}
