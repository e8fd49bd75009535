#include <algorithm>
#include <utility>

#include "admin/errc.hpp"
#include "admin/operations.hpp"

// Copying: the originals are only looked at, and each copy is a message of its own, sent as any other. The bodies of large messages are
// copied chunk by chunk.

namespace giromq::admin {
namespace {

constexpr std::uint32_t stretch_entries = 128;
constexpr std::uint64_t batch_bytes = 1024 * 1024;

std::string sentence_of(const Error& error) { return error.detail().empty() ? error.code().message() : error.detail(); }

/// One message, with its chunks if it has any.
class Copy : public std::enable_shared_from_this<Copy> {
public:
    using Done = UniqueFunction<void(core::SendResult)>;

    Copy(const Messages::Parts& parts, DestinationId target, MessagePtr original, Done done)
        : parts_(parts), target_(target), original_(std::move(original)), done_(std::move(done)) {}

    void start() {
        copy_ = std::make_shared<Message>(*original_);
        copy_->number = {};
        copy_->arrived_at = parts_.clock.wall_now();
        if (original_->chunk_count > 0) copy_->number = parts_.core.begin_chunks();
        next_chunk();
    }

private:
    void next_chunk() {
        if (index_ == original_->chunk_count) return send();
        parts_.core.read_chunk(original_->number, index_, [self = shared_from_this()](Result<SharedBytes> chunk) {
            self->parts_.core_executor.execute([self, chunk = std::move(chunk)] {
                if (!chunk) return self->fail(Error(errc::not_found, "a message has gone while it was copied"));
                self->append(*chunk);
            });
        });
    }
    void append(const SharedBytes& chunk) {
        parts_.core.append_chunk(copy_->number, index_, chunk, [self = shared_from_this()](const Result<void>& stored) {
            if (!stored) return self->fail(stored.error());
            ++self->index_;
            self->next_chunk();
        });
    }
    void send() {
        core::SendCommand command;
        command.destination = target_;
        command.message = copy_;
        command.done = [self = shared_from_this()](const core::SendResult& result) { self->done_(result); };
        parts_.core.send(std::move(command));
    }
    void fail(const Error& error) {
        parts_.core.drop_chunks(copy_->number);
        core::SendResult result;
        result.accepted = false;
        result.error = error;
        done_(std::move(result));
    }

    Messages::Parts parts_;
    DestinationId target_;
    MessagePtr original_;
    std::shared_ptr<Message> copy_;
    std::uint32_t index_ = 0;
    Done done_;
};

/// What became of each of several originals: nothing, if it was not tried any more.
struct Copied {
    std::vector<std::optional<core::SendResult>> each;
    std::optional<Error> failure;  // the first

    std::uint64_t count() const {
        const auto arrived = [](const auto& result) { return result && result->accepted; };
        return static_cast<std::uint64_t>(std::count_if(each.begin(), each.end(), arrived));
    }
};

/// Copies one after another what it is given, up to the first that fails.
class Copies : public std::enable_shared_from_this<Copies> {
public:
    using Done = UniqueFunction<void(Copied)>;

    Copies(const Messages::Parts& parts, DestinationId target, std::vector<MessagePtr> originals, Done done)
        : parts_(parts), target_(target), originals_(std::move(originals)), done_(std::move(done)) {
        copied_.each.resize(originals_.size());
    }

    /// Small ones all at once, in order; a large one waits for those before it, and what is behind it waits for its chunks.
    void go_on() {
        while (next_ < originals_.size() && !is_large_ && !copied_.failure) {
            is_large_ = originals_[next_]->chunk_count > 0;
            if (is_large_ && under_way_ > 0) {
                is_large_ = false;
                return;
            }
            ++under_way_;
            const auto index = next_++;
            auto done = [self = shared_from_this(), index](core::SendResult result) { self->arrived(index, std::move(result)); };
            std::make_shared<Copy>(parts_, target_, originals_[index], std::move(done))->start();
        }
        if (under_way_ > 0 || is_over_) return;
        is_over_ = true;
        done_(std::move(copied_));
    }

private:
    void arrived(std::size_t index, core::SendResult result) {
        --under_way_;
        is_large_ = false;
        if (!result.accepted && !copied_.failure) copied_.failure = result.error;
        copied_.each[index] = std::move(result);
        if (under_way_ > 0) return;
        // As a task of its own: an answer may come before the call that asked for it returns.
        parts_.core_executor.execute([self = shared_from_this()] { self->go_on(); });
    }

    Messages::Parts parts_;
    DestinationId target_;
    std::vector<MessagePtr> originals_;
    std::size_t next_ = 0;
    std::uint64_t under_way_ = 0;
    Copied copied_;
    bool is_large_ = false;
    bool is_over_ = false;
    Done done_;
};

/// Also a dead letter: its copy is none, and would be gone at once.
bool can_be_copied(const core::LookedAt& item, Timestamp now) {
    return item.stored.message != nullptr && !item.stored.message->is_expired(now);
}

class Copier final : public Operations::Runner, public std::enable_shared_from_this<Copier> {
public:
    explicit Copier(Assignment assignment) : assignment_(std::move(assignment)) {}

    void start() override {
        through_ = core().newest_position();
        look();
    }
    void cancel() override { end(OperationView::State::cancelled, {}); }

private:
    core::Core& core() { return assignment_.parts.core; }

    void look() {
        if (has_ended_) return;
        core::LookCommand command;
        command.queue = assignment_.queue;
        command.after = after_;
        command.entries_max = stretch_entries;
        command.selector = assignment_.selector;
        command.done = [self = shared_from_this()](Result<core::Stretch> stretch) {
            if (!stretch) return self->end(OperationView::State::failed, sentence_of(stretch.error()));
            self->copy(*stretch);
        };
        core().look(std::move(command));
    }

    void copy(const core::Stretch& stretch) {
        if (has_ended_) return;
        if (const auto may = assignment_.still_allowed(); !may) return end(OperationView::State::failed, sentence_of(may.error()));
        const auto limit = assignment_.request.limit;
        std::vector<MessagePtr> originals;
        is_last_ = stretch.is_end || stretch.through <= after_ || stretch.through >= through_;
        for (const auto& item : stretch.items) {
            if (item.stored.key.position > through_) break;
            if (!can_be_copied(item, assignment_.parts.clock.wall_now())) {
                ++assignment_.view.skipped;
                continue;
            }
            if (limit != 0 && assignment_.view.done + originals.size() >= limit) {
                is_last_ = true;
                break;
            }
            originals.push_back(item.stored.message);
        }
        after_ = stretch.through;
        auto done = [self = shared_from_this()](const Copied& copied) { self->copied(copied); };
        std::make_shared<Copies>(assignment_.parts, assignment_.target, std::move(originals), std::move(done))->go_on();
    }

    void copied(const Copied& copied) {
        assignment_.view.done += copied.count();
        if (has_ended_) return assignment_.tell(assignment_.view);
        if (copied.failure) {
            ++assignment_.view.failed;
            return end(OperationView::State::failed, sentence_of(*copied.failure));
        }
        if (is_last_) return end(OperationView::State::done, {});
        assignment_.tell(assignment_.view);
        assignment_.parts.core_executor.execute([self = shared_from_this()] { self->look(); });
    }

    void end(OperationView::State state, std::string error) {
        if (std::exchange(has_ended_, true)) return;
        assignment_.view.state = state;
        assignment_.view.error = std::move(error);
        assignment_.tell(assignment_.view);
    }

    Assignment assignment_;
    Position after_;
    Position through_;
    bool is_last_ = false;
    bool has_ended_ = false;
};

/// The named ones: some are looked for, then copied, then the next.
class Named : public std::enable_shared_from_this<Named> {
public:
    Named(Assignment assignment, UniqueFunction<void(Result<Operations::Outcome>)> done)
        : assignment_(std::move(assignment)), done_(std::move(done)) {}

    void look() {
        const auto& ids = assignment_.request.ids;
        if (index_ == ids.size() || bytes_ >= batch_bytes) return copy();
        core::LookCommand command;
        command.queue = assignment_.queue;
        command.after = Position{ids[index_].value - 1};
        command.entries_max = 1;
        command.done = [self = shared_from_this()](Result<core::Stretch> stretch) {
            if (!stretch) return self->done_(stretch.error());
            self->take(*stretch);
        };
        assignment_.parts.core.look(std::move(command));
    }

private:
    void take(const core::Stretch& stretch) {
        const auto id = assignment_.request.ids[index_++];
        if (stretch.items.empty() || stretch.items.front().stored.key.position != id) {
            outcome_.failed.emplace_back(id, core::Change::not_found);
        } else if (stretch.items.front().stored.message == nullptr) {
            outcome_.failed.emplace_back(id, core::Change::damaged);
        } else if (!can_be_copied(stretch.items.front(), assignment_.parts.clock.wall_now())) {
            outcome_.failed.emplace_back(id, core::Change::expired);
        } else {
            bytes_ += stretch.items.front().stored.message->memory();
            batch_.push_back(id);
            originals_.push_back(stretch.items.front().stored.message);
        }
        assignment_.parts.core_executor.execute([self = shared_from_this()] { self->look(); });
    }

    void copy() {
        bytes_ = 0;
        auto done = [self = shared_from_this()](const Copied& copied) { self->copied(copied); };
        std::make_shared<Copies>(assignment_.parts, assignment_.target, std::exchange(originals_, {}), std::move(done))->go_on();
    }

    void copied(const Copied& copied) {
        outcome_.done += copied.count();
        if (copied.failure && outcome_.done == 0) return done_(*copied.failure);
        if (copied.failure) return end_early(copied);
        batch_.clear();
        if (index_ < assignment_.request.ids.size()) return look();
        done_(std::move(outcome_));
    }

    /// Some are there: whoever asked must know which are not, or would copy the others twice.
    void end_early(const Copied& copied) {
        const auto& ids = assignment_.request.ids;
        for (std::size_t index = 0; index < batch_.size(); ++index) {
            const auto& result = copied.each[index];
            if (result && result->accepted) continue;
            const bool has_gone = result && result->error.is(errc::not_found);
            outcome_.failed.emplace_back(batch_[index], has_gone ? core::Change::not_found : core::Change::resource_limit);
        }
        for (; index_ < ids.size(); ++index_) outcome_.failed.emplace_back(ids[index_], core::Change::resource_limit);
        std::sort(outcome_.failed.begin(), outcome_.failed.end());
        done_(std::move(outcome_));
    }

    Assignment assignment_;
    UniqueFunction<void(Result<Operations::Outcome>)> done_;
    std::size_t index_ = 0;
    std::vector<Position> batch_;  // the ids of the originals
    std::vector<MessagePtr> originals_;
    std::uint64_t bytes_ = 0;
    Operations::Outcome outcome_;
};

}  // namespace

std::shared_ptr<Operations::Runner> make_copier(Assignment assignment) { return std::make_shared<Copier>(std::move(assignment)); }

void copy_named(Assignment assignment, UniqueFunction<void(Result<Operations::Outcome>)> done) {
    std::make_shared<Named>(std::move(assignment), std::move(done))->look();
}

}  // namespace giromq::admin
