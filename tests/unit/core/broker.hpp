#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/shared_bytes.hpp"
#include "core/core.hpp"
#include "selector/amqp_message.hpp"
#include "store/memory/memory_store.hpp"
#include "support/fake_store.hpp"
#include "support/fake_work.hpp"
#include "support/manual_clock.hpp"

/// A broker core over a store in memory, with small words for what a test does to it.
namespace giromq::test {

using Texts = std::vector<std::string>;

inline std::string join(const Texts& texts) {
    std::string line;
    for (const auto& text : texts) line += (line.empty() ? "" : " ") + text;
    return line;
}

/// "m1 m2 m3" and so on.
inline std::string numbers(int from, int to, const std::string& prefix = "m") {
    Texts all;
    for (int number = from; number <= to; ++number) all.push_back(prefix + std::to_string(number));
    return join(all);
}

inline std::string text_of(const Message& message) {
    const auto bare = message.bare.view();
    // Nearly every test is content with bytes that mean nothing; those of selectors make real messages.
    if (bare.empty() || bare[0] != '\0') return std::string(bare);
    return std::string(selector::AmqpMessage(message).body().bytes);
}

/// The answer to something asked of the core, once there is one.
template <typename T>
struct Answer {
    std::optional<Result<T>> result;
    int times = 0;

    bool given() const { return result.has_value(); }
    bool ok() const { return given() && result->ok(); }
    UniqueFunction<void(Result<T>)> callback() {
        return [this](Result<T> answer) {
            result = std::move(answer);
            ++times;
        };
    }
};

struct SendAnswer {
    std::optional<core::SendResult> result;
    int times = 0;

    bool given() const { return result.has_value(); }
    bool accepted() const { return given() && result->accepted; }
    bool duplicate() const { return given() && result->duplicate; }
    bool refused_with(core::errc code) const { return given() && !result->accepted && result->error.is(code); }
};
using SendAnswerPtr = std::shared_ptr<SendAnswer>;

class Broker;

/// A consumer or browser.
class Taker final : public core::ConsumerPort {
public:
    Taker(Broker& broker, ConnectionId connection) : broker_(broker), connection_(connection) {}

    void deliver(core::Delivery delivery) override {
        CPPUNIT_ASSERT_MESSAGE("a delivery after ended()", !ended_);
        deliveries.push_back(std::move(delivery));
    }
    bool has_room() const override { return room; }
    void drained() override {
        CPPUNIT_ASSERT_MESSAGE("drained() after ended()", !ended_);
        drained_after.push_back(deliveries.size());
        limit = deliveries.size();  // what was left of the credit is used up
    }
    void ended(const Error& reason) override {
        CPPUNIT_ASSERT_MESSAGE("ended() twice", !ended_);
        ended_ = true;
        end_reason = reason;
    }

    std::string texts() const {
        Texts all;
        for (const auto& delivery : deliveries) all.push_back(text_of(*delivery.message));
        return join(all);
    }
    /// The newest delivery of that text.
    const core::Delivery& delivery(const std::string& text) const {
        for (auto next = deliveries.rbegin(); next != deliveries.rend(); ++next) {
            if (text_of(*next->message) == text) return *next;
        }
        throw std::logic_error("'" + text + "' was not delivered");
    }
    std::uint32_t count(const std::string& text) const { return delivery(text).delivery_count; }

    void credit(std::uint64_t more);
    void drain(std::uint64_t more = 0);
    Answer<void>& settle(const std::string& text, Outcome outcome);
    Answer<void>& accept(const std::string& text) { return settle(text, Accepted{}); }
    Answer<void>& release(const std::string& text) { return settle(text, Released{}); }
    Answer<void>& fail(const std::string& text) { return settle(text, Modified{true, false}); }
    Answer<void>& reject(const std::string& text) { return settle(text, Rejected{"amqp:decode-error", "no amount"}); }
    void close(core::CloseReason reason = core::CloseReason::orderly);

    ConsumerId id;
    std::uint64_t limit = 0;
    bool room = true;
    std::vector<core::Delivery> deliveries;
    std::vector<std::size_t> drained_after;
    std::optional<Error> end_reason;
    bool has_ended() const { return ended_; }
    ConnectionId connection() const { return connection_; }

private:
    Broker& broker_;
    ConnectionId connection_;
    bool ended_ = false;
    std::vector<std::unique_ptr<Answer<void>>> answers_;
};

class Sender final : public core::ProducerPort {
public:
    void window(std::uint32_t messages) override { windows.push_back(messages); }
    void ended(const Error& reason) override { end_reason = reason; }
    std::uint32_t room() const { return windows.empty() ? 0 : windows.back(); }

    ProducerId id;
    std::vector<std::uint32_t> windows;
    std::optional<Error> end_reason;
};

struct SendOptions {
    bool durable = true;
    std::int64_t expires_in_ms = 0;
    std::optional<core::ProducerSequence> sequence = std::nullopt;
    std::string duplicate_id = {};
    ProducerId producer = {};
    std::size_t bytes = 0;                           // the message is padded to this size with an annotation
    std::uint32_t chunks = 0;                        // so many follow the text
    std::optional<SharedBytes> bare = std::nullopt;  // in place of the text
    TransactionId transaction = {};
    ConnectionId connection = {};
};
inline constexpr bool non_persistent = false;

class Broker {
public:
    explicit Broker(core::CoreSettings settings_ = {}) : settings(std::move(settings_)) { open(); }

    /// The process dies: what no COMMIT returned for is gone. `before_recovery` may still damage something.
    void crash() {
        core.reset();
        doors.reset();
        store.reset();
        work = {};
        open();
    }
    /// A clean stop and a new start.
    void restart() {
        bool stopped = false;
        core->stop([&] { stopped = true; });
        doors->run();
        CPPUNIT_ASSERT_MESSAGE("stop() was not answered", stopped);
        core.reset();
        doors.reset();
        CPPUNIT_ASSERT(store->release(lease_).ok());
        store.reset();
        open();
    }

    /// Everything, that of workers included, until nothing is under way.
    void run() {
        do {
            doors->run();
        } while (work.answer());
    }

    DestinationId make_queue(const std::string& name, const std::function<void(DestinationSettings&)>& change = {}) {
        auto queue_settings = settings.queue_defaults;
        queue_settings.name = name;
        if (change) change(queue_settings);
        Answer<DestinationId> answer;
        core->create_queue(queue_settings, answer.callback());
        doors->run();
        CPPUNIT_ASSERT_MESSAGE("queue '" + name + "' was not created", answer.ok());
        return answer.result->value();
    }
    /// The queue "q" with the messages m1 to mN in it.
    DestinationId make_filled_queue(int messages) {
        const auto made = make_queue("q");
        send_many(made, "m", messages);
        return made;
    }
    DestinationId queue(const std::string& name) const {
        const auto found = core->find_destination(name);
        CPPUNIT_ASSERT_MESSAGE("there is no queue '" + name + "'", found.has_value());
        return *found;
    }

    /// Hands a message to the core; nothing is committed yet.
    SendAnswerPtr stage(DestinationId queue, const std::string& text, SendOptions options = {}) {
        auto message = std::make_shared<Message>();
        message->durable = options.durable;
        message->arrived_at = clock.wall_now();
        if (options.expires_in_ms != 0) message->expires_at = Timestamp{clock.wall_now().milliseconds + options.expires_in_ms};
        message->bare = options.bare ? *options.bare : SharedBytes::copy_of(text);
        if (options.bytes > text.size()) message->annotations = SharedBytes::copy_of(std::string(options.bytes - text.size(), 'x'));
        if (options.chunks > 0) stage_chunks(*message, options.chunks);
        auto answer = std::make_shared<SendAnswer>();
        core::SendCommand command;
        command.producer = options.producer;
        command.destination = queue;
        command.message = std::move(message);
        command.sequence = options.sequence;
        command.duplicate_id = options.duplicate_id;
        command.transaction = options.transaction;
        command.connection = options.connection;
        command.done = [answer](const core::SendResult& result) {
            answer->result = result;
            ++answer->times;
        };
        core->send(std::move(command));
        return answer;
    }
    /// Sends and lets everything that follows happen.
    SendAnswerPtr send(DestinationId queue, const std::string& text, SendOptions options = {}) {
        auto answer = stage(queue, text, std::move(options));
        doors->run();
        return answer;
    }
    void send_all(DestinationId queue, const Texts& texts, SendOptions options = {}) {
        for (const auto& text : texts) stage(queue, text, options);
        doors->run();
    }
    /// a1 to aN.
    void send_many(DestinationId queue, const std::string& prefix, int count, SendOptions options = {}) {
        for (int number = 1; number <= count; ++number) stage(queue, prefix + std::to_string(number), options);
        doors->run();
    }

    ConnectionId new_connection() { return ConnectionId{next_connection_++}; }

    /// A consumer on a connection of its own, with so much credit.
    Taker& take(DestinationId queue, std::uint64_t credit, core::ConsumerCommand command = {}) {
        if (!command.connection.is_set()) command.connection = new_connection();
        takers_.push_back(std::make_unique<Taker>(*this, command.connection));
        Taker& taker = *takers_.back();
        command.destination = queue;
        command.port = &taker;
        const auto opened = core->open_consumer(command);
        CPPUNIT_ASSERT_MESSAGE("the consumer was refused", opened.ok());
        taker.id = opened.value();
        if (credit > 0) taker.credit(credit);
        return taker;
    }
    /// The same, once it has got what its credit and the queue allow.
    Taker& take_now(DestinationId queue, std::uint64_t credit) {
        Taker& taker = take(queue, credit);
        doors->run();
        return taker;
    }
    Taker& take_presettled(DestinationId queue, std::uint64_t credit) {
        core::ConsumerCommand command;
        command.presettled = true;
        return take(queue, credit, std::move(command));
    }
    Taker& browse(DestinationId queue, std::uint64_t credit) {
        core::ConsumerCommand command;
        command.mode = core::ConsumerMode::browse;
        return take(queue, credit, std::move(command));
    }
    Taker& take_with(ConnectionId connection, DestinationId queue, std::uint64_t credit) {
        core::ConsumerCommand command;
        command.connection = connection;
        return take(queue, credit, std::move(command));
    }
    Sender& open_sender(DestinationId queue) {
        senders_.push_back(std::make_unique<Sender>());
        const auto opened = core->open_producer(new_connection(), queue, senders_.back().get());
        CPPUNIT_ASSERT(opened.ok());
        senders_.back()->id = opened.value();
        return *senders_.back();
    }

    core::QueueView view(DestinationId queue) const { return core->view_queue(queue).value(); }

    /// What a fresh consumer gets of a queue, until it is drained; everything is accepted.
    std::string drain_all(DestinationId queue) {
        Taker& taker = take(queue, 0);
        taker.drain(100000);
        doors->run();
        std::vector<Position> positions;
        for (const auto& delivery : taker.deliveries) positions.push_back(delivery.position);
        for (const auto position : positions) core->settle(taker.id, position, Accepted{}, {});
        doors->run();
        CPPUNIT_ASSERT_EQUAL_MESSAGE("drained", std::size_t{1}, taker.drained_after.size());
        taker.close();
        return taker.texts();
    }

    /// Entries of a queue that are in the store.
    std::string stored(DestinationId queue) const {
        Texts all;
        const auto page = store->page(queue, Position{0}, {.entries = 100000, .bytes = 1u << 30});
        for (const auto& entry : page.value().entries) all.push_back(entry.message ? text_of(*entry.message) : "damaged");
        return join(all);
    }

    /// A tick after so much time.
    void tick(std::chrono::milliseconds time = std::chrono::milliseconds(100)) {
        clock.advance(time);
        core->tick();
    }

    core::CoreSettings settings;
    std::vector<DestinationSettings> configured;  // queues of the next start
    ManualClock clock;
    std::shared_ptr<store::MemoryDisk> disk = store::make_memory_disk();
    std::unique_ptr<store::MemoryStore> store;
    std::unique_ptr<FakeStore> doors;
    FakeWork work;
    std::unique_ptr<core::Core> core;

private:
    void stage_chunks(Message& message, std::uint32_t count) {
        message.number = core->begin_chunks();
        message.chunk_count = count;
        for (std::uint32_t index = 0; index < count; ++index) {
            const auto chunk = SharedBytes::copy_of("chunk " + std::to_string(index));
            message.chunked_bytes += chunk.size();
            core->append_chunk(message.number, index, chunk, [](const Result<void>&) {});
        }
    }
    void open() {
        store = std::make_unique<store::MemoryStore>(disk);
        lease_ = store->acquire().value();
        doors = std::make_unique<FakeStore>(*store, lease_);
        core = std::make_unique<core::Core>(clock, *doors, *doors, settings, &work);
        CPPUNIT_ASSERT(store->recover(core->recovery()).ok());
        Answer<void> started;
        core->start(configured, started.callback());
        doors->run();
        CPPUNIT_ASSERT_MESSAGE("start() was not answered", started.ok());
    }

    store::Lease lease_;
    std::uint64_t next_connection_ = 1;
    std::vector<std::unique_ptr<Taker>> takers_;
    std::vector<std::unique_ptr<Sender>> senders_;
};

inline void Taker::credit(std::uint64_t more) {
    limit += more;
    broker_.core->flow(id, limit, false);
}
inline void Taker::drain(std::uint64_t more) {
    limit += more;
    broker_.core->flow(id, limit, true);
}
inline Answer<void>& Taker::settle(const std::string& text, Outcome outcome) {
    answers_.push_back(std::make_unique<Answer<void>>());
    broker_.core->settle(id, delivery(text).position, std::move(outcome), answers_.back()->callback());
    return *answers_.back();
}
inline void Taker::close(core::CloseReason reason) { broker_.core->close_consumer(id, reason); }

inline core::CoreSettings tiny_windows(std::uint32_t messages = 1) {
    core::CoreSettings settings;
    settings.queue_window_messages = messages;  // the core allows four times as many where there is room
    settings.queue_window_bytes = 4096;
    settings.memory_bytes = 64 * 1024;
    return settings;
}

}  // namespace giromq::test
