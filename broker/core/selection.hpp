#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/sift.hpp"
#include "core/strays.hpp"
#include "model/ids.hpp"

namespace giromq::core {

class Queue;
struct Arrival;
struct Consumer;

/// The position that comes before another one.
constexpr Position before(Position position) { return Position{position.value - 1}; }

/// The consumers of a queue that have the same selector, and how far it has looked.
struct SelectorGroup {
    std::uint64_t id = 0;
    selector::ProgramPtr program;
    std::vector<Consumer*> members;
    std::deque<Consumer*> ready;
    /// Everything up to here was looked at; what is selected of it, and not yet delivered, is in `found`.
    Position through;
    /// It has seen everything that is visible: what becomes visible is offered to it at once. Never one that looks into bodies.
    bool follows = false;
    std::set<Position> found;
    std::optional<Position> barred;  // the first that no member may have again (modified{undeliverable-here})
    bool counts_deliveries = false;  // the selector asks for JMSXDeliveryCount, which changes
    bool listed = false;             // among those to be served
};

/// The consumers of one queue that have selectors. None of them holds up the queue or another: each distinct selector has its own cursor
/// over the queue, in the window and, behind it, over the store (docs/adr/0009-selecting-consumers.md).
///
/// A cursor that has seen everything follows: arrivals are offered to it (selection.cpp). One that is behind searches: stretches of the
/// window, then pages of the store, are judged in place if that is quick, otherwise by a worker (selection_search.cpp).
class Selection {
public:
    explicit Selection(Queue& queue) : queue_(queue) {}

    void add(Consumer& consumer);
    void remove(Consumer& consumer);
    void close();
    bool empty() const { return groups_.empty(); }
    std::size_t size() const { return groups_.size(); }

    /// The consumer can take something.
    void make_ready(Consumer& consumer);
    /// The next visible entry of the window, in order. It is locked afterwards if one of the consumers here was its taker.
    void offer(Entry& entry);
    /// The same for one that became durable behind the window.
    void arrived_behind(Position position, const Arrival& arrival);
    /// It is visible in the store, and nobody who follows was told of it.
    void missed(Position position);
    /// The same of one that is visible again: a prepared branch had got it.
    void came_back(Position position);
    /// The entry is available again.
    void returned(Entry& entry);
    /// Gives out what can be given out, and searches on.
    void dispatch();
    /// There is nothing for this consumer, now.
    bool nothing_more(const Consumer& consumer) const;
    bool nothing_found_for(const Consumer& consumer, std::optional<Position> limit) const;
    bool is_searching() const { return searching_; }
    /// A worker may be looking at this one, as it lay in memory.
    bool is_judging(Position position) const { return searching_ && position >= judging_from_ && position <= judging_through_; }
    /// The last stray, behind `after`, that a consumer has or may have had.
    Position last_told(Position after) const;

    Strays strays;
    /// Strays removed while something was read that may still show them.
    std::set<Position> gone_ahead;

private:
    // selection_giving.cpp
    Consumer* front(SelectorGroup& group, const Entry& entry);
    bool may_have(const Consumer& consumer, Position position) const;
    bool is_held_up(const SelectorGroup& group, Position position) const;
    std::optional<Position> first_to_judge_again() const;
    bool is_barred_to_all(const SelectorGroup& group, const Entry& entry) const;
    bool horizon_covers(const Entry& entry);
    static bool waits_for_earlier(const SelectorGroup& group, Position position);
    bool give(Entry& entry, const std::vector<SelectorGroup*>& groups);
    void deliver(SelectorGroup& group, Consumer& consumer, Entry& entry);
    bool want(SelectorGroup& group, Position position);
    std::set<Position>::iterator unwant(SelectorGroup& group, std::set<Position>::iterator place);
    void prune(Position position);
    void serve(SelectorGroup& group);
    bool serve_next(SelectorGroup& group, std::set<Position>::iterator& next);
    void look_ahead_for_horizon(const SelectorGroup& group, std::set<Position>::const_iterator next);
    void forget(SelectorGroup& group);
    void let_strays_go(SelectorGroup& group);
    void list(SelectorGroup& group);
    void hold(SelectorGroup& group, const Entry& entry);
    void serve_listed();
    void offer_window();
    void fetch_parked();
    bool plain_consumer_is_first(const Entry& entry, const Consumer& consumer) const;
    Position seen(const SelectorGroup& group) const;
    void follow(SelectorGroup& group);
    void fall_behind(SelectorGroup& group, Position through);
    void judge_for_followers(const Message& message, std::uint32_t delivery_count);
    void add_candidates(Position position);
    bool something_pends_before(Position position) const;
    const selector::ProgramSet& property_set();

    // selection_search.cpp
    /// What is being looked for, by which groups; `through` is where each of them was when that began.
    struct Searcher {
        std::uint64_t group = 0;
        Position through;
        bool stopped = false;
    };
    struct Search {
        std::shared_ptr<Sift> sift;
        std::vector<Searcher> searchers;
        std::uint64_t generation = 0;
        bool again = false;  // only certain entries, which were looked at before
    };
    bool has_taker(const SelectorGroup& group, Position position) const;
    void search();
    bool search_once();
    bool search_returned();
    bool search_window(const std::vector<SelectorGroup*>& searchers, Position start);
    bool search_store(const std::vector<SelectorGroup*>& searchers, Position start);
    bool fetch_next(Position position);
    bool let_follow(const std::vector<SelectorGroup*>& searchers);
    Search new_search(const std::vector<SelectorGroup*>& searchers);
    void page_read(Search search, Position asked_through, Result<store::Page> page);
    bool begin(Search search);
    void judged(Search& search);
    void take_hits(Search& search);
    void found(Search& search, std::uint32_t entry, const std::vector<SelectorGroup*>& wanting);
    std::vector<SelectorGroup*> still_searching(Search& search, std::uint32_t entry, std::size_t first_hit, std::size_t last_hit);
    void stop_without_takers(Search& search, Position position, std::vector<SelectorGroup*>& wanting);
    void advance(const Search& search);
    void over(const Search& search);
    std::shared_ptr<const selector::ProgramSet> set_of(const std::vector<SelectorGroup*>& searchers);
    SelectorGroup* find(std::uint64_t id);

    Queue& queue_;
    std::map<std::uint64_t, std::unique_ptr<SelectorGroup>> groups_;
    std::unordered_map<const selector::Program*, SelectorGroup*> by_program_;
    std::vector<SelectorGroup*> behind_;  // those that do not follow
    std::vector<SelectorGroup*> to_serve_;
    std::uint64_t next_id_ = 1;
    std::size_t followers_ = 0;
    std::size_t body_groups_ = 0;
    Position offered_through_;  // of the window, to those that follow

    /// The selectors over properties, all of them, and whose each is. Made anew when it is needed and groups have changed.
    std::shared_ptr<const selector::ProgramSet> property_set_;
    std::vector<SelectorGroup*> property_groups_;
    selector::ProgramSet::Verdict verdict_;
    std::vector<SelectorGroup*> candidates_;

    Position horizon_wanted_;
    std::set<Position> parked_;          // returned without their bytes
    std::set<Position> recheck_;         // returned, to be judged again by selectors that look into bodies
    std::set<Position> back_meanwhile_;  // returned while a search was under way
    bool searching_ = false;
    Position judging_from_;  // what is being judged, unless it comes from the store
    Position judging_through_;
    std::optional<Position> judging_again_from_;  // the first that came back and is with the worker
    std::uint32_t page_entries_ = 128;
    std::shared_ptr<const selector::ProgramSet> search_set_;
    std::vector<std::uint64_t> search_set_groups_;
};

}  // namespace giromq::core
