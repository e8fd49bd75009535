#pragma once

#include <deque>
#include <utility>

#include "core/ports.hpp"

namespace giromq::test {

/// The core's worker, with the test as the scheduler: work waits until it is done, and its end waits until the core is told.
class FakeWork final : public core::WorkPort {
public:
    void run(Task work, Task done) override { waiting_.push_back({std::move(work), std::move(done)}); }

    std::size_t waiting() const { return waiting_.size(); }
    std::size_t worked() const { return worked_.size(); }
    bool idle() const { return waiting_.empty() && worked_.empty(); }

    /// The oldest piece of work is done; the core does not know yet.
    bool work() {
        if (waiting_.empty()) return false;
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        next.first();
        worked_.push_back(std::move(next.second));
        return true;
    }

    /// The core is told of the oldest that is done.
    bool tell() {
        if (worked_.empty()) return false;
        auto next = std::move(worked_.front());
        worked_.pop_front();
        next();
        return true;
    }

    /// Everything that waits. True if there was something.
    bool answer() {
        bool some = false;
        while (work() || tell()) some = true;
        return some;
    }

private:
    std::deque<std::pair<Task, Task>> waiting_;
    std::deque<Task> worked_;
};

}  // namespace giromq::test
