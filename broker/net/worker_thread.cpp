#include "net/worker_thread.hpp"

#include <utility>

namespace giromq::net {
namespace {

thread_local const WorkerThread* current = nullptr;

}  // namespace

WorkerThread::WorkerThread() : thread_([this] { run(); }) {}
WorkerThread::~WorkerThread() { stop(); }

void WorkerThread::execute(Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        waiting_.push_back(std::move(task));
    }
    changed_.notify_one();
}

bool WorkerThread::is_current() const { return current == this; }

void WorkerThread::stop() {
    std::deque<Task> dropped;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        dropped.swap(waiting_);
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void WorkerThread::run() {
    current = this;
    for (;;) {
        Task task;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (stopping_) return;
            task = std::move(waiting_.front());
            waiting_.pop_front();
        }
        task();
    }
}

}  // namespace giromq::net
