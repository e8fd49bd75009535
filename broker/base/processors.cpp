#include "base/processors.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

namespace giromq {
namespace {

/// The quota of one group in processors; nothing if it has none.
std::optional<double> quota_of(const std::string& group) {
    std::string quota;
    double period = 0;
    if (std::ifstream both(group + "/cpu.max"); both >> quota >> period) {
        if (quota == "max" || period <= 0) return std::nullopt;
        std::istringstream number(quota);
        double time = 0;
        return number >> time && time > 0 ? std::optional(time / period) : std::nullopt;
    }
    double time = -1;
    std::ifstream(group + "/cpu.cfs_quota_us") >> time;
    std::ifstream(group + "/cpu.cfs_period_us") >> period;
    return time > 0 && period > 0 ? std::optional(time / period) : std::nullopt;
}

/// The least of the quotas of a group and those above it, up to the root.
double least_quota(const std::string& root, std::string path, double least) {
    for (;;) {
        if (const auto quota = quota_of(root + path)) least = std::min(least, *quota);
        if (path.empty()) return least;
        path.erase(path.find_last_of('/'));
    }
}

}  // namespace

unsigned usable_processors(const std::string& membership, const std::string& groups) {
    double usable = std::max(1u, std::thread::hardware_concurrency());
    std::ifstream lines(membership);
    // "0::/system.slice/giromqd.service" of v2, "3:cpu,cpuacct:/docker/1234" of v1.
    for (std::string line; std::getline(lines, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos || line[second + 1] != '/') continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        std::string path = line.substr(second + 1);
        if (path == "/") path.clear();
        if (controllers.empty()) {
            usable = least_quota(groups, path, usable);
        } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
            usable = least_quota(groups + "/" + controllers, path, usable);
            // A container sees its own group at the root.
            usable = least_quota(groups + "/" + controllers, {}, usable);
        }
    }
    return static_cast<unsigned>(std::max(1.0, std::floor(usable)));
}

}  // namespace giromq
