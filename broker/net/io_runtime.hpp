#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <thread>
#include <vector>

#include "base/busy_wait.hpp"

namespace giromq::net {

/// The threads that serve every socket, and run the core when it is free.
class IoRuntime {
public:
    /// `threads` from 1; `busy_wait`: for how long a thread without work may look for some (base/busy_wait.hpp).
    explicit IoRuntime(unsigned threads, std::chrono::nanoseconds busy_wait = {});
    ~IoRuntime();
    IoRuntime(const IoRuntime&) = delete;
    IoRuntime& operator=(const IoRuntime&) = delete;

    boost::asio::io_context& context() { return context_; }

    void start();
    /// Ends the threads; what was still to be run is dropped. Not from one of them.
    void stop();

private:
    void serve();
    bool look_for_work(const BusyWait& wait);

    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    unsigned thread_count_;
    const std::chrono::nanoseconds busy_wait_;
    std::atomic<unsigned> looking_{0};
    std::vector<std::thread> threads_;
};

}  // namespace giromq::net
