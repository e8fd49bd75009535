#include <sys/stat.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "config/errc.hpp"
#include "main/daemon.hpp"
#include "main/listeners.hpp"
#include "main/named_selectors.hpp"
#include "main/options.hpp"
#include "main/store_commands.hpp"

namespace giromq::daemon {
namespace {

ExitCode check_config(const config::Config& config) {
    auto checked = config::check_files(config);
    if (checked) checked = check_certificates(config);
    if (checked) {
        if (const auto selectors = named_selectors(config); !selectors) checked = selectors.error();
    }
    if (!checked) return report(checked.error());
    std::cout << (config.source.empty() ? std::string("the built-in configuration") : config.source) << " is valid\n";
    return ExitCode::ok;
}

/// A broker that would kill itself must have been told twice: a variable that a test has left behind is not enough.
Result<void> obey_failpoint(const Options& options) {
    const char* const variable = std::getenv("GIROMQ_FAILPOINT");
    if (variable == nullptr || *variable == '\0') return {};
    const std::string text = variable;
    if (!options.allow_failpoints) {
        return Error(config::errc::not_allowed,
                     "GIROMQ_FAILPOINT is set: the broker would kill itself there. Unset it, or for a test "
                     "start the broker with --allow-failpoints");
    }
    const auto choice = failpoint::parse(text);
    if (!choice) {
        return Error(config::errc::invalid, "GIROMQ_FAILPOINT: '" + text + "' is not NAME[:NTH] with one of the names in failpoint.hpp");
    }
    log::warning("failpoint_armed", {{"name", choice->name}, {"nth", choice->nth}, {"effect", "the broker will kill itself"}});
    failpoint::arm(*choice);
    return {};
}

ExitCode run(int argc, char** argv) {
    const auto parsed = parse_options(argc, argv);
    if (parsed.exit) return *parsed.exit;
    const auto& options = parsed.options;
    if (auto obeyed = obey_failpoint(options); !obeyed) return report(obeyed.error());
    const auto config = configuration_of(options);
    if (!config) return report(config.error());
    if (options.command == Options::Command::run)
        return run_daemon(
            *config, [options] { return configuration_of(options); }, options.dev);
    if (options.command == Options::Command::check_config) return check_config(*config);
    return run_store_command(options, *config);
}

}  // namespace
}  // namespace giromq::daemon

int main(int argc, char** argv) {
    // Whatever is written here is nobody else's business.
    ::umask(0077);
    try {
        return static_cast<int>(giromq::daemon::run(argc, argv));
    } catch (const std::exception& exception) {
        // A library's exception that no module has caught; not even memory can be relied on.
        std::cerr << "giromqd: " << exception.what() << '\n';
        return static_cast<int>(giromq::daemon::ExitCode::failed);
    }
}
