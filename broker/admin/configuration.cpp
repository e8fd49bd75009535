#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "admin/broker_admin.hpp"
#include "admin/security_plan.hpp"
#include "base/log.hpp"

namespace giromq::admin {
using security::Action;

namespace {

/// The core does other things in between.
constexpr std::size_t queues_in_a_slice = 256;
/// Changes under way: those that pile up during one COMMIT share the next.
constexpr std::size_t changes_at_once = 64;

bool is_in_use(const core::QueueView& queue) { return queue.messages > 0 || queue.consumers > 0 || queue.producers > 0; }

/// Those of the configuration are changed there, and temporary ones go with their connection.
bool is_defined_here(const core::QueueView& queue) {
    return queue.settings.origin == DestinationOrigin::administrator || queue.settings.origin == DestinationOrigin::automatic;
}

/// What is granted on a pattern, in one step or in several.
Definitions definitions_of(const std::vector<Permission>& permissions) {
    Definitions definitions;
    for (const auto& permission : permissions) {
        auto& actions = definitions[key_of(permission)]["actions"];
        actions = actions_text(actions_of(actions + (actions.empty() ? "" : " ") + actions_text(permission.actions)));
    }
    return definitions;
}

/// What is to be changed at the same time: those of a kind do not depend on each other.
bool is_same_stage(const Change& one, const Change& other) {
    const bool is_removal = one.kind == ChangeKind::remove;
    return one.key.first == other.key.first && is_removal == (other.kind == ChangeKind::remove);
}

/// They come one after another, and are made together.
bool is_of_security(const Change& change) {
    return change.key.first == DefinitionKind::user || change.key.first == DefinitionKind::permission;
}

/// Takes only whether it was done.
template <typename Done>
auto whether(Done done) {
    return [done = std::move(done)](auto made) mutable { done(made ? Result<void>() : Result<void>(made.error())); };
}

}  // namespace

/// What a broker has now.
struct BrokerAdmin::Inventory {
    Definitions definitions;
    Definitions configured;        // by the configuration file: not for a document, but it may name them as they are
    std::set<DefinitionKey> kept;  // not to be deleted: in use, or the dead-letter queue of one that is not defined here
    std::string after;             // queues up to this name are in it
    UniqueFunction<void(Inventory)> done;
};

/// A document that is being applied; used on the core's executor.
struct BrokerAdmin::Application {
    Identity who;
    std::vector<Change> changes;
    std::size_t next = 0;       // the first that was not tried yet
    std::size_t under_way = 0;  // of those before it
    bool was_refused = false;   // one of them
    AuditEntry entry;           // of the document as a whole; each change has a line of its own
    Done<std::vector<Change>> done;
};

void BrokerAdmin::take_inventory(const Identity& who, UniqueFunction<void(Inventory)> done) {
    auto inventory = std::make_shared<Inventory>();
    inventory->done = std::move(done);
    inventory->definitions = definitions_of(*parts_.users.permissions().snapshot());
    for (const auto& user : parts_.users.list()) {
        inventory->definitions[{DefinitionKind::user, user.name}] = {{"role", std::string(to_text(user.role))}};
    }
    for (const auto& entry : parts_.selectors.list()) {
        auto& where = entry.is_configured ? inventory->configured : inventory->definitions;
        where[{DefinitionKind::selector, entry.selector.name}] = {{"text", entry.selector.text}};
    }
    // Nobody locks himself out.
    inventory->kept.emplace(DefinitionKind::user, who.user);
    inventory->kept.emplace(DefinitionKind::queue, settings_.queue_defaults.dead_letter_queue);
    take_queues(std::move(inventory));
}

void BrokerAdmin::take_queues(std::shared_ptr<Inventory> inventory) {
    parts_.core_executor.execute([this, inventory = std::move(inventory)]() mutable {
        const auto queues = parts_.core.list_queues(inventory->after, queues_in_a_slice);
        for (const auto& queue : queues) {
            const DefinitionKey key{DefinitionKind::queue, queue.settings.name};
            if (is_in_use(queue)) inventory->kept.insert(key);
            if (is_defined_here(queue)) {
                inventory->definitions[key] = definition_of(queue.settings);
                continue;
            }
            if (queue.settings.origin == DestinationOrigin::configured) inventory->configured[key] = definition_of(queue.settings);
            inventory->kept.emplace(DefinitionKind::queue, queue.settings.dead_letter_queue);
        }
        if (queues.size() == queues_in_a_slice) {
            inventory->after = queues.back().settings.name;
            return take_queues(std::move(inventory));
        }
        auto done = std::move(inventory->done);
        done(std::move(*inventory));
    });
}

void BrokerAdmin::export_definitions(const Identity& who, Done<Definitions> done) {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return done(allowed.error());
    take_inventory(who, [done = std::move(done)](Inventory inventory) mutable { done(std::move(inventory.definitions)); });
}

void BrokerAdmin::compare_definitions(const Identity& who, DefinitionsDocument wanted, bool prune, Done<std::vector<Change>> done) {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return done(allowed.error());
    take_inventory(who, [this, wanted = std::move(wanted), prune, done = std::move(done)](Inventory inventory) mutable {
        parts_.workers.execute([inventory = std::move(inventory), wanted = std::move(wanted), prune, done = std::move(done)]() mutable {
            auto& now = inventory.definitions;
            for (const auto& [key, settings] : inventory.configured) {
                if (wanted.definitions.count(key) > 0) now.emplace(key, settings);
            }
            done(differences(now, wanted, prune, inventory.kept));
        });
    });
}

void BrokerAdmin::apply_definitions(const Identity& who, DefinitionsDocument wanted, bool prune, Done<std::vector<Change>> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    compare_definitions(who, std::move(wanted), prune, [this, who, done = std::move(done)](Result<std::vector<Change>> changes) mutable {
        if (!changes) return done(changes.error());
        auto application = std::make_shared<Application>();
        application->who = std::move(who);
        application->changes = std::move(*changes);
        application->done = std::move(done);
        application->entry = audit_entry(who, "configuration.apply", "", "changes: " + std::to_string(application->changes.size()));
        application->entry.outcome = "begun";
        record(application->entry);
        log::info("definitions_applied", {{"changes", application->changes.size()}, {"by", application->who.user}});
        parts_.core_executor.execute([this, application = std::move(application)]() mutable { go_on(std::move(application)); });
    });
}

void BrokerAdmin::go_on(std::shared_ptr<Application> application) {
    auto& [who, changes, next, under_way, was_refused, entry, done] = *application;
    while (next < changes.size() && under_way < changes_at_once) {
        Change& change = changes[next];
        if (is_of_security(change)) {
            if (under_way > 0) return;
            const auto first = next;
            while (next < changes.size() && is_of_security(changes[next])) ++next;
            ++under_way;
            return apply_security(std::move(application), first);
        }
        if (under_way > 0 && !is_same_stage(change, changes[next - 1])) return;
        // What is to be deleted comes last, and may be what was to be replaced.
        if (was_refused && change.kind == ChangeKind::remove) break;
        const auto index = next++;
        if (change.refused) {
            was_refused = true;
            continue;
        }
        ++under_way;
        apply(who, change, [this, application, index](Result<void> made) mutable {
            parts_.core_executor.execute([this, application = std::move(application), index, made = std::move(made)]() mutable {
                Change& tried = application->changes[index];
                tried.is_made = made.ok();
                if (!made) tried.refused = made.error();
                application->was_refused = application->was_refused || !made;
                --application->under_way;
                go_on(std::move(application));
            });
        });
    }
    if (under_way > 0 || !done) return;
    const auto made = std::count_if(changes.begin(), changes.end(), [](const Change& change) { return change.is_made; });
    const auto sum = std::to_string(made) + " of " + std::to_string(changes.size()) + " changes made";
    record(ended(std::move(entry), parts_.clock.wall_now(), was_refused ? "failed" : "done", sum));
    std::exchange(done, {})(std::move(changes));
}

/// A queue or a selector.
void BrokerAdmin::apply(const Identity& who, const Change& change, Done<void> done) {
    const auto& name = change.key.second;
    const bool is_removal = change.kind == ChangeKind::remove;
    if (change.key.first == DefinitionKind::queue) {
        if (is_removal) return delete_queue(who, name, false, std::move(done));
        return apply_queue(who, change, std::move(done));
    }
    if (is_removal) return delete_selector(who, name, std::move(done));
    put_selector(who, name, change.after.at("text"), whether(std::move(done)));
}

void BrokerAdmin::apply_queue(const Identity& who, const Change& change, Done<void> done) {
    const auto& name = change.key.second;
    // What the document does not speak of stays: who made the queue, and what is paused.
    auto overlay = [after = change.after](DestinationSettings settings) -> Result<DestinationSettings> {
        auto all = definition_of(settings);
        for (const auto& [setting, value] : after) all[setting] = value;
        auto wanted = queue_of(settings.name, all);
        if (!wanted) return wanted.error();
        wanted->kind = settings.kind;
        wanted->origin = settings.origin;
        wanted->is_sending_paused = settings.is_sending_paused;
        wanted->is_receiving_paused = settings.is_receiving_paused;
        return wanted;
    };
    if (change.kind == ChangeKind::update) return change_queue(who, name, std::move(overlay), whether(std::move(done)));
    auto queue = queue_of(name, change.after);
    if (!queue) return done(queue.error());
    // It may have come meanwhile, as the dead-letter queue of one before it.
    put_queue(who, std::move(*queue), [this, who, name, overlay, done = std::move(done)](Result<Put> put) mutable {
        const bool is_there = !put && put.error().is(errc::different);
        if (is_there) return change_queue(who, std::move(name), std::move(overlay), whether(std::move(done)));
        done(put ? Result<void>() : Result<void>(put.error()));
    });
}

/// Users, roles and permissions: in turn with other changes of them, and planned on a worker, since there may be thousands.
void BrokerAdmin::apply_security(std::shared_ptr<Application> application, std::size_t first) {
    in_turn([this, application = std::move(application), first]() mutable {
        parts_.workers.execute([this, application = std::move(application), first]() mutable {
            const std::span all(application->changes);
            const auto changes = all.subspan(first, application->next - first);
            auto plan = plan_security(changes, parts_.users.list(), *parts_.users.permissions().snapshot(), application->who, parts_.clock);
            parts_.core_executor.execute([this, application = std::move(application), first, plan = std::move(plan)]() mutable {
                commit_security(std::move(application), first, std::move(plan));
            });
        });
    });
}

void BrokerAdmin::commit_security(std::shared_ptr<Application> application, std::size_t first, SecurityPlan plan) {
    if (!plan.refused.empty()) {
        for (auto& [place, refusal] : plan.refused) application->changes[first + place].refused = std::move(refusal);
        return security_ended(std::move(application), first, false);
    }
    auto steps = std::move(plan.steps);
    if (steps.empty()) return security_ended(std::move(application), first, true);
    auto stored = [this, application = std::move(application), first, plan = std::move(plan)](Result<void> result) mutable {
        if (result) {
            take_over(std::move(plan), application->who.user);
        } else {
            for (auto place = first; place < application->next; ++place) application->changes[place].refused = result.error();
        }
        security_ended(std::move(application), first, result.ok());
    };
    parts_.core.change_security(std::move(steps), std::move(stored));
}

/// It is in the store, and holds from now on; links and connections that it does not allow any more end.
void BrokerAdmin::take_over(SecurityPlan plan, const std::string& by) {
    log::info("security_changed", {{"users", plan.users.size()}, {"permissions", plan.permissions.size()}, {"by", by}});
    parts_.users.permissions().replace_all(std::move(plan.permissions));
    parts_.users.replace_all(std::move(plan.users));
    for (const auto& name : plan.let_out) parts_.connections.close_user(name, "the user '" + name + "' was changed or deleted");
    parts_.connections.review_permissions();
}

void BrokerAdmin::security_ended(std::shared_ptr<Application> application, std::size_t first, bool is_made) {
    turn_ends();
    for (auto place = first; place < application->next; ++place) application->changes[place].is_made = is_made;
    application->was_refused = application->was_refused || !is_made;
    --application->under_way;
    parts_.core_executor.execute([this, application = std::move(application)]() mutable { go_on(std::move(application)); });
}

void BrokerAdmin::reload_configuration(const Identity& who, Done<Reloaded> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    if (parts_.configuration == nullptr) return done(Error(errc::not_found, "this broker has no configuration to read"));
    log::info("configuration_reload_asked_for", {{"by", who.user}});
    parts_.workers.execute([this, entry = audit_entry(who, "configuration.reload", ""), done = std::move(done)]() mutable {
        auto reloaded = parts_.configuration->reload();
        if (!reloaded) entry.outcome = "failed";
        record(std::move(entry));
        // What is wrong with the file is for who may change it to know. What the core refuses is told as it is.
        if (reloaded || reloaded.error().code().category() == errc_category<core::errc>()) return done(std::move(reloaded));
        done(Error(errc::invalid_argument, reloaded.error().detail()));
    });
}

}  // namespace giromq::admin
