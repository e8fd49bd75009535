#include "store/memory/memory_store.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/check.hpp"
#include "base/crc32c.hpp"
#include "security/audit_chain.hpp"
#include "store/sequence_window.hpp"

// The whole engine is in this file: the tables (MemoryDisk), the batch (Applier) and the store.
namespace giromq::store {
namespace {

struct StoredMessage {
    MessagePtr message;
    std::uint32_t checksum = 0;
};

struct Row {
    MessageNumber number;
    std::uint64_t message_bytes = 0;
    std::uint32_t delivery_count = 0;
    Timestamp due_at;
    bool is_volatile = false;
    DeadLetterPtr dead_letter;
    BranchId lock;
};

using PlaceInQueue = std::pair<std::uint8_t, Position>;  // 9 - priority first, then position

PlaceInQueue place_of(const EntryKey& key) { return {static_cast<std::uint8_t>(9 - key.priority), key.position}; }

struct DestinationRow {
    DestinationSettings settings;
    Timestamp created_at;
    bool closing = false;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t prepared_messages = 0;
    std::uint64_t prepared_bytes = 0;
    Position horizon;
    Position crash_horizon;
};

struct DuplicateIdRow {
    DestinationId destination;
    Position position;
    std::string id;
    Timestamp time;
};

}  // namespace

/// The tables, as schemas/store.md describes them.
struct MemoryTables {
    Epoch epoch;
    BatchNumber batch;
    Position next_position{1};
    MessageNumber next_message{1};
    DestinationId next_destination{1};
    bool clean = true;

    std::map<DestinationId, DestinationRow> destinations;
    std::map<DestinationId, std::map<PlaceInQueue, Row>> entries;
    std::unordered_map<MessageNumber, StoredMessage> messages;
    std::map<std::pair<MessageNumber, std::uint32_t>, SharedBytes> chunks;
    std::set<MessageNumber> quarantine;  // their chunks stay, as evidence
    std::map<std::string, PutProducer> producers;
    std::vector<DuplicateIdRow> duplicate_ids;
    std::map<std::string, User> users;
    std::map<std::string, NamedSelector> selectors;
    std::map<std::uint64_t, Permission> permissions;
    std::map<BranchId, StoredBranch> branches;
    std::map<BranchId, std::map<std::uint32_t, PreparePut>> prepared_puts;
    std::map<BranchId, std::vector<PrepareGet>> prepared_gets;
    std::map<Position, PutTombstone> tombstones;
    std::vector<AuditRecord> audit;

    void remove_message(MessageNumber number) {
        messages.erase(number);
        chunks.erase(chunks.lower_bound({number, 0}), chunks.lower_bound({MessageNumber{number.value + 1}, 0}));
    }
    void count(DestinationId id, std::int64_t messages_more, std::int64_t bytes_more) {
        const auto found = destinations.find(id);
        GIROMQ_CHECK(found != destinations.end(), "a persistent entry names a destination that is not in the store");
        found->second.messages = static_cast<std::uint64_t>(static_cast<std::int64_t>(found->second.messages) + messages_more);
        found->second.bytes = static_cast<std::uint64_t>(static_cast<std::int64_t>(found->second.bytes) + bytes_more);
    }
    void count_prepared(DestinationId id, std::int64_t messages_more, std::int64_t bytes_more) {
        const auto found = destinations.find(id);
        GIROMQ_CHECK(found != destinations.end(), "a prepared put names a destination that is not in the store");
        auto& row = found->second;
        row.prepared_messages = static_cast<std::uint64_t>(static_cast<std::int64_t>(row.prepared_messages) + messages_more);
        row.prepared_bytes = static_cast<std::uint64_t>(static_cast<std::int64_t>(row.prepared_bytes) + bytes_more);
    }
};

class MemoryDisk : public MemoryTables {
public:
    MemoryDisk() = default;
    explicit MemoryDisk(const MemoryTables& tables) : MemoryTables(tables) {}
    mutable std::mutex mutex;
};

std::shared_ptr<MemoryDisk> make_memory_disk() { return std::make_shared<MemoryDisk>(); }

std::shared_ptr<MemoryDisk> copy_memory_disk(const MemoryDisk& disk) {
    const std::lock_guard lock(disk.mutex);
    return std::make_shared<MemoryDisk>(static_cast<const MemoryTables&>(disk));
}

struct MemoryStore::State {
    MemoryFault fault = MemoryFault::none;
    bool failed = false;
};

namespace {

/// Applies the operations of a batch, one method each, exactly as the SQLite engine does.
class Applier {
public:
    Applier(MemoryDisk& disk, BatchResult& result) : disk_(disk), result_(result) {}

    void operator()(const PutMessage& operation) {
        const auto& message = operation.message;
        GIROMQ_CHECK(chunks_of(message->number) == message->chunk_count, "a message was put before all of its chunks");
        const bool added = disk_.messages.emplace(message->number, StoredMessage{message, message->checksum()}).second;
        GIROMQ_CHECK(added, "a message number was given twice");
    }
    void operator()(const PutChunk& operation) {
        const bool added = disk_.chunks.emplace(std::pair{operation.number, operation.index}, operation.bytes).second;
        GIROMQ_CHECK(added, "a chunk was put twice");
    }
    void operator()(const DropChunks& operation) {
        GIROMQ_CHECK(!disk_.messages.contains(operation.number), "the chunks of a message were given up that is still there");
        disk_.remove_message(operation.number);
    }
    void operator()(const PutEntry& operation) {
        GIROMQ_CHECK(operation.key.priority == default_priority, "only the default priority is in use");
        GIROMQ_CHECK(disk_.messages.contains(operation.number), "an entry was put before its message");
        const Row row{operation.number, operation.message_bytes, operation.delivery_count,
                      operation.due_at, operation.is_volatile,   operation.dead_letter,
                      BranchId{}};
        const bool added = disk_.entries[operation.key.destination].emplace(place_of(operation.key), row).second;
        GIROMQ_CHECK(added, "a position was given twice");
        if (!operation.is_volatile) disk_.count(operation.key.destination, 1, static_cast<std::int64_t>(operation.message_bytes));
    }
    void operator()(const RemoveEntry& operation) {
        take(operation.key, operation.number, operation.is_volatile);
        if (!operation.last_reference) return;
        GIROMQ_CHECK(disk_.messages.contains(operation.number), "the last entry of a message left, and its row was not there");
        disk_.remove_message(operation.number);
    }
    void operator()(const SetDeliveryCount& operation) {
        auto& rows = disk_.entries[operation.key.destination];
        const auto found = rows.find(place_of(operation.key));
        GIROMQ_CHECK(found != rows.end(), "a delivery count was set for an entry that is not there");
        found->second.delivery_count = operation.delivery_count;
    }
    void operator()(const SetHorizon& operation) {
        auto& row = destination(operation.destination);
        row.horizon = std::max(row.horizon, operation.horizon);
        if (operation.stays) row.crash_horizon = std::max(row.crash_horizon, operation.horizon);
    }
    void operator()(const QuarantineEntry& operation) {
        leave_branch(operation.key);
        take(operation.key, operation.number, operation.is_volatile);
        disk_.quarantine.insert(operation.number);
        disk_.messages.erase(operation.number);
    }
    void operator()(const PutDestination& operation) {
        auto& row = disk_.destinations[operation.id];
        row.settings = operation.settings;
        row.created_at = operation.created_at;
    }
    void operator()(const CloseDestination& operation) { destination(operation.id).closing = true; }
    void operator()(const RemoveDestination& operation) {
        const auto& going = destination(operation.id);
        GIROMQ_CHECK(going.closing && disk_.entries[operation.id].empty() && going.prepared_messages == 0,
                     "a destination was removed that is open, or not empty");
        disk_.destinations.erase(operation.id);
        disk_.entries.erase(operation.id);
        std::erase_if(disk_.duplicate_ids, [&](const DuplicateIdRow& row) { return row.destination == operation.id; });
    }
    void operator()(const PurgeEntries& operation) {
        PurgeCount count;
        auto& rows = disk_.entries[operation.destination];
        for (auto row = rows.begin(); row != rows.end() && count.entries < operation.limit;) {
            const auto position = row->first.second;
            const bool is_kept = std::binary_search(operation.kept.begin(), operation.kept.end(), position);
            if (position > operation.through || is_kept || row->second.lock.is_set()) {
                ++row;
                continue;
            }
            ++count.entries;
            count.bytes += row->second.message_bytes;
            if (!row->second.is_volatile) disk_.count(operation.destination, -1, -static_cast<std::int64_t>(row->second.message_bytes));
            disk_.remove_message(row->second.number);
            row = rows.erase(row);
        }
        result_.purged.push_back(count);
    }
    void operator()(const PutProducer& operation) { disk_.producers[operation.producer] = operation; }
    void operator()(const RemoveProducer& operation) { disk_.producers.erase(operation.producer); }
    void operator()(const TakeSequence& operation) {
        PutProducer& row = disk_.producers[operation.producer];
        row.producer = operation.producer;
        row.last_used = operation.time;
        take_sequence(row, operation.sequence);
    }
    void operator()(const PutDuplicateId& operation) {
        // A temporary destination ends with its connection, and its ids with it: there is nothing to remember.
        if (!disk_.destinations.contains(operation.destination)) return;
        disk_.duplicate_ids.push_back({operation.destination, operation.position, operation.id, operation.time});
    }
    void operator()(const ForgetDuplicateIds& operation) {
        std::erase_if(disk_.duplicate_ids, [&](const DuplicateIdRow& row) {
            return row.destination == operation.destination && row.position < operation.before;
        });
    }
    void operator()(const PutUser& operation) { disk_.users[operation.user.name] = operation.user; }
    void operator()(const RemoveUser& operation) {
        disk_.users.erase(operation.name);
        std::erase_if(disk_.permissions, [&](const auto& row) {
            return row.second.grantee_kind == GranteeKind::user && row.second.grantee == operation.name;
        });
    }
    void operator()(const PutPermission& operation) { disk_.permissions[operation.permission.id] = operation.permission; }
    void operator()(const RemovePermission& operation) { disk_.permissions.erase(operation.id); }
    void operator()(const PutSelector& operation) { disk_.selectors[operation.selector.name] = operation.selector; }
    void operator()(const RemoveSelector& operation) { disk_.selectors.erase(operation.name); }
    void operator()(const PrepareBranch& operation) {
        StoredBranch branch{.branch = operation.branch,
                            .xid = operation.xid,
                            .owner = operation.owner,
                            .prepared_at = operation.prepared_at,
                            .puts = operation.puts,
                            .gets = operation.gets,
                            .bytes = operation.bytes,
                            .heuristic = std::nullopt,
                            .decided_at = {},
                            .decision = {}};
        const bool added = disk_.branches.emplace(operation.branch, std::move(branch)).second;
        GIROMQ_CHECK(added, "a branch number was given twice");
    }
    void operator()(const PreparePut& operation) {
        prepared(operation.branch);
        GIROMQ_CHECK(disk_.messages.contains(operation.number), "a put was prepared before its message");
        const bool added = disk_.prepared_puts[operation.branch].emplace(operation.index, operation).second;
        GIROMQ_CHECK(added, "two puts of a branch have one index");
        disk_.count_prepared(operation.destination, 1, static_cast<std::int64_t>(operation.message_bytes));
    }
    void operator()(const PrepareGet& operation) {
        prepared(operation.branch);
        Row& row = entry(operation.key, operation.number);
        GIROMQ_CHECK(!row.lock.is_set() && !row.is_volatile, "an entry was locked that is locked, or volatile");
        row.lock = operation.branch;
        disk_.prepared_gets[operation.branch].push_back(operation);
    }
    void operator()(const CompleteBranch& operation) {
        StoredBranch& row = prepared(operation.branch);
        const bool commits = operation.outcome == BranchOutcome::committed;
        // The gets first: a put may take over the message of one.
        for (const auto& get : disk_.prepared_gets[operation.branch]) complete(get, commits);
        for (const auto& [index, put] : disk_.prepared_puts[operation.branch]) complete(put, commits, operation);
        disk_.prepared_gets.erase(operation.branch);
        disk_.prepared_puts.erase(operation.branch);
        if (operation.decision) {
            row.heuristic = operation.outcome;
            row.decided_at = operation.time;
            row.decision = *operation.decision;
            return;
        }
        (*this)(PutTombstone{operation.tombstone, row.xid, operation.outcome, operation.time});
        disk_.branches.erase(operation.branch);
    }
    void operator()(const ForgetBranch& operation) {
        const auto found = disk_.branches.find(operation.branch);
        GIROMQ_CHECK(found != disk_.branches.end() && found->second.heuristic, "a branch was forgotten that is not completed");
        disk_.branches.erase(found);
    }
    void operator()(const PutTombstone& operation) {
        const bool added = disk_.tombstones.emplace(operation.position, operation).second;
        GIROMQ_CHECK(added, "two tombstones have one position");
    }
    void operator()(const ForgetTombstones& operation) {
        disk_.tombstones.erase(disk_.tombstones.begin(), disk_.tombstones.lower_bound(operation.before));
    }
    void operator()(const PutAudit& operation) {
        const auto previous = disk_.audit.empty() ? AuditHash{} : disk_.audit.back().hash;
        const auto number = disk_.audit.size() + 1;
        const auto hash = security::audit_hash(previous, number, operation);
        GIROMQ_CHECK(hash.ok(), "there is no SHA-256");
        disk_.audit.push_back({number, operation, *hash});
    }

private:
    StoredBranch& prepared(BranchId id) {
        const auto found = disk_.branches.find(id);
        GIROMQ_CHECK(found != disk_.branches.end() && !found->second.heuristic, "an operation names a branch that is not prepared");
        return found->second;
    }
    Row& entry(const EntryKey& key, MessageNumber number) {
        auto& rows = disk_.entries[key.destination];
        const auto found = rows.find(place_of(key));
        GIROMQ_CHECK(found != rows.end() && found->second.number == number, "a branch has got an entry that is not there");
        return found->second;
    }
    void complete(const PrepareGet& get, bool commits) {
        Row& row = entry(get.key, get.number);
        GIROMQ_CHECK(row.lock == get.branch, "a branch has got an entry that it has not locked");
        row.lock = BranchId{};
        if (!commits) {
            ++row.delivery_count;
        } else if (get.outcome == GetOutcome::returned) {
            row.delivery_count = get.delivery_count;
        } else {
            (*this)(RemoveEntry{.key = get.key,
                                .number = get.number,
                                .message_bytes = get.message_bytes,
                                .is_volatile = false,
                                .last_reference = get.outcome == GetOutcome::removed});
        }
    }
    void complete(const PreparePut& put, bool commits, const CompleteBranch& operation) {
        disk_.count_prepared(put.destination, -1, -static_cast<std::int64_t>(put.message_bytes));
        if (!commits) {
            if (!put.is_moved) disk_.remove_message(put.number);
            return;
        }
        const Position position{operation.first_position.value + put.index};
        (*this)(PutEntry{.key = {.destination = put.destination, .position = position, .priority = put.priority},
                         .number = put.number,
                         .message_bytes = put.message_bytes,
                         .delivery_count = 0,
                         .due_at = put.due_at,
                         .is_volatile = false,
                         .dead_letter = put.dead_letter});
        if (!put.duplicate_id.empty()) (*this)(PutDuplicateId{put.destination, position, put.duplicate_id, operation.time});
    }
    /// The entry is damaged: a branch that has got it loses it, and the put that was to take its message over.
    void leave_branch(const EntryKey& key) {
        auto& rows = disk_.entries[key.destination];
        const auto found = rows.find(place_of(key));
        if (found == rows.end() || !found->second.lock.is_set()) return;
        const auto branch = std::exchange(found->second.lock, BranchId{});
        std::erase_if(disk_.prepared_gets[branch], [&](const PrepareGet& get) { return get.key == key; });
        std::erase_if(disk_.prepared_puts[branch], [&](const auto& put) {
            const bool goes = put.second.is_moved && put.second.number == found->second.number;
            if (goes) disk_.count_prepared(put.second.destination, -1, -static_cast<std::int64_t>(put.second.message_bytes));
            return goes;
        });
    }
    DestinationRow& destination(DestinationId id) {
        const auto found = disk_.destinations.find(id);
        GIROMQ_CHECK(found != disk_.destinations.end(), "an operation names a destination that is not in the store");
        return found->second;
    }
    std::uint64_t chunks_of(MessageNumber number) const {
        const auto first = disk_.chunks.lower_bound({number, 0});
        return static_cast<std::uint64_t>(std::distance(first, disk_.chunks.lower_bound({MessageNumber{number.value + 1}, 0})));
    }
    /// Takes the entry out. A unit that was refused is tried again, but never one that was applied: so it must be there.
    void take(const EntryKey& key, MessageNumber number, bool is_volatile) {
        auto& rows = disk_.entries[key.destination];
        const auto found = rows.find(place_of(key));
        GIROMQ_CHECK(found != rows.end() && found->second.number == number && found->second.is_volatile == is_volatile &&
                         !found->second.lock.is_set(),
                     "an entry was taken out that is not there");
        if (!is_volatile) disk_.count(key.destination, -1, -static_cast<std::int64_t>(found->second.message_bytes));
        rows.erase(found);
    }

    MemoryDisk& disk_;
    BatchResult& result_;
};

}  // namespace

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)), state_(std::make_unique<State>()) {}
MemoryStore::~MemoryStore() = default;

Result<Lease> MemoryStore::acquire() {
    const std::lock_guard lock(disk_->mutex);
    ++disk_->epoch.value;
    for (auto& [id, destination] : disk_->destinations) {
        // The horizon goes ahead of what there is: positions that were never given were never delivered.
        const auto delivered = std::min(destination.horizon, disk_->next_position);
        if (!disk_->clean) destination.crash_horizon = std::max(destination.crash_horizon, delivered);
        destination.horizon = Position{};
    }
    disk_->clean = false;
    // What was volatile belongs to an earlier run.
    for (auto& [id, rows] : disk_->entries) {
        for (auto row = rows.begin(); row != rows.end();) {
            if (row->second.is_volatile) {
                disk_->remove_message(row->second.number);
                row = rows.erase(row);
            } else {
                ++row;
            }
        }
    }
    // Chunks whose message never came are orphans.
    for (auto chunk = disk_->chunks.begin(); chunk != disk_->chunks.end();) {
        const auto number = chunk->first.first;
        const bool is_kept = disk_->messages.contains(number) || disk_->quarantine.contains(number);
        chunk = is_kept ? std::next(chunk) : disk_->chunks.erase(chunk);
    }
    return Lease{disk_->epoch};
}

void MemoryStore::commit(const Lease& lease, BatchNumber number, const Batch& batch, UniqueFunction<void(BatchResult)> done) {
    BatchResult result;
    {
        const std::lock_guard lock(disk_->mutex);
        const auto grows = std::any_of(batch.operations.begin(), batch.operations.end(), [](const Operation& operation) {
            return std::holds_alternative<PutMessage>(operation) || std::holds_alternative<PutChunk>(operation);
        });
        const auto fault = state_->fault;
        if (fault != MemoryFault::disk_full) state_->fault = MemoryFault::none;
        if (state_->failed) {
            result.outcome = CommitOutcome::in_doubt;
            result.error = Error(errc::in_doubt, "an earlier commit has failed");
        } else if (lease.epoch != disk_->epoch) {
            result.outcome = CommitOutcome::not_applied;
            result.error = Error(errc::lost_lease);
        } else if (grows && (fault == MemoryFault::disk_full || fault == MemoryFault::disk_full_once)) {
            result.outcome = CommitOutcome::not_applied;
            result.error = Error(errc::disk_full);
        } else {
            GIROMQ_CHECK(number.value == disk_->batch.value + 1, "batches are numbered without gaps");
            if (fault != MemoryFault::in_doubt_not_applied) {
                Applier applier(*disk_, result);
                for (const auto& operation : batch.operations) std::visit(applier, operation);
                disk_->batch = number;
                disk_->next_position = std::max(disk_->next_position, batch.next_position);
                disk_->next_message = std::max(disk_->next_message, batch.next_message);
                disk_->next_destination = std::max(disk_->next_destination, batch.next_destination);
            }
            if (fault == MemoryFault::in_doubt_not_applied || fault == MemoryFault::in_doubt_applied) {
                state_->failed = true;
                result.outcome = CommitOutcome::in_doubt;
                result.error = Error(errc::in_doubt, "injected");
            }
        }
    }
    done(std::move(result));
}

Result<std::string> MemoryStore::instance() { return std::string("00000000-0000-4000-8000-000000000000"); }

Result<BatchNumber> MemoryStore::last_batch() {
    const std::lock_guard lock(disk_->mutex);
    return disk_->batch;
}

Result<void> MemoryStore::recover(RecoveryVisitor& visitor) {
    const std::lock_guard lock(disk_->mutex);
    visitor.counters(disk_->next_position, disk_->next_message, disk_->next_destination);
    for (const auto& [id, row] : disk_->destinations) {
        visitor.destination(StoredDestination{.id = id,
                                              .settings = row.settings,
                                              .created_at = row.created_at,
                                              .closing = row.closing,
                                              .messages = row.messages,
                                              .bytes = row.bytes,
                                              .prepared_messages = row.prepared_messages,
                                              .prepared_bytes = row.prepared_bytes,
                                              .crash_horizon = row.crash_horizon});
    }
    for (const auto& [name, producer] : disk_->producers) visitor.producer(producer);
    for (const auto& row : disk_->duplicate_ids) visitor.duplicate_id({row.destination, row.position, row.id, row.time});
    for (const auto& [name, user] : disk_->users) visitor.user(user);
    for (const auto& [name, selector] : disk_->selectors) visitor.selector(selector);
    for (const auto& [id, permission] : disk_->permissions) visitor.permission(permission);
    for (const auto& [id, branch] : disk_->branches) visitor.branch(branch);
    for (const auto& [id, puts] : disk_->prepared_puts) {
        for (const auto& [index, put] : puts) visitor.prepared_put(put);
    }
    for (const auto& [id, gets] : disk_->prepared_gets) {
        for (auto get : gets) {
            get.failed_deliveries = disk_->entries.at(get.key.destination).at(place_of(get.key)).delivery_count;
            visitor.prepared_get(std::move(get));
        }
    }
    for (const auto& [position, tombstone] : disk_->tombstones) visitor.tombstone(tombstone);
    return {};
}

Result<Page> MemoryStore::page(DestinationId destination, Position after, PageLimits limits) {
    const std::lock_guard lock(disk_->mutex);
    Page page;
    page.snapshot = disk_->batch;
    page.next_position = disk_->next_position;
    page.end = true;
    const auto rows = disk_->entries.find(destination);
    if (rows == disk_->entries.end()) return page;
    std::uint64_t bytes = 0;
    const auto first = rows->second.upper_bound(place_of({.destination = destination, .position = after}));
    for (auto next = first; next != rows->second.end(); ++next) {
        const auto& [place, row] = *next;
        if (!page.entries.empty() && (page.entries.size() >= limits.entries || bytes >= limits.bytes)) {
            page.end = false;
            break;
        }
        StoredEntry entry{.key = {destination, place.second, static_cast<std::uint8_t>(9 - place.first)},
                          .number = row.number,
                          .message_bytes = row.message_bytes,
                          .delivery_count = row.delivery_count,
                          .due_at = row.due_at,
                          .is_volatile = row.is_volatile,
                          .dead_letter = row.dead_letter,
                          .locked_by = row.lock,
                          .message = nullptr,
                          .damage = {}};
        const auto message = disk_->messages.find(row.number);
        if (message == disk_->messages.end()) {
            entry.damage = "the message row is missing";
        } else if (message->second.message->checksum() != message->second.checksum) {
            entry.damage = "the checksum does not match";
        } else {
            entry.message = message->second.message;
            bytes += entry.message->annotations.size() + entry.message->bare.size();
        }
        page.entries.push_back(std::move(entry));
    }
    return page;
}

Result<SharedBytes> MemoryStore::chunk(MessageNumber number, std::uint32_t index) {
    const std::lock_guard lock(disk_->mutex);
    const auto found = disk_->chunks.find({number, index});
    if (found == disk_->chunks.end())
        return Error(errc::not_found, "chunk " + std::to_string(index) + " of message " + std::to_string(number.value));
    return found->second;
}

Result<MessagePtr> MemoryStore::message(MessageNumber number) {
    const std::lock_guard lock(disk_->mutex);
    const auto name = "message " + std::to_string(number.value);
    const auto found = disk_->messages.find(number);
    if (found == disk_->messages.end()) return Error(errc::not_found, name);
    if (found->second.message->checksum() != found->second.checksum) return Error(errc::damaged, name);
    return found->second.message;
}

Result<AuditStretch> MemoryStore::audit(const AuditQuery& query) {
    const std::lock_guard lock(disk_->mutex);
    const auto& records = disk_->audit;
    auto next = query.before == 0 ? records.size() : std::min<std::size_t>(records.size(), query.before - 1);
    AuditStretch stretch;
    for (std::uint64_t looked = 0; next > 0 && looked < audit_look_max && stretch.items.size() < query.limit; ++looked) {
        const auto& record = records[--next];
        if (query.asks_for(record.entry)) stretch.items.push_back(record);
    }
    stretch.through = next == 0 ? 0 : records[next].number;
    return stretch;
}

Result<void> MemoryStore::start_backup(const std::string&, UniqueFunction<void(Result<void>)>) {
    return Error(errc::invalid_argument, "a store in memory has no backup");
}

Result<bool> MemoryStore::maintain() { return false; }

Health MemoryStore::health() const {
    const std::lock_guard lock(disk_->mutex);
    Health health;
    health.writable = !state_->failed;
    health.disk_full = state_->fault == MemoryFault::disk_full;
    if (!health.writable) health.message = "a commit is in doubt";
    return health;
}

Result<void> MemoryStore::release(const Lease& lease) {
    const std::lock_guard lock(disk_->mutex);
    if (state_->failed) return Error(errc::in_doubt, "an earlier commit has failed");
    if (lease.epoch != disk_->epoch) return Error(errc::lost_lease);
    for (auto& [id, destination] : disk_->destinations) destination.horizon = Position{};
    disk_->clean = true;
    return {};
}

void MemoryStore::inject(MemoryFault fault) {
    const std::lock_guard lock(disk_->mutex);
    state_->fault = fault;
}

void MemoryStore::damage(MessageNumber number) {
    const std::lock_guard lock(disk_->mutex);
    const auto found = disk_->messages.find(number);
    GIROMQ_CHECK(found != disk_->messages.end(), "only a stored message can be damaged");
    found->second.checksum ^= 1U;
}

}  // namespace giromq::store
