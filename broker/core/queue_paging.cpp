#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"

namespace giromq::core {
namespace {

constexpr std::uint32_t page_entries = 1024;
constexpr std::uint64_t page_bytes = 1024 * 1024;
/// With less than this left to deliver the next page is asked for, so that consumers need not wait for the store.
constexpr std::size_t low_water_entries = 512;

}  // namespace

std::uint64_t Queue::window_budget() const {
    // A queue may use its own share, and of what nobody uses the half that is left after every such step.
    const auto total = context_.settings.memory_bytes;
    const auto free = total > context_.memory_bytes ? total - context_.memory_bytes : 0;
    return std::max(context_.settings.queue_window_bytes, free / 4);
}

bool Queue::retains(const Message& message) const {
    if (!reaches_tail_) return false;
    if (window_.empty()) return true;
    return window_.size() < context_.settings.queue_window_messages * std::size_t{4} &&
           window_.bytes() + message.memory() <= window_budget() &&
           context_.memory_bytes + message.memory() <= context_.settings.memory_bytes;
}

bool Queue::wants_page() const {
    if (reaches_tail_ || page_under_way_ || closing_ || consumers_.size() == browsers_.size()) return false;
    const auto left = window_.slots() - scan_;
    if (left == 0) return true;
    return left < low_water_entries && window_.bytes() + page_bytes <= window_budget();
}

void Queue::read_page() {
    page_under_way_ = true;
    arrived_meanwhile_.clear();
    meanwhile_bytes_ = 0;
    // Out of memory for all queues together, a queue still moves on, in small steps.
    const bool scarce = context_.memory_bytes >= context_.settings.memory_bytes;
    const store::PageLimits limits{.entries = page_entries, .bytes = scarce ? page_bytes / 16 : page_bytes};
    context_.reads.page(id_, covered_through_, limits, [host = &host_, id = id_, generation = page_generation_](Result<store::Page> page) {
        if (Queue* const queue = host->find(id)) queue->page_read(generation, std::move(page));
    });
}

void Queue::page_read(std::uint64_t generation, Result<store::Page> page) {
    page_under_way_ = false;
    if (!page.ok()) {
        // Tried again at the next tick; consumers wait meanwhile, and nothing is lost.
        log::error("page_not_read", {{"queue", settings_.name}, {"error", page.error().to_string()}});
        arrived_meanwhile_.clear();
        return;
    }
    if (generation == page_generation_) merge_page(std::move(page).value());
    arrived_meanwhile_.clear();
    dispatch();
}

std::optional<Entry> Queue::entry_of(store::StoredEntry stored) {
    if (stored.key.position <= purged_through_) return std::nullopt;
    if (stored.message == nullptr) {
        quarantine(stored);
        return std::nullopt;
    }
    Entry entry;
    entry.position = stored.key.position;
    entry.message = std::move(stored.message);
    entry.dead_letter = std::move(stored.dead_letter);
    entry.failed_deliveries = stored.delivery_count;
    entry.perhaps_delivered = stored.key.position < crash_horizon_;
    entry.is_volatile = stored.is_volatile;
    if (entry.message->expires_at.is_set()) may_expire_ = true;
    return entry;
}

void Queue::merge_page(store::Page page) {
    std::vector<Entry> entries;
    entries.reserve(page.entries.size());
    Position last = covered_through_;
    for (auto& stored : page.entries) {
        last = std::max(last, stored.key.position);
        if (auto entry = entry_of(std::move(stored))) entries.push_back(std::move(*entry));
    }
    const auto first = entries.empty() ? std::optional<Position>() : entries.front().position;
    window_.merge(std::move(entries));
    if (first) rewind(*first);
    if (!page.end) {
        covered_through_ = last;
    } else {
        covered_through_ = std::max(last, Position{page.next_position.value - 1});
        // The tail is reached if whatever the snapshot did not see was kept aside. An arrival that was staged before the page was asked
        // for, and became durable after its snapshot, was not: the next page brings it.
        reaches_tail_ = not_kept_through_ < page.next_position;
        if (reaches_tail_) {
            std::vector<Entry> later;
            for (auto& entry : arrived_meanwhile_) {
                if (entry.position >= page.next_position) later.push_back(std::move(entry));
            }
            window_.merge(std::move(later));
        }
    }
    account_memory();
}

void Queue::quarantine(const store::StoredEntry& stored) {
    ++counters_.quarantined;
    log::error("message_quarantined", {{"queue", settings_.name},
                                       {"message", stored.number.value},
                                       {"position", stored.key.position.value},
                                       {"reason", stored.damage},
                                       {"do", "look at the table quarantine of the store, and at the disk"}});
    tx::UnitOfWork work;
    work.stage(store::QuarantineEntry{.key = stored.key,
                                      .number = stored.number,
                                      .message_bytes = stored.message_bytes,
                                      .is_volatile = stored.is_volatile,
                                      .reason = stored.damage,
                                      .time = context_.clock.wall_now()});
    work.then([host = &host_, id = id_, bytes = stored.message_bytes](const store::UnitResult& result) {
        Queue* const queue = host->find(id);
        if (queue == nullptr || !result.durable) return;
        --queue->messages_;
        queue->bytes_ -= bytes;
    });
    context_.commit_until_durable(std::move(work));
}

void Queue::shrink() {
    if (page_under_way_ || !reaches_tail_ || consumers_.size() != browsers_.size()) return;
    constexpr std::uint64_t kept_bytes = 16 * 1024;
    while (window_.bytes() > kept_bytes) {
        Entry* const last = window_.back();
        if (last == nullptr || last->state != EntryState::available || !last->stored) break;
        reaches_tail_ = false;
        covered_through_ = Position{last->position.value - 1};
        window_.pop_back();
    }
    scan_ = std::min(scan_, window_.slots());
    account_memory();
}

}  // namespace giromq::core
