#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"
#include "unit/store/messages.hpp"

namespace giromq::store::test {

/// What recover() reported.
struct Recovered final : RecoveryVisitor {
    void counters(Position position, MessageNumber message, DestinationId destination) override {
        next_position = position;
        next_message = message;
        next_destination = destination;
    }
    void destination(StoredDestination stored) override { destinations.push_back(std::move(stored)); }
    void producer(PutProducer row) override { producers.push_back(std::move(row)); }
    void duplicate_id(PutDuplicateId row) override { duplicate_ids.push_back(std::move(row)); }
    void user(User row) override { users.push_back(std::move(row)); }
    void selector(NamedSelector row) override { selectors.push_back(std::move(row)); }
    void permission(Permission row) override { permissions.push_back(std::move(row)); }
    void branch(StoredBranch row) override { branches.push_back(std::move(row)); }
    void prepared_put(PreparePut row) override { puts.push_back(std::move(row)); }
    void prepared_get(PrepareGet row) override { gets.push_back(row); }
    void tombstone(PutTombstone row) override { tombstones.push_back(std::move(row)); }

    Position next_position;
    MessageNumber next_message;
    DestinationId next_destination;
    std::vector<StoredDestination> destinations;
    std::vector<PutProducer> producers;
    std::vector<PutDuplicateId> duplicate_ids;
    std::vector<User> users;
    std::vector<NamedSelector> selectors;
    std::vector<Permission> permissions;
    std::vector<StoredBranch> branches;
    std::vector<PreparePut> puts;
    std::vector<PrepareGet> gets;
    std::vector<PutTombstone> tombstones;
};

/// An entry without the fields that few tests need.
inline PutEntry put_entry(EntryKey key, MessageNumber number, std::uint64_t message_bytes, bool is_volatile = false) {
    PutEntry put;
    put.key = key;
    put.number = number;
    put.message_bytes = message_bytes;
    put.is_volatile = is_volatile;
    return put;
}

/// Drives a store as the commit queue does: numbers the batches and keeps the counters.
class StoreDriver {
public:
    explicit StoreDriver(std::unique_ptr<Store> store) : store_(std::move(store)) { take_over(); }

    Store& store() { return *store_; }
    const Lease& lease() const { return lease_; }
    const Recovered& recovered() const { return recovered_; }

    BatchResult try_commit(std::vector<Operation> operations) {
        Batch batch;
        batch.operations = std::move(operations);
        batch.next_position = Position{next_position};
        batch.next_message = MessageNumber{next_message};
        batch.next_destination = DestinationId{next_destination};
        BatchResult result;
        bool answered = false;
        store_->commit(lease_, BatchNumber{last_batch_ + 1}, batch, [&](BatchResult answer) {
            CPPUNIT_ASSERT_MESSAGE("a batch was answered twice", !answered);
            answered = true;
            result = std::move(answer);
        });
        CPPUNIT_ASSERT(answered);
        if (result.outcome == CommitOutcome::durable) ++last_batch_;
        return result;
    }

    BatchResult commit(std::vector<Operation> operations) {
        auto result = try_commit(std::move(operations));
        CPPUNIT_ASSERT_MESSAGE(result.error.to_string(), result.outcome == CommitOutcome::durable);
        return result;
    }

    Page page(DestinationId destination, Position after = {}, PageLimits limits = {}) {
        auto page = store_->page(destination, after, limits);
        CPPUNIT_ASSERT_MESSAGE(page.ok() ? "" : page.error().to_string(), page.ok());
        return std::move(page).value();
    }

    /// Every entry of a destination, read in pages.
    std::vector<StoredEntry> entries(DestinationId destination, PageLimits limits = {}) {
        std::vector<StoredEntry> all;
        Position after;
        while (true) {
            auto part = page(destination, after, limits);
            for (auto& entry : part.entries) {
                after = entry.key.position;
                all.push_back(std::move(entry));
            }
            if (part.end) return all;
        }
    }

    void maintain_all() {
        for (int slice = 0; slice < 100000; ++slice) {
            const auto more = store_->maintain();
            CPPUNIT_ASSERT_MESSAGE(more.ok() ? "" : more.error().to_string(), more.ok());
            if (!*more) return;
        }
        CPPUNIT_FAIL("maintenance does not end");
    }

    /// Creates a queue and returns its id.
    DestinationId create(const std::string& name) {
        const DestinationId id{next_destination++};
        commit({PutDestination{id, settings_of(name), Timestamp{1'700'000'000'000}}});
        return id;
    }
    static DestinationSettings settings_of(const std::string& name) {
        DestinationSettings settings;
        settings.name = name;
        return settings;
    }

    /// The operations of a send.
    std::vector<Operation> send(DestinationId destination, const std::string& text, bool is_volatile = false) {
        auto message = std::make_shared<Message>(text_message(text));
        message->number = MessageNumber{next_message++};
        message->durable = !is_volatile;
        std::vector<Operation> operations;
        operations.emplace_back(PutMessage{message});
        const EntryKey key{.destination = destination, .position = Position{next_position++}};
        operations.emplace_back(put_entry(key, message->number, message->size(), is_volatile));
        return operations;
    }
    static RemoveEntry removal_of(const StoredEntry& entry, bool last_reference = true) {
        return RemoveEntry{.key = entry.key,
                           .number = entry.number,
                           .message_bytes = entry.message_bytes,
                           .is_volatile = entry.is_volatile,
                           .last_reference = last_reference};
    }

    // The operations of a transaction branch.
    static xa::Xid xid_of(std::uint64_t number) { return *xa::Xid::make(131077, "gtrid-" + std::to_string(number), std::string("\0b", 2)); }
    PrepareBranch prepare(std::uint64_t puts, std::uint64_t gets) {
        const BranchId branch{next_position++};
        return PrepareBranch{.branch = branch,
                             .xid = xid_of(branch.value),
                             .owner = "ledger",
                             .prepared_at = Timestamp{1'700'000'002'000},
                             .puts = puts,
                             .gets = gets,
                             .bytes = 100 * puts};
    }
    /// A message and its prepared put.
    std::vector<Operation> prepare_put(BranchId branch, std::uint32_t index, DestinationId destination, const std::string& text) {
        auto message = std::make_shared<Message>(text_message(text));
        message->number = MessageNumber{next_message++};
        PreparePut put;
        put.branch = branch;
        put.index = index;
        put.destination = destination;
        put.number = message->number;
        put.message_bytes = message->size();
        return {PutMessage{message}, put};
    }
    static PrepareGet prepare_get(BranchId branch, const StoredEntry& entry, GetOutcome outcome = GetOutcome::removed) {
        return PrepareGet{.branch = branch,
                          .key = entry.key,
                          .number = entry.number,
                          .message_bytes = entry.message_bytes,
                          .outcome = outcome,
                          .delivery_count = 0};
    }
    /// Completes a branch that has `puts` puts.
    CompleteBranch complete(BranchId branch, BranchOutcome outcome, std::uint64_t puts) {
        CompleteBranch operation;
        operation.branch = branch;
        operation.outcome = outcome;
        operation.tombstone = Position{next_position++};
        operation.time = Timestamp{1'700'000'003'000};
        if (outcome == BranchOutcome::committed) {
            operation.first_position = Position{next_position};
            next_position += puts;
        }
        return operation;
    }

    void release() {
        const auto released = store_->release(lease_);
        CPPUNIT_ASSERT_MESSAGE(released.ok() ? "" : released.error().to_string(), released.ok());
    }

    std::uint64_t next_position = 1;
    std::uint64_t next_message = 1;
    std::uint64_t next_destination = 1;

private:
    void take_over() {
        auto lease = store_->acquire();
        CPPUNIT_ASSERT_MESSAGE(lease.ok() ? "" : lease.error().to_string(), lease.ok());
        lease_ = *lease;
        last_batch_ = store_->last_batch().value().value;
        const auto read = store_->recover(recovered_);
        CPPUNIT_ASSERT_MESSAGE(read.ok() ? "" : read.error().to_string(), read.ok());
        next_position = recovered_.next_position.value;
        next_message = recovered_.next_message.value;
        next_destination = recovered_.next_destination.value;
    }

    std::unique_ptr<Store> store_;
    Lease lease_;
    Recovered recovered_;
    std::uint64_t last_batch_ = 0;
};

/// The texts of entries, for comparing; "(damaged)" where there is no message.
inline std::vector<std::string> texts_of(const std::vector<StoredEntry>& entries) {
    std::vector<std::string> texts;
    for (const auto& entry : entries) texts.push_back(entry.message == nullptr ? "(damaged)" : text_of(*entry.message));
    return texts;
}

using Texts = std::vector<std::string>;

inline std::vector<Operation>& operator+=(std::vector<Operation>& operations, std::vector<Operation> more) {
    std::move(more.begin(), more.end(), std::back_inserter(operations));
    return operations;
}

}  // namespace giromq::store::test

/// So that CppUnit can print what it compares.
template <>
struct CppUnit::assertion_traits<std::vector<std::string>> {
    static bool equal(const std::vector<std::string>& left, const std::vector<std::string>& right) { return left == right; }
    static std::string toString(const std::vector<std::string>& texts) {
        std::string all;
        for (const auto& text : texts) all += "[" + text + "]";
        return all;
    }
};
