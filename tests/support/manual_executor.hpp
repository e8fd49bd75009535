#pragma once

#include <deque>

#include "base/executor.hpp"

namespace giromq::test {

/// An executor whose tasks run when the test says so.
class ManualExecutor final : public Executor {
public:
    void execute(Task task) override { tasks_.push_back(std::move(task)); }
    bool is_current() const override { return running_; }

    bool empty() const { return tasks_.empty(); }
    bool run_one() {
        if (tasks_.empty()) return false;
        Task task = std::move(tasks_.front());
        tasks_.pop_front();
        running_ = true;
        task();
        running_ = false;
        return true;
    }
    void run_all() {
        while (run_one()) {
        }
    }

private:
    std::deque<Task> tasks_;
    bool running_ = false;
};

}  // namespace giromq::test
