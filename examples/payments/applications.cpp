#include "applications.hpp"

#include <unistd.h>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace payments {
namespace {

volatile std::sig_atomic_t stop_wanted = 0;

void on_stop_signal(int) {
    if (stop_wanted != 0) _exit(1);
    stop_wanted = 1;
}

std::string read_password(const std::string& path) {
    if (path.empty()) return {};
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) throw std::runtime_error("cannot read the password from the first line of " + path);
    return line;
}

}  // namespace

void install_stop_signals() {
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
}

bool stop_is_wanted() { return stop_wanted != 0; }

std::shared_ptr<giromq::Connection> connect(const BrokerOptions& options) {
    giromq::ConnectionFactory factory(options.uri, options.user, read_password(options.password_file));
    factory.set_option("connect.attempts", "0");
    factory.set_option("reconnect.delay-ms", "50");
    factory.set_option("reconnect.max-delay-ms", "1000");
    factory.set_option("reconnect.attempts", "150");
    auto connection = factory.create_connection();
    connection->set_event_listener([](giromq::ConnectionEvent event, const std::string& reason) {
        if (event == giromq::ConnectionEvent::interrupted) std::cerr << "connection lost (" << reason << "), connecting again\n";
        if (event == giromq::ConnectionEvent::resumed) std::cerr << "connected again\n";
    });
    return connection;
}

DeathPoint::DeathPoint(const std::string& point_and_count) {
    const std::size_t colon = point_and_count.find(':');
    point_ = point_and_count.substr(0, colon);
    remaining_ = point_.empty() ? 0 : colon == std::string::npos ? 1 : std::stoll(point_and_count.substr(colon + 1));
}

void DeathPoint::reached(const char* point) {
    if (remaining_ > 0 && point_ == point && --remaining_ == 0) {
        std::cerr << "killed at the point '" << point << "', as asked\n";
        kill(getpid(), SIGKILL);
    }
}

class ConfirmedSender::Listener : public giromq::CompletionListener {
public:
    void on_completion(const giromq::MessagePtr& message) override {
        const std::int64_t number = message->long_property("payment_number");
        const std::lock_guard lock(mutex_);
        confirmed_.push_back(number);
        --under_way_;
        changed_.notify_all();
    }
    void on_exception(const giromq::MessagePtr&, const giromq::JMSException& exception) override {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::make_unique<giromq::JMSException>(exception);
        --under_way_;
        changed_.notify_all();
    }

    /// Waits until fewer than `window` are under way, and counts one more.
    void begin_one(std::int64_t window) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return under_way_ < window || failure_; });
        throw_failure();
        ++under_way_;
    }
    void cancel_one() {
        const std::lock_guard lock(mutex_);
        --under_way_;
    }
    std::vector<std::int64_t> take(bool all) {
        std::unique_lock lock(mutex_);
        if (all) changed_.wait(lock, [&] { return under_way_ == 0 || failure_; });
        if (confirmed_.empty()) throw_failure();
        return std::exchange(confirmed_, {});
    }

private:
    void throw_failure() const {
        if (failure_) throw giromq::JMSException(*failure_);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::int64_t under_way_ = 0;
    std::vector<std::int64_t> confirmed_;
    std::unique_ptr<giromq::JMSException> failure_;
};

ConfirmedSender::ConfirmedSender(giromq::Session& session, const std::string& queue, std::int64_t window)
    : session_(session),
      producer_(session.create_producer(session.create_queue(queue))),
      listener_(std::make_shared<Listener>()),
      window_(window) {}
ConfirmedSender::~ConfirmedSender() = default;

void ConfirmedSender::send(std::int64_t number, const std::string& transaction_id, std::string_view type, const std::string& document) {
    const auto message = session_.create_text_message(document);
    message->set_jms_type(std::string(type));
    message->set_jms_correlation_id(transaction_id);
    message->set_string_property("GIROMQ_DUPLICATE_ID", transaction_id);
    message->set_long_property("payment_number", number);
    listener_->begin_one(window_);
    try {
        if (window_ > 1) {
            producer_->send(message, listener_);
            return;
        }
        producer_->send(message);
    } catch (...) {
        listener_->cancel_one();
        throw;
    }
    listener_->on_completion(message);
}

std::vector<std::int64_t> ConfirmedSender::confirmed() { return listener_->take(false); }
std::vector<std::int64_t> ConfirmedSender::wait_for_all() { return listener_->take(true); }

std::vector<Arrival> receive_batch(giromq::MessageConsumer& consumer, std::int64_t most, std::chrono::milliseconds patience,
                                   giromq::MessagePtr& last) {
    std::vector<Arrival> arrivals;
    // Only the first is waited for: a millisecond takes what has been sent ahead, without asking the broker whether there is more.
    while (static_cast<std::int64_t>(arrivals.size()) < most) {
        const giromq::MessagePtr message = consumer.receive(arrivals.empty() ? patience : std::chrono::milliseconds(1));
        if (!message) break;
        last = message;
        Arrival arrival;
        arrival.jms_message_id = message->jms_message_id();
        arrival.delivery_count = message->int_property("JMSXDeliveryCount");
        if (message->jms_redelivered() && arrival.delivery_count < 2) arrival.delivery_count = 2;
        // Anything but text is left empty, which is no document: it ends up among the unreadable ones.
        if (const auto text = std::dynamic_pointer_cast<giromq::TextMessage>(message)) arrival.document = text->text();
        arrivals.push_back(std::move(arrival));
    }
    return arrivals;
}

bool acknowledge_all(const giromq::Message& last) {
    try {
        last.acknowledge();
        return true;
    } catch (const giromq::JMSException& failure) {
        if (failure.error_code() != "giromq:stale-message" && failure.error_code() != "giromq:outcome-unknown") throw;
        return false;
    }
}

void record_arrivals(giromq::MessageConsumer& consumer, const Recording& recording) {
    while (!stop_is_wanted()) {
        giromq::MessagePtr last;
        const auto arrivals = receive_batch(consumer, recording.batch, std::chrono::milliseconds(300), last);
        if (arrivals.empty()) {
            if (recording.count > 0 && recording.recorded() >= recording.count) return;
            continue;
        }
        recording.record(arrivals);
        if (acknowledge_all(*last)) continue;
        std::cerr << "the connection was lost before " << arrivals.size() << " " << recording.what << " were acknowledged\n";
    }
}

}  // namespace payments
