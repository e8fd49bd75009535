#include <algorithm>
#include <utility>

#include "admin/errc.hpp"
#include "admin/operations.hpp"

// Moving, retrying and deleting. A mover is a consumer of the queue that nobody sees: it takes messages in turn with the others, up to the
// one that was the newest when it began, and hands them back to the core as one unit at a time, which takes them to their new place.

namespace giromq::admin {
namespace {

constexpr std::size_t unit_messages_max = 1000;
/// So many may be on their way to the mover while a unit is written.
constexpr std::uint64_t ahead = 2 * unit_messages_max;
/// What is left in its place has to be remembered while the operation runs.
constexpr std::uint64_t skipped_max = 20'000;

core::ChangeCommand::Kind kind_of(OperationKind kind) {
    switch (kind) {
        case OperationKind::retry: return core::ChangeCommand::Kind::retry;
        case OperationKind::remove: return core::ChangeCommand::Kind::remove;
        default: return core::ChangeCommand::Kind::move;
    }
}

std::string sentence_of(const Error& error) { return error.detail().empty() ? error.code().message() : error.detail(); }

std::string full_text(const Assignment& assignment) {
    if (assignment.request.kind == OperationKind::retry)
        return "a queue that dead letters came from is full; consume some or raise its limit";
    return "queue '" + assignment.request.to + "' is full; consume some or raise its limit";
}

class Mover final : public core::ConsumerPort, public Operations::Runner, public std::enable_shared_from_this<Mover> {
public:
    explicit Mover(Assignment assignment) : assignment_(std::move(assignment)) {}

    void start() override {
        core::ConsumerCommand command;
        command.destination = assignment_.queue;
        command.selector = assignment_.selector;
        command.port = this;
        command.is_administrative = true;
        command.through = core().newest_position();
        const auto opened = core().open_consumer(command);
        if (!opened) return end(OperationView::State::failed, sentence_of(opened.error()));
        consumer_ = *opened;
        self_ = shared_from_this();
        if (!command.through.is_set()) return end(OperationView::State::done, {});
        ask_for_more();
    }

    void cancel() override { end(OperationView::State::cancelled, {}); }

    // ConsumerPort

    void deliver(core::Delivery delivery) override {
        ++received_;
        waiting_.push_back(delivery.position);
        later();
    }
    void drained() override {
        is_asking_ = false;
        is_at_end_ = received_ < asked_for_;
        later();
    }
    void ended(const Error& reason) override {
        consumer_ = {};
        gone_ = sentence_of(reason);
        later();
    }

private:
    core::Core& core() { return assignment_.parts.core; }
    OperationView& view() { return assignment_.view; }

    /// A port must not call back into the core.
    void later() {
        if (std::exchange(is_scheduled_, true)) return;
        assignment_.parts.core_executor.execute([self = shared_from_this()] {
            self->is_scheduled_ = false;
            self->go_on();
        });
    }

    std::uint64_t wanted() const {
        const auto limit = assignment_.request.limit;
        const auto most = received_ - waiting_.size() + ahead;
        // What was skipped is none of them.
        return limit == 0 ? most : std::min(most, limit + assignment_.view.skipped);
    }

    void ask_for_more() {
        if (is_at_end_ || wanted() <= std::max(asked_for_, received_)) return;
        asked_for_ = wanted();
        is_asking_ = true;
        core().flow(consumer_, asked_for_, true);
    }

    void go_on() {
        if (has_ended_) return;
        if (!gone_.empty()) return end(OperationView::State::failed, gone_);
        if (is_writing_) return;
        if (!waiting_.empty()) {
            write();
            return;
        }
        ask_for_more();
        if (!is_asking_) end(OperationView::State::done, {});
    }

    void write() {
        if (const auto may = assignment_.still_allowed(); !may) return end(OperationView::State::failed, sentence_of(may.error()));
        const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), unit_messages_max));
        core::ChangeCommand command;
        command.kind = kind_of(assignment_.request.kind);
        command.holder = consumer_;
        command.positions.assign(waiting_.begin(), waiting_.begin() + count);
        command.target = assignment_.target;
        command.may_go_to = assignment_.may_go_to;
        command.done = [self = shared_from_this()](core::ChangeCommand::Answer answer) { self->written(answer); };
        waiting_.erase(waiting_.begin(), waiting_.begin() + count);
        is_writing_ = true;
        ask_for_more();
        core().change(std::move(command));
    }

    void written(const core::ChangeCommand::Answer& answer) {
        is_writing_ = false;
        if (answer.refused) {
            failure_ = sentence_of(*answer.refused);
        } else {
            for (const auto change : answer.changes) count(change);
        }
        if (has_ended_) return assignment_.tell(view());
        if (!failure_.empty()) return end(OperationView::State::failed, failure_);
        assignment_.tell(view());
        later();
    }

    void count(core::Change change) {
        if (change == core::Change::done) {
            ++view().done;
        } else if (change == core::Change::resource_limit) {
            ++view().failed;
            failure_ = full_text(assignment_);
        } else if (++view().skipped > skipped_max) {
            failure_ = "more than " + std::to_string(skipped_max) + " messages have to be left in their place; select the others";
        }
    }

    /// What it holds goes back to its place; what is being written is counted when that is known.
    void end(OperationView::State state, std::string error) {
        if (std::exchange(has_ended_, true)) return;
        view().state = state;
        view().error = std::move(error);
        if (consumer_.is_set()) core().close_consumer(std::exchange(consumer_, {}), core::CloseReason::orderly);
        if (!is_writing_) assignment_.tell(view());
        // Not at once: whoever calls may be a member.
        assignment_.parts.core_executor.execute([self = std::move(self_)] {});
    }

    Assignment assignment_;
    ConsumerId consumer_;
    std::shared_ptr<Mover> self_;  // while the core may call
    std::deque<Position> waiting_;
    std::uint64_t received_ = 0;
    std::uint64_t asked_for_ = 0;
    bool is_asking_ = false;
    bool is_at_end_ = false;
    bool is_writing_ = false;
    bool is_scheduled_ = false;
    bool has_ended_ = false;
    std::string gone_;
    std::string failure_;
};

/// Holds what was named, changes it, and lets the rest go.
class Hand final : public core::ConsumerPort, public std::enable_shared_from_this<Hand> {
public:
    Hand(Assignment assignment, UniqueFunction<void(Result<Operations::Outcome>)> done)
        : assignment_(std::move(assignment)), done_(std::move(done)) {}

    void start() {
        core::ConsumerCommand command;
        command.destination = assignment_.queue;
        command.port = this;
        command.is_administrative = true;
        const auto opened = core().open_consumer(command);
        if (!opened) return done_(opened.error());
        consumer_ = *opened;
        self_ = shared_from_this();
        core().hold(consumer_, assignment_.request.ids,
                    [self = self_](std::vector<core::Change> changes) { self->held(std::move(changes)); });
    }

    void deliver(core::Delivery) override {}
    void drained() override {}
    void ended(const Error&) override { consumer_ = {}; }

private:
    core::Core& core() { return assignment_.parts.core; }

    void held(std::vector<core::Change> changes) {
        core::ChangeCommand command;
        const auto& ids = assignment_.request.ids;
        for (std::size_t index = 0; index < ids.size(); ++index) {
            if (changes[index] == core::Change::done) {
                command.positions.push_back(ids[index]);
            } else {
                outcome_.failed.emplace_back(ids[index], changes[index]);
            }
        }
        if (command.positions.empty()) return finish({});
        held_ = command.positions;
        command.kind = kind_of(assignment_.request.kind);
        command.holder = consumer_;
        command.target = assignment_.target;
        command.may_go_to = assignment_.may_go_to;
        command.done = [self = self_](core::ChangeCommand::Answer answer) { self->changed(std::move(answer)); };
        core().change(std::move(command));
    }

    void changed(core::ChangeCommand::Answer answer) {
        if (answer.refused) return finish(std::move(answer.refused));
        for (std::size_t index = 0; index < held_.size(); ++index) {
            if (answer.changes[index] == core::Change::done) {
                ++outcome_.done;
            } else {
                outcome_.failed.emplace_back(held_[index], answer.changes[index]);
            }
        }
        std::sort(outcome_.failed.begin(), outcome_.failed.end());
        finish({});
    }

    void finish(std::optional<Error> refused) {
        if (consumer_.is_set()) core().close_consumer(std::exchange(consumer_, {}), core::CloseReason::orderly);
        const auto self = std::exchange(self_, nullptr);
        if (refused) return done_(std::move(*refused));
        done_(std::move(outcome_));
    }

    Assignment assignment_;
    UniqueFunction<void(Result<Operations::Outcome>)> done_;
    ConsumerId consumer_;
    std::shared_ptr<Hand> self_;  // while the core may call
    std::vector<Position> held_;
    Operations::Outcome outcome_;
};

}  // namespace

std::shared_ptr<Operations::Runner> make_mover(Assignment assignment) { return std::make_shared<Mover>(std::move(assignment)); }

void change_named(Assignment assignment, UniqueFunction<void(Result<Operations::Outcome>)> done) {
    std::make_shared<Hand>(std::move(assignment), std::move(done))->start();
}

}  // namespace giromq::admin
