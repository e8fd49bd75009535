#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"
#include "selector/selector.hpp"

namespace giromq::admin {
namespace {

/// Of those in the store: they are in memory, too.
constexpr std::size_t stored_selectors_max = 1000;

Error unknown(const std::string& name) { return Error(errc::not_found, "there is no selector '" + name + "'"); }
Error configured(const std::string& name) {
    return Error(errc::configured, "the selector '" + name + "' is from the configuration; change it there");
}

/// Whether it may be stored: what is refused here is not found out by the first consumer that names it.
std::optional<Error> refusal(const std::string& name, const std::string& text) {
    if (!selector::is_selector_name(name)) {
        return Error(errc::invalid_argument, "a name has 1 to 64 letters, digits, dots, hyphens and underscores");
    }
    if (selector::is_no_selector(text)) return Error(errc::invalid_selector, "it is empty");
    const auto program = selector::compile(text);
    if (program) return std::nullopt;
    return Error(errc::invalid_selector, program.error().detail());
}

}  // namespace

using security::Action;

Result<std::vector<selector::SelectorDirectory::Entry>> BrokerAdmin::list_selectors(const Identity& who) const {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return allowed.error();
    return parts_.selectors.list();
}

Result<selector::SelectorDirectory::Entry> BrokerAdmin::view_selector(const Identity& who, const std::string& name) const {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return allowed.error();
    auto found = parts_.selectors.find(name);
    if (!found) return unknown(name);
    return std::move(*found);
}

void BrokerAdmin::put_selector(const Identity& who, std::string name, std::string text, Done<PutSelector> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    if (auto refused = refusal(name, text)) return done(std::move(*refused));
    parts_.core_executor.execute([this, by = who.user, entry = audit_entry(who, "selector.put", name), name = std::move(name),
                                  text = std::move(text), done = std::move(done)]() mutable {
        const auto existing = parts_.selectors.find(name);
        if (existing && existing->is_configured) return done(configured(name));
        if (!existing && parts_.selectors.stored_count() >= stored_selectors_max) {
            return done(Error(core::errc::resource_limit, "1000 selectors are stored; delete one first"));
        }
        NamedSelector selector{std::move(name), std::move(text), parts_.clock.wall_now()};
        auto copy = selector;
        auto stored = [this, by = std::move(by), selector = std::move(selector), done = std::move(done)](Result<void> result) mutable {
            if (!result) return done(result.error());
            const auto answer = parts_.selectors.find(selector.name) ? PutSelector::changed : PutSelector::created;
            log::info(answer == PutSelector::created ? "selector_created" : "selector_changed", {{"selector", selector.name}, {"by", by}});
            parts_.selectors.put(std::move(selector));
            done(answer);
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.put_selector(std::move(copy), std::move(stored)); });
    });
}

void BrokerAdmin::delete_selector(const Identity& who, std::string name, Done<void> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute(
        [this, by = who.user, entry = audit_entry(who, "selector.delete", name), name = std::move(name), done = std::move(done)]() mutable {
            const auto existing = parts_.selectors.find(name);
            if (!existing) return done(unknown(name));
            if (existing->is_configured) return done(configured(name));
            auto copy = name;
            auto removed = [this, by = std::move(by), name = std::move(name), done = std::move(done)](Result<void> result) mutable {
                if (result) {
                    parts_.selectors.remove(name);
                    log::info("selector_deleted", {{"selector", name}, {"by", by}});
                }
                done(std::move(result));
            };
            parts_.core.audited(std::move(entry), [&] { parts_.core.remove_selector(std::move(copy), std::move(removed)); });
        });
}

}  // namespace giromq::admin
