// Load on RabbitMQ in its own protocol, AMQP 0-9-1, by the client library of Debian (librabbitmq). The workloads are those of giromq-bench:
// see compare.py. Durable messages go to a quorum queue with publisher confirms and are acknowledged by the consumer in groups;
// non-persistent ones to a classic queue without either, which is RabbitMQ at its fastest.
#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Steady = std::chrono::steady_clock;

struct Settings {
    int port = 0;
    int producers = 1;
    int consumers = 0;
    std::uint32_t unconfirmed = 1;
    bool durable = true;
    int warm_up_s = 3;
    int seconds = 5;
    std::string body = std::string(1024, 'x');
};

std::atomic<bool> measuring{false};
std::atomic<bool> stopping{false};
std::atomic<std::uint64_t> sent{0};
std::atomic<std::uint64_t> received{0};
std::mutex latencies_mutex;
std::vector<double> latencies_us;

constexpr amqp_channel_t channel = 1;

void check(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

class Connection {
public:
    explicit Connection(const Settings& settings) : state_(amqp_new_connection()) {
        amqp_socket_t* const socket = amqp_tcp_socket_new(state_);
        check(socket != nullptr && amqp_socket_open(socket, "127.0.0.1", settings.port) == AMQP_STATUS_OK, "connect");
        const auto login = amqp_login(state_, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
        check(login.reply_type == AMQP_RESPONSE_NORMAL, "login");
        amqp_channel_open(state_, channel);
        reply("channel.open");
    }
    ~Connection() { amqp_destroy_connection(state_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    amqp_connection_state_t get() const { return state_; }
    void reply(const char* what) const { check(amqp_get_rpc_reply(state_).reply_type == AMQP_RESPONSE_NORMAL, what); }

private:
    amqp_connection_state_t state_;
};

amqp_bytes_t queue_name(const Settings& settings) { return amqp_cstring_bytes(settings.durable ? "durable" : "non-persistent"); }

void declare(const Settings& settings) {
    const Connection connection(settings);
    amqp_table_entry_t type;
    type.key = amqp_cstring_bytes("x-queue-type");
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = amqp_cstring_bytes(settings.durable ? "quorum" : "classic");
    amqp_queue_declare(connection.get(), channel, queue_name(settings), 0, settings.durable ? 1 : 0, 0, 0, amqp_table_t{1, &type});
    connection.reply("queue.declare");
}

class Producer {
public:
    explicit Producer(const Settings& settings) : settings_(settings), connection_(settings) {
        if (!settings.durable) return;
        amqp_confirm_select(connection_.get(), channel);
        connection_.reply("confirm.select");
    }

    void run() {
        while (!stopping) {
            publish();
            while (settings_.durable && under_way_.size() >= settings_.unconfirmed && !stopping) wait_for_confirm();
        }
        const std::lock_guard lock(latencies_mutex);
        latencies_us.insert(latencies_us.end(), latencies_.begin(), latencies_.end());
    }

private:
    void publish() {
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
        properties.delivery_mode = settings_.durable ? 2 : 1;
        const amqp_bytes_t body{settings_.body.size(), const_cast<char*>(settings_.body.data())};
        const int code = amqp_basic_publish(connection_.get(), channel, amqp_empty_bytes, queue_name(settings_), 0, 0, &properties, body);
        check(code == AMQP_STATUS_OK, "basic.publish");
        if (settings_.durable) {
            under_way_.push_back(Steady::now());
        } else {
            ++sent;
        }
    }
    void wait_for_confirm() {
        amqp_frame_t frame;
        timeval timeout{1, 0};
        amqp_maybe_release_buffers(connection_.get());
        const int code = amqp_simple_wait_frame_noblock(connection_.get(), &frame, &timeout);
        if (code == AMQP_STATUS_TIMEOUT) return;
        check(code == AMQP_STATUS_OK, "waiting for a confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) return;
        const auto* const ack = static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
        const auto now = Steady::now();
        // Confirms of single messages may overtake each other; the oldest stands for them, which is right on average.
        const auto count = ack->multiple != 0 ? ack->delivery_tag - confirmed_ : 1;
        for (std::uint64_t index = 0; index < count && !under_way_.empty(); ++index) {
            if (measuring) latencies_.push_back(std::chrono::duration<double, std::micro>(now - under_way_.front()).count());
            under_way_.pop_front();
            ++confirmed_;
            ++sent;
        }
    }

    const Settings& settings_;
    Connection connection_;
    std::deque<Steady::time_point> under_way_;
    std::uint64_t confirmed_ = 0;
    std::vector<double> latencies_;
};

void consume(const Settings& settings) {
    constexpr std::uint16_t prefetch = 500;
    const Connection connection(settings);
    amqp_basic_qos(connection.get(), channel, 0, prefetch, 0);
    connection.reply("basic.qos");
    amqp_basic_consume(connection.get(), channel, queue_name(settings), amqp_empty_bytes, 0, settings.durable ? 0 : 1, 0, amqp_empty_table);
    connection.reply("basic.consume");
    std::uint64_t unacknowledged = 0;
    std::uint64_t last_tag = 0;
    const auto acknowledge = [&] {
        if (unacknowledged == 0) return;
        check(amqp_basic_ack(connection.get(), channel, last_tag, 1) == AMQP_STATUS_OK, "basic.ack");
        unacknowledged = 0;
    };
    while (!stopping) {
        amqp_envelope_t envelope;
        // What has come together is acknowledged together, as soon as nothing more is there.
        timeval none{0, 0};
        timeval timeout{0, 100000};
        amqp_maybe_release_buffers(connection.get());
        auto result = amqp_consume_message(connection.get(), &envelope, unacknowledged > 0 ? &none : &timeout, 0);
        if (result.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && result.library_error == AMQP_STATUS_TIMEOUT) {
            acknowledge();
            continue;
        }
        check(result.reply_type == AMQP_RESPONSE_NORMAL, "consuming");
        last_tag = envelope.delivery_tag;
        amqp_destroy_envelope(&envelope);
        ++received;
        if (settings.durable && ++unacknowledged >= prefetch / 4) acknowledge();
    }
}

void guarded(const std::function<void()>& run) {
    try {
        run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "rabbitmq_load: %s failed\n", error.what());
        std::_Exit(1);
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 8) {
        std::fprintf(stderr, "Usage: rabbitmq_load PORT PRODUCERS CONSUMERS UNCONFIRMED DURABLE(0|1) WARM_UP_S SECONDS\n");
        return 2;
    }
    Settings settings;
    settings.port = std::atoi(arguments[1]);
    settings.producers = std::atoi(arguments[2]);
    settings.consumers = std::atoi(arguments[3]);
    settings.unconfirmed = static_cast<std::uint32_t>(std::atoi(arguments[4]));
    settings.durable = std::atoi(arguments[5]) != 0;
    settings.warm_up_s = std::atoi(arguments[6]);
    settings.seconds = std::atoi(arguments[7]);
    std::vector<std::thread> threads;
    guarded([&] { declare(settings); });
    for (int index = 0; index < settings.consumers; ++index) threads.emplace_back([&] { guarded([&] { consume(settings); }); });
    for (int index = 0; index < settings.producers; ++index) threads.emplace_back([&] { guarded([&] { Producer(settings).run(); }); });
    std::this_thread::sleep_for(std::chrono::seconds(settings.warm_up_s));
    const auto begin = Steady::now();
    const std::uint64_t sent_before = sent;
    const std::uint64_t received_before = received;
    measuring = true;
    std::this_thread::sleep_for(std::chrono::seconds(settings.seconds));
    const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
    const double sent_per_s = static_cast<double>(sent - sent_before) / seconds;
    const double received_per_s = static_cast<double>(received - received_before) / seconds;
    stopping = true;
    for (auto& thread : threads) thread.join();
    std::sort(latencies_us.begin(), latencies_us.end());
    const double p50 = latencies_us.empty() ? 0 : latencies_us[latencies_us.size() / 2];
    std::printf("{\"sent_per_s\": %.0f, \"received_per_s\": %.0f, \"send_p50_us\": %.1f}\n", sent_per_s, received_per_s, p50);
    return 0;
}
