#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <utility>

#include "store/memory/memory_store.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/manual_clock.hpp"
#include "unit/store/temporary_folder.hpp"

namespace giromq::store::test {

/// The engines that the conformance suite runs over: each keeps what outlives a restart, and opens a store over it.
struct MemoryEngine {
    std::unique_ptr<Store> open() {
        auto store = std::make_unique<MemoryStore>(disk);
        memory = store.get();
        return store;
    }
    void damage(MessageNumber number) { memory->damage(number); }

    std::shared_ptr<MemoryDisk> disk = make_memory_disk();
    MemoryStore* memory = nullptr;
    giromq::test::ManualClock clock;
};

struct SqliteEngine {
    SqliteEngine() {
        settings.directory = folder.path() + "/data";
        settings.wal_bytes = 1u << 20;
        settings.checkpoint_bytes = 256u << 10;
        settings.reserve_bytes = 64u << 10;
    }
    std::unique_ptr<Store> open() {
        auto store = open_sqlite_store(settings, clock);
        CPPUNIT_ASSERT_MESSAGE(store.ok() ? "" : store.error().to_string(), store.ok());
        return std::move(store).value();
    }
    /// Turns a byte of the stored message over, behind the engine's back.
    void damage(MessageNumber number);

    TemporaryFolder folder;
    giromq::test::ManualClock clock;
    SqliteSettings settings;
};

}  // namespace giromq::store::test
