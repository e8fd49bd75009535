#include "main/service_manager.hpp"

#include <cstdint>

#ifdef GIROMQ_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace giromq::daemon::service_manager {
namespace {

void notify([[maybe_unused]] const std::string& message) {
#ifdef GIROMQ_HAVE_SYSTEMD
    ::sd_notify(0, message.c_str());
#endif
}

}  // namespace

void ready(const std::string& status) { notify("READY=1\nSTATUS=" + status); }
void stopping() { notify("STOPPING=1\nSTATUS=stopping"); }
void status(const std::string& text) { notify("STATUS=" + text); }
void watchdog() { notify("WATCHDOG=1"); }

std::chrono::microseconds watchdog_interval() {
#ifdef GIROMQ_HAVE_SYSTEMD
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) > 0) return std::chrono::microseconds(microseconds / 2);
#endif
    return std::chrono::microseconds::zero();
}

}  // namespace giromq::daemon::service_manager
