#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xa/flags.hpp"
#include "xa/journal.hpp"
#include "xa/return_code.hpp"
#include "xa/xid.hpp"

namespace giromq::xa {

/// What the specification calls a thread of control (C193 §2.2.8): whoever can be associated with one branch at a time. The broker
/// takes a control link for one. 0 is nobody.
struct SessionId {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const SessionId&, const SessionId&) = default;
};

/// The states of table 6-4 of the specification. S0 (no such branch) is the absence of a Branch.
enum class BranchState : std::uint8_t {
    active,                   // S1: at least one session is associated
    idle,                     // S2: no session is; associations may be suspended
    prepared,                 // S3
    rollback_only,            // S4: the transaction manager has been told so
    heuristically_completed,  // S5
};

std::string_view name_of(BranchState state);

/// A session's tie to a branch. An association that has ended (T0 of table 6-2) is not there.
struct Association {
    SessionId session;        // 0 if it is migratable and its session is gone
    bool suspended = false;   // T2; else T1
    bool migratable = false;  // suspended with TMMIGRATE: any session may resume or end it
    friend bool operator==(const Association&, const Association&) = default;
};

/// What follows from a call on a branch.
struct Step {
    enum class Next : std::uint8_t {
        answer,  // tell the caller `code`
        write,   // make `record` durable, then ask Branch::on_durable()
        wait,    // a record of this branch is under way: ask again when it is durable
    };
    Next next = Next::answer;
    ReturnCode code = ReturnCode::ok;
    RecordKind record = RecordKind::prepared;
    bool discard = false;                           // the branch's work, none of it durable, is to be undone now
    bool gone = false;                              // S0: forget the branch
    std::optional<Outcome> outcome = std::nullopt;  // leave a tombstone
};

/// The state machine of one transaction branch: tables 6-2 and 6-4 of the specification (C193, chapter 6) and the pages of its chapter 5.
/// It decides and remembers; it never writes, never looks at a clock and never calls anybody. Registry does, and checks the flags first.
///
/// A branch that is not prepared can be doomed by the broker at any time (a timeout, a lost connection): its work is undone at once,
/// while the branch stays, in the state that its manager believes it to be in, until the manager has heard XA_RB*.
class Branch {
public:
    Branch(Xid xid, std::string owner, WallTime created_at) : xid_(xid), owner_(std::move(owner)), created_at_(created_at) {}
    /// As found in the journal.
    explicit Branch(StoredBranch stored);

    // Associations (§3.3; xa_start and xa_end). A session that has an active association elsewhere must not come here.
    ReturnCode start(SessionId session);
    ReturnCode join(SessionId session, std::size_t associations_max);
    ReturnCode resume(SessionId session);
    /// `flags` are those of xa_end. On XA_RB* the association has ended all the same.
    Step end(SessionId session, Flags flags);
    /// The session is gone without having ended its association.
    Step lose(SessionId session);

    // Completion (§3.4, §3.6).
    Step prepare();
    Step commit(Flags flags);
    /// Also while other sessions are associated (docs/adr/0008): active ones hear of it in their next call, suspended ones end.
    Step rollback(SessionId session);
    Step forget();
    /// An administrator's heuristic decision on a prepared branch.
    Step resolve(Outcome outcome);
    /// What became of the record that Step::write asked for.
    Step on_durable(Durability durability);

    /// The broker rolls the branch back on its own, as it may before it has answered xa_prepare (§2.3.1): true if that was possible and has
    /// not happened before, and the work must be undone. `code` is the XA_RB* that the manager will hear.
    bool doom(ReturnCode code);

    /// Whether the session may do work in the branch now: XA_OK; XA_RB* of a doomed branch; XAER_PROTO without an active association.
    ReturnCode may_work(SessionId session) const;
    void add_work(const Work& work);

    const Xid& xid() const { return xid_; }
    const std::string& owner() const { return owner_; }
    WallTime created_at() const { return created_at_; }
    const Work& work() const { return work_; }
    BranchState state() const;
    /// The record under way.
    std::optional<RecordKind> writing() const { return writing_; }
    /// XA_RB* if the branch has been doomed.
    std::optional<ReturnCode> doomed() const { return doomed_; }
    const std::vector<Association>& associations() const { return associations_; }
    bool is_active_in(SessionId session) const;
    /// True if a session that is still there is tied to the branch.
    bool has_sessions() const;
    /// Whose suspended association resume() or end() would take over; the session's own before a migrated one.
    std::optional<SessionId> suspended_for(SessionId session) const;

    /// True from the durable prepare until the durable end: the branch is in xa_recover's list, and no timeout touches it.
    bool is_in_doubt() const { return in_doubt_; }
    std::optional<ReturnCode> heuristic() const { return heuristic_; }
    WallTime prepared_at() const { return prepared_at_; }
    WallTime decided_at() const { return decided_at_; }
    const Decision& decision() const { return decision_; }
    void set_prepared_at(WallTime time) { prepared_at_ = time; }
    void set_decision(Decision decision, WallTime time);

private:
    bool is_associated(SessionId session) const;
    bool has_active_association() const;
    std::vector<Association>::iterator find(SessionId session, bool takes_migrated);
    Step write(RecordKind record);
    Step tell_rollback();
    Step commit_one_phase();
    Step end_of_last_association(ReturnCode code) const;

    Xid xid_;
    std::string owner_;
    WallTime created_at_;
    Work work_;
    std::vector<Association> associations_;
    bool in_doubt_ = false;
    bool rollback_only_ = false;  // S4: XA_RB* has been answered by xa_start or xa_end
    bool resolved_ = false;       // xa_rollback has been answered; only associations are left
    std::optional<ReturnCode> doomed_;
    std::optional<ReturnCode> heuristic_;
    std::optional<RecordKind> writing_;
    WallTime prepared_at_;
    WallTime decided_at_;
    Decision decision_;
};

}  // namespace giromq::xa
