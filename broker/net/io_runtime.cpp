#include "net/io_runtime.hpp"

#include <algorithm>
#include <csignal>

namespace giromq::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// More than two threads that look for work at the same time take more from the machine than they bring.
constexpr unsigned looking_max = 2;

}  // namespace

IoRuntime::IoRuntime(unsigned threads, std::chrono::nanoseconds busy_wait)
    : context_(static_cast<int>(std::max(threads, 1u))),
      work_(context_.get_executor()),
      thread_count_(std::max(threads, 1u)),
      busy_wait_(busy_wait) {
    // OpenSSL writes to sockets without MSG_NOSIGNAL: a client that goes away must not end the broker.
    std::signal(SIGPIPE, SIG_IGN);
}

IoRuntime::~IoRuntime() { stop(); }

void IoRuntime::start() {
    for (unsigned index = 0; index < thread_count_; ++index) {
        // An exception out of a task is a broken invariant: it ends the process.
        threads_.emplace_back([this]() noexcept { serve(); });
    }
}

void IoRuntime::serve() {
    if (busy_wait_.count() == 0) {
        context_.run();
        return;
    }
    BusyWait wait(busy_wait_);
    while (!context_.stopped()) {
        if (context_.poll() > 0) continue;
        const auto idle_since = SteadyClock::now();
        if (look_for_work(wait)) continue;
        context_.run_one();
        wait.idled(SteadyClock::now() - idle_since);
    }
}

/// True if there was some; it is done.
bool IoRuntime::look_for_work(const BusyWait& wait) {
    const bool may_look = looking_.fetch_add(1, std::memory_order_relaxed) < looking_max;
    const bool found = may_look && wait.look([this] { return context_.poll() > 0 || context_.stopped(); });
    looking_.fetch_sub(1, std::memory_order_relaxed);
    return found;
}

void IoRuntime::stop() {
    work_.reset();
    context_.stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

}  // namespace giromq::net
