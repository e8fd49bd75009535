#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "amqp/connection.hpp"
#include "core/core.hpp"
#include "model/amqp_sections.hpp"
#include "model/amqp_writer.hpp"
#include "store/memory/memory_store.hpp"
#include "support/amqp_peer.hpp"
#include "support/fake_store.hpp"
#include "support/manual_clock.hpp"
#include "support/manual_executor.hpp"

/// A whole broker without sockets: core over a store in memory, connections whose bytes the test moves.
namespace giromq::test {

/// An executor that runs a task at once if it is idle, as the broker's do.
class InlineExecutor final : public Executor {
public:
    void execute(Task task) override {
        tasks_.push_back(std::move(task));
        if (running_) return;
        running_ = true;
        while (!tasks_.empty()) {
            Task next = std::move(tasks_.front());
            tasks_.pop_front();
            next();
        }
        running_ = false;
    }
    bool is_current() const override { return running_; }

private:
    std::deque<Task> tasks_;
    bool running_ = false;
};

/// Sections of a message, encoded by hand so that the bytes are known.
class MessageBuilder {
public:
    MessageBuilder& header(bool durable, std::optional<std::uint32_t> ttl_ms = {}) {
        writer_.descriptor(0x70);
        const auto list = writer_.begin_list();
        writer_.boolean(durable);
        writer_.null();
        if (ttl_ms) writer_.uint32(*ttl_ms);
        writer_.end(list, ttl_ms ? 3 : 2);
        return *this;
    }
    template <typename Fill>
    MessageBuilder& map(std::uint64_t section, std::uint32_t count, Fill fill) {
        writer_.descriptor(section);
        const auto map = writer_.begin_map();
        fill(writer_);
        writer_.end(map, count);
        return *this;
    }
    MessageBuilder& delivery_annotation(std::string_view key, std::string_view value) {
        return map(0x71, 2, [&](codec::Writer& writer) {
            writer.symbol(key);
            writer.string(value);
        });
    }
    MessageBuilder& sequence(std::string_view producer, std::uint64_t sequence) {
        return map(0x71, 4, [&](codec::Writer& writer) {
            writer.symbol("giromq:producer-id");
            writer.string(producer);
            writer.symbol("giromq:sequence");
            writer.uint64(sequence);
        });
    }
    MessageBuilder& message_annotation(std::string_view key, std::string_view value) {
        return map(0x72, 2, [&](codec::Writer& writer) {
            writer.symbol(key);
            writer.string(value);
        });
    }
    MessageBuilder& properties(std::string_view id, std::string_view to = {}) {
        writer_.descriptor(0x73);
        const auto list = writer_.begin_list();
        writer_.string(id);
        writer_.null();
        if (to.empty()) {
            writer_.null();
        } else {
            writer_.string(to);
        }
        writer_.end(list, 3);
        return *this;
    }
    MessageBuilder& application_property(std::string_view key, std::string_view value) {
        return map(0x74, 2, [&](codec::Writer& writer) {
            writer.string(key);
            writer.string(value);
        });
    }
    MessageBuilder& data(std::string_view body) {
        writer_.descriptor(0x75);
        writer_.binary({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()});
        return *this;
    }
    MessageBuilder& text(std::string_view body) {
        writer_.descriptor(0x77);
        writer_.string(body);
        return *this;
    }
    std::string bytes() const { return {reinterpret_cast<const char*>(out_.data()), out_.size()}; }

private:
    std::vector<std::uint8_t> out_;
    codec::Writer writer_{out_};
};

inline std::string durable_text(std::string_view body) { return MessageBuilder().header(true).text(body).bytes(); }

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A frame made by hand: a performative of that code and so many fields.
template <typename Fill>
std::vector<std::uint8_t> frame_of(std::uint64_t code, std::uint32_t fields, Fill fill) {
    std::vector<std::uint8_t> frame{0, 0, 0, 0, 2, 0, 0, 0};
    codec::Writer writer(frame);
    writer.descriptor(code);
    const auto list = writer.begin_list();
    fill(writer);
    writer.end(list, fields);
    frame[3] = static_cast<std::uint8_t>(frame.size());
    return frame;
}

/// What is behind the header of an encoded message.
inline std::string without_header(const std::string& encoded) {
    codec::Reader reader(as_bytes(encoded));
    codec::Value section;
    CPPUNIT_ASSERT(reader.read(section));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x70}, codec::descriptor_code(section.descriptor));
    return encoded.substr(section.encoded.size());
}

inline codec::MessageHead head_of(const std::string& encoded) {
    codec::MessageHead head;
    CPPUNIT_ASSERT(codec::read_head(as_bytes(encoded), true, head) == codec::HeadStatus::complete);
    return head;
}

/// The text of an amqp-value message.
inline std::string text_of(const std::string& encoded) {
    const auto head = head_of(encoded);
    codec::Reader reader(as_bytes(encoded).subspan(head.body_offset));
    codec::Value value;
    CPPUNIT_ASSERT(reader.read(value));
    return std::string(value.text());
}

inline std::uint32_t delivery_count_of(const std::string& encoded) {
    const auto head = head_of(encoded);
    std::array<codec::Value, 5> fields;
    codec::read_fields(head.header, fields);
    return static_cast<std::uint32_t>(fields[4].bits);
}

/// The broker below the connections.
template <typename AnExecutor>
class BasicBroker {
public:
    BasicBroker() : BasicBroker(core::CoreSettings{}) {}
    explicit BasicBroker(core::CoreSettings settings) {
        settings.create_queues = true;
        store_ = std::make_unique<store::MemoryStore>(store::make_memory_disk());
        doors = std::make_unique<FakeStore>(*store_, store_->acquire().value());
        core = std::make_unique<core::Core>(clock, *doors, *doors, std::move(settings));
        CPPUNIT_ASSERT(store_->recover(core->recovery()).ok());
        core->start({}, [](Result<void> started) { CPPUNIT_ASSERT(started.ok()); });
        doors->run();
        options.mechanisms = {amqp::Mechanism::anonymous};
        options.anonymous_is_administrator = true;
        peer.address = "127.0.0.1:1";
        peer.is_loopback = true;
    }

    amqp::Services services() { return amqp::Services{*core, core_executor, users, clock, containers, selectors, user_connections}; }

    ManualClock clock;
    security::UserDirectory users{clock};
    amqp::ContainerRegistry containers;
    amqp::UserConnections user_connections;
    selector::ProgramCache selectors;
    AnExecutor core_executor;
    std::unique_ptr<FakeStore> doors;
    std::unique_ptr<core::Core> core;
    amqp::ConnectionSettings options;
    amqp::Peer peer;
    /// Whether COMMIT returns by itself while bytes are pumped.
    bool commits = true;
    std::uint64_t next_connection = 1;

private:
    std::unique_ptr<store::MemoryStore> store_;
};
using Broker = BasicBroker<ManualExecutor>;

/// One connection of the broker, and the bytes between it and whoever is at the other end.
template <typename AnExecutor>
class BasicWire final : public amqp::ConnectionHost {
public:
    explicit BasicWire(BasicBroker<AnExecutor>& the_broker) : broker(the_broker) {
        connection = amqp::Connection::create(ConnectionId{broker.next_connection++}, broker.services(), broker.options, broker.peer,
                                              executor, workers, *this);
    }
    ~BasicWire() {
        connection->abort();
        settle();
    }

    void wake() override { ++wakes; }

    /// Everything that waits runs, save COMMIT if the broker's test decides that itself.
    bool settle() {
        bool any = false;
        for (bool more = true; more;) {
            more = run(broker.core_executor);
            more = run(executor) || more;
            more = run(workers) || more;
            if (broker.commits && !broker.doors->idle()) {
                broker.doors->run();
                more = true;
            }
            any |= more;
        }
        return any;
    }

    /// Gives bytes to the connection, at most `step` at a time; returns what it did not want.
    std::vector<std::uint8_t> give(std::vector<std::uint8_t> bytes, std::size_t step = SIZE_MAX) {
        std::size_t at = 0;
        while (at < bytes.size()) {
            const auto room = connection->input_buffer();
            if (room.empty()) break;
            const std::size_t count = std::min({room.size(), bytes.size() - at, step});
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
            connection->input_done(count);
            at += count;
            if (settle_between) settle();
        }
        bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
        return bytes;
    }
    std::vector<std::uint8_t> take(std::size_t step = SIZE_MAX) {
        std::vector<std::uint8_t> bytes;
        while (true) {
            const auto part = connection->output();
            if (part.empty()) break;
            const std::size_t count = std::min(step, part.size());
            bytes.insert(bytes.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
            connection->output_done(count);
            if (step != SIZE_MAX) break;
        }
        return bytes;
    }

    BasicBroker<AnExecutor>& broker;
    AnExecutor executor;
    AnExecutor workers;
    std::shared_ptr<amqp::Connection> connection;
    std::uint64_t wakes = 0;
    bool settle_between = false;

private:
    static bool run(ManualExecutor& executor) {
        const bool any = !executor.empty();
        executor.run_all();
        return any;
    }
    static bool run(InlineExecutor&) { return false; }
};
using Wire = BasicWire<ManualExecutor>;

/// A connection with the Proton client at its other end.
template <typename AnExecutor>
class BasicClient {
public:
    explicit BasicClient(BasicBroker<AnExecutor>& broker) : BasicClient(broker, AmqpPeer::Options{}) {}
    BasicClient(BasicBroker<AnExecutor>& broker, const AmqpPeer::Options& options) : wire(broker), peer(options) {}

    /// Moves bytes both ways until nothing moves any more.
    void pump() {
        for (bool moved = true; moved;) {
            moved = false;
            auto bytes = peer.take_output();
            to_broker.insert(to_broker.end(), bytes.begin(), bytes.end());
            const std::size_t before = to_broker.size();
            to_broker = wire.give(std::move(to_broker), step);
            moved |= to_broker.size() != before;
            moved |= wire.settle();
            const auto answer = wire.take();
            peer.input(answer);
            moved |= !answer.empty();
        }
    }

    pn_link_t* sender(const char* address) {
        pn_link_t* const link = peer.open(peer.sender(address));
        pump();
        return link;
    }
    pn_link_t* receiver(const char* address, int credit) {
        pn_link_t* const link = peer.open(peer.receiver(address));
        if (credit > 0) pn_link_flow(link, credit);
        pump();
        return link;
    }
    pn_delivery_t* send(pn_link_t* link, std::string_view bytes) {
        pn_delivery_t* const delivery = peer.send(link, bytes);
        pump();
        return delivery;
    }
    void settle(const AmqpPeer::Received& received, std::uint64_t state) {
        if (state != 0) pn_delivery_update(received.delivery, state);
        pn_delivery_settle(received.delivery);
        pump();
    }
    std::string texts() {
        std::string all;
        for (const auto& received : peer.received) all += (all.empty() ? "" : " ") + text_of(received.bytes);
        return all;
    }
    core::QueueView queue(std::string_view name) {
        const auto found = wire.broker.core->find_destination(name);
        CPPUNIT_ASSERT(found.has_value());
        return wire.broker.core->view_queue(*found).value();
    }

    BasicWire<AnExecutor> wire;
    AmqpPeer peer;
    std::size_t step = SIZE_MAX;
    std::vector<std::uint8_t> to_broker;
};
using Client = BasicClient<ManualExecutor>;

}  // namespace giromq::test
