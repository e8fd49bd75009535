#pragma once

#include <chrono>
#include <string>

/// What systemd is told (sd_notify), if it has started the broker; otherwise, or built without libsystemd, nothing happens.
namespace giromq::daemon::service_manager {

void ready(const std::string& status);
void stopping();
void status(const std::string& text);
/// Still alive.
void watchdog();
/// How often watchdog() has to be called at the latest; zero if nobody asks for it.
std::chrono::microseconds watchdog_interval();

}  // namespace giromq::daemon::service_manager
