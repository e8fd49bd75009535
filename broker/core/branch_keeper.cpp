#include "core/branch_keeper.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace giromq::core {
namespace {

xa::SessionId session_of(ControlId control) { return xa::SessionId{control.value}; }

tx::Branches::Settings settings_of(const CoreSettings& settings) {
    tx::Branches::Settings branches;
    branches.limits.default_timeout = settings.transaction_timeout;
    branches.limits.branches_of_owner_max = settings.branches_max;
    branches.in_doubt_alarm = settings.in_doubt_alarm;
    return branches;
}

Error refusal_of(xa::ReturnCode code) {
    const bool timed_out = code == xa::ReturnCode::rb_timeout;
    const auto kind =
        xa::is_rollback(code) ? (timed_out ? errc::transaction_timeout : errc::transaction_rolled_back) : errc::transaction_unknown;
    return Error(kind, std::string(xa::text_of(code)));
}

}  // namespace

BranchKeeper::BranchKeeper(Context& context, Router& router, Transactions& transactions)
    : context_(context),
      router_(router),
      transactions_(transactions),
      branches_(settings_of(context.settings), context.clock, *this, *this) {}

// Associations

xa::ReturnCode BranchKeeper::start(ConnectionId connection, ControlId control, const xa::Xid& xid, xa::Flags flags,
                                   xa::StartOptions options, TransactionId& id) {
    const auto code = branches_.registry().start(session_of(control), xid, flags, std::move(options));
    if (code != xa::ReturnCode::ok) return code;
    const auto [place, is_new] = known_.try_emplace(xid);
    Branch& known = place->second;
    if (is_new) known.owner = transactions_.take_id();
    if ((flags & xa::tm::resume) != 0) {
        forget_migrated(xid, known);
        const auto is_it = [&](TransactionId one) { return associations_.at(one).control == control; };
        if (const auto suspended = std::ranges::find_if(known.associations, is_it); suspended != known.associations.end()) {
            id = *suspended;
            return code;
        }
    }
    id = transactions_.take_id();
    associations_.emplace(id, Association{.connection = connection, .control = control, .xid = xid, .awaited = 0, .end_waits = {}});
    known.associations.push_back(id);
    Control& link = controls_[control];
    link.connection = connection;
    link.associations.insert(id);
    return code;
}

void BranchKeeper::forget_association(TransactionId id) {
    const auto ended = associations_.find(id);
    if (const auto known = known_.find(ended->second.xid); known != known_.end()) std::erase(known->second.associations, id);
    if (const auto link = controls_.find(ended->second.control); link != controls_.end()) link->second.associations.erase(id);
    associations_.erase(ended);
}

/// What was suspended elsewhere to migrate is over there once it was resumed here.
void BranchKeeper::forget_migrated(const xa::Xid& xid, Branch& known) {
    const auto& left = branches_.registry().find(xid)->associations();
    const auto here = known.associations;
    for (const auto id : here) {
        if (!std::ranges::count(left, session_of(associations_.at(id).control), &xa::Association::session)) forget_association(id);
    }
}

void BranchKeeper::end(ConnectionId connection, TransactionId id, xa::Flags flags, XaDone done) {
    if (!knows(connection, id)) return done(xa::ReturnCode::er_nota);
    const auto control = associations_.at(id).control;
    in_turn(control, [this, id, control, flags, done = std::move(done)]() mutable {
        const auto found = associations_.find(id);
        if (found == associations_.end()) return done(xa::ReturnCode::er_nota);
        auto carry_out = [this, id, flags, done = std::move(done)]() mutable {
            const auto ending = associations_.find(id);
            if (ending == associations_.end()) return done(xa::ReturnCode::er_nota);
            const auto code = branches_.registry().end(session_of(ending->second.control), ending->second.xid, flags);
            const bool is_done = code == xa::ReturnCode::ok && (flags & xa::tm::suspend) == 0;
            // With XA_RB* it has ended all the same; without the branch there is none.
            if (is_done || xa::is_rollback(code) || code == xa::ReturnCode::er_nota) forget_association(id);
            done(code);
        };
        if (found->second.awaited == 0) return carry_out();
        // What follows on this link waits too: its calls keep their order.
        controls_[control].is_blocked = true;
        found->second.end_waits = std::move(carry_out);
    });
}

void BranchKeeper::in_turn(ControlId control, UniqueFunction<void()> call) {
    const auto found = controls_.find(control);
    if (found != controls_.end() && found->second.is_blocked) {
        found->second.waiting.push_back(std::move(call));
    } else {
        call();
    }
}

void BranchKeeper::unblock(ControlId control) {
    const auto unblocked = controls_.find(control);
    if (unblocked == controls_.end()) return;
    unblocked->second.is_blocked = false;
    // A call may block the link again, and its answer may be what closes it.
    for (auto link = unblocked; link != controls_.end() && !link->second.is_blocked; link = controls_.find(control)) {
        if (link->second.waiting.empty()) return;
        auto next = std::move(link->second.waiting.front());
        link->second.waiting.pop_front();
        next();
    }
}

void BranchKeeper::await_put(TransactionId id) { ++associations_.at(id).awaited; }

void BranchKeeper::awaited_put_came(TransactionId id) {
    const auto found = associations_.find(id);
    if (found == associations_.end() || found->second.awaited == 0 || --found->second.awaited > 0 || !found->second.end_waits) return;
    const auto control = found->second.control;
    auto end = std::exchange(found->second.end_waits, nullptr);
    end();
    unblock(control);
}

void BranchKeeper::close_control(ControlId control) {
    // Nobody is there to hear the answers.
    const auto link = controls_.extract(control);
    if (!link.empty()) {
        for (const auto id : link.mapped().associations) forget_association(id);
    }
    branches_.registry().lose(session_of(control));
}

void BranchKeeper::close_connection(ConnectionId connection) {
    std::vector<ControlId> lost;
    for (const auto& [control, link] : controls_) {
        if (link.connection == connection) lost.push_back(control);
    }
    std::sort(lost.begin(), lost.end());
    for (const auto control : lost) close_control(control);
}

// Calls that complete a branch

xa::CallId BranchKeeper::expect(XaDone done) {
    const xa::CallId id{next_call_++};
    calls_.emplace(id.value, std::move(done));
    return id;
}

void BranchKeeper::answer(xa::CallId call, xa::ReturnCode code) {
    auto node = calls_.extract(call.value);
    if (!node.empty() && node.mapped()) node.mapped()(code);
}

void BranchKeeper::complete(ControlId control, XaCall call, XaDone done) {
    in_turn(control, [this, control, call = std::move(call), done = std::move(done)]() mutable {
        auto& registry = branches_.registry();
        const auto session = session_of(control);
        const auto id = expect(std::move(done));
        switch (call.kind) {
            case XaCall::Kind::prepare: registry.prepare(session, id, call.xid, call.flags); break;
            case XaCall::Kind::commit: registry.commit(session, id, call.xid, call.flags); break;
            case XaCall::Kind::rollback: registry.rollback(session, id, call.xid, call.flags); break;
            case XaCall::Kind::forget: registry.forget(session, id, call.xid, call.flags, std::move(call.decision)); break;
        }
        // One that has done nothing ends without a record.
        const auto known = known_.find(call.xid);
        if (known != known_.end() && registry.find(call.xid) == nullptr && known->second.is_idle()) known_.erase(known);
    });
}

void BranchKeeper::resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, XaDone done) {
    branches_.registry().resolve(expect(std::move(done)), xid, outcome, std::move(decision));
}

void BranchKeeper::queue_closes(DestinationId queue) {
    std::map<TransactionId, xa::Xid> concerned;  // in the order in which they began, since what fails too often is moved in that
    for (const auto& [xid, known] : known_) {
        if (known.is_prepared) continue;
        const bool puts = std::ranges::any_of(known.work.puts, [&](const auto& put) { return put.queue == queue; });
        const bool gets = std::ranges::any_of(known.work.gets, [&](const auto& get) { return get.queue == queue; });
        if (puts || gets) concerned.emplace(known.owner, xid);
    }
    for (const auto& [owner, xid] : concerned) branches_.registry().doom(xid, xa::ReturnCode::rb_other);
}

/// Branches that are not prepared are rolled back, without counting: nobody has failed.
void BranchKeeper::stop() {
    for (auto& [xid, known] : known_) {
        if (known.is_prepared || known.under_way != nullptr || !known.puts.empty() || !known.gets.empty()) continue;
        auto work = std::exchange(known.work, {});
        transactions_.roll_back_work(known.owner, work, Queue::Return::unchanged);
    }
    associations_.clear();
    controls_.clear();
    for (auto& [xid, known] : known_) known.associations.clear();
}

void BranchKeeper::tick() {
    branches_.tick();
    const auto now = context_.clock.monotonic_now();
    if (now - memory_looked_at_ < std::chrono::seconds(1)) return;
    memory_looked_at_ = now;
    if (transactions_.bytes() > context_.settings.memory_bytes / 2) let_memory_go();
}

/// A manager that does not come back must not take the memory of all transactions with it. What its branches have put is in the store, and
/// is read again when it has its place.
void BranchKeeper::let_memory_go() {
    for (auto& [xid, known] : known_) {
        if (!known.is_prepared || known.work.bytes == 0) continue;
        for (auto& put : known.puts) {
            if (put.is_moved) continue;
            put.arrival.message = without_bytes(*put.arrival.message);
            put.arrival.parked = true;
            put.is_known = false;
        }
        transactions_.forget_bytes(std::exchange(known.work.bytes, 0));
    }
}

std::vector<BranchMessage> BranchKeeper::messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit) const {
    std::vector<BranchMessage> found;
    const auto known = known_.find(xid);
    if (known == known_.end() || !known->second.is_prepared) return found;
    const auto add = [&](const BranchMessage& message) {
        if (first > 0) {
            --first;
        } else if (found.size() < limit) {
            found.push_back(message);
        }
    };
    for (const auto& put : known->second.puts) {
        // One that was got, on its way to a dead-letter queue, is told of below.
        if (!put.is_moved) add({true, put.queue, put.arrival.message->number, put.arrival.message->size()});
    }
    for (const auto& get : known->second.gets) add({false, get.queue, get.number, get.bytes});
    // Those in memory only have no rows that could be read.
    for (const auto& get : known->second.work.gets) add({false, get.queue, {}, 0});
    return found;
}

// Work

bool BranchKeeper::knows(ConnectionId connection, TransactionId id) const {
    const auto found = associations_.find(id);
    return found != associations_.end() && found->second.connection == connection;
}

TransactionId BranchKeeper::owner(TransactionId id) const {
    const auto known = known_.find(associations_.at(id).xid);
    return known == known_.end() ? id : known->second.owner;
}

std::optional<Error> BranchKeeper::refusal(TransactionId id) const {
    const auto* const found = branches_.registry().find(associations_.at(id).xid);
    const auto code = found == nullptr ? xa::ReturnCode::er_nota : found->may_work(session_of(associations_.at(id).control));
    if (code == xa::ReturnCode::ok) return std::nullopt;
    return refusal_of(code);
}

void BranchKeeper::fail(TransactionId id) { branches_.registry().doom(associations_.at(id).xid, xa::ReturnCode::rb_other); }

Result<void> BranchKeeper::put(TransactionId id, Queue& queue, TransactionPut put) {
    const auto& association = associations_.at(id);
    if (queue.is_temporary()) return Error(errc::not_allowed, "a message to a temporary queue cannot be part of a global transaction");
    const xa::Work work{.puts = 1, .gets = 0, .bytes = put.message->size()};
    Branch& known = branch(association.xid);
    if (const auto limit = transactions_.limit(known.work, put)) return *limit;
    const auto code = branches_.registry().add_work(session_of(association.control), association.xid, work);
    if (code != xa::ReturnCode::ok) return refusal_of(code);
    transactions_.add_put(known.work, queue, std::move(put));
    return {};
}

Result<void> BranchKeeper::enlist(Consumer& consumer, EnlistCommand command) {
    const auto& association = associations_.at(command.transaction);
    Queue& queue = *consumer.queue;
    // This may be what ends a branch whose time is over: what it has got and what is refused here are back together, in their order.
    const Transactions::Pause pause(transactions_);
    const auto give_up = [&](const Error& reason) {
        if (command.settled) queue.settle(consumer, command.position, Modified{.delivery_failed = true, .undeliverable_here = false}, {});
        if (command.done) command.done(reason);
        return Result<void>();
    };
    const auto enlisting = known_.find(association.xid);
    const bool is_here = enlisting != known_.end() && queue.holder_of(command.position) == enlisting->second.owner;
    if (is_here && !refusal(command.transaction)) {
        Transactions::enlist_again(enlisting->second.work, std::move(command));
        return {};
    }
    const auto code = branches_.registry().add_work(session_of(association.control), association.xid, {.puts = 0, .gets = 1, .bytes = 0});
    if (code != xa::ReturnCode::ok) return give_up(refusal_of(code));
    Branch& known = branch(association.xid);
    const bool too_many = known.work.operations() >= context_.settings.transaction_operations;
    if (!too_many && queue.enlist(consumer, command.position, known.owner)) {
        known.work.gets.push_back(
            TransactionGet{queue.id(), command.position, std::move(command.outcome), command.settled, std::move(command.done)});
        return {};
    }
    const auto id = command.transaction;
    auto answer = give_up(Error(errc::transaction_rolled_back, "the delivery cannot be part of the branch"));
    fail(id);
    return answer;
}

/// Nothing of it is in the store.
void BranchKeeper::discard(const xa::Xid& xid) {
    auto node = known_.extract(xid);
    if (node.empty()) return;
    transactions_.roll_back_work(node.mapped().owner, node.mapped().work, Queue::Return::failed);
}

}  // namespace giromq::core
