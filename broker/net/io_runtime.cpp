#include "net/io_runtime.hpp"

#include <algorithm>
#include <csignal>

namespace giromq::net {

IoRuntime::IoRuntime(unsigned threads)
    : context_(static_cast<int>(std::max(threads, 1u))), work_(context_.get_executor()), thread_count_(std::max(threads, 1u)) {
    // OpenSSL writes to sockets without MSG_NOSIGNAL: a client that goes away must not end the broker.
    std::signal(SIGPIPE, SIG_IGN);
}

IoRuntime::~IoRuntime() { stop(); }

void IoRuntime::start() {
    for (unsigned index = 0; index < thread_count_; ++index) {
        // An exception out of a task is a broken invariant: it ends the process.
        threads_.emplace_back([this]() noexcept { context_.run(); });
    }
}

void IoRuntime::stop() {
    work_.reset();
    context_.stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

}  // namespace giromq::net
