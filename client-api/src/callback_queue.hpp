#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace giromq::detail {

/// Runs listeners of the application one after the other on a thread of their own, so that the I/O thread never waits for the application.
/// The thread is started with the first task.
///
/// Threads: post() from any thread, also while holding the connection's mutex. Tasks must not throw.
class CallbackQueue {
public:
    using Task = std::function<void()>;

    CallbackQueue() = default;
    ~CallbackQueue();
    CallbackQueue(const CallbackQueue&) = delete;
    CallbackQueue& operator=(const CallbackQueue&) = delete;

    void post(Task task);
    bool is_current() const;
    /// Runs what is posted, then ends the thread. From a task itself: drops the others, and the thread ends by itself after that task.
    void stop();

private:
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<Task> tasks;
        bool stopping = false;
    };
    static void run(const std::shared_ptr<Shared>& shared);

    // Shared with the thread, which may outlive this object when it is destroyed by its own task.
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
    std::thread thread_;
    std::thread::id thread_id_;
};

}  // namespace giromq::detail
