#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

// Administrators move and delete messages. Who does it holds them first, as a consumer does, so that nobody else gets them meanwhile; then
// each leaves this queue, and takes its place in another, in the same unit. Until the COMMIT of that it is shown in neither, and if the
// store refuses it the message is in its place as it was.

namespace giromq::core {
namespace {

constexpr store::PageLimits hold_limits{.entries = 64, .bytes = 512 * 1024};

}  // namespace

// Holding what was named

struct Queue::Holding {
    ConsumerId holder;
    std::vector<Position> positions;
    std::vector<Change> changes;  // so far
    UniqueFunction<void(std::vector<Change>)> done;

    bool is_complete() const { return changes.size() == positions.size(); }
    Position next() const { return positions[changes.size()]; }
    void give_up(Change change) { changes.resize(positions.size(), change); }
};

void Queue::hold(Consumer& holder, std::vector<Position> positions, UniqueFunction<void(std::vector<Change>)> done) {
    auto holding = std::make_shared<Holding>();
    holding->holder = holder.id;
    holding->positions = std::move(positions);
    holding->done = std::move(done);
    hold_on(std::move(holding));
}

void Queue::hold_on(std::shared_ptr<Holding> holding) {
    const auto holder = consumers_.find(holding->holder);
    if (holder == consumers_.end()) holding->give_up(Change::not_found);
    while (!holding->is_complete()) {
        const auto change = hold_in_memory(*holder->second, holding->next());
        if (!change) break;
        holding->changes.push_back(*change);
    }
    if (holding->is_complete()) return holding->done(std::move(holding->changes));
    ++administrator_reads_;
    const Position before{holding->next().value - 1};
    context_.reads.page(id_, before, hold_limits,
                        [host = &host_, id = id_, generation = page_generation_, holding = std::move(holding)](Result<store::Page> page) {
                            if (Queue* const queue = host->find(id)) {
                                queue->hold_from_page(holding, generation, std::move(page));
                            } else {
                                holding->give_up(Change::not_found);
                                holding->done(std::move(holding->changes));
                            }
                        });
}

/// Nothing if the store has to tell.
std::optional<Change> Queue::hold_in_memory(Consumer& holder, Position position) {
    if (is_prepared(position) || recalling_.contains(position)) return Change::locked;
    Entry* const entry = find_entry(position);
    if (entry == nullptr) {
        if (closing_ || is_covered(position) || is_gone_ahead(position) || outside_.contains(position)) return Change::not_found;
        return std::nullopt;
    }
    if (entry->state == EntryState::locked || entry->state == EntryState::enlisted) return Change::locked;
    if (entry->state != EntryState::available) return Change::not_found;
    if (entry->is_expired(context_.clock.wall_now())) return Change::expired;
    lock_for(holder, *entry);
    return Change::done;
}

void Queue::lock_for(Consumer& holder, Entry& entry) {
    entry.state = EntryState::locked;
    entry.holder = holder.id;
    ++locked_;
    ++holder.unsettled;
    is_out(entry.position, holder.id);
}

void Queue::hold_from_page(std::shared_ptr<Holding> holding, std::uint64_t generation, Result<store::Page> page) {
    --administrator_reads_;
    const auto holder = consumers_.find(holding->holder);
    if (!page.ok()) {
        log::error("page_not_read", {{"queue", settings_.name}, {"for", "administrator"}, {"error", page.error().to_string()}});
        holding->give_up(Change::not_found);
    }
    // After a purge what was read may be there no more: it is read again.
    if (page.ok() && holder != consumers_.end() && generation == page_generation_) {
        auto& entries = page->entries;
        const auto last = entries.empty() ? Position{} : entries.back().key.position;
        for (auto next = entries.begin(); !holding->is_complete() && (page->end || holding->next() <= last);) {
            const auto position = holding->next();
            while (next != entries.end() && next->key.position < position) ++next;
            // The window may have come to it meanwhile.
            auto change = hold_in_memory(*holder->second, position);
            const bool is_there = next != entries.end() && next->key.position == position;
            if (!change) change = is_there ? hold_stored(*holder->second, std::move(*next)) : Change::not_found;
            holding->changes.push_back(*change);
        }
    }
    forget_gone_ahead();
    hold_on(std::move(holding));
}

/// It is held ahead of the window, without its bytes: a move does not look at them.
Change Queue::hold_stored(Consumer& holder, store::StoredEntry stored) {
    if (stored.message == nullptr) return Change::damaged;
    if (stored.dead_letter == nullptr && stored.message->is_expired(context_.clock.wall_now())) return Change::expired;
    stored.message = without_bytes(*stored.message);
    auto entry = entry_of(std::move(stored));
    if (!entry) return Change::damaged;
    entry->parked = true;
    lock_for(holder, selection().strays.add(std::move(*entry)));
    account_memory();
    return Change::done;
}

// Changing what is held

struct Queue::Changing {
    std::vector<StagedGet> gets;
    ChangeCommand::Answer answer;
    UniqueFunction<void(ChangeCommand::Answer)> done;
};

void Queue::change(Consumer& holder, ChangeCommand command, Queue* target) {
    auto changing = std::make_shared<Changing>();
    changing->gets.reserve(command.positions.size());
    changing->answer.changes.reserve(command.positions.size());
    changing->done = std::move(command.done);
    tx::UnitOfWork work;
    std::vector<Position> kept;
    for (const auto position : command.positions) {
        Entry* const entry = find_entry(position);
        if (entry == nullptr || entry->state != EntryState::locked || entry->holder != holder.id) {
            changing->answer.changes.push_back(entry == nullptr ? Change::not_found : Change::locked);
            continue;
        }
        --holder.unsettled;
        const auto done = stage_change(*entry, command, target, work, *changing);
        changing->answer.changes.push_back(done);
        if (done != Change::done) kept.push_back(position);
    }
    for (const auto position : kept) {
        Entry* const entry = find_entry(position);
        keep_from(*entry, holder.id);
        unlock(*entry);
        give_back(*entry);
    }
    make_ready(holder);
    if (changing->gets.empty()) {
        dispatch();
        return changing->done(std::move(changing->answer));
    }
    // It is not this queue's unit alone: what follows must find it.
    unit_begins();
    work.then([host = &host_, id = id_, changing](const store::UnitResult& result) {
        if (Queue* const queue = host->find(id)) queue->change_ended(*changing, result);
        changing->done(std::move(changing->answer));
    });
    if (work.empty()) {
        work.settle(store::UnitResult{});  // all of it is in memory only
    } else {
        context_.commit(std::move(work));
    }
    dispatch();
}

Change Queue::stage_change(Entry& entry, const ChangeCommand& command, Queue* target, tx::UnitOfWork& work, Changing& changing) {
    StagedGet get;
    get.position = entry.position;
    get.bytes = entry.message->size();
    get.kind = StagedGet::Kind::removal;
    if (command.kind != ChangeCommand::Kind::remove) {
        auto refusal = Change::done;
        if (command.kind == ChangeCommand::Kind::retry) target = origin_of(entry, command, refusal);
        if (refusal != Change::done) return refusal;
        if (target->refusal(get.bytes)) return Change::resource_limit;
        get.kind = StagedGet::Kind::move;
        get.target = target->id();
        get.arrival = {.message = entry.message,
                       .dead_letter = command.kind == ChangeCommand::Kind::move ? entry.dead_letter : nullptr,
                       .keeps = keeps(entry),
                       .parked = entry.parked};
    }
    entry.state = EntryState::leaving;
    --locked_;
    ++leaving_;
    if (entry.stored) work.stage(removal_of(entry, get.kind == StagedGet::Kind::removal));
    if (get.kind == StagedGet::Kind::move) {
        get.placed = target->place(get.arrival, work, entry.stored, Showing::with_commit);
        // Only now it comes into the store.
        if (!entry.stored && !get.placed.in_memory_only) work.grow(get.bytes);
        target->tell_room();
        target->unit_begins();
    }
    changing.gets.push_back(std::move(get));
    return Change::done;
}

/// Where a dead letter came from; null with the reason if it cannot go back.
Queue* Queue::origin_of(const Entry& entry, const ChangeCommand& command, Change& refusal) {
    Queue* const origin = entry.dead_letter == nullptr ? nullptr : host_.find_name(entry.dead_letter->origin);
    if (origin == nullptr || origin->closing() || origin->is_temporary() || origin == this) {
        refusal = Change::no_origin;
        return nullptr;
    }
    if (command.may_go_to && !command.may_go_to(origin->settings().name)) refusal = Change::not_permitted;
    if (entry.message->is_expired(context_.clock.wall_now())) refusal = Change::expired;
    return origin;
}

void Queue::change_ended(Changing& changing, const store::UnitResult& result) {
    std::set<DestinationId> targets;
    for (const auto& get : changing.gets) {
        if (result.durable) {
            --leaving_;
            removed(get.position, get.bytes);
        } else {
            change_is_refused(get);
        }
        if (get.kind != StagedGet::Kind::move) continue;
        moved(get, result.durable);
        targets.insert(get.target);
    }
    if (!result.durable) changing.answer.refused = Error(errc::not_ready, result.error.to_string());
    for (const auto target : targets) {
        if (Queue* const queue = host_.find(target)) queue->dispatch();
    }
    dispatch();
    unit_ends();
}

void Queue::change_is_refused(const StagedGet& get) {
    --leaving_;
    Entry* const entry = find_entry(get.position);
    if (entry == nullptr || entry->state != EntryState::leaving) return;
    entry->state = EntryState::available;
    entry->holder = {};
    is_decided(entry->position);
    give_back(*entry);
}

}  // namespace giromq::core
