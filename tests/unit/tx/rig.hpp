#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/memory/memory_store.hpp"
#include "support/fake_store.hpp"
#include "support/manual_clock.hpp"
#include "tx/branches.hpp"
#include "unit/store/store_driver.hpp"

/// Branches over a store in memory, with as much of a core as they need: it knows which texts a branch puts, and which entry it has got.
namespace giromq::tx::test {

inline xa::Xid xid_of(unsigned number) { return *xa::Xid::make(131077, "gtrid-" + std::to_string(number), "b"); }
inline unsigned number_of(const xa::Xid& xid) { return static_cast<unsigned>(std::stoul(std::string(xid.gtrid().substr(6)))); }

/// Everything that a process loses when it dies.
class Rig final : public BranchWork, public xa::Effects {
public:
    struct Work {
        std::vector<std::string> puts;
        std::vector<store::StoredEntry> gets;
    };

    explicit Rig(std::shared_ptr<store::MemoryDisk> disk, Branches::Settings settings = {}) : engine_(std::move(disk)) {
        const auto lease = engine_.acquire().value();
        store = std::make_unique<giromq::test::FakeStore>(engine_, lease);
        branches = std::make_unique<Branches>(settings, clock, *this, *this);
        CPPUNIT_ASSERT(engine_.recover(recovered).ok());
        next_position = recovered.next_position.value;
        next_message = recovered.next_message.value;
        for (const auto& branch : recovered.branches) {
            CPPUNIT_ASSERT(branches->journal().restore(branch));
            if (!branch.heuristic) works[branch.xid].puts.resize(branch.puts);
        }
        for (const auto& tombstone : recovered.tombstones) branches->journal().restore(tombstone);
        if (recovered.destinations.empty()) {
            UnitOfWork work;
            work.stage(store::PutDestination{queue, store::test::StoreDriver::settings_of("payments"), Timestamp{1}});
            commit(std::move(work));
            store->run();
        }
    }

    // What a client does.
    void begin(unsigned xid, Work work) {
        xa::Registry& registry = branches->registry();
        CPPUNIT_ASSERT(registry.start({1}, xid_of(xid), xa::tm::no_flags, {.owner = "ledger"}) == xa::ReturnCode::ok);
        const xa::Work counted{.puts = work.puts.size(), .gets = work.gets.size(), .bytes = 100 * work.puts.size()};
        CPPUNIT_ASSERT(registry.add_work({1}, xid_of(xid), counted) == xa::ReturnCode::ok);
        CPPUNIT_ASSERT(registry.end({1}, xid_of(xid), xa::tm::success) == xa::ReturnCode::ok);
        works.insert_or_assign(xid_of(xid), std::move(work));
    }
    void prepare(unsigned xid) { branches->registry().prepare({2}, {xid}, xid_of(xid), xa::tm::no_flags); }
    void commit(unsigned xid, xa::Flags flags = xa::tm::no_flags) { branches->registry().commit({2}, {xid}, xid_of(xid), flags); }
    void rollback(unsigned xid) { branches->registry().rollback({2}, {xid}, xid_of(xid), xa::tm::no_flags); }
    void forget(unsigned xid, xa::Decision decision = {}) {
        branches->registry().forget({2}, {xid}, xid_of(xid), xa::tm::no_flags, std::move(decision));
    }
    void resolve(unsigned xid, xa::Outcome outcome) { branches->registry().resolve({xid}, xid_of(xid), outcome, {"alice", "it is lost"}); }
    void prepared(unsigned xid, Work work) {
        begin(xid, std::move(work));
        prepare(xid);
        store->run();
        CPPUNIT_ASSERT_EQUAL(std::string("settled prepared +, answer 0"), take());
    }

    /// What has happened since it was last asked.
    std::string take() {
        std::string all;
        for (const auto& event : std::exchange(events, {})) all += (all.empty() ? "" : ", ") + event;
        return all;
    }

    std::vector<std::string> texts() {
        const auto page = engine_.page(queue, {}, {.entries = 1000, .bytes = 1u << 20}).value();
        std::vector<std::string> texts;
        for (const auto& entry : page.entries) {
            texts.push_back(store::test::text_of(*entry.message) + (entry.locked_by.is_set() ? " (locked)" : ""));
        }
        return texts;
    }
    store::StoredEntry entry(std::size_t index) { return engine_.page(queue, {}, {}).value().entries.at(index); }

    void send(const std::string& text) {
        UnitOfWork work;
        stage_put(text, work, [&](const Message& message) {
            return store::Operation(
                store::test::put_entry({.destination = queue, .position = take_positions(1)}, message.number, message.size()));
        });
        commit(std::move(work));
        store->run();
    }

    // BranchWork

    Position take_positions(std::uint64_t count) override { return Position{std::exchange(next_position, next_position + count)}; }
    void commit(UnitOfWork work) override {
        auto kept = std::make_shared<UnitOfWork>(std::move(work));
        giromq::store::Unit unit;
        unit.operations = kept->take_operations();
        unit.grows = kept->grows();
        unit.bytes = kept->bytes();
        unit.next_position = Position{next_position};
        unit.next_message = MessageNumber{next_message};
        unit.next_destination = DestinationId{2};
        unit.done = [kept](const giromq::store::UnitResult& result) { kept->settle(result); };
        last_operations = unit.operations;
        store->submit(std::move(unit));
    }
    void stage_prepare(const xa::Xid& xid, BranchId branch, UnitOfWork& work) override {
        std::uint32_t index = 0;
        for (const auto& text : works.at(xid).puts) {
            stage_put(text, work, [&](const Message& message) {
                giromq::store::PreparePut put;
                put.branch = branch;
                put.index = index++;
                put.destination = queue;
                put.number = message.number;
                put.message_bytes = message.size();
                return giromq::store::Operation(put);
            });
        }
        for (const auto& get : works.at(xid).gets) work.stage(giromq::store::test::StoreDriver::prepare_get(branch, get));
    }
    void stage_one_phase(const xa::Xid& xid, UnitOfWork& work) override {
        for (const auto& text : works.at(xid).puts) {
            stage_put(text, work, [&](const Message& message) {
                const giromq::store::EntryKey key{.destination = queue, .position = take_positions(1)};
                return giromq::store::Operation(giromq::store::test::put_entry(key, message.number, message.size()));
            });
        }
        for (const auto& get : works.at(xid).gets) work.stage(giromq::store::test::StoreDriver::removal_of(get));
    }
    std::uint64_t stored_puts(const xa::Xid& xid) const override { return works.at(xid).puts.size(); }
    void stage_completion(const xa::Xid&, xa::Outcome, Position first, UnitOfWork&) override { first_position = first; }
    void settled(const xa::Record& record, xa::Durability durability) override {
        events.push_back("settled " + std::string(xa::name_of(record.kind)) + (durability == xa::Durability::durable ? " +" : " -"));
    }

    // xa::Effects

    void answer(xa::CallId, xa::ReturnCode code) override { events.push_back("answer " + std::to_string(static_cast<int>(code))); }
    void discard(const xa::Xid& xid) override { events.push_back("discard " + std::to_string(number_of(xid))); }

    giromq::test::ManualClock clock;
    giromq::store::test::Recovered recovered;
    std::unique_ptr<giromq::test::FakeStore> store;
    std::unique_ptr<Branches> branches;
    std::map<xa::Xid, Work> works;
    std::vector<std::string> events;
    std::vector<giromq::store::Operation> last_operations;
    Position first_position;
    std::uint64_t next_position = 1;
    std::uint64_t next_message = 1;
    const DestinationId queue{1};

private:
    template <typename Place>
    void stage_put(const std::string& text, UnitOfWork& work, Place place) {
        auto message = std::make_shared<Message>(giromq::store::test::text_message(text));
        message->number = MessageNumber{next_message++};
        work.stage(giromq::store::PutMessage{message});
        work.stage(place(*message));
        work.grow(message->size());
    }

    giromq::store::MemoryStore engine_;
};

}  // namespace giromq::tx::test
