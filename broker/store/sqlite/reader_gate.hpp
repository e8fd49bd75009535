#pragma once

#include <atomic>
#include <mutex>

namespace giromq::store::sqlite {

/// Lets the checkpoint run while no read transaction is open, so that it always copies the whole log and the log starts over. A reader
/// is told to finish early, so the checkpoint waits for one row at most.
class ReaderGate {
public:
    /// For the reading thread: held while a read transaction is open. Waits for a checkpoint that wants to run.
    std::unique_lock<std::mutex> enter() {
        wanted_.wait(true, std::memory_order_acquire);
        return std::unique_lock(mutex_);
    }
    /// True if the reader should leave as soon as it can.
    bool wanted() const { return wanted_.load(std::memory_order_relaxed); }

    /// For the store thread: held during a checkpoint.
    class Exclusive {
    public:
        explicit Exclusive(ReaderGate& gate) : gate_(gate) {
            gate_.wanted_.store(true, std::memory_order_release);
            gate_.mutex_.lock();
        }
        ~Exclusive() {
            gate_.mutex_.unlock();
            gate_.wanted_.store(false, std::memory_order_release);
            gate_.wanted_.notify_all();
        }
        Exclusive(const Exclusive&) = delete;
        Exclusive& operator=(const Exclusive&) = delete;

    private:
        ReaderGate& gate_;
    };

private:
    std::mutex mutex_;
    std::atomic<bool> wanted_{false};
};

}  // namespace giromq::store::sqlite
