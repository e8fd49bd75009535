#pragma once

#include <string>

namespace giromq {

/// How many processors the process may keep busy all the time: those of the machine that it may run on, or fewer where a control group
/// gives it a quota of processor time (cpu.max of cgroup v2, cpu.cfs_quota_us of v1), as containers have. From 1; a part of one that is
/// left over does not count.
///
/// `membership` and `groups` are where the kernel tells it. What cannot be read is no quota.
unsigned usable_processors(const std::string& membership = "/proc/self/cgroup", const std::string& groups = "/sys/fs/cgroup");

}  // namespace giromq
