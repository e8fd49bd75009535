#include <algorithm>

#include "simulation/world.hpp"

namespace giromq::simulation {

using xa::ReturnCode;

// What transaction managers do with branches. What a branch has done is kept like a transaction; its work leaves memory with the prepare.
// The broker may roll back what is not prepared whenever it has a reason: that is seen in its registry.

void World::branch_step() {
    const auto lot = random_.below(100);
    if (branches_.empty() || lot < 12) return start_branch();
    const auto branch = random_.pick(branches_);
    if (lot < 35) {
        for (auto left = random_.between(1, burst_most_); left > 0; --left) put(branch);
    } else if (lot < 60) {
        for (auto left = random_.between(1, burst_most_); left > 0; --left) enlist(*branch);
    } else if (lot < 78) {
        tie_step(branch);
    } else {
        complete_step(branch);
    }
}

ControlId World::control_of(ConnectionId connection) {
    const auto found = controls_.find(connection);
    if (found != controls_.end()) return found->second;
    return controls_[connection] = core_->open_control(connection, &control_port_);
}

/// The connection's thread of control does something in a branch now.
bool World::is_busy(ConnectionId connection) const {
    return std::ranges::any_of(branches_, [&](const auto& branch) {
        return std::ranges::any_of(branch->ties, [&](const Tie& tie) { return tie.connection == connection && !tie.is_suspended; });
    });
}

std::optional<ConnectionId> World::free_connection() {
    if (connections_.empty() || random_.percent(10)) connections_.push_back(ConnectionId{next_connection_++});
    const auto connection = random_.pick(connections_);
    return is_busy(connection) ? std::nullopt : std::optional(connection);
}

void World::start_branch() {
    const auto connection = free_connection();
    if (!connection || branches_.size() > 8) return;
    auto branch = std::make_shared<Branch>(next_branch_++);
    branch->work.id = TransactionId{1'000'000'000 + branch->number};
    branch->work.deadline = clock_.monotonic_now() + settings_.transaction_timeout;
    note("start branch " + std::to_string(branch->number) + " on " + std::to_string(connection->value));
    Tie tie{.id = {}, .connection = *connection, .is_suspended = false, .migrates = false};
    const auto code = core_->xa_start(*connection, control_of(*connection), branch->xid, xa::tm::no_flags, {}, tie.id);
    if (code != ReturnCode::ok) return model_.fail("xa_start was answered " + std::string(xa::name_of(code)));
    branch->ties.push_back(tie);
    branches_.push_back(std::move(branch));
}

// Work

World::Tie* World::active_tie(Branch& branch) {
    const auto found = std::ranges::find(branch.ties, false, &Tie::is_suspended);
    return found == branch.ties.end() ? nullptr : &*found;
}

void World::put(const BranchPtr& branch) {
    Tie* const tie = active_tie(*branch);
    const auto queue = any_queue(random_.percent(3));
    if (tie == nullptr || !queue || temporary_.contains(*queue)) return;
    const auto what = something_new(*queue);
    if (what.chunks > 0) return put_when_uploaded(branch, *tie, what);
    put(branch, *tie, what, message_of(what));
}

/// A large message comes when its chunks are durable, as broker/amqp sees to.
void World::put_when_uploaded(const BranchPtr& branch, Tie& tie, const Sent& what) {
    core_->await_put(tie.connection, tie.id);
    ++tie.uploads;
    ++unanswered_;
    auto left = std::make_shared<std::uint32_t>(what.chunks);
    auto refused = std::make_shared<bool>(false);
    auto whole = std::make_shared<std::shared_ptr<Message>>();
    *whole = message_of(what, [this, branch, tie, what, left, refused, whole, run = run_](const Result<void>& stored) {
        *refused = *refused || !stored.ok();
        if (run != run_ || --*left > 0) return;
        --unanswered_;
        note("upload of " + std::to_string(what.tag) + (*refused ? " is refused" : " has ended"));
        const auto here = std::ranges::find(branch->ties, tie.id, &Tie::id);
        if (here != branch->ties.end()) --here->uploads;
        const bool has_queue = model_.queues.contains(what.queue) && !model_.queues.at(what.queue).deleting;
        if (!*refused && has_queue && *whole != nullptr) return put(branch, tie, what, *whole);
        branch->may_be_doomed = true;
        if (*whole != nullptr) core_->drop_chunks((*whole)->number);
        core_->work_refused(tie.connection, tie.id, Error(core::errc::resource_limit), true);
        sync_branches();
    });
    // All were refused at once.
    if (*left == 0 && *whole != nullptr) core_->drop_chunks((*whole)->number);
}

void World::put(const BranchPtr& put_into, const Tie& tie, const Sent& what, std::shared_ptr<Message> message) {
    Branch& branch = *put_into;
    expire_if_due(branch);
    core::SendCommand command;
    command.destination = what.queue;
    command.was_awaited = message->chunk_count > 0;
    command.message = std::move(message);
    command.sequence = what.sequence;
    command.duplicate_id = what.duplicate_id;
    command.transaction = tie.id;
    command.connection = tie.connection;
    // What comes so late that its association is gone.
    const bool is_late = std::ranges::count(branch.ties, tie.id, &Tie::id) == 0;
    const bool was_over = branch.work.over || is_late;
    const bool could_be_doomed = std::exchange(branch.may_be_doomed, true);
    std::optional<core::SendResult> answer;
    command.done = [&answer](const core::SendResult& result) { answer = result; };
    core_->send(std::move(command));
    if (!answer) return model_.fail("a put was not answered at once");
    note("put " + std::to_string(what.tag) + " in branch " + std::to_string(branch.number) + (answer->accepted ? "" : ", refused"));
    if (answer->duplicate) return model_.fail("a new put was taken for a duplicate: " + std::to_string(what.tag));
    if (answer->accepted) {
        branch.may_be_doomed = could_be_doomed;
        if (was_over) return model_.fail("a put was accepted by a branch that is rolled back");
        branch.work.puts.push_back(what);
        return;
    }
    const bool limited = model_.queues.at(what.queue).settings.max_messages != 0 || settings_.memory_bytes <= 64u * 1024;
    if (!was_over && !limited && faults_ever_ == 0) model_.fail("a put was refused for no reason: " + answer->error.to_string());
    // It has no place in the branch, but its identity may be used again.
    remember(what);
    sync_branches();
}

void World::enlist(Branch& branch) {
    const Tie* const tie = active_tie(branch);
    if (tie == nullptr) return;
    std::vector<SimConsumer*> holders;
    for (const auto& [key, consumer] : consumers_) {
        if (consumer->connection() == tie->connection && !consumer->held.empty()) holders.push_back(consumer.get());
    }
    if (holders.empty()) return;
    SimConsumer& consumer = *random_.pick(holders);
    const auto index = static_cast<std::size_t>(random_.below(consumer.held.size()));
    expire_if_due(branch);
    Get get = take_get(consumer, index);
    note("enlist " + std::to_string(get.tag) + " in branch " + std::to_string(branch.number) + ", outcome " +
         std::to_string(get.outcome.index()) + (get.settled ? "" : ", unsettled"));
    auto command = command_of(get, consumer, tie->id, tie->connection);
    if (branch.work.over) {
        return_at_once(consumer, get);
    } else {
        model_.enlist(get.tag);
        branch.work.gets.push_back(get);
    }
    if (!core_->enlist(std::move(command)).ok()) model_.fail("an outcome was not enlisted");
}

// Associations

void World::tie_step(const BranchPtr& branch) {
    if (branch->stage != Stage::open) return;
    if (branch->ties.empty() || random_.percent(15)) return join(*branch);
    auto& tie = random_.pick(branch->ties);
    if (tie.is_suspended && random_.percent(60)) return resume(*branch, tie);
    const auto lot = random_.below(100);
    if (lot < 70) return end_tie(branch, tie, xa::tm::success);
    if (lot < 80) return end_tie(branch, tie, xa::tm::fail);
    if (!tie.is_suspended) end_tie(branch, tie, xa::tm::suspend | (random_.percent(50) ? xa::tm::migrate : 0));
}

void World::check_association(const Branch& branch, ReturnCode code, const char* call) {
    const bool fits =
        branch.work.over ? xa::is_rollback(code) || code == ReturnCode::er_proto || code == ReturnCode::er_nota : code == ReturnCode::ok;
    if (!fits) model_.fail(std::string(call) + " was answered " + std::string(xa::name_of(code)));
}

void World::join(Branch& branch) {
    const auto connection = free_connection();
    if (!connection || std::ranges::count(branch.ties, *connection, &Tie::connection) > 0) return;
    expire_if_due(branch);
    note("join branch " + std::to_string(branch.number) + " on " + std::to_string(connection->value));
    Tie tie{.id = {}, .connection = *connection, .is_suspended = false, .migrates = false};
    const auto code = core_->xa_start(*connection, control_of(*connection), branch.xid, xa::tm::join, {}, tie.id);
    check_association(branch, code, "xa_start(TMJOIN)");
    if (code == ReturnCode::ok) branch.ties.push_back(tie);
    if (xa::is_rollback(code)) branch.is_told = true;
}

void World::resume(Branch& branch, Tie& tie) {
    const auto connection = tie.migrates && random_.percent(60) ? free_connection() : std::optional(tie.connection);
    if (!connection || !connection->is_set() || is_busy(*connection)) return;
    const bool is_elsewhere = *connection != tie.connection;
    // Its own suspended association would come first.
    if (is_elsewhere && std::ranges::count(branch.ties, *connection, &Tie::connection) > 0) return;
    expire_if_due(branch);
    note("resume branch " + std::to_string(branch.number) + " on " + std::to_string(connection->value));
    TransactionId id;
    const auto code = core_->xa_start(*connection, control_of(*connection), branch.xid, xa::tm::resume, {}, id);
    check_association(branch, code, "xa_start(TMRESUME)");
    // Of several that migrate the first is taken.
    const auto taken = is_elsewhere ? std::ranges::find_if(branch.ties, [](const Tie& one) { return one.is_suspended && one.migrates; })
                                    : std::ranges::find(branch.ties, *connection, &Tie::connection);
    if (code == ReturnCode::ok) {
        if (!is_elsewhere && id != taken->id) model_.fail("a resumed association has another name");
        *taken = Tie{.id = id, .connection = *connection, .is_suspended = false, .migrates = false};
    } else if (xa::is_rollback(code)) {
        branch.is_told = true;
        branch.ties.erase(taken);
    }
}

void World::end_tie(const BranchPtr& branch, const Tie& tie, xa::Flags flags) {
    const auto id = tie.id;
    // Nobody but a connection that is there can call.
    if (!tie.connection.is_set() || !controls_.contains(tie.connection)) return;
    // The core would wait with it; here the client does.
    if (tie.uploads > 0) return;
    expire_if_due(*branch);
    if ((flags & xa::tm::fail) != 0) doom(*branch);
    note("end association " + std::to_string(id.value) + " of branch " + std::to_string(branch->number) + ", " + xa::to_text(flags));
    std::optional<ReturnCode> code;
    core_->xa_end(tie.connection, id, flags, [&code](ReturnCode answer) { code = answer; });
    rolled_back_are_back();
    if (!code) return model_.fail("xa_end was not answered at once");
    const bool fits =
        branch->work.over ? xa::is_rollback(*code) || ((flags & xa::tm::fail) != 0 && *code == ReturnCode::ok) : *code == ReturnCode::ok;
    if (!fits) return model_.fail("xa_end was answered " + std::string(xa::name_of(*code)));
    const auto ended = std::ranges::find(branch->ties, id, &Tie::id);
    if (xa::is_rollback(*code)) branch->is_told = true;
    if (*code == ReturnCode::ok && (flags & xa::tm::suspend) != 0) {
        ended->is_suspended = true;
        ended->migrates = (flags & xa::tm::migrate) != 0;
    } else {
        branch->ties.erase(ended);
    }
    if (branch->is_resolved && branch->ties.empty()) forget(branch);
}

// Rollback of what is not prepared

/// Told before the core does it.
void World::doom(Branch& branch) {
    branch.may_be_doomed = true;
    if (branch.work.over) return;
    branch.work.over = true;
    roll_back(branch.work);
}

void World::expire_if_due(Branch& branch) {
    if (branch.stage == Stage::open && branch.work.deadline <= clock_.monotonic_now()) doom(branch);
}

/// What the broker has rolled back of its own accord.
void World::sync(Branch& branch) {
    if ((branch.stage != Stage::open && branch.stage != Stage::preparing) || branch.work.over) return;
    const auto* const known = core_->branches().find(branch.xid);
    if (known != nullptr && !known->doomed()) return;
    const bool has_reason = branch.may_be_doomed || branch.work.deadline <= clock_.monotonic_now() || faults_ever_ > 0;
    if (!has_reason) model_.fail("branch " + std::to_string(branch.number) + " was rolled back for no reason");
    note("branch " + std::to_string(branch.number) + " has been rolled back");
    doom(branch);
}

void World::sync_branches() {
    for (const auto& branch : branches_) sync(*branch);
    rolled_back_are_back();
}

/// The loss of a control link rolls back what is active on it, or suspended without migrating.
void World::lose_ties(ConnectionId connection) {
    for (const auto& branch : std::vector<BranchPtr>(branches_)) {
        bool is_broken = false;
        for (auto& tie : branch->ties) {
            if (tie.connection != connection) continue;
            if (tie.is_suspended && tie.migrates) {
                tie.connection = {};
            } else {
                is_broken = true;
            }
        }
        if (!is_broken) continue;
        doom(*branch);
        std::erase_if(branch->ties, [&](const Tie& tie) { return tie.connection == connection; });
        if (branch->is_resolved && branch->ties.empty()) forget(branch);
    }
}

void World::forget(const BranchPtr& branch) {
    note("branch " + std::to_string(branch->number) + " is over");
    std::erase(branches_, branch);
}

/// What a branch has got is about to be shown: so the branch has ended, although that is not answered yet.
void World::find_out_about(Tag tag) {
    find_out_about_rollbacks();
    if (model_.messages.at(tag).holder != transaction_holder) return;
    for (const auto& branch : branches_) {
        const bool has_it = std::ranges::count(branch->work.gets, tag, &Get::tag) > 0;
        if (has_it && branch->stage == Stage::completing && !branch->is_applied) apply(*branch, branch->commits);
    }
}

/// A message of a strict queue is about to be shown, and a branch had got one before it: so the branch has ended, although that is not
/// answered yet. Then the store knows of it. What the consumer itself has got keeps it from nothing, until the branch is prepared.
void World::find_out_about_those_before(Tag tag, ConsumerKey to) {
    const auto shown = model_.messages.at(tag);
    const auto queue = model_.queues.find(shown.home);
    if (queue == model_.queues.end() || !queue->second.settings.strict) return;
    find_out_about_commits(tag, to);
    for (const auto& branch : branches_) {
        if (branch->stage != Stage::completing || branch->is_applied) continue;
        const auto is_before = [&](const Get& get) {
            if (branch->is_one_phase && get.by == to) return false;
            const auto committed = model_.before_commit.find({branch->work.id, get.tag});
            const auto& message = committed == model_.before_commit.end() ? model_.messages.at(get.tag) : committed->second;
            return message.home == shown.home && message.order < shown.order;
        };
        if (std::ranges::any_of(branch->work.gets, is_before) && has_ended_in_the_store(*branch, shown.home))
            apply(*branch, branch->commits);
    }
}

bool World::has_ended_in_the_store(const Branch& branch, DestinationId queue) {
    const auto entries = contents(queue);
    return std::ranges::none_of(branch.work.gets, [&](const Get& get) {
        const auto entry = std::ranges::find_if(entries, [&](const auto& one) { return tag_of(*one.message) == get.tag; });
        const bool is_there = entry != entries.end();
        const bool must_go = branch.is_one_phase && branch.commits && std::holds_alternative<Accepted>(get.outcome);
        return is_there && (entry->locked_by.is_set() || must_go);
    });
}

void World::find_out_about_rollbacks() {
    for (const auto& branch : branches_) {
        sync(*branch);
        const bool is_in_one_phase = branch->stage == Stage::completing && branch->is_one_phase && branch->commits && !branch->is_applied;
        if (is_in_one_phase && core_->branches().find(branch->xid) == nullptr) apply(*branch, false);
    }
}

std::uint64_t World::branch_puts(std::optional<DestinationId> queue) const {
    std::uint64_t puts = 0;
    for (const auto& branch : branches_) {
        if (branch->is_applied || branch->work.over) continue;
        for (const auto& put : branch->work.puts) puts += !queue || put.queue == *queue ? 1 : 0;
    }
    return puts;
}

/// Before the queue is deleted: branches with work there may be rolled back, if they are not prepared.
void World::branches_may_lose(DestinationId queue) {
    for (const auto& branch : branches_) {
        const auto gets_here = [&](const Get& get) { return model_.messages.at(get.tag).home == queue; };
        if (std::ranges::count(branch->work.puts, queue, &Sent::queue) > 0 || std::ranges::any_of(branch->work.gets, gets_here)) {
            branch->may_be_doomed = true;
        }
    }
}

}  // namespace giromq::simulation
