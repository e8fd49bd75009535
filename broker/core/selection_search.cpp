#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "core/queue.hpp"
#include "core/selection.hpp"

// Groups that have not seen everything look through the queue: first what the window has, then the store, page by page. All that are at
// it look at the same stretch at the same time, so that many of them read it once.

namespace giromq::core {
namespace {

/// Of the window so much is judged at a time.
constexpr std::size_t window_entries = 256;
constexpr std::uint64_t stretch_bytes = 1024 * 1024;
/// Pages grow while most of what is read is not for anybody, and shrink when it cannot be given out.
constexpr std::uint32_t page_entries_max = 1024;
constexpr std::uint32_t page_entries_min = 16;
/// With so much found a group looks no further.
constexpr std::size_t found_enough = 256;

}  // namespace

SelectorGroup* Selection::find(std::uint64_t id) {
    const auto found = groups_.find(id);
    return found == groups_.end() ? nullptr : found->second.get();
}

/// Somebody for whom there may be something at this position, or behind it.
bool Selection::has_taker(const SelectorGroup& group, Position position) const {
    return std::any_of(group.ready.begin(), group.ready.end(), [this, position](const Consumer* consumer) {
        return queue_.can_take(*consumer) && queue_.may_have(*consumer, position);
    });
}

void Selection::search() {
    while (!searching_ && search_once()) {
    }
}

/// True if there may be more to do at once.
bool Selection::search_once() {
    if (!recheck_.empty()) return search_returned();
    std::vector<SelectorGroup*> searchers;
    Position start;
    for (SelectorGroup* const group : behind_) {
        if (group->found.size() >= found_enough || !has_taker(*group, Position{group->through.value + 1})) continue;
        start = searchers.empty() ? group->through : std::min(start, group->through);
        searchers.push_back(group);
    }
    return !searchers.empty() && search_window(searchers, start);
}

Selection::Search Selection::new_search(const std::vector<SelectorGroup*>& searchers) {
    Search search;
    search.sift = std::make_shared<Sift>();
    search.sift->crash_horizon = queue_.crash_horizon_;
    search.sift->selectors = set_of(searchers);
    search.generation = queue_.page_generation_;
    for (const SelectorGroup* const group : searchers) search.searchers.push_back({group->id, group->through, false});
    return search;
}

std::shared_ptr<const selector::ProgramSet> Selection::set_of(const std::vector<SelectorGroup*>& searchers) {
    std::vector<std::uint64_t> ids;
    for (const SelectorGroup* const group : searchers) ids.push_back(group->id);
    if (search_set_ != nullptr && ids == search_set_groups_) return search_set_;
    std::vector<selector::ProgramPtr> programs;
    for (const SelectorGroup* const group : searchers) programs.push_back(group->program);
    search_set_ = std::make_shared<const selector::ProgramSet>(std::move(programs));
    search_set_groups_ = std::move(ids);
    return search_set_;
}

/// What came back is judged again by the selectors that look into bodies; the others have seen it already.
bool Selection::search_returned() {
    std::vector<SelectorGroup*> searchers;
    for (SelectorGroup* const group : behind_) {
        if (group->program->looks_into_body()) searchers.push_back(group);
    }
    Search search = new_search(searchers);
    search.again = true;
    judging_again_from_ = *recheck_.begin();
    while (!recheck_.empty() && search.sift->entries.size() < window_entries) {
        const Position position = *recheck_.begin();
        Entry* const entry = queue_.find_entry(position);
        recheck_.erase(recheck_.begin());
        if (entry == nullptr || entry->state != EntryState::available) continue;
        if (entry->parked) {
            parked_.insert(position);
        } else {
            search.sift->entries.push_back(queue_.as_stored(*entry));
        }
    }
    if (!search.sift->entries.empty()) return begin(std::move(search));
    judging_again_from_.reset();
    return true;
}

bool Selection::search_window(const std::vector<SelectorGroup*>& searchers, Position start) {
    Window& window = queue_.window_;
    const auto now = queue_.context_.clock.wall_now();
    std::vector<store::StoredEntry> entries;
    std::uint64_t bytes = 0;
    Position through = start;
    bool is_blocked = false;
    bool is_parked = false;
    for (auto index = window.lower_bound(Position{start.value + 1}); index < window.slots(); ++index) {
        const Entry& entry = window.at(index);
        is_parked = entry.state == EntryState::available && entry.parked;
        is_blocked = entry.state == EntryState::pending || is_parked;
        if (is_blocked || entries.size() >= window_entries || bytes >= stretch_bytes) break;
        through = entry.position;
        if (entry.state != EntryState::available || entry.is_expired(now)) continue;
        bytes += entry.message->memory();
        entries.push_back(queue_.as_stored(entry));
    }
    if (!entries.empty()) {
        Search search = new_search(searchers);
        search.sift->entries = std::move(entries);
        search.sift->through = through;
        return begin(std::move(search));
    }
    for (SelectorGroup* const group : searchers) group->through = std::max(group->through, through);
    if (is_parked) return fetch_next(through);
    if (!is_blocked && !queue_.reaches_tail_) return search_store(searchers, through);
    // What a refused unit keeps pending is not passed over, although what is behind it may be durable already.
    const bool sees_all = queue_.reaches_tail_ || queue_.durable_through_ <= queue_.covered_through_;
    return sees_all && let_follow(searchers);
}

/// The entry behind `position` has to be read again before anybody is shown it, or what is behind it.
bool Selection::fetch_next(Position position) {
    parked_.insert(queue_.window_.at(queue_.window_.lower_bound(Position{position.value + 1})).position);
    return false;
}

/// They have seen everything that is visible.
bool Selection::let_follow(const std::vector<SelectorGroup*>& searchers) {
    bool some = false;
    for (SelectorGroup* const group : searchers) {
        if (group->program->looks_into_body()) continue;
        follow(*group);
        some = true;
    }
    return some;
}

bool Selection::search_store(const std::vector<SelectorGroup*>& searchers, Position start) {
    const auto from = std::max(start, queue_.covered_through_);
    for (SelectorGroup* const group : searchers) group->through = std::max(group->through, from);
    if (from >= queue_.durable_through_) return let_follow(searchers);
    auto asked_through = queue_.durable_through_;
    if (!queue_.outside_.empty()) asked_through = std::min(asked_through, Position{queue_.outside_.begin()->first.value - 1});
    if (from >= asked_through) return false;
    // The window is about to get the same page.
    if (queue_.page_under_way_ && from == queue_.covered_through_) return false;
    Context& context = queue_.context_;
    const bool fits = context.memory_bytes + context.reading_bytes + stretch_bytes <= context.settings.memory_bytes;
    const store::PageLimits limits{.entries = page_entries_, .bytes = fits ? stretch_bytes : stretch_bytes / 16};
    context.reading_bytes += limits.bytes;
    searching_ = true;
    context.reads.page(queue_.id_, from, limits,
                       [context = &context, host = &queue_.host_, id = queue_.id_, bytes = limits.bytes, search = new_search(searchers),
                        asked_through](Result<store::Page> page) mutable {
                           context->reading_bytes -= bytes;
                           if (Queue* const queue = host->find(id)) {
                               queue->selection_->page_read(std::move(search), asked_through, std::move(page));
                           }
                       });
    return false;
}

void Selection::page_read(Search search, Position asked_through, Result<store::Page> page) {
    if (queue_.closing_) return;
    if (!page.ok()) {
        // Tried again at the next tick.
        log::error("page_not_read", {{"queue", queue_.settings_.name}, {"for", "selectors"}, {"error", page.error().to_string()}});
        return over(search);
    }
    // What became durable since then is looked at next time: its completion may still be to come.
    auto& entries = page->entries;
    const bool is_end = page->end || (!entries.empty() && entries.back().key.position > asked_through);
    while (!entries.empty() && entries.back().key.position > asked_through) entries.pop_back();
    search.sift->through = is_end || entries.empty() ? asked_through : entries.back().key.position;
    search.sift->from_store = true;
    search.sift->entries = std::move(entries);
    begin(std::move(search));
}

/// True if it is done already.
bool Selection::begin(Search search) {
    searching_ = true;
    const auto sift = search.sift;
    judging_from_ = sift->entries.empty() ? Position{} : sift->entries.front().key.position;
    judging_through_ = sift->entries.empty() || sift->from_store ? Position{} : sift->entries.back().key.position;
    return judge(sift, queue_.context_.workers, [host = &queue_.host_, id = queue_.id_, search = std::move(search)]() mutable {
        Queue* const queue = host->find(id);
        if (queue != nullptr && !queue->closing_) queue->selection_->judged(search);
    });
}

void Selection::judged(Search& search) {
    judging_again_from_.reset();
    // A purge has come between: what was read may be there no more.
    const bool is_stale = search.sift->from_store && search.generation != queue_.page_generation_;
    if (!is_stale) {
        take_hits(search);
        if (!search.again) advance(search);
    }
    over(search);
    queue_.dispatch();
}

void Selection::take_hits(Search& search) {
    const Sift& sift = *search.sift;
    for (const auto& hit : sift.over_budget) {
        if (const SelectorGroup* const group = find(search.searchers[hit.program].group)) {
            queue_.count_over_budget(*group->program, *sift.entries[hit.entry].message);
        }
    }
    for (std::size_t first = 0; first < sift.hits.size();) {
        std::size_t last = first;
        while (last < sift.hits.size() && sift.hits[last].entry == sift.hits[first].entry) ++last;
        const auto wanting = still_searching(search, sift.hits[first].entry, first, last);
        if (!wanting.empty()) found(search, sift.hits[first].entry, wanting);
        first = last;
    }
}

/// Of the groups that hit this entry those that are still where they were when the search began.
std::vector<SelectorGroup*> Selection::still_searching(Search& search, std::uint32_t entry, std::size_t first_hit, std::size_t last_hit) {
    const Position position = search.sift->entries[entry].key.position;
    std::vector<SelectorGroup*> wanting;
    for (auto hit = first_hit; hit < last_hit; ++hit) {
        const Searcher& searcher = search.searchers[search.sift->hits[hit].program];
        SelectorGroup* const group = find(searcher.group);
        if (group == nullptr || searcher.stopped) continue;
        const bool is_there = !group->follows && group->through == searcher.through;
        if (search.again ? position <= seen(*group) : is_there && position > group->through) wanting.push_back(group);
    }
    return wanting;
}

/// Nothing is taken out of the store for a group none of whose consumers can take it now: it looks on from here when one can.
void Selection::stop_without_takers(Search& search, Position position, std::vector<SelectorGroup*>& wanting) {
    std::erase_if(wanting, [&](SelectorGroup* group) {
        if (has_taker(*group, position)) return false;
        const auto searcher =
            std::find_if(search.searchers.begin(), search.searchers.end(), [&](const Searcher& one) { return one.group == group->id; });
        searcher->stopped = true;
        const Position before{position.value - 1};
        if (search.again) {
            fall_behind(*group, before);
        } else {
            group->through = before;
        }
        return true;
    });
}

void Selection::found(Search& search, std::uint32_t index, const std::vector<SelectorGroup*>& hit) {
    store::StoredEntry& stored = search.sift->entries[index];
    const Position position = stored.key.position;
    const auto now = queue_.context_.clock.wall_now();
    auto wanting = hit;
    Entry* entry = queue_.find_entry(position);
    if (entry == nullptr) {
        // The window, or who removed it, knows better than the page.
        const bool is_free = !queue_.is_covered(position) && !gone_ahead.contains(position) && !queue_.is_prepared(position);
        if (!search.sift->from_store || !is_free) return;
        if (stored.dead_letter == nullptr && stored.message->is_expired(now)) return;
        stop_without_takers(search, position, wanting);
        if (wanting.empty()) return;
        entry = &strays.add(std::move(*queue_.entry_of(std::move(stored))));
        queue_.account_memory();
    } else if (entry->state != EntryState::available || entry->is_expired(now)) {
        return;  // it is offered again if it comes back
    } else if (entry->parked) {
        parked_.insert(position);
        return;
    } else if (strays.find(position) != nullptr) {
        const Strays::Hold kept(strays, position);
        stop_without_takers(search, position, wanting);
    }
    give(*entry, wanting);
    prune(position);
}

void Selection::advance(const Search& search) {
    bool some_stopped = false;
    for (const Searcher& searcher : search.searchers) {
        SelectorGroup* const group = find(searcher.group);
        some_stopped = some_stopped || searcher.stopped;
        if (group == nullptr || searcher.stopped || group->follows || group->through != searcher.through) continue;
        group->through = std::max(group->through, search.sift->through);
    }
    if (!search.sift->from_store) return;
    page_entries_ = some_stopped ? std::max(page_entries_min, page_entries_ / 2) : std::min(page_entries_max, page_entries_ * 2);
}

void Selection::over(const Search& search) {
    searching_ = false;
    queue_.forget_gone_ahead();
    for (const auto position : std::exchange(back_meanwhile_, {})) {
        Entry* const entry = queue_.find_entry(position);
        if (entry != nullptr && entry->state == EntryState::available) returned(*entry);
    }
    if (!search.again) return;
    for (const auto& stored : search.sift->entries) prune(stored.key.position);
}

}  // namespace giromq::core
