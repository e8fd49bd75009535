#include <algorithm>
#include <utility>

#include "core/queue.hpp"
#include "core/selection.hpp"

namespace giromq::core {
namespace {

/// Rows removed in one batch: few enough not to hold up other commits.
constexpr std::uint32_t purge_step_entries = 1000;

}  // namespace

void Queue::purge(UniqueFunction<void(Result<std::uint64_t>)> done) {
    const auto through = completed_through_;
    // From here on the window covers what is purged, so that no page brings it back, not even one that is being read.
    ++purges_under_way_;
    unit_begins();
    forget_read_ahead();
    recalling_.clear();
    recall_again_.clear();
    if (!reaches_tail_) {
        covered_through_ = std::max(covered_through_, through);
        bring_in({}, covered_through_);
    }
    std::vector<Position> kept = quarantining_;
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
    // In the store these are locked too, but may not be any more when it comes to them.
    for (const auto& [position, branch] : prepared_) kept.push_back(position);
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    purge_step(through, std::move(kept), in_memory_only, std::move(done));
}

/// Tried until it is durable: the purged entries are not in the window any more, so there is no way back.
void Queue::purge_step(Position through, std::vector<Position> kept, std::uint64_t sum, UniqueFunction<void(Result<std::uint64_t>)> done) {
    tx::UnitOfWork work;
    work.stage(store::PurgeEntries{.destination = id_, .through = through, .limit = purge_step_entries, .kept = kept});
    work.then(
        [host = &host_, id = id_, through, kept = std::move(kept), sum, done = std::move(done)](const store::UnitResult& result) mutable {
            Queue* const queue = host->find(id);
            if (queue == nullptr || !result.durable) {
                if (done) done(queue == nullptr ? Error(errc::deleted) : Error(errc::not_ready, result.error.to_string()));
                return;
            }
            const auto& count = result.purged.at(0);
            queue->messages_ -= std::min(count.entries, queue->messages_);
            queue->bytes_ -= std::min(count.bytes, queue->bytes_);
            queue->tell_room();
            if (count.entries == purge_step_entries) {
                queue->purge_step(through, std::move(kept), sum + count.entries, std::move(done));
            } else {
                queue->purge_ends(sum + count.entries, std::move(done));
            }
        });
    context_.commit_until_durable(std::move(work));
}

void Queue::purge_ends(std::uint64_t sum, UniqueFunction<void(Result<std::uint64_t>)> done) {
    --purges_under_way_;
    unit_ends();
    dispatch();
    // The answer comes last: it may be what ends this queue.
    if (done) done(sum);
}

/// The first entry of the window that is visible.
const Entry* Queue::head() const {
    for (std::size_t index = 0; index < window_.slots(); ++index) {
        const Entry& entry = window_.at(index);
        if (entry.state != EntryState::gone && entry.state != EntryState::pending) return &entry;
    }
    return nullptr;
}

std::optional<Timestamp> Queue::oldest_arrived_at() const {
    if (const Entry* const entry = head()) return entry->message->arrived_at;
    if (messages_ > 0 && stored_head_ && stored_head_->after == covered_through_) return stored_head_->arrived_at;
    return std::nullopt;
}

bool Queue::look_at_head() {
    if (messages_ == 0 || reaches_tail_ || closing_ || head_under_way_ || page_under_way_ || head() != nullptr) return false;
    if (stored_head_ && stored_head_->after == covered_through_) return false;
    head_under_way_ = true;
    const auto after = covered_through_;
    context_.reads.page(id_, after, {.entries = 1, .bytes = 1}, [host = &host_, id = id_, after](const Result<store::Page>& page) {
        if (Queue* const queue = host->find(id)) queue->head_read(after, page);
    });
    return true;
}

void Queue::head_read(Position after, const Result<store::Page>& page) {
    head_under_way_ = false;
    // Nothing there yet, or not readable now: asked again later.
    if (!page || page->entries.empty()) return;
    const auto& message = page->entries.front().message;
    stored_head_ = StoredHead{after, message ? std::optional(message->arrived_at) : std::nullopt};
}

void Queue::close() {
    closing_ = true;
    ++page_generation_;
    consumers_.clear();
    administrators_ = 0;
    ready_.clear();
    draining_.clear();
    browsers_.clear();
    if (selection_) selection_->close();
    outside_.clear();
    arrived_meanwhile_.clear();
    for (std::size_t index = 0; index < window_.slots(); ++index) {
        if (window_.at(index).state != EntryState::gone) take_out(window_.at(index));
    }
    locked_ = 0;
    holders_.clear();
}

void Queue::empty(UniqueFunction<void()> emptied) {
    if (units_under_way_ > 0) {
        emptied_ = std::move(emptied);
        return;
    }
    ++purges_under_way_;
    unit_begins();
    const auto last = Position{context_.next_position().value - 1};
    purge_step(last, {}, 0, [emptied = std::move(emptied)](const Result<std::uint64_t>& count) mutable {
        // Refused only when the broker ends: its row says that the queue is closing, and the next start goes on from here.
        if (count.ok()) emptied();
    });
}

}  // namespace giromq::core
