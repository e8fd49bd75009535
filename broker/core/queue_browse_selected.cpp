#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"
#include "selector/forms.hpp"

// Browsers with a selector. A stretch of the queue is judged, in the window or as read from the store, and what is selected of it waits
// in `read_ahead` until the browser has credit; there it is checked once more, since a consumer may have taken it meanwhile.

namespace giromq::core {
namespace {

constexpr std::size_t stretch_entries = 128;
constexpr std::uint64_t stretch_bytes = 512 * 1024;
/// So much of a selector is told to the log.
constexpr std::size_t logged_bytes = 256;

}  // namespace

void Queue::look_for_selected(Consumer& browser) {
    while (browser.credit() > 0) {
        if (!browser.port->has_room()) return;
        if (show_read_ahead(browser)) continue;
        if (browser.reading) return;
        browser.looked_at = std::max(browser.looked_at, browser.sifted_through);
        if (sift_window(browser)) continue;
        if (browser.reading) return;
        const auto index = window_.lower_bound(Position{browser.looked_at.value + 1});
        const bool is_blocked = index < window_.slots();
        if (!is_blocked && !reaches_tail_) {
            browser.looked_at = std::max(browser.looked_at, covered_through_);
            if (browser.looked_at < durable_through_) return read_for(browser);
        }
        if (sees_everything(browser, is_blocked ? Look::blocked : Look::end)) finish_drain(browser);
        return;
    }
    finish_drain(browser);
}

/// True if the browser has come further.
bool Queue::sift_window(Consumer& browser) {
    std::vector<store::StoredEntry> entries;
    std::uint64_t bytes = 0;
    Position through = browser.looked_at;
    for (auto index = window_.lower_bound(Position{through.value + 1}); index < window_.slots(); ++index) {
        const Entry& entry = window_.at(index);
        if (entry.state == EntryState::pending || entries.size() >= stretch_entries || bytes >= stretch_bytes) break;
        const bool is_visible = entry.state == EntryState::available && !entry.is_expired(context_.clock.wall_now());
        if (is_visible && entry.parked) {
            fetch(entry.position);
            break;
        }
        through = entry.position;
        if (!is_visible) continue;
        bytes += entry.message->memory();
        entries.push_back(as_stored(entry));
    }
    if (entries.empty()) return std::exchange(browser.looked_at, through) < through;
    sift(browser, std::move(entries), through);
    return !browser.reading;
}

/// Judges them for the browser, which waits for that.
void Queue::sift(Consumer& browser, std::vector<store::StoredEntry> entries, Position through) {
    const auto sift = std::make_shared<Sift>();
    sift->entries = std::move(entries);
    sift->through = through;
    sift->crash_horizon = crash_horizon_;
    sift->selectors = std::make_shared<const selector::ProgramSet>(std::vector<selector::ProgramPtr>{browser.selector});
    browser.reading = true;
    judge(sift, context_.workers, [host = &host_, id = id_, consumer = browser.id, generation = page_generation_, sift] {
        Queue* const queue = host->find(id);
        if (queue == nullptr) return;
        queue->sifted(consumer, generation, *sift);
        const auto found = queue->consumers_.find(consumer);
        if (sift->is_elsewhere && found != queue->consumers_.end()) queue->look_for_selected(*found->second);
    });
}

void Queue::sifted(ConsumerId id, std::uint64_t generation, Sift& sift) {
    const auto found = consumers_.find(id);
    if (found == consumers_.end()) return;
    Consumer& browser = *found->second;
    browser.reading = false;
    for (const auto& hit : sift.over_budget) count_over_budget(*browser.selector, *sift.entries[hit.entry].message);
    if (generation == page_generation_) {
        for (const auto& hit : sift.hits) {
            auto& stored = sift.entries[hit.entry];
            if (!is_gone_ahead(stored.key.position)) browser.read_ahead.push_back(std::move(stored));
        }
        browser.sifted_through = sift.through;
    }
    forget_gone_ahead();
}

bool Queue::is_gone_ahead(Position position) const { return selection_ && selection_->gone_ahead.contains(position); }

void Queue::count_over_budget(const selector::Program& program, const Message& message) {
    ++counters_.selectors_over_budget;
    // The first of every queue, and then ever fewer: a body that costs too much seldom comes alone.
    const auto count = counters_.selectors_over_budget;
    if ((count & (count - 1)) != 0) return;
    auto text = selector::print_sql(program.tree());
    if (text.size() > logged_bytes) text = text.substr(0, logged_bytes) + "...";
    log::warning("selector_over_budget",
                 {{"queue", settings_.name}, {"selector", text}, {"message", message.number.value}, {"times", count}});
}

}  // namespace giromq::core
