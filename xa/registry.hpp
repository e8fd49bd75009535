#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "xa/branch.hpp"
#include "xa/clock.hpp"
#include "xa/journal.hpp"
#include "xa/tombstones.hpp"

namespace giromq::xa {

/// Names a resolution call until it is answered. Chosen by the caller.
struct CallId {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const CallId&, const CallId&) = default;
};

/// What the registry does to its surroundings. Implemented by the broker; neither may call the registry before it returns.
class Effects {
public:
    virtual ~Effects() = default;

    /// The answer to a call, exactly one for each. It may come before the call returns.
    virtual void answer(CallId call, ReturnCode code) = 0;

    /// Undoes the branch's work, of which nothing is durable: puts are dropped, gets go back to their places with their count raised.
    virtual void discard(const Xid& xid) = 0;
};

/// The bounds of a registry. What would exceed one is refused with XAER_RMERR (xa_start) or told to come back.
struct RegistryLimits {
    std::size_t branches_max = 200'000;           // in all states together; those found in the journal are always taken
    std::size_t branches_of_owner_max = 100'000;  // of them, of one owner
    std::size_t associations_max = 64;            // of one branch
    std::size_t waiting_calls_max = 16;           // for the record of one branch that is under way
    std::size_t tombstones_max = 50'000;
    std::chrono::milliseconds tombstone_age_max = std::chrono::hours(24);
    /// For branches that are not prepared, from their start.
    std::chrono::milliseconds default_timeout = std::chrono::minutes(5);
    std::chrono::milliseconds timeout_max = std::chrono::hours(24);
    /// How long the XA_RB* of a branch that the broker has rolled back on its own waits for its manager, once no session is tied to it.
    std::chrono::milliseconds doomed_age_max = std::chrono::hours(1);
    std::size_t decided_by_bytes_max = 128;
    std::size_t reason_bytes_max = 1024;
};

struct StartOptions {
    std::chrono::milliseconds timeout{0};  // 0: the default. More than the limit is cut to it.
    std::string owner;                     // who began it, for administrators
};

/// A part of the list of xa_recover, in the order of the XIDs.
struct InDoubtPage {
    std::vector<const Branch*> branches;  // valid until the next call
    bool more = false;                    // there are branches behind the last one
};

/// All transaction branches of a resource manager: a deterministic function of the calls made, the time and what became of the records.
///
/// Threads: none of its own; every method is called on its owner's executor. Nothing blocks and nothing throws, save for want of memory.
/// xa_start and xa_end are answered at once; calls that complete a branch are answered through Effects, after their record is durable.
/// While a record of a branch is under way further completion calls for it wait for their turn, in order, so that of a commit and a
/// rollback at the same time one wins and the other hears the truth.
class Registry {
public:
    /// The references outlive the registry.
    Registry(RegistryLimits limits, const Clock& clock, Journal& journal, Effects& effects);
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// What the journal held at start, before any call. False if the branch is there already.
    bool restore(StoredBranch branch);
    void restore(const Tombstone& tombstone);

    /// xa_start (TMNOFLAGS, TMJOIN or TMRESUME; TMNOWAIT changes nothing, since no call here waits) and xa_end, C193 §3.3 and chapter 5.
    /// The session is not 0. `options` count for a new branch only.
    ReturnCode start(SessionId session, const Xid& xid, Flags flags, StartOptions options = {});
    ReturnCode end(SessionId session, const Xid& xid, Flags flags);

    /// Work that the session wants to do in the branch now: counted if the answer is XA_OK, refused otherwise.
    ReturnCode add_work(SessionId session, const Xid& xid, const Work& work);

    /// Restarts the timeout of a branch that is not prepared. XAER_INVAL for less than 1 ms, XAER_PROTO once xa_prepare has been called.
    ReturnCode set_timeout(const Xid& xid, std::chrono::milliseconds timeout);

    /// xa_prepare, xa_commit, xa_rollback and xa_forget (C193 §3.4 and chapter 5), from any session. The answer comes through Effects.
    void prepare(SessionId session, CallId call, const Xid& xid, Flags flags);
    void commit(SessionId session, CallId call, const Xid& xid, Flags flags);
    void rollback(SessionId session, CallId call, const Xid& xid, Flags flags);
    /// `decision` is for an administrator who forgets in place of the manager; it goes into the record, and so into the audit.
    void forget(SessionId session, CallId call, const Xid& xid, Flags flags, Decision decision = {});

    /// An administrator's decision on a prepared branch (C193 §2.3.3), which the manager will hear as XA_HEUR*. XAER_INVAL without a
    /// reason, or with more than the limits.
    void resolve(CallId call, const Xid& xid, Outcome outcome, Decision decision);

    /// The branch can no longer be committed (a limit, a failure of the broker); `code` is the XA_RB* that its manager will hear.
    /// False if there is no such branch, or it is prepared.
    bool doom(const Xid& xid, ReturnCode code);

    /// The session's connection is gone: branches with an active association, or one suspended without TMMIGRATE, are rolled back with
    /// XA_RBCOMMFAIL. Idle ones are kept until their timeout, prepared ones for ever.
    void lose(SessionId session);

    /// What became of the record under way for this branch. Throws std::logic_error if there is none: an invariant of the caller is broken.
    void on_durable(const Xid& xid, Durability durability);

    /// Timeouts, and what is remembered for too long. To be called every second or so; a branch past its timeout is also noticed by
    /// the next call for it. Never touches a branch whose xa_prepare has been called.
    void expire();

    /// Prepared and heuristically completed branches behind `after` (which need not exist any more). A branch that is in doubt during
    /// a whole scan is shown in it once, whatever comes and goes meanwhile.
    InDoubtPage in_doubt(const std::optional<Xid>& after, std::size_t limit) const;
    /// Those of one owner, without a look at any other.
    InDoubtPage in_doubt_of(const std::string& owner, const std::optional<Xid>& after, std::size_t limit) const;

    const Branch* find(const Xid& xid) const;
    std::optional<Outcome> outcome(const Xid& xid) const { return tombstones_.find(xid); }
    std::size_t branches() const { return entries_.size(); }
    /// Without those that have been rolled back and wait for nothing but that their manager hears of it: they make room for others.
    std::size_t branches_of(const std::string& owner) const;
    const RegistryLimits& limits() const { return limits_; }
    std::size_t branches_in_doubt() const { return in_doubt_by_age_.size(); }
    std::size_t tombstones() const { return tombstones_.size(); }
    /// Sessions that are tied to a branch, by an active or a suspended association.
    std::size_t sessions() const { return sessions_.size(); }
    /// When the branch that has been in doubt for longest was prepared, for the alarm.
    std::optional<WallTime> oldest_in_doubt() const;

private:
    struct Entry;
    using Deadlines = std::map<std::pair<SteadyTime, std::uint64_t>, Entry*>;

    using InDoubt = std::map<Xid, const Branch*>;

    struct Owner {
        std::size_t branches = 0;
        std::size_t doomed = 0;  // of them, those that make room for others
        InDoubt in_doubt;
    };

    /// A call that completes a branch.
    struct Call {
        enum class Kind : std::uint8_t { prepare, commit, rollback, forget, resolve };
        Kind kind = Kind::prepare;
        SessionId session = {};
        CallId id = {};
        Flags flags = tm::no_flags;
        Outcome outcome = Outcome::committed;
        Decision decision = {};
    };

    struct Entry {
        Entry(Branch made, std::uint64_t given) : branch(std::move(made)), number(given) {}

        Branch branch;
        std::uint64_t number;  // in the order of creation, so that equal deadlines have an order
        Deadlines* armed = nullptr;
        SteadyTime deadline;
        std::optional<Call> writer;  // whose record is under way
        WallTime written_at;         // that record's time
        std::vector<Call> waiting;
    };

    /// What a session is associated with.
    struct Ties {
        std::map<std::uint64_t, Entry*> entries;  // by number
        Entry* active = nullptr;                  // of them, the one in which it is active: there is one at most
    };

    Entry* find_live(const Xid& xid);
    bool session_is_active(SessionId session) const;
    bool make_room(const std::string& owner);
    void add_in_doubt(const Entry& entry);
    ReturnCode start_new(SessionId session, const Xid& xid, StartOptions options);
    void remember_ties(Entry& entry, SessionId session);

    void dispatch(const Xid& xid, Call call);
    Step apply(Branch& branch, const Call& call) const;
    ReturnCode answer_without_branch(const Xid& xid, const Call& call) const;
    void wait(Entry& entry, Call call);
    void write(Entry& entry, Call call, RecordKind kind);
    void conclude(Entry& entry, const Step& step);
    void watch_doomed(Entry& entry);
    void remove(Entry& entry);

    void arm(Entry& entry, Deadlines& deadlines, std::chrono::milliseconds after);
    void disarm(Entry& entry);
    void time_out(Entry& entry);
    void purge_tombstones();

    RegistryLimits limits_;
    const Clock& clock_;
    Journal& journal_;
    Effects& effects_;
    std::unordered_map<Xid, Entry> entries_;
    std::unordered_map<std::uint64_t, Ties> sessions_;
    Deadlines timeouts_;                             // branches that may still be prepared
    Deadlines doomed_;                               // those whose XA_RB* waits for the manager, without sessions
    std::unordered_map<std::string, Owner> owners_;  // of all branches
    std::set<std::pair<WallTime, std::uint64_t>> in_doubt_by_age_;
    Tombstones tombstones_;
    std::uint64_t next_number_ = 1;
};

}  // namespace giromq::xa
