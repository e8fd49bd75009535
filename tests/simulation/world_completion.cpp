#include <algorithm>

#include "simulation/world.hpp"

namespace giromq::simulation {

using xa::ReturnCode;
using Kind = core::XaCall::Kind;

// How branches are completed: by whom it may be, with answers that must be true, and across crashes.

namespace {

std::string word_of(ReturnCode code) { return std::string(xa::name_of(code)); }

}  // namespace

void World::complete_step(const BranchPtr& branch) {
    switch (branch->stage) {
        case Stage::open: return complete_open(branch);
        case Stage::preparing: return;
        case Stage::prepared: return complete_prepared(branch, random_.percent(60), random_.percent(25));
        case Stage::completing: return call_again(branch);
        case Stage::decided: return random_.percent(50) ? call_again(branch) : forget_decided(branch);
    }
}

/// Any control link will do; only one that is active in the branch may not.
ControlId World::any_control(const Branch& branch) {
    if (connections_.empty() || random_.percent(20)) connections_.push_back(ConnectionId{next_connection_++});
    const auto connection = random_.pick(connections_);
    const auto is_its_own = [&](const Tie& tie) { return tie.connection == connection && !tie.is_suspended; };
    if (!std::ranges::any_of(branch.ties, is_its_own)) return control_of(connection);
    connections_.push_back(ConnectionId{next_connection_++});
    return control_of(connections_.back());
}

void World::call(const BranchPtr& branch, Kind kind, xa::Flags flags, std::function<void(ReturnCode)> answered) {
    static constexpr const char* names[] = {"prepare", "commit", "roll back", "forget"};
    note(std::string(names[static_cast<int>(kind)]) + " branch " + std::to_string(branch->number) + " " + xa::to_text(flags));
    ++unanswered_;
    core_->xa_complete(any_control(*branch), core::XaCall{kind, branch->xid, flags, {}},
                       [this, branch, kind, answered = std::move(answered), run = run_](ReturnCode code) {
                           if (run != run_) return;
                           --unanswered_;
                           note(std::string(names[static_cast<int>(kind)]) + " of branch " + std::to_string(branch->number) +
                                " is answered " + word_of(code));
                           answered(code);
                           rolled_back_are_back();
                       });
    rolled_back_are_back();
}

void World::complete_open(const BranchPtr& branch) {
    if (branch->is_resolved) return;
    const auto lot = random_.below(100);
    if (lot < 20 || (branch->work.over && branch->is_told)) return roll_back_open(branch);
    if (!branch->ties.empty()) {
        if (lot > 30) return;
        expire_if_due(*branch);
        return call(branch, Kind::prepare, xa::tm::no_flags, [this](ReturnCode code) {
            if (code != ReturnCode::er_proto) model_.fail("the prepare of a branch with associations was answered " + word_of(code));
        });
    }
    lot < 75 ? prepare(branch) : commit_one_phase(branch);
}

void World::roll_back_open(const BranchPtr& branch) {
    doom(*branch);
    call(branch, Kind::rollback, xa::tm::no_flags, [this, branch](ReturnCode code) {
        if (code != ReturnCode::ok) return model_.fail("a rollback was answered " + word_of(code));
        std::erase_if(branch->ties, [](const Tie& tie) { return tie.is_suspended; });
        // Those that are active have still to hear of it.
        branch->is_resolved = true;
        if (branch->ties.empty()) forget(branch);
    });
}

/// A persistent message in a queue that outlives a restart: what of it a branch has got is in the store with the prepare.
bool World::is_stored_get(Tag tag) const {
    const auto& message = model_.messages.at(tag);
    return message.persistent && !temporary_.contains(message.home);
}

void World::prepare(const BranchPtr& branch) {
    expire_if_due(*branch);
    const bool has_work = !branch->work.puts.empty() || !branch->work.gets.empty();
    branch->stage = Stage::preparing;
    branch->reasons.clear();
    if (!branch->work.over) {
        for (const auto& get : branch->work.gets) {
            if (auto reason = model_.reason_of(get.tag, get.outcome); reason && is_stored_get(get.tag)) branch->reasons[get.tag] = *reason;
        }
    }
    call(branch, Kind::prepare, xa::tm::no_flags, [this, branch, has_work](ReturnCode code) {
        if (xa::is_rollback(code)) {
            if (!branch->work.over && faults_ever_ == 0) model_.fail("a prepare was refused for no reason: " + word_of(code));
            doom(*branch);
            return forget(branch);
        }
        const bool fits = !branch->work.over && code == (has_work ? ReturnCode::ok : ReturnCode::read_only);
        if (!fits) return model_.fail("a prepare was answered " + word_of(code));
        if (!has_work) return forget(branch);
        branch->stage = Stage::prepared;
        ++prepared_ever_;
        // Nothing of it is its consumers' any more.
        for (auto& get : branch->work.gets) {
            get.settled = true;
            model_.prepared(get.tag);
        }
    });
}

/// The model hears of the outcome of everything that the branch has got, and of what it puts, in the order in which they take their places.
void World::begin_commit(Branch& branch) {
    branch.stage = Stage::completing;
    branch.commits = true;
    const auto commit_gets = [&](bool stored) {
        for (const auto& get : branch.work.gets) {
            if (is_stored_get(get.tag) != stored) continue;
            const auto home = model_.messages.at(get.tag).home;
            model_.commit_get(branch.work.id, get.tag, get.outcome);
            auto& message = model_.messages.at(get.tag);
            if (message.home != home && branch.reasons.contains(get.tag)) message.dead_letter = branch.reasons.at(get.tag);
        }
    };
    const auto send_puts = [&] {
        for (const auto& put : branch.work.puts) {
            // What is stored with the prepare is kept from then on, whatever it says of itself.
            const bool is_kept = put.persistent || !branch.is_one_phase;
            if (!model_.send(put.tag, put.queue, is_kept, put.chunks > 0, put.expires_at)) model_.fail("a put is not new");
            model_.messages.at(put.tag).padding = put.padding;
        }
    };
    if (branch.is_one_phase) {
        for (const auto& get : branch.work.gets) model_.commit_get(branch.work.id, get.tag, get.outcome);
        send_puts();
    } else {
        send_puts();
        commit_gets(true);
        commit_gets(false);
    }
}

/// What fails too often by it takes its place among the dead letters.
void World::begin_rollback(Branch& branch) {
    branch.stage = Stage::completing;
    for (const auto& get : branch.work.gets) {
        if (is_stored_get(get.tag)) model_.roll_back_get(branch.work.id, get.tag);
    }
}

/// The model hears what became of it.
void World::apply(Branch& branch, bool committed) {
    if (std::exchange(branch.is_applied, true)) return;
    if (committed) {
        ++committed_;
        for (const auto& get : branch.work.gets) model_.get_committed(branch.work.id, get.tag, get.outcome, get.by);
        for (const auto& put : branch.work.puts) {
            model_.answered(put.tag, true, true, false);
            remember(put);
        }
        branch.work.gets.clear();
        branch.work.puts.clear();
        return;
    }
    if (branch.commits) take_end_back(branch);
    for (const auto& get : branch.work.gets) model_.get_rolled_back(branch.work.id, get.tag);
    branch.work.over = true;
    roll_back(branch.work);
}

/// Neither the commit nor the rollback has happened.
void World::take_end_back(Branch& branch) {
    for (const auto& get : branch.work.gets) model_.get_refused(branch.work.id, get.tag);
    if (!std::exchange(branch.commits, false)) return;
    for (const auto& put : branch.work.puts) model_.answered(put.tag, true, false, false);
}

void World::commit_one_phase(const BranchPtr& branch) {
    expire_if_due(*branch);
    const bool was_over = branch->work.over;
    branch->is_one_phase = true;
    branch->reasons.clear();
    if (was_over) {
        branch->stage = Stage::completing;
    } else {
        begin_commit(*branch);
    }
    call(branch, Kind::commit, xa::tm::one_phase, [this, branch, was_over](ReturnCode code) {
        if (code != ReturnCode::ok && !xa::is_rollback(code)) model_.fail("a commit in one phase was answered " + word_of(code));
        if (was_over && code == ReturnCode::ok) model_.fail("a commit in one phase was answered " + word_of(code) + ", which is not true");
        if (!was_over && code != ReturnCode::ok && faults_ever_ == 0) model_.fail("a commit was refused for no reason");
        if (!was_over) apply(*branch, code == ReturnCode::ok);
        forget(branch);
    });
}

void World::complete_prepared(const BranchPtr& branch, bool commits, bool by_decision) {
    if (commits) {
        begin_commit(*branch);
    } else {
        begin_rollback(*branch);
    }
    branch->is_heuristic = by_decision;
    auto answered = [this, branch, commits](ReturnCode code) {
        if (code != ReturnCode::ok) return model_.fail("the end of a prepared branch was answered " + word_of(code));
        apply(*branch, commits);
        ended(branch);
    };
    if (!by_decision) return call(branch, commits ? Kind::commit : Kind::rollback, xa::tm::no_flags, std::move(answered));
    note(std::string("decide to ") + (commits ? "commit" : "roll back") + " branch " + std::to_string(branch->number));
    ++unanswered_;
    core_->xa_resolve(branch->xid, commits ? xa::Outcome::committed : xa::Outcome::rolled_back, {"somebody", "by chance"},
                      [this, answered = std::move(answered), run = run_](ReturnCode code) {
                          if (run != run_) return;
                          --unanswered_;
                          note("the decision is answered " + word_of(code));
                          answered(code);
                          rolled_back_are_back();
                      });
}

/// What was completed is gone, and remembered; what was decided stays until it is forgotten.
void World::ended(const BranchPtr& branch) {
    branch->was_committed = branch->commits;
    if (!branch->is_heuristic) return forget(branch);
    branch->stage = Stage::decided;
}

/// A call repeated, or one that comes too late, hears the truth and changes nothing.
void World::call_again(const BranchPtr& branch) {
    if (branch->is_one_phase) return;
    const bool asks_to_commit = random_.percent(50);
    const bool is_committed = branch->stage == Stage::decided ? branch->was_committed : branch->commits;
    auto expected = is_committed ? ReturnCode::heuristic_commit : ReturnCode::heuristic_rollback;
    if (!branch->is_heuristic && asks_to_commit) expected = is_committed ? ReturnCode::ok : ReturnCode::er_nota;
    if (!branch->is_heuristic && !asks_to_commit) expected = is_committed ? ReturnCode::heuristic_commit : ReturnCode::ok;
    const bool may_be_forgotten = branch->is_forgetting;
    call(branch, asks_to_commit ? Kind::commit : Kind::rollback, xa::tm::no_flags, [this, expected, may_be_forgotten](ReturnCode code) {
        // Many at a time are told to come back.
        const bool fits = code == expected || code == ReturnCode::retry || code == ReturnCode::er_rm_fail ||
                          (may_be_forgotten && code == ReturnCode::er_nota);
        if (!fits) model_.fail("a second call was answered " + word_of(code) + " and not " + word_of(expected));
    });
}

void World::forget_decided(const BranchPtr& branch) {
    if (std::exchange(branch->is_forgetting, true)) return;
    call(branch, Kind::forget, xa::tm::no_flags, [this, branch](ReturnCode code) {
        if (code != ReturnCode::ok) return model_.fail("xa_forget was answered " + word_of(code));
        forget(branch);
    });
}

/// Everything that is open comes to its end.
void World::finish_branches() {
    for (int rounds = 0; rounds < 10 && !branches_.empty() && model_.failure.empty(); ++rounds) {
        for (const auto& branch : std::vector<BranchPtr>(branches_)) {
            if (branch->stage == Stage::open && !branch->is_resolved) roll_back_open(branch);
            if (branch->stage == Stage::prepared) complete_prepared(branch, random_.percent(50), false);
            if (branch->stage == Stage::decided) forget_decided(branch);
        }
        run_all();
    }
}

// Restarts

/// What a start has found, before the messages are looked at. A prepared branch is there; of one that was being prepared or completed
/// the registry tells what became of it, and then everything in the queues must fit that.
void World::recover_branches() {
    for (const auto& branch : std::vector<BranchPtr>(branches_)) {
        branch->ties.clear();
        const auto* const known = core_->branches().find(branch->xid);
        const bool is_prepared = known != nullptr && !known->heuristic();
        switch (branch->stage) {
            case Stage::open:
                if (known != nullptr) model_.fail("a branch that was not prepared is there after a start");
                drop(branch);
                break;
            case Stage::preparing:
                if (!is_prepared) {
                    drop(branch);
                    break;
                }
                branch->stage = Stage::prepared;
                for (auto& get : branch->work.gets) get.settled = true;
                break;
            case Stage::prepared:
                if (!is_prepared) model_.fail("a prepared branch was lost: " + std::to_string(branch->number));
                break;
            case Stage::completing: recover_completing(branch, known); break;
            case Stage::decided:
                if (known == nullptr && branch->is_forgetting) {
                    forget(branch);
                } else if (known == nullptr || is_prepared) {
                    model_.fail("a decision was lost: " + std::to_string(branch->number));
                }
                branch->is_forgetting = false;
                break;
        }
    }
    if (core_->branches().branches_in_doubt() != branches_.size()) model_.fail("a start found branches that nobody knows");
}

void World::recover_completing(const BranchPtr& branch, const xa::Branch* known) {
    const bool is_prepared = known != nullptr && !known->heuristic();
    if (branch->is_one_phase) {
        const bool is_committed = core_->branches().outcome(branch->xid) == xa::Outcome::committed;
        if (known != nullptr || (branch->is_applied && branch->commits && !is_committed)) model_.fail("a commit in one phase was lost");
        if (branch->commits) apply(*branch, is_committed);
        return forget(branch);
    }
    if (is_prepared) {
        if (branch->is_applied) return model_.fail("the end of a branch was shown, and is lost");
        take_end_back(*branch);
        branch->stage = Stage::prepared;
        branch->is_heuristic = false;
        return;
    }
    if (branch->is_heuristic != (known != nullptr)) model_.fail("a start found a branch in the wrong state");
    const bool commits = branch->commits;
    apply(*branch, commits);
    if (!branch->is_heuristic && core_->branches().outcome(branch->xid) != (commits ? xa::Outcome::committed : xa::Outcome::rolled_back)) {
        model_.fail("a completed branch left no true tombstone");
    }
    ended(branch);
}

/// As if it had never been.
void World::drop(const BranchPtr& branch) {
    for (const auto& put : branch->work.puts) remember(put);
    forget(branch);
}

/// After the messages have been looked at: what prepared branches have got is locked, here and in the store, and nothing else is.
void World::lock_again(const std::map<DestinationId, std::vector<store::StoredEntry>>& stored) {
    std::map<Tag, bool> locked;
    for (const auto& [id, entries] : stored) {
        for (const auto& entry : entries) locked[tag_of(*entry.message)] = entry.locked_by.is_set();
    }
    for (const auto& branch : branches_) {
        std::erase_if(branch->work.gets, [&](const Get& get) {
            const auto& message = model_.messages.at(get.tag);
            return !message.persistent || !model_.queues.contains(message.home) || !locked.contains(get.tag);
        });
        for (const auto& get : branch->work.gets) {
            if (!std::exchange(locked.at(get.tag), false)) model_.fail("not locked in the store: message " + std::to_string(get.tag));
            model_.messages.at(get.tag).holder = transaction_holder;
            model_.prepared(get.tag);
        }
    }
    for (const auto& [tag, is_locked] : locked) {
        if (is_locked) model_.fail("locked in the store by nobody: message " + std::to_string(tag));
    }
}

}  // namespace giromq::simulation
