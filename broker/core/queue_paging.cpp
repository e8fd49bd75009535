#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

namespace giromq::core {
namespace {

constexpr std::uint32_t page_entries = 1024;
constexpr std::uint64_t page_bytes = 1024 * 1024;
/// With less than this left to deliver the next page is asked for, so that consumers need not wait for the store.
constexpr std::size_t low_water_entries = 512;
/// Behind every entry.
constexpr Position everything{std::numeric_limits<std::uint64_t>::max()};

}  // namespace

std::uint64_t Queue::window_budget() const {
    // A queue may use its own share, and of what nobody uses the half that is left after every such step.
    const auto total = context_.settings.memory_bytes;
    const auto free = total > context_.memory_bytes ? total - context_.memory_bytes : 0;
    return std::min(total, std::max(context_.settings.queue_window_bytes, free / 4));
}

bool Queue::retains(const Message& message) const {
    if (!reaches_tail_) return false;
    const bool fits = context_.memory_bytes + message.memory() <= context_.settings.memory_bytes;
    // A queue that is consumed has one message in memory in any case, so that they need not all go by way of the store.
    if (window_.empty()) return fits || consumers_.size() > browsers_.size();
    return fits && window_.size() < context_.settings.queue_window_messages * std::size_t{4} &&
           window_.bytes() + message.memory() <= window_budget();
}

bool Queue::wants_page() const {
    if (reaches_tail_ || page_under_way_ || closing_ || consumers_.size() == browsers_.size()) return false;
    const auto left = window_.slots() - scan_;
    if (left == 0) {
        const bool scarce = context_.memory_bytes >= context_.settings.memory_bytes;
        // What is on its way out gives memory back when its COMMIT returns; reading may be quicker than that.
        if (leaving_ > 0 && (scarce || window_.bytes() > window_budget())) return false;
        return !scarce || !ready_.empty();
    }
    return left < low_water_entries && window_.bytes() + page_bytes <= window_budget() &&
           context_.memory_bytes + page_bytes <= context_.settings.memory_bytes;
}

/// What expires behind the window holds room, and producers back, though nobody may come to consume it. So a queue whose window ran
/// empty by expiry reads on until it meets something that has not expired, and so does one that is full.
bool Queue::wants_page_to_expire() const {
    if (reaches_tail_ || page_under_way_ || !window_.empty()) return false;
    return (has_expired_ || producer_share() == 0) && context_.memory_bytes < context_.settings.memory_bytes / 2;
}

void Queue::read_page() {
    page_under_way_ = true;
    arrived_meanwhile_.clear();
    meanwhile_overflowed_ = false;
    meanwhile_bytes_ = 0;
    // Out of memory for all queues together, what others are reading included, a queue still moves on, in small steps.
    const bool fits = context_.memory_bytes + context_.reading_bytes + page_bytes <= context_.settings.memory_bytes;
    const store::PageLimits limits{.entries = page_entries, .bytes = fits ? page_bytes : page_bytes / 16};
    context_.reading_bytes += limits.bytes;
    context_.reads.page(
        id_, covered_through_, limits,
        [context = &context_, host = &host_, id = id_, generation = page_generation_, bytes = limits.bytes](Result<store::Page> page) {
            context->reading_bytes -= bytes;
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
    forget_gone_ahead();
    dispatch();
}

std::optional<Entry> Queue::entry_of(store::StoredEntry stored) {
    const auto branch = prepared_.find(stored.key.position);
    if (stored.message == nullptr) {
        // What a prepared branch has got is its own, damaged or not: it is read again if it comes back.
        if (branch == prepared_.end()) quarantine(stored);
        return std::nullopt;
    }
    Entry entry;
    entry.position = stored.key.position;
    entry.message = std::move(stored.message);
    entry.dead_letter = std::move(stored.dead_letter);
    entry.failed_deliveries = stored.delivery_count;
    entry.perhaps_delivered = stored.key.position < crash_horizon_;
    entry.is_volatile = stored.is_volatile;
    if (branch != prepared_.end()) {
        entry.state = EntryState::enlisted;
        entry.transaction = branch->second;
        // The end of its branch is in the store already, and is still to be heard of here: a rollback is counted then, and only once.
        if (!stored.locked_by.is_set() && entry.failed_deliveries > 0) --entry.failed_deliveries;
    }
    if (entry.may_expire()) may_expire_ = true;
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
    // What is still to be completed is visible from now on, even if the window lets it go again.
    durable_through_ = std::max(durable_through_, last);
    // The end of the snapshot is the tail if everything that became durable after it was kept aside, and fits.
    const bool sees_tail = page.end && !meanwhile_overflowed_;
    const auto through = sees_tail ? room_through(entries, last) : last;
    reaches_tail_ = through == everything;
    covered_through_ = reaches_tail_ ? last : through;
    for (auto& entry : arrived_meanwhile_) {
        if (entry.position <= through) entries.push_back(std::move(entry));
    }
    bring_in(std::move(entries), through);
}

/// How far the window has room for what came after the page, pending entries included, behind the page itself, which ends at `last`.
/// At least one has its place, or nothing would move on.
Position Queue::room_through(const std::vector<Entry>& page, Position last) {
    std::map<Position, std::uint64_t> later;
    for (const auto& entry : arrived_meanwhile_) later.emplace(entry.position, entry.message->memory());
    for (const auto& [position, entry] : outside_) later.emplace(position, entry.message->memory());
    auto count = window_.size() + page.size();
    std::uint64_t bytes = 0;
    for (const auto& entry : page) bytes += entry.message->memory();
    auto through = last;
    for (const auto& [position, memory] : later) {
        bytes += memory;
        ++count;
        const bool fits = count <= context_.settings.queue_window_messages * std::size_t{4} && window_.bytes() + bytes <= window_budget() &&
                          context_.memory_bytes + bytes <= context_.settings.memory_bytes;
        if (!fits && bytes > memory) return through;
        through = std::max(through, position);
    }
    return everything;
}

/// Merges durable entries into the window, and the pending ones up to `through` with them.
void Queue::bring_in(std::vector<Entry> entries, Position through) {
    if (selection_) {
        std::erase_if(entries, [this](const Entry& entry) { return selection_->gone_ahead.contains(entry.position); });
        // They know better than a page what became of them.
        auto strays = selection_->strays.take_through(through);
        entries.insert(entries.begin(), std::make_move_iterator(strays.begin()), std::make_move_iterator(strays.end()));
    }
    while (!outside_.empty() && outside_.begin()->first <= through) {
        entries.push_back(std::move(outside_.extract(outside_.begin()).mapped()));
    }
    if (entries.empty()) return;
    // Of an entry that a page already shows, and whose completion is still to come, the first, durable one stays.
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& left, const Entry& right) { return left.position < right.position; });
    const auto twice = [](const Entry& left, const Entry& right) { return left.position == right.position; };
    entries.erase(std::unique(entries.begin(), entries.end(), twice), entries.end());
    const auto first = entries.front().position;
    window_.merge(std::move(entries));
    rewind(first);
    account_memory();
}

void Queue::quarantine(const store::StoredEntry& stored) {
    ++counters_.quarantined;
    log::error("message_quarantined", {{"queue", settings_.name},
                                       {"message", stored.number.value},
                                       {"position", stored.key.position.value},
                                       {"reason", stored.damage},
                                       {"do", "look at the table quarantine of the store, and at the disk"}});
    quarantining_.push_back(stored.key.position);
    unit_begins();
    tx::UnitOfWork work;
    work.stage(store::QuarantineEntry{.key = stored.key,
                                      .number = stored.number,
                                      .message_bytes = stored.message_bytes,
                                      .is_volatile = stored.is_volatile,
                                      .reason = stored.damage,
                                      .time = context_.clock.wall_now()});
    work.then([host = &host_, id = id_, position = stored.key.position, bytes = stored.message_bytes](const store::UnitResult&) {
        Queue* const queue = host->find(id);
        if (queue == nullptr) return;
        std::erase(queue->quarantining_, position);
        --queue->messages_;
        queue->bytes_ -= bytes;
        queue->tell_room();
        queue->unit_ends();
    });
    context_.commit_until_durable(std::move(work));
}

/// True if the store gives back everything that is known of the entry: marks of torn connections are in memory only, and a count may
/// not be durable yet.
bool Queue::can_be_read_again(const Entry& entry) const {
    return entry.state == EntryState::available && entry.stored && entry.failed_deliveries == 0 &&
           (!entry.perhaps_delivered || entry.position < crash_horizon_);
}

void Queue::shrink() {
    park_again();
    if (page_under_way_ || consumers_.size() != browsers_.size()) return;
    // Of what is being purged or quarantined the store still has the rows.
    if (purges_under_way_ > 0 || !quarantining_.empty()) return;
    const auto before = window_.bytes();
    while (context_.memory_bytes > context_.settings.memory_bytes / 2) {
        Entry* const last = window_.back();
        if (last == nullptr || !can_be_read_again(*last)) break;
        reaches_tail_ = false;
        covered_through_ = Position{last->position.value - 1};
        window_.pop_back();
        account_memory();
    }
    // Looking at the end takes slots away that are gone, even if nothing is given back.
    scan_ = std::min(scan_, window_.slots());
    if (window_.bytes() != before) forget_read_ahead();
}

}  // namespace giromq::core
