#include <algorithm>

#include "simulation/messages.hpp"
#include "simulation/world.hpp"

namespace giromq::simulation {

// What clients do in transactions. Every put is new; what a committed or rolled back one had an identity for may be sent again later.

void World::transaction_step() {
    const auto lot = random_.below(100);
    if (transactions_.empty() || lot < 15) return declare();
    const auto index = static_cast<std::size_t>(random_.below(transactions_.size()));
    if (lot < 45) {
        for (auto left = random_.between(1, burst_most_); left > 0; --left) put(transactions_[index]);
    } else if (lot < 80) {
        for (auto left = random_.between(1, burst_most_); left > 0; --left) enlist(transactions_[index]);
    } else if (lot < 98) {
        discharge(index, random_.percent(25));
    } else {
        close_control();
    }
}

std::size_t World::transaction_puts() const {
    std::size_t puts = 0;
    for (const auto& transaction : transactions_) puts += transaction.puts.size();
    for (const auto& transaction : commits_) puts += 2 * transaction->puts.size();
    return puts + 2 * branch_puts(std::nullopt);
}

std::uint64_t World::kept_room(DestinationId queue) const {
    std::uint64_t puts = 0;
    for (const auto& transaction : transactions_) {
        puts += static_cast<std::uint64_t>(std::ranges::count(transaction.puts, queue, &Sent::queue));
    }
    return puts + branch_puts(queue);
}

std::uint64_t World::unanswered_in_transactions() const {
    std::uint64_t unanswered = 0;
    for (const auto& transaction : transactions_) {
        unanswered += static_cast<std::uint64_t>(std::ranges::count_if(transaction.gets, [](const Get& get) { return !get.settled; }));
    }
    for (const auto& branch : branches_) {
        unanswered += static_cast<std::uint64_t>(std::ranges::count(branch->work.gets, false, &Get::settled));
    }
    return unanswered;
}

void World::declare() {
    if (transactions_.size() > 6) return;
    if (connections_.empty()) connections_.push_back(ConnectionId{next_connection_++});
    const auto connection = random_.pick(connections_);
    const auto id = core_->declare(control_of(connection));
    if (!id.ok()) return model_.fail("a declare was refused: " + id.error().to_string());
    note("declare " + std::to_string(id->value) + " on " + std::to_string(connection.value));
    Transaction transaction;
    transaction.id = *id;
    transaction.connection = connection;
    transaction.deadline = clock_.monotonic_now() + settings_.transaction_timeout;
    transactions_.push_back(std::move(transaction));
}

void World::put(Transaction& transaction) {
    const auto queue = any_queue(random_.percent(3));
    if (!queue) return;
    const auto what = something_new(*queue);
    if (what.chunks == 0) return put(transaction.id, transaction.connection, what, message_of(what));
    // A large message comes when its chunks are durable, as broker/amqp sees to.
    core_->await_put(transaction.connection, transaction.id);
    ++transaction.uploads;
    ++unanswered_;
    auto left = std::make_shared<std::uint32_t>(what.chunks);
    auto refused = std::make_shared<bool>(false);
    auto whole = std::make_shared<std::shared_ptr<Message>>();
    *whole = message_of(what, [this, id = transaction.id, connection = transaction.connection, what, left, refused, whole,
                               run = run_](const Result<void>& stored) {
        if (run != run_) return;
        *refused = *refused || !stored.ok();
        if (--*left == 0) uploaded(id, connection, what, *whole, *refused);
    });
    // All were refused at once.
    if (*left == 0 && *whole != nullptr) core_->drop_chunks((*whole)->number);
}

void World::uploaded(TransactionId id, ConnectionId connection, const Sent& what, std::shared_ptr<Message> message, bool refused) {
    --unanswered_;
    const auto open = std::ranges::find(transactions_, id, &Transaction::id);
    if (open != transactions_.end()) --open->uploads;
    note("upload of " + std::to_string(what.tag) + (refused ? " is refused" : " has ended"));
    const bool has_queue = model_.queues.contains(what.queue) && !model_.queues.at(what.queue).deleting;
    if (!refused && has_queue) return put(id, connection, what, std::move(message));
    if (open != transactions_.end()) open->failed = true;
    if (message != nullptr) core_->drop_chunks(message->number);
    core_->work_refused(connection, id, Error(core::errc::resource_limit), true);
}

void World::put(TransactionId id, ConnectionId connection, const Sent& what, std::shared_ptr<Message> message) {
    core::SendCommand command;
    command.destination = what.queue;
    command.was_awaited = message->chunk_count > 0;
    command.message = std::move(message);
    command.sequence = what.sequence;
    command.duplicate_id = what.duplicate_id;
    command.transaction = id;
    command.connection = connection;
    std::optional<core::SendResult> answer;
    command.done = [&answer](const core::SendResult& result) { answer = result; };
    core_->send(std::move(command));
    if (!answer) return model_.fail("a put was not answered at once");
    note("put " + std::to_string(what.tag) + " in " + std::to_string(id.value) + (answer->accepted ? "" : ", refused"));
    if (answer->duplicate) return model_.fail("a new put was taken for a duplicate: " + std::to_string(what.tag));
    const auto open = std::ranges::find(transactions_, id, &Transaction::id);
    if (answer->accepted) {
        if (open == transactions_.end() || open->failed) return model_.fail("a put was accepted by a transaction that had failed");
        open->puts.push_back(what);
        return;
    }
    if (open == transactions_.end()) return;
    const bool limited = model_.queues.at(what.queue).settings.max_messages != 0 || settings_.memory_bytes <= 64u * 1024;
    if (!open->failed && !limited && faults_ever_ == 0) model_.fail("a put was refused for no reason: " + answer->error.to_string());
    open->failed = true;
}

void World::enlist(Transaction& transaction) {
    std::vector<SimConsumer*> holders;
    for (const auto& [key, consumer] : consumers_) {
        if (consumer->connection() == transaction.connection && !consumer->held.empty()) holders.push_back(consumer.get());
    }
    if (holders.empty()) return;
    SimConsumer& consumer = *random_.pick(holders);
    const auto index = static_cast<std::size_t>(random_.below(consumer.held.size()));
    const Get get = take_get(consumer, index);
    note("enlist " + std::to_string(get.tag) + " in " + std::to_string(transaction.id.value) + ", outcome " +
         std::to_string(get.outcome.index()) + (get.settled ? "" : ", unsettled"));
    auto command = command_of(get, consumer, transaction.id, transaction.connection);
    if (transaction.over) {
        return_at_once(consumer, get);
    } else {
        model_.enlist(get.tag);
        transaction.gets.push_back(get);
    }
    if (!core_->enlist(std::move(command)).ok()) model_.fail("an outcome was not enlisted");
}

World::Get World::take_get(SimConsumer& consumer, std::size_t index) {
    Get get;
    std::tie(get.tag, get.position) = consumer.held[index];
    get.by = consumer.key();
    get.settled = random_.percent(70);
    const auto lot = random_.below(100);
    get.outcome = Accepted{};
    if (lot >= 70 && lot < 80) get.outcome = Released{};
    if (lot >= 80 && lot < 92) get.outcome = Modified{random_.percent(70), random_.percent(30)};
    if (lot >= 92) get.outcome = Rejected{"amqp:not-allowed", "by chance"};
    consumer.held.erase(consumer.held.begin() + static_cast<std::ptrdiff_t>(index));
    return get;
}

core::EnlistCommand World::command_of(const Get& get, const SimConsumer& consumer, TransactionId id, ConnectionId connection) {
    core::EnlistCommand command;
    command.connection = connection;
    command.transaction = id;
    command.consumer = consumer.id;
    command.position = get.position;
    command.outcome = get.outcome;
    command.settled = get.settled;
    if (get.settled) return command;
    ++unanswered_;
    command.done = [this, run = run_](const Result<void>&) {
        if (run == run_) --unanswered_;
    };
    return command;
}

void World::return_at_once(SimConsumer& consumer, const Get& get) {
    if (get.settled) {
        model_.modify(get.tag, true, false);
    } else {
        consumer.held.emplace_back(get.tag, get.position);
    }
}

/// Told before the core is, since what goes back is delivered again at once.
void World::roll_back(Transaction& transaction) {
    for (const auto& get : transaction.gets) {
        const auto consumer = consumers_.find(get.by);
        const bool has_ended = consumer != consumers_.end() && consumer->second->has_ended;
        const bool goes_with_queue = has_ended && deleting_ == model_.messages.at(get.tag).home;
        const bool stays = !get.settled && consumer != consumers_.end() && (!has_ended || goes_with_queue) &&
                           consumer->second->connection() != closing_ && model_.messages.at(get.tag).holder == transaction_holder;
        model_.return_get(get.tag, stays ? get.by : 0);
        if (stays) consumer->second->held.emplace_back(get.tag, get.position);
    }
    for (const auto& put : transaction.puts) remember(put);
    transaction.gets.clear();
    transaction.puts.clear();
    ++rolled_back_;
}

void World::rolled_back_are_back() { model_.closed({}); }

void World::discharge(std::size_t index, bool fail) {
    // The core would wait with the commit; here the client does.
    if (!fail && transactions_[index].uploads > 0) return;
    auto transaction = std::make_shared<Transaction>(std::move(transactions_[index]));
    transactions_.erase(transactions_.begin() + static_cast<std::ptrdiff_t>(index));
    note((fail ? "roll back " : "commit ") + std::to_string(transaction->id.value));
    ++unanswered_;
    if (fail || transaction->failed) {
        roll_back(*transaction);
    } else {
        commits_.push_back(transaction);
        for (const auto& get : transaction->gets) model_.commit_get(transaction->id, get.tag, get.outcome);
        for (const auto& put : transaction->puts) {
            if (!model_.send(put.tag, put.queue, put.persistent, put.chunks > 0, put.expires_at)) model_.fail("a put is not new");
            model_.messages.at(put.tag).padding = put.padding;
        }
    }
    const bool must_fail = !fail && transaction->failed;
    core_->discharge(transaction->connection, transaction->id, fail,
                     [this, transaction, fail, must_fail, run = run_](const Result<void>& result) {
                         if (run != run_) return;
                         --unanswered_;
                         note("discharged " + std::to_string(transaction->id.value) + (result.ok() ? "" : ": refused"));
                         if (fail && !result.ok()) model_.fail("a rollback was refused: " + result.error().to_string());
                         if (must_fail && result.ok()) model_.fail("a transaction was committed that could only be rolled back");
                         if (!fail && !must_fail) discharged(transaction, result);
                     });
    rolled_back_are_back();
}

void World::discharged(const std::shared_ptr<Transaction>& transaction, const Result<void>& result) {
    std::erase(commits_, transaction);
    if (result.ok()) {
        ++committed_;
        for (const auto& get : transaction->gets) model_.get_committed(transaction->id, get.tag, get.outcome, get.by);
        for (const auto& put : transaction->puts) {
            model_.answered(put.tag, true, true, false);
            remember(put);
        }
        return;
    }
    if (faults_ever_ == 0) model_.fail("a commit was refused for no reason: " + result.error().to_string());
    for (const auto& get : transaction->gets) model_.get_refused(transaction->id, get.tag);
    for (const auto& put : transaction->puts) model_.answered(put.tag, true, false, false);
    roll_back(*transaction);
    rolled_back_are_back();
}

/// A message of a strict queue is about to be shown, and a commit has put it: if that had got messages there, it has let them go, although
/// it is not answered yet.
void World::find_out_about_commits(Tag shown, ConsumerKey to) {
    const auto home = model_.messages.at(shown).home;
    for (const auto& transaction : commits_) {
        if (std::ranges::count(transaction->puts, shown, &Sent::tag) == 0) continue;
        for (const auto& get : transaction->gets) {
            const auto before = model_.before_commit.find({transaction->id, get.tag});
            if (before == model_.before_commit.end() || before->second.home != home || get.by == to) continue;
            model_.get_committed(transaction->id, get.tag, get.outcome, get.by);
        }
    }
}

void World::close_control() {
    if (controls_.empty()) return;
    auto next = controls_.begin();
    std::advance(next, static_cast<std::ptrdiff_t>(random_.below(controls_.size())));
    const auto [connection, control] = *next;
    controls_.erase(next);
    note("close the control link of " + std::to_string(connection.value));
    end_transactions(connection);
    core_->close_control(control);
    rolled_back_are_back();
}

void World::end_transactions(ConnectionId connection) {
    controls_.erase(connection);
    for (auto& transaction : transactions_) {
        if (transaction.connection == connection) roll_back(transaction);
    }
    std::erase_if(transactions_, [&](const Transaction& transaction) { return transaction.connection == connection; });
    lose_ties(connection);
}

void World::time_out_transactions() {
    for (auto& transaction : transactions_) {
        if (transaction.over || transaction.deadline > clock_.monotonic_now()) continue;
        note("transaction " + std::to_string(transaction.id.value) + " takes too long");
        transaction.failed = transaction.over = true;
        roll_back(transaction);
    }
}

void World::fail_transactions(DestinationId queue) {
    for (auto& transaction : transactions_) {
        const auto puts_here = [&](const Sent& put) { return put.queue == queue; };
        const auto gets_here = [&](const Get& get) {
            return model_.messages.at(get.tag).home == queue && model_.messages.at(get.tag).holder == transaction_holder;
        };
        if (std::ranges::any_of(transaction.puts, puts_here) || std::ranges::any_of(transaction.gets, gets_here)) transaction.failed = true;
    }
}

/// After a crash: of every commit that was under way everything is on the disk, or nothing.
void World::check_commits_in_doubt() {
    for (const auto& transaction : commits_) {
        std::uint64_t done = 0;
        std::uint64_t undone = 0;
        const auto is_stored = [this](DestinationId queue, Tag tag) {
            for (const auto& entry : contents(queue)) {
                if (entry.message != nullptr && tag_of(*entry.message) == tag) return true;
            }
            return false;
        };
        const auto is_uncertain = [this](DestinationId id) {
            const auto queue = model_.queues.find(id);
            return queue == model_.queues.end() || queue->second.temporary || queue->second.deleting;
        };
        for (const auto& put : transaction->puts) {
            const auto& message = model_.messages.at(put.tag);
            // One that a page has shown may be taken, and gone, before its commit was answered.
            const bool untouched = message.presence == Presence::pending && message.home == put.queue && !message.maybe_purged;
            if (!put.persistent || is_uncertain(put.queue) || !untouched || put.expires_at.is_set()) continue;
            ++(is_stored(put.queue, put.tag) ? done : undone);
        }
        for (const auto& get : transaction->gets) {
            const auto before = model_.before_commit.find({transaction->id, get.tag});
            if (before == model_.before_commit.end() || !before->second.persistent || is_uncertain(before->second.home)) continue;
            const bool leaves = std::holds_alternative<Accepted>(get.outcome) ||
                                (std::holds_alternative<Rejected>(get.outcome) && before->second.home != model_.dead_letter_queue);
            if (leaves) ++(is_stored(before->second.home, get.tag) ? undone : done);
        }
        if (done > 0 && undone > 0) {
            model_.fail("of the transaction " + std::to_string(transaction->id.value) + " " + std::to_string(done) +
                        " effects are on the disk and " + std::to_string(undone) + " are not");
        }
    }
}

}  // namespace giromq::simulation
