#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/executor.hpp"

namespace giromq::store::test {

/// The core's executor as a thread, which counts its tasks.
class ThreadExecutor final : public Executor {
public:
    ThreadExecutor() : thread_([this] { run(); }) {}
    ~ThreadExecutor() override { stop(); }

    void execute(Task task) override {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
        wake_.notify_all();
    }
    bool is_current() const override { return std::this_thread::get_id() == thread_.get_id(); }

    /// Waits until `count` tasks have run.
    void wait_for_tasks(std::size_t count) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return tasks_run_ >= count; });
    }
    /// Runs what was given, then ends.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            wake_.notify_all();
        }
        if (thread_.joinable()) thread_.join();
    }
    std::size_t tasks_run() const {
        const std::lock_guard lock(mutex_);
        return tasks_run_;
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
            if (tasks_.empty()) return;
            Task task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            lock.lock();
            ++tasks_run_;
            wake_.notify_all();
        }
    }

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Task> tasks_;
    std::size_t tasks_run_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace giromq::store::test
