#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

namespace giromq::net {

/// The threads that serve every socket, and run the core when it is free.
class IoRuntime {
public:
    /// `threads` from 1.
    explicit IoRuntime(unsigned threads);
    ~IoRuntime();
    IoRuntime(const IoRuntime&) = delete;
    IoRuntime& operator=(const IoRuntime&) = delete;

    boost::asio::io_context& context() { return context_; }

    void start();
    /// Ends the threads; what was still to be run is dropped. Not from one of them.
    void stop();

private:
    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    unsigned thread_count_;
    std::vector<std::thread> threads_;
};

}  // namespace giromq::net
