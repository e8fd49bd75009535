#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "admin/ports.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "model/named_selector.hpp"

namespace giromq::daemon {

/// Reads the configuration once more, as at the start: file and command line.
using ReadConfig = std::function<Result<config::Config>()>;

/// Takes over from a changed configuration what can change while the broker runs: queues, named selectors, the log level, thresholds of
/// alarms, limits of logins and certificates. Threads: any but the core's and workers of the store, since it waits for them; one reload
/// at a time.
class Reloading final : public admin::ReloadPort {
public:
    struct Actions {
        std::function<void(const config::Config&)> set_alarms;
        std::function<void(const config::Config&)> set_login_limits;
        std::function<void()> reload_certificates;
        /// Durable when it returns; how many queues have changed. Refused, none has.
        std::function<Result<std::size_t>(const config::Config&)> configure_queues;
        /// Whether there is a difference.
        std::function<bool(std::vector<NamedSelector>)> set_selectors;
    };

    Reloading(const config::Config& running, ReadConfig read, Actions actions);

    /// A configuration that is wrong changes nothing, and is an error of config; it is logged either way.
    Result<admin::Reloaded> reload() override;

private:
    Result<admin::Reloaded> read_and_take_over();
    void take_over(const config::Config& wanted, admin::Reloaded& reloaded);

    std::mutex mutex_;
    config::Config running_;
    const ReadConfig read_;
    const Actions actions_;
};

}  // namespace giromq::daemon
