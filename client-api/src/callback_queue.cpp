#include "callback_queue.hpp"

namespace giromq::detail {

CallbackQueue::~CallbackQueue() { stop(); }

void CallbackQueue::post(Task task) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->stopping) return;
    shared_->tasks.push_back(std::move(task));
    if (!thread_.joinable()) {
        thread_ = std::thread([shared = shared_] { run(shared); });
        thread_id_ = thread_.get_id();
    }
    shared_->changed.notify_one();
}

bool CallbackQueue::is_current() const {
    const std::lock_guard lock(shared_->mutex);
    return thread_id_ == std::this_thread::get_id();
}

void CallbackQueue::stop() {
    std::thread thread;
    std::deque<Task> dropped;  // destroyed without the lock
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->stopping = true;
        shared_->changed.notify_one();
        thread = std::move(thread_);
        if (thread.get_id() == std::this_thread::get_id()) {
            dropped.swap(shared_->tasks);
            return thread.detach();
        }
    }
    if (!thread.joinable()) return;
    thread.join();
    const std::lock_guard lock(shared_->mutex);
    thread_id_ = std::thread::id{};  // the system may give it to another thread
}

void CallbackQueue::run(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    for (;;) {
        shared->changed.wait(lock, [&] { return shared->stopping || !shared->tasks.empty(); });
        if (shared->tasks.empty()) return;
        Task task = std::move(shared->tasks.front());
        shared->tasks.pop_front();
        lock.unlock();
        task();
        task = nullptr;  // what it held is released without the lock
        lock.lock();
    }
}

}  // namespace giromq::detail
