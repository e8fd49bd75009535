#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "amqp/connection.hpp"
#include "amqp/frame_guard.hpp"
#include "base/log.hpp"
#include "core/core.hpp"
#include "store/memory/memory_store.hpp"
#include "support/fake_store.hpp"
#include "support/manual_clock.hpp"
#include "support/manual_executor.hpp"

/// Two targets over one input. The guard by itself must never look outside of what it was given. And what the guard lets through must
/// not be able to harm the engine: the same bytes go to a whole connection, as a conversation of their own if they begin like one, or
/// behind the greeting of an anonymous client, in pieces whose sizes the first byte of the input chooses.
namespace {

using namespace giromq;

constexpr std::uint8_t greeting[] = {
    'A', 'M', 'Q', 'P', 3, 1, 0, 0,                                                                                       // SASL
    0,   0,   0,   25,  2, 1, 0, 0, 0x00, 0x53, 0x41, 0xc0, 12, 1, 0xa3, 9, 'A', 'N', 'O', 'N', 'Y', 'M', 'O', 'U', 'S',  // init
};
constexpr std::uint8_t opening[] = {
    'A', 'M', 'Q', 'P', 0, 1, 0, 0,                                              // AMQP
    0,   0,   0,   17,  2, 0, 0, 0, 0x00, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 'f',  // open
};

struct Host final : amqp::ConnectionHost {
    void wake() override {}
};

struct World {
    World() {
        log::set_level(log::Level::error);
        static_cast<void>(store.recover(core.recovery()));
        core.start({}, [](const Result<void>&) {});
        doors.run();
    }
    static core::CoreSettings settings() {
        core::CoreSettings settings;
        settings.create_queues = true;
        return settings;
    }
    void settle() {
        for (int rounds = 0; rounds < 1000 && (!core_executor.empty() || !executor.empty() || !doors.idle()); ++rounds) {
            core_executor.run_all();
            executor.run_all();
            doors.run();
        }
    }

    test::ManualClock clock;
    store::MemoryStore store{store::make_memory_disk()};
    test::FakeStore doors{store, store.acquire().value()};
    core::Core core{clock, doors, doors, settings()};
    test::ManualExecutor core_executor;
    test::ManualExecutor executor;
    security::UserDirectory users;
    amqp::ContainerRegistry containers;
    amqp::UserConnections user_connections;
    selector::ProgramCache selectors;
    Host host;
};

void give(World& world, amqp::Connection& connection, const std::uint8_t* data, std::size_t size, std::size_t step) {
    while (size > 0) {
        const auto room = connection.input_buffer();
        if (room.empty()) return;
        const std::size_t count = std::min({room.size(), size, step});
        std::copy_n(data, count, room.begin());
        connection.input_done(count);
        data += count;
        size -= count;
        world.settle();
        for (auto output = connection.output(); !output.empty(); output = connection.output()) connection.output_done(output.size());
    }
}

void run_guard(const std::uint8_t* data, std::size_t size) {
    amqp::FrameGuard guard({});
    std::vector<std::uint8_t> input(data, data + size);  // of its own, so that a sanitizer sees every byte beyond
    std::size_t at = 0;
    bool first = true;
    while (at < input.size()) {
        const auto step = guard.next(std::span(input).subspan(at));
        if (step.verdict != amqp::FrameGuard::Verdict::pass && step.verdict != amqp::FrameGuard::Verdict::discard) return;
        at += step.bytes;
        if (!first && !guard.is_authenticated()) guard.authenticated();
        first = false;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    run_guard(data, size);
    const bool is_conversation = data[0] == 'A';  // from its first protocol header on
    World world;
    amqp::ConnectionSettings settings;
    settings.anonymous_is_administrator = true;  // everything is reached
    settings.mechanisms = {amqp::Mechanism::anonymous, amqp::Mechanism::plain, amqp::Mechanism::scram_sha_256};
    amqp::Peer peer;
    peer.is_loopback = true;
    const amqp::Services services{world.core,       world.core_executor, world.users,           world.clock,
                                  world.containers, world.selectors,     world.user_connections};
    const auto connection = amqp::Connection::create(ConnectionId{1}, services, settings, peer, world.executor, world.executor, world.host);
    if (is_conversation) {
        give(world, *connection, data, size, SIZE_MAX);
    } else {
        give(world, *connection, greeting, sizeof greeting, SIZE_MAX);
        give(world, *connection, opening, sizeof opening, SIZE_MAX);
        give(world, *connection, data + 1, size - 1, std::size_t{data[0]} * 16 + 1);
    }
    connection->abort();
    world.settle();
    return 0;
}
