#include "main/named_selectors.hpp"

#include <utility>

#include "selector/selector.hpp"

namespace giromq::daemon {

Result<std::vector<NamedSelector>> named_selectors(const config::Config& config) {
    std::vector<NamedSelector> selectors;
    for (const auto& named : config.selectors) {
        auto text = config::read_selector(named);
        if (!text) return Error(config::errc::cannot_read, "selector '" + named.name + "': " + text.error().detail());
        const auto program = selector::compile(*text);
        if (!program) {
            return Error(config::errc::not_allowed, "selector '" + named.name + "': " + named.file + ":" + program.error().detail());
        }
        selectors.push_back({named.name, std::move(text).value(), {}});
    }
    return selectors;
}

}  // namespace giromq::daemon
