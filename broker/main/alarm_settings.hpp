#pragma once

#include "admin/alarms.hpp"
#include "config/config.hpp"

namespace giromq::daemon {

/// The thresholds of alarms as the configuration has them.
admin::AlarmSettings alarm_settings(const config::Config& config);

}  // namespace giromq::daemon
