#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/executor.hpp"

namespace giromq::net {

/// One thread for work that is slow on purpose or may wait: hashing of passwords, reading of certificates. Serial, as every Executor.
/// Who gives it work bounds how much: a connection logs in once at a time.
class WorkerThread final : public Executor {
public:
    WorkerThread();
    /// Ends the thread after the task that runs; those that wait are destroyed.
    ~WorkerThread() override;
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;

    void execute(Task task) override;
    bool is_current() const override;
    void stop();

private:
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace giromq::net
