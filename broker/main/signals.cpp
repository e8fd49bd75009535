#include "main/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace giromq::daemon {
namespace {

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    return set;
}

extern "C" void end_at_once(int) { ::_exit(1); }

}  // namespace

Signals::Signals() {
    const auto set = handled_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Kind Signals::wait(std::chrono::milliseconds timeout) {
    const auto set = handled_signals();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    timespec wait_time{};
    wait_time.tv_sec = seconds.count();
    wait_time.tv_nsec = std::chrono::nanoseconds(timeout - seconds).count();
    const int signal = ::sigtimedwait(&set, nullptr, &wait_time);
    if (signal < 0) return Kind::none;
    return signal == SIGHUP ? Kind::reload : Kind::stop;
}

void Signals::stop_at_once_from_now_on() {
    struct sigaction action {};
    action.sa_handler = end_at_once;
    sigemptyset(&action.sa_mask);
    for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace giromq::daemon
