#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

// Administrators look at a queue, stretch by stretch. The window tells what it has; of the rest the store tells what is there, and the
// core what has become of it since. Nothing stays behind in the queue: whoever looks says where to go on.

namespace giromq::core {
namespace {

constexpr std::uint32_t stretch_entries_max = 1024;
constexpr std::uint64_t stretch_bytes = 1024 * 1024;

}  // namespace

struct Queue::Looking {
    LookCommand command;
    Stretch look;
    std::shared_ptr<Sift> sift = std::make_shared<Sift>();
};

void Queue::look(LookCommand command) {
    auto looking = std::make_shared<Looking>();
    looking->look.through = command.after;
    command.entries_max = std::clamp<std::uint32_t>(command.entries_max, 1, stretch_entries_max);
    looking->command = std::move(command);
    look_on(std::move(looking));
}

void Queue::look_on(std::shared_ptr<Looking> looking) {
    if (look_at_window(*looking)) return sift_looked_at(std::move(looking));
    look_into_store(std::move(looking));
}

/// False if the store has to tell what is next.
bool Queue::look_at_window(Looking& looking) {
    Stretch& look = looking.look;
    std::uint64_t bytes = 0;
    for (auto index = window_.lower_bound(Position{look.through.value + 1}); index < window_.slots(); ++index) {
        const Entry& entry = window_.at(index);
        const auto state = shown_state(entry.position);
        if (state && entry.parked) return !look.items.empty();
        if (look.items.size() >= looking.command.entries_max || bytes >= stretch_bytes) return true;
        // What is behind a message that is not durable yet is looked at when it is.
        if (entry.state == EntryState::pending) break;
        look.through = entry.position;
        if (!state) continue;
        bytes += entry.message->memory();
        look.items.push_back({as_stored(entry), entry.delivery_count(), *state});
    }
    const bool is_blocked = window_.lower_bound(Position{look.through.value + 1}) < window_.slots();
    if (!is_blocked && !reaches_tail_) look.through = std::max(look.through, covered_through_);
    look.is_end = is_blocked || reaches_tail_ || look.through >= durable_through_;
    return look.is_end || !look.items.empty();
}

/// How the message at this position is shown; nothing if it is not.
std::optional<LookedAt::State> Queue::shown_state(Position position) {
    if (is_prepared(position)) return LookedAt::State::prepared;
    if (const Entry* const entry = find_entry(position)) {
        switch (entry->state) {
            case EntryState::available: return LookedAt::State::available;
            case EntryState::locked:
            case EntryState::enlisted: return LookedAt::State::delivering;
            case EntryState::pending:
            case EntryState::leaving:
            case EntryState::gone: return std::nullopt;
        }
    }
    const bool is_gone = is_covered(position) || is_gone_ahead(position) || outside_.contains(position);
    return is_gone ? std::nullopt : std::optional(LookedAt::State::available);
}

void Queue::look_into_store(std::shared_ptr<Looking> looking) {
    const store::PageLimits limits{.entries = looking->command.entries_max, .bytes = stretch_bytes};
    const auto after = looking->look.through;
    ++administrator_reads_;
    context_.reads.page(id_, after, limits, [host = &host_, id = id_, looking = std::move(looking)](Result<store::Page> page) mutable {
        Queue* const queue = host->find(id);
        if (queue == nullptr || queue->closing_) return looking->command.done(Error(errc::not_found));
        --queue->administrator_reads_;
        if (page) queue->take_looked_at(*looking, std::move(*page));
        queue->forget_gone_ahead();
        if (!page) return looking->command.done(Error(errc::not_ready, page.error().to_string()));
        queue->sift_looked_at(std::move(looking));
    });
}

void Queue::take_looked_at(Looking& looking, store::Page page) {
    Stretch& look = looking.look;
    // Of what is in memory only the store knows nothing: the window tells of it.
    const auto in_memory_only = window_.in_memory_only_behind(look.through);
    const auto is_beyond = [&](Position position) { return in_memory_only && position > *in_memory_only; };
    for (auto& stored : page.entries) {
        const auto position = stored.key.position;
        if (is_beyond(position)) break;
        look.through = position;
        auto state = shown_state(position);
        if (!state) continue;
        if (stored.message == nullptr) state = LookedAt::State::damaged;
        const Entry* const entry = find_entry(position);
        const auto count = entry != nullptr ? entry->delivery_count() : stored.delivery_count + (position < crash_horizon_ ? 1U : 0U);
        look.items.push_back({std::move(stored), count, *state});
    }
    if (in_memory_only) {
        if (page.end) look.through = std::max(look.through, Position{in_memory_only->value - 1});
        return;
    }
    look.is_end = page.end;
}

/// What is selected stays; that is found out where it does not hold up the core.
void Queue::sift_looked_at(std::shared_ptr<Looking> looking) {
    Stretch& look = looking->look;
    look.looked = look.items.size();
    if (looking->command.selector == nullptr || look.items.empty()) return looking->command.done(std::move(look));
    Sift& sift = *looking->sift;
    sift.crash_horizon = Position{};
    sift.selectors = std::make_shared<const selector::ProgramSet>(std::vector<selector::ProgramPtr>{looking->command.selector});
    for (const auto& item : look.items) {
        sift.entries.push_back(item.stored);
        sift.entries.back().delivery_count = item.delivery_count;
    }
    judge(looking->sift, context_.workers, [looking] {
        std::vector<LookedAt> selected;
        for (const auto& hit : looking->sift->hits) selected.push_back(std::move(looking->look.items[hit.entry]));
        looking->look.items = std::move(selected);
        looking->command.done(std::move(looking->look));
    });
}

}  // namespace giromq::core
