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

Result<std::vector<BrokerAdmin::SelectorEntry>> BrokerAdmin::list_selectors(const Identity& who) const {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return allowed.error();
    return parts_.selectors.list();
}

Result<BrokerAdmin::SelectorEntry> BrokerAdmin::view_selector(const Identity& who, const std::string& name) const {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return allowed.error();
    auto found = parts_.selectors.find(name);
    if (!found) return unknown(name);
    return std::move(*found);
}

/// An answer that lets the next change begin.
template <typename T>
BrokerAdmin::Done<T> BrokerAdmin::ending_turn(Done<T> done) {
    return [this, done = std::move(done)](Result<T> result) mutable {
        turn_ends();
        done(std::move(result));
    };
}

void BrokerAdmin::put_selector(const Identity& who, std::string name, std::string text, Done<PutSelector> done,
                               StillSo<SelectorEntry> still_so) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    if (auto refused = refusal(name, text)) return done(std::move(*refused));
    in_turn([this, by = who.user, entry = audit_entry(who, "selector.put", name), name = std::move(name), text = std::move(text),
             done = ending_turn(std::move(done)), still_so = std::move(still_so)]() mutable {
        const auto existing = parts_.selectors.find(name);
        if (still_so && !(existing && still_so(*existing))) return done(changed_meanwhile());
        if (existing && existing->is_configured) return done(configured(name));
        if (!existing && parts_.selectors.stored_count() >= stored_selectors_max) {
            return done(Error(core::errc::resource_limit, "1000 selectors are stored; delete one first"));
        }
        const auto answer = existing ? PutSelector::changed : PutSelector::created;
        NamedSelector selector{std::move(name), std::move(text), parts_.clock.wall_now()};
        auto copy = selector;
        auto stored = [this, answer, by = std::move(by), selector = std::move(selector),
                       done = std::move(done)](Result<void> result) mutable {
            if (!result) return done(result.error());
            log::info(answer == PutSelector::created ? "selector_created" : "selector_changed", {{"selector", selector.name}, {"by", by}});
            parts_.selectors.put(std::move(selector));
            done(answer);
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.put_selector(std::move(copy), std::move(stored)); });
    });
}

void BrokerAdmin::delete_selector(const Identity& who, std::string name, Done<void> done, StillSo<SelectorEntry> still_so) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    in_turn([this, by = who.user, entry = audit_entry(who, "selector.delete", name), name = std::move(name),
             done = ending_turn(std::move(done)), still_so = std::move(still_so)]() mutable {
        const auto existing = parts_.selectors.find(name);
        if (!existing) return done(unknown(name));
        if (still_so && !still_so(*existing)) return done(changed_meanwhile());
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
