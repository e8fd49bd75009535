#include <algorithm>
#include <string>

#include "simulation/model.hpp"

namespace giromq::simulation {

/// Whether the message has to be found in the store after the restart.
bool Model::must_be_stored(const ModelMessage& message, bool clean) const {
    if (!message.persistent || message.maybe_purged || message.expired(now)) return false;
    const auto home = queues.find(message.home);
    if (home == queues.end() || home->second.temporary) return false;
    if (message.presence == Presence::leaving) return message.with_queue && !home->second.deleting;
    if (message.presence == Presence::pending) {
        // On its way into the dead-letter queue: there, or where it came from, if that is kept.
        if (!message.moving_from) return false;
        const auto origin = queues.find(*message.moving_from);
        return clean || (origin != queues.end() && !origin->second.temporary && !origin->second.deleting);
    }
    return message.presence == Presence::present;
}

void Model::stopping() {
    for (const auto& [id, queue] : queues) {
        bool before_one_that_is_out = false;
        std::uint64_t last_out = 0;
        for (auto place = queue.order.rbegin(); place != queue.order.rend(); ++place) {
            auto& message = messages.at(place->second);
            message.maybe_marked = message.maybe_marked || before_one_that_is_out;
            if (!message.persistent || (message.holder == 0 && message.mark != Mark::yes)) continue;
            message.marked_for_ever = before_one_that_is_out = true;
            last_out = std::max(last_out, message.order);
        }
        // What a commit that is under way takes may come back, when that is refused.
        for (auto& [place, before] : before_commit) {
            if (before.home != id) continue;
            const auto& message = messages.at(place.second);
            before.maybe_marked = before.maybe_marked || before.order < last_out;
            before.marked_for_ever = before.marked_for_ever || (message.home == id && message.marked_for_ever);
        }
    }
}

void Model::after_restart(ModelMessage& message, bool clean, const store::StoredEntry* found) {
    message.holder = 0;
    message.between = message.overtaken = false;
    message.barred.clear();
    if (found == nullptr) {
        // Of what was in memory only, duplicate detection may forget too.
        const bool was_there = message.presence != Presence::absent && (message.presence != Presence::gone || !message.persistent);
        if (must_be_stored(message, clean)) fail("lost in a restart: " + describe(message));
        if (!was_there) return;
        // A message in memory only, or one that may have come and gone before its send was answered.
        const bool forgotten = !message.persistent || message.presence == Presence::pending;
        const bool uncertain = !message.persistent || message.expires_at.is_set() || message.moving_from.has_value() || message.with_queue;
        remove(message, forgotten ? Presence::absent : Presence::gone);
        message.moving_from.reset();
        message.maybe_known = forgotten && uncertain;
        message.stored_times = 0;
        return;
    }
    const bool leaves = message.presence == Presence::leaving && !message.with_queue;
    if (message.presence == Presence::absent || message.presence == Presence::gone || (clean && leaves) || !message.persistent) {
        fail("came back in a restart: " + describe(message));
    }
    const auto count = found->delivery_count;
    if (message.moving_from && found->key.destination == *message.moving_from) {
        queues.at(message.home).order.erase(message.order);
        const auto before = message.before_move;
        message = *before;
        message.failures_durable = 0;
        message.holder = 0;
        message.between = message.overtaken = false;
        message.barred.clear();
        queues.at(message.home).order.emplace(message.order, message.tag);
    }
    message.moving_from.reset();
    if (found->key.destination != message.home) fail("found in another queue after a restart: " + describe(message));
    if (count > message.failures || count < (clean && !refusals_seen ? message.failures : message.failures_durable)) {
        fail("after a restart the count is " + std::to_string(count) + ", it was " + std::to_string(message.failures) + " and durable " +
             std::to_string(message.failures_durable) + ": " + describe(message));
    }
    message.presence = Presence::present;
    message.with_queue = message.maybe_purged = false;
    message.confirmed = true;
    message.failures = message.failures_durable = count;
    if (!clean) message.maybe_marked = true;
    if (!clean && message.delivered) message.marked_for_ever = true;
    message.delivered = false;
    message.mark = message.marked_for_ever ? Mark::yes : message.maybe_marked ? Mark::maybe : Mark::no;
}

void Model::restarted(bool clean, const std::vector<store::StoredDestination>& destinations,
                      const std::map<DestinationId, std::vector<store::StoredEntry>>& contents) {
    consumers.clear();
    std::map<DestinationId, const store::StoredDestination*> open;
    for (const auto& destination : destinations) {
        if (!destination.closing) open[destination.id] = &destination;
        std::uint64_t bytes = 0;
        const auto& entries = contents.at(destination.id);
        for (const auto& entry : entries) bytes += entry.message_bytes;
        if (destination.messages != entries.size() || destination.bytes != bytes)
            fail("the store counts wrong: " + destination.settings.name);
    }
    // Queues first: what was being deleted is whole, or gone.
    std::vector<DestinationId> missing;
    for (auto& [id, queue] : queues) {
        if (!queue.temporary && open.contains(id)) {
            queue.deleting = false;
        } else if (queue.temporary || queue.deleting) {
            missing.push_back(id);
        } else {
            fail("a queue was lost in a restart: " + queue.settings.name);
        }
    }
    for (const auto id : missing) queues.at(id).deleting = true;

    std::map<Tag, const store::StoredEntry*> found;
    for (const auto& [id, entries] : contents) {
        if (!open.contains(id)) continue;
        for (const auto& entry : entries) {
            if (entry.message == nullptr) return fail("a damaged message");
            const Tag tag = tag_of(*entry.message);
            if (!found.emplace(tag, &entry).second) return fail("in the store twice: message " + std::to_string(tag));
            if (!messages.contains(tag)) return fail("in the store is a message that nobody sent: " + std::to_string(tag));
        }
    }
    for (auto& [tag, message] : messages) {
        const auto entry = found.find(tag);
        after_restart(message, clean, entry == found.end() ? nullptr : entry->second);
        if (!failure.empty()) return;
    }
    for (const auto& [id, entries] : contents) {
        std::uint64_t last = 0;
        for (const auto& entry : entries) {
            if (!open.contains(id)) break;
            const auto& message = messages.at(tag_of(*entry.message));
            if (message.order <= last) fail("out of order in the store: " + describe(message));
            last = message.order;
        }
    }
    for (const auto id : missing) queue_deleted(id);
    refusals_seen = false;
}

}  // namespace giromq::simulation
