#include "core/queue.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/selection.hpp"

namespace giromq::core {
namespace {

/// How far ahead of the newest entry the delivery horizon is set; one row update for so many positions.
constexpr std::uint64_t horizon_step = 1000;

/// How large the first message of a queue is taken to be.
constexpr std::uint64_t unknown_message_bytes = 64 * 1024;

std::uint64_t left_of(std::uint64_t limit, std::uint64_t used) { return limit > used ? limit - used : 0; }

}  // namespace

Queue::Queue(DestinationId id, DestinationSettings settings, Timestamp created_at, Context& context, QueueHost& host)
    : id_(id), settings_(std::move(settings)), created_at_(created_at), context_(context), host_(host) {}

Queue::~Queue() { context_.memory_bytes -= accounted_bytes_; }

void Queue::recover(const store::StoredDestination& stored) {
    messages_ = stored.messages;
    bytes_ = stored.bytes;
    has_row_ = true;
    // The horizon goes ahead of what was delivered; the positions there are given again, to messages that nobody has seen.
    crash_horizon_ = horizon_durable_ = horizon_staged_ = std::min(stored.crash_horizon, context_.next_position());
    reaches_tail_ = messages_ == 0;
    covered_through_ = Position{0};
    completed_through_ = durable_through_ = Position{context_.next_position().value - 1};
}

std::optional<Error> Queue::refusal(std::uint64_t bytes) const {
    if (settings_.max_messages != 0 && messages_ + pending_messages_ >= settings_.max_messages) {
        return Error(errc::resource_limit, "queue '" + settings_.name + "' holds its maximum of " + std::to_string(settings_.max_messages) +
                                               " messages; consume some or raise the limit");
    }
    if (settings_.max_bytes != 0 && bytes_ + pending_bytes_ + bytes > settings_.max_bytes) {
        return Error(errc::resource_limit, "queue '" + settings_.name + "' holds its maximum of " + std::to_string(settings_.max_bytes) +
                                               " bytes; consume some or raise the limit");
    }
    return std::nullopt;
}

bool Queue::unused() const {
    return messages_ == 0 && pending_messages_ == 0 && consumers_.empty() && producer_count == 0 && units_under_way_ == 0;
}

std::uint32_t Queue::producer_share() const {
    const auto messages = messages_ + pending_messages_;
    const auto bytes = bytes_ + pending_bytes_;
    auto room = std::numeric_limits<std::uint64_t>::max();
    if (settings_.max_messages != 0) room = left_of(settings_.max_messages, messages);
    if (const auto room_bytes = left_of(settings_.max_bytes, bytes); settings_.max_bytes != 0) {
        // Messages to come are taken to be as large as those that are there.
        const auto usual = messages == 0 ? unknown_message_bytes : std::max<std::uint64_t>(1, bytes / messages);
        room = std::min(room, room_bytes == 0 ? 0 : std::max<std::uint64_t>(1, room_bytes / usual));
    }
    if (room == 0) return 0;
    const auto share = std::max<std::uint64_t>(1, room / 2 / std::max(1U, producer_count));
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(share, context_.settings.producer_window));
}

bool Queue::has_room_again() const {
    constexpr std::uint64_t part = 16;
    return (settings_.max_messages == 0 ||
            left_of(settings_.max_messages, messages_ + pending_messages_) >= settings_.max_messages / part) &&
           (settings_.max_bytes == 0 || left_of(settings_.max_bytes, bytes_ + pending_bytes_) >= settings_.max_bytes / part);
}

void Queue::tell_room() {
    if (settings_.overflow == OverflowPolicy::hold) host_.room_changed(*this);
}

Entry Queue::make_entry(Position position, const Arrival& arrival) const {
    Entry entry;
    entry.position = position;
    entry.message = arrival.message;
    entry.dead_letter = arrival.dead_letter;
    entry.is_volatile = !(arrival.keeps && !is_temporary());
    entry.parked = arrival.parked;
    return entry;
}

Queue::Placed Queue::place(const Arrival& arrival, tx::UnitOfWork& work, bool message_is_stored, Showing showing) {
    Placed placed;
    placed.position = context_.take_position();
    Entry entry = make_entry(placed.position, arrival);
    const Message& message = *arrival.message;
    if (entry.may_expire()) may_expire_ = true;
    const bool retained = retains(message);
    // A non-persistent message lives in memory while the window has room for it, and spills into the store otherwise.
    if (entry.is_volatile && retained && !message_is_stored && message.chunk_count == 0) {
        entry.stored = false;
        placed.in_memory_only = true;
        placed.staged = showing == Showing::with_commit;
        if (placed.staged) entry.state = EntryState::pending;
        window_.append(std::move(entry));
        account_memory();
        ++(placed.staged ? pending_messages_ : messages_);
        (placed.staged ? pending_bytes_ : bytes_) += message.size();
        if (!placed.staged) ++counters_.enqueued;
        return placed;
    }
    placed.staged = true;
    ++pending_messages_;
    pending_bytes_ += message.size();
    if (!has_row()) work.stage(row());
    if (!message_is_stored) work.stage(store::PutMessage{arrival.message});
    work.stage(store::PutEntry{.key = {.destination = id_, .position = placed.position},
                               .number = message.number,
                               .message_bytes = message.size(),
                               .delivery_count = 0,
                               .due_at = message.due_at,
                               .is_volatile = entry.is_volatile,
                               .dead_letter = arrival.dead_letter});
    if (!entry.is_volatile) stage_horizon_with(placed, work);
    entry.state = EntryState::pending;
    if (retained) {
        window_.append(std::move(entry));
        account_memory();
    } else {
        if (std::exchange(reaches_tail_, false)) covered_through_ = Position{placed.position.value - 1};
        outside_.emplace_hint(outside_.end(), placed.position, std::move(entry));
    }
    return placed;
}

/// Somebody is waiting for it, most likely: the horizon goes ahead with it, so that delivering it needs no commit of its own.
void Queue::stage_horizon_with(Placed& placed, tx::UnitOfWork& work) {
    if (consumers_.empty() || placed.position < horizon_staged_) return;
    placed.horizon = horizon_staged_ = Position{placed.position.value + horizon_step};
    work.stage(store::SetHorizon{id_, placed.horizon});
}

void Queue::commit_arrival(const Placed& placed, const Arrival& arrival) {
    const auto bytes = arrival.message->size();
    --pending_messages_;
    pending_bytes_ -= bytes;
    ++messages_;
    bytes_ += bytes;
    ++counters_.enqueued;
    if (!placed.in_memory_only) {
        has_row_ = true;
        completed_through_ = std::max(completed_through_, placed.position);
        durable_through_ = std::max(durable_through_, placed.position);
    }
    horizon_durable_ = std::max(horizon_durable_, placed.horizon);
    if (Entry* const entry = window_.find(placed.position)) {
        // A page may have brought it already, and a consumer may hold it.
        if (entry->state == EntryState::pending) entry->state = EntryState::available;
    }
    auto node = outside_.extract(placed.position);
    if (node.empty()) {
        // If the window has it no more, a page brought it before this, and it was let go again for want of memory.
        if (selection_ && !is_covered(placed.position)) selection_->missed(placed.position);
        return;
    }
    if (selection_) selection_->arrived_behind(placed.position, arrival);
    if (!page_under_way_) return;
    node.mapped().state = EntryState::available;
    keep_aside(std::move(node.mapped()));
}

void Queue::refuse_arrival(const Placed& placed, const Arrival& arrival) {
    --pending_messages_;
    pending_bytes_ -= arrival.message->size();
    horizon_staged_ = horizon_durable_;
    if (outside_.erase(placed.position) > 0) return;
    if (Entry* const entry = window_.find(placed.position)) take_out(*entry);
}

void Queue::keep_aside(Entry entry) {
    constexpr std::uint64_t aside_bytes_max = 1024 * 1024;
    meanwhile_bytes_ += entry.message->memory();
    meanwhile_overflowed_ = meanwhile_overflowed_ || meanwhile_bytes_ > aside_bytes_max;
    if (!meanwhile_overflowed_) arrived_meanwhile_.push_back(std::move(entry));
}

void Queue::account_memory() {
    const auto bytes = window_.bytes() + (selection_ ? selection_->strays.bytes() : 0);
    context_.memory_bytes += bytes - accounted_bytes_;
    accounted_bytes_ = bytes;
}

void Queue::take_out(Entry& entry) {
    is_decided(entry.position);
    if (selection_ && selection_->strays.holds(entry)) {
        selection_->strays.remove(entry.position);
    } else {
        window_.remove(entry);
    }
    account_memory();
}

Entry* Queue::find_entry(Position position) {
    if (Entry* const entry = window_.find(position)) return entry;
    auto* const stray = selection_ ? selection_->strays.find(position) : nullptr;
    return stray == nullptr ? nullptr : &stray->entry;
}

void Queue::replace_message(Entry& entry, MessagePtr message) {
    if (selection_ && selection_->strays.holds(entry)) {
        selection_->strays.replace(entry, std::move(message));
    } else {
        window_.replace(entry, std::move(message));
    }
}

store::StoredEntry Queue::as_stored(const Entry& entry) const {
    store::StoredEntry stored;
    stored.key = {.destination = id_, .position = entry.position};
    stored.number = entry.message->number;
    stored.message_bytes = entry.message->size();
    stored.delivery_count = entry.delivery_count() - (entry.position < crash_horizon_ && entry.perhaps_delivered ? 1U : 0U);
    stored.is_volatile = entry.is_volatile;
    stored.dead_letter = entry.dead_letter;
    stored.message = entry.message;
    return stored;
}

void Queue::forget_gone_ahead() {
    if (!selection_ || selection_->gone_ahead.empty() || page_under_way_ || selection_->is_searching()) return;
    if (administrator_reads_ > 0) return;
    const bool reading = std::any_of(browsers_.begin(), browsers_.end(), [](const Consumer* browser) { return browser->reading; });
    if (!reading) selection_->gone_ahead.clear();
}

Selection& Queue::selection() {
    if (!selection_) selection_ = std::make_unique<Selection>(*this);
    return *selection_;
}

QueueView Queue::view() const {
    QueueView view;
    view.id = id_;
    view.settings = settings_;
    view.created_at = created_at_;
    view.messages = messages_;
    view.bytes = bytes_;
    view.oldest_arrived_at = oldest_arrived_at();
    view.delivering = locked_;
    view.window_messages = window_.size();
    view.consumers = static_cast<std::uint32_t>(consumers_.size()) - administrators_;
    view.producers = producer_count;
    view.enqueued = counters_.enqueued;
    view.delivered = counters_.delivered;
    view.redelivered = counters_.redelivered;
    view.acknowledged = counters_.acknowledged;
    view.expired = counters_.expired;
    view.dead_lettered = counters_.dead_lettered;
    view.duplicates = counters_.duplicates;
    view.quarantined = counters_.quarantined;
    view.selectors_over_budget = counters_.selectors_over_budget;
    view.selectors = selection_ ? static_cast<std::uint32_t>(selection_->size()) : 0;
    return view;
}

}  // namespace giromq::core
