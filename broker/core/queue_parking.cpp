#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

// What consumers hold need not lie in memory here: the connection has its bytes until they are sent, and the store has them until the
// message is settled. When memory is scarce only the facts stay, and a message that comes back is read again before it is shown.

namespace giromq::core {
namespace {

constexpr store::PageLimits fetch_limits{.entries = 64, .bytes = 256 * 1024};

}  // namespace

MessagePtr without_bytes(const Message& message) {
    auto facts = std::make_shared<Message>(message);
    facts->chunked_bytes = message.size();
    facts->annotations = {};
    facts->bare = {};
    return facts;
}

MessagePtr facts_of(MessageNumber number, std::uint64_t bytes) {
    auto facts = std::make_shared<Message>();
    facts->number = number;
    facts->durable = true;
    facts->chunked_bytes = bytes;
    return facts;
}

void Queue::park(Entry& entry) {
    const bool is_worth_it = entry.message->memory() > 2 * sizeof(Message);
    if (!entry.stored || entry.parked || !is_worth_it || !context_.memory_is_scarce()) return;
    entry.parked = true;
    replace_message(entry, without_bytes(*entry.message));
    account_memory();
}

void Queue::fetch(Position position) {
    if (std::exchange(fetch_under_way_, true)) return;
    context_.reads.page(id_, Position{position.value - 1}, fetch_limits, [host = &host_, id = id_](Result<store::Page> page) {
        if (Queue* const queue = host->find(id)) queue->fetched(std::move(page));
    });
}

/// What was fetched and nobody has taken, since a browser has only looked at it, or a selector has passed it by, is not kept for longer
/// than the next fetch, or all that consumers have given back would come to lie in memory. But what is being judged may be given out when
/// that is over: two of them would take turns in fetching.
void Queue::park_again() {
    for (const auto position : std::exchange(fetched_, {})) {
        if (selection_ && selection_->is_judging(position)) {
            fetched_.push_back(position);
            continue;
        }
        Entry* const entry = find_entry(position);
        if (entry != nullptr && entry->state == EntryState::available) park(*entry);
    }
}

void Queue::fetched(Result<store::Page> page) {
    fetch_under_way_ = false;
    if (closing_) return;
    if (!page.ok()) {
        // Tried again at the next tick.
        log::error("page_not_read", {{"queue", settings_.name}, {"for", "redelivery"}, {"error", page.error().to_string()}});
        return;
    }
    park_again();
    for (auto& stored : page->entries) {
        Entry* const entry = find_entry(stored.key.position);
        if (entry == nullptr || !entry->parked || entry->state != EntryState::available) continue;
        if (stored.message == nullptr) {
            take_out(*entry);
            quarantine(stored);
            continue;
        }
        entry->parked = false;
        replace_message(*entry, std::move(stored.message));
        fetched_.push_back(entry->position);
    }
    account_memory();
    dispatch();
}

}  // namespace giromq::core
