#include "main/named_selectors.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace giromq::daemon {

Result<selector::NamedSelectors> named_selectors(const config::Config& config) {
    auto texts = std::make_shared<std::map<std::string, std::string, std::less<>>>();
    for (const auto& named : config.selectors) {
        auto text = config::read_selector(named);
        if (!text) return Error(config::errc::cannot_read, "selector '" + named.name + "': " + text.error().detail());
        const auto program = selector::compile(*text);
        if (!program) {
            return Error(config::errc::not_allowed, "selector '" + named.name + "': " + named.file + ":" + program.error().detail());
        }
        texts->emplace(named.name, std::move(text).value());
    }
    return selector::NamedSelectors([texts](std::string_view name) -> std::optional<std::string> {
        const auto found = texts->find(name);
        return found == texts->end() ? std::nullopt : std::optional(found->second);
    });
}

}  // namespace giromq::daemon
