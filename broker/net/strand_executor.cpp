#include "net/strand_executor.hpp"

#include <boost/asio/defer.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace giromq::net {

struct StrandExecutor::State {
    explicit State(boost::asio::io_context& context) : io(context) {}

    boost::asio::io_context& io;
    mutable std::mutex mutex;
    std::vector<Task> waiting;
    bool busy = false;  // a thread runs tasks, or run() has been posted
    // Of the thread that runs tasks: the burst it has taken out of `waiting`. Kept for its capacity.
    std::vector<Task> burst;
};

namespace {

/// The executors whose tasks the thread is inside of, innermost first.
struct Frame {
    explicit Frame(const void* executor);
    ~Frame();
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    const void* executor;
    const Frame* outer;
};

thread_local const Frame* innermost = nullptr;

Frame::Frame(const void* the_executor) : executor(the_executor), outer(innermost) { innermost = this; }
Frame::~Frame() { innermost = outer; }

bool inside(const void* executor) {
    for (const Frame* frame = innermost; frame != nullptr; frame = frame->outer) {
        if (frame->executor == executor) return true;
    }
    return false;
}

/// After so many tasks of one executor the thread looks at its other work first.
constexpr std::size_t tasks_per_turn = 256;
/// A burst that grew larger than this gives its memory back.
constexpr std::size_t kept_capacity = 1024;

template <typename StatePointer>
void run(StatePointer state) {
    const Frame frame(state.get());
    std::size_t done = 0;
    for (;;) {
        {
            const std::lock_guard lock(state->mutex);
            if (state->waiting.empty()) {
                state->busy = false;
                return;
            }
            if (done < tasks_per_turn) std::swap(state->waiting, state->burst);
        }
        if (done >= tasks_per_turn) break;
        for (auto& task : state->burst) {
            task();
            task = nullptr;  // what it holds goes here too, in order
        }
        done += state->burst.size();
        state->burst.clear();
        if (state->burst.capacity() > kept_capacity) state->burst.shrink_to_fit();
    }
    auto& io = state->io;
    boost::asio::post(io, [state = std::move(state)]() mutable { run(std::move(state)); });
}

}  // namespace

StrandExecutor::StrandExecutor(boost::asio::io_context& io, Idle idle) : state_(std::make_shared<State>(io)), idle_(idle) {}
StrandExecutor::~StrandExecutor() = default;

void StrandExecutor::execute(Task task) { submit(std::move(task), idle_ == Idle::run_now); }
void StrandExecutor::dispatch(Task task) { submit(std::move(task), true); }

void StrandExecutor::submit(Task task, bool may_run_now) {
    // A copy: the last task may be the one that destroys this executor.
    auto state = state_;
    const bool now = may_run_now && state->io.get_executor().running_in_this_thread();
    {
        const std::lock_guard lock(state->mutex);
        if (state->busy || !now) state->waiting.push_back(std::move(task));
        if (state->busy) return;
        state->busy = true;
    }
    if (now) {
        {
            const Frame frame(state.get());
            task();
            task = nullptr;
        }
        run(std::move(state));
        return;
    }
    auto& io = state->io;
    auto turn = [state = std::move(state)]() mutable { run(std::move(state)); };
    // defer() keeps the work on this thread if it has nothing else to do; from outside it is the same as post().
    boost::asio::defer(io, std::move(turn));
}

bool StrandExecutor::is_current() const { return inside(state_.get()); }

bool StrandExecutor::is_idle() const {
    const std::lock_guard lock(state_->mutex);
    return !state_->busy;
}

}  // namespace giromq::net
