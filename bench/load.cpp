#include "load.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace giromq::bench {
namespace {

using Steady = std::chrono::steady_clock;

std::int64_t now_ns() { return Steady::now().time_since_epoch().count(); }

std::string queue_name(const LoadSettings& settings, std::uint32_t index) {
    return settings.queues <= 1 ? settings.queue : settings.queue + "-" + std::to_string(index % settings.queues);
}

/// What all connections of a run share. Counters are atomic because the generator may have several threads.
struct Run {
    const LoadSettings& settings;
    std::atomic<bool> measuring{false};
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint32_t> next_key{0};
    std::mutex mutex{};
    std::string error{};

    void fail(const std::string& reason) {
        const std::lock_guard lock(mutex);
        if (error.empty() && !stopping) error = reason;
        stopping = true;
    }
    /// Claims the right to send one more message.
    bool claim() {
        if (stopping) return false;
        if (settings.messages == 0) return true;
        return started.fetch_add(1) < settings.messages;
    }
};

class Producer {
public:
    Producer(boost::asio::io_context& context, Run& run, std::uint32_t index)
        : run_(run),
          encoded_(encode_message(run.settings.message_bytes, run.settings.durable, run.settings.keys > 0)),
          client_(context, run.settings.address, AmqpClient::Kind::sender, queue_name(run.settings, index), 0, run.settings.presettled_send,
                  {.opened = {},
                   .credit = [this] { fill(); },
                   .settled = [this](std::uint64_t tag, bool accepted) { settled(tag, accepted); },
                   .received = {},
                   .failed = [this](const std::string& reason) { run_.fail("producer: " + reason); }}) {}

    void start() { client_.start(); }
    void close() { client_.close(); }
    Latencies latencies;

private:
    void fill() {
        while (client_.credit() > 0 && (run_.settings.presettled_send || under_way_ < run_.settings.unconfirmed)) {
            if (!run_.claim()) return;
            const auto now = now_ns();
            std::memcpy(encoded_.data() + encoded_.size() - 8, &now, 8);
            if (run_.settings.keys > 0) set_key(encoded_, run_.next_key++ % run_.settings.keys);
            client_.send(encoded_, static_cast<std::uint64_t>(now));
            if (run_.settings.presettled_send) {
                ++run_.sent;
            } else {
                ++under_way_;
            }
        }
    }
    void settled(std::uint64_t tag, bool accepted) {
        --under_way_;
        if (accepted) {
            ++run_.sent;
            if (run_.measuring) latencies.record(std::chrono::nanoseconds(now_ns() - static_cast<std::int64_t>(tag)));
        } else {
            ++run_.refused;
        }
        fill();
    }

    Run& run_;
    std::string encoded_;
    AmqpClient client_;
    std::uint32_t under_way_ = 0;
};

/// A connection with one consumer or several, of which the first has the number `first`.
class Consumer {
public:
    Consumer(boost::asio::io_context& context, Run& run, std::uint32_t first)
        : run_(run),
          client_(context, run.settings.address, AmqpClient::Kind::receiver, queue_name(run.settings, first), run.settings.credit,
                  run.settings.presettled_receive,
                  {.opened = {},
                   .credit = {},
                   .settled = {},
                   .received = [this](std::string_view tail) { received(tail); },
                   .failed = [this](const std::string& reason) { run_.fail("consumer: " + reason); }}) {
        const auto behind = std::min(first + std::max(run.settings.links, 1U), run.settings.consumers);
        std::vector<std::string> selectors;
        for (auto number = first; number < behind; ++number) selectors.push_back(selector_of(number));
        client_.select(std::move(selectors));
    }

    void start() { client_.start(); }
    void close() { client_.close(); }
    Latencies latencies;

private:
    std::string selector_of(std::uint32_t number) const {
        auto selector = run_.settings.selector;
        if (const auto at = selector.find('#'); at != std::string::npos) selector.replace(at, 1, key_of(number));
        return selector;
    }
    void received(std::string_view tail) {
        ++run_.received;
        if (!run_.measuring || tail.size() != 8) return;
        std::int64_t sent_at = 0;
        std::memcpy(&sent_at, tail.data(), 8);
        latencies.record(std::chrono::nanoseconds(now_ns() - sent_at));
    }

    Run& run_;
    AmqpClient client_;
};

/// One thread of the generator: its share of the connections.
struct Share {
    boost::asio::io_context context{1};
    std::vector<std::unique_ptr<Producer>> producers;
    std::vector<std::unique_ptr<Consumer>> consumers;
};

bool finished(const Run& run, const LoadSettings& settings) {
    if (run.stopping) return true;
    if (settings.messages == 0) return false;
    const auto done = run.sent + run.refused >= settings.messages || settings.producers == 0;
    return done && (settings.consumers == 0 || run.received >= (settings.producers == 0 ? settings.messages : run.sent.load()));
}

}  // namespace

LoadResult run_load(const LoadSettings& settings) {
    Run run{.settings = settings};
    std::vector<std::unique_ptr<Share>> shares;
    for (std::uint32_t index = 0; index < std::max(settings.threads, 1U); ++index) shares.push_back(std::make_unique<Share>());
    const auto links = std::max(settings.links, 1U);
    for (std::uint32_t first = 0; first < settings.consumers; first += links) {
        auto& share = *shares[first / links % shares.size()];
        share.consumers.push_back(std::make_unique<Consumer>(share.context, run, first));
        share.consumers.back()->start();
    }
    for (std::uint32_t index = 0; index < settings.producers; ++index) {
        auto& share = *shares[index % shares.size()];
        share.producers.push_back(std::make_unique<Producer>(share.context, run, index));
        share.producers.back()->start();
    }
    if (settings.messages != 0) run.measuring = true;
    const auto begin = Steady::now();
    std::vector<std::thread> threads;
    for (auto& share : shares) threads.emplace_back([&share] { share->context.run(); });

    LoadResult result;
    auto from = begin;
    std::uint64_t sent_before = 0;
    std::uint64_t received_before = 0;
    const auto elapsed = [](Steady::time_point since) { return std::chrono::duration<double>(Steady::now() - since).count(); };
    // With a count the run ends by itself; the bound keeps a broken peer from hanging it.
    const double bound_s = settings.messages != 0 ? 600 : settings.warm_up_s + settings.duration_s;
    while (!finished(run, settings) && elapsed(begin) < bound_s) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (settings.messages == 0 && !run.measuring && elapsed(begin) >= settings.warm_up_s) {
            from = Steady::now();
            sent_before = run.sent;
            received_before = run.received;
            run.measuring = true;
        }
    }
    result.seconds = elapsed(from);
    result.sent = run.sent - sent_before;
    result.received = run.received - received_before;
    run.measuring = false;
    run.stopping = true;
    for (auto& share : shares) share->context.stop();
    for (auto& thread : threads) thread.join();
    for (auto& share : shares) {
        for (auto& producer : share->producers) result.send_latency.add(producer->latencies);
        for (auto& consumer : share->consumers) result.delivery_latency.add(consumer->latencies);
    }
    result.refused = run.refused;
    result.sent_per_s = static_cast<double>(result.sent) / result.seconds;
    result.received_per_s = static_cast<double>(result.received) / result.seconds;
    result.error = run.error;
    return result;
}

std::string hold_idle_connections(const Address& address, std::uint32_t connections, double seconds) {
    boost::asio::io_context context(1);
    std::string error{};
    std::vector<std::unique_ptr<AmqpClient>> clients;
    for (std::uint32_t index = 0; index < connections; ++index) {
        clients.push_back(std::make_unique<AmqpClient>(
            context, address, AmqpClient::Kind::idle, "", 0, false,
            AmqpClient::Callbacks{.opened = {}, .credit = {}, .settled = {}, .received = {}, .failed = [&error](const std::string& reason) {
                                      error = reason;
                                  }}));
        clients.back()->start();
        context.poll();
    }
    context.run_for(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(seconds)));
    for (auto& client : clients) client->close();
    return error;
}

double time_to_first_message(const Address& address, const std::string& queue, const std::string& selector, double timeout_s) {
    const auto begin = Steady::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(Steady::now() - begin).count(); };
    while (elapsed() < timeout_s) {
        boost::asio::io_context context(1);
        bool received = false;
        bool failed = false;
        AmqpClient client(context, address, AmqpClient::Kind::receiver, queue, 1, false,
                          {.opened = {},
                           .credit = {},
                           .settled = {},
                           .received = [&](std::string_view) { received = true; },
                           .failed = [&](const std::string&) { failed = true; }});
        client.select({selector});
        client.start();
        while (!received && !failed && elapsed() < timeout_s) context.run_one_for(std::chrono::milliseconds(5));
        if (received) {
            const auto seconds = elapsed();
            context.run_for(std::chrono::milliseconds(50));
            client.close();
            context.poll();
            return seconds;
        }
        client.close();
        context.poll();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return -1;
}

double fdatasync_floor_us(const std::string& folder, std::uint32_t count) {
    constexpr std::size_t block = 4096;
    constexpr off_t file_bytes = 16 * 1024 * 1024;
    const auto path = folder + "/giromq-bench-floor";
    const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    const std::vector<char> zeros(1024 * 1024, 0);
    for (off_t at = 0; at < file_bytes; at += static_cast<off_t>(zeros.size())) {
        if (::pwrite(file, zeros.data(), zeros.size(), at) != static_cast<ssize_t>(zeros.size())) return -1;
    }
    ::fsync(file);
    Latencies latencies;
    std::vector<char> data(block, 'x');
    for (std::uint32_t round = 0; round < count; ++round) {
        const auto begin = Steady::now();
        const off_t at = static_cast<off_t>(round) * static_cast<off_t>(block) % file_bytes;
        if (::pwrite(file, data.data(), block, at) != static_cast<ssize_t>(block) || ::fdatasync(file) != 0) return -1;
        latencies.record(Steady::now() - begin);
    }
    ::close(file);
    ::unlink(path.c_str());
    return latencies.quantile_us(0.5);
}

}  // namespace giromq::bench
