#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"

namespace giromq::core {
namespace {

constexpr store::PageLimits browse_limits{.entries = 128, .bytes = 512 * 1024};

}  // namespace

void Queue::browsers_look() {
    for (Consumer* const browser : browsers_) look_further(*browser);
}

void Queue::look_further(Consumer& browser) {
    if (browser.selector) return look_for_selected(browser);
    while (browser.credit() > 0) {
        if (!browser.port->has_room()) return;
        if (show_read_ahead(browser)) continue;
        const auto look = show_from_window(browser);
        if (look == Look::shown) continue;
        if (look == Look::end && !reaches_tail_) {
            // Up to here the window has told everything; the store knows the rest.
            browser.looked_at = std::max(browser.looked_at, covered_through_);
            if (browser.looked_at < durable_through_) {
                read_for(browser);
                return;
            }
        }
        if (sees_everything(browser, look)) finish_drain(browser);
        return;
    }
    finish_drain(browser);
}

/// Of a browser that was shown all it can be shown now: whether that is all there is. Behind a pending entry there may be others that
/// are accepted.
bool Queue::sees_everything(const Consumer& browser, Look look) const {
    if (!recalling_.empty()) return false;
    if (look == Look::end) return true;
    const auto index = window_.lower_bound(Position{browser.looked_at.value + 1});
    return nothing_available_behind(index) && (reaches_tail_ || durable_through_ <= covered_through_);
}

void Queue::finish_drain(Consumer& browser) {
    if (!std::exchange(browser.drain, false)) return;
    browser.delivery_limit = browser.delivered;
    browser.port->drained();
}

/// What was read, or is being read, may be wrong now: it is read again.
void Queue::forget_read_ahead() {
    ++page_generation_;
    for (Consumer* const browser : browsers_) {
        browser->read_ahead.clear();
        browser->sifted_through = browser->looked_at;
    }
}

bool Queue::show_read_ahead(Consumer& browser) {
    while (!browser.read_ahead.empty()) {
        auto stored = std::move(browser.read_ahead.front());
        browser.read_ahead.pop_front();
        const auto position = stored.key.position;
        if (position <= browser.looked_at) continue;
        browser.looked_at = position;
        // A damaged message is quarantined when a consumer's turn comes; a browser only passes it over.
        if (stored.message == nullptr) continue;
        // What a prepared branch has got is not for anybody.
        if (is_prepared(position)) continue;
        if (stored.dead_letter == nullptr && stored.message->is_expired(context_.clock.wall_now())) continue;
        if (is_covered(position)) {
            // The window has caught up with what was read: it knows better whether the message is still there. If it is pending there,
            // the store has it and only its completion is still to come.
            const Entry* const entry = window_.find(position);
            if (entry == nullptr || (entry->state != EntryState::available && entry->state != EntryState::pending)) continue;
        } else if (const Entry* const stray = find_entry(position); stray != nullptr && stray->state != EntryState::available) {
            continue;
        }
        const auto count = stored.delivery_count + (position < crash_horizon_ ? 1U : 0U);
        show(browser, Delivery{position, std::move(stored.message), count, std::move(stored.dead_letter)});
        return true;
    }
    return false;
}

Queue::Look Queue::show_from_window(Consumer& browser) {
    for (auto index = window_.lower_bound(Position{browser.looked_at.value + 1}); index < window_.slots(); ++index) {
        const Entry& entry = window_.at(index);
        if (entry.state == EntryState::pending) return Look::blocked;
        if (entry.state == EntryState::available && entry.parked) {
            fetch(entry.position);
            return Look::blocked;
        }
        browser.looked_at = entry.position;
        if (entry.state != EntryState::available || entry.is_expired(context_.clock.wall_now())) continue;
        show(browser, Delivery{entry.position, entry.message, entry.delivery_count(), entry.dead_letter});
        return Look::shown;
    }
    return Look::end;
}

void Queue::show(Consumer& browser, Delivery delivery) {
    ++browser.delivered;
    browser.port->deliver(std::move(delivery));
}

void Queue::read_for(Consumer& browser) {
    if (std::exchange(browser.reading, true)) return;
    context_.reads.page(id_, browser.looked_at, browse_limits,
                        [host = &host_, id = id_, consumer = browser.id, generation = page_generation_](Result<store::Page> page) {
                            if (Queue* const queue = host->find(id)) queue->read_for_browser(consumer, generation, std::move(page));
                        });
}

void Queue::read_for_browser(ConsumerId id, std::uint64_t generation, Result<store::Page> page) {
    const auto found = consumers_.find(id);
    if (found == consumers_.end()) return;
    Consumer& browser = *found->second;
    browser.reading = false;
    if (!page.ok()) {
        log::error("page_not_read", {{"queue", settings_.name}, {"for", "browser"}, {"error", page.error().to_string()}});
        return;  // tried again at the next tick
    }
    if (generation == page_generation_) {
        // The window may have come to what was being read, and have something in memory only there, of which the store knows nothing:
        // what is read is good up to that, and the window shows the rest.
        const auto in_memory_only = window_.in_memory_only_behind(browser.looked_at);
        const auto is_beyond = [&](Position position) { return in_memory_only && position > *in_memory_only; };
        if (page->entries.empty() && page->end && !is_beyond(page->next_position)) {
            browser.looked_at = std::max(browser.looked_at, Position{page->next_position.value - 1});
        }
        while (!page->entries.empty() && is_beyond(page->entries.back().key.position)) page->entries.pop_back();
        std::erase_if(page->entries, [this](const store::StoredEntry& stored) { return is_gone_ahead(stored.key.position); });
        if (browser.selector && !page->entries.empty()) {
            const auto through = page->entries.back().key.position;
            sift(browser, std::move(page->entries), through);
            if (browser.reading) return;
        } else {
            for (auto& stored : page->entries) browser.read_ahead.push_back(std::move(stored));
        }
    }
    forget_gone_ahead();
    look_further(browser);
}

}  // namespace giromq::core
