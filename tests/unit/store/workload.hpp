#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"
#include "unit/store/store_driver.hpp"

namespace giromq::store::test {

/// Makes random units that a correct core could stage, and knows what the store holds if all of them were applied. It is copied to try
/// a batch: apply(), then keep the copy if the batch became durable.
class Workload {
public:
    explicit Workload(std::uint32_t seed) : random_(seed) {}

    /// What a destination holds: position -> (message, bytes, volatile).
    struct Item {
        MessageNumber number;
        std::string text;
        std::uint64_t bytes = 0;
        std::uint32_t delivery_count = 0;
        std::uint32_t chunks = 0;
        bool is_volatile = false;
        bool is_dead_letter = false;
        BranchId lock = {};
        std::string duplicate_id = {};  // of a put
    };
    /// A prepared branch, or one that an administrator has completed.
    struct Branch {
        std::vector<std::pair<DestinationId, Item>> puts;
        std::vector<std::pair<DestinationId, Position>> gets;
        std::optional<BranchOutcome> heuristic;
    };
    using Queue = std::map<Position, Item>;

    std::uint64_t next_position = 1;
    std::uint64_t next_message = 1;
    std::uint64_t next_destination = 1;
    std::map<DestinationId, Queue> queues;  // with a row
    std::map<DestinationId, Queue> temporaries;
    std::map<std::string, std::uint64_t> producers;  // high water
    std::map<DestinationId, std::map<Position, std::string>> ids;
    std::map<DestinationId, std::uint64_t> horizons;
    std::map<DestinationId, std::uint64_t> crash_horizons;
    std::set<DestinationId> closing;
    std::map<BranchId, Branch> branches;
    std::map<Position, BranchOutcome> tombstones;

    std::uint32_t below(std::uint32_t bound) { return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random_); }
    bool one_in(std::uint32_t count) { return below(count) == 0; }

    /// A batch of a few random operations, already noted here.
    std::vector<Operation> next_batch(std::uint32_t operations_max) {
        std::vector<Operation> batch;
        const auto count = 1 + below(operations_max);
        for (std::uint32_t index = 0; index < count; ++index) add(batch);
        return batch;
    }

    /// What a restart changes.
    void restarted(bool cleanly) {
        temporaries.clear();
        for (auto& [id, queue] : queues) std::erase_if(queue, [](const auto& item) { return item.second.is_volatile; });
        for (auto& [id, horizon] : horizons) {
            if (!cleanly) crash_horizons[id] = std::max(crash_horizons[id], std::min(horizon, next_position));
        }
        horizons.clear();
    }

private:
    void add(std::vector<Operation>& batch) {
        if (one_in(8) && queues.size() - closing.size() >= 2) {
            transact(batch);
            return;
        }
        const auto choice = below(100);
        if (queues.size() - closing.size() < 2 || choice < 2) {
            create(batch);
        } else if (choice < 45) {
            send(batch, any_open());
        } else if (choice < 70) {
            take(batch);
        } else if (choice < 76) {
            fail(batch);
        } else if (choice < 82) {
            purge(batch);
        } else if (choice < 86) {
            const auto id = any_open();
            const auto horizon = next_position + below(1000);
            const bool stays = one_in(4);
            batch.emplace_back(SetHorizon{id, Position{horizon}, stays});
            horizons[id] = std::max(horizons[id], horizon);
            if (stays) crash_horizons[id] = std::max(crash_horizons[id], horizon);
        } else if (choice < 92) {
            remember(batch);
        } else if (choice < 95) {
            quarantine(batch);
        } else if (choice < 97) {
            if (temporaries.size() < 3) temporaries[DestinationId{next_destination++}];
            send_to(batch, *std::next(temporaries.begin(), below(static_cast<std::uint32_t>(temporaries.size()))), true);
        } else {
            remove(batch);
        }
    }

    void create(std::vector<Operation>& batch) {
        const DestinationId id{next_destination++};
        queues[id];
        batch.emplace_back(PutDestination{id, StoreDriver::settings_of("queue " + std::to_string(id.value)), Timestamp{1}});
    }

    DestinationId any_open() {
        std::vector<DestinationId> open;
        for (const auto& [id, queue] : queues) {
            if (!closing.contains(id)) open.push_back(id);
        }
        return open.at(below(static_cast<std::uint32_t>(open.size())));
    }

    bool is_in_a_branch(DestinationId id) const {
        return std::any_of(branches.begin(), branches.end(), [&](const auto& branch) {
            const auto is_of_it = [&](const auto& work) { return work.first == id; };
            const auto& [puts, gets, heuristic] = branch.second;
            return std::any_of(puts.begin(), puts.end(), is_of_it) || std::any_of(gets.begin(), gets.end(), is_of_it);
        });
    }

    /// A branch is prepared, completed, decided on, forgotten; or tombstones go.
    void transact(std::vector<Operation>& batch) {
        const auto choice = below(100);
        if (branches.size() < 3 || choice < 45) {
            prepare(batch);
        } else if (choice < 95) {
            complete(batch, *std::next(branches.begin(), below(static_cast<std::uint32_t>(branches.size()))));
        } else {
            const Position before{next_position - std::min<std::uint64_t>(next_position, below(40))};
            tombstones.erase(tombstones.begin(), tombstones.lower_bound(before));
            batch.emplace_back(ForgetTombstones{before});
        }
    }

    void prepare(std::vector<Operation>& batch) {
        const BranchId id{next_position++};
        Branch branch;
        std::vector<Operation> work;
        const auto puts = below(4);
        for (std::uint32_t index = 0; index < puts; ++index) prepare_put(work, id, index, branch);
        const auto gets = below(3);
        for (std::uint32_t index = 0; index < gets; ++index) prepare_get(work, id, branch);
        batch.emplace_back(PrepareBranch{.branch = id,
                                         .xid = StoreDriver::xid_of(id.value),
                                         .owner = "owner",
                                         .prepared_at = Timestamp{1},
                                         .puts = branch.puts.size(),
                                         .gets = branch.gets.size(),
                                         .bytes = 0});
        batch += std::move(work);
        branches[id] = std::move(branch);
    }

    /// A send to a queue of its own, of which the entry is kept back.
    void prepare_put(std::vector<Operation>& work, BranchId branch, std::uint32_t index, Branch& row) {
        const auto destination = any_open();
        std::pair<const DestinationId, Queue> hidden{destination, {}};
        send_to(work, hidden, false);
        work.pop_back();
        Item item = hidden.second.begin()->second;
        PreparePut put;
        put.branch = branch;
        put.index = index;
        put.destination = destination;
        put.number = item.number;
        put.message_bytes = item.bytes;
        if (one_in(3)) put.duplicate_id = item.duplicate_id = "id of put " + std::to_string(item.number.value);
        work.emplace_back(put);
        row.puts.emplace_back(destination, std::move(item));
    }

    void prepare_get(std::vector<Operation>& work, BranchId branch, Branch& row) {
        const auto destination = any_open();
        for (auto& [position, item] : queues[destination]) {
            if (item.lock.is_set() || item.is_volatile) continue;
            work.emplace_back(PrepareGet{.branch = branch,
                                         .key = {.destination = destination, .position = position},
                                         .number = item.number,
                                         .message_bytes = item.bytes,
                                         .outcome = GetOutcome::removed,
                                         .delivery_count = 0});
            item.lock = branch;
            row.gets.emplace_back(destination, position);
            return;
        }
    }

    void complete(std::vector<Operation>& batch, std::pair<const BranchId, Branch>& found) {
        const auto id = found.first;
        Branch& branch = found.second;
        if (branch.heuristic) {
            batch.emplace_back(ForgetBranch{id});
            branches.erase(id);
            return;
        }
        const bool commits = !one_in(3);
        CompleteBranch operation;
        operation.branch = id;
        operation.outcome = commits ? BranchOutcome::committed : BranchOutcome::rolled_back;
        operation.tombstone = Position{next_position++};
        operation.first_position = Position{next_position};
        for (const auto& [destination, position] : branch.gets) {
            auto& item = queues[destination].at(position);
            item.lock = BranchId{};
            ++item.delivery_count;
            if (commits) queues[destination].erase(position);
        }
        for (auto& [destination, item] : branch.puts) {
            if (!commits) break;
            const Position position{next_position++};
            if (!item.duplicate_id.empty()) ids[destination][position] = item.duplicate_id;
            queues[destination][position] = std::move(item);
        }
        branch.gets.clear();
        branch.puts.clear();
        if (one_in(4)) {
            operation.decision = BranchDecision{"alice", "a test"};
            branch.heuristic = operation.outcome;
            batch.emplace_back(PutAudit{Timestamp{1}, "alice", "transaction.commit", std::to_string(id.value), "done", "a test"});
        } else {
            tombstones[operation.tombstone] = operation.outcome;
            branches.erase(id);
        }
        batch.emplace_back(std::move(operation));
    }

    void send(std::vector<Operation>& batch, DestinationId id) { send_to(batch, *queues.find(id), one_in(6)); }

    void send_to(std::vector<Operation>& batch, std::pair<const DestinationId, Queue>& queue, bool is_volatile) {
        auto message = std::make_shared<Message>(text_message(std::string(1 + below(one_in(20) ? 20000 : 300), letter())));
        message->number = MessageNumber{next_message++};
        message->durable = !is_volatile;
        Item item;
        if (one_in(12)) {
            item.chunks = message->chunk_count = 1 + below(3);
            for (std::uint32_t index = 0; index < item.chunks; ++index) {
                const auto bytes = SharedBytes::copy_of(std::string(1 + below(9000), letter()));
                message->chunked_bytes += bytes.size();
                batch.emplace_back(PutChunk{message->number, index, bytes});
            }
        }
        item.number = message->number;
        item.text = test::text_of(*message);
        item.bytes = message->size();
        item.is_volatile = is_volatile;
        const EntryKey key{.destination = queue.first, .position = Position{next_position++}};
        queue.second[key.position] = item;
        batch.emplace_back(PutMessage{message});
        batch.emplace_back(put_entry(key, item.number, item.bytes, is_volatile));
    }

    char letter() { return static_cast<char>('a' + below(26)); }

    /// An acknowledgement, or a move to another queue as a dead letter.
    void take(std::vector<Operation>& batch) {
        const auto id = any_open();
        auto& queue = queues[id];
        if (queue.empty()) return;
        const auto found = std::next(queue.begin(), below(static_cast<std::uint32_t>(std::min<std::size_t>(queue.size(), 4))));
        if (found->second.lock.is_set()) return;
        Item item = found->second;
        const bool moves = one_in(5);
        const EntryKey key{.destination = id, .position = found->first};
        batch.emplace_back(RemoveEntry{
            .key = key, .number = item.number, .message_bytes = item.bytes, .is_volatile = item.is_volatile, .last_reference = !moves});
        queue.erase(found);
        if (!moves) return;
        const EntryKey to{.destination = any_open(), .position = Position{next_position++}};
        auto put = put_entry(to, item.number, item.bytes, item.is_volatile);
        auto reason = std::make_shared<DeadLetter>();
        reason->cause = "rejected";
        reason->origin = std::to_string(id.value);
        put.dead_letter = reason;
        item.delivery_count = 0;
        item.is_dead_letter = true;
        queues[to.destination][to.position] = item;
        batch.emplace_back(std::move(put));
    }

    void fail(std::vector<Operation>& batch) {
        const auto id = any_open();
        if (queues[id].empty()) return;
        auto& [position, item] = *queues[id].begin();
        if (item.lock.is_set()) return;
        batch.emplace_back(SetDeliveryCount{{.destination = id, .position = position}, ++item.delivery_count});
    }

    void purge(std::vector<Operation>& batch) {
        const auto id = any_open();
        auto& queue = queues[id];
        if (queue.size() < 8 && !one_in(5)) return;
        PurgeEntries purge{.destination = id,
                           .through = Position{next_position - std::min<std::uint64_t>(next_position, below(5))},
                           .limit = 1 + below(10),
                           .kept = {}};
        for (const auto& [position, item] : queue) {
            if (one_in(6)) purge.kept.push_back(position);
        }
        std::uint32_t removed = 0;
        for (auto next = queue.begin(); next != queue.end() && removed < purge.limit && next->first <= purge.through;) {
            if (next->second.lock.is_set() || std::binary_search(purge.kept.begin(), purge.kept.end(), next->first)) {
                ++next;
            } else {
                next = queue.erase(next);
                ++removed;
            }
        }
        batch.emplace_back(std::move(purge));
    }

    void remember(std::vector<Operation>& batch) {
        const auto name = "producer " + std::to_string(below(4));
        if (one_in(5)) {
            producers.erase(name);
            batch.emplace_back(RemoveProducer{name});
        } else {
            PutProducer put;
            put.producer = name;
            put.high_water = producers[name] += 1 + below(5);
            put.window.assign(128, static_cast<std::uint8_t>(below(256)));
            put.last_used = Timestamp{static_cast<std::int64_t>(put.high_water)};
            batch.emplace_back(std::move(put));
        }
        const auto id = any_open();
        if (one_in(4)) {
            const Position before{next_position - std::min<std::uint64_t>(next_position, below(20))};
            std::erase_if(ids[id], [&](const auto& known) { return known.first < before; });
            batch.emplace_back(ForgetDuplicateIds{id, before});
        } else {
            const Position position{next_position++};
            ids[id][position] = "id " + std::to_string(position.value);
            batch.emplace_back(PutDuplicateId{id, position, ids[id][position], Timestamp{1}});
        }
    }

    void quarantine(std::vector<Operation>& batch) {
        const auto id = any_open();
        auto& queue = queues[id];
        if (queue.empty()) return;
        const auto [position, item] = *queue.begin();
        queue.erase(queue.begin());
        if (item.lock.is_set()) {
            // The branch loses what it has got.
            std::erase(branches[item.lock].gets, std::pair<DestinationId, Position>{id, position});
        }
        batch.emplace_back(QuarantineEntry{.key = {.destination = id, .position = position},
                                           .number = item.number,
                                           .message_bytes = item.bytes,
                                           .is_volatile = item.is_volatile,
                                           .reason = "a test",
                                           .time = Timestamp{1}});
    }

    void remove(std::vector<Operation>& batch) {
        const auto id = any_open();
        if (closing.empty()) {
            closing.insert(id);
            batch.emplace_back(CloseDestination{id});
            return;
        }
        const auto gone = *closing.begin();
        if (is_in_a_branch(gone)) return;
        batch.emplace_back(PurgeEntries{gone, Position{next_position}, 1000000, {}});
        batch.emplace_back(RemoveDestination{gone});
        closing.erase(gone);
        queues.erase(gone);
        ids.erase(gone);
        horizons.erase(gone);
        crash_horizons.erase(gone);
    }

    std::mt19937 random_;
};

inline std::string difference_of(StoreDriver& driver, DestinationId id, const Workload::Queue& queue, PageLimits limits) {
    const auto entries = driver.entries(id, limits);
    const auto where = "destination " + std::to_string(id.value) + ": ";
    if (entries.size() != queue.size()) {
        return where + std::to_string(entries.size()) + " entries, expected " + std::to_string(queue.size());
    }
    auto expected = queue.begin();
    for (const auto& entry : entries) {
        const auto& [position, item] = *expected++;
        const auto here = where + "position " + std::to_string(position.value) + ": ";
        if (entry.key.position != position) return here + "found " + std::to_string(entry.key.position.value);
        if (entry.message == nullptr) return here + entry.damage;
        if (entry.number != item.number || entry.message->number != item.number) return here + "another message";
        if (text_of(*entry.message) != item.text) return here + "another text";
        if (entry.delivery_count != item.delivery_count) return here + "another delivery count";
        if (entry.message_bytes != item.bytes || entry.message->size() != item.bytes) return here + "another size";
        if (entry.locked_by != item.lock) return here + "another lock";
        if (entry.is_volatile != item.is_volatile) return here + "not as volatile as expected";
        if ((entry.dead_letter != nullptr) != item.is_dead_letter) return here + "not a dead letter, or one";
        std::uint64_t chunked = 0;
        for (std::uint32_t index = 0; index < item.chunks; ++index) {
            const auto chunk = driver.store().chunk(item.number, index);
            if (!chunk.ok()) return here + chunk.error().to_string();
            chunked += chunk->size();
        }
        if (chunked != entry.message->chunked_bytes) return here + "chunks of another size";
    }
    return {};
}

/// Compares what a store says with what the workload knows. Empty if they agree, otherwise what differs.
inline std::string difference(StoreDriver& driver, const Workload& workload, std::uint32_t page_entries) {
    const PageLimits limits{.entries = page_entries, .bytes = 1u << 20};
    for (const auto* const kind : {&workload.queues, &workload.temporaries}) {
        for (const auto& [id, queue] : *kind) {
            if (auto found = difference_of(driver, id, queue, limits); !found.empty()) return found;
        }
    }
    return {};
}

inline std::string text_of(const std::map<DestinationId, std::map<Position, std::string>>& ids) {
    std::string text;
    for (const auto& [destination, known] : ids) {
        text += "[" + std::to_string(destination.value) + ":";
        for (const auto& [position, id] : known) text += " " + std::to_string(position.value);
        text += "]";
    }
    return text.empty() ? "none" : text;
}

/// The branches and tombstones that recover() reported, against those that the workload knows.
inline std::string difference_of_branches(const Recovered& recovered, const Workload& workload) {
    std::map<BranchId, std::vector<MessageNumber>> puts;
    std::map<BranchId, std::set<std::pair<DestinationId, Position>>> gets;
    for (const auto& put : recovered.puts) {
        if (put.index != puts[put.branch].size()) return "the puts of a branch are out of order";
        puts[put.branch].push_back(put.number);
    }
    for (const auto& get : recovered.gets) gets[get.branch].emplace(get.key.destination, get.key.position);
    if (recovered.branches.size() != workload.branches.size()) return "another number of branches";
    for (const auto& stored : recovered.branches) {
        const auto where = "branch " + std::to_string(stored.branch.value) + ": ";
        const auto found = workload.branches.find(stored.branch);
        if (found == workload.branches.end()) return where + "unknown";
        if (stored.heuristic != found->second.heuristic) return where + "another state";
        if (stored.xid != StoreDriver::xid_of(stored.branch.value)) return where + "another XID";
        std::vector<MessageNumber> expected;
        for (const auto& [destination, item] : found->second.puts) expected.push_back(item.number);
        if (puts[stored.branch] != expected) return where + "other puts";
        if (gets[stored.branch] != std::set(found->second.gets.begin(), found->second.gets.end())) return where + "other gets";
    }
    std::map<Position, BranchOutcome> tombstones;
    for (const auto& tombstone : recovered.tombstones) tombstones[tombstone.position] = tombstone.outcome;
    return tombstones == workload.tombstones ? std::string() : "other tombstones";
}

/// The same for what recover() reported.
inline std::string difference_at_start(const Recovered& recovered, const Workload& workload, bool exact_horizons = true) {
    if (recovered.destinations.size() != workload.queues.size()) return "another number of destinations";
    for (const auto& stored : recovered.destinations) {
        const auto where = "destination " + std::to_string(stored.id.value) + ": ";
        const auto found = workload.queues.find(stored.id);
        if (found == workload.queues.end()) return where + "unknown";
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
        for (const auto& [position, item] : found->second) {
            if (item.is_volatile) continue;
            ++messages;
            bytes += item.bytes;
        }
        if (stored.messages != messages || stored.bytes != bytes) {
            return where + "counts " + std::to_string(stored.messages) + " messages, expected " + std::to_string(messages);
        }
        const auto mark = workload.crash_horizons.find(stored.id);
        const auto horizon = mark == workload.crash_horizons.end() ? 0 : mark->second;
        if (exact_horizons && stored.crash_horizon.value != horizon) return where + "another horizon";
        if (stored.closing != workload.closing.contains(stored.id)) return where + "closing, or not";
        std::uint64_t reserved = 0;
        for (const auto& [branch, row] : workload.branches) {
            for (const auto& [destination, item] : row.puts) reserved += destination == stored.id ? 1 : 0;
        }
        if (stored.prepared_messages != reserved) return where + "another number of reserved messages";
    }
    if (auto found = difference_of_branches(recovered, workload); !found.empty()) return found;
    std::map<std::string, std::uint64_t> producers;
    for (const auto& row : recovered.producers) producers[row.producer] = row.high_water;
    if (producers != workload.producers) return "other producers";
    std::map<DestinationId, std::map<Position, std::string>> ids;
    for (const auto& row : recovered.duplicate_ids) ids[row.destination][row.position] = row.id;
    auto expected = workload.ids;
    std::erase_if(expected, [](const auto& known) { return known.second.empty(); });
    if (ids != expected) return "other duplicate ids: " + text_of(ids) + ", expected " + text_of(expected);
    return {};
}

}  // namespace giromq::store::test
