#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"

namespace giromq::core {
namespace {

/// Rows removed in one batch: few enough not to hold up other commits.
constexpr std::uint32_t purge_step_entries = 1000;

}  // namespace

void Queue::purge(UniqueFunction<void(Result<std::uint64_t>)> done) {
    const auto through = durable_through_;
    std::vector<Position> kept;
    std::uint64_t in_memory_only = 0;
    for (std::size_t index = 0; index < window_.slots(); ++index) {
        Entry& entry = window_.at(index);
        if (entry.state == EntryState::gone) continue;
        if (entry.state == EntryState::available && !entry.stored) {
            ++in_memory_only;
            removed(entry.position, entry.message->size());
        } else if (entry.position > through) {
            continue;
        } else if (entry.state == EntryState::available) {
            take_out(entry);
        } else if (entry.stored) {
            kept.push_back(entry.position);
        }
    }
    ++page_generation_;
    purged_through_ = through;
    covered_through_ = std::max(covered_through_, through);
    purge_step(through, std::move(kept), in_memory_only, std::move(done));
}

void Queue::purge_step(Position through, std::vector<Position> kept, std::uint64_t sum, UniqueFunction<void(Result<std::uint64_t>)> done) {
    tx::UnitOfWork work;
    work.stage(store::PurgeEntries{.destination = id_, .through = through, .limit = purge_step_entries, .kept = kept});
    work.then(
        [host = &host_, id = id_, through, kept = std::move(kept), sum, done = std::move(done)](const store::UnitResult& result) mutable {
            Queue* const queue = host->find(id);
            if (queue == nullptr) {
                if (done) done(Error(errc::deleted));
                return;
            }
            if (!result.durable) {
                queue->reload();
                if (done) done(Error(errc::not_ready, result.error.to_string()));
                return;
            }
            const auto& count = result.purged.at(0);
            queue->messages_ -= std::min(count.entries, queue->messages_);
            queue->bytes_ -= std::min(count.bytes, queue->bytes_);
            if (queue->held) queue->host_.room_changed(*queue);
            if (count.entries == purge_step_entries) {
                queue->purge_step(through, std::move(kept), sum + count.entries, std::move(done));
            } else {
                // The answer comes last: it may be what ends this queue.
                queue->dispatch();
                if (done) done(sum + count.entries);
            }
        });
    context_.commit(std::move(work));
}

void Queue::reload() {
    ++page_generation_;
    reaches_tail_ = false;
    covered_through_ = Position{0};
    purged_through_ = Position{0};
}

void Queue::close(const Error& reason, UniqueFunction<void()> emptied) {
    closing_ = true;
    for (auto& [id, consumer] : consumers_) consumer->port->ended(reason);
    consumers_.clear();
    ready_.clear();
    draining_.clear();
    browsers_.clear();
    for (std::size_t index = 0; index < window_.slots(); ++index) {
        if (window_.at(index).state != EntryState::gone) take_out(window_.at(index));
    }
    locked_ = 0;
    const auto last = Position{context_.next_position().value - 1};
    purge_step(last, {}, 0, [host = &host_, id = id_, emptied = std::move(emptied)](Result<std::uint64_t> count) mutable {
        if (host->find(id) == nullptr) return;
        if (!count.ok()) {
            // Nobody sees the queue any more, and its row says that it is closing: the next start goes on from here.
            log::warning("queue_not_emptied", {{"error", count.error().to_string()}, {"effect", "finished at the next start"}});
            return;
        }
        emptied();
    });
}

}  // namespace giromq::core
